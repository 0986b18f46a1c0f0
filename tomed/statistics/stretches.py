"""The page times of a sitting: which page was open when, and how much of that was reading, as the plugin tells it.

They say where inside a sitting its time lies, so that an idle hour in the middle is in no hour of the
clock and a night's border parts the sitting at the page. How long the sitting was stays its own word:
the parts sum to its ``active_s`` exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tomed.statistics.days import shares

PASSED_S = 5
"""A page seen for less is passed over, as in KOReader's own statistics; its seconds are those of the page before."""

PageTime = tuple[int, int, int]
"""Page, seconds after the sitting began, active seconds."""


class Stretch(NamedTuple):
    """A page on the screen from ``started_at`` to ``left_at`` (ms), read for ``active_s`` of it from its beginning."""

    started_at: int
    left_at: int
    page: int
    active_s: int

    @property
    def read_until(self) -> int:
        """Where the active seconds end, ms: not after the page was left."""
        return min(self.started_at + self.active_s * 1000, max(self.left_at, self.started_at))


def stretches(started_at: int, ended_at: int, active_s: int, times: Sequence[PageTime]) -> list[Stretch]:
    """The stretches of a sitting (ms, and its active seconds) by its page times; they sum to ``active_s``.

    Empty when there are none to believe: not in order, after the end, or another time in all than the sitting's.
    """
    told_s = sum(active for _, _, active in times)
    offsets = [offset for _, offset, _ in times]
    if (
        not times
        or active_s <= 0
        or told_s <= 0
        or offsets != sorted(offsets)
        or started_at + offsets[-1] * 1000 > ended_at
        or abs(told_s - active_s) > len(times) + active_s // 10  # each is rounded to a second
    ):
        return []
    kept = _without_passed(times)
    upto, cuts = 0, []
    for _, _, active in kept:
        upto += active
        cuts.append(upto)
    parts = shares(0, told_s, cuts, active_s)
    starts = [started_at + offset * 1000 for _, offset, _ in kept]
    return [
        Stretch(start, left, page, part)
        for (page, _, _), start, left, part in zip(kept, starts, [*starts[1:], ended_at], parts, strict=True)
    ]


def _without_passed(times: Sequence[PageTime]) -> list[PageTime]:
    """The pages that were read, with the seconds of those passed over; before the first they are the first one's."""
    kept: list[PageTime] = []
    early, begin = 0, times[0][1]
    for page, offset, active in times:
        if active >= PASSED_S:
            kept.append((page, offset, active + early) if kept else (page, begin, active + early))
            early = 0
        elif kept:
            kept[-1] = (kept[-1][0], kept[-1][1], kept[-1][2] + active)
        else:
            early += active
    return kept or [(times[-1][0], begin, early)]
