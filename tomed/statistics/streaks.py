"""Streaks: runs of reading days one after another, from every source alike.

A day counts with a minute of reading or more, so that a book opened by accident holds no streak.
The day that is still going on is the one day of grace: until it is over, an unread today does not
end the run that lasted until yesterday.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

MINIMUM_S = 60


class Streak(NamedTuple):
    """``length`` days from ``first`` to ``last``; length 0 has no days."""

    length: int
    first: int | None = None
    last: int | None = None


def active_days(seconds: Iterable[tuple[int, int]], minimum_s: int = MINIMUM_S) -> list[int]:
    """The days, ascending, on which enough was read. ``seconds`` is (day, active seconds), each day once."""
    return sorted([day for day, active_s in seconds if active_s >= minimum_s])


def runs(days: Iterable[int]) -> list[Streak]:
    """All runs, oldest first."""
    ordered = sorted(set(days))
    if not ordered:
        return []
    ends = [i for i, (day, following) in enumerate(pairwise(ordered)) if following != day + 1]
    firsts, lasts = [0, *(i + 1 for i in ends)], [*ends, len(ordered) - 1]
    return [Streak(last - first + 1, ordered[first], ordered[last]) for first, last in zip(firsts, lasts, strict=True)]


def longest(days: Iterable[int]) -> Streak:
    """The longest run; the later one of two that are equal."""
    return max(runs(days), key=lambda run: (run.length, run.last or 0), default=Streak(0))


def current(days: Iterable[int], today: int) -> Streak:
    """The run that reaches today, or yesterday while today is still open. Days after today do not count."""
    read = {day for day in days if day <= today}
    last = today if today in read else today - 1
    first = last
    while first in read:
        first -= 1
    return Streak(last - first, first + 1, last) if first < last else Streak(0)
