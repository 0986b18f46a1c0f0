"""SQL of what devices report: receipts, the position log, sessions and verdicts.

Rows are only ever added; moving a document to a book (or away from it) changes their ``book_id`` alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

from tomed.model import BookId, Locator, LocatorKind, Page, PositionEntry, Precision, Scaled, Session, Status
from tomed.positions import COMPLETE_FROM, Verdict

TABLES = ("positions", "sessions", "verdicts")
"""Everything that carries a book and a document; placing a document touches each."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose reading it is, in which book or file, told by which device and when (ms)."""

    user_id: int
    event_id: str
    received_at: int
    book_id: BookId | None = None
    document_id: int | None = None
    device_id: int | None = None


def acknowledge(connection: apsw.Connection, user_id: int, event_id: str, kind: str, now: int) -> bool:
    """Note an event as received; False when this user sent it before."""
    connection.execute(
        "INSERT OR IGNORE INTO receipts (user_id, event_id, type, received_at) VALUES (?, ?, ?, ?)",
        (user_id, event_id, kind, now),
    )
    return connection.changes() > 0


def add_position(connection: apsw.Connection, origin: Origin, entry: PositionEntry, client_at: int) -> int:
    """Append to the position log; the new row's id."""
    locator = entry.locator
    connection.execute(
        "INSERT INTO positions (user_id, event_id, book_id, document_id, device_id, source, at, client_at, received_at,"
        " fraction, locator_kind, locator_value, text, precision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            origin.user_id,
            origin.event_id,
            origin.book_id,
            origin.document_id,
            origin.device_id,
            entry.source,
            entry.at,
            client_at,
            origin.received_at,
            entry.fraction,
            locator.kind if locator else None,
            locator.value if locator else None,
            entry.text,
            entry.precision,
        ),
    )
    return connection.last_insert_rowid()


def add_session(
    connection: apsw.Connection, origin: Origin, session: Session, *, source: str = "device", client_offset_ms: int = 0
) -> int:
    """Append a sitting; the new row's id."""
    connection.execute(
        "INSERT INTO sessions (user_id, event_id, book_id, document_id, device_id, source, started_at, ended_at,"
        " client_offset_ms, received_at, active_s, pages_turned, start_fraction, end_fraction, total_pages, page_times)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            origin.user_id,
            origin.event_id,
            origin.book_id,
            origin.document_id,
            origin.device_id,
            source,
            session.started_at,
            session.ended_at,
            client_offset_ms,
            origin.received_at,
            session.active_s,
            session.pages_turned,
            session.start_fraction,
            session.end_fraction,
            session.total_pages,
            msgspec.json.encode(session.page_times).decode(),
        ),
    )
    return connection.last_insert_rowid()


def add_verdict(connection: apsw.Connection, origin: Origin, at: int, status: Status | None, rating: int | None) -> int:
    """Append what a person said about a book; ``rating`` in half stars, 0 clears it, None says nothing."""
    connection.execute(
        "INSERT INTO verdicts (user_id, event_id, book_id, document_id, device_id, at, received_at, status, rating)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            origin.user_id,
            origin.event_id,
            origin.book_id,
            origin.document_id,
            origin.device_id,
            at,
            origin.received_at,
            status,
            rating,
        ),
    )
    return connection.last_insert_rowid()


def move_document(connection: apsw.Connection, document_id: int, book_id: BookId | None) -> None:
    """Let everything read in a document belong to a book, or with None to none."""
    for table in TABLES:
        connection.execute(f"UPDATE {table} SET book_id = ? WHERE document_id = ?", (book_id, document_id))
    _unscale(connection, "document_id = ?", document_id)


def move_book(connection: apsw.Connection, user_id: int, source: BookId, target: BookId) -> None:
    """Let one user's whole history with a book belong to another (books merged or added again in Calibre)."""
    for table in (*TABLES, "documents"):
        connection.execute(
            f"UPDATE {table} SET book_id = ? WHERE user_id = ? AND book_id = ?", (target, user_id, source)
        )
    _unscale(connection, "user_id = ? AND book_id = ?", user_id, target)


def _unscale(connection: apsw.Connection, condition: str, *values: int) -> None:
    """What was measured in one book says nothing about places in another."""
    connection.execute(
        f"UPDATE positions SET canonical = NULL, canonical_precision = NULL, chapter = '' WHERE {condition}"
        " AND canonical_precision IS NOT NULL",
        values,
    )


LOOK_BACK = 100
"""Entries of a log in which a locator is looked for when the newest one has none."""

_POSITION = (
    "p.id, p.event_id, p.at, p.fraction, p.locator_kind, p.locator_value, p.text, p.source, d.name, p.precision,"
    " p.canonical, p.canonical_precision, p.chapter"
    " FROM positions p LEFT JOIN devices d ON d.id = p.device_id"
)


def _entry(row: tuple[Any, ...]) -> tuple[int, PositionEntry]:
    key, event_id, at, fraction, kind, value, text, source, device, precision, canonical, sure, chapter = row
    locator = Locator(LocatorKind(kind), value) if kind else None
    scaled = Scaled(canonical, Precision(sure), chapter) if sure else None
    return key, PositionEntry(event_id, at, fraction, locator, text, source, device, Precision(precision), scaled)


