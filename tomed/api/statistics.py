"""``/statistics``: one's own reading in numbers, of a book too, and all of it to take away."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from tomed import catalog, reporting
from tomed.api import requests, shapes
from tomed.api.statistics_shapes import of_estimate, of_report, of_sitting, of_work
from tomed.clock import format_at, parse_at
from tomed.errors import Invalid
from tomed.model import User
from tomed.reporting import Query, Reporting
from tomed.services import Services, services, signed_in
from tomed.statistics.days import Calendar
from tomed.statistics.periods import Span
from tomed.store import statistics_file, statistics_rows
from tomed.store.statistics import Listed, SittingQuery


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


class GoalIn(msgspec.Struct):
    """The body of ``PUT /statistics/goals``."""

    measure: str
    period: str
    target: int


async def put_goal(request: web.Request) -> web.Response:
    """Set a goal; a target of 0 gives it up."""
    told = await requests.told(request, GoalIn)
    ours, user = reporting_of(services(request)), signed_in(request)
    await ours.set_goal(user, told.measure, told.period, told.target)
    report = await ours.report(user)
    return shapes.answer({"goals": of_report(report)["goals"]})
