"""The SQL of the foreign ``metadata.db``: base tables, columns of schema 25 to 27, everything fetched at once.

Functions take a connection inside a transaction and return plain values; none leaves a cursor open.
"""

from __future__ import annotations

import json
import math
import uuid as uuids
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import apsw

from tomed.model import Entry, Format

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_UNDEFINED_YEAR = 102  # Calibre writes the year 101 for "no date"


@dataclass(frozen=True, slots=True)
class CustomColumn:
    """A column that the person made in Calibre; ``label`` without its ``#``."""

    id: int
    label: str
    name: str
    datatype: str
    is_multiple: bool
    normalized: bool


Row = tuple[Any, ...]


def fetch(connection: apsw.Connection, sql: str, bound: Row = ()) -> list[Row]:
    """Everything at once: a cursor with rows left would hold the lock. The database may hold any type anywhere."""
    return connection.execute(sql, bound).fetchall()


def scan(connection: apsw.Connection, after: int, limit: int) -> list[tuple[int, str, str]]:
    """(id, uuid, last_modified), ascending; texts are compared only, so whatever is no text becomes one."""
    return fetch(
        connection,
        "SELECT id, coalesce(uuid, '') || '', coalesce(last_modified, '') || '' FROM books WHERE id > ?"
        " ORDER BY id LIMIT ?",
        (after, limit),
    )


def changed_since(connection: apsw.Connection, last_modified: str, limit: int) -> list[int]:
    """Ids, ascending."""
    found = fetch(
        connection,
        "SELECT id FROM books WHERE last_modified > ? ORDER BY last_modified LIMIT ?",
        (last_modified, limit),
    )
    return sorted(book for (book,) in found)


