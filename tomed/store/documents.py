"""SQL of documents: files as one user's devices tell of them, placed in the library or not yet.

A document is the anchor of everything read in a file whose book is not known: events hang on it, and
placing it moves them all (``tomed/reading.py``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import apsw
import msgspec

from tomed.model import BookId, Clues, DocumentId


@dataclass(frozen=True, slots=True)
class Document:
    """A file as a device told of it."""

    id: DocumentId
    user_id: int
    clues: Clues
    book_id: BookId | None
    matched_by: str | None
    ignored: bool
    first_at: int
    last_at: int


def fingerprint(clues: Clues) -> str:
    """What makes two reports speak of the same file: its hash and name, else whatever else is known of it."""
    known: tuple[str, ...] = (clues.book_uuid.lower(), clues.partial_md5.lower(), clues.filename)
    if not clues.partial_md5 and not clues.filename:
        known += (clues.title, "\n".join(clues.authors), "\n".join(sorted(clues.identifiers.split())))
    return hashlib.blake2b("\0".join(known).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


_COLUMNS = (
    "id, user_id, book_uuid, filename, partial_md5, identifiers, title, authors,"
    " book_id, matched_by, ignored_at, first_at, last_at"
)


def _document(row: tuple) -> Document:  # type: ignore[type-arg]
    key, user_id, uuid, filename, md5, identifiers, title, authors, book_id, matched_by, ignored, first, last = row
    clues = Clues(uuid, filename, md5, identifiers, title, tuple(msgspec.json.decode(authors)))
    return Document(key, user_id, clues, book_id, matched_by, ignored is not None, first, last)


def note(connection: apsw.Connection, user_id: int, clues: Clues, now: int) -> Document:
    """The document these clues speak of, made or brought up to date; a clue once known is not lost to an empty one."""
    rows = connection.execute(
        "INSERT INTO documents (user_id, fingerprint, book_uuid, filename, partial_md5, identifiers, title, authors,"
        " first_at, last_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (user_id, fingerprint) DO UPDATE SET last_at = max(last_at, excluded.last_at),"
        " identifiers = coalesce(nullif(excluded.identifiers, ''), identifiers),"
        " title = coalesce(nullif(excluded.title, ''), title),"
        " authors = coalesce(nullif(excluded.authors, '[]'), authors)"
        f" RETURNING {_COLUMNS}",
        (
            user_id,
            fingerprint(clues),
            clues.book_uuid.lower(),
            clues.filename,
            clues.partial_md5.lower(),
            clues.identifiers,
            clues.title,
            msgspec.json.encode(clues.authors).decode(),
            now,
            now,
        ),
    ).fetchall()
    return _document(rows[0])


def find(connection: apsw.Connection, user_id: int, clues: Clues) -> Document | None:
    """The document these clues speak of, if it was told of before. Reads only."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM documents WHERE user_id = ? AND fingerprint = ?", (user_id, fingerprint(clues))
    ).fetchone()
    return _document(row) if row else None


def by_id(connection: apsw.Connection, document_id: int) -> Document | None:
    """A document by its key."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM documents WHERE id = ?", (document_id,)).fetchone()
    return _document(row) if row else None


def waiting(connection: apsw.Connection) -> list[Document]:
    """Every document, of any user, that no rule has placed and nobody has silenced."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM documents WHERE book_id IS NULL AND ignored_at IS NULL ORDER BY id"
    )
    return [_document(row) for row in rows]


def of_book(connection: apsw.Connection, user_id: int, book_id: BookId) -> list[Document]:
    """One's own files that are this book, the last told of first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM documents WHERE book_id = ? AND user_id = ? ORDER BY last_at DESC, id DESC",
        (book_id, user_id),
    )
    return [_document(row) for row in rows]


def linked(connection: apsw.Connection, user_id: int, limit: int = 20) -> list[Document]:
    """Files that their reader placed by hand, the latest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM documents WHERE user_id = ? AND matched_by = 'link' AND book_id IS NOT NULL"
        " ORDER BY matched_at DESC, id DESC LIMIT ?",
        (user_id, limit),
    )
    return [_document(row) for row in rows]


def count_waiting(connection: apsw.Connection, user_id: int) -> int:
    """How many of a user's documents nobody has placed or silenced."""
    rows = connection.execute(
        "SELECT count(*) FROM documents WHERE user_id = ? AND book_id IS NULL AND ignored_at IS NULL", (user_id,)
    )
    return int(rows.get)


def set_book(
    connection: apsw.Connection, document_id: int, book_id: BookId | None, matched_by: str | None, now: int
) -> None:
    """Note where a document belongs, or with None that it is not known."""
    connection.execute(
        "UPDATE documents SET book_id = ?, matched_by = ?, matched_at = ?, ignored_at = NULL WHERE id = ?",
        (book_id, matched_by, now if book_id is not None else None, document_id),
    )


def set_ignored(connection: apsw.Connection, document_id: int, now: int | None) -> None:
    """Silence a document ("not from this library"), or with None let it be heard again."""
    connection.execute("UPDATE documents SET ignored_at = ? WHERE id = ?", (now, document_id))
