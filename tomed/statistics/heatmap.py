"""Time of day by weekday: how much was read in each hour of the clock on each day of the week."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from datetime import date

Hours = bytes
"""24 unsigned 32-bit numbers of this machine: active seconds in each hour of the clock of one reading day."""

_MONDAY = date(1970, 1, 5).toordinal() % 7


def packed(hours: Iterable[int]) -> Hours:
    """24 numbers as ``Hours``."""
    return array("I", hours).tobytes()


def heatmap(days: Iterable[tuple[int, Hours]]) -> list[list[int]]:
    """Seven rows from Monday, 24 columns from midnight; all cells sum to all seconds.

    The weekday is the reading day's: 1:30 in the night to Tuesday belongs to Monday's row.
    """
    rows: list[list[Hours]] = [[] for _ in range(7)]
    for day, hours in days:
        rows[(day - _MONDAY) % 7].append(hours)
    return [_sum(array("I", b"".join(row))) for row in rows]


def _sum(seconds: array[int]) -> list[int]:
    return [sum(seconds[hour::24]) for hour in range(24)]
