"""Pace: pages and words a minute, so that one forgotten open book does not change it.

The middle sitting counts, weighted by its length: half of all reading time was slower, half was
faster. Without enough sittings there is no pace rather than a made-up one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

MINIMUM_SITTINGS = 3
MINIMUM_S = 60
"""Sittings shorter than this say nothing about pace."""


class Pace(NamedTuple):
    """Units a minute: the middle, and the quarter points below and above it."""

    middle: float
    low: float
    high: float
    sittings: int


def quantile(weighted: list[tuple[float, float]], share: float) -> float:
    """The value at ``share`` (0..1) of all weight. ``weighted`` is (value, weight), sorted, with some weight."""
    due = share * sum(weight for _, weight in weighted)
    past = 0.0
    for value, weight in weighted:
        past += weight
        if past >= due:
            return value
    return weighted[-1][0]


def pace(sittings: Iterable[tuple[int, float]]) -> Pace | None:
    """The pace of sittings given as (active seconds, units read); ``None`` when they are too few."""
    speeds = sorted(
        (units * 60 / active_s, float(active_s)) for active_s, units in sittings if active_s >= MINIMUM_S and units > 0
    )
    if len(speeds) < MINIMUM_SITTINGS:
        return None
    return Pace(quantile(speeds, 0.5), quantile(speeds, 0.25), quantile(speeds, 0.75), len(speeds))


def words(of_pages: Pace | None, book_words: int, book_pages: int) -> Pace | None:
    """The pace in words of a book whose words and pages (in its own unit) are known."""
    if of_pages is None or book_words <= 0 or book_pages <= 0:
        return None
    each = book_words / book_pages
    return Pace(of_pages.middle * each, of_pages.low * each, of_pages.high * each, of_pages.sittings)


def suspicious(active_s: int, pages: int) -> bool:
    """Whether a sitting looks like a book left open: six hours and more, or ten minutes and more a page."""
    return active_s >= 6 * 3600 or (pages > 0 and active_s > 1800 and active_s / pages > 600)
