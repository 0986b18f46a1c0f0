"""The use cases of reading: record what a device tells, place its files, say where a reader stands.

Everything here runs inside one transaction of the store: a plain function taking its connection. An event
is recorded whether its book is known or not; then it hangs on a *document* (the file as the device knows
it) and moves to the book when the document is placed, by a rule or by a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import apsw

from tomed.errors import Ambiguous, Invalid, NoMatch, NotFound
from tomed.model import BookId, Clues, DeviceId, Locator, Match, PositionEntry, Precision, Session, Status
from tomed.store import aliases, documents, events, readings, scales

NO_CLUES = Clues()
DAY_MS = 24 * 3600 * 1000

CLOCK_TOLERANCE_MS = 10_000
"""A device whose clock is off by less is believed: the difference is the way through the network."""


class Resolve(Protocol):
    """Names the book that a file certainly is (``tomed/resolving.py``).

    Raises:
        NoMatch, Ambiguous: there is no certainty.
    """

    def __call__(self, connection: apsw.Connection, clues: Clues, *, user_id: int | None = None) -> Match: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event as a client told it: ``id`` made by the client, ``at`` by the client's own clock (ms).

    ``clock_set_ms``: how far that clock was put forward since, so that it is another one that tells "now".
    """

    id: str
    at: int
    clues: Clues
    clock_set_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionTold(Told):
    """ "I am here now": a place that a reader's own page turn led to."""

    fraction: float
    locator: Locator | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTold(Told):
    """One sitting, told when it is over. Times by the client's clock (ms)."""

    started_at: int
    ended_at: int
    active_s: int
    pages_turned: int = 0
    start_fraction: float | None = None
    end_fraction: float | None = None
    locator: Locator | None = None
    text: str = ""
    source: str = "device"
    total_pages: int = 0
    page_times: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusTold(Told):
    """What a person said about the book: a status, a rating in half stars (0 clears it), or both."""

    status: Status | None = None
    rating: int | None = None


AnyTold = PositionTold | SessionTold | StatusTold


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who tells: the user, the device, and how far its clock is behind ours (ms, added to its times)."""

    user_id: int
    device_id: DeviceId | None = None
    clock_offset_ms: int = 0

    def offset_of(self, told: Told) -> int:
        """What to add to an event's times: they were told by the clock as it was then."""
        return told.clock_set_ms + self.clock_offset_ms


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one event of a batch: ``accepted``, ``duplicate`` or ``rejected`` with a reason."""

    id: str
    result: str
    reason: str = ""


@dataclass(slots=True)
class _Placing:
    """Finds each file's book once a batch."""

    connection: apsw.Connection
    resolve: Resolve
    user_id: int
    now: int
    known: dict[Clues, tuple[BookId | None, int | None]] = field(default_factory=dict)

    def of(self, clues: Clues) -> tuple[BookId | None, int | None]:
        """Book and document of an event; the book is None while nobody knows it."""
        if clues not in self.known:
            self.known[clues] = self._find(clues)
        return self.known[clues]

    def _find(self, clues: Clues) -> tuple[BookId | None, int | None]:
        match = certain(self.connection, self.resolve, clues, self.user_id) if clues.book_uuid else None
        if match is not None and match.matched_by == "book_uuid":
            aliases.learn_hash(self.connection, clues.partial_md5, match.book_id, match.matched_by)
            return match.book_id, None
        document = documents.note(self.connection, self.user_id, clues, self.now)
        if document.book_id is not None or document.ignored:
            return document.book_id, document.id
        match = match or certain(self.connection, self.resolve, clues, self.user_id)
        if match is None:
            return None, document.id
        place(self.connection, document.id, match.book_id, match.matched_by, self.now)
        return match.book_id, document.id


def certain(connection: apsw.Connection, resolve: Resolve, clues: Clues, user_id: int) -> Match | None:
    """The book that a file certainly is, or None."""
    try:
        return resolve(connection, clues, user_id=user_id)
    except (NoMatch, Ambiguous):
        return None


def clock_offset(client_now: int | None, now: int) -> int:
    """What to add to a device's times (ms), from its own "now" at the moment of sending."""
    if client_now is None or abs(now - client_now) < CLOCK_TOLERANCE_MS:
        return 0
    return now - client_now


def record(
    connection: apsw.Connection, resolve: Resolve, reporter: Reporter, batch: Iterable[AnyTold | Result], now: int
) -> list[Result]:
    """Record a batch of events; one that was refused before (a ``Result``) keeps its place in the answer.

    Each event stands for itself: what is wrong with one is told in its result and touches no other.
    """
    told = list(batch)
    try:
        with connection:
            results = _record_all(connection, resolve, reporter, told, now, nullcontext())
    except UNFORESEEN:  # one of them is to blame: once more, each by itself
        results = _record_all(connection, resolve, reporter, told, now, connection)
    return results


