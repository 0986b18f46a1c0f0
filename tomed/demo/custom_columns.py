"""Calibre's custom columns: their two shapes of tables, and a value put into one.

A column of names (text, enumeration, rating, series) has a table of values and a link table; a
column of plain values (int, float, bool, datetime, comments) has one table with a row per book.
Composite columns are computed by Calibre and store nothing but their definition.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import apsw

from tomed.demo.schema_rules import guard, tag_browser

_TYPES = {
    "text": "TEXT",
    "comments": "TEXT",
    "series": "TEXT",
    "composite": "TEXT",
    "enumeration": "TEXT",
    "int": "INT",
    "rating": "INT",
    "float": "REAL",
    "datetime": "timestamp",
    "bool": "BOOL",
}
_NORMALIZED = ("text", "series", "enumeration", "rating")


@dataclass(frozen=True, slots=True)
class CustomColumn:
    """A column that a Calibre user added. ``label`` is without the ``#``; ``display`` as Calibre's JSON has it."""

    label: str
    name: str
    datatype: str
    is_multiple: bool = False
    display: Mapping[str, object] = field(default_factory=dict)

    @property
    def normalized(self) -> bool:
        """True when values live in a table of their own and books link to them."""
        return self.datatype in _NORMALIZED


def define(connection: apsw.Connection, column: CustomColumn, version: int) -> int:
    """Add ``column`` to the library's definitions and make its tables; its number."""
    connection.execute(
        "INSERT INTO custom_columns (label, name, datatype, is_multiple, editable, display, normalized) "
        "VALUES (?, ?, ?, ?, 1, ?, ?)",
        (
            column.label,
            column.name,
            column.datatype,
            column.is_multiple,
            json.dumps(dict(column.display)),
            column.normalized,
        ),
    )
    number = connection.last_insert_rowid()
    for statement in _tables(number, column, version):
        connection.execute(statement)
    return number


def _tables(number: int, column: CustomColumn, version: int) -> Iterator[str]:
    table, link = f"custom_column_{number}", f"books_custom_column_{number}_link"
    kind = _TYPES[column.datatype]
    collate = " COLLATE NOCASE" if kind == "TEXT" else ""
    key = "id INTEGER PRIMARY KEY AUTOINCREMENT"
    if not column.normalized:
        yield f"CREATE TABLE {table} ({key}, book INTEGER, value {kind} NOT NULL{collate}, UNIQUE (book))"
        yield f"CREATE INDEX {table}_idx ON {table} (book)"
        yield guard(f"fkc_insert_{table}", f"INSERT ON {table}", book="books")
        yield guard(f"fkc_update_{table}", f"UPDATE OF book ON {table}", book="books")
        return
    web_link = ", link TEXT NOT NULL DEFAULT ''" if version >= 26 else ""
    extra = ", extra REAL" if column.datatype == "series" else ""
    yield f"CREATE TABLE {table} ({key}, value {kind} NOT NULL{collate}{web_link}, UNIQUE (value))"
    yield f"CREATE INDEX {table}_idx ON {table} (value{collate})"
    yield (f"CREATE TABLE {link} ({key}, book INTEGER NOT NULL, value INTEGER NOT NULL{extra}, UNIQUE (book, value))")
    yield f"CREATE INDEX {link}_aidx ON {link} (value)"
    yield f"CREATE INDEX {link}_bidx ON {link} (book)"
    yield guard(f"fkc_insert_{link}", f"INSERT ON {link}", book="books", value=table)
    yield guard(f"fkc_update_{link}_a", f"UPDATE OF book ON {link}", book="books")
    yield guard(f"fkc_update_{link}_b", f"UPDATE OF value ON {link}", value=table)
    yield f"CREATE TRIGGER fkc_delete_{link} AFTER DELETE ON {table} BEGIN DELETE FROM {link} WHERE value = OLD.id; END"
    for filtered in (False, True):
        yield tag_browser(table, link, "value", "value", "value", filtered=filtered)


def put(connection: apsw.Connection, number: int, column: CustomColumn, book: int, value: Any) -> None:
    """Give ``book`` its ``value``: a list for a multiple column, ``(name, index)`` for a series, else one value."""
    table = f"custom_column_{number}"
    if column.datatype == "composite":
        return
    if not column.normalized:
        connection.execute(f"INSERT INTO {table} (book, value) VALUES (?, ?)", (book, value))
        return
    link, extra = f"books_custom_column_{number}_link", None
    if column.datatype == "series":
        value, extra = value
    for one in value if column.is_multiple else [value]:
        connection.execute(f"INSERT OR IGNORE INTO {table} (value) VALUES (?)", (one,))
        ((key,),) = connection.execute(f"SELECT id FROM {table} WHERE value = ?", (one,)).fetchall()
        if column.datatype == "series":
            connection.execute(f"INSERT INTO {link} (book, value, extra) VALUES (?, ?, ?)", (book, key, extra))
        else:
            connection.execute(f"INSERT OR IGNORE INTO {link} (book, value) VALUES (?, ?)", (book, key))
