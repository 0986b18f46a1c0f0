"""KOReader's ``statistics.sqlite3``: read from a private copy, and written so that KOReader takes it.

A file that somebody uploads is a stranger: it is opened away from everything else, its schema is not
trusted, only its two real tables are read, and every value is checked before it is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from tomed.errors import Invalid

USER_VERSION = 20221111
"""KOReader's number of this schema, unchanged since 2022."""

WINDOW = 5_000
"""Rows read at a time: a large file never lies in memory whole."""

PAGES_MAX = 1_000_000
DURATION_MAX = 86_400
START_MAX = 1 << 33

_SERIES = re.compile(r"(.+?) #(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class HistoryBook:
    """A book as KOReader's statistics know it. ``key`` is the file's own id of it, and means nothing elsewhere."""

    key: int
    partial_md5: str
    title: str = ""
    authors: tuple[str, ...] = ()
    series: str = ""
    series_index: float | None = None
    language: str = ""
    pages: int = 0
    highlights: int = 0
    notes: int = 0
    last_open: int = 0


HistoryRow = tuple[int, int, int, int, int]
"""Book key, page, start (epoch s), duration (s), pages of the layout: the columns of ``page_stat_data``."""


def open_copy(path: Path) -> apsw.Connection:
    """Open a private copy (with its ``-wal`` beside it, if there is one) for reading.

    Raises:
        Invalid: it is no statistics database of KOReader's, or a damaged one.
    """
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, 10_000_000)
        connection.pragma("query_only", 1)
        found = connection.execute(
            "SELECT name, type FROM sqlite_schema WHERE name IN ('book', 'page_stat_data')"
            " AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
        ).fetchall()
        if found != [("book", "table"), ("page_stat_data", "table")]:
            connection.close()
            raise Invalid(
                "This is a database, but not KOReader's statistics: it has no tables book and page_stat_data."
            )
        columns = {row[1] for row in connection.execute("PRAGMA table_info(page_stat_data)")}
        if not columns >= {"id_book", "page", "start_time", "duration", "total_pages"}:
            connection.close()
            raise Invalid("This file was written by a KOReader of before 2021. Open it once with a newer one.")
    except apsw.Error as err:
        raise Invalid(f"This is no readable statistics.sqlite3 of KOReader: {err}") from err
    return connection


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "" if text == "N/A" else text.strip()[:2000]


def _number(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) and 0 <= value < START_MAX else 0


def series_of(text: str) -> tuple[str, float | None]:
    """``Earthsea #1.5`` as name and number; the number is None when there is none."""
    match = _SERIES.fullmatch(text)
    return (match[1], float(match[2])) if match else (text, None)


def books(connection: apsw.Connection) -> list[HistoryBook]:
    """Every book of the file."""
    known = {row[1] for row in connection.execute("PRAGMA table_info(book)")}
    wanted = ("id", "md5", "title", "authors", "series", "language", "pages", "highlights", "notes", "last_open")
    columns = ", ".join(name if name in known else "NULL" for name in wanted)
    found = []
    for key, md5, title, authors, series, language, *numbers in _read(connection, f"SELECT {columns} FROM book"):
        name, index = series_of(_text(series))
        people = tuple(line.strip() for line in _text(authors).splitlines() if line.strip())
        found.append(
            HistoryBook(
                int(key),
                _text(md5).lower()[:64],
                _text(title),
                people[:64],
                name,
                index,
                _text(language)[:64],
                *(_number(value) for value in numbers),
            )
        )
    return found


def count(connection: apsw.Connection) -> int:
    """How many page rows the file has."""
    return int(_read(connection, "SELECT count(*) FROM page_stat_data")[0][0])


def windows(connection: apsw.Connection, after: int = 0) -> Iterator[tuple[int, list[HistoryRow]]]:
    """The page rows in windows, each with the number to go on ``after`` when the work was broken off there."""
    while True:
        found = _read(
            connection,
            "SELECT rowid, id_book, page, start_time, duration, total_pages FROM page_stat_data"
            " WHERE rowid > ? ORDER BY rowid LIMIT ?",
            (after, WINDOW),
        )
        if not found:
            return
        after = found[-1][0]
        yield after, [row[1:] for row in found]


