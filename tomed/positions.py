"""Which of many positions counts, and what a book's log says about its status. Pure.

The rules, each order-independent (a set of events has one answer, however it arrived):

* The entry with the latest ``at`` is the current one. A stale or replayed event has an older ``at``
  and so never wins. At the same moment an entry with a locator beats one without, and the greater
  event id decides what is left, so that every copy of the log agrees.
* The end of a session carries a fraction and often no locator. When the newest located entry lies at
  the same place, its locator is lent: a session never makes a place less exact.
* Readers count differently (pages, bytes): their fractions are compared and shown on the one scale of
  ``canonical``. A reader's own end is the end for everybody.
* From 0.99 on a book is complete, and stays so until a person says otherwise.
* What a person says (a verdict) counts from its own time on. ``new`` begins an epoch: what was read
  before it is history and places nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tomed.model import PositionEntry, Status

COMPLETE_FROM = 0.99
"""Fraction from which a book counts as read: the last page rarely ends exactly at 1."""

SAME_PLACE = 0.0005
"""Two fractions that differ by less are the same page of the same layout."""


def canonical(entry: PositionEntry) -> float:
    """Where an entry is on the one scale: the share of the book's text before it, and 1 at its reader's own end.

    While that is not known, what the reader itself said stands in for it.
    """
    if entry.fraction >= COMPLETE_FROM:
        return 1.0
    if entry.scaled is None or entry.scaled.fraction is None:
        return entry.fraction
    return entry.scaled.fraction


def _same_place(one: PositionEntry, other: PositionEntry) -> bool:
    # One reader's own figures are finer than what they are converted to.
    if one.device == other.device or one.scaled is None or other.scaled is None:
        return abs(one.fraction - other.fraction) <= SAME_PLACE
    return abs(canonical(one) - canonical(other)) <= SAME_PLACE


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person said about a book: a status, at a time (ms)."""

    at: int
    status: Status
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a log says about a book: ``started_at`` and ``finished_at`` in ms, None while unknown."""

    status: Status
    started_at: int | None = None
    finished_at: int | None = None


def rank(entry: PositionEntry) -> tuple[int, bool, str]:
    """Sort key of the log: the greatest is the current entry."""
    return (entry.at, entry.locator is not None, entry.event_id)


def current(entries: Iterable[PositionEntry], since: int = -1) -> PositionEntry | None:
    """The entry that counts among those after ``since`` (ms, the epoch's start), with a locator lent if it has none."""
    log = [entry for entry in entries if entry.at > since]
    if not log:
        return None
    head = max(log, key=rank)
    if head.locator is not None:
        return head
    located = max((entry for entry in log if entry.locator is not None), key=rank, default=None)
    if located is None or not _same_place(located, head):
        return head
    return replace(
        head,
        locator=located.locator,
        text=located.text or head.text,
        precision=located.precision,
        scaled=located.scaled or head.scaled,
    )


def epoch(verdicts: Iterable[Verdict]) -> int:
    """When the present reading of the book began: the latest ``new``, or -1 when there was none."""
    return max((verdict.at for verdict in verdicts if verdict.status is Status.NEW), default=-1)


def standing(entries: Sequence[PositionEntry], verdicts: Sequence[Verdict]) -> Standing:
    """Status of a book from its whole log and everything a person said about it."""
    since = epoch(verdicts)
    last = max(verdicts, key=lambda v: (v.at, v.event_id), default=None)
    log = [entry.at for entry in entries if entry.at > since]
    started_at = min(log, default=None)
    not_before = last.at if last is not None and last.status is not Status.COMPLETE else since
    finished = [entry.at for entry in entries if entry.fraction >= COMPLETE_FROM and entry.at > not_before]
    return judge(last, started_at, min(finished, default=None))


def judge(last: Verdict | None, started_at: int | None, finished_at: int | None) -> Standing:
    """The rule itself, from the last verdict, the epoch's first entry and the first one at the end after that verdict.

    A store that can find those three by index need not read the whole log.
    """
    if last is not None and last.status is Status.COMPLETE:
        return Standing(Status.COMPLETE, started_at, min(last.at, finished_at) if finished_at is not None else last.at)
    if finished_at is not None:
        return Standing(Status.COMPLETE, started_at, finished_at)
    if last is not None and last.status is not Status.NEW:
        return Standing(last.status, started_at if started_at is not None else last.at)
    return Standing(Status.NEW if started_at is None else Status.READING, started_at)
