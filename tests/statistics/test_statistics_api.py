"""The statistics over HTTP, in the application as it is wired."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.data import shared
from tests.statistics.conftest import NOW, furnish
from tomed.api.routes import PREFIX
from tomed.app import build_app
from tomed.config import Config
from tomed.services import SERVICES
from tomed.store import tokens

SESSION = {
    "id": "e1",
    "type": "session",
    "at": "2026-11-20T20:30:00Z",
    "book": {"book_uuid": "uuid-1"},
    "started_at": "2026-11-20T20:00:00Z",
    "ended_at": "2026-11-20T20:30:00Z",
    "active_s": 1500,
    "pages_turned": 31,
    "start_fraction": 0.3,
    "end_fraction": 0.4,
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[TestClient]:
    app = build_app(Config(data=tmp_path), clock=lambda: NOW)
    store = app[SERVICES].store

    def people(connection: apsw.Connection) -> tuple[str, str]:
        furnish(connection)
        return tuple(tokens.issue(connection, user, "device", "Kobo", 1) for user in (1, 2))  # type: ignore[return-value]

    async with TestClient(TestServer(app)) as opened:
        ann, bob = await store.write_long(people)
        opened.session.headers["Authorization"] = f"Bearer {ann}"
        opened.bob = {"Authorization": f"Bearer {bob}"}  # type: ignore[attr-defined]
        yield opened


async def get(client: TestClient, path: str, status: int = 200, **more: object) -> dict:
    async with client.get(PREFIX + path, **more) as answer:  # type: ignore[arg-type]
        assert answer.status == status, await answer.text()
        return json.loads(await answer.read())


async def send(client: TestClient, method: str, path: str, data: object, status: int = 200) -> dict:
    async with client.request(method, PREFIX + path, json=data) as answer:
        assert answer.status == status, await answer.text()
        return json.loads(await answer.read())


async def tell(client: TestClient, *events: dict) -> None:
    device = {"id": "kobo-1", "name": "Kobo"}
    told = await send(client, "POST", "/sync", {"device": device, "events": list(events)})
    assert {r["result"] for r in told["results"]} == {"accepted"}


async def test_totals_of_all_time_and_of_a_span(client: TestClient) -> None:
    """What a device told is in the totals at once; a span has only its own; another user sees nothing of it."""
    assert (await get(client, "/statistics"))["totals"]["sessions"] == 0
    await tell(client, SESSION)
    found = await get(client, "/statistics")
    assert {k: found["totals"][k] for k in ("active_s", "sessions", "pages", "days", "books_finished")} == {
        "active_s": 1500,
        "sessions": 1,
        "pages": 31,
        "days": 1,
        "books_finished": 0,
    }
    assert sum(map(sum, found["heatmap"])) == 1500
    assert (await get(client, "/statistics?from=2026-11-21"))["totals"]["active_s"] == 0
    assert (await get(client, "/statistics?from=2026-11-20&to=2026-11-20"))["totals"]["active_s"] == 1500
    span = "from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00%2B00:00"
    november = await get(client, f"/statistics?{span}")
    assert (november["from"], november["to"]) == ("2026-11-01", "2026-11-30")
    assert (await get(client, "/statistics", headers=client.bob))["totals"]["active_s"] == 0  # type: ignore[attr-defined]


async def test_groups_and_wrong_questions(client: TestClient) -> None:
    """Every grouping sums to the total; what can't be asked is said with its name."""
    await tell(client, SESSION)
    for group in ("day", "week", "month", "year", "book", "author", "series", "language", "format", "device", "kind"):
        found = await get(client, f"/statistics?group={group}")
        assert sum(row["active_s"] for row in found["groups"]) == 1500, group
    for wrong in (
        "group=mood",
        "from=yesterday",
        "to=2026-02-30",
        "from=2026-05-02&to=2026-05-01",
        "from=2026-01-01T00:00",
    ):
        assert (await get(client, f"/statistics?{wrong}", 400))["code"] == "invalid"


async def test_sittings_are_added_changed_and_deleted(client: TestClient) -> None:
    """The list is one's own to correct, and stays corrected when the device sends again."""
    await tell(client, SESSION)
    (sitting,) = (await get(client, "/sittings"))["sittings"]
    right = {"started_at": "2026-11-20T20:00:00Z", "ended_at": "2026-11-20T20:10:00Z", "pages": 5}
    await send(client, "PUT", f"/sittings/{sitting['key']}", right)
    await tell(client, SESSION | {"id": "e2"})
    assert (await get(client, "/statistics"))["totals"]["active_s"] == 600
    (again,) = (await get(client, "/sittings"))["sittings"]
    async with client.delete(f"{PREFIX}/sittings/{again['key']}", headers=client.bob) as answer:  # type: ignore[attr-defined]
        assert answer.status == 404
    async with client.delete(f"{PREFIX}/sittings/{again['key']}") as answer:
        assert answer.status == 200
    assert (await get(client, "/sittings"))["total"] == 0
    added = await send(
        client, "POST", "/sittings", right | {"book_uuid": "uuid-4", "started_at": "2026-11-20T22:00:00+02:00"}, 201
    )
    assert added["sitting"]["started_at"] == "2026-11-20T20:00:00Z"
    assert added["sitting"]["source"] == "manual"
    assert (await send(client, "POST", "/sittings", right, 404))["code"] == "not_found"
    wrong = right | {"book_uuid": "uuid-4", "ended_at": "2026-11-20T19:00:00Z"}
    assert (await send(client, "POST", "/sittings", wrong, 400))["code"] == "invalid"


