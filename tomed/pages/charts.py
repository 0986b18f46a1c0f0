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
