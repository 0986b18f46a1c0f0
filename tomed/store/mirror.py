"""Writes the mirrored catalogue: what a library says of its books, in batches inside the writer's transaction.

A book is one row for ever, found by Calibre's uuid. Libraries hold books (``holdings``); the home of a
book is the library whose words are shown, and it changes only when the home no longer lists the book.
A book that no library lists any more gets ``gone_at`` and keeps everything else.

    put(c, library_id, items, now)       what was read, new or changed → (written, displaced)
    touch(c, library_id, touched)        last_modified moved, nothing else did
    drop(c, library_id, calibre_ids)     no longer listed → the books concerned
    settle(c, book_ids, now)             after put and drop: new home or gone → libraries to read again
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import apsw
import msgspec

from tomed.folding import fold, sort_key, words
from tomed.model import BookId, Entry, LibraryId
from tomed.store.cards import Card, pack

Connection = apsw.Connection

NO_SERIES = "\uffff"
"""Key of books outside any series: they come last."""

_CONTENT = attrgetter(
    *(name for name in Entry.__slots__ if name not in ("calibre_id", "last_modified", "last_modified_at"))
)


@dataclass(frozen=True, slots=True)
class Item:
    """An entry ready to be written: ``digest`` stands for all that it says."""

    entry: Entry
    kind: str
    digest: bytes


Written = Callable[[apsw.Connection, Sequence[tuple[BookId, Entry]], int], None]
"""Called inside the transaction that wrote these books (connection, books, now), for what is derived from them."""


@dataclass(frozen=True, slots=True)
class LibraryRow:
    """A library as the store remembers it."""

    id: LibraryId
    path: str
    uuid: str | None
    name: str
    indexed_at: int | None
    stamp: str | None
    reading: str


def digest(entry: Entry, kind: str) -> bytes:
    """16 bytes that change when anything shown or searched changes; ``last_modified`` alone does not count."""
    return blake2b(msgspec.msgpack.encode((kind, _CONTENT(entry))), digest_size=16).digest()


# -- libraries ------------------------------------------------------------------------------------


def libraries(connection: apsw.Connection) -> list[LibraryRow]:
    """All libraries ever configured, in the order they came."""
    found = _fetch(connection, "SELECT id, path, uuid, name, indexed_at, stamp, reading FROM libraries ORDER BY id")
    return [LibraryRow(*row) for row in found]


def count_held(connection: apsw.Connection, library_id: LibraryId) -> int:
    """How many books this library lists."""
    ((count,),) = _fetch(connection, "SELECT count(*) FROM holdings WHERE library_id = ?", (library_id,))
    return int(count)


def register(
    connection: apsw.Connection, path: str, name: str, uuid: str | None, configured: Iterable[str]
) -> LibraryRow:
    """The row of the library at ``path``, made when there is none.

    A row with the same uuid whose path is no longer among the ``configured`` ones is this library, moved.
    """
    elsewhere = set(configured)
    known = libraries(connection)
    row = next((row for row in known if row.path == path), None)
    if row is None and uuid:
        row = next((row for row in known if row.uuid == uuid and row.path not in elsewhere), None)
    if row is None:
        connection.execute("INSERT INTO libraries (path, uuid, name) VALUES (?, ?, ?)", (path, uuid, name))
        number = connection.last_insert_rowid()
    else:
        number = row.id
        connection.execute("UPDATE libraries SET path = ?, uuid = ?, name = ? WHERE id = ?", (path, uuid, name, number))
    return next(row for row in libraries(connection) if row.id == number)


def finish(connection: apsw.Connection, library_id: LibraryId, stamp: str, reading: str, now: int) -> None:
    """A pass is complete: the mirror is what the library was at ``stamp``."""
    connection.execute(
        "UPDATE libraries SET stamp = ?, reading = ?, indexed_at = ? WHERE id = ?", (stamp, reading, now, library_id)
    )


def set_custom_columns(
    connection: apsw.Connection, library_id: LibraryId, columns: Sequence[tuple[str, str, str, bool]]
) -> None:
    """(label, name, datatype, is_multiple) of the library's custom columns."""
    connection.execute("DELETE FROM custom_columns WHERE library_id = ?", (library_id,))
    connection.executemany(
        "INSERT INTO custom_columns (library_id, ordinal, label, name, datatype, is_multiple)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(library_id, ordinal, *column) for ordinal, column in enumerate(columns)],
    )


