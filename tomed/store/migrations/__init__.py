"""Numbered, append-only migrations of the sidecar: ``NNNN_name.sql``, each in one transaction.

``PRAGMA user_version`` holds the number of the last one applied. Before an existing database is
changed it is copied aside (``tomed.db.before-NNNN``, the last few are kept), and a newer schema is refused.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import apsw

from tomed.errors import StoreError
from tomed.store.copies import keep_newest, write_copy

KEPT_COPIES = 3
"""Copies made by upgrades that stay; a person who upgrades rarely may find out late that something went wrong."""


def available() -> list[tuple[int, str, str]]:
    """All migrations as (number, file name, SQL), in order."""
    files = [entry for entry in resources.files(__package__).iterdir() if entry.name.endswith(".sql")]
    return [(int(f.name[:4]), f.name, f.read_text("utf-8")) for f in sorted(files, key=lambda f: f.name)]


def migrate(connection: apsw.Connection, path: Path) -> None:
    """Bring the schema up to date. Raises StoreError: newer than this program, or no room for a copy."""
    version = connection.pragma("user_version")
    steps = available()
    newest = steps[-1][0]
    if version > newest:
        raise StoreError(
            f"The database {path} was written by a newer tomed (schema {version}, this one knows {newest}). "
            "Install that version again, or go back with tomed restore to a backup made before the upgrade "
            f"(the copies made by upgrades are {path.name}.before-NNNN beside it)."
        )
    due = [step for step in steps if step[0] > version]
    if due and version:
        _copy_aside(connection, path, due[0][0])
    for number, _, sql in due:
        with connection:
            for _ in connection.execute(sql):
                pass
            connection.execute(f"PRAGMA user_version = {number}").fetchall()


def _copy_aside(connection: apsw.Connection, path: Path, number: int) -> None:
    """Keep the database as it was before migration ``number``; a failed try's copy is replaced by the newer truth."""
    try:
        write_copy(connection, path.with_name(f"{path.name}.before-{number:04}"))
    except StoreError as err:
        raise StoreError(f"The upgrade was not begun, and nothing has changed: {err.message}") from err
    keep_newest(sorted(path.parent.glob(f"{path.name}.before-[0-9][0-9][0-9][0-9]")), KEPT_COPIES)
