"""Every address there is, tried by somebody else: the walk is made from the route tables, so a new route is in it.

Ann has read, goals, a device, a file that waits and everything else that hangs on a person; each of her words and
numbers is one that nobody else has. Bob, who is no admin, asks every address for hers.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.browser import Browser
from tests.libraries import LibraryFixture
from tomed.api.routes import PREFIX
from tomed.api.routes import ROUTES as API_ROUTES
from tomed.clock import format_at, now_ms
from tomed.pages import MODULES
from tomed.store import scales, tokens

PAGE_ROUTES = [route for module in MODULES for route in module.ROUTES]
PUBLIC_API = {"/health", "/openapi.json", "/pair", "/pair/poll"}
"""What asks for no token, each with its reason in docs/security.md."""

HOLE = re.compile(r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}")
"""A variable part of an address, with the pattern it must have."""

SECRET = "annsecret"
HOUR_MS = 3_600_000
AT = now_ms() - 48 * HOUR_MS
DAY = format_at(AT)


@dataclass
class Life:
    """What is Ann's: the values that fill the holes of an address, and the browsers of both."""

    ann: Browser
    bob: Browser
    program: Browser
    """Without cookies: what a device is."""
    holes: dict[str, str] = field(default_factory=dict)
    ann_token: str = ""
    bob_token: str = ""
    before: dict[str, Any] = field(default_factory=dict)

    async def api(self, token: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.program.client.request(method, PREFIX + path, json=body, headers=headers) as answer:
            text = await answer.text(errors="replace")
            return answer.status, text

    async def told(self, token: str, path: str) -> Any:
        async with self.program.client.get(PREFIX + path, headers={"Authorization": f"Bearer {token}"}) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    def fill(self, path: str) -> str:
        """An address of the table with Ann's own values in its holes."""
        return HOLE.sub(lambda hole: self.holes[hole[1]], path)

    async def state(self) -> dict[str, Any]:
        """All that is Ann's, as she would take it away."""
        async with self.ann.client.get("/export/tomed.json") as answer:
            everything = await answer.json()
        everything.pop("made_at")
        for device in everything["devices"]:
            device.pop("last_seen_at")
        everything["sittings"] = (await self.told(self.ann_token, "/sittings"))["sittings"]
        everything["goals"] = (await self.told(self.ann_token, "/statistics"))["goals"]
        everything["silenced"] = (await self.told(self.ann_token, "/documents?silenced=1"))["documents"]
        everything["stays"] = (await self.ann.get("/statistics/history")).texts("//main//li")
        everything["keys"] = (await self.ann.get("/devices")).texts("//main//li | //main//tr")
        return everything


@pytest.fixture
async def life(browser_of, library: LibraryFixture) -> Life:
    ann: Browser = await browser_of(library)
    book = library.books[0]
    ann_id = await ann.add_user(SECRET + "-name", is_admin=True)
    bob_id = await ann.add_user("bob")
    bob: Browser = await browser_of(beside=ann)
    assert (await ann.sign_in(SECRET + "-name")).status == 200
    assert (await bob.sign_in("bob")).status == 200
    made = Life(ann, bob, await browser_of(beside=ann))
    store = ann.services.store
    made.ann_token = await store.write(lambda c: tokens.issue(c, ann_id, "device", SECRET + " Kobo", now_ms()))
    made.bob_token = await store.write(lambda c: tokens.issue(c, bob_id, "device", "Clara", now_ms()))
    ann_key = store.read(lambda c: c.execute("SELECT max(id) FROM tokens WHERE user_id = ?", (ann_id,)).fetchone()[0])

    known, unknown = {"book_uuid": book.uuid}, {"filename": f"{SECRET}-diary.epub", "title": f"{SECRET} diary"}
    sitting = {"type": "session", "at": DAY, "ended_at": DAY, "started_at": format_at(AT - HOUR_MS), "active_s": 3011}
    sitting |= {"pages_turned": 83, "start_fraction": 0.1, "end_fraction": 0.43219}
    place = {"type": "position", "at": DAY, "fraction": 0.43219, "text": f"{SECRET} sentence that follows"}
    events = [
        sitting | {"id": str(uuid.uuid4()), "book": known},
        sitting | {"id": str(uuid.uuid4()), "book": unknown},
        place | {"id": str(uuid.uuid4()), "book": known},
        place | {"id": str(uuid.uuid4()), "book": unknown},
        {"id": str(uuid.uuid4()), "type": "status", "at": DAY, "book": known, "status": "abandoned", "rating": 7},
    ]
    device = {"id": f"{SECRET}-device", "name": f"{SECRET} Kobo", "model": "", "koreader": "", "plugin": ""}
    status, _ = await made.api(made.ann_token, "POST", "/sync", {"device": device, "now": DAY, "events": events})
    assert status == 200
    goal = {"measure": "minutes", "period": "day", "target": 77}
    status, said = await made.api(made.ann_token, "PUT", "/statistics/goals", goal)
    assert status == 200, said
    stay = {"time_zone": "Asia/Kathmandu", "from": "2026-01-02", "to": "2026-01-05"}
    page = await ann.get("/statistics/history")
    assert (await ann.send(page, "/statistics/stays", **stay)).status == 200

    documents = (await made.told(made.ann_token, "/documents"))["documents"]
    sittings = (await made.told(made.ann_token, "/sittings"))["sittings"]
    series = (await made.told(made.ann_token, "/series"))["series"]
    stay_id = store.read(lambda c: c.execute("SELECT max(id) FROM stays").fetchone()[0])
    made.holes = {
        "book_uuid": book.uuid,
        "format": "EPUB",
        "series_id": str(series[0]["series_id"] if "series_id" in series[0] else series[0]["id"]),
        "document_id": str(documents[0].get("document_id", documents[0].get("id"))),
        "key": sittings[0]["key"],
        "token_id": str(ann_key),
        "stay_id": str(stay_id),
        "user_id": str(ann_id),
        "size": "small",
        "year": "2026",
        "table": "positions",
        "code": "guessed22",
        "secret": "guessed",
    }
    # the places that Ann told are measured in the background: the state is hers when that is done
    async with asyncio.timeout(60):
        while store.read(scales.waiting_books):
            await asyncio.sleep(0.02)
    made.before = await made.state()
    return made


BODIES: dict[str, Any] = {
    "/documents/{document_id}/link": {"book_uuid": "{book_uuid}"},
    "/documents/{document_id}/unlink": {},
    "/documents/{document_id}/silence": {"silenced": True},
    "/sittings/{key}": {"started_at": DAY, "ended_at": format_at(AT + HOUR_MS), "active_s": 60, "pages": 1},
}
"""What Bob sends where an address has something of Ann's in it; without a body of its own: ``{}``."""

FIELDS: dict[str, dict[str, str]] = {
    "/inbox/{document_id:\\d+}/place": {"book_uuid": "{book_uuid}"},
    "/books/{book_uuid}/restore": {"position_id": "1"},
    "/books/{book_uuid}/move": {"to": "{book_uuid}"},
    "/devices/{token_id:\\d+}/rename": {"name": "mine now"},
    "/users/{user_id:\\d+}/delete": {"name": SECRET + "-name"},
    "/users/{user_id:\\d+}/password": {"password": "taken over", "again": "taken over"},
    "/statistics/sessions/{key}": {"do": "delete"},
}
"""The same for forms."""

LEAVES = {"/sign-in", "/sign-out", "/settings/everywhere", "/settings/delete", "/settings/password"}
"""What would end Bob's own session or account: each has a test of its own."""


def filled(life: Life, body: Any) -> Any:
    return {k: v.format(**life.holes) if isinstance(v, str) else v for k, v in body.items()}


async def test_the_walk_would_see_anns_words(life: Life):
    """The control: Ann herself meets her words on many addresses, so their absence elsewhere means something."""
    seen = set()
    for route in API_ROUTES:
        if route.method == "GET":
            _, text = await life.api(life.ann_token, "GET", life.fill(route.path) + "?filename=x")
            if SECRET in text:
                seen.add(route.path)
    for page in PAGE_ROUTES:
        if page.method == "GET" and SECRET in (await life.ann.get(life.fill(page.path))).text:
            seen.add(page.path)
    assert {"/sessions", "/documents", "/inbox", "/devices", "/books/{book_uuid}", "/export/tomed.json"} <= seen


async def test_the_api_asks_for_a_token(life: Life):
    """Without one, and with a wrong one, only what is public answers."""
    for route in API_ROUTES:
        for token in ("", "tomed_wrong"):
            status, _ = await life.api(token, route.method, life.fill(route.path), {} if route.body else None)
            if route.path not in PUBLIC_API:
                assert status == 401, route
            elif not token:
                assert status != 401, route


async def test_bob_meets_nothing_of_anns_in_the_api(life: Life):
    """Whatever Bob asks or tells, with Ann's keys in the addresses: not a word of hers, and hers stays as it was."""
    assert "annsecret" in str(life.before)
    for route in API_ROUTES:
        body = filled(life, BODIES.get(route.path, {})) if route.method != "GET" else None
        _, text = await life.api(life.bob_token, route.method, life.fill(route.path), body)
        assert SECRET not in text, route
        if any(hole in route.path for hole in ("{document_id}", "{key}")):
            assert '"code":"not_found"' in text.replace(" ", ""), (route, text)
    assert await life.state() == life.before


async def test_bob_meets_nothing_of_anns_on_the_pages(life: Life):
    """The same for every page and every form, sent with the proof of Bob's own session."""
    own = await life.bob.get("/settings")
    (proof,) = set(own.tree.xpath("//form[@method='post']//input[@type='hidden'][@name='form_token']/@value")) or {""}
    for route in PAGE_ROUTES:
        if route.path in LEAVES:
            continue
        path = life.fill(route.path)
        if route.method == "GET":
            page = await life.bob.get(path)
        else:
            fields = {"form_token": proof} | filled(life, FIELDS.get(route.path, {}))
            page = await life.bob.post(path, fields, {"Origin": life.bob.origin, "Accept": "text/html"})
        assert SECRET not in page.text, route
        if route.access == "admin":
            assert page.status == 403, route
        if route.method == "POST" and any(hole in route.path for hole in ("document_id", "token_id", "{key}")):
            assert page.status == 404, (route, page.said)
    assert await life.state() == life.before


async def test_the_pages_ask_who_it_is(browser_of, library):
    """Who is not signed in sees the door, and changes nothing."""
    stranger: Browser = await browser_of(library)
    await stranger.add_user("ann", is_admin=True)
    for route in PAGE_ROUTES:
        if route.access == "anyone":
            continue
        path = HOLE.sub("1", route.path)
        async with stranger.client.request(route.method, path, allow_redirects=False) as answer:
            if route.method == "GET":
                assert answer.status == 303, (route, answer.status)
                assert (answer.status, answer.headers["Location"].split("?")[0]) == (303, "/sign-in"), route
            else:
                assert answer.status in (401, 403), route


def test_what_anyone_may_open_is_known():
    """A page that asks nobody who they are is a decision: it stands here too."""
    assert {route.path for route in PAGE_ROUTES if route.access == "anyone"} == {
        "/sign-in",
        "/welcome/{secret}",
        "/get/{code}",
        "/get/{code}/tomesync.koplugin.zip",
        "/sw.js",
        "/manifest.webmanifest",
    }