def position_heads(
    connection: apsw.Connection, user_id: int, book_id: BookId, since: int
) -> list[tuple[int, PositionEntry]]:
    """The entries among which ``positions.current`` must choose: the newest, and the newest with a locator.

    As (row id, entry). Two indexed look-ups, however long the log is: a locator is looked for among the latest
    ``LOOK_BACK`` entries, so that a client that never tells one does not have its whole log read at each page turn.
    """
    rows: list[tuple[int, PositionEntry]] = []
    recent = f"SELECT at FROM positions WHERE user_id = ?1 AND book_id = ?2 ORDER BY at DESC LIMIT 1 OFFSET {LOOK_BACK}"
    for condition in (
        "p.at > ?3",
        f"p.at > max(?3, coalesce(({recent}), 0) - 1) AND p.locator_kind IS NOT NULL",
    ):
        row = connection.execute(
            f"SELECT {_POSITION} WHERE p.user_id = ?1 AND p.book_id = ?2 AND {condition}"
            " ORDER BY p.at DESC, p.locator_kind IS NOT NULL DESC, p.event_id DESC LIMIT 1",
            (user_id, book_id, since),
        ).fetchone()
        if row is None:
            break
        rows.append(_entry(row))
        if rows[0][1].locator is not None:
            break
    return rows


def position_log(
    connection: apsw.Connection, user_id: int, book_id: BookId, limit: int = 100, offset: int = 0
) -> list[tuple[int, PositionEntry]]:
    """A book's position log as (row id, entry), newest first."""
    rows = connection.execute(
        f"SELECT {_POSITION} WHERE p.user_id = ? AND p.book_id = ?"
        " ORDER BY p.at DESC, p.locator_kind IS NOT NULL DESC, p.event_id DESC LIMIT ? OFFSET ?",
        (user_id, book_id, limit, offset),
    )
    return [_entry(row) for row in rows]


def position_by_id(
    connection: apsw.Connection, user_id: int, position_id: int
) -> tuple[int | None, PositionEntry] | None:
    """One's own entry of the log as (book id, entry)."""
    row = connection.execute(
        f"SELECT p.book_id, {_POSITION} WHERE p.id = ? AND p.user_id = ?", (position_id, user_id)
    ).fetchone()
    return (row[0], _entry(row[1:])[1]) if row else None


def verdicts(connection: apsw.Connection, user_id: int, book_id: BookId) -> tuple[list[Verdict], int | None]:
    """Everything a person said about a book's status, and the latest rating in half stars (None: none, or cleared).

    A handful a book, so all of it is read.
    """
    rows: list[Any] = connection.execute(
        "SELECT at, event_id, status, rating FROM verdicts WHERE user_id = ? AND book_id = ? ORDER BY at, event_id",
        (user_id, book_id),
    ).fetchall()
    said = [Verdict(at, Status(status), event_id) for at, event_id, status, _ in rows if status is not None]
    ratings = [rating for *_, rating in rows if rating is not None]
    return said, (ratings[-1] or None) if ratings else None


def first_times(
    connection: apsw.Connection, user_id: int, book_id: BookId, since: int, not_before: int
) -> tuple[int | None, int | None]:
    """When the reading that began after ``since`` was first heard of, and when its end was first reached after
    ``not_before``; ms."""
    rows: list[Any] = connection.execute(
        "SELECT (SELECT at FROM positions WHERE user_id = ?1 AND book_id = ?2 AND at > ?3 ORDER BY at LIMIT 1),"
        " (SELECT at FROM positions WHERE user_id = ?1 AND book_id = ?2 AND at > ?4"
        f" AND fraction >= {COMPLETE_FROM} ORDER BY at LIMIT 1)",
        (user_id, book_id, since, not_before),
    ).fetchall()
    started_at, finished_at = rows[0]
    return started_at, finished_at


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which of a user's sessions are asked for; times are ms and compare with ``started_at``."""

    user_id: int
    book_id: BookId | None = None
    from_at: int | None = None
    to_at: int | None = None
    page: int = 1
    per_page: int = 50


def sessions(connection: apsw.Connection, query: SessionQuery) -> Page[Session]:
    """A page of one's own sittings, newest first."""
    where, values = ["s.user_id = ?", "s.deleted_at IS NULL"], [query.user_id]
    for condition, value in (
        ("s.book_id = ?", query.book_id),
        ("s.started_at >= ?", query.from_at),
        ("s.started_at < ?", query.to_at),
    ):
        if value is not None:
            where.append(condition)
            values.append(value)
    clause = " AND ".join(where)
    total = connection.execute(f"SELECT count(*) FROM sessions s WHERE {clause}", values).get
    rows = connection.execute(
        "SELECT s.id, s.started_at, s.ended_at, s.active_s, s.pages_turned, s.start_fraction, s.end_fraction,"
        f" d.name, s.book_id FROM sessions s LEFT JOIN devices d ON d.id = s.device_id WHERE {clause}"
        " ORDER BY s.started_at DESC, s.id DESC LIMIT ? OFFSET ?",
        (*values, query.per_page, (query.page - 1) * query.per_page),
    )
    return Page(tuple(Session(*row) for row in rows), total, query.page, query.per_page)


def touched_books(connection: apsw.Connection, document_id: int) -> Iterable[BookId]:
    """Books that a document's events belong to now (one or none, unless the log was moved by hand)."""
    union = " UNION ".join(f"SELECT book_id FROM {table} WHERE document_id = ?1" for table in TABLES)
    return [row[0] for row in connection.execute(union, (document_id,)) if row[0] is not None]
