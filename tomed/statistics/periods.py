"""Periods of the calendar: the day, week, month and year a reading day lies in, and the axis of a chart.

Months are counted on the calendar, never in steps of thirty days.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from tomed.errors import Invalid

PERIODS = ("day", "week", "month", "year")


class Span(NamedTuple):
    """Reading days from ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def days(self) -> int:
        return self.last - self.first + 1


def key(period: str, day: int, week_start: int = 1) -> int:
    """The first reading day of the period that ``day`` lies in. ``week_start`` is 1 for Monday to 7 for Sunday."""
    if period == "day":
        return day
    if period == "week":
        return day - (date.fromordinal(day).isoweekday() - week_start) % 7
    if period == "month":
        return date.fromordinal(day).replace(day=1).toordinal()
    if period == "year":
        return date.fromordinal(day).replace(month=1, day=1).toordinal()
    raise Invalid(f"A period is one of {', '.join(PERIODS)}, not {period!r}.")


def following(period: str, first: int) -> int:
    """The first day of the period after the one that begins at ``first``."""
    if period == "day":
        return first + 1
    if period == "week":
        return first + 7
    begin = date.fromordinal(first)
    if period == "month":
        return (begin.replace(day=28) + timedelta(days=4)).replace(day=1).toordinal()
    return begin.replace(year=begin.year + 1, month=1, day=1).toordinal()


def axis(period: str, span: Span, week_start: int = 1) -> list[int]:
    """The first days of all periods that ``span`` touches, each once, without holes."""
    firsts, at = [], key(period, span.first, week_start)
    while at <= span.last:
        firsts.append(at)
        at = following(period, at)
    return firsts


def label(period: str, first: int) -> str:
    """``2026-05-24``, ``2026-W21``, ``2026-05`` or ``2026``."""
    begin = date.fromordinal(first)
    if period == "week":
        year, week, _ = (begin + timedelta(days=3)).isocalendar()
        return f"{year}-W{week:02}"
    return {"month": f"{begin:%Y-%m}", "year": f"{begin:%Y}"}.get(period, begin.isoformat())


def current(period: str, today: int, week_start: int = 1) -> Span:
    """The whole period that today lies in, its coming days included."""
    first = key(period, today, week_start)
    return Span(first, following(period, first) - 1)


def previous(span: Span) -> Span:
    """What to compare with: the calendar's previous month or year when ``span`` is one, else as many days before."""
    for period in ("month", "year"):
        if key(period, span.first) == span.first and following(period, span.first) - 1 == span.last:
            first = key(period, span.first - 1)
            return Span(first, span.first - 1)
    return Span(span.first - span.days, span.first - 1)