def custom_columns(connection: apsw.Connection) -> tuple[CustomColumn, ...]:
    """Columns with stored values; deleted ones and those that Calibre computes are left out."""
    tables = {name for (name,) in fetch(connection, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    found = fetch(
        connection,
        "SELECT id, label, name, datatype, is_multiple, normalized FROM custom_columns"
        " WHERE mark_for_delete = 0 AND datatype <> 'composite' ORDER BY id",
    )
    columns = [
        CustomColumn(int(number), str(label), str(name), str(datatype), bool(multiple), bool(normalized))
        for number, label, name, datatype, multiple, normalized in found
    ]
    return tuple(
        column
        for column in columns
        if f"custom_column_{column.id}" in tables
        and (not column.normalized or f"books_custom_column_{column.id}_link" in tables)
    )


@dataclass(frozen=True, slots=True)
class Gathered:
    """The rows of some books, as fetched: making entries of them needs no lock."""

    ids: Sequence[int]
    library: tuple[Row, ...]
    books: list[Row]
    parts: dict[str, list[Row]]
    """By table, each row beginning with the book's id."""
    custom: list[tuple[CustomColumn, list[Row]]]


_PARTS = {
    "authors": "SELECT l.book, a.name, a.sort FROM books_authors_link l JOIN authors a ON a.id = l.author"
    " WHERE l.book {which} ORDER BY l.book, l.id",
    "series": "SELECT l.book, s.name, s.sort FROM books_series_link l JOIN series s ON s.id = l.series"
    " WHERE l.book {which}",
    "tags": "SELECT l.book, t.name FROM books_tags_link l JOIN tags t ON t.id = l.tag"
    " WHERE l.book {which} ORDER BY l.book, t.name",
    "languages": "SELECT l.book, c.lang_code FROM books_languages_link l JOIN languages c ON c.id = l.lang_code"
    " WHERE l.book {which} ORDER BY l.book, l.item_order, l.id",
    "publishers": "SELECT l.book, p.name FROM books_publishers_link l JOIN publishers p ON p.id = l.publisher"
    " WHERE l.book {which}",
    "formats": "SELECT book, format, name, uncompressed_size FROM data WHERE book {which} ORDER BY book, format",
    "identifiers": "SELECT book, type, val FROM identifiers WHERE book {which} ORDER BY book, type",
    "comments": "SELECT book, text FROM comments WHERE book {which}",
}


def gather(connection: apsw.Connection, ids: Sequence[int]) -> Gathered:
    """All rows of the books ``ids`` (ascending). The lock is held for this alone."""
    where, bound = _which(ids)
    return Gathered(
        ids,
        tuple(fetch(connection, "SELECT uuid FROM library_id ORDER BY id LIMIT 1")),
        fetch(
            connection,
            "SELECT id, uuid, title, sort, author_sort, path, has_cover, coalesce(last_modified, '') || '',"
            f" timestamp, pubdate, series_index FROM books WHERE id {where} ORDER BY id",
            bound,
        ),
        {name: fetch(connection, sql.replace("{which}", where), bound) for name, sql in _PARTS.items()},
        [(column, fetch(connection, _custom_sql(column, where), bound)) for column in custom_columns(connection)],
    )


def entries(gathered: Gathered) -> list[Entry]:
    """The books with all that belongs to them."""
    wanted = set(gathered.ids)
    parts = {name: _by_book(rows) for name, rows in gathered.parts.items()}
    authors, series, tags = parts["authors"], parts["series"], parts["tags"]
    languages, publishers, formats = parts["languages"], parts["publishers"], parts["formats"]
    identifiers, comments = parts["identifiers"], parts["comments"]
    custom = _custom_values(gathered.custom)
    found = []
    for row in gathered.books:
        book, uuid, title, sort, author_sort, path, has_cover, modified, added, published, series_index = row
        if book not in wanted:
            continue
        if not uuid:  # Calibre's triggers always give one; a row made by another program may lack it
            uuid = str(uuids.uuid5(_library_uuid(gathered.library), str(book)))
        in_series = series.get(book)
        found.append(
            Entry(
                calibre_id=book,
                uuid=str(uuid),
                title=_text(title) or "Unknown",
                sort=_text(sort) or _text(title),
                author_sort=_text(author_sort),
                path=_text(path),
                has_cover=bool(has_cover),
                last_modified=modified,
                last_modified_at=_at(modified) or 0,
                added_at=_at(added) or 0,
                published_at=_at(published),
                series=_text(in_series[0][1]) if in_series else None,
                series_sort=_text(in_series[0][2]) if in_series else "",
                series_index=_number(series_index) if in_series else None,
                publisher=_text(publishers[book][0][1]) if book in publishers else None,
                authors=tuple([_author(name, by) for _, name, by in authors.get(book, ())]),
                tags=tuple([_text(tag) for _, tag in tags.get(book, ())]),
                languages=tuple([_text(code) for _, code in languages.get(book, ())]),
                formats=tuple(
                    [
                        Format(_text(kind).upper(), _text(name), int(_number(size) or 0))
                        for _, kind, name, size in formats.get(book, ())
                    ]
                ),
                identifiers=tuple([(_text(scheme), _text(value)) for _, scheme, value in identifiers.get(book, ())]),
                description=_text(comments[book][0][1]) if book in comments else "",
                custom=tuple(custom.get(book, ())),
            )
        )
    return found


def _by_book(rows: list[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def _which(ids: Sequence[int]) -> tuple[str, Row]:
    if ids[-1] - ids[0] < 4 * len(ids):  # dense: one range of each index
        return "BETWEEN ?1 AND ?2", (ids[0], ids[-1])
    return "IN (SELECT value FROM json_each(?1))", (json.dumps(list(ids)),)


def _custom_sql(column: CustomColumn, where: str) -> str:
    table = f"custom_column_{column.id}"
    if not column.normalized:
        return f"SELECT book, value, NULL FROM {table} WHERE book {where}"
    extra = "l.extra" if column.datatype == "series" else "NULL"
    return (
        f"SELECT l.book, v.value, {extra} FROM books_{table}_link l JOIN {table} v ON v.id = l.value"
        f" WHERE l.book {where} ORDER BY l.book, l.id"
    )


def _custom_values(gathered: list[tuple[CustomColumn, list[Row]]]) -> dict[int, list[tuple[str, object]]]:
    values: dict[int, list[tuple[str, object]]] = defaultdict(list)
    for column, rows in gathered:
        many: dict[int, list[object]] = defaultdict(list)
        for book, value, extra in rows:
            many[book].append(_custom(column, value, extra))
        for book, list_of_values in many.items():
            values[book].append((column.label, list_of_values if column.is_multiple else list_of_values[0]))
    return values


def _custom(column: CustomColumn, value: object, extra: object) -> object:
    if column.datatype == "bool":
        return bool(value)
    if column.datatype == "series":
        return [_text(value), _number(extra)]
    if column.datatype in ("int", "float", "rating"):
        return _number(value) if column.datatype == "float" else int(_number(value) or 0)
    return _text(value)


def _library_uuid(found: tuple[Row, ...]) -> uuids.UUID:
    try:
        return uuids.UUID(str(found[0][0]))
    except (ValueError, LookupError):
        return uuids.NAMESPACE_OID


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


@lru_cache(maxsize=4096, typed=True)  # who wrote one book has mostly written another
def _author(name: object, by: object) -> tuple[str, str]:
    """(name, sort); Calibre keeps the comma of a name as a bar."""
    return _text(name).replace("|", ","), _text(by).replace("|", ",")


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _at(value: object) -> int | None:
    """Calibre's time text as ms; None when it is none, or Calibre's "undefined"."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment.year < _UNDEFINED_YEAR:
        return None
    return (moment - _EPOCH) // _MS
