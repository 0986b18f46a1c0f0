"""Time of day by weekday: how much was read in each hour of the clock on each day of the week."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

Hours = bytes
"""24 unsigned 32-bit numbers of this machine: active seconds in each hour of the clock of one reading day."""

_MONDAY = date(1970, 1, 5).toordinal() % 7


def packed(hours: Iterable[int]) -> Hours:
    """24 numbers as ``Hours``."""
    return array("I", hours).tobytes()


def unpacked(hours: Hours) -> list[int]:
    """``Hours`` as 24 numbers."""
    return array("I", hours).tolist()


def heatmap(days: Iterable[tuple[int, Hours]]) -> list[list[int]]:
    """Seven rows from Monday, 24 columns from midnight; all cells sum to all seconds.

    The weekday is the reading day's: 1:30 in the night to Tuesday belongs to Monday's row.
    """
    rows: list[list[Hours]] = [[] for _ in range(7)]
    for day, hours in days:
        rows[(day - _MONDAY) % 7].append(hours)
    return [_sum(row) for row in rows]


_ROW = 24 * array("I").itemsize
_ROOM = 1 << 16
_LARGE = array("I", [0xFFFF_FFFF - (_ROOM - 1)] * 24).tobytes()


@lru_cache(maxsize=32)
def _large(width: int) -> int:
    return int.from_bytes(_LARGE * width, sys.byteorder)


def _sum(rows: list[Hours]) -> list[int]:
    """Column by column: all rows are one long number whose halves are added until one row is left.

    That is exact while no column overflows; if one might, the columns are added one by one.
    """
    joined = b"".join(rows)
    width = 1 << max(len(joined) // _ROW - 1, 0).bit_length()
    whole = int.from_bytes(joined.ljust(width * _ROW, b"\0"), sys.byteorder)
    if width >= _ROOM or whole & _large(width):
        seconds = array("I", joined)
        return [sum(seconds[hour::24]) for hour in range(24)]
    while width > 1:
        width //= 2
        bits = width * _ROW * 8
        whole = (whole >> bits) + (whole & ((1 << bits) - 1))
    return array("I", whole.to_bytes(_ROW, sys.byteorder)).tolist()
