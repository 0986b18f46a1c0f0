"""SQL of the inbox: files that no rule placed, what waits in them, and what a person said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

from tomed.model import BookId, Clues, Page


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file of one user without a book, and what waits in it."""

    id: int
    clues: Clues
    silenced: bool
    first_at: int
    last_at: int
    """When it was first and last told of, ms."""
    positions: int = 0
    sessions: int = 0
    verdicts: int = 0
    active_s: int = 0
    """Reading time that waits."""
    fraction: float | None = None
    """Where the latest position is."""


_WAITING = (
    "SELECT d.id, d.book_uuid, d.filename, d.partial_md5, d.identifiers, d.title, d.authors, d.ignored_at IS NOT NULL,"
    " d.first_at, d.last_at,"
    " (SELECT count(*) FROM positions p WHERE p.document_id = d.id),"
    " (SELECT count(*) FROM sessions s WHERE s.document_id = d.id AND s.deleted_at IS NULL),"
    " (SELECT count(*) FROM verdicts v WHERE v.document_id = d.id),"
    " (SELECT coalesce(sum(s.active_s), 0) FROM sessions s WHERE s.document_id = d.id AND s.deleted_at IS NULL),"
    " (SELECT p.fraction FROM positions p WHERE p.document_id = d.id ORDER BY p.at DESC, p.id DESC LIMIT 1)"
    " FROM documents d"
)


def _waiting(row: Any) -> Waiting:
    key, uuid, filename, md5, identifiers, title, authors, silenced, *rest = row
    clues = Clues(uuid, filename, md5, identifiers, title, tuple(msgspec.json.decode(authors)))
    return Waiting(key, clues, bool(silenced), *rest)


def waiting(
    connection: apsw.Connection, user_id: int, *, silenced: bool = False, page: int = 1, per_page: int = 50
) -> Page[Waiting]:
    """A page of one's own files without a book, the last read first; the silenced ones apart."""
    where = f"user_id = ? AND book_id IS NULL AND ignored_at IS {'NOT ' if silenced else ''}NULL"
    total: Any = connection.execute(f"SELECT count(*) FROM documents WHERE {where}", (user_id,)).get
    rows = connection.execute(
        f"{_WAITING} WHERE d.id IN"
        f" (SELECT id FROM documents WHERE {where} ORDER BY last_at DESC, id DESC LIMIT ? OFFSET ?)"
        " ORDER BY d.last_at DESC, d.id DESC",
        (user_id, per_page, (page - 1) * per_page),
    ).fetchall()
    return Page(tuple(map(_waiting, rows)), total, page, per_page)


def one(connection: apsw.Connection, user_id: int, document_id: int) -> tuple[Waiting, BookId | None] | None:
    """One's own file and its book; None when there is no such file of this user."""
    rows: list[Any] = connection.execute(
        f"{_WAITING} WHERE d.id = ? AND d.user_id = ?", (document_id, user_id)
    ).fetchall()
    if not rows:
        return None
    book_id: Any = connection.execute("SELECT book_id FROM documents WHERE id = ?", (document_id,)).get
    return _waiting(rows[0]), book_id


def same_bytes(connection: apsw.Connection, user_id: int, document_id: int, book_id: BookId | None) -> list[int]:
    """One's other files with the same hash, copies under another name, that are in this book (None: in none)."""
    rows: list[Any] = connection.execute(
        "SELECT other.id FROM documents d JOIN documents other ON other.user_id = d.user_id"
        " AND other.partial_md5 = d.partial_md5 AND other.partial_md5 <> '' AND other.id <> d.id"
        " WHERE d.id = ? AND d.user_id = ? AND other.book_id IS ?",
        (document_id, user_id, book_id),
    ).fetchall()
    return [key for (key,) in rows]


def refuse(connection: apsw.Connection, document_id: int, book_id: BookId, now: int) -> None:
    """Note that this file is not that book."""
    connection.execute(
        "INSERT OR REPLACE INTO refusals (document_id, book_id, at) VALUES (?, ?, ?)", (document_id, book_id, now)
    )


def accept(connection: apsw.Connection, document_id: int, book_id: BookId) -> None:
    """Take such a no back."""
    connection.execute("DELETE FROM refusals WHERE document_id = ? AND book_id = ?", (document_id, book_id))


def succeed(connection: apsw.Connection, user_id: int, book_id: BookId, successor_id: BookId, now: int) -> None:
    """Note that for this user one book continues another."""
    connection.execute("DELETE FROM successions WHERE user_id = ? AND book_id = ?", (user_id, successor_id))
    connection.execute(
        "INSERT OR REPLACE INTO successions (user_id, book_id, successor_id, at) VALUES (?, ?, ?, ?)",
        (user_id, book_id, successor_id, now),
    )


def has_book(connection: apsw.Connection, book_id: BookId) -> bool:
    """Whether the mirror knows this book, listed by Calibre or not."""
    return bool(connection.execute("SELECT count(*) FROM books WHERE id = ?", (book_id,)).get)


def orphans(connection: apsw.Connection, user_id: int) -> list[BookId]:
    """Books Calibre no longer lists in which this user has read, the latest first."""
    rows: list[Any] = connection.execute(
        "SELECT r.book_id FROM readings r JOIN books b ON b.id = r.book_id"
        " WHERE r.user_id = ? AND b.gone_at IS NOT NULL ORDER BY r.updated_at DESC, r.book_id",
        (user_id,),
    ).fetchall()
    return [book_id for (book_id,) in rows]
