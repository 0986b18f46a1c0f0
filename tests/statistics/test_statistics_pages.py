"""The statistics pages as a browser without JavaScript sees them."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import apsw
import lxml.html
import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from tests.data import shared
from tests.statistics.conftest import NOW, furnish
from tomed import history
from tomed.app import build_app
from tomed.config import Config
from tomed.services import SERVICES, Services
from tomed.store import tokens, users


class Visitor:
    """Follows links and sends forms as they stand in the page."""

    def __init__(self, client: TestClient, services: Services) -> None:
        self.client, self.services = client, services
        self.headers = {"Accept": "text/html", "Origin": str(client.make_url("/")).rstrip("/")}

    async def get(self, path: str, status: int = 200) -> lxml.html.HtmlElement:
        async with self.client.get(path, headers=self.headers) as answer:
            text = await answer.text()
            assert answer.status == status, text[:3000]
        return lxml.html.document_fromstring(text)

    async def send(
        self, page: lxml.html.HtmlElement, action: str, status: int = 200, **said: object
    ) -> lxml.html.HtmlElement:
        form = next(f for f in page.xpath("//form[@method='post']") if f.get("action").endswith(action))
        fields = dict(form.form_values()) | said
        data: object = fields
        if "multipart" in form.get("enctype", ""):
            data = aiohttp.FormData()
            for name, value in fields.items():
                if isinstance(value, bytes):
                    data.add_field(name, value, filename=name)  # type: ignore[attr-defined]
                elif not (name in ("file", "wal") and not value):
                    data.add_field(name, value)  # type: ignore[attr-defined]
        async with self.client.post(form.get("action"), data=data, headers=self.headers) as answer:
            text = await answer.text()
            assert answer.status == status, text[:3000]
        return lxml.html.document_fromstring(text)

    async def wait_for(self, page: lxml.html.HtmlElement) -> lxml.html.HtmlElement:
        """Look again, as the page itself does, until an import is over."""
        while page.xpath("//meta[@http-equiv='refresh']"):
            await asyncio.sleep(0.1)
            page = await self.get("/statistics/history")
        return page


def said(page: lxml.html.HtmlElement) -> str:
    (main,) = page.xpath("//main")
    return " ".join(main.text_content().split())


@pytest.fixture
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    app = build_app(Config(data=tmp_path), clock=lambda: NOW)

    def people(connection: apsw.Connection) -> str:
        furnish(connection)
        return tokens.issue(connection, 1, "web", "Browser", NOW)

    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as client:
        secret = await app[SERVICES].store.write_long(people)
        client.session.cookie_jar.update_cookies({"tomed_session": secret}, client.make_url("/"))
        yield Visitor(client, app[SERVICES])


PATHS = (
    "/statistics",
    "/statistics?period=year",
    "/statistics?period=month",
    "/statistics?period=week",
    "/statistics?period=day",
    "/statistics?from=2025-08-01&to=2025-09-30",
    "/statistics/calendar",
    "/statistics/calendar?year=2025",
    "/statistics/books",
    "/statistics/books?group=author&period=year",
    "/statistics/books?group=device",
    "/statistics/series",
    "/statistics/year/2025",
    "/statistics/sessions",
    "/statistics/sessions/add",
    "/statistics/sessions/add?q=emma",
    "/statistics/sessions/add?book=uuid-4",
    "/statistics/history",
)


@pytest.mark.parametrize("path", PATHS)
async def test_a_new_reader_sees_every_page(visitor: Visitor, path: str) -> None:
    """Without any reading each page is there and makes up no number."""
    page = await visitor.get(path)
    assert page.xpath("//h1")


@pytest.mark.shared
async def test_a_real_history_from_the_upload_to_the_review(visitor: Visitor) -> None:
    """Look, take in, walk every page; what a table lists adds up to the total it shows."""
    data = shared("koreader/statistics/statistics.sqlite3").read_bytes()
    page = await visitor.get("/statistics/history")
    seen = await visitor.send(page, "/statistics/history", file=data)
    assert "1539 page turns in 28 books, 0 of them known" in said(seen)
    taken = await visitor.wait_for(await visitor.send(seen, "/take", do="take", device="Kobo"))
    assert "1539 new page turns of 1539" in said(taken)
    seen = await visitor.send(taken, "/statistics/history", file=data)
    assert "1539 page turns" in said(seen)
    again = await visitor.wait_for(await visitor.send(seen, "/take", do="take", device="Kobo"))
    assert "0 new page turns" in said(again)
    for path in PATHS:
        page = await visitor.get(path)
        for table in page.xpath("//table[tfoot]"):
            column = [i for i, th in enumerate(table.xpath("./thead/tr/th")) if th.text_content() == "Reading time"]
            listed = [row.xpath("./td")[column[0]].text_content() for row in table.xpath("./tbody/tr")]
            foot = table.xpath("./tfoot/tr/th")[column[0]].text_content()
            if "group=author" not in path:
                assert sum(map(_seconds, listed)) == _seconds(foot), path
        for picture in page.xpath("//*[local-name()='svg']"):
            assert picture.get("aria-label")
    whole = await visitor.get("/statistics")
    assert "29:48:30" in said(whole)
    assert whole.xpath("//figure")
    assert not whole.xpath("//main//script | //script[not(@src)]")


def _seconds(text: str) -> int:
    hours, minutes, seconds = re.fullmatch(r"(\d+):(\d\d):(\d\d)", text.strip()).groups()  # type: ignore[union-attr]
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


async def test_a_file_waits_until_it_is_taken_in(
    visitor: Visitor, history_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked through before anything is kept; progress is told; what broke off is still there to go on with."""
    start = NOW // 1000 - 90_000
    path = history_file(("md5-x", "Emma", [(page, start + page * 60, 50, 300) for page in range(1, 200)]))
    junk = await visitor.send(await visitor.get("/statistics/history"), "/statistics/history", status=400, file=b"junk")
    assert "readable" in said(junk)
    page = await visitor.send(await visitor.get("/statistics/history"), "/statistics/history", file=path.read_bytes())
    assert "199 page turns in 1 books" in said(page)
    assert "2:45:50" in said(page)
    assert "0:00:00" in said(await visitor.get("/statistics"))
    gate, take_in = threading.Event(), history.take_in

    def broken(*told: Any) -> Any:
        told[-1](50, 199)
        gate.wait(20)
        raise OSError("the disk is gone")

    monkeypatch.setattr(history, "take_in", broken)
    going = await visitor.send(page, "/take", do="take", device="Kobo")
    assert "50 of 199 page turns" in said(going)
    (bar,) = going.xpath("//progress")
    assert (bar.get("value"), bar.get("max")) == ("50", "199")
    gate.set()
    page = await visitor.wait_for(going)
    assert "still here" in said(page)
    assert "199 page turns in 1 books" in said(page)
    monkeypatch.setattr(history, "take_in", take_in)
    page = await visitor.wait_for(await visitor.send(page, "/take", do="take", device="Kobo"))
    assert "199 new page turns of 199" in said(page)
    assert "2:45:50" in said(await visitor.get("/statistics"))
    page = await visitor.send(page, "/statistics/history", file=path.read_bytes())
    page = await visitor.send(page, "/take", do="discard")
    assert "page turns in" not in said(page)


