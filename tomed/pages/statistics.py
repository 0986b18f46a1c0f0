"""The statistics pages: drawn on the server as SVG in the text's own colour, with a table behind every picture."""

from __future__ import annotations

import asyncio
import hmac
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import apsw
from aiohttp import BodyPartReader, web
from markupsafe import Markup, escape

from tomed import catalog
from tomed.api.statistics import look, reporting_of, span_days, take
from tomed.errors import Forbidden, Invalid, NotFound, TomedError
from tomed.model import BookId, User
from tomed.pages.forms import check_origin, read_form
from tomed.pages.layout import CSRF_FIELD, MONTHS, form_token, page
from tomed.pages.layout import span as span_of
from tomed.pages.links import url
from tomed.pages.paging import page_number, pager
from tomed.pages.routes import Route, see_other
from tomed.reporting import Query, Report, Sat
from tomed.services import services, signed_in
from tomed.statistics import goals, periods
from tomed.statistics.days import Calendar, Stay
from tomed.statistics.pace import suspicious
from tomed.statistics.periods import Span
from tomed.statistics.totals import Bar, Day, bars, change
from tomed.store import statistics, statistics_derived, statistics_rows
from tomed.store.db import Store
from tomed.store.statistics import GROUPS, SittingQuery, WorkTotal

PERIODS = ("all", "year", "month", "week", "day")
PER_PAGE = 50
FILE_MAX = 512 * 1024 * 1024
SAID = ("saved", "removed")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


# Pictures ---------------------------------------------------------------------------------------


