"""Numbered, append-only migrations of the sidecar: ``NNNN_name.sql``, each in one transaction.

``PRAGMA user_version`` holds the number of the last one applied. Before an existing database is
changed it is copied aside (``tomed.db.before-NNNN``), and a newer schema is refused.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import apsw

from tomed.errors import StoreError


def available() -> list[tuple[int, str, str]]:
    """All migrations as (number, file name, SQL), in order."""
    files = [entry for entry in resources.files(__package__).iterdir() if entry.name.endswith(".sql")]
    return [(int(f.name[:4]), f.name, f.read_text("utf-8")) for f in sorted(files, key=lambda f: f.name)]


def migrate(connection: apsw.Connection, path: Path) -> None:
    """Bring the schema up to date. Raises StoreError when the database is newer than this program."""
    version = connection.pragma("user_version")
    steps = available()
    newest = steps[-1][0]
    if version > newest:
        raise StoreError(
            f"The database {path} was written by a newer tomed (schema {version}, this one knows {newest}). "
            "Install that version again, or restore a backup made before the upgrade."
        )
    due = [step for step in steps if step[0] > version]
    if due and version:
        _copy_aside(connection, path.with_name(f"{path.name}.before-{due[0][0]:04}"))
    for number, _, sql in due:
        with connection:
            for _ in connection.execute(sql):
                pass
            connection.execute(f"PRAGMA user_version = {number}").fetchall()


def _copy_aside(connection: apsw.Connection, target: Path) -> None:
    if target.exists():  # an earlier try of the same step: its copy is the older truth
        return
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    copy = apsw.Connection(str(partial))
    try:
        with copy.backup("main", connection, "main") as backup:
            backup.step()
    finally:
        copy.close()
    partial.replace(target)
