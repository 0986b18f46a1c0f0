"""Finished readings of a book: each one at the moment it was finished, never at that of a later edit.

A book read again is finished again. A reading ends with a completion; whatever its reader says
later (``new``, ``reading``, ``abandoned``) begins another one and leaves the finished one finished.
Said within the hour it takes the completion back: that was a slip of the finger.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

SLIP_MS = 3_600_000


class Said(NamedTuple):
    """Something that moves the status: a person's word, or the end of the book reached (``complete``)."""

    at: int
    status: str


def finishes(said: Iterable[Said], finished_at: int | None) -> list[int]:
    """When each reading was finished, ms, ascending.

    ``finished_at`` is the book's present one and has the last word on the latest reading; the
    earlier ones come from what was said.
    """
    closed: list[int] = []
    current: int | None = None
    for at, status in sorted(said):
        if status == "complete":
            current = at if current is None else current
        elif current is not None:
            if at - current > SLIP_MS:
                closed.append(current)
            current = None
    if finished_at is None:
        return closed
    return [at for at in closed if at < finished_at] + [finished_at]
