"""The use case of history: take KOReader's page times in, from its own file or as the plugin sends them.

A row is known by its device, file hash, page and start; taking it in again changes nothing, so a broken
off import is simply begun again. Rows of a file that no book is known for wait with that file and count
all the same.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import apsw

from tomed.errors import Invalid
from tomed.model import BookId, Clues
from tomed.reading import Resolve, certain, place
from tomed.store import devices, documents, statistics_file, statistics_rows
from tomed.store.db import Store
from tomed.store.devices import DeviceReport
from tomed.store.statistics_file import HistoryBook, HistoryRow

SLICE = 5_000
"""Page rows in one transaction: some 20 ms, so that a device's sync hardly waits."""

Progress = Callable[[int, int], None]
"""Told how many rows of how many are done."""


@dataclass(frozen=True, slots=True)
class BookFound:
    """A book of a history and what it is here. ``matched_by`` is empty while nobody knows."""

    book: HistoryBook
    rows: int
    active_s: int
    book_id: BookId | None
    matched_by: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What taking a history in would do."""

    books: list[BookFound]
    rows: int
    known: int
    """Rows that are there already."""
    rejected: int
    first_at: int | None
    """The earliest and the latest page, ms."""
    last_at: int | None

    @property
    def waiting(self) -> int:
        """Books of the file that nobody could place."""
        return sum(1 for found in self.books if found.book_id is None)


@dataclass(slots=True)
class Taken:
    """What became of a history: rows read, rows that said something new, rows that can't be."""

    rows: int = 0
    new: int = 0
    rejected: int = 0
    books: dict[int, tuple[int, BookId | None]] = field(default_factory=dict)
    """The file's own book keys: document and book."""

    @property
    def waiting(self) -> int:
        """Books of the file that nobody could place."""
        return sum(1 for _, book_id in self.books.values() if book_id is None)


@contextmanager
def opened(path: Path, wal: Path | None = None) -> Iterator[apsw.Connection]:
    """A private copy of a ``statistics.sqlite3``, with the ``-wal`` that lies beside it or is given.

    The file itself is only read, so it may be a device's own, mounted read-only.

    Raises:
        Invalid: it is not there or no statistics of KOReader's.
    """
    with tempfile.TemporaryDirectory(prefix="tomed-history-") as folder:
        copy = Path(folder) / "statistics.sqlite3"
        beside = wal or path.with_name(path.name + "-wal")
        try:
            shutil.copyfile(path, copy)
            if beside.exists() and beside.stat().st_size:
                shutil.copyfile(beside, copy.with_name(copy.name + "-wal"))
        except OSError as err:
            raise Invalid(f"{path.name} can't be read: {err.strerror or err}") from err
        connection = statistics_file.open_copy(copy)
        try:
            yield connection
        finally:
            connection.close()


def device_of(connection: apsw.Connection, user_id: int, name: str, now: int) -> int:
    """The device of that name (the one seen last, if several have it), made if there is none; 0 without a name."""
    name = name.strip()[:200]
    if not name:
        return 0
    row = connection.execute(
        "SELECT id FROM devices WHERE user_id = ? AND name = ? COLLATE NOCASE ORDER BY last_seen_at DESC LIMIT 1",
        (user_id, name),
    ).fetchone()
    if row:
        return int(row[0])
    return devices.upsert(connection, user_id, DeviceReport(f"history:{name.casefold()}", name, "history"), now)


def clues_of(book: HistoryBook) -> Clues:
    """What a book of KOReader's statistics says of its file. The hash may be of another copy, so the rest is told."""
    return Clues(
        partial_md5=book.partial_md5,
        title=book.title,
        authors=book.authors,
        series=book.series,
        series_index=book.series_index,
    )


def preview(
    file: apsw.Connection, connection: apsw.Connection, resolve: Resolve, user_id: int, device_id: int
) -> Preview:
    """Look through a history without keeping any of it."""
    count: dict[int, int] = defaultdict(int)
    active: dict[int, int] = defaultdict(int)
    total = known = rejected = 0
    first: int | None = None
    last: int | None = None
    books = {book.key: book for book in statistics_file.books(file)}
    placed = {key: _find(connection, resolve, user_id, book) for key, book in books.items()}
    for _, window in statistics_file.windows(file):
        for row in window:
            total += 1
            if row[0] not in books or not statistics_file.valid(row):
                rejected += 1
                continue
            count[row[0]] += 1
            active[row[0]] += row[3]
            first = row[2] if first is None else min(first, row[2])
            last = row[2] if last is None else max(last, row[2])
            document = placed[row[0]][0]
            if document is not None:
                told = (document, device_id, row[2], row[1], row[3], row[4])
                known += statistics_rows.known_rows(connection, [told])
    found = [
        BookFound(book, count[key], active[key], placed[key][1], placed[key][2])
        for key, book in books.items()
        if count[key]
    ]
    found.sort(key=lambda f: (f.book_id is not None, -f.active_s))
    return Preview(
        found, total, known, rejected, None if first is None else first * 1000, None if last is None else last * 1000
    )