# -- what is known, for comparing -----------------------------------------------------------------


def known(
    connection: apsw.Connection, library_id: LibraryId, after: int, upto: int | None
) -> list[tuple[int, str, str]]:
    """(calibre_id, uuid, last_modified), ``after < calibre_id <= upto``, ascending: shaped as Calibre's own scan."""
    return _fetch(
        connection,
        "SELECT calibre_id, uuid, last_modified FROM holdings WHERE library_id = ? AND calibre_id > ?"
        " AND calibre_id <= ? ORDER BY calibre_id",
        (library_id, after, 2**62 if upto is None else upto),
    )


def digests(connection: apsw.Connection, library_id: LibraryId, ids: Sequence[int]) -> dict[int, tuple[str, bytes]]:
    """(uuid, digest) by calibre id."""
    found = _fetch(
        connection,
        "SELECT calibre_id, uuid, digest FROM holdings WHERE library_id = ? AND calibre_id BETWEEN ? AND ?",
        (library_id, ids[0], ids[-1]),
    )
    return {calibre_id: (uuid, mark) for calibre_id, uuid, mark in found}


def newest(connection: apsw.Connection, library_id: LibraryId) -> str:
    """The latest ``last_modified`` that was seen in this library; empty when there is none."""
    ((latest,),) = _fetch(
        connection, "SELECT coalesce(max(last_modified), '') FROM holdings WHERE library_id = ?", (library_id,)
    )
    return str(latest)


# -- writing --------------------------------------------------------------------------------------


def put(
    connection: apsw.Connection, library_id: LibraryId, items: Sequence[Item], now: int
) -> tuple[list[tuple[BookId, Entry]], set[BookId]]:
    """Write what was read. Answers the books whose words were written, and those whose place in the
    library another book took (same Calibre id, other uuid): hand these to ``settle`` at the end of the pass."""
    names = _Names(connection)
    written: list[tuple[BookId, Entry]] = []
    displaced: set[BookId] = set()
    for item in items:
        entry = item.entry
        found = _fetch(
            connection,
            "SELECT b.id, b.gone_at IS NOT NULL, h.book_id IS NOT NULL AND (h.library_id, h.calibre_id) <> (?, ?)"
            " FROM books b LEFT JOIN holdings h ON h.library_id = b.library_id AND h.calibre_id = b.calibre_id"
            " AND h.book_id = b.id WHERE b.uuid = ?",
            (library_id, entry.calibre_id, entry.uuid),
        )
        book_id, was_gone, lives_elsewhere = found[0] if found else (None, False, False)
        if book_id is None or not lives_elsewhere:
            fresh = book_id is None
            book_id = _write_book(connection, names, library_id, item, book_id, now)
            _write_parts(connection, names, book_id, item, fresh=fresh, searched=not (fresh or was_gone))
            written.append((book_id, entry))
        place = _fetch(
            connection,
            "SELECT book_id FROM holdings WHERE library_id = ? AND calibre_id = ?",
            (library_id, entry.calibre_id),
        )
        if place and place[0][0] != book_id:
            displaced.add(BookId(place[0][0]))
        # Not INSERT OR REPLACE: that copies every page it touches aside first, ten times the cost.
        connection.execute(
            "UPDATE holdings SET book_id = ?, uuid = ?, last_modified = ?, digest = ?, path = ?"
            " WHERE library_id = ? AND calibre_id = ?"
            if place
            else "INSERT INTO holdings (book_id, uuid, last_modified, digest, path, library_id, calibre_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (book_id, entry.uuid, entry.last_modified, item.digest, entry.path, library_id, entry.calibre_id),
        )
    names.count_new()
    return written, displaced


def touch(connection: apsw.Connection, library_id: LibraryId, touched: Sequence[tuple[int, str, int]]) -> None:
    """(calibre_id, last_modified, last_modified_at): Calibre bumped the date and changed nothing that we keep."""
    connection.executemany(
        "UPDATE holdings SET last_modified = ?3 WHERE library_id = ?1 AND calibre_id = ?2",
        [(library_id, calibre_id, modified) for calibre_id, modified, _ in touched],
    )
    connection.executemany(
        "UPDATE books SET last_modified = ?3, last_modified_at = ?4 WHERE library_id = ?1 AND calibre_id = ?2"
        " AND gone_at IS NULL",
        [(library_id, *values) for values in touched],
    )


