"""``/history``: KOReader's page times, from the plugin or as a whole file."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import apsw
import msgspec
from aiohttp import web

from tomed import history
from tomed.api import bodies, requests, shapes
from tomed.api.statistics import reporting_of
from tomed.api.sync import check_plugin
from tomed.clock import format_at
from tomed.errors import TomedError
from tomed.model import User
from tomed.services import Services, services, signed_in
from tomed.store import devices, statistics_file, statistics_rows
from tomed.store.devices import DeviceReport
from tomed.store.statistics_file import HistoryBook

MAX_ROWS = 5_000
MAX_FILE = 512 * 1024 * 1024
"""Bytes of an uploaded statistics.sqlite3; one of a lifetime has some ten."""


class HistoryBookIn(msgspec.Struct):
    """A row of KOReader's ``book`` table."""

    key: int
    partial_md5: str = ""
    title: str = ""
    authors: str | list[str] | dict[str, Any] = ""
    """KOReader's text or a list; Lua's empty list is an object."""
    series: str = ""
    language: str = ""
    pages: int = 0
    highlights: int = 0
    notes: int = 0
    last_open: int = 0


class HistoryIn(msgspec.Struct):
    """The body of ``POST /history``; rows are read one by one, so that a bad one spoils no other."""

    device: requests.DeviceIn
    books: list[HistoryBookIn] | dict[str, Any] = []
    rows: list[Any] | dict[str, Any] = []


async def get_mark(request: web.Request) -> web.Response:
    """Up to which start this device's page rows are here: the next ones are sent from a little before it."""
    user, device = signed_in(request), request.query.get("device", "")

    def work(connection: apsw.Connection) -> tuple[int, int]:
        row = connection.execute(
            "SELECT id FROM devices WHERE user_id = ? AND client_id = ?", (user.id, device)
        ).fetchone()
        return statistics_rows.mark(connection, user.id, row[0]) if row else (0, 0)

    start_time, rows = services(request).store.read(work)
    return shapes.answer({"start_time": start_time, "rows": rows})


async def post_history(request: web.Request) -> web.Response:
    """Take page rows of KOReader's statistics in, as its database has them. Sending them again changes nothing."""
    at_hand, user = services(request), signed_in(request)
    told = await requests.told(request, HistoryIn)
    check_plugin(told.device.plugin)
    now = at_hand.clock()
    books = [_book(item) for item in requests.as_list(told.books, "books") if isinstance(item, HistoryBookIn)]
    rows = [tuple(row) if isinstance(row, list) else (row,) for row in requests.as_list(told.rows, "rows")]
    if len(rows) > MAX_ROWS:
        raise TomedError(f"At most {MAX_ROWS} page rows in one call; send the rest in the next.", code="too_large")
    report = DeviceReport(
        *(
            requests.clean(x, 200)
            for x in (
                told.device.id,
                told.device.name,
                told.device.model,
                told.device.koreader,
                told.device.plugin,
            )
        )
    )

    def work(connection: apsw.Connection) -> dict[str, Any]:
        row = connection.execute(
            "SELECT id FROM devices WHERE user_id = ? AND client_id = ?", (user.id, report.client_id)
        ).fetchone()
        device_id = int(row[0]) if row else devices.upsert(connection, user.id, report, now)
        noted = history.note_books(connection, at_hand.resolve, user.id, books, now)
        rows_told, new, rejected = history.add(connection, user.id, device_id, noted, rows, now)
        start_time, kept = statistics_rows.mark(connection, user.id, device_id)
        return {
            "service": "tomed",
            "rows": rows_told,
            "taken": rows_told - rejected,
            "new": new,
            "rejected": rejected,
            "waiting": [key for key, (_, book_id) in noted.items() if book_id is None],
            "mark": {"start_time": start_time, "rows": kept},
        }

    answer = await at_hand.store.write_long(work)
    reporting_of(at_hand).refresh_soon(user.id)
    return shapes.answer(answer)


def _book(told: HistoryBookIn) -> HistoryBook:
    name, index = statistics_file.series_of(requests.clean(told.series, 500) if told.series != "N/A" else "")
    return HistoryBook(
        told.key,
        requests.clean(told.partial_md5, 64).strip().lower(),
        requests.clean(told.title, 2000),
        requests.authors(told.authors if told.authors != "N/A" and not isinstance(told.authors, dict) else ""),
        name,
        index,
        requests.clean(told.language, 64),
        max(0, told.pages),
        max(0, told.highlights),
        max(0, told.notes),
        max(0, told.last_open),
    )


async def post_history_file(request: web.Request) -> web.Response:
    """Take a whole ``statistics.sqlite3`` in, sent as the body; with ``preview=1`` say what would happen."""
    at_hand, user = services(request), signed_in(request)
    with tempfile.TemporaryDirectory(prefix="tomed-upload-") as folder:
        path = Path(folder) / "statistics.sqlite3"
        await receive(request, path)
        if request.query.get("preview"):
            return shapes.answer(of_preview(await look(at_hand, user, path)))
        taken = await asyncio.to_thread(take, at_hand, user, path, request.query.get("device", ""))
    await reporting_of(at_hand).refresh(user.id)  # one who imports waits anyway; the next answer need not
    return shapes.answer(
        {
            "service": "tomed",
            "rows": taken.rows,
            "taken": taken.rows - taken.rejected,
            "new": taken.new,
            "rejected": taken.rejected,
            "waiting_books": taken.waiting,
        }
    )


async def receive(request: web.Request, path: Path) -> None:
    """Write the body of a request to a file, piece by piece."""
    with path.open("wb") as file:
        async for piece in bodies.pieces(request, MAX_FILE, "This file is larger than any statistics.sqlite3."):
            file.write(piece)


async def look(at_hand: Services, user: User, path: Path) -> history.Preview:
    """Preview a file, in a thread."""

    def work(connection: apsw.Connection) -> history.Preview:
        with history.opened(path) as file:
            return history.preview(file, connection, at_hand.resolve, user.id, 0)

    return await at_hand.store.query(work)


def take(at_hand: Services, user: User, path: Path, device: str) -> history.Taken:
    """Take a file in, in a thread."""
    with history.opened(path) as file:
        return history.take_in(at_hand.store, at_hand.resolve, user.id, device, file, at_hand.clock())


def of_preview(seen: history.Preview) -> dict[str, Any]:
    """What taking a file in would do."""
    return {
        "rows": seen.rows,
        "known": seen.known,
        "rejected": seen.rejected,
        "first_at": None if seen.first_at is None else format_at(seen.first_at),
        "last_at": None if seen.last_at is None else format_at(seen.last_at),
        "books": [
            {
                "title": found.book.title,
                "authors": found.book.authors,
                "partial_md5": found.book.partial_md5,
                "rows": found.rows,
                "active_s": found.active_s,
                "matched_by": found.matched_by or None,
            }
            for found in seen.books
        ],
    }
