"""``/statistics``, ``/sittings``, ``/history``: one's own reading in numbers, what they rest on, taking it in."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import apsw
import msgspec
from aiohttp import web

from tomed import catalog, history, reporting
from tomed.api import requests, shapes
from tomed.api.sync import check_plugin
from tomed.clock import format_at, parse_at
from tomed.errors import Invalid, TomedError
from tomed.model import User
from tomed.reporting import Query, Report, Reporting, Sat
from tomed.services import Services, services, signed_in
from tomed.statistics.days import Calendar
from tomed.statistics.estimates import Estimate
from tomed.statistics.pace import suspicious
from tomed.statistics.periods import Span
from tomed.statistics.streaks import Streak
from tomed.statistics.totals import Bar, Day, Totals, change
from tomed.store import devices, statistics_file, statistics_rows
from tomed.store.devices import DeviceReport
from tomed.store.statistics import Listed, SittingQuery, WorkTotal
from tomed.store.statistics_file import HistoryBook

MAX_ROWS = 5_000
MAX_FILE = 512 * 1024 * 1024
"""Bytes of an uploaded statistics.sqlite3; one of a lifetime has some ten."""


def reporting_of(at_hand: Services) -> Reporting:
    """The reporting of this daemon's store."""
    return reporting.of(at_hand.store, at_hand.clock)


def span_days(query: dict[str, str], days: Calendar) -> tuple[int | None, int | None]:
    """``from`` and ``to`` of a query as reading days, both included.

    A date is that reading day. A time stands for the date the reader's clock showed then; as the end of a
    span it is not included itself.
    """
    found: list[int | None] = []
    for name, before in (("from", 0), ("to", 1)):
        text = query.get(name, "").strip()
        try:
            if not text:
                found.append(None)
            elif re.fullmatch(r"\d{4}-\d\d-\d\d", text):
                found.append(date.fromisoformat(text).toordinal())
            else:
                at = parse_at(text.replace(" ", "+"), name)
                found.append(days.local(at - before).date().toordinal())
        except (ValueError, OverflowError) as err:
            raise Invalid(f"{name}: must be a date like 2026-05-24 or a time with its zone.") from err
    return found[0], found[1]


async def query_of(request: web.Request, user: User, *, full: bool = True) -> Query:
    """What a request's query string asks the statistics for."""
    days = await reporting_of(services(request)).calendar(user)
    first, last = span_days(dict(request.query), days)
    return Query(first, last, request.query.get("group", ""), full)


async def get_statistics(request: web.Request) -> web.Response:
    """Everything that the page shows, of all time or a span, with one grouping."""
    user, ours = signed_in(request), reporting_of(services(request))
    query = await query_of(request, user)
    report = await ours.report(user, query)
    body = await ours.keep(user, ("json", query), lambda c, today: msgspec.json.encode(of_report(report)))
    return web.Response(body=body, content_type="application/json")


async def get_book_statistics(request: web.Request) -> web.Response:
    """One book's part: its totals, when it was finished, how long it may still take."""
    at_hand, user = services(request), signed_in(request)
    book = at_hand.store.read(lambda c: catalog.book(c, request.match_info["book_uuid"]))
    found = await reporting.book_report(reporting_of(at_hand), user, book.id)
    shape: dict[str, Any] = {"book_uuid": book.uuid, "estimate": of_estimate(found.estimate)}
    if found.total is not None:
        shape |= {key: value for key, value in of_work(found.total).items() if key not in ("title", "authors")}
    shape["finished_at"] = [format_at(at) for at in found.finished_at]
    shape["seconds_a_book"] = found.seconds_a_book
    return shapes.answer(shape)


async def export(request: web.Request) -> web.StreamResponse:
    """``format``: ``csv`` (a line a sitting), ``json`` (sittings and totals) or ``sqlite3`` (for a KOReader)."""
    at_hand, user = services(request), signed_in(request)
    kind = request.query.get("format", "json")
    if kind == "sqlite3":
        return await _export_file(request, at_hand, user)
    first, last = span_days(dict(request.query), await reporting_of(at_hand).calendar(user))
    span = Span(first or 1, last or 1 << 30) if first is not None or last is not None else None
    listed, _ = await reporting_of(at_hand).sittings(user, SittingQuery(span, per_page=10_000_000))
    if kind == "csv":
        body = await asyncio.to_thread(_csv, listed)
        return _attached(body, "text/csv", "reading.csv")
    if kind != "json":
        raise Invalid("format: is csv, json or sqlite3.")
    report = await reporting_of(at_hand).report(user, Query(first, last, "book", full=True))
    data = {"statistics": of_report(report), "sittings": [of_sitting(sitting) for sitting in listed]}
    return _attached(await asyncio.to_thread(msgspec.json.encode, data), "application/json", "reading.json")


def _attached(body: bytes, kind: str, name: str) -> web.Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, content_type=kind, headers=headers)


COLUMNS = (
    "started_at",
    "ended_at",
    "active_s",
    "pages",
    "title",
    "book_uuid",
    "device",
    "source",
    "format",
    "start_fraction",
    "end_fraction",
)


