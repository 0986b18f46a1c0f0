"""Writes a genuine Calibre library: the opposite of ``tomed/calibre``, and the only code that writes a ``metadata.db``.

For the demo and for tests. It makes new libraries and refuses a folder that has one already::

    with CalibreLibrary.create(folder) as library:
        library.add(LibraryBook("Dracula", ("Bram Stoker",), files={"EPUB": path}))
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import apsw

from tomed.demo import custom_columns, disk_names, opf, schema, schema_rules
from tomed.demo.custom_columns import CustomColumn
from tomed.errors import Conflict

DEFAULT_AT = 1_767_225_600_000
"""2026-01-01T00:00:00Z, ms: when a book was added if nobody says otherwise, so that output is the same every time."""

# What Calibre writes into a library the first time it opens one.
_PREFERENCES = {
    "bools_are_tristate": "true",
    "user_categories": "{}",
    "saved_searches": "{}",
    "grouped_search_terms": "{}",
}


@dataclass(frozen=True, slots=True)
class LibraryBook:
    """A book to be written. Times are integer ms; ``rating`` counts half stars, 0..10."""

    title: str
    authors: tuple[str, ...] = ("Unknown",)
    files: Mapping[str, bytes | Path] = field(default_factory=dict)
    """Format in upper case → the file's bytes, or the file to copy."""
    series: str | None = None
    series_index: float = 1.0
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("eng",)
    publisher: str | None = None
    rating: int | None = None
    identifiers: Mapping[str, str] = field(default_factory=dict)
    comments: str | None = None
    cover: bytes | None = None
    """JPEG."""
    uuid: str | None = None
    added_at: int = DEFAULT_AT
    published_at: int | None = None
    last_modified_at: int | None = None
    custom: Mapping[str, Any] = field(default_factory=dict)
    """Label of a custom column → value (a list for a multiple one, ``(name, index)`` for a series)."""
    calibre_id: int | None = None
    title_sort: str | None = None
    author_sort: str | None = None


def _title_sort(*values: apsw.SQLiteValue) -> str:
    return disk_names.title_sort(str(values[0]))


def _uuid4(*_: apsw.SQLiteValue) -> str:
    return str(uuid.uuid4())


