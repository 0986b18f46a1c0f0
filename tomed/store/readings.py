"""SQL of readings: where each user stands in each book.

A reading is a computed row: ``refresh`` makes it from the logs by the rules of ``tomed/positions.py`` after
every write that touches a book. Nothing else writes it, and it could be made anew at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import apsw

from tomed import positions
from tomed.model import BookId, PositionEntry, Status
from tomed.store import events


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a user stands in a book. ``position`` is None when nobody has read in it in this epoch."""

    book_id: BookId
    status: Status
    fraction: float = 0.0
    """On the one scale (``positions.canonical``); the position has its reader's own beside it."""
    position: PositionEntry | None = None
    rating: int | None = None
    started_at: int | None = None
    finished_at: int | None = None


def compute(connection: apsw.Connection, user_id: int, book_id: BookId) -> tuple[Reading, int | None]:
    """The reading as the logs have it, and the position row that it rests on. Indexed look-ups only."""
    said, rating = events.verdicts(connection, user_id, book_id)
    since = positions.epoch(said)
    last = max(said, key=lambda v: (v.at, v.event_id), default=None)
    heads = events.position_heads(connection, user_id, book_id, since)
    entry = positions.current((head for _, head in heads), since)
    not_before = last.at if last is not None and last.status is not Status.COMPLETE else since
    started_at, finished_at = None, None
    if heads:
        started_at, finished_at = events.first_times(connection, user_id, book_id, since, not_before)
    standing = positions.judge(last, started_at, finished_at)
    reading = Reading(
        book_id,
        standing.status,
        positions.canonical(entry) if entry else 0.0,
        entry,
        rating,
        standing.started_at,
        standing.finished_at,
    )
    return reading, heads[0][0] if heads else None


def refresh(connection: apsw.Connection, user_id: int, book_id: BookId, now: int) -> Reading:
    """Bring the row of one book up to date after its logs changed, and return it."""
    reading, position_id = compute(connection, user_id, book_id)
    if position_id is None and reading.status is Status.NEW and reading.rating is None:
        connection.execute("DELETE FROM readings WHERE user_id = ? AND book_id = ?", (user_id, book_id))
        return reading
    connection.execute(
        "INSERT INTO readings (user_id, book_id, status, fraction, position_id, rating, started_at, finished_at,"
        " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (user_id, book_id) DO UPDATE SET status = excluded.status, fraction = excluded.fraction,"
        " position_id = excluded.position_id, rating = excluded.rating, started_at = excluded.started_at,"
        " finished_at = excluded.finished_at, updated_at = excluded.updated_at",
        (
            user_id,
            book_id,
            reading.status,
            reading.fraction,
            position_id,
            reading.rating,
            reading.started_at,
            reading.finished_at,
            reading.position.at if reading.position else now,
        ),
    )
    return reading


def rescale(connection: apsw.Connection, user_id: int, book_id: BookId) -> None:
    """Bring the fraction of one book up to date after places of its log were measured."""
    fraction = compute(connection, user_id, book_id)[0].fraction
    connection.execute(
        "UPDATE readings SET fraction = ? WHERE user_id = ? AND book_id = ? AND fraction <> ?",
        (fraction, user_id, book_id, fraction),
    )


def advance(
    connection: apsw.Connection,
    user_id: int,
    book_id: BookId,
    added: list[tuple[int, PositionEntry]],
    device_id: int | None,
) -> Reading | None:
    """``refresh`` in one statement, after ``added`` (row id, entry) of one device and nothing else came to the logs.

    Entries later than the one that counts lie in the same epoch and begin nothing, and short of the end they finish
    nothing: status and times stay, and the latest of them counts. That is nearly every page turn. None, and nothing is
    done, where only ``refresh`` can tell: at the first entry, one that arrives late or at the same moment, one at the
    end, one without a locator (it may be lent one, with its measured fraction). What was just added is not measured
    yet, so that its own fraction stands.
    """
    position_id, entry = max(added, key=lambda one: positions.rank(one[1]))
    if entry.locator is None or any(one.fraction >= positions.COMPLETE_FROM for _, one in added):
        return None
    earliest = min(one.at for _, one in added)
    row = connection.execute(
        "UPDATE readings SET fraction = ?3, position_id = ?4, updated_at = ?5 WHERE user_id = ?1 AND book_id = ?2"
        " AND position_id IS NOT NULL AND updated_at < ?7"
        " RETURNING status, rating, started_at, finished_at, (SELECT name FROM devices WHERE id = ?6)",
        (user_id, book_id, entry.fraction, position_id, entry.at, device_id, earliest),
    ).fetchone()
    if row is None:
        return None
    status, rating, started_at, finished_at, device = row
    current = replace(entry, device=device)
    return Reading(book_id, Status(status), entry.fraction, current, rating, started_at, finished_at)


def find(connection: apsw.Connection, user_id: int, book_id: BookId) -> Reading:
    """Where a user stands in a book, from the logs; ``new`` when nothing was read or said."""
    return compute(connection, user_id, book_id)[0]


def states(connection: apsw.Connection, user_id: int, book_ids: list[BookId]) -> dict[BookId, tuple[Status, float]]:
    """Status and fraction of those books that are not ``new``; one look-up each."""
    found: dict[BookId, tuple[Status, float]] = {}
    for book_id in book_ids:
        row = connection.execute(
            "SELECT status, fraction FROM readings WHERE user_id = ? AND book_id = ?", (user_id, book_id)
        ).fetchone()
        if row:
            found[book_id] = (Status(row[0]), row[1])
    return found


def continue_reading(connection: apsw.Connection, user_id: int, limit: int = 12) -> list[tuple[BookId, float, int]]:
    """Books being read as (book, fraction, when read last in ms), the latest first."""
    rows = connection.execute(
        "SELECT book_id, fraction, updated_at FROM readings WHERE user_id = ? AND status = 'reading'"
        " ORDER BY updated_at DESC LIMIT ?",
        (user_id, limit),
    )
    return [(BookId(row[0]), row[1], row[2]) for row in rows]
