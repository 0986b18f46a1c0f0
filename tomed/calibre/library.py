"""Short questions to a library that we do not own.

Each public method is one short read: it takes SQLite's shared lock, fetches everything, and lets go
before it returns. Calibre waits at most 10 s for a reader and a lock held over a title change
leaves its files in two folders, so ``HARD_STOP_S`` ends any read that takes too long.

* ``mode=ro``; base tables only; only columns that schema 25, 26 and 27 share.
* The connection follows the file: another inode (check library, restore) is opened anew.
* A database in WAL mode that nobody has open is read with ``immutable=1``, because SQLite would
  otherwise create ``-wal`` and ``-shm`` beside it; such a read counts only when nothing changed
  around it. A library in use is never read that way.

Methods raise LibraryMissing, LibraryLocked or LibraryUnreadable, each with a sentence for a person.
They block: call them in a thread. One thread at a time may use a ``Library``.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import apsw

from tomed.calibre import rows
from tomed.calibre.find import DATABASE
from tomed.errors import LibraryLocked, LibraryMissing, LibraryUnreadable, TomedError
from tomed.model import Entry

T = TypeVar("T")
log = logging.getLogger(__name__)

HARD_STOP_S = 0.8
"""No read holds its lock longer than about this."""
BUSY_S = 5.0
"""How long a read waits for a writer before it says that the library is locked."""
OLDEST_SCHEMA, NEWEST_SCHEMA = 25, 27

_BUSY_STEP_MS = 250
_PROGRESS_STEPS = 20_000
_READONLY_ROLLBACK = 776
_MAX_TRIES = 5


@dataclass(frozen=True, slots=True)
class Stamp:
    """What ``os.stat`` says of ``metadata.db`` and its ``-wal``; another stamp means another content."""

    device: int
    inode: int
    mtime_ns: int
    size: int
    wal: tuple[int, int] | None = None
    """(mtime_ns, size) of ``metadata.db-wal`` when that file is there."""

    def __str__(self) -> str:
        wal = f"{self.wal[0]}.{self.wal[1]}" if self.wal else "-"
        return f"{self.device}:{self.inode}:{self.mtime_ns}:{self.size}:{wal}"

    @property
    def changed_at_ns(self) -> int:
        """When the database or its log was last written."""
        return max(self.mtime_ns, self.wal[0] if self.wal else 0)


@dataclass(frozen=True, slots=True)
class Facts:
    """The library as a whole."""

    uuid: str | None
    schema: int
    books: int
    max_id: int
    custom_columns: tuple[rows.CustomColumn, ...]


class _TooLong(Exception):
    """The hard stop ended a read."""


class _Moved(Exception):
    """The file changed under a read that could not lock it."""


class Library:
    """A Calibre library folder, read in short steps. Opening is lazy; ``release`` closes the file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / DATABASE
        self.longest_read_s = 0.0
        """The longest time that a shared lock was held so far."""
        self.last_read_s = 0.0
        """The same of the last read."""
        self.remark = ""
        """A sentence about a library that can be read all the same."""
        self._connection: apsw.Connection | None = None
        self._opened: Stamp | None = None
        self._at_rest = False
        self._in_wal = False
        self._deadline = 0.0
        self._generation = 0
        self._mutex = threading.RLock()
        self._closing = threading.Event()

    # -- what can be asked --------------------------------------------------------------------

    def stamp(self) -> Stamp:
        """Two or three ``stat`` calls, no lock. Raises LibraryMissing."""
        try:
            found = self.database.stat()
        except OSError as err:
            raise _missing(self.folder) from err
        wal = None
        with suppress(OSError):
            of_wal = self._sibling("-wal").stat()
            wal = (of_wal.st_mtime_ns, of_wal.st_size)
        return Stamp(found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size, wal)

    def data_version(self) -> tuple[int, int] | None:
        """(which opening, SQLite's change counter): tells two commits within one tick of the file's clock apart.

        Only two answers of one opening can be compared. None when the file is not kept open.
        """
        with self._mutex:
            if self._connection is None or self._in_wal:
                return None
            try:
                if _is_wal(self._connection):  # since a moment: asking would make a -wal
                    return None
                return self._generation, int(self._connection.pragma("data_version"))
            except apsw.Error:
                self.release()
                return None

    def facts(self) -> Facts:
        """The library's uuid, schema, size and custom columns."""
        return self._read(_facts)

    def scan(self, after: int, limit: int) -> list[tuple[int, str, str]]:
        """(id, uuid, last_modified) of up to ``limit`` books with an id above ``after``, ascending."""
        return self._read(lambda connection: rows.scan(connection, after, limit))

    def changed_since(self, last_modified: str, limit: int) -> list[int]:
        """Ids of up to ``limit`` books touched after ``last_modified`` (Calibre's own text)."""
        return self._read(lambda connection: rows.changed_since(connection, last_modified, limit))

    def entries(self, ids: Sequence[int]) -> list[Entry]:
        """The books ``ids`` (ascending) as far as they are there, in one consistent read; see ``gather``."""
        return [entry for gathered in self.gather(ids) for entry in rows.entries(gathered)]

    def gather(self, ids: Sequence[int]) -> list[rows.Gathered]:
        """The rows of ``entries``, mostly of one read.

        A read that the hard stop ends is split; a book that is no valid text is left out and logged.
        """
        if not ids:
            return []
        try:
            return [self._read(lambda connection: rows.gather(connection, ids), retry=False)]
        except (_TooLong, UnicodeDecodeError) as err:
            if len(ids) == 1:
                log.warning("book %s of %s can't be read (%s); it is left out", ids[0], self.folder, err)
                return []
            middle = len(ids) // 2
            return [*self.gather(ids[:middle]), *self.gather(ids[middle:])]

    def release(self) -> None:
        """Close the file, so that the drive can be unplugged. The next question opens it again."""
        with self._mutex:
            connection, self._connection, self._opened = self._connection, None, None
            if connection is not None:
                with suppress(apsw.Error):
                    connection.close()

    def finish_pass(self) -> None:
        """Between passes: in WAL mode let go at once, so that its owner can fold the log back."""
        with self._mutex:
            if self._in_wal:
                self.release()

    def interrupt(self) -> None:
        """From any thread: a read that waits for a lock gives up soon, now and later."""
        self._closing.set()

    def close(self) -> None:
        """Let go for good."""
        self._closing.set()
        self.release()

    # -- how it is asked ----------------------------------------------------------------------

    def _read(self, work: Callable[[apsw.Connection], T], *, retry: bool = True) -> T:
        with self._mutex:
            for attempt in range(_MAX_TRIES):
                try:
                    return self._read_once(work)
                except _Moved:
                    self.release()
                except _TooLong:
                    if not retry or attempt > 1:
                        raise
                    time.sleep(0.05)
                except apsw.Error as err:
                    self.release()
                    raise self._translate(err) from err
            raise LibraryLocked(f"The library {self.folder} changes faster than it can be read. It is tried again.")

    def _read_once(self, work: Callable[[apsw.Connection], T]) -> T:
        before = self.stamp()
        connection = self._connect(before)
        self._begin(connection)
        started = time.monotonic()
        self._deadline = started + HARD_STOP_S
        try:
            result = work(connection)
        except apsw.InterruptError as err:
            raise _TooLong(f"longer than {HARD_STOP_S} s") from err
        finally:
            self._deadline = 0.0
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self.last_read_s = time.monotonic() - started
            self.longest_read_s = max(self.longest_read_s, self.last_read_s)
        if self._at_rest and self.stamp() != before:
            raise _Moved
        return result

    def _begin(self, connection: apsw.Connection) -> None:
        give_up = time.monotonic() + BUSY_S
        while True:
            connection.execute("BEGIN")
            try:
                rows.fetch(connection, "SELECT 1 FROM sqlite_master LIMIT 1")
            except apsw.Error as err:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                busy = isinstance(err, apsw.BusyError | apsw.LockedError)
                if busy and time.monotonic() < give_up and not self._closing.is_set():
                    continue
                raise
            return

    def _connect(self, stamp: Stamp) -> apsw.Connection:
        opened = self._opened
        if self._connection is not None and opened is not None:
            same_file = (opened.device, opened.inode) == (stamp.device, stamp.inode)
            same_log = (opened.wal is None) == (stamp.wal is None)
            same_mode = opened == stamp or (not self._at_rest and _is_wal(self._connection) == self._in_wal)
            if same_file and same_log and same_mode:
                return self._connection
            self.release()
        connection = self._open("mode=ro")
        self._in_wal = _is_wal(connection)
        self._at_rest = self._in_wal and self._nobody_has_it_open(stamp)
        if self._at_rest:
            connection.close()
            connection = self._open("mode=ro&immutable=1")
        self._connection, self._opened = connection, stamp
        self._generation += 1
        return connection

    def _open(self, options: str) -> apsw.Connection:
        uri = f"file:{quote(str(self.database.absolute()))}?{options}"
        connection = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        connection.set_busy_timeout(_BUSY_STEP_MS)
        connection.set_progress_handler(self._is_over, _PROGRESS_STEPS)
        connection.pragma("trusted_schema", 0)  # no other pragma here: most read the file, and that would make a -wal
        return connection

    def _is_over(self) -> bool:
        return self._deadline > 0 and time.monotonic() > self._deadline

    def _nobody_has_it_open(self, stamp: Stamp) -> bool:
        if self._sibling("-shm").exists():
            return False
        if stamp.wal is not None and stamp.wal[1] > 0:
            raise LibraryLocked(
                f"A program that had the library {self.folder} open ended without tidying up (metadata.db-wal is "
                "left). Open the library once in Calibre; until then the catalogue shows what was read last."
            )
        return True

    def _sibling(self, suffix: str) -> Path:
        return self.database.with_name(DATABASE + suffix)

    def _translate(self, err: apsw.Error) -> TomedError:
        code = getattr(err, "extendedresult", 0)
        if isinstance(err, apsw.BusyError | apsw.LockedError):
            return LibraryLocked(f"Another program is writing to the library {self.folder}. It is tried again.")
        if isinstance(err, apsw.ReadOnlyError) and code == _READONLY_ROLLBACK:
            return LibraryLocked(
                f"Calibre was interrupted while it changed the library {self.folder}. Open the library once in "
                "Calibre, which mends it; until then the catalogue shows what was read last."
            )
        if isinstance(err, apsw.ReadOnlyError):
            return LibraryLocked(
                f"The library {self.folder} is in write-ahead mode and its folder can't be written. "
                "Close the other program that uses it, or open the library once in Calibre."
            )
        if isinstance(err, apsw.CantOpenError | apsw.IOError):
            if not self.database.exists():
                return _missing(self.folder)
            return LibraryMissing(f"{self.database} can't be read ({err}). Check its rights and the drive it is on.")
        if isinstance(err, apsw.SQLError):
            return LibraryUnreadable(
                f"The library {self.folder} has another form than Calibre 6 to 9 give it ({err}). "
                "If Calibre is newer than this program, update tomed."
            )
        return LibraryUnreadable(
            f"{self.database} is damaged or no database ({err}). Use Calibre's Library maintenance, Check library."
        )


