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
    sums = dict.fromkeys(periods.axis(period, span, week_start) if span else (), (0, 0, 0, 0))
    begin = end = 0
    held: list[Day] = []
    for day in days:
        if not begin <= day.day < end:
            _sum_up(sums, begin, held)
            begin = periods.key(period, day.day, week_start)
            end = periods.following(period, begin)
            held = []
        held.append(day)
    _sum_up(sums, begin, held)
    return [Bar(first, periods.label(period, first), *sums[first]) for first in sorted(sums)]


def _sum_up(sums: dict[int, tuple[int, int, int, int]], begin: int, days: list[Day]) -> None:
    if days:
        _, active_s, pages, sessions, _ = zip(*days, strict=True)
        more = (sum(active_s), sum(pages), sum(sessions), len(days) - active_s.count(0))
        before = sums.get(begin, (0, 0, 0, 0))
        sums[begin] = (before[0] + more[0], before[1] + more[1], before[2] + more[2], before[3] + more[3])


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
