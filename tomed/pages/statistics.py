"""The statistics pages: overview, calendar, books, series and the year in review."""

from __future__ import annotations

from datetime import date
from typing import Any

import apsw
from aiohttp import web

from tomed.api.statistics import reporting_of
from tomed.errors import Invalid, NotFound
from tomed.pages.charts import WEEKDAYS, bar_chart, heat_chart, heat_rows, year_chart
from tomed.pages.forms import read_form
from tomed.pages.links import url
from tomed.pages.paging import page_number, pager
from tomed.pages.period import asked, show, whose
from tomed.pages.routes import Route, see_other
from tomed.reporting import Query, Report
from tomed.services import services, signed_in
from tomed.statistics import goals, periods
from tomed.statistics.periods import Span
from tomed.statistics.totals import Bar, bars, change
from tomed.store import statistics
from tomed.store.statistics import GROUPS, WorkTotal

PER_PAGE = 50


def _chart_bars(report: Report, week_start: int) -> tuple[str, list[Bar]]:
    """The bars that fit the span: days, weeks, months or years."""
    if report.shown.days <= 62:
        return "day", bars(report.days, "day", report.shown, week_start)
    if report.shown.days <= 200:
        return "week", report.bars["week"]
    return ("month", report.bars["month"]) if report.shown.days <= 366 * 5 else ("year", report.bars["year"])


async def overview(request: web.Request) -> web.StreamResponse:
    """All that matters of a period on one page."""
    user, ours = whose(request), reporting_of(services(request))
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
    ours.count_words_soon(services(request).files.epub_of)
    return show(
        request, "overview", "overview", **drawn, wanted=wanted, measures=goals.MEASURES, goal_periods=periods.PERIODS
    )


def _compared(report: Report) -> list[tuple[str, int, int | None, float | None]]:
    rows = []
    for name in ("active_s", "sessions", "pages", "days", "books_finished"):
        before = getattr(report.previous, name) if report.previous else None
        now = getattr(report.totals, name)
        rows.append((name, now, before, change(now, before) if before is not None else None))
    return rows


async def calendar_page(request: web.Request) -> web.StreamResponse:
    """A year, day by day."""
    user, ours = whose(request), reporting_of(services(request))
    whole = await ours.report(user)
    this_year = date.fromordinal(whole.today).year
    year = _year(request.query.get("year", ""), this_year)
    span = _span_of_year(year)
    report = await ours.report(user, Query(span.first, span.last))
    return show(
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
    user, ours = whose(request), reporting_of(services(request))
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
    return show(
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
    user = whose(request)
    report = await reporting_of(services(request)).report(user, Query(series=True))
    return show(request, "series", "series", report=report)


async def review(request: web.Request) -> web.StreamResponse:
    """A year in review."""
    user, ours = whose(request), reporting_of(services(request))
    year = _year(request.match_info["year"], 0)
    span = _span_of_year(year)
    report = await ours.report(user, Query(span.first, span.last, "author"))
    hours = [sum(row[hour] for row in report.heatmap) for hour in range(24)]
    weekdays = [sum(row) for row in report.heatmap]
    return show(
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


async def set_goal(request: web.Request) -> web.StreamResponse:
    """Set a goal, or give it up with 0."""
    form = await read_form(request)
    target = form.get("target", "").strip()
    if not target.isdecimal() or len(target) > 7:
        raise Invalid("The target of a goal is a whole number; 0 gives it up.")
    ours = reporting_of(services(request))
    await ours.set_goal(signed_in(request), form.get("measure", ""), form.get("period", ""), int(target))
    raise see_other(request, "/statistics", said="saved")


ROUTES = (
    Route("GET", "/statistics", overview),
    Route("GET", "/statistics/calendar", calendar_page),
    Route("GET", "/statistics/books", books_page),
    Route("GET", "/statistics/series", series_page),
    Route("GET", r"/statistics/year/{year:\d+}", review),
    Route("POST", "/statistics/goals", set_goal),
)
