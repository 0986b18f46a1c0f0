"""What every answer carries, asked of every address that gives a page or JSON."""

from __future__ import annotations

import re

import pytest

from tests.browser import PASSWORD, Browser
from tests.libraries import LibraryFixture
from tests.security.test_strangers import HOLE, PAGE_ROUTES
from tomed.api.routes import PREFIX
from tomed.api.routes import ROUTES as API_ROUTES


@pytest.fixture
async def ann(browser_of, library: LibraryFixture) -> Browser:
    made: Browser = await browser_of(library)
    await made.add_user("ann", is_admin=True)
    await made.sign_in()
    return made


def filled(path: str, book_uuid: str) -> str:
    holes = {"book_uuid": book_uuid, "format": "EPUB", "size": "small", "table": "books", "year": "2026"}
    return HOLE.sub(lambda hole: holes.get(hole[1], "1"), path)


async def test_every_page_is_under_the_strict_policy(ann: Browser, library: LibraryFixture):
    """Pages, errors and refusals alike: no script but our own files, no frame around us, no guessing of types."""
    paths = [filled(r.path, library.books[0].uuid) for r in PAGE_ROUTES if r.method == "GET"]
    pages = 0
    for path in [*paths, "/no such page", "/books/none"]:
        async with ann.client.get(path, headers={"Accept": "text/html"}) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            if answer.content_type != "text/html":
                continue
            pages += 1
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy, path
            scripts = re.search(r"script-src ([^;]*)", policy)
            assert scripts is not None, path
            assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "data:", "http:", "https:"} & set(scripts[1].split())
            assert "frame-ancestors 'none'" in policy, path
            assert "base-uri 'none'" in policy, path
            assert answer.headers["X-Frame-Options"] == "DENY", path
            assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer"), path
    assert pages > 15


async def test_the_api_lets_no_other_site_in(ann: Browser, library: LibraryFixture):
    """No CORS header on any answer, so no other page can read one; and no browser guesses what JSON is."""
    for route in API_ROUTES:
        path = PREFIX + filled(route.path, library.books[0].uuid)
        async with ann.client.request(route.method, path, headers={"Origin": "https://evil.example"}) as answer:
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")], path
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            if route.method != "GET":
                assert answer.status in (401, 403, 415), path


async def test_a_session_that_was_there_before_is_not_taken_over(browser_of, library: LibraryFixture):
    """Session fixation: a value planted in the cookie before sign-in is worth nothing, before and after."""
    planted = "tomed_planted"
    victim: Browser = await browser_of(library)
    await victim.add_user("ann", is_admin=True)
    victim.client.session.cookie_jar.update_cookies({"tomed_session": planted}, victim.client.make_url("/"))
    await victim.sign_in("ann", PASSWORD)
    now = {cookie.key: cookie.value for cookie in victim.client.session.cookie_jar}
    assert now["tomed_session"] != planted
    attacker: Browser = await browser_of(beside=victim)
    attacker.client.session.cookie_jar.update_cookies({"tomed_session": planted}, attacker.client.make_url("/"))
    async with attacker.client.get("/settings", allow_redirects=False) as answer:
        assert answer.status == 303