async def test_history_by_the_plugin(client: TestClient) -> None:
    """Page rows as the plugin sends them: twice is once, the mark says where to go on, bad rows are refused alone."""
    body = {
        "device": {"id": "kobo-1", "name": "Kobo"},
        "books": [{"key": 3, "partial_md5": "AB", "title": "Nobody knows", "authors": "A\nB", "series": "S #2"}],
        "rows": [[3, 1, 1763668800, 60, 300], [3, 2, 1763668860, 60, 300], [3, -1, 5, 5, 5], "x", [9, 1, 1, 1, 1]],
    }
    first = await send(client, "POST", "/history", body)
    assert (first["service"], first["taken"]) == ("tomed", 2)
    assert (first["rows"], first["new"], first["rejected"], first["waiting"]) == (5, 2, 3, [3])
    assert (await send(client, "POST", "/history", body | {"books": [{"key": 3, "authors": {}, "partial_md5": "AB"}]}))[
        "taken"
    ] == 2
    assert (await send(client, "POST", "/history", body | {"books": {}, "rows": {}}))["taken"] == 0
    assert (await send(client, "POST", "/history", body))["new"] == 0
    assert await get(client, "/history?device=kobo-1") == {"start_time": 1763668860, "rows": 2}
    assert await get(client, "/history?device=other") == {"start_time": 0, "rows": 0}
    assert (await get(client, "/statistics"))["totals"]["active_s"] == 120
    assert (await send(client, "POST", "/history", body | {"rows": [[3, 1, 1, 1, 1]] * 5001}, 413))[
        "code"
    ] == "too_large"


@pytest.mark.shared
async def test_a_file_is_previewed_taken_in_and_given_back(client: TestClient) -> None:
    """Upload, preview first; the export reads as KOReader's own and as CSV and JSON that sum alike."""
    data = shared("koreader/statistics/statistics.sqlite3").read_bytes()
    async with client.post(f"{PREFIX}/history/file?preview=1", data=data) as answer:
        seen = json.loads(await answer.read())
    assert (seen["rows"], seen["known"], len(seen["books"])) == (1539, 0, 28)
    assert (await get(client, "/statistics"))["totals"]["active_s"] == 0
    for new in (1539, 0):
        async with client.post(f"{PREFIX}/history/file?device=Kobo", data=data) as answer:
            assert json.loads(await answer.read())["new"] == new
    report = await get(client, "/statistics")
    assert report["totals"]["active_s"] == 107_310
    assert sum(book["active_s"] for book in report["books"]) == 107_310
    async with client.get(f"{PREFIX}/statistics/export?format=csv") as answer:
        lines = (await answer.text()).splitlines()
    assert sum(int(line.split(",")[2]) for line in lines[1:]) == 107_310
    exported = await get(client, "/statistics/export")
    assert sum(sitting["active_s"] for sitting in exported["sittings"]) == 107_310
    async with client.get(f"{PREFIX}/statistics/export?format=sqlite3") as answer:
        assert (await answer.read())[:15] == b"SQLite format 3"
    assert (await get(client, "/statistics/export?format=doc", 400))["code"] == "invalid"
    async with client.post(f"{PREFIX}/history/file", data=b"nothing at all") as answer:
        assert answer.status == 400


async def test_one_books_part(client: TestClient) -> None:
    """What the plugin shows of the open book."""
    assert (await get(client, "/books/uuid-1/statistics", 404))["code"] == "not_found"
    await tell(client, SESSION)
    found = await get(client, "/books/uuid-1/statistics")
    assert (found["active_s"], found["sessions"], found["pages"], found["estimate"]) == (1500, 1, 31, None)


async def test_goals(client: TestClient) -> None:
    """A goal is set, met and given up."""
    await tell(client, SESSION)
    (goal,) = (await send(client, "PUT", "/statistics/goals", {"measure": "pages", "period": "month", "target": 30}))[
        "goals"
    ]
    assert (goal["done"], goal["reached"]) == (31, True)
    empty = await send(client, "PUT", "/statistics/goals", {"measure": "pages", "period": "month", "target": 0})
    assert empty["goals"] == []
