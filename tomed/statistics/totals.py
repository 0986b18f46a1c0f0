"""Sums over days: totals, the bars of a chart, records. Each is the sum of exactly the days it names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    hours: Hours = ()


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
    active_s = sessions = pages = count = 0
    for day in days:
        active_s += day.active_s
        sessions += day.sessions
        pages += day.pages
        count += day.active_s > 0
    return Totals(active_s, sessions, pages, count, books_finished)


def bars(days: Iterable[Day], period: str, span: Span | None = None, week_start: int = 1) -> list[Bar]:
    """The days as bars of a period. With a ``span`` every period of it is there, the empty ones too."""
    firsts = {first: [0, 0, 0, 0] for first in (periods.axis(period, span, week_start) if span else ())}
    begin = end = None
    sums: list[int] = []
    for day in days:
        if begin is None or end is None or not begin <= day.day < end:
            begin = periods.key(period, day.day, week_start)
            end = periods.following(period, begin)
            sums = firsts.setdefault(begin, [0, 0, 0, 0])
        sums[0] += day.active_s
        sums[1] += day.pages
        sums[2] += day.sessions
        sums[3] += day.active_s > 0
    return [Bar(first, periods.label(period, first), *firsts[first]) for first in sorted(firsts)]


def records(days: Sequence[Day], week_start: int = 1) -> Records:
    """The records among the days given; the earliest of equal ones."""
    read = [day for day in days if day.active_s > 0]
    if not read:
        return Records(None, None, None, None)

    def best(all_: list[Bar]) -> Bar:
        return max(all_, key=lambda bar: (bar.active_s, -bar.first))

    most = max(read, key=lambda d: (d.pages, -d.day))
    return Records(
        day=max(read, key=lambda d: (d.active_s, -d.day)),
        pages=most if most.pages else None,
        week=best(bars(read, "week", week_start=week_start)),
        month=best(bars(read, "month")),
    )


def change(now: int, before: int) -> float | None:
    """By which share something grew, ``None`` when there was nothing before."""
    return (now - before) / before if before else None
