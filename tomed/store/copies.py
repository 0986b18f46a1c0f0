"""A copy of a database that others are writing meanwhile: one snapshot, whole or not there at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import apsw

from tomed.errors import StoreError

PAGES_A_STEP = 1_000
"""Pages copied between two calls of ``on_step``: 4 MB."""

OnStep = Callable[[int, int], None]
"""Called with (pages copied, pages in all)."""


def write_copy(connection: apsw.Connection, target: Path, on_step: OnStep | None = None) -> None:
    """Copy the database of ``connection`` to ``target``, as of now; what is there already is replaced at the end.

    The copy is one file without a write-ahead log, readable by its owner alone, and on disk when this returns.

    Raises:
        StoreError: the disk is full, or the folder can't be written. Nothing is left behind then.
    """
    partial = target.with_name(f"{target.name}.part")
    try:
        _forget(partial)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        _copy_pages(connection, partial, on_step)
        partial.replace(target)
        sync_folder(target.parent)
    except (OSError, apsw.FullError, apsw.IOError, apsw.CantOpenError) as err:
        if isinstance(err, apsw.FullError) or (isinstance(err, OSError) and err.errno == errno.ENOSPC):
            raise StoreError(
                f"There is no room for a copy of the database in {target.parent}. Make room there."
            ) from err
        raise StoreError(f"{target} can't be written: {err}") from err
    except apsw.Error as err:
        raise StoreError(f"The database can't be read: {err}. tomed check says more.") from err
    finally:
        with suppress(OSError):
            _forget(partial)


def _copy_pages(connection: apsw.Connection, partial: Path, on_step: OnStep | None) -> None:
    """All pages, in one read transaction: a writer between two steps would make SQLite begin anew, perhaps for ever."""
    copy = apsw.Connection(str(partial))
    own = not connection.in_transaction
    try:
        if own:
            connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # the snapshot begins with the first read
        with copy.backup("main", connection, "main") as backup:
            while not backup.done:
                backup.step(PAGES_A_STEP)
                if on_step is not None:
                    on_step(backup.page_count - backup.remaining, backup.page_count)
        copy.pragma("journal_mode", "delete")  # the header says WAL, as the source does
    finally:
        if own and connection.in_transaction:
            connection.execute("ROLLBACK")
        copy.close()


def keep_newest(copies: list[Path], count: int) -> None:
    """Delete all but the last ``count`` of ``copies``, which stand in order, oldest first."""
    for old in copies[:-count]:
        with suppress(OSError):  # an old copy that stays is no reason to stop
            old.unlink()


def sync_folder(folder: Path) -> None:
    """Have what was renamed in ``folder`` on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _forget(partial: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)
