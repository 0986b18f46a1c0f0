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

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import apsw
import msgspec

from tomed.folding import sort_key, words
from tomed.model import BookId, Entry, LibraryId
from tomed.store.cards import Card, pack
from tomed.store.db import CACHE_KIB
from tomed.store.named import Named, series_sort

Connection = apsw.Connection

NO_SERIES = "\uffff"
"""Key of books outside any series: they come last."""

BULK_CACHE_KIB = 16_384
BULK_CHECKPOINT = 8_000  # pages

_CONTENT = attrgetter(
    *(name for name in Entry.__slots__ if name not in ("calibre_id", "last_modified", "last_modified_at"))
)


@dataclass(frozen=True, slots=True)
class Texts:
    """What is made of an entry's words: keys of the orders, words of the search index, the card."""

    sort_key: str
    author_key: str
    series_key: str
    words: tuple[str, str, str, str]
    """Title, authors, series, tags."""
    card: str


@dataclass(frozen=True, slots=True)
class Item:
    """An entry ready to be written: ``digest`` stands for all that it says. ``texts`` when they are made already."""

    entry: Entry
    kind: str
    digest: bytes
    texts: Texts | None = None


Written = Callable[[apsw.Connection, Sequence[tuple[BookId, Entry]], int], None]
"""Called inside the transaction that wrote these books (connection, books, now), for what is derived from them."""

DerivedRow = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Derived:
    """What is derived from books in two steps, a ``Written`` when called. ``rows`` needs no database and ``write``
    takes rows of many books at once, best in order; writing a row twice does no harm. ``book``: which column of a row
    is the book's id."""

    rows: Callable[[Sequence[tuple[BookId, Entry]]], list[DerivedRow]]
    write: Callable[[apsw.Connection, Sequence[DerivedRow]], None]
    book: int

    def __call__(self, connection: apsw.Connection, books: Sequence[tuple[BookId, Entry]], now: int) -> None:
        self.write(connection, sorted(self.rows(books)))

    def placed(self, rows: Sequence[DerivedRow], ids: Mapping[int, BookId]) -> list[DerivedRow]:
        """Rows that were made before their books had ids: ``ids`` by what stands there; rows of others are left out."""
        at = self.book
        return [(*row[:at], ids[row[at]], *row[at + 1 :]) for row in rows if row[at] in ids]


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


def texts(entry: Entry) -> Texts:
    """The texts of an entry."""
    return Texts(
        sort_key(entry.sort),
        sort_key(entry.author_sort),
        sort_key(series_sort(entry)) if entry.series else NO_SERIES,
        (
            words(entry.title),
            words(" ; ".join([name for name, _ in entry.authors])),
            words(entry.series) if entry.series else "",
            words(" ; ".join(entry.tags)),
        ),
        pack(Card.of(entry)),
    )


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


def tune(connection: apsw.Connection, *, bulk: bool) -> None:
    """While many books are written: more memory for pages, fewer checkpoints. Afterwards as before."""
    connection.execute(f"PRAGMA cache_size = {-BULK_CACHE_KIB if bulk else -CACHE_KIB}").fetchall()
    connection.execute(f"PRAGMA wal_autocheckpoint = {BULK_CHECKPOINT if bulk else 1000}").fetchall()
    if not bulk:
        connection.execute("PRAGMA shrink_memory").fetchall()


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
    known = _known_books(connection, library_id, items)
    ids = json.dumps([item.entry.calibre_id for item in items])
    places = dict(
        _fetch(
            connection,
            "SELECT calibre_id, book_id FROM holdings WHERE library_id = ?"
            " AND calibre_id IN (SELECT value FROM json_each(?))",
            (library_id, ids),
        )
    )
    rows = _Rows(connection, library_id, now)
    displaced: set[BookId] = set()
    for item in items:
        entry = item.entry
        book_id, was_gone, home = known.get(entry.uuid, (None, False, None))
        if book_id is None or home is None or home == (library_id, entry.calibre_id):
            book_id = rows.add(item, book_id, searched=not was_gone)
            known[entry.uuid] = (book_id, False, (library_id, entry.calibre_id))
        place = places.get(entry.calibre_id)
        if place is not None and place != book_id:
            displaced.add(BookId(place))
        rows.hold(item, book_id, fresh=place is None)
    rows.write()
    return rows.written, displaced