def _csv(listed: list[Listed]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for sitting in listed:
        shape = of_sitting(sitting)
        table.writerow([_cell(shape.get(column)) for column in COLUMNS])
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


async def _export_file(request: web.Request, at_hand: Services, user: User) -> web.StreamResponse:
    with tempfile.TemporaryDirectory(prefix="tomed-export-") as folder:
        path = Path(folder) / "statistics.sqlite3"
        contents = await at_hand.store.query(lambda c: statistics_rows.export(c, user.id))
        await asyncio.to_thread(statistics_file.write, path, contents)
        body = await asyncio.to_thread(path.read_bytes)
    return _attached(body, "application/vnd.sqlite3", "statistics.sqlite3")


# Sittings ---------------------------------------------------------------------------------------


async def list_sittings(request: web.Request) -> web.Response:
    """The sittings that count, newest first, with what each rests on."""
    at_hand, user = services(request), signed_in(request)
    ours = reporting_of(at_hand)
    first, last = span_days(dict(request.query), await ours.calendar(user))
    book_uuid = request.query.get("book_uuid", "")
    book_id = at_hand.store.read(lambda c: catalog.book(c, book_uuid).id) if book_uuid else None
    page, per_page = requests.number(request, "page", 1), requests.number(request, "per_page", 50, high=500)
    span = Span(first or 1, last or 1 << 30) if first is not None or last is not None else None
    listed, total = await ours.sittings(user, SittingQuery(span, book_id, None, page, per_page))
    return shapes.answer(
        {"sittings": [of_sitting(s) for s in listed], "total": total, "page": page, "per_page": per_page}
    )


class SittingIn(msgspec.Struct):
    started_at: str
    ended_at: str
    active_s: int | None = None
    pages: int = 0
    book_uuid: str = ""


def _sat(told: SittingIn) -> Sat:
    started_at, ended_at = parse_at(told.started_at, "started_at"), parse_at(told.ended_at, "ended_at")
    active_s = told.active_s if told.active_s is not None else (ended_at - started_at) // 1000
    return Sat(started_at, ended_at, active_s, told.pages)


async def _told(request: web.Request, shape: type[Any]) -> Any:
    try:
        return msgspec.convert(await requests.body(request), shape)
    except msgspec.ValidationError as err:
        raise Invalid(str(err)) from err


async def add_sitting(request: web.Request) -> web.Response:
    """Enter a sitting by hand."""
    at_hand, user = services(request), signed_in(request)
    told = await _told(request, SittingIn)
    book = at_hand.store.read(lambda c: catalog.book(c, told.book_uuid))
    ours = reporting_of(at_hand)
    key = f"s{await ours.add(user, book.id, _sat(told))}"
    return shapes.answer({"sitting": of_sitting(await ours.sitting(user, key))}, 201)


async def change_sitting(request: web.Request) -> web.Response:
    """Say that a sitting was another one. It stays so when the device tells it again."""
    told = await _told(request, SittingIn)
    await reporting_of(services(request)).correct(signed_in(request), request.match_info["key"], _sat(told))
    return shapes.answer({"corrected": True})


async def delete_sitting(request: web.Request) -> web.Response:
    """Say that there was no such sitting. It stays so when the device tells it again."""
    await reporting_of(services(request)).correct(signed_in(request), request.match_info["key"], None)
    return shapes.answer({"deleted": True})


class GoalIn(msgspec.Struct):
    measure: str
    period: str
    target: int


async def put_goal(request: web.Request) -> web.Response:
    """Set a goal; a target of 0 gives it up."""
    told = await _told(request, GoalIn)
    ours, user = reporting_of(services(request)), signed_in(request)
    await ours.set_goal(user, told.measure, told.period, told.target)
    report = await ours.report(user)
    return shapes.answer({"goals": of_report(report)["goals"]})


# History ----------------------------------------------------------------------------------------


class HistoryBookIn(msgspec.Struct):
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
    told = await _told(request, HistoryIn)
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

    return shapes.answer(await at_hand.store.write_long(work))


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
    size = 0
    with path.open("wb") as file:
        async for piece in request.content.iter_chunked(1 << 18):
            size += len(piece)
            if size > MAX_FILE:
                raise TomedError("This file is larger than any statistics.sqlite3.", code="too_large")
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


# Shapes -----------------------------------------------------------------------------------------


def of_day(day: int | None) -> str | None:
    """A reading day as ``2026-05-24``."""
    return None if day is None else date.fromordinal(day).isoformat()


def of_totals(sums: Totals) -> dict[str, Any]:
    """Totals by the API's names."""
    return {**sums._asdict(), "mean_session_s": sums.mean_session_s, "mean_day_s": sums.mean_day_s}


def of_bar(bar: Bar | None) -> dict[str, Any] | None:
    """A bar of a chart."""
    if bar is None:
        return None
    return {"key": bar.label, "first": of_day(bar.first), **dict(zip(bar._fields[2:], bar[2:], strict=True))}


def _of_record(day: Day | None) -> dict[str, Any] | None:
    if day is None:
        return None
    return {"day": of_day(day.day), "active_s": day.active_s, "pages": day.pages, "sessions": day.sessions}


def _of_streak(streak: Streak) -> dict[str, Any]:
    return {"days": streak.length, "first": of_day(streak.first), "last": of_day(streak.last)}


def of_estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    """A remaining time with its range, or null: not enough data."""
    return estimate._asdict() if estimate is not None else None


def of_work(work: WorkTotal) -> dict[str, Any]:
    """A book with its sums; ``book_uuid`` is null while its file waits."""
    return {
        "book_uuid": work.book_uuid,
        "title": work.title,
        "authors": work.authors,
        "series": work.series,
        "series_index": work.series_index,
        "status": work.status,
        "fraction": work.fraction,
        "active_s": work.active_s,
        "pages": work.pages,
        "sessions": work.sessions,
        "days": work.days,
        "first_at": format_at(work.first_at),
        "last_at": format_at(work.last_at),
        "book_pages": work.unit or None,
    }


def of_sitting(sitting: Listed) -> dict[str, Any]:
    """A sitting of the list."""
    return {
        "key": sitting.key,
        "book_uuid": sitting.book_uuid,
        "title": sitting.title,
        "device": sitting.device,
        "source": sitting.source,
        "format": sitting.format,
        "started_at": format_at(sitting.started_at),
        "ended_at": format_at(sitting.ended_at),
        "active_s": sitting.active_s,
        "pages": sitting.pages,
        "start_fraction": sitting.start_fraction,
        "end_fraction": sitting.end_fraction,
        "overlaps": sitting.overlaps,
        "suspicious": suspicious(sitting.active_s, sitting.pages),
    }


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


def of_report(report: Report) -> dict[str, Any]:
    """A report as JSON: every series that the page shows."""
    before = report.previous
    return {
        "from": of_day(report.span.first) if report.span else None,
        "to": of_day(report.span.last) if report.span else None,
        "today": of_day(report.today),
        "time_zone": report.time_zone,
        "day_start_minute": report.day_start_minute,
        "totals": of_totals(report.totals),
        "previous": None
        if before is None or report.previous_span is None
        else {
            "from": of_day(report.previous_span.first),
            "to": of_day(report.previous_span.last),
            "totals": of_totals(before),
            "change": {
                name: change(now, then) for name, now, then in zip(before._fields, report.totals, before, strict=True)
            },
        },
        "streak": {"current": _of_streak(report.current_streak), "longest": _of_streak(report.longest_streak)},
        "days": [_of_record(day) for day in report.days],
        "weeks": [of_bar(bar) for bar in report.bars["week"]],
        "months": [of_bar(bar) for bar in report.bars["month"]],
        "years": [of_bar(bar) for bar in report.bars["year"]],
        "heatmap": report.heatmap,
        "records": {
            "day": _of_record(report.records.day),
            "pages": _of_record(report.records.pages),
            "week": of_bar(report.records.week),
            "month": of_bar(report.records.month),
            "sitting": of_sitting(report.longest_sitting) if report.longest_sitting else None,
        },
        "goals": [
            {
                "measure": p.goal.measure,
                "period": p.goal.period,
                "target": p.goal.target,
                "done": p.done,
                "expected": p.expected,
                "reached": p.reached,
                "from": of_day(p.first),
                "to": of_day(p.last),
            }
            for p in report.goals
        ],
        "pace": [
            {
                "kind": p.kind,
                "pages_a_minute": p.pages._asdict() if p.pages else None,
                "words_a_minute": p.words._asdict() if p.words else None,
            }
            for p in report.paces
        ],
        "books": [of_work(work) for work in report.books],
        "books_read": report.book_count,
        "finished": [
            {
                "book_uuid": f.book_uuid,
                "title": f.title,
                "authors": f.authors,
                "finished_at": format_at(f.finished_at),
                "day": of_day(f.day),
                "again": f.again,
                "active_s": f.active_s,
            }
            for f in report.finished
        ],
        "open": [
            {"book_uuid": o.book_uuid, "title": o.title, "fraction": o.fraction, "estimate": of_estimate(o.estimate)}
            for o in report.open
        ],
        "series": [
            {
                **s.progress._asdict(),
                "last_at": format_at(s.progress.last_at),
                "estimate": of_estimate(s.estimate),
            }
            for s in report.series
        ],
        "unread": [{"kind": p.kind, "books": p.books, "estimate": of_estimate(p.estimate)} for p in report.pile],
        "group": report.group or None,
        "groups": [group._asdict() for group in report.groups],
    }


routes: list[web.RouteDef] = [
    web.get("/statistics", get_statistics),
    web.get("/statistics/export", export),
    web.put("/statistics/goals", put_goal),
    web.get("/books/{book_uuid}/statistics", get_book_statistics),
    web.get("/sittings", list_sittings),
    web.post("/sittings", add_sitting),
    web.put(r"/sittings/{key}", change_sitting),
    web.delete(r"/sittings/{key}", delete_sitting),
    web.get("/history", get_mark),
    web.post("/history", post_history),
    web.post("/history/file", post_history_file),
]
"""Below ``/api/v1``. ``/history/file`` reads its body as a stream and may be larger than other requests."""