UNFORESEEN = (Invalid, apsw.ConstraintError, OverflowError)
"""A value that no check foresaw. It must not block a queue."""


def _record_all(
    connection: apsw.Connection,
    resolve: Resolve,
    reporter: Reporter,
    batch: list[AnyTold | Result],
    now: int,
    alone: AbstractContextManager[Any],
) -> list[Result]:
    """Each event inside ``alone``: the connection (a savepoint, so that its failure undoes it alone) or nothing."""
    placing = _Placing(connection, resolve, reporter.user_id, now)
    results: list[Result] = []
    touched: _Touched = {}
    for told in batch:
        if isinstance(told, Result):
            results.append(told)
            continue
        try:
            _check(reporter, told, now)
        except Invalid as err:
            results.append(Result(told.id, "rejected", err.message))
            continue
        try:
            with alone:
                results.append(_record_one(connection, placing, reporter, told, now, touched))
        except UNFORESEEN as err:
            if alone is not connection:
                raise
            placing.known.clear()  # what was placed for it has been rolled back
            reason = err.message if isinstance(err, Invalid) else f"This event can't be kept: {err}"
            results.append(Result(told.id, "rejected", reason))
    for book_id, added in touched.items():
        if not added or readings.advance(connection, reporter.user_id, book_id, added, reporter.device_id) is None:
            readings.refresh(connection, reporter.user_id, book_id, now)
    return results


def record_position(
    connection: apsw.Connection, resolve: Resolve, reporter: Reporter, told: PositionTold, book_id: BookId, now: int
) -> readings.Reading:
    """Record one position in a book that is known, and say where the user stands then.

    Raises:
        Invalid: it can't be kept.
    """
    _check(reporter, told, now)
    touched: _Touched = {}
    placing = _Placing(connection, resolve, reporter.user_id, now, {told.clues: (book_id, None)})
    _record_one(connection, placing, reporter, told, now, touched)
    added = touched.get(book_id)
    if not added:
        return readings.find(connection, reporter.user_id, book_id)
    advanced = readings.advance(connection, reporter.user_id, book_id, added, reporter.device_id)
    return advanced or readings.refresh(connection, reporter.user_id, book_id, now)


_Touched = dict[BookId, list[tuple[int, PositionEntry]] | None]
"""Books whose logs have grown: by these entries (row id, entry) alone, or (None) by more than positions."""


def _check(reporter: Reporter, told: AnyTold, now: int) -> None:
    _check_time(told.at + reporter.offset_of(told), now)
    if isinstance(told, SessionTold):
        _check_time(told.ended_at + reporter.offset_of(told), now)
    if told.clues == NO_CLUES:
        raise Invalid("book: nothing is told about the file. Give a book_uuid, a filename or a partial_md5.")


def _record_one(
    connection: apsw.Connection,
    placing: _Placing,
    reporter: Reporter,
    told: AnyTold,
    now: int,
    touched: _Touched,
) -> Result:
    offset = reporter.offset_of(told)
    at = told.at + offset
    if not events.acknowledge(connection, reporter.user_id, told.id, kind_of(told), now):
        return Result(told.id, "duplicate")
    book_id, document_id = placing.of(told.clues)
    origin = events.Origin(reporter.user_id, told.id, now, book_id, document_id, reporter.device_id)
    entry: PositionEntry | None = None
    match told:
        case PositionTold():
            entry = _entry(told, at, told.fraction)
            position_id = events.add_position(connection, origin, entry, told.at)
        case SessionTold():
            session = Session(
                0,
                told.started_at + offset,
                told.ended_at + offset,
                told.active_s,
                told.pages_turned,
                told.start_fraction,
                told.end_fraction,
                total_pages=told.total_pages,
                page_times=told.page_times,
            )
            events.add_session(connection, origin, session, source=told.source, client_offset_ms=offset)
            if told.end_fraction is not None:
                # ``at`` is the last page turn; a sitting may end later, with nobody looking.
                last_at = max(session.started_at, min(at, session.ended_at))
                entry = _entry(told, last_at, told.end_fraction, source="session")
                position_id = events.add_position(connection, origin, entry, last_at - offset)
        case StatusTold():
            events.add_verdict(connection, origin, at, told.status, told.rating)
    if book_id is not None:
        added = touched.setdefault(book_id, [])
        if isinstance(told, StatusTold):
            touched[book_id] = None
        elif entry is not None and added is not None:
            added.append((position_id, entry))
    return Result(told.id, "accepted")