class CalibreLibrary:
    """A new library that is open for writing. Everything is one transaction: ``close`` makes it a library."""

    def __init__(self, folder: Path, connection: apsw.Connection, schema_version: int) -> None:
        self.folder = folder
        self._connection = connection
        self._schema_version = schema_version
        self._columns: dict[str, tuple[int, CustomColumn]] = {}

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        library_uuid: str | None = None,
        columns: Iterable[CustomColumn] = (),
        schema_version: int = 25,
    ) -> CalibreLibrary:
        """Begin a library in ``folder``, which is made if it isn't there.

        Raises:
            Conflict: the folder has a ``metadata.db`` already.
        """
        database = folder / "metadata.db"
        if database.exists():
            raise Conflict(f"{folder} is a Calibre library already; it is never written into.")
        if schema_version not in schema.VERSIONS:
            raise ValueError(f"schema_version must be one of {schema.VERSIONS}")
        folder.mkdir(parents=True, exist_ok=True)
        connection = apsw.Connection(str(database))
        connection.create_scalar_function("title_sort", _title_sort, 1, deterministic=True)
        connection.create_scalar_function("uuid4", _uuid4, 0)
        connection.execute("BEGIN EXCLUSIVE")
        library = cls(folder, connection, schema_version)
        for statement in schema.statements(schema_version):
            connection.execute(statement).fetchall()
        connection.execute("INSERT INTO library_id (uuid) VALUES (?)", (library_uuid or str(uuid.uuid4()),))
        connection.executemany("INSERT INTO preferences (key, val) VALUES (?, ?)", _PREFERENCES.items())
        for column in columns:
            number = custom_columns.define(connection, column, schema_version)
            library._columns[column.label] = (number, column)
        return library

    def add(self, book: LibraryBook) -> int:
        """Write ``book``: its rows, its folder, its files, its cover and its OPF. Its Calibre id."""
        sort = book.title_sort or disk_names.title_sort(book.title)
        authors_sort = book.author_sort or " & ".join(disk_names.author_sort(a) for a in book.authors)
        book_uuid = book.uuid or str(uuid.uuid4())
        book_id = self._insert(book, sort, authors_sort, book_uuid)
        path = disk_names.folder_name(book_id, book.title, book.authors[0])
        self._connection.execute("UPDATE books SET path = ? WHERE id = ?", (path, book_id))
        folder = self.folder / path
        folder.mkdir(parents=True)
        self._write_files(book_id, folder, book)
        self._name(book_id, book)
        metadata = self._metadata(book_id, book, sort, authors_sort, book_uuid)
        (folder / "metadata.opf").write_text(opf.write_opf(metadata), encoding="utf-8")
        return book_id

    def _insert(self, book: LibraryBook, sort: str, authors_sort: str, book_uuid: str) -> int:
        at = book.added_at if book.last_modified_at is None else book.last_modified_at
        self._connection.execute(
            "INSERT INTO books (id, title, timestamp, pubdate, series_index, author_sort, has_cover, last_modified) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                book.calibre_id,
                book.title,
                *(opf.moment(moment).isoformat(sep=" ") for moment in (book.added_at, book.published_at)),
                book.series_index,
                authors_sort,
                book.cover is not None,
                opf.moment(at).isoformat(sep=" "),
            ),
        )
        book_id = self._connection.last_insert_rowid()
        # The trigger has just put its own into these two.
        self._connection.execute("UPDATE books SET sort = ?, uuid = ? WHERE id = ?", (sort, book_uuid, book_id))
        return book_id

    def _write_files(self, book_id: int, folder: Path, book: LibraryBook) -> None:
        name = disk_names.file_name(book.title, book.authors[0])
        for form, content in book.files.items():
            target = folder / f"{name}.{form.lower()}"
            if isinstance(content, bytes):
                target.write_bytes(content)
            else:
                shutil.copyfile(content, target)
            self._connection.execute(
                "INSERT INTO data (book, format, uncompressed_size, name) VALUES (?, ?, ?, ?)",
                (book_id, form.upper(), target.stat().st_size, name),
            )
        if book.cover is not None:
            (folder / "cover.jpg").write_bytes(book.cover)

    def _name(self, book_id: int, book: LibraryBook) -> None:
        """Everything about a book that is a row of its own."""
        for author in book.authors:
            # Calibre keeps a comma inside a name as a bar.
            self._link("authors", author.replace(",", "|"), book_id, sort=disk_names.author_sort(author))
        for tag in book.tags:
            self._link("tags", tag, book_id)
        for order, language in enumerate(book.languages):
            self._link("languages", language, book_id, item_order=order)
        if book.series is not None:
            self._link("series", book.series, book_id)
        if book.publisher is not None:
            self._link("publishers", book.publisher, book_id)
        if book.rating is not None:
            self._link("ratings", book.rating, book_id)
        if book.comments is not None:
            self._connection.execute("INSERT INTO comments (book, text) VALUES (?, ?)", (book_id, book.comments))
        for scheme, value in book.identifiers.items():
            self._connection.execute(
                "INSERT INTO identifiers (book, type, val) VALUES (?, ?, ?)", (book_id, scheme, value)
            )
        for label, value in book.custom.items():
            number, column = self._columns[label]
            custom_columns.put(self._connection, number, column, book_id, value)

    def _link(
        self, table: str, value: str | int, book_id: int, *, sort: str | None = None, item_order: int | None = None
    ) -> None:
        name = {"languages": "lang_code", "ratings": "rating"}.get(table, "name")
        row = {name: value} if sort is None else {name: value, "sort": sort}
        marks = ", ".join("?" * len(row))
        self._connection.execute(
            f"INSERT OR IGNORE INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values())
        )
        ((key,),) = self._connection.execute(f"SELECT id FROM {table} WHERE {name} = ?", (value,)).fetchall()
        link, column = f"books_{table}_link", schema_rules.LINKS[table]
        self._connection.execute(f"INSERT OR IGNORE INTO {link} (book, {column}) VALUES (?, ?)", (book_id, key))
        if item_order is not None:
            self._connection.execute(
                f"UPDATE {link} SET item_order = ? WHERE book = ? AND {column} = ?", (item_order, book_id, key)
            )

    def _metadata(self, book_id: int, book: LibraryBook, sort: str, authors_sort: str, book_uuid: str) -> opf.Metadata:
        return opf.Metadata(
            calibre_id=book_id,
            uuid=book_uuid,
            title=book.title,
            title_sort=sort,
            authors=book.authors,
            author_sort=authors_sort,
            added_at=book.added_at,
            published_at=book.published_at,
            languages=book.languages,
            tags=book.tags,
            identifiers=book.identifiers,
            series=book.series,
            series_index=book.series_index,
            publisher=book.publisher,
            rating=book.rating,
            comments=book.comments,
            has_cover=book.cover is not None,
            custom=tuple((*self._columns[label], value) for label, value in book.custom.items()),
        )

    def close(self) -> None:
        """Commit and let go of ``metadata.db``. Calling it twice is harmless."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self.close()
