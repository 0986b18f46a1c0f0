"""Pages that stay comparable: a book's own unit, whatever font size each page was read in.

KOReader counts pages of the layout of the moment. Page 7 of 140 is the stretch 6/140..7/140 of
the book; a book's unit is one page of the layout it was *first* read in, so that a later change
of font moves no number of the past.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class PageRow(NamedTuple):
    """One page on one screen, as KOReader keeps it: ``start`` in epoch seconds, ``duration`` in seconds."""

    document: int
    device: int
    page: int
    start: int
    duration: int
    total: int

    @property
    def layout(self) -> int:
        """Pages of the layout; never less than the page itself, whatever a broken row says."""
        return max(self.total, self.page, 1)


class Coverage:
    """Which parts of a book have been seen, as shares 0..1, in layouts that may change."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, float]] = []
        self._pages: set[tuple[int, int]] = set()

    def add(self, page: int, count: int) -> float:
        """Note a page of a layout of ``count`` pages; how much of the book is new by it, 0..1."""
        if (page, count) in self._pages:
            return 0.0
        self._pages.add((page, count))
        low, high = (page - 1) / count, page / count
        new, kept = high - low, []
        for begin, end in self._seen:
            if end < low - 1e-12 or begin > high + 1e-12:
                kept.append((begin, end))
                continue
            new -= max(0.0, min(end, (page / count)) - max(begin, (page - 1) / count))
            low, high = min(low, begin), max(high, end)
        kept.append((low, high))
        self._seen = kept
        return max(0.0, new)

    @property
    def fraction(self) -> float:
        """The share of the book that has been seen, 0..1."""
        return min(1.0, sum(end - begin for begin, end in self._seen))


def unit(rows: Iterable[PageRow]) -> int:
    """Pages of a file in its own unit: those of the layout it was first read in. 0 without rows."""
    first = min(rows, key=lambda row: (row.start, row.page, row.total), default=None)
    return first.layout if first else 0


def coverage(rows: Iterable[PageRow]) -> float:
    """The share of a book that was ever on the screen, 0..1. Not how far one is: that is the furthest page."""
    seen = Coverage()
    for row in rows:
        seen.add(row.page, row.layout)
    return seen.fraction


def furthest(rows: Iterable[PageRow]) -> float:
    """How far reading has come, 0..1: the furthest page, each in its own layout."""
    return max((row.page / row.layout for row in rows), default=0.0)


def koreader_pages(rows: Sequence[PageRow], pages: int) -> set[int]:
    """The distinct pages KOReader would say were read, in a layout of ``pages``: its own rescaling, whole numbers.

    Only for comparing with KOReader's totals; it may count a page that was never seen, or two for one.
    """
    read: set[int] = set()
    for row in rows:
        first = (row.page - 1) * pages // row.layout + 1
        read.update(range(first, max(first, row.page * pages // row.layout) + 1))
    return read
