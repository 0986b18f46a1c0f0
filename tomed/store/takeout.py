"""SQL of one's own data to take away: every row that is a user's, in words another program understands.

Rows are dicts of plain values; times are RFC 3339, so that nobody has to guess a unit.
"""

from __future__ import annotations

from typing import Any

import apsw

from tomed.clock import format_at

Rows = list[dict[str, Any]]

_BOOK = "b.uuid AS book_uuid, coalesce(b.title, n.title, '') AS title, coalesce(n.filename, '') AS filename"
_JOINS = "LEFT JOIN books b ON b.id = x.book_id LEFT JOIN documents n ON n.id = x.document_id"
_DEVICE = "LEFT JOIN devices d ON d.id = x.device_id"

_QUERIES = {
    "sessions": (
        f"SELECT x.event_id, {_BOOK}, x.started_at, x.ended_at, x.active_s, x.pages_turned, x.start_fraction,"
        f" x.end_fraction, x.source, d.name AS device FROM sessions x {_JOINS} {_DEVICE}"
        " WHERE x.user_id = ? AND x.deleted_at IS NULL ORDER BY x.started_at, x.id"
    ),
    "positions": (
        f"SELECT x.event_id, {_BOOK}, x.at, x.fraction, x.canonical, x.chapter, x.locator_kind,"
        f" x.locator_value, x.text, x.source, d.name AS device FROM positions x {_JOINS} {_DEVICE}"
        " WHERE x.user_id = ? ORDER BY x.at, x.id"
    ),
    "verdicts": (
        f"SELECT x.event_id, {_BOOK}, x.at, x.status, x.rating, d.name AS device"
        f" FROM verdicts x {_JOINS} {_DEVICE} WHERE x.user_id = ? ORDER BY x.at, x.id"
    ),
    "books": (
        "SELECT b.uuid AS book_uuid, b.title, x.status, x.fraction, x.rating, x.started_at, x.finished_at,"
        " x.updated_at FROM readings x JOIN books b ON b.id = x.book_id WHERE x.user_id = ? ORDER BY x.updated_at, b.id"
    ),
    "files": (
        "SELECT x.filename, x.partial_md5, x.title, x.identifiers, b.uuid AS book_uuid, x.matched_by, x.first_at,"
        " x.last_at FROM documents x LEFT JOIN books b ON b.id = x.book_id WHERE x.user_id = ? ORDER BY x.id"
    ),
    "devices": (
        "SELECT x.name, x.model, x.koreader, x.plugin, x.last_seen_at FROM devices x WHERE x.user_id = ? ORDER BY x.id"
    ),
}

TABLES = tuple(_QUERIES)
"""Names of what can be taken."""


def table(connection: apsw.Connection, user_id: int, name: str) -> Rows:
    """All of a user's rows of one table of ``TABLES``."""
    cursor = connection.execute(_QUERIES[name], (user_id,))
    rows: Rows = []
    columns: list[str] = []
    for values in cursor:
        columns = columns or [column[0] for column in cursor.description]
        row = dict(zip(columns, values, strict=True))
        rows.append({key: _plain(key, value) for key, value in row.items()})
    return rows


def everything(connection: apsw.Connection, user_id: int) -> dict[str, Rows]:
    """All tables, in one consistent look."""
    return {name: table(connection, user_id, name) for name in TABLES}


def _plain(key: str, value: object) -> object:
    if isinstance(value, int) and (key == "at" or key.endswith("_at")):
        return format_at(value)
    return value
