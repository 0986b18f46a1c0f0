"""How long it may still take, at one's own pace, and how sure that is. ``None`` means: not enough data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tomed.statistics.pace import quantile

MINIMUM_GAIN = 0.05
"""So much of a book must have been read before the rest is guessed from it."""
MINIMUM_SITTINGS = 3
MINIMUM_FINISHED = 3
WINDOW_DAYS = 28


class Estimate(NamedTuple):
    """Reading time still to come in seconds, and days until then: the middle and a likely range."""

    remaining_s: int
    low_s: int
    high_s: int
    days: int | None = None
    low_days: int | None = None
    high_days: int | None = None


def remaining(fraction: float, sittings: Iterable[tuple[int, float]]) -> Estimate | None:
    """The time left in a book from its own sittings, each (active seconds, fraction gained).

    The range is made of the quarter points of how fast the sittings went.
    """
    useful = [(active_s, gained) for active_s, gained in sittings if active_s > 0 and gained > 0]
    if len(useful) < MINIMUM_SITTINGS or sum(gained for _, gained in useful) < MINIMUM_GAIN:
        return None
    left = max(0.0, 1.0 - fraction)
    cost = sorted((active_s / gained, gained) for active_s, gained in useful)
    low, middle, high = (round(left * quantile(cost, share)) for share in (0.25, 0.5, 0.75))
    return Estimate(middle, low, high)


def until(estimate: Estimate | None, daily_s: Sequence[int]) -> Estimate | None:
    """Add days: ``daily_s`` is what was read on each of the last days, the empty ones included.

    Without reading in that time there is a remaining time and no date.
    """
    if estimate is None or not daily_s or sum(daily_s) <= 0:
        return estimate
    mean = sum(daily_s) / len(daily_s)
    spread = math.sqrt(sum((s - mean) ** 2 for s in daily_s) / len(daily_s)) / math.sqrt(len(daily_s))
    fast, slow = mean + spread, max(mean - spread, mean / 4)
    return estimate._replace(
        days=math.ceil(estimate.remaining_s / mean),
        low_days=math.ceil(estimate.low_s / fast),
        high_days=math.ceil(estimate.high_s / slow),
    )


def pile(books: int, finished_s: Iterable[int], daily_s: Sequence[int] = ()) -> Estimate | None:
    """The time for ``books`` unread ones, from what finished books of the kind took in all (seconds each)."""
    took = sorted(float(s) for s in finished_s if s > 0)
    if len(took) < MINIMUM_FINISHED:
        return None
    even = [(s, 1.0) for s in took]
    low, middle, high = (round(books * quantile(even, share)) for share in (0.25, 0.5, 0.75))
    return until(Estimate(middle, low, high), daily_s)


def together(estimates: Iterable[Estimate | None], daily_s: Sequence[int] = ()) -> Estimate | None:
    """The sum of several, unknown when one of them is."""
    total = Estimate(0, 0, 0)
    for one in estimates:
        if one is None:
            return None
        total = Estimate(total.remaining_s + one.remaining_s, total.low_s + one.low_s, total.high_s + one.high_s)
    return until(total, daily_s)


def time_left(fraction: float, borders: Sequence[float], seconds_a_book: float | None) -> int | None:
    """Seconds to the end of the chapter: ``borders`` are the fractions at which chapters begin, ascending."""
    if seconds_a_book is None or not 0 <= fraction <= 1:
        return None
    end = next((border for border in borders if border > fraction), 1.0)
    return round((end - fraction) * seconds_a_book)
