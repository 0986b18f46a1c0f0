"""Sums over days: totals, the bars of a chart, records. Each is the sum of exactly the days it names."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from tomed.statistics import periods
from tomed.statistics.heatmap import Hours
from tomed.statistics.periods import Span


class Day(NamedTuple):
    """All reading of one reading day. ``sessions`` began on it; ``hours`` sum to ``active_s``."""

    day: int
    active_s: int
    pages: int
    sessions: int
    hours: Hours = b""


class Totals(NamedTuple):
    """What a stretch of days comes to."""

    active_s: int = 0
    sessions: int = 0
    pages: int = 0
    days: int = 0
    books_finished: int = 0

    @property
    def mean_session_s(self) -> int | None:
        return self.active_s // self.sessions if self.sessions else None

    @property
    def mean_day_s(self) -> int | None:
        return self.active_s // self.days if self.days else None


class Bar(NamedTuple):
    """One period of an axis."""

    first: int
    label: str
    active_s: int
    pages: int
    sessions: int
    days: int


class Records(NamedTuple):
    """The best day by time and by pages, the best week and month by time; ``None`` without reading."""

    day: Day | None
    pages: Day | None
    week: Bar | None
    month: Bar | None


def totals(days: Iterable[Day], books_finished: int = 0) -> Totals:
    """Sum up. A day counts as one when anything was read on it."""
    columns = list(zip(*days, strict=True))
    if not columns:
        return Totals(books_finished=books_finished)
    _, active_s, pages, sessions, _ = columns
    return Totals(sum(active_s), sum(sessions), sum(pages), len(active_s) - active_s.count(0), books_finished)


def bars(days: Sequence[Day], period: str, span: Span | None = None, week_start: int = 1) -> list[Bar]:
    """The days, ascending, as bars of a period. With a ``span`` every period of it is there, the empty ones too."""
    if not days:
        return _empty(periods.axis(period, span, week_start) if span else (), period)
    on, active_s, pages, sessions, _ = zip(*days, strict=True)
    # Sums up to each day: a bar is then the difference of two of them, however many days it has.
    upto = [list(accumulate(column, initial=0)) for column in (active_s, pages, sessions, map(bool, active_s))]
    whole = Span(min(on[0], span.first) if span else on[0], max(on[-1], span.last) if span else on[-1])
    firsts = periods.axis(period, whole, week_start)
    found, low = [], 0
    for first, following in zip(firsts, [*firsts[1:], on[-1] + 1], strict=True):
        high = bisect_left(on, following, low)
        if high > low or span is not None:
            sums = [column[high] - column[low] for column in upto]
            found.append(Bar(first, periods.label(period, first), *sums))
        low = high
    return found


def _empty(firsts: Iterable[int], period: str) -> list[Bar]:
    return [Bar(first, periods.label(period, first), 0, 0, 0, 0) for first in firsts]


def years(months: Iterable[Bar]) -> list[Bar]:
    """Bars of months as bars of years."""
    found: dict[int, list[Bar]] = {}
    for bar in months:
        found.setdefault(periods.key("year", bar.first), []).append(bar)
    return [
        Bar(
            first, periods.label("year", first), *(sum(column) for column in zip(*(b[2:] for b in inside), strict=True))
        )
        for first, inside in found.items()
    ]


def records(days: Sequence[Day], weeks: Iterable[Bar], months: Iterable[Bar]) -> Records:
    """The records among the days given and their bars; the earliest of equal ones."""
    if not any(day.active_s for day in days):
        return Records(None, None, None, None)

    def best(bars_: Iterable[Bar]) -> Bar | None:
        return max(bars_, key=lambda bar: (bar.active_s, -bar.first), default=None)

    most = max(days, key=lambda d: (d.pages, -d.day))
    return Records(
        max(days, key=lambda d: (d.active_s, -d.day)), most if most.pages else None, best(weeks), best(months)
    )


def change(now: int, before: int) -> float | None:
    """By which share something grew, ``None`` when there was nothing before."""
    return (now - before) / before if before else None