def _known_books(
    connection: apsw.Connection, library_id: LibraryId, items: Sequence[Item]
) -> dict[str, tuple[int, bool, tuple[int, int] | None]]:
    """By uuid: our id, whether gone, and (library, calibre id) of its home if that still holds it."""
    found = _fetch(
        connection,
        "SELECT b.uuid, b.id, b.gone_at IS NOT NULL, h.library_id, h.calibre_id FROM books b"
        " LEFT JOIN holdings h ON h.library_id = b.library_id AND h.calibre_id = b.calibre_id AND h.book_id = b.id"
        " WHERE b.uuid IN (SELECT value FROM json_each(?))",
        (json.dumps([item.entry.uuid for item in items]),),
    )
    return {
        uuid: (book_id, bool(gone), (library, calibre_id) if library is not None else None)
        for uuid, book_id, gone, library, calibre_id in found
    }


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
                _move_mark(connection)
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


_PARTS = ("formats", "book_authors", "book_tags", "identifiers", "descriptions", "custom_values")
_BOOK_COLUMNS = (
    "library_id", "calibre_id", "title", "sort", "sort_key", "author_sort", "author_key", "series_id", "series_key",
    "series_index", "path", "has_cover", "kind", "languages", "publisher", "added_at", "published_at", "last_modified",
    "last_modified_at", "seen_at", "card", "uuid",
)  # fmt: skip
_INSERT_BOOK = (
    f"INSERT INTO books ({', '.join(_BOOK_COLUMNS)}, id) VALUES ({', '.join('?' * (len(_BOOK_COLUMNS) + 1))})"
)
_UPDATE_BOOK = f"UPDATE books SET {', '.join(f'{name} = ?' for name in _BOOK_COLUMNS)}, gone_at = NULL WHERE id = ?"


