"""The pictures of the statistics: SVG in the colour of the text, with the tables behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from markupsafe import Markup, escape

from tomed.pages.layout import MONTHS
from tomed.pages.layout import span as span_of
from tomed.statistics import periods
from tomed.statistics.totals import Bar, Day

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def clock(seconds: int) -> str:
    """``1:07:12``: exact, so that the lines of a table add up to its foot."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def short_day(day: int) -> str:
    """``22 Nov 2026`` of a reading day."""
    on = date.fromordinal(day)
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def period_name(bar: Bar) -> str:
    """``22 Nov 2026``, ``from 16 Nov 2026`` (a week), ``Nov 2026`` or ``2026``."""
    on = date.fromordinal(bar.first)
    if bar.period in ("day", "week"):
        return ("from " if bar.period == "week" else "") + short_day(bar.first)
    return f"{MONTHS[on.month - 1]} {on.year}" if bar.period == "month" else str(on.year)


def _tick(bar: Bar, is_first: bool) -> str:
    """A period below its bar: the year only where it begins."""
    on = date.fromordinal(bar.first)
    if bar.period == "year":
        return str(on.year)
    month = MONTHS[on.month - 1]
    if bar.period == "month":
        return f"{month} {on.year}" if is_first or on.month == 1 else month
    return f"{on.day} {month}"


def _picture(title: str, height: int, inside: str) -> Markup:
    """An SVG as wide as the page: its sizes across are shares of that, so that letters stay letters on a phone."""
    return Markup(  # noqa: S704 - only numbers of ours and escaped labels
        f'<svg class="chart" role="img" aria-label="{escape(title)}" fill="currentColor" width="100%"'
        f' height="{height}">{inside}</svg>'
    )


def bar_chart(title: str, found: Sequence[Bar]) -> Markup:
    """Bars of reading time, with lines at the longest and at half of it."""
    height, head = 150, 18
    most = max((bar.active_s for bar in found), default=0)
    step = 100 / max(len(found), 1)
    drawn = [
        f'<line x1="0" x2="100%" y1="{y}" y2="{y}" stroke="currentColor" stroke-opacity="{strength}"/>'
        for y, strength in ((head, ".3"), (head + height / 2, ".3"), (head + height + 0.5, ".6"))
    ]
    if most:
        drawn.append(f'<text x="0" y="12" font-size="12">{span_of(most)}</text>')
    every = -(-len(found) // 12)
    for index, bar in enumerate(found):
        tall = round(bar.active_s / (most or 1) * height, 1)
        x = index * step
        if bar.active_s:
            drawn.append(
                f'<rect x="{x + step * 0.1:.2f}%" y="{head + height - tall:.1f}" width="{step * 0.8:.2f}%"'
                f' height="{tall:.1f}"><title>{period_name(bar)}: {clock(bar.active_s)}</title></rect>'
            )
        if index % every == 0 and x < 94:
            rank = ' class="more"' if index // every % 3 else ""
            drawn.append(
                f'<text{rank} x="{x + step * 0.1:.2f}%" y="{head + height + 16}" font-size="12">'
                f"{_tick(bar, index == 0)}</text>"
            )
    return _picture(title, head + height + 22, "".join(drawn))


def shade(seconds: int, most: int) -> str:
    """How dark a cell is, in five steps that an e-ink screen can tell apart; an empty one is only framed."""
    if seconds <= 0 or most <= 0:
        return "0"
    return ("0.2", "0.4", "0.65", "1")[min(3, seconds * 4 // (most + 1))]


def heat_chart(title: str, table: list[list[int]]) -> Markup:
    """Hours of the clock by day of the week."""
    tall, left, top = 26, 8.0, 2
    step = (100 - left) / 24
    most = max(map(max, table))
    drawn = []
    for weekday, row in enumerate(table):
        y = top + weekday * tall
        drawn.append(f'<text x="0" y="{y + 16}" font-size="12">{WEEKDAYS[weekday]}</text>')
        for hour, seconds in enumerate(row):
            said = f"<title>{WEEKDAYS[weekday]} {hour}:00: {clock(seconds)}</title>" if seconds else ""
            drawn.append(
                f'<rect x="{left + hour * step:.2f}%" y="{y}" width="{step * 0.88:.2f}%" height="{tall - 3}"'
                f' stroke="currentColor" stroke-opacity=".35" fill-opacity="{shade(seconds, most)}">{said}</rect>'
            )
    bottom = top + 7 * tall
    drawn += [
        f'<text x="{left + hour * step:.2f}%" y="{bottom + 13}" font-size="12">{hour}</text>'
        for hour in range(0, 24, 3)
    ]
    return _picture(title, bottom + 18, "".join(drawn))


def heat_rows(table: list[list[int]]) -> Markup:
    """The lines of the table behind the heat map; drawn with it, because they are many."""
    lines = []
    for weekday, row in zip(WEEKDAYS, table, strict=True):
        cells = "".join(f'<td class="n">{clock(seconds) if seconds else ""}</td>' for seconds in row)
        lines.append(f'<tr><th scope="row">{weekday}</th>{cells}<th class="n">{clock(sum(row))}</th></tr>')
    return Markup("".join(lines))  # noqa: S704 - only numbers of ours


def year_chart(title: str, year: int, days: Iterable[Day], week_start: int) -> Markup:
    """A year's calendar: a column a week, a cell a reading day."""
    tall, top = 15, 18
    step = 100 / 54
    read = {day.day: day for day in days}
    most = max((day.active_s for day in read.values()), default=0)
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    begin = periods.key("week", first, week_start)
    drawn = []
    for day in range(first, last + 1):
        column, row = divmod(day - begin, 7)
        on = date.fromordinal(day)
        if on.day == 1:
            drawn.append(f'<text x="{column * step:.2f}%" y="12" font-size="12">{MONTHS[on.month - 1]}</text>')
        seconds = read[day].active_s if day in read else 0
        said = f"<title>{short_day(day)}: {clock(seconds)}</title>" if seconds else ""
        drawn.append(
            f'<rect x="{column * step:.2f}%" y="{top + row * tall}" width="{step * 0.84:.2f}%" height="{tall - 2}"'
            f' stroke="currentColor" stroke-opacity=".35" fill-opacity="{shade(seconds, most)}">{said}</rect>'
        )
    return _picture(title, top + 7 * tall, "".join(drawn))