def drop(connection: apsw.Connection, library_id: LibraryId, calibre_ids: Sequence[int]) -> set[BookId]:
    """The library no longer lists these. Answers their books, for ``settle``."""
    books: set[BookId] = set()
    for calibre_id in calibre_ids:
        found = _fetch(
            connection,
            "DELETE FROM holdings WHERE library_id = ? AND calibre_id = ? RETURNING book_id",
            (library_id, calibre_id),
        )
        books.update(BookId(book_id) for (book_id,) in found)
    return books


def settle(connection: apsw.Connection, book_ids: Iterable[BookId], now: int) -> set[LibraryId]:
    """Books that lost a place: gone when no library holds them, else at home where they still are.

    Answers the libraries that became a home and must be read again for their words.
    """
    again: set[LibraryId] = set()
    for book_id in book_ids:
        places = _fetch(
            connection,
            "SELECT h.library_id, h.calibre_id, h.library_id = b.library_id AND h.calibre_id = b.calibre_id"
            " FROM holdings h JOIN books b ON b.id = h.book_id WHERE h.book_id = ?"
            " ORDER BY h.library_id = b.library_id DESC, h.library_id, h.calibre_id",
            (book_id,),
        )
        if not places:
            gone = _fetch(
                connection, "UPDATE books SET gone_at = ? WHERE id = ? AND gone_at IS NULL RETURNING id", (now, book_id)
            )
            if gone:
                connection.execute("DELETE FROM book_search WHERE rowid = ?", (book_id,))
        elif not any(at_home for _, _, at_home in places):
            library_id, calibre_id, _ = places[0]
            connection.execute(
                "UPDATE books SET library_id = ?, calibre_id = ? WHERE id = ?", (library_id, calibre_id, book_id)
            )
            connection.execute(
                "UPDATE holdings SET last_modified = '', digest = x'' WHERE library_id = ? AND calibre_id = ?",
                (library_id, calibre_id),
            )
            again.add(LibraryId(library_id))
    return again


def retire(connection: apsw.Connection, library_id: LibraryId, limit: int) -> set[BookId]:
    """A library that nobody configures any more: forget up to ``limit`` of its holdings. Empty when done."""
    ids = _fetch(connection, "SELECT calibre_id FROM holdings WHERE library_id = ? LIMIT ?", (library_id, limit))
    connection.execute("UPDATE libraries SET stamp = NULL WHERE id = ? AND stamp IS NOT NULL", (library_id,))
    return drop(connection, library_id, [calibre_id for (calibre_id,) in ids])


def _write_book(
    connection: apsw.Connection, names: _Names, library_id: LibraryId, item: Item, book_id: int | None, now: int
) -> BookId:
    entry = item.entry
    series_id = names.series(entry.series, entry.series_sort or entry.series) if entry.series else None
    values: tuple[Any, ...] = (
        library_id,
        entry.calibre_id,
        entry.title,
        entry.sort,
        sort_key(entry.sort),
        entry.author_sort,
        sort_key(entry.author_sort),
        series_id,
        sort_key(entry.series_sort or entry.series) if entry.series else NO_SERIES,
        entry.series_index,
        entry.path,
        entry.has_cover,
        item.kind,
        ",".join(entry.languages),
        entry.publisher,
        entry.added_at,
        entry.published_at,
        entry.last_modified,
        entry.last_modified_at,
        now,
        pack(Card.of(entry)),
    )
    if book_id is None:
        connection.execute(
            "INSERT INTO books (library_id, calibre_id, title, sort, sort_key, author_sort, author_key, series_id,"
            " series_key, series_index, path, has_cover, kind, languages, publisher, added_at, published_at,"
            " last_modified, last_modified_at, seen_at, card, uuid)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, entry.uuid),
        )
        names.new.append(series_id)
        return BookId(connection.last_insert_rowid())
    connection.execute(
        "UPDATE books SET library_id = ?, calibre_id = ?, title = ?, sort = ?, sort_key = ?, author_sort = ?,"
        " author_key = ?, series_id = ?, series_key = ?, series_index = ?, path = ?, has_cover = ?, kind = ?,"
        " languages = ?, publisher = ?, added_at = ?, published_at = ?, last_modified = ?, last_modified_at = ?,"
        " seen_at = ?, card = ?, gone_at = NULL WHERE id = ?",
        (*values, book_id),
    )
    return BookId(book_id)