def clock(seconds: int) -> str:
    """``1:07:12``: exact, so that the lines of a table add up to its foot."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def short_day(day: int) -> str:
    """``22 Nov 2026`` of a reading day."""
    on = date.fromordinal(day)
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def bar_chart(title: str, found: Sequence[Bar]) -> Markup:
    """Bars of reading time. Drawn in the colour of the text: paper-like screens and dark pages need no other."""
    width, height, head, foot = 720, 150, 16, 20
    most = max((bar.active_s for bar in found), default=0)
    step = width / max(len(found), 1)
    drawn = [f'<text x="0" y="11" font-size="12">{span_of(most)}</text>']
    every = -(-len(found) // 10)
    for index, bar in enumerate(found):
        tall = round(bar.active_s / (most or 1) * height, 1)
        x = index * step
        drawn.append(
            f'<rect x="{x + step * 0.1:.1f}" y="{head + height - tall:.1f}" width="{max(step * 0.8, 0.8):.1f}"'
            f' height="{tall:.1f}"><title>{escape(bar.label)}: {clock(bar.active_s)}</title></rect>'
        )
        if index % every == 0 and x < width - 40:
            said = bar.label[5:] if len(bar.label) == 10 else bar.label
            drawn.append(f'<text x="{x:.1f}" y="{head + height + 15}" font-size="12">{escape(said)}</text>')
    inside = "".join(drawn)
    return Markup(  # noqa: S704 - only numbers of ours and escaped labels
        f'<svg class="chart" viewBox="0 0 {width} {head + height + foot}" role="img" aria-label="{escape(title)}"'
        f' fill="currentColor" width="100%"><path d="M0 {head}.5H{width}M0 {head + height}.5H{width}"'
        f' stroke="currentColor" stroke-opacity=".4" fill="none"/>{inside}</svg>'
    )


def shade(seconds: int, most: int) -> str:
    """How dark a cell is, in five steps that an e-ink screen can tell apart; an empty one is only framed."""
    if seconds <= 0 or most <= 0:
        return "0"
    return ("0.2", "0.4", "0.65", "1")[min(3, seconds * 4 // (most + 1))]


def heat_chart(title: str, table: list[list[int]]) -> Markup:
    """Hours of the clock by day of the week."""
    cell, left, top = 26, 40, 4
    most = max(map(max, table))
    drawn = []
    for weekday, row in enumerate(table):
        y = top + weekday * cell
        drawn.append(f'<text x="0" y="{y + 17}" font-size="12">{WEEKDAYS[weekday]}</text>')
        for hour, seconds in enumerate(row):
            drawn.append(
                f'<rect x="{left + hour * cell}" y="{y}" width="{cell - 3}" height="{cell - 3}" stroke="currentColor"'
                f' stroke-opacity=".35" fill-opacity="{shade(seconds, most)}"><title>{WEEKDAYS[weekday]} {hour}:00:'
                f" {clock(seconds)}</title></rect>"
            )
    bottom = top + 7 * cell
    drawn += [
        f'<text x="{left + hour * cell}" y="{bottom + 14}" font-size="11">{hour}</text>' for hour in range(0, 24, 3)
    ]
    inside = "".join(drawn)
    return Markup(  # noqa: S704 - only numbers of ours
        f'<svg class="chart" viewBox="0 0 {left + 24 * cell} {bottom + 18}" role="img" aria-label="{escape(title)}"'
        f' fill="currentColor" width="100%">{inside}</svg>'
    )


def heat_rows(table: list[list[int]]) -> Markup:
    """The lines of the table behind the heat map; drawn with it, because they are many."""
    lines = []
    for weekday, row in zip(WEEKDAYS, table, strict=True):
        cells = "".join(f'<td class="n">{clock(seconds) if seconds else ""}</td>' for seconds in row)
        lines.append(f'<tr><th scope="row">{weekday}</th>{cells}<th class="n">{clock(sum(row))}</th></tr>')
    return Markup("".join(lines))  # noqa: S704 - only numbers of ours


def year_chart(title: str, year: int, days: Iterable[Day], week_start: int) -> Markup:
    """A year's calendar: a column a week, a cell a reading day."""
    cell, top = 13, 16
    read = {day.day: day for day in days}
    most = max((day.active_s for day in read.values()), default=0)
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    begin = periods.key("week", first, week_start)
    drawn = []
    for day in range(first, last + 1):
        column, row = divmod(day - begin, 7)
        on = date.fromordinal(day)
        if on.day == 1:
            drawn.append(f'<text x="{column * cell}" y="11" font-size="10">{MONTHS[on.month - 1]}</text>')
        seconds = read[day].active_s if day in read else 0
        said = f"<title>{short_day(day)}: {clock(seconds)}</title>" if seconds else ""
        drawn.append(
            f'<rect x="{column * cell}" y="{top + row * cell}" width="11" height="11" stroke="currentColor"'
            f' stroke-opacity=".35" fill-opacity="{shade(seconds, most)}">{said}</rect>'
        )
    inside = "".join(drawn)
    return Markup(  # noqa: S704 - only numbers of ours
        f'<svg class="chart" viewBox="0 0 {54 * cell} {top + 7 * cell}" role="img" aria-label="{escape(title)}"'
        f' fill="currentColor" width="100%">{inside}</svg>'
    )


# The overview -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """The period that a page shows: its word, its days, and the query string that asks for it again."""

    word: str
    query: Query
    again: dict[str, str]


async def asked(request: web.Request, user: User, *, full: bool = False) -> Asked:
    """Read the period chooser: a word, or ``from`` and ``to``."""
    days = await reporting_of(services(request)).calendar(user)
    given = dict(request.query)
    first, last = span_days(given, days)
    if first is not None or last is not None:
        again = {name: given[name] for name in ("from", "to") if given.get(name)}
        return Asked("span", Query(first, last, full=full), again)
    word = given.get("period", "all")
    if word not in PERIODS or word == "all":
        return Asked("all", Query(full=full), {})
    span = periods.current(word, days.day(services(request).clock()), user.week_start)
    return Asked(word, Query(span.first, span.last, full=full), {"period": word})


def _chart_bars(report: Report, week_start: int) -> tuple[str, list[Bar]]:
    """The bars that fit the span: days, weeks, months or years."""
    if report.shown.days <= 62:
        return "day", bars(report.days, "day", report.shown, week_start)
    if report.shown.days <= 200:
        return "week", report.bars["week"]
    return ("month", report.bars["month"]) if report.shown.days <= 366 * 5 else ("year", report.bars["year"])