def _find(
    connection: apsw.Connection, resolve: Resolve, user_id: int, book: HistoryBook
) -> tuple[int | None, BookId | None, str]:
    known = statistics_rows.document_of(connection, user_id, book.partial_md5)
    document = known[0] if known else None
    if document is None and (kept := documents.find(connection, user_id, clues_of(book))):
        document = kept.id
    if known and known[1] is not None:
        return document, BookId(known[1]), "link"
    match = certain(connection, resolve, clues_of(book), user_id)
    return document, match.book_id if match else None, match.matched_by if match else ""


def note_books(
    connection: apsw.Connection, resolve: Resolve, user_id: int, books: Iterable[HistoryBook], now: int
) -> dict[int, tuple[int, BookId | None]]:
    """Note the books of a history as documents and place those that are certain; by the history's own keys.

    Several books of one hash (title or author was edited) are one file.
    """
    noted: dict[int, tuple[int, BookId | None]] = {}
    for book in books:
        known = statistics_rows.document_of(connection, user_id, book.partial_md5)
        if known is None:
            document = documents.note(connection, user_id, clues_of(book), now)
            known = (document.id, document.book_id)
        document_id, book_id = known
        if book_id is None:
            match = certain(connection, resolve, clues_of(book), user_id)
            silenced = documents.by_id(connection, document_id)
            if match is not None and not (silenced and silenced.ignored):
                place(connection, document_id, match.book_id, match.matched_by, now)
                book_id = match.book_id
        statistics_rows.note_book(connection, document_id, book)
        noted[book.key] = (document_id, BookId(book_id) if book_id is not None else None)
    return noted


def add(
    connection: apsw.Connection,
    user_id: int,
    device_id: int,
    noted: dict[int, tuple[int, BookId | None]],
    rows: Iterable[HistoryRow],
    now: int,
) -> tuple[int, int, int]:
    """Take page rows in, inside one transaction: how many were told, new, and refused."""
    latest = (now + 86_400_000) // 1000
    kept = [
        (noted[row[0]][0], device_id, row[2], row[1], row[3], row[4])
        for row in rows
        if statistics_file.valid(row) and row[0] in noted and row[2] <= latest
    ]
    told = len(rows) if isinstance(rows, list) else len(kept)
    new = statistics_rows.add_rows(connection, user_id, kept)
    if kept:
        statistics_rows.set_mark(connection, user_id, device_id, max(row[2] for row in kept), new, now)
    return told, new, told - len(kept)


def take_in(
    store: Store,
    resolve: Resolve,
    user_id: int,
    device: str,
    file: apsw.Connection,
    now: int,
    progress: Progress = lambda done, total: None,
) -> Taken:
    """Take a whole file in, a slice a transaction. Durable when it returns; runs in a thread or a command."""
    books = statistics_file.books(file)
    total = statistics_file.count(file)
    taken = Taken()
    device_id = store.write_now(lambda c: device_of(c, user_id, device, now))
    for start in range(0, len(books), 50):
        part = books[start : start + 50]
        taken.books |= store.write_now(lambda c, part=part: note_books(c, resolve, user_id, part, now))  # type: ignore[misc]
    noted = taken.books
    for _, window in statistics_file.windows(file):
        # In the order of the table they go to: a run of one file's rows touches few of its pages.
        window.sort(key=lambda row: (row[0] if type(row[0]) is int else 0, row[2] if type(row[2]) is int else 0))
        for start in range(0, len(window), SLICE):
            rows = window[start : start + SLICE]
            told, new, rejected = store.write_now(
                lambda c, rows=rows: add(c, user_id, device_id, noted, rows, now)  # type: ignore[misc]
            )
            taken.rows += told
            taken.new += new
            taken.rejected += rejected
            progress(taken.rows, total)
    return taken


def series_split(book: HistoryBook) -> HistoryBook:
    """A book whose series was told in KOReader's way (``Earthsea #1``), with name and number apart."""
    name, index = statistics_file.series_of(book.series)
    return replace(book, series=name, series_index=index) if book.series_index is None else book