def _facts(connection: apsw.Connection) -> Facts:
    schema = int(connection.pragma("user_version"))
    if schema < OLDEST_SCHEMA:
        known = rows.fetch(connection, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'books'")
        raise LibraryUnreadable(
            f"The library was last used by an old Calibre (schema {schema}, {OLDEST_SCHEMA} is needed). "
            "Open it once with Calibre 6 or newer."
            if known
            else "This metadata.db holds no Calibre library."
        )
    uuids = rows.fetch(connection, "SELECT uuid FROM library_id ORDER BY id LIMIT 1")
    rows.gather(connection, [-1])  # prepares every statement: a column that is not there is found out here
    ((books, max_id),) = rows.fetch(connection, "SELECT count(*), coalesce(max(id), 0) FROM books")
    return Facts(str(uuids[0][0]) if uuids else None, schema, books, max_id, rows.custom_columns(connection))


def _is_wal(connection: apsw.Connection) -> bool:
    """What the file's header says, read without a lock and without SQLite acting on it."""
    header = connection.read("main", 0, 0, 100)[1]
    return len(header) >= 20 and 2 in header[18:20]


def _missing(folder: Path) -> LibraryMissing:
    return LibraryMissing(
        f"There is no metadata.db in {folder}. Is the drive plugged in and the folder where it was? "
        "Until it is back the catalogue shows what was read last."
    )
