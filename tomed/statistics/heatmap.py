"""Time of day by weekday: how much was read in each hour of the clock on each day of the week."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

Hours = tuple[int, ...]
"""24 numbers: active seconds in each hour of the clock of one reading day."""

_MONDAY = date(1970, 1, 5).toordinal() % 7


def heatmap(days: Iterable[tuple[int, Hours]]) -> list[list[int]]:
    """Seven rows from Monday, 24 columns from midnight; all cells sum to all seconds.

    The weekday is the reading day's: 1:30 in the night to Tuesday belongs to Monday's row.
    """
    rows: list[list[Hours]] = [[] for _ in range(7)]
    for day, hours in days:
        rows[(day - _MONDAY) % 7].append(hours)
    return [[sum(column) for column in zip(*row, strict=True)] if row else [0] * 24 for row in rows]