class _Rows:
    """The rows of a batch, gathered so that each table is written by one statement."""

    def __init__(self, connection: apsw.Connection, library_id: LibraryId, now: int) -> None:
        self._connection = connection
        self._library_id = library_id
        self._now = now
        self._next_id = int(_fetch(connection, "SELECT coalesce(max(id), 0) + 1 FROM books")[0][0])
        self._added: list[tuple[Item, int, bool]] = []
        self.written: list[tuple[BookId, Entry]] = []
        self._new: list[tuple[Any, ...]] = []
        self._old: list[tuple[Any, ...]] = []
        self._old_ids: list[tuple[int]] = []
        self._unsearched: list[tuple[int]] = []
        self._formats: list[tuple[Any, ...]] = []
        self._authors: list[tuple[Any, ...]] = []
        self._tags: list[tuple[Any, ...]] = []
        self._identifiers: list[tuple[Any, ...]] = []
        self._descriptions: list[tuple[Any, ...]] = []
        self._custom: list[tuple[Any, ...]] = []
        self._words: list[tuple[Any, ...]] = []
        self._held: list[tuple[Any, ...]] = []
        self._held_again: list[tuple[Any, ...]] = []

    def add(self, item: Item, known_id: int | None, *, searched: bool) -> int:
        """The words of a book; a new one when ``known_id`` is None. ``searched``: it has a row in the search index."""
        book_id = known_id
        if book_id is None:
            book_id, self._next_id = self._next_id, self._next_id + 1
        elif searched:
            self._unsearched.append((book_id,))
        self._added.append((item, book_id, known_id is None))
        self.written.append((BookId(book_id), item.entry))
        return book_id

    def _gather(self, names: Named, item: Item, book_id: int, fresh: bool) -> None:
        entry, made = item.entry, item.texts or texts(item.entry)
        (self._new if fresh else self._old).append((*self._columns(names, item, made), book_id))
        if not fresh:
            self._old_ids.append((book_id,))
        self._formats += [(book_id, f.format, f.name, f.size) for f in entry.formats]
        self._authors += [(book_id, ordinal, names.authors[name]) for ordinal, (name, _) in enumerate(entry.authors)]
        self._tags += [(book_id, names.tags[tag]) for tag in entry.tags]
        self._identifiers += [(book_id, scheme, value) for scheme, value in entry.identifiers]
        if entry.description:
            self._descriptions.append((book_id, entry.description))
        if entry.custom:
            self._custom.append((book_id, msgspec.json.encode(dict(entry.custom)).decode()))
        self._words.append((book_id, *made.words))

    def hold(self, item: Item, book_id: int, *, fresh: bool) -> None:
        """The place of a book in the library; ``fresh`` when none was at this Calibre id."""
        entry = item.entry
        # No INSERT OR REPLACE: SQLite then copies every page it touches aside first, at ten times the cost.
        (self._held if fresh else self._held_again).append(
            (book_id, entry.uuid, entry.last_modified, item.digest, entry.path, self._library_id, entry.calibre_id)
        )

    def write(self) -> None:
        names = Named(self._connection, [item.entry for item, _, _ in self._added])
        for added in self._added:
            self._gather(names, *added)
        many = self._connection.executemany
        for table in _PARTS if self._old_ids else ():
            many(f"DELETE FROM {table} WHERE book_id = ?", self._old_ids)
        many("DELETE FROM book_search WHERE rowid = ?", self._unsearched)
        many(_INSERT_BOOK, self._new)
        many(_UPDATE_BOOK, self._old)
        many("INSERT OR IGNORE INTO formats (book_id, format, name, size) VALUES (?, ?, ?, ?)", self._formats)
        many("INSERT OR IGNORE INTO book_authors (book_id, ordinal, author_id) VALUES (?, ?, ?)", self._authors)
        many("INSERT OR IGNORE INTO book_tags (book_id, tag_id) VALUES (?, ?)", self._tags)
        many("INSERT OR IGNORE INTO identifiers (book_id, scheme, value) VALUES (?, ?, ?)", self._identifiers)
        many("INSERT OR IGNORE INTO descriptions (book_id, html) VALUES (?, ?)", self._descriptions)
        many("INSERT OR IGNORE INTO custom_values (book_id, json) VALUES (?, ?)", self._custom)
        many("INSERT INTO book_search (rowid, title, authors, series, tags) VALUES (?, ?, ?, ?, ?)", self._words)
        many(
            "INSERT INTO holdings (book_id, uuid, last_modified, digest, path, library_id, calibre_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            self._held,
        )
        many(
            "UPDATE holdings SET book_id = ?, uuid = ?, last_modified = ?, digest = ?, path = ?"
            " WHERE library_id = ? AND calibre_id = ?",
            self._held_again,
        )
        self._count_new()
        _move_mark(self._connection)

    def _count_new(self) -> None:
        """The counts that lists show; what happens to a book later the database counts itself."""
        series = Counter(row[_BOOK_COLUMNS.index("series_id")] for row in self._new)
        del series[None]
        authors = Counter(author for _, author in {(book_id, author) for book_id, _, author in self._authors})
        tags = Counter(tag for _, tag in set(self._tags))
        self._connection.execute("UPDATE catalog_counts SET value = value + ? WHERE name = 'books'", (len(self._new),))
        for table, counted in (("series", series), ("authors", authors), ("tags", tags)):
            self._connection.executemany(
                f"UPDATE {table} SET books = books + ? WHERE id = ?", [(count, of) for of, count in counted.items()]
            )

    def _columns(self, names: Named, item: Item, made: Texts) -> tuple[Any, ...]:
        entry = item.entry
        return (
            self._library_id,
            entry.calibre_id,
            entry.title,
            entry.sort,
            made.sort_key,
            entry.author_sort,
            made.author_key,
            names.series[entry.series] if entry.series else None,
            made.series_key,
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
            self._now,
            made.card,
            entry.uuid,
        )


def _move_mark(connection: apsw.Connection) -> None:
    """The search index was written: what ``searches.py`` remembers is true no more."""
    connection.execute("UPDATE catalog_counts SET value = value + 1 WHERE name = 'mark'")


def _fetch(connection: apsw.Connection, sql: str, bound: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    return connection.execute(sql, bound).fetchall()
