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


def entries(connection: apsw.Connection, ids: Sequence[int]) -> list[Entry]:
    """The books ``ids`` (ascending) with all that belongs to them."""
    where, bound = _which(ids)
    wanted = set(ids)
    books = fetch(
        connection,
        "SELECT id, uuid, title, sort, author_sort, path, has_cover, coalesce(last_modified, '') || '',"
        f" timestamp, pubdate, series_index FROM books WHERE id {where} ORDER BY id",
        bound,
    )

    def linked(sql: str) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = defaultdict(list)
        for row in fetch(connection, sql.replace("{which}", where), bound):
            found[row[0]].append(row[1:])
        return found

    authors = linked(
        "SELECT l.book, a.name, a.sort FROM books_authors_link l JOIN authors a ON a.id = l.author"
        " WHERE l.book {which} ORDER BY l.book, l.id"
    )
    series = linked(
        "SELECT l.book, s.name, s.sort FROM books_series_link l JOIN series s ON s.id = l.series WHERE l.book {which}"
    )
    tags = linked(
        "SELECT l.book, t.name FROM books_tags_link l JOIN tags t ON t.id = l.tag"
        " WHERE l.book {which} ORDER BY l.book, t.name"
    )
    languages = linked(
        "SELECT l.book, c.lang_code FROM books_languages_link l JOIN languages c ON c.id = l.lang_code"
        " WHERE l.book {which} ORDER BY l.book, l.item_order, l.id"
    )
    publishers = linked(
        "SELECT l.book, p.name FROM books_publishers_link l JOIN publishers p ON p.id = l.publisher"
        " WHERE l.book {which}"
    )
    formats = linked("SELECT book, format, name, uncompressed_size FROM data WHERE book {which} ORDER BY book, format")
    identifiers = linked("SELECT book, type, val FROM identifiers WHERE book {which} ORDER BY book, type")
    comments = linked("SELECT book, text FROM comments WHERE book {which}")
    custom = _custom_values(connection, where, bound)
    library = None

    found = []
    for row in books:
        book, uuid, title, sort, author_sort, path, has_cover, modified, added, published, series_index = row
        if book not in wanted:
            continue
        if not uuid:  # Calibre's triggers always give one; a row made by another program may lack it
            library = library or _library_uuid(connection)
            uuid = str(uuids.uuid5(library, str(book)))
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
                series=_text(in_series[0][0]) if in_series else None,
                series_sort=_text(in_series[0][1]) if in_series else "",
                series_index=_number(series_index) if in_series else None,
                publisher=_text(publishers[book][0][0]) if book in publishers else None,
                authors=tuple((_name(name), _name(by)) for name, by in authors.get(book, ())),
                tags=tuple(_text(tag) for (tag,) in tags.get(book, ())),
                languages=tuple(_text(code) for (code,) in languages.get(book, ())),
                formats=tuple(
                    Format(_text(kind).upper(), _text(name), int(_number(size) or 0))
                    for kind, name, size in formats.get(book, ())
                ),
                identifiers=tuple((_text(scheme), _text(value)) for scheme, value in identifiers.get(book, ())),
                description=_text(comments[book][0][0]) if book in comments else "",
                custom=tuple(custom.get(book, ())),
            )
        )
    return found


def _which(ids: Sequence[int]) -> tuple[str, Row]:
    if ids[-1] - ids[0] < 4 * len(ids):  # dense: one range of each index
        return "BETWEEN ?1 AND ?2", (ids[0], ids[-1])
    return "IN (SELECT value FROM json_each(?1))", (json.dumps(list(ids)),)


def _custom_values(connection: apsw.Connection, where: str, bound: Row) -> dict[int, list[tuple[str, object]]]:
    values: dict[int, list[tuple[str, object]]] = defaultdict(list)
    for column in custom_columns(connection):
        table = f"custom_column_{column.id}"
        if column.normalized:
            extra = "l.extra" if column.datatype == "series" else "NULL"
            sql = (
                f"SELECT l.book, v.value, {extra} FROM books_{table}_link l JOIN {table} v ON v.id = l.value"
                f" WHERE l.book {where} ORDER BY l.book, l.id"
            )
        else:
            sql = f"SELECT book, value, NULL FROM {table} WHERE book {where}"
        many: dict[int, list[object]] = defaultdict(list)
        for book, value, extra_value in fetch(connection, sql, bound):
            many[book].append(_custom(column, value, extra_value))
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


def _library_uuid(connection: apsw.Connection) -> uuids.UUID:
    found = fetch(connection, "SELECT uuid FROM library_id ORDER BY id LIMIT 1")
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


def _name(value: object) -> str:
    return _text(value).replace("|", ",")  # Calibre keeps the comma of a name as a bar


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