async def test_a_session_by_hand_is_added_changed_and_deleted(visitor: Visitor) -> None:
    """Typed in one's own zone, shown so again, kept in UTC."""
    await visitor.services.store.write(
        lambda c: c.execute("UPDATE users SET time_zone = 'Asia/Kolkata' WHERE id = 1").fetchall()
    )
    page = await visitor.get("/statistics/sessions/add?book=uuid-4")
    page = await visitor.send(
        page, "/add", started="2026-11-20T20:00", ended="2026-11-20T20:45", minutes="40,5", pages="30"
    )
    assert "20 Nov 2026, 20:00 – 20:45" in said(page)
    assert "0:40:30" in said(page)
    (edit,) = page.xpath("//a[text()='Edit']/@href")
    page = await visitor.get(edit)
    page = await visitor.send(page, edit, minutes="30")
    assert "0:30:00" in said(page)
    wrong = await visitor.send(await visitor.get(edit), edit, status=400, ended="2026-11-20T19:00")
    assert "ends after it began" in said(wrong)
    await visitor.send(await visitor.get(edit), edit, do="delete")
    assert "0 sessions" in said(await visitor.get("/statistics/sessions"))


async def test_goals_and_journeys(visitor: Visitor) -> None:
    """A goal and a stay are set and given up by forms alone."""
    page = await visitor.send(await visitor.get("/statistics"), "/goals", target="30", measure="minutes", period="day")
    assert "0 / 30" in said(page)
    page = await visitor.send(page, "/goals", target="0", measure="minutes", period="day")
    assert "0 / 30" not in said(page)
    page = await visitor.get("/statistics/history")
    page = await visitor.send(page, "/stays", **{"time_zone": "Asia/Tokyo", "from": "2026-11-01", "to": "2026-11-08"})
    assert "Asia/Tokyo: 2026-11-01 00:00 – 2026-11-07 23:59" in said(page)
    assert "Asia/Tokyo:" not in said(await visitor.send(page, "/remove"))
    wrong = {"time_zone": "Nowhere", "from": "2026-11-01", "to": "2026-11-08"}
    await visitor.send(page, "/stays", status=400, **wrong)