async def overview(request: web.Request) -> web.StreamResponse:
    """All that matters of a period on one page."""
    user, ours = signed_in(request), reporting_of(services(request))
    wanted = await asked(request, user)
    report = await ours.report(user, wanted.query)

    def draw(connection: apsw.Connection, today: int) -> dict[str, Any]:
        period, found = _chart_bars(report, user.week_start)
        return {
            "report": report,
            "chart_period": period,
            "chart_bars": found,
            "chart": bar_chart("Reading time", found),
            "heat": heat_chart("Reading by hour and weekday", report.heatmap),
            "heat_rows": heat_rows(report.heatmap),
            "compared": _compared(report),
        }

    drawn = await ours.keep(user, ("overview", wanted.query), draw)
    store = services(request).store
    ours.count_words_soon(lambda book_id: _epub(store, book_id))
    return _page(
        request, "overview", "overview", **drawn, wanted=wanted, measures=goals.MEASURES, goal_periods=periods.PERIODS
    )


def _epub(store: Store, book_id: BookId) -> Path | None:
    """A book's EPUB, if its library is there. Called in a thread."""
    try:
        return catalog.epub_path(store, store.read(lambda c: catalog.book_by_id(c, book_id)))
    except TomedError:
        return None


def _compared(report: Report) -> list[tuple[str, int, int | None, float | None]]:
    rows = []
    for name in ("active_s", "sessions", "pages", "days", "books_finished"):
        before = getattr(report.previous, name) if report.previous else None
        now = getattr(report.totals, name)
        rows.append((name, now, before, change(now, before) if before is not None else None))
    return rows


def _page(request: web.Request, template: str, tab: str, **context: Any) -> web.Response:
    said = request.query.get("said", "")
    return page(
        request,
        f"statistics/{template}.html",
        here="statistics",
        tab=tab,
        said=said if said in SAID else "",
        clock=clock,
        short_day=short_day,
        iso_day=lambda day: date.fromordinal(day).isoformat(),
        weekdays=WEEKDAYS,
        **context,
    )


async def calendar_page(request: web.Request) -> web.StreamResponse:
    """A year, day by day."""
    user, ours = signed_in(request), reporting_of(services(request))
    whole = await ours.report(user)
    this_year = date.fromordinal(whole.today).year
    year = _year(request.query.get("year", ""), this_year)
    span = _span_of_year(year)
    report = await ours.report(user, Query(span.first, span.last))
    return _page(
        request,
        "calendar",
        "calendar",
        year=year,
        years=_years(whole, this_year),
        report=report,
        chart=year_chart(f"{year}, day by day", year, report.days, user.week_start),
    )


