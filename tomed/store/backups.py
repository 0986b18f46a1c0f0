"""Backups of the sidecar: made beside a running daemon, examined, and put back in its place."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import apsw

from tomed.clock import format_compact
from tomed.errors import Conflict, Invalid, NotFound, StoreError
from tomed.store.copies import OnStep, sync_folder, write_copy
from tomed.store.db import connect
from tomed.store.migrations import available

_OURS = {"users", "tokens", "receipts", "positions", "sessions"}
"""Tables that every sidecar has had since the first migration."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a sound database holds: its schema (number of the last migration) and how many rows of what counts."""

    schema: int
    people: int
    positions: int
    sessions: int


def back_up(database: Path, target: Path, *, replace: bool = False, on_step: OnStep | None = None) -> Contents:
    """Copy ``database``, which a daemon may be writing, to the file ``target``, and examine the copy.

    Every event that was acknowledged before the call is in it.

    Raises:
        NotFound: there is no database yet; Conflict: ``target`` is there and ``replace`` is off;
        StoreError: it can't be read or written, or the copy is not sound. ``target`` is then as it was before.
    """
    if not database.is_file():
        raise NotFound(f"There is no database at {database} yet: nothing to back up.")
    if target.exists() and (not replace or target.samefile(database)):
        raise Conflict(f"{target} is there already. Choose another name, or say --replace.")
    made = target.with_name(f"{target.name}.new")
    try:
        source = _open_for_reading(database)
    except Invalid as err:
        raise StoreError(err.message) from err
    try:
        write_copy(source, made, on_step)
        contents = _examined(made, database)
        made.replace(target)
        sync_folder(target.parent)
    except OSError as err:
        raise StoreError(f"{target} can't be written: {err}") from err
    finally:
        source.close()
        with suppress(OSError):
            made.unlink(missing_ok=True)
    return contents


def _examined(copy: Path, database: Path) -> Contents:
    try:
        return examine(copy)
    except Invalid as err:
        raise StoreError(f"{database} is damaged, so no backup was made. Restore an older one.") from err


def examine(path: Path) -> Contents:
    """Read all of a database, and say what it holds.

    Raises:
        NotFound: no such file; Invalid: no database of tomed's, or damaged; StoreError: newer than this program.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    connection = _open_for_reading(path)
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if not tables >= _OURS:
            raise Invalid(f"{path} is no database of tomed's.")
        schema, newest = connection.pragma("user_version"), available()[-1][0]
        if schema > newest:
            raise StoreError(
                f"{path} was written by a newer tomed (schema {schema}, this one knows {newest}). "
                "Install that version, then try again."
            )
        fault = connection.execute("PRAGMA integrity_check(1)").get
        if fault != "ok":
            raise Invalid(f"{path} is damaged ({fault}).")
        counts = [connection.execute(f"SELECT count(*) FROM {name}").get for name in ("users", "positions", "sessions")]
    except (apsw.NotADBError, apsw.CorruptError) as err:
        raise Invalid(f"{path} is damaged, or no database at all ({err}).") from err
    except apsw.Error as err:
        raise StoreError(f"{path} can't be read: {err}") from err
    finally:
        connection.close()
    return Contents(schema, *counts)


def restore(file: Path, database: Path, now: int, on_step: OnStep | None = None) -> tuple[Contents, Path | None]:
    """Put a backup in the place of ``database``. The caller holds the data folder (``only_one``).

    Args:
        now: ms since the epoch, for the name of what is replaced.

    Returns:
        What the backup holds, and where the replaced database is kept (None: there was none).

    Raises:
        NotFound, Invalid, StoreError: as ``examine``, or it can't be written. The database is then as it was before.
    """
    if database.exists() and file.exists() and file.samefile(database):
        raise Conflict(f"{file} is the database itself.")
    contents = examine(file)
    restored = database.with_name(f"{database.name}.restored")
    source = _open_for_reading(file)
    try:
        write_copy(source, restored, on_step)
    finally:
        source.close()
    try:
        kept = _keep_aside(database, database.with_name(f"{database.name}.replaced-{format_compact(now)}"))
        restored.replace(database)
        sync_folder(database.parent)
    except OSError as err:
        raise StoreError(f"{database} can't be replaced: {err}") from err
    finally:
        restored.unlink(missing_ok=True)
    return contents, kept


def _keep_aside(database: Path, aside: Path) -> Path | None:
    """A second name for ``database``, which stays in its place until it is replaced in one step.

    A log that is left over would be taken for the new file's own: it is folded in, or goes aside with its database.
    """
    if not database.exists():
        _log_of(database, "-wal").unlink(missing_ok=True)
        _log_of(database, "-shm").unlink(missing_ok=True)
        return None
    with suppress(apsw.Error, StoreError):  # a damaged database can't be folded; it goes aside as it is
        connection = connect(database)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()
    try:
        os.link(database, aside)
    except OSError:  # a file system without links
        shutil.copy2(database, aside)
    if _log_of(database, "-wal").exists():
        _log_of(database, "-wal").rename(_log_of(aside, "-wal"))
    _log_of(database, "-shm").unlink(missing_ok=True)
    sync_folder(database.parent)
    return aside


def _log_of(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)


def _open_for_reading(path: Path) -> apsw.Connection:
    try:
        return _opened(path)
    except (apsw.NotADBError, apsw.CorruptError) as err:
        raise Invalid(f"{path} is damaged, or no database at all ({err}).") from err
    except apsw.Error as err:
        raise StoreError(f"{path} can't be read: {err}") from err


def _opened(path: Path) -> apsw.Connection:
    try:
        connection = connect(path, readonly=True)
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.IOError):
        log = _log_of(path, "-wal")
        if log.exists() and log.stat().st_size:
            raise
        # A folder that can't be written (a disk that failed, a snapshot) and no log: nobody can be writing it.
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        return apsw.Connection(f"file:{quote(str(path.absolute()))}?immutable=1", flags=flags)
    return connection