async def test_the_household_looks_only_where_it_may(visitor: Visitor) -> None:
    """Reading is shown when its reader says so: the sums, never the sessions, and nobody else changes anything."""
    store = visitor.services.store

    def bob_reads(connection: apsw.Connection) -> None:
        for number, start in enumerate((NOW - 90_000_000, NOW - 9_000_000)):
            connection.execute(
                "INSERT INTO sessions (user_id, event_id, book_id, started_at, ended_at, received_at, active_s)"
                " VALUES (2, ?, 4, ?, ?, 1, 1234)",
                (f"b{number}", start, start + 1_800_000),
            )

    await store.write(bob_reads)
    assert "Whose reading" not in said(await visitor.get("/statistics"))
    for path in ("", "/calendar", "/books", "/series", "/year/2026"):
        await visitor.get(f"/statistics{path}?of=bob", 404)
    await store.write(lambda c: users.show_statistics(c, 2, True))
    page = await visitor.get("/statistics")
    (link,) = page.xpath("//a[text()='bob']/@href")
    for path in ("", "/calendar", "/books", "/year/2026"):
        page = await visitor.get(f"/statistics{path}?of=bob")
        assert "0:41:08" in said(page), path
        assert not page.xpath("//main//a[contains(@href, '/sessions')]"), path
        assert not page.xpath("//main//form[@method='post']"), path
        for onward in page.xpath("//main//a[contains(@href, '/statistics')]/@href"):
            assert "of=bob" in onward or onward.endswith("/statistics"), onward
    assert link.endswith("/statistics?of=bob")
    assert "0:41:08" not in said(await visitor.get("/statistics/sessions?of=bob"))
    assert "0:41:08" not in said(await visitor.get("/statistics"))
    page = await visitor.send(await visitor.get("/settings"), "/settings/sharing", shows_statistics="yes")
    assert visitor.services.store.read(lambda c: users.by_name(c, "ann")).settings == {"shows_statistics": True}
    await visitor.send(page, "/settings/sharing", shows_statistics="")
    assert visitor.services.store.read(lambda c: users.by_name(c, "ann")).settings == {"shows_statistics": False}


async def test_forms_from_elsewhere_are_refused(visitor: Visitor) -> None:
    """A file that another site's page sends, or a form without its proof, changes nothing."""
    page = await visitor.get("/statistics/history")
    visitor.headers["Origin"] = "https://elsewhere.example"
    await visitor.send(page, "/statistics/history", status=403, file=b"x")
    visitor.headers["Origin"] = str(visitor.client.make_url("/")).rstrip("/")
    await visitor.send(page, "/statistics/history", status=403, form_token="wrong", file=b"x")
    for path in ("/statistics/calendar?year=99999", "/statistics/year/12", "/statistics/sessions/s9"):
        await visitor.get(path, 404)