def _write_parts(
    connection: apsw.Connection, names: _Names, book_id: BookId, item: Item, *, fresh: bool, searched: bool
) -> None:
    entry = item.entry
    if not fresh:
        for table in ("formats", "book_authors", "book_tags", "identifiers", "descriptions", "custom_values"):
            connection.execute(f"DELETE FROM {table} WHERE book_id = ?", (book_id,))
    if searched:
        connection.execute("DELETE FROM book_search WHERE rowid = ?", (book_id,))
    for f in entry.formats:
        connection.execute(
            "INSERT OR IGNORE INTO formats (book_id, format, name, size) VALUES (?, ?, ?, ?)",
            (book_id, f.format, f.name, f.size),
        )
    for ordinal, (name, by) in enumerate(entry.authors):
        connection.execute(
            "INSERT INTO book_authors (book_id, ordinal, author_id) VALUES (?, ?, ?)",
            (book_id, ordinal, names.author(name, by or name)),
        )
    for tag in entry.tags:
        connection.execute("INSERT OR IGNORE INTO book_tags (book_id, tag_id) VALUES (?, ?)", (book_id, names.tag(tag)))
    for scheme, value in entry.identifiers:
        connection.execute(
            "INSERT OR IGNORE INTO identifiers (book_id, scheme, value) VALUES (?, ?, ?)", (book_id, scheme, value)
        )
    if entry.description:
        connection.execute("INSERT INTO descriptions (book_id, html) VALUES (?, ?)", (book_id, entry.description))
    if entry.custom:
        connection.execute(
            "INSERT INTO custom_values (book_id, json) VALUES (?, ?)",
            (book_id, msgspec.json.encode(dict(entry.custom)).decode()),
        )
    connection.execute(
        "INSERT INTO book_search (rowid, title, authors, series, tags) VALUES (?, ?, ?, ?, ?)",
        (
            book_id,
            words(entry.title),
            words(" ; ".join(name for name, _ in entry.authors)),
            words(entry.series or ""),
            words(" ; ".join(entry.tags)),
        ),
    )


def _fetch(connection: apsw.Connection, sql: str, bound: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    return connection.execute(sql, bound).fetchall()


class _Names:
    """Ids of authors, tags and series by name, made when new. Lives as long as one batch: a rollback forgets it."""

    new: list[int | None]
    """The series of each new book."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._authors: dict[str, int] = {}
        self._tags: dict[str, int] = {}
        self._series: dict[str, int] = {}
        self.new = []

    def count_new(self) -> None:
        """Add the new books to the counts that lists show."""
        self._connection.execute("UPDATE catalog_counts SET value = value + ? WHERE name = 'books'", (len(self.new),))
        for series_id, count in Counter(number for number in self.new if number is not None).items():
            self._connection.execute("UPDATE series SET books = books + ? WHERE id = ?", (count, series_id))

    def author(self, name: str, by: str) -> int:
        if name not in self._authors:
            self._authors[name] = self._id(
                "SELECT id FROM authors WHERE name = ?",
                "INSERT INTO authors (name, sort, key) VALUES (?, ?, ?)",
                (name, by, fold(name)),
            )
        return self._authors[name]

    def tag(self, name: str) -> int:
        if name not in self._tags:
            self._tags[name] = self._id(
                "SELECT id FROM tags WHERE name = ?", "INSERT INTO tags (name, key) VALUES (?, ?)", (name, fold(name))
            )
        return self._tags[name]

    def series(self, name: str, by: str) -> int:
        if name not in self._series:
            self._series[name] = self._id(
                "SELECT id FROM series WHERE name = ?",
                "INSERT INTO series (name, sort, key, sort_key) VALUES (?, ?, ?, ?)",
                (name, by, fold(name), sort_key(by)),
            )
        return self._series[name]

    def _id(self, select: str, insert: str, values: tuple[str, ...]) -> int:
        found = _fetch(self._connection, select, values[:1])
        if found:
            return int(found[0][0])
        self._connection.execute(insert, values)
        return self._connection.last_insert_rowid()