def _year(text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    if not text.isdecimal() or not 1970 <= int(text) <= 9998:
        raise NotFound("There is no such year.")
    return int(text)


def _span_of_year(year: int) -> Span:
    return Span(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal())


def _years(report: Report, this_year: int) -> list[int]:
    first = date.fromordinal(report.days[0].day).year if report.days else this_year
    return list(range(this_year, min(first, this_year) - 1, -1))


async def books_page(request: web.Request) -> web.StreamResponse:
    """Every book that was read in, and reading grouped as one likes."""
    user, ours = signed_in(request), reporting_of(services(request))
    wanted = await asked(request, user)
    by = request.query.get("group", "book")
    if by not in GROUPS:
        raise Invalid("There is no such grouping.")
    query = Query(wanted.query.first, wanted.query.last, "" if by == "book" else by)
    report = await ours.report(user, query)
    number = page_number(request)
    works: list[WorkTotal] = []
    total = len(report.groups)
    if by == "book":
        total = report.book_count
        works = await ours.keep(
            user,
            ("works", wanted.query, number),
            lambda c, today: statistics.works(c, user.id, report.span, PER_PAGE, (number - 1) * PER_PAGE),
        )
    return _page(
        request,
        "books",
        "books",
        report=report,
        works=works,
        groups=report.groups[(number - 1) * PER_PAGE : number * PER_PAGE],
        by=by,
        kinds=GROUPS,
        wanted=wanted,
        pager=pager(
            number, total, PER_PAGE, lambda n: url(request, "/statistics/books", page=n, group=by, **wanted.again)
        ),
    )


async def series_page(request: web.Request) -> web.StreamResponse:
    """Series that were begun, and the pile of the unread."""
    user = signed_in(request)
    report = await reporting_of(services(request)).report(user, Query(series=True))
    return _page(request, "series", "series", report=report)


async def review(request: web.Request) -> web.StreamResponse:
    """A year in review."""
    user, ours = signed_in(request), reporting_of(services(request))
    year = _year(request.match_info["year"], 0)
    span = _span_of_year(year)
    report = await ours.report(user, Query(span.first, span.last, "author"))
    hours = [sum(row[hour] for row in report.heatmap) for hour in range(24)]
    weekdays = [sum(row) for row in report.heatmap]
    return _page(
        request,
        "review",
        "calendar",
        year=year,
        report=report,
        compared=_compared(report),
        chart=bar_chart(f"{year} by month", report.bars["month"]),
        best_hour=max(range(24), key=lambda h: hours[h]) if any(hours) else None,
        best_weekday=WEEKDAYS[max(range(7), key=lambda d: weekdays[d])] if any(weekdays) else None,
    )


# Sittings ---------------------------------------------------------------------------------------


async def sittings_page(request: web.Request) -> web.StreamResponse:
    """Every sitting, to look at and to correct."""
    user, ours = signed_in(request), reporting_of(services(request))
    wanted, number = await asked(request, user), page_number(request)
    first, last = wanted.query.first, wanted.query.last
    span = None if first is None and last is None else Span(first or 1, last or 1 << 30)
    book_uuid = request.query.get("book", "")
    book_id = services(request).store.read(lambda c: catalog.book(c, book_uuid).id) if book_uuid else None
    listed, total = await ours.sittings(user, SittingQuery(span, book_id, None, number, PER_PAGE))
    return _page(
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


def _typed(text: str) -> datetime:
    """What a form says of a moment: ``2026-05-24T21:30``, or with a blank. Raises ValueError."""
    return datetime.fromisoformat(text.strip().replace(" ", "T")).replace(tzinfo=None)


def _sat(form: Any, days: Calendar) -> Sat:
    try:
        started_at = days.instant(_typed(form.get("started", "")))
        ended_at = days.instant(_typed(form.get("ended", "")))
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
    return _page(
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
    return _page(request, "add", "sittings", book=book, found=found, words=words, now=f"{now:%Y-%m-%dT%H:%M}")


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


async def set_goal(request: web.Request) -> web.StreamResponse:
    """Set a goal, or give it up with 0."""
    form = await read_form(request)
    target = form.get("target", "").strip()
    if not target.isdecimal() or len(target) > 7:
        raise Invalid("The target of a goal is a whole number; 0 gives it up.")
    ours = reporting_of(services(request))
    await ours.set_goal(signed_in(request), form.get("measure", ""), form.get("period", ""), int(target))
    raise see_other(request, "/statistics", said="saved")


# History and travel -----------------------------------------------------------------------------


async def history_page(request: web.Request) -> web.StreamResponse:
    """Take a KOReader's statistics.sqlite3 in, take one's own out, and travels."""
    return _history(request)


def _history(request: web.Request, **more: Any) -> web.Response:
    user = signed_in(request)
    stays = services(request).store.read(lambda c: statistics_rows.stays(c, user.id))
    names = services(request).store.read(
        lambda c: [
            str(row[0]) for row in c.execute("SELECT name FROM devices WHERE user_id = ? ORDER BY name", (user.id,))
        ]
    )
    local = services(request).store.read(lambda c: statistics_derived.calendar_of(c, user.id)).local
    context: dict[str, Any] = {"seen": None, "taken": None, "stays": stays, "names": names, "local": local}
    return _page(request, "history", "history", **(context | more))


async def post_history(request: web.Request) -> web.StreamResponse:
    """Preview or take in what was uploaded: the file, and its -wal if there is one."""
    check_origin(request)
    at_hand, user = services(request), signed_in(request)
    with tempfile.TemporaryDirectory(prefix="tomed-upload-") as folder:
        path = Path(folder) / "statistics.sqlite3"
        fields = await _uploaded(request, path)
        if not path.exists() or not path.stat().st_size:
            raise Invalid("Choose the file statistics.sqlite3 first.")
        if fields.get("do") == "preview":
            return _history(request, seen=await look(at_hand, user, path))
        taken = await asyncio.to_thread(take, at_hand, user, path, fields.get("device", ""))
    await reporting_of(at_hand).refresh(user.id)  # one who imports waits anyway; the next page need not
    return _history(request, taken=taken)


async def _uploaded(request: web.Request, path: Path) -> dict[str, str]:
    """Read a multipart form as a stream. Its proof must come before any file is kept."""
    if request.content_type != "multipart/form-data":
        raise Invalid("This form sends a file.")
    fields: dict[str, str] = {}
    proven, size = False, 0
    parts = await request.multipart()
    while (part := await parts.next()) is not None:
        if not isinstance(part, BodyPartReader):
            continue
        name = part.name or ""
        if name == CSRF_FIELD:
            told = (await part.read(decode=False))[:200]
            proven = hmac.compare_digest(told, form_token(request).encode())
        if not proven:
            raise Forbidden("This page was opened in an earlier session. Go back, reload it and try again.")
        if name in ("file", "wal"):
            target = path if name == "file" else path.with_name(path.name + "-wal")
            with target.open("wb") as file:
                while piece := await part.read_chunk(1 << 18):
                    size += len(piece)
                    if size > FILE_MAX:
                        raise TomedError("This file is larger than any statistics.sqlite3.", code="too_large")
                    file.write(piece)
        elif name != CSRF_FIELD:
            fields[name] = (await part.read(decode=False))[:500].decode("utf-8", "replace")
    return fields


async def add_stay(request: web.Request) -> web.StreamResponse:
    """Note a time spent in another zone."""
    form = await read_form(request)
    try:
        there = Calendar(form.get("time_zone", "").strip())
        stay = Stay(
            there.instant(_typed(form.get("from", ""))), there.instant(_typed(form.get("to", ""))), there.time_zone
        )
    except (ValueError, OverflowError) as err:
        raise Invalid("Give the days as 2026-05-24, or with the time as 2026-05-24 21:30.") from err
    await reporting_of(services(request)).add_stay(signed_in(request), stay)
    raise see_other(request, "/statistics/history", said="saved")


async def remove_stay(request: web.Request) -> web.StreamResponse:
    """Forget a time in another zone."""
    await read_form(request)
    await reporting_of(services(request)).remove_stay(signed_in(request), int(request.match_info["stay_id"]))
    raise see_other(request, "/statistics/history", said="removed")


ROUTES = (
    Route("GET", "/statistics", overview),
    Route("GET", "/statistics/calendar", calendar_page),
    Route("GET", "/statistics/books", books_page),
    Route("GET", "/statistics/series", series_page),
    Route("GET", r"/statistics/year/{year:\d+}", review),
    Route("GET", "/statistics/sessions", sittings_page),
    Route("GET", "/statistics/sessions/add", add_page),
    Route("POST", "/statistics/sessions/add", add_sitting),
    Route("GET", "/statistics/sessions/{key}", sitting_page),
    Route("POST", "/statistics/sessions/{key}", change_sitting),
    Route("POST", "/statistics/goals", set_goal),
    Route("GET", "/statistics/history", history_page),
    Route("POST", "/statistics/history", post_history),
    Route("POST", "/statistics/stays", add_stay),
    Route("POST", r"/statistics/stays/{stay_id:\d{1,12}}/remove", remove_stay),
)
