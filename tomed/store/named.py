"""Ids of the authors, tags and series that a batch of books names; rows are made of those that are new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import apsw

from tomed.folding import fold, sort_key
from tomed.model import Entry

ASKED = 500
"""Names in one question."""


class Named:
    """``authors``, ``tags`` and ``series``: ids by name. Lives as long as one batch, for a rollback forgets it."""

    def __init__(self, connection: apsw.Connection, entries: Iterable[Entry]) -> None:
        authors, tags, series = dict[str, str](), dict[str, str](), dict[str, str]()
        for entry in entries:
            for name, by in entry.authors:
                authors.setdefault(name, by or name)
            for tag in entry.tags:
                tags[tag] = tag
            if entry.series:
                series.setdefault(entry.series, series_sort(entry))
        self.authors = _ids(connection, "authors", "sort, key", authors, lambda name, by: (by, fold(name)))
        self.tags = _ids(connection, "tags", "key", tags, lambda name, _: (fold(name),))
        self.series = _ids(
            connection, "series", "sort, key, sort_key", series, lambda name, by: (by, fold(name), sort_key(by))
        )


def series_sort(entry: Entry) -> str:
    """What an entry's series is sorted under; empty without one."""
    return entry.series_sort or entry.series or ""


def _ids(
    connection: apsw.Connection,
    table: str,
    columns: str,
    named: Mapping[str, str],
    row: Callable[[str, str], tuple[str, ...]],
) -> dict[str, int]:
    """Ids by name; ``row`` makes the values of ``columns`` from a new name and what it is sorted under."""
    names, known = list(named), dict[str, int]()
    for start in range(0, len(names), ASKED):
        part = names[start : start + ASKED]
        asked = f"SELECT name, id FROM {table} WHERE name IN ({', '.join('?' * len(part))})"
        rows: list[Any] = connection.execute(asked, part).fetchall()
        known.update(rows)
    last: int = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").get
    new = {name: number for number, name in enumerate((n for n in names if n not in known), start=last + 1)}
    connection.executemany(
        f"INSERT INTO {table} (id, name, {columns}) VALUES ({', '.join('?' * (columns.count(',') + 3))})",
        [(number, name, *row(name, named[name])) for name, number in new.items()],
    )
    return known | new