def kind_of(told: AnyTold) -> str:
    """The event's type as the wire calls it."""
    return {PositionTold: "position", SessionTold: "session", StatusTold: "status"}[type(told)]


def _entry(told: PositionTold | SessionTold, at: int, fraction: float, source: str = "position") -> PositionEntry:
    # A reader's own locator is exact by definition: it is the place that the reader itself is at.
    precision = Precision.EXACT if told.locator else Precision.FRACTION
    return PositionEntry(told.id, at, fraction, told.locator, told.text, source, precision=precision)


def _check_time(at: int, now: int) -> None:
    if at > now + DAY_MS:
        raise Invalid("at: this time is more than a day in the future. Check the device's clock.")
    if at < 0:
        raise Invalid("at: this time is before 1970.")


def place(connection: apsw.Connection, document_id: int, book_id: BookId, matched_by: str, now: int) -> None:
    """Say which book a document is; everything read in it moves there, and a sure rule teaches its hash."""
    document = _move(connection, document_id, book_id, matched_by, now)
    aliases.learn_hash(connection, document.clues.partial_md5, book_id, matched_by)


def displace(connection: apsw.Connection, document_id: int, now: int) -> None:
    """Take a placing back; everything read in the document moves out of the book and waits again."""
    _move(connection, document_id, None, None, now)


def _move(
    connection: apsw.Connection, document_id: int, book_id: BookId | None, matched_by: str | None, now: int
) -> documents.Document:
    document = documents.by_id(connection, document_id)
    if document is None:
        raise NotFound("There is no such file.")
    touched = {*events.touched_books(connection, document_id), *([book_id] if book_id is not None else [])}
    documents.set_book(connection, document_id, book_id, matched_by, now)
    events.move_document(connection, document_id, book_id)
    for touched_id in touched:
        readings.refresh(connection, document.user_id, touched_id, now)
    return document


def find_waiting(connection: apsw.Connection, resolve: Resolve) -> list[int]:
    """Documents that no rule could place before and one can now. Reads only; may walk many."""
    waiting = documents.waiting(connection)
    return [one.id for one in waiting if certain(connection, resolve, one.clues, one.user_id) is not None]


def place_if_certain(connection: apsw.Connection, resolve: Resolve, document_id: int, now: int) -> bool:
    """Place a document that still waits, if a rule can; whether it did."""
    document = documents.by_id(connection, document_id)
    if document is None or document.book_id is not None or document.ignored:
        return False
    match = certain(connection, resolve, document.clues, document.user_id)
    if match is not None:
        place(connection, document.id, match.book_id, match.matched_by, now)
    return match is not None


def move_history(connection: apsw.Connection, user_id: int, source: BookId, target: BookId, now: int) -> None:
    """Let a user's whole history with one book belong to another (merged, or deleted and added again)."""
    events.move_book(connection, user_id, source, target)
    for book_id in (source, target):
        readings.refresh(connection, user_id, book_id, now)


def restore(connection: apsw.Connection, user_id: int, position_id: int, event_id: str, now: int) -> readings.Reading:
    """Go back to an entry of one's own log: it becomes current by a new entry, and nothing is taken away.

    Raises:
        NotFound: the entry is not there, not one's own, or its book is not known.
    """
    found = events.position_by_id(connection, user_id, position_id)
    if found is None or found[0] is None:
        raise NotFound("There is no such entry in your reading history.")
    book_id, entry = BookId(found[0]), found[1]
    origin = events.Origin(user_id, event_id, now, book_id)
    if events.acknowledge(connection, user_id, event_id, "restore", now):
        again = PositionEntry(
            event_id, now, entry.fraction, entry.locator, entry.text, "restore", precision=entry.precision
        )
        scales.copy(connection, position_id, events.add_position(connection, origin, again, now))
    return readings.refresh(connection, user_id, book_id, now)


def where(
    connection: apsw.Connection, resolve: Resolve, user_id: int, wanted: Sequence[Clues]
) -> list[tuple[Match | None, readings.Reading | None, str]]:
    """For each file: its book, where the user stands in it, and the code (``no_match``, ``ambiguous``) if it has none.

    Reads only: asking for a position makes no document.
    """
    answers: list[tuple[Match | None, readings.Reading | None, str]] = []
    for clues in wanted:
        document = documents.find(connection, user_id, clues)
        code = NoMatch.code
        match: Match | None = None
        if document is not None and document.book_id is not None:
            match = Match(document.book_id, document.matched_by or "link")
        elif document is None or not document.ignored:
            try:
                match = resolve(connection, clues, user_id=user_id)
            except (NoMatch, Ambiguous) as err:
                code = err.code
        answers.append((match, readings.find(connection, user_id, match.book_id) if match else None, code))
    return answers
