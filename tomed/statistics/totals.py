"""Sums over days: totals, the bars of a chart, records. Each is the sum of exactly the days it names."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
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


class Days:
    """Reading days, ascending and each once, kept by column: sums and records of ten years are then quick.

    Iterating gives each as a ``Day``.
    """

    __slots__ = ("_upto", "active_s", "hours", "on", "pages", "sessions")

    def __init__(self, rows: Iterable[tuple[int, int, int, int, Hours]] = ()) -> None:
        columns = list(zip(*rows, strict=True)) or [()] * 5
        self.on: tuple[int, ...] = columns[0]
        self.active_s: tuple[int, ...] = columns[1]
        self.pages: tuple[int, ...] = columns[2]
        self.sessions: tuple[int, ...] = columns[3]
        self.hours: tuple[Hours, ...] = columns[4]
        self._upto: tuple[list[int], ...] = ()

    def __len__(self) -> int:
        return len(self.on)

    def __getitem__(self, index: int) -> Day:
        return Day(self.on[index], self.active_s[index], self.pages[index], self.sessions[index], self.hours[index])

    def __iter__(self) -> Iterator[Day]:
        return map(Day, self.on, self.active_s, self.pages, self.sessions, self.hours)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Days) and all(
            getattr(self, column) == getattr(other, column)
            for column in ("on", "active_s", "pages", "sessions", "hours")
        )

    def between(self, span: Span) -> Days:
        """Those inside a span."""
        low, high = bisect_left(self.on, span.first), bisect_right(self.on, span.last)
        found = Days()
        found.on, found.hours = self.on[low:high], self.hours[low:high]
        found.active_s, found.pages, found.sessions = (
            column[low:high] for column in (self.active_s, self.pages, self.sessions)
        )
        return found

    @property
    def upto(self) -> tuple[list[int], ...]:
        """Seconds, pages, sessions and days with reading before each day; a bar is the difference of two of them."""
        if not self._upto:
            columns = (self.active_s, self.pages, self.sessions, map(bool, self.active_s))
            self._upto = tuple(list(accumulate(column, initial=0)) for column in columns)
        return self._upto


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
    period: str
    active_s: int
    pages: int
    sessions: int
    days: int

    @property
    def label(self) -> str:
        """``2026-05-24``, ``2026-W21``, ``2026-05`` or ``2026``."""
        return periods.label(self.period, self.first)


class Records(NamedTuple):
    """The best day by time and by pages, the best week and month by time; ``None`` without reading."""

    day: Day | None
    pages: Day | None
    week: Bar | None
    month: Bar | None


def totals(days: Days, books_finished: int = 0) -> Totals:
    """Sum up. A day counts as one when anything was read on it."""
    active_s = days.active_s
    return Totals(sum(active_s), sum(days.sessions), sum(days.pages), len(active_s) - active_s.count(0), books_finished)


def bars(days: Days, period: str, span: Span | None = None, week_start: int = 1) -> list[Bar]:
    """The days as bars of a period. With a ``span`` every period of it is there, the empty ones too."""
    on = days.on
    if not on:
        return [Bar(first, period, 0, 0, 0, 0) for first in (periods.axis(period, span, week_start) if span else ())]
    active_s, pages, sessions, read = days.upto
    whole = Span(min(on[0], span.first) if span else on[0], max(on[-1], span.last) if span else on[-1])
    firsts = periods.axis(period, whole, week_start)
    found, low = [], 0
    for first, following in zip(firsts, [*firsts[1:], on[-1] + 1], strict=True):
        high = bisect_left(on, following, low)
        if high > low or span is not None:
            found.append(
                Bar(
                    first,
                    period,
                    active_s[high] - active_s[low],
                    pages[high] - pages[low],
                    sessions[high] - sessions[low],
                    read[high] - read[low],
                )
            )
        low = high
    return found


def years(months: Iterable[Bar]) -> list[Bar]:
    """Bars of months as bars of years."""
    found: dict[int, list[Bar]] = {}
    for bar in months:
        found.setdefault(periods.key("year", bar.first), []).append(bar)
    return [
        Bar(first, "year", *(sum(column) for column in zip(*(bar[2:] for bar in inside), strict=True)))
        for first, inside in found.items()
    ]


def records(days: Days, weeks: Iterable[Bar], months: Iterable[Bar]) -> Records:
    """The records among the days given and their bars; the earliest of equal ones."""
    longest = max(days.active_s, default=0)
    if not longest:
        return Records(None, None, None, None)

    def best(bars_: Iterable[Bar]) -> Bar | None:
        return max(bars_, key=lambda bar: (bar.active_s, -bar.first), default=None)

    most = max(days.pages)
    return Records(
        days[days.active_s.index(longest)],
        days[days.pages.index(most)] if most else None,
        best(weeks),
        best(months),
    )


def change(now: int, before: int) -> float | None:
    """By which share something grew, ``None`` when there was nothing before."""
    return (now - before) / before if before else None
