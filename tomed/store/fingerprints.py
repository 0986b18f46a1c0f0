"""SQL of the library's own fingerprints: which files were read, and what their hash was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apsw

from tomed.model import BookId
from tomed.store import aliases
from tomed.store.cards import with_size


@dataclass(frozen=True, slots=True)
class File:
    """A file of the library as the mirror has it, with what is remembered of it (0 and 0 when nothing is)."""

    library_id: int
    library: str
    """Folder of the library."""
    path: str
    """Inside the library, as Calibre keeps it: a foreign word, not yet a place on our disk."""
    book_id: BookId
    size: int = 0
    mtime_ns: int = 0


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A file that was read: its hash is empty when there was nothing in it."""

    file: File
    size: int
    mtime_ns: int
    partial_md5: str


def files(connection: apsw.Connection, after: int, books: int) -> tuple[list[File], int | None]:
    """The files of the next ``books`` living books after one (by key), and the last key; None at the end."""
    keys: list[Any] = connection.execute(
        "SELECT id FROM books WHERE id > ? ORDER BY id LIMIT ?", (after, books)
    ).fetchall()
    if not keys:
        return [], None
    rows: list[Any] = connection.execute(
        "SELECT l.id, l.path, b.path || '/' || f.name || '.' || lower(f.format), b.id,"
        " coalesce(p.size, 0), coalesce(p.mtime_ns, 0)"
        " FROM books b JOIN formats f ON f.book_id = b.id JOIN libraries l ON l.id = b.library_id"
        " LEFT JOIN fingerprints p ON p.library_id = l.id"
        "  AND p.path = b.path || '/' || f.name || '.' || lower(f.format) AND p.book_id = b.id"
        " WHERE b.id > ? AND b.id <= ? AND b.gone_at IS NULL AND b.path <> ''",
        (after, keys[-1][0]),
    ).fetchall()
    return [File(*row) for row in rows], int(keys[-1][0])


def of_file(connection: apsw.Connection, book_id: int, name: str, size: int, mtime_ns: int) -> str:
    """The hash of a book's file of this name, if it was read in just this version; else empty."""
    rows = connection.execute(
        "SELECT path, partial_md5 FROM fingerprints WHERE book_id = ? AND size = ? AND mtime_ns = ?",
        (book_id, size, mtime_ns),
    ).fetchall()
    return next((str(md5) for path, md5 in rows if str(path).rpartition("/")[2] == name), "")


def remember(connection: apsw.Connection, found: Iterable[Fingerprint], now: int) -> None:
    """Remember what was read, and each hash as an alias of its book for ever. ``now`` in ms."""
    for one in found:
        connection.execute(
            "INSERT INTO fingerprints (library_id, path, size, mtime_ns, book_id, partial_md5, seen_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET size = excluded.size,"
            " mtime_ns = excluded.mtime_ns, book_id = excluded.book_id, partial_md5 = excluded.partial_md5,"
            " seen_at = excluded.seen_at",
            (one.file.library_id, one.file.path, one.size, one.mtime_ns, one.file.book_id, one.partial_md5, now),
        )
        if one.partial_md5:
            aliases.remember(connection, "md5", one.partial_md5, one.file.book_id, "library")
        _correct_size(connection, one)


def _correct_size(connection: apsw.Connection, one: Fingerprint) -> None:
    """Show the size that the file has: Calibre writes metadata into files without touching the book's date, so
    that the comparison with the mirror does not see it."""
    book_id, form = one.file.book_id, one.file.path.rpartition(".")[2].upper()
    changed = connection.execute(
        "UPDATE formats SET size = ?1 WHERE book_id = ?2 AND format = ?3 AND size <> ?1 RETURNING 1",
        (one.size, book_id, form),
    ).fetchall()
    card: Any = connection.execute("SELECT card FROM books WHERE id = ?", (book_id,)).get if changed else None
    if card:
        connection.execute("UPDATE books SET card = ? WHERE id = ?", (with_size(card, form, one.size), book_id))