def valid(row: tuple[Any, ...]) -> bool:
    """Whether a page row can be: whole numbers, a page of some layout, a time after 1970, less than a day on it."""
    try:
        key, page, start, duration, total = row
    except ValueError:
        return False
    return (
        type(key) is type(page) is type(start) is type(duration) is type(total) is int
        and 1 <= page <= PAGES_MAX
        and 0 < start < START_MAX
        and 0 < duration <= DURATION_MAX
        and 0 <= total <= PAGES_MAX
    )


def _read(connection: apsw.Connection, sql: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(sql, values).fetchall()
    except apsw.Error as err:
        raise Invalid(f"This statistics.sqlite3 is damaged: {err}") from err


_SCHEMA = """
CREATE TABLE book (id integer PRIMARY KEY autoincrement, title text, authors text, notes integer, last_open integer,
    highlights integer, pages integer, series text, language text, md5 text, total_read_time integer,
    total_read_pages integer);
CREATE TABLE page_stat_data (id_book integer, page integer NOT NULL DEFAULT 0, start_time integer NOT NULL DEFAULT 0,
    duration integer NOT NULL DEFAULT 0, total_pages integer NOT NULL DEFAULT 0,
    UNIQUE (id_book, page, start_time), FOREIGN KEY (id_book) REFERENCES book (id));
CREATE TABLE numbers (number INTEGER PRIMARY KEY);
WITH RECURSIVE counter AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM counter WHERE n < 1000)
    INSERT INTO numbers SELECT n FROM counter;
CREATE INDEX page_stat_data_start_time ON page_stat_data (start_time);
CREATE UNIQUE INDEX book_title_authors_md5 ON book (title, authors, md5);
CREATE VIEW page_stat AS
    SELECT id_book, first + number - 1 AS page, start_time, duration / (last - first + 1) AS duration
    FROM (SELECT id_book, start_time, duration, (page - 1) * pages / total_pages + 1 AS first,
            max((page - 1) * pages / total_pages + 1, page * pages / total_pages) AS last
          FROM page_stat_data JOIN book ON book.id = id_book)
    JOIN numbers ON number <= last - first + 1;
"""


def write(path: Path, contents: Iterable[tuple[HistoryBook, Iterable[HistoryRow]]]) -> int:
    """Write a new ``statistics.sqlite3``; how many page rows it has.

    Totals of each book are what KOReader itself would make of the rows: it rescales pages through its view.
    """
    connection = apsw.Connection(str(path))
    written = 0
    try:
        connection.pragma("journal_mode", "off")
        connection.pragma("synchronous", 0)
        with connection:
            for _ in connection.execute(_SCHEMA):
                pass
            for number, (book, rows) in enumerate(contents, 1):
                series = f"{book.series} #{book.series_index:g}" if book.series_index is not None else book.series
                connection.execute(
                    "INSERT INTO book VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
                    (
                        number,
                        book.title,
                        "\n".join(book.authors) or "N/A",
                        book.notes,
                        book.last_open,
                        book.highlights,
                        book.pages,
                        series or "N/A",
                        book.language or "N/A",
                        book.partial_md5,
                    ),
                )
                found = [(number, *row[1:]) for row in rows]
                connection.executemany(
                    "INSERT INTO page_stat_data VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE"
                    " SET duration = max(duration, excluded.duration)",
                    found,
                )
                written += len(found)
            connection.execute(
                "UPDATE book SET (total_read_pages, total_read_time) = (SELECT count(DISTINCT page),"
                " coalesce(sum(duration), 0) FROM page_stat WHERE id_book = book.id)"
            )
        connection.pragma("user_version", USER_VERSION)
    finally:
        connection.close()
    return written
