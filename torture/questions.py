"""The two questions at the end of every scenario: was an acknowledged event lost, was a byte of the library changed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import apsw

from tests.calibredb import fingerprint
from tomed.store.db import connect

__all__ = ["changed", "fingerprint", "kept", "lost", "unsound"]


def kept(database: Path) -> set[str]:
    """The ids of all events that a sidecar holds: as a receipt, and as the row that the receipt is for."""
    connection = connect(database, readonly=True)
    try:
        return _kept(connection)
    finally:
        connection.close()


def _kept(connection: apsw.Connection) -> set[str]:
    receipts = {event for (event,) in connection.execute("SELECT event_id FROM receipts")}
    rows: set[object] = set()
    for table in ("positions", "sessions", "verdicts"):
        rows |= {event for (event,) in connection.execute(f"SELECT event_id FROM {table}")}
    return {str(event) for event in receipts & rows}


def lost(database: Path, promised: Iterable[str]) -> list[str]:
    """The acknowledged events that are not in the sidecar."""
    return sorted(set(promised) - kept(database))


def unsound(database: Path) -> str:
    """What SQLite finds wrong with a sidecar; empty when it is sound."""
    connection = connect(database, readonly=True)
    try:
        fault = str(connection.execute("PRAGMA integrity_check(1)").get)
        if fault != "ok":
            return fault
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
        return f"{len(orphans)} rows refer to nothing" if orphans else ""
    finally:
        connection.close()


def changed(folder: Path, before: dict[str, str]) -> list[str]:
    """The files of a library that are other, new or gone since ``before`` was taken by ``fingerprint``."""
    after = fingerprint(folder)
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
