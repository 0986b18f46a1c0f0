"""The pages of sittings: look through them, correct, delete and add."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import apsw
from aiohttp import web

from tomed import catalog
from tomed.api.statistics import reporting_of
from tomed.errors import Invalid
from tomed.model import BookId
from tomed.pages.forms import read_form
from tomed.pages.links import url
from tomed.pages.paging import page_number, pager
from tomed.pages.period import asked, show
from tomed.pages.routes import Route, see_other
from tomed.reporting import Sat
from tomed.services import services, signed_in
from tomed.statistics.days import Calendar
from tomed.statistics.pace import suspicious
from tomed.statistics.periods import Span
from tomed.store.statistics import SittingQuery

PER_PAGE = 50


async def sittings_page(request: web.Request) -> web.StreamResponse:
    """Every sitting, to look at and to correct."""
    user, ours = signed_in(request), reporting_of(services(request))
    wanted, number = await asked(request, user), page_number(request)
    first, last = wanted.query.first, wanted.query.last
    span = None if first is None and last is None else Span(first or 1, last or 1 << 30)
    book_uuid = request.query.get("book", "")
    book_id = services(request).store.read(lambda c: catalog.book(c, book_uuid).id) if book_uuid else None
    listed, total = await ours.sittings(user, SittingQuery(span, book_id, None, number, PER_PAGE))
    return show(
        request,
        "sittings",
        "sittings",
        listed=listed,
        total=total,
        suspicious=suspicious,
        local=(await ours.calendar(user)).local,
        wanted=wanted,
        pager=pager(
            number,
            total,
            PER_PAGE,
            lambda n: url(request, "/statistics/sessions", page=n, book=book_uuid, **wanted.again),
        ),
    )


def typed(text: str) -> datetime:
    """What a form says of a moment: ``2026-05-24T21:30``, or with a blank. Raises ValueError."""
    return datetime.fromisoformat(text.strip().replace(" ", "T")).replace(tzinfo=None)


def _sat(form: Any, days: Calendar) -> Sat:
    try:
        started_at = days.instant(typed(form.get("started", "")))
        ended_at = days.instant(typed(form.get("ended", "")))
        minutes = form.get("minutes", "").strip().replace(",", ".")
        active_s = round(float(minutes) * 60) if minutes else (ended_at - started_at) // 1000
        return Sat(started_at, ended_at, active_s, int(form.get("pages", "").strip() or 0))
    except (ValueError, OverflowError) as err:
        raise Invalid("Give beginning and end as 2026-05-24 21:30, minutes and pages as numbers.") from err


async def sitting_page(request: web.Request) -> web.StreamResponse:
    """One sitting, to change or to delete."""
    user, ours = signed_in(request), reporting_of(services(request))
    sitting = await ours.sitting(user, request.match_info["key"])
    days = await ours.calendar(user)
    return show(
        request,
        "sitting",
        "sittings",
        sitting=sitting,
        fault="",
        started=f"{days.local(sitting.started_at):%Y-%m-%dT%H:%M:%S}",
        ended=f"{days.local(sitting.ended_at):%Y-%m-%dT%H:%M:%S}",
        minutes=f"{sitting.active_s / 60:g}",
    )


async def change_sitting(request: web.Request) -> web.StreamResponse:
    """Keep what was typed, or delete."""
    form = await read_form(request)
    user, ours = signed_in(request), reporting_of(services(request))
    key = request.match_info["key"]
    sat = None if form.get("do") == "delete" else _sat(form, await ours.calendar(user))
    await ours.correct(user, key, sat)
    raise see_other(request, "/statistics/sessions", said="removed" if sat is None else "saved")


async def add_page(request: web.Request) -> web.StreamResponse:
    """Choose a book, then say when it was read."""
    words = request.query.get("q", "").strip()
    book_uuid = request.query.get("book", "")
    store = services(request).store
    book = store.read(lambda c: catalog.book(c, book_uuid)) if book_uuid else None
    found = await store.query(lambda c: _find(c, words)) if words and book is None else []
    days = await reporting_of(services(request)).calendar(signed_in(request))
    now = days.local(services(request).clock())
    return show(request, "add", "sittings", book=book, found=found, words=words, now=f"{now:%Y-%m-%dT%H:%M}")


def _find(connection: apsw.Connection, words: str) -> list[tuple[str, str]]:
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return [
        (str(row[0]), str(row[1]))
        for row in connection.execute(
            "SELECT uuid, title FROM books WHERE gone_at IS NULL AND title LIKE ? ESCAPE '\\' ORDER BY sort LIMIT 30",
            (pattern,),
        )
    ]


async def add_sitting(request: web.Request) -> web.StreamResponse:
    """Enter a sitting by hand."""
    form = await read_form(request)
    user, ours = signed_in(request), reporting_of(services(request))
    book = services(request).store.read(lambda c: catalog.book(c, form.get("book", "")))
    await ours.add(user, BookId(book.id), _sat(form, await ours.calendar(user)))
    raise see_other(request, "/statistics/sessions", said="saved")


ROUTES = (
    Route("GET", "/statistics/sessions", sittings_page),
    Route("GET", "/statistics/sessions/add", add_page),
    Route("POST", "/statistics/sessions/add", add_sitting),
    Route("GET", "/statistics/sessions/{key}", sitting_page),
    Route("POST", "/statistics/sessions/{key}", change_sitting),
)
