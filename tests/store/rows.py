"""A sidecar as an earlier version left it: the first migrations alone, with rows of every kind in it."""

from __future__ import annotations

from pathlib import Path

import apsw

from tomed.store.db import connect
from tomed.store.migrations import available

ROWS = Path(__file__).parent / "earlier"
"""``NNNN.sql``: rows for the tables that migration NNNN made. ``test_upgrades`` fails where a new table has none."""

DERIVED = {
    "sittings",
    "reading_cells",
    "day_totals",
    "work_totals",
    "finishes",
    "stale_works",
    "statistics_versions",
    "catalog_counts",
}
"""Made anew by the program from the others; ``test_upgrades`` looks at them through the daemon's answers."""


def earlier_sidecar(path: Path, last: int) -> None:
    """Make a sidecar at ``path`` with the migrations up to number ``last``, and rows in all its tables."""
    connection = connect(path)
    try:
        for number, _, sql in available():
            if number > last:
                break
            _run(connection, sql)
            connection.execute(f"PRAGMA user_version = {number}").fetchall()
        for file in sorted(ROWS.glob("*.sql")):
            if int(file.stem) <= last:
                _run(connection, file.read_text("utf-8"))
    finally:
        connection.close()


def _run(connection: apsw.Connection, sql: str) -> None:
    for _ in connection.execute(sql):
        pass


def tables(connection: apsw.Connection) -> set[str]:
    """The names of all tables that hold data of their own (not the inside of an index for words)."""
    rows = connection.execute("PRAGMA table_list").fetchall()
    return {name for _, name, kind, *_ in rows if kind == "table" and not name.startswith("sqlite_")}


def contents(connection: apsw.Connection) -> dict[str, list[dict[str, object]]]:
    """All rows of all tables, each a dict by column."""
    found = {}
    for table in sorted(tables(connection)):
        cursor = connection.execute(f"SELECT * FROM {table}")
        found[table] = [dict(zip([c[0] for c in cursor.get_description()], row, strict=True)) for row in cursor]
    return found
