"""The sidecar database: one file, one writer with group commit, readers that never wait.

An answer of success may be sent once ``write`` has returned: the transaction, and with it every
other job of its group, is then on disk (WAL, ``synchronous=FULL``).

SQL lives in the module of its noun as functions ``f(connection, ...)``; this module only hands
them a connection. What is a few indexed look-ups or inserts runs where it is called (``read``,
``write``): a hop to another thread costs more than the SQL, and a thread that runs many short
statements fights the event loop for Python's lock at each of them. Only the commit, which waits
for the disk, is handed to a thread; what comes in meanwhile shares the next one. Whatever may
touch many rows goes through ``query`` and ``write_long``.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import apsw

from tomed.errors import StoreError
from tomed.store.migrations import migrate

T = TypeVar("T")
Work = Callable[[apsw.Connection], T]
_Job = tuple[Callable[[apsw.Connection], Any], "asyncio.Future[Any]"]

GROUP_MAX = 64
"""Jobs in one transaction at most, so that the first of them does not wait long for its commit."""

BUSY_TIMEOUT_MS = 5_000

CACHE_KIB = 2_048
"""Pages that one connection keeps. The system keeps the file's pages too, once for all of the five connections."""

RECALLED_MAX = 2_000
"""Results that ``recall`` holds; then it begins anew."""


def connect(path: Path | str, *, readonly: bool = False) -> apsw.Connection:
    """Open the sidecar with its pragmas. Each statement alone: apsw stops at the first that yields a row."""
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags | apsw.SQLITE_OPEN_NOMUTEX)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    # Without this SQLite plans a statement anew for each set of bound values: most of the time of a short look-up.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    if not readonly:
        mode = connection.pragma("journal_mode", "wal")
        if mode != "wal":
            raise StoreError(f"The data folder does not allow SQLite's write-ahead log (it answered {mode!r}).")
    connection.pragma("synchronous", 2)
    connection.pragma("foreign_keys", 1)
    connection.pragma("temp_store", 2)
    connection.pragma("cache_size", -CACHE_KIB)
    return connection


@contextmanager
def transaction(connection: apsw.Connection, kind: str = "IMMEDIATE") -> Iterator[apsw.Connection]:
    """One transaction: commits at the end, rolls back when an exception leaves the block."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class Store:
    """The open sidecar. Create it with ``Store.open`` and close it with ``close``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = connect(path, readonly=True)
        self._reader_thread = threading.get_ident()
        self._recalled: dict[Hashable, Any] = {}
        self._recalled_version = 0
        self._trusted: dict[Hashable, Any] = {}
        self._trusted_mark = -1
        self._local = threading.local()
        self._pooled_connections: list[apsw.Connection] = []
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="tomed-query")
        self._writer = _Writer(path)

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open or create the sidecar at ``path`` and bring its schema up to date.

        Raises:
            StoreError: the folder can't be written, or the schema is newer than this program.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = connect(path)
            try:
                migrate(connection, path)
            finally:
                connection.close()
            return cls(path)
        except (OSError, apsw.Error) as err:
            raise StoreError(f"The database {path} can't be opened for writing: {err}") from err

    def read(self, work: Work[T]) -> T:
        """Run a short read at once, in one consistent snapshot. Only for a handful of indexed look-ups."""
        if threading.get_ident() != self._reader_thread:
            return self._pooled(work)
        return _snapshot(self._reader, work)

    def look(self, work: Work[T]) -> T:
        """``read`` for one single statement, which is a snapshot by itself."""
        return work(self._reader) if threading.get_ident() == self._reader_thread else self._pooled(work)

    def recall(self, key: Hashable, work: Work[T]) -> T:
        """``read``, with the result remembered under ``key`` until anybody writes anything to the database.

        For what is asked again and again between two writes: which book a file is.
        """
        version = self._reader.execute("PRAGMA data_version").get
        if version != self._recalled_version or len(self._recalled) >= RECALLED_MAX:
            self._recalled, self._recalled_version = {}, version
        if key not in self._recalled:
            self._recalled[key] = self.read(work)
        found: T = self._recalled[key]
        return found

    def trust(self, key: Hashable, work: Work[T]) -> T:
        """``recall`` for who holds a token: remembered until anybody, another process too, writes a token or a user.

        Devices write positions all day; the schema's triggers tell those writes apart (``credentials_mark``).
        """
        mark = self._reader.execute("SELECT mark FROM credentials_mark").get
        if mark != self._trusted_mark or len(self._trusted) >= RECALLED_MAX:
            self._trusted, self._trusted_mark = {}, mark
        if key not in self._trusted:
            self._trusted[key] = self.read(work)
        found: T = self._trusted[key]
        return found

    async def query(self, work: Work[T]) -> T:
        """Run a read that may walk many rows in a thread of its own; the event loop goes on."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._pooled, work)

    def _pooled(self, work: Work[T]) -> T:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self.path, readonly=True)
            self._pooled_connections.append(connection)
        return _snapshot(connection, work)

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in the next transaction; returns after its commit. For a handful of short statements.

        ``work`` is rolled back alone when it raises; the others of its group are not touched.

        Raises:
            StoreError: the commit failed (disk full, folder read-only). Nothing of the group is kept.
        """
        return await self._writer.submit(work)

    async def write_long(self, work: Work[T]) -> T:
        """``write`` for work that touches many rows: a transaction of its own, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._writer.run, work)

    def write_now(self, work: Work[T]) -> T:
        """``write_long`` for callers without an event loop (command line, a thread that indexes)."""
        return self._writer.run(work)

    async def settle(self) -> None:
        """Wait until everything that was given to ``write`` is on disk."""
        await self._writer.settle()

    def close(self) -> None:
        """Close every connection. What waits in ``write`` is lost to its caller: ``settle`` first."""
        self._pool.shutdown(wait=True)
        self._reader.close()
        for connection in self._pooled_connections:
            connection.close()
        self._writer.close()  # the last, for only one that may write folds the log in


def _snapshot(connection: apsw.Connection, work: Work[T]) -> T:
    if connection.in_transaction:  # a read inside a read shares its snapshot
        return work(connection)
    with transaction(connection, "DEFERRED"):
        return work(connection)


class _Writer:
    """The one connection that writes, and whose turn it is: a group of short jobs, or one long job."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._turn = threading.Lock()
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tomed-commit")
        self._waiting: deque[_Job] = deque()
        self._flushing: asyncio.Task[None] | None = None

    def run(self, work: Work[T]) -> T:
        """One job in a transaction of its own, in the calling thread.

        Raises:
            RuntimeError: called on an event loop, which it could stop for good: a group holds the turn across an await.
        """
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("write_now on an event loop: await write or write_long")
        with self._turn:
            try:
                with transaction(self._connection):
                    return work(self._connection)
            except DISK_ERRORS as err:
                raise _unwritten(err) from err

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Queue a short job for the next group; its future is done after the commit."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append((work, future))
        if self._flushing is None or self._flushing.done():
            self._flushing = loop.create_task(self._flush())
        return future

    async def settle(self) -> None:
        while self._flushing is not None and not self._flushing.done():
            await asyncio.shield(self._flushing)

    def close(self) -> None:
        self._disk.shutdown(wait=True)
        self._connection.close()

    async def _flush(self) -> None:
        while self._waiting:
            await self._take_turn()
            group = [self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))]
            try:
                outcomes = await self._commit(group)
            except Exception as err:
                error = _unwritten(err)
                outcomes = [(future, None, error) for _, future in group]
            finally:
                self._turn.release()
            for future, result, failure in outcomes:
                if future.done():  # its caller went away; the job is done all the same
                    continue
                if failure is None:
                    future.set_result(result)
                else:
                    future.set_exception(failure)

    async def _take_turn(self) -> None:
        if not self._turn.acquire(blocking=False):
            await self._on_disk(self._turn.acquire)

    async def _commit(self, group: list[_Job]) -> list[tuple[asyncio.Future[Any], Any, BaseException | None]]:
        await self._begin()
        try:
            run = self._run_alone if len(group) == 1 else self._run_job
            outcomes = [run(work, future) for work, future in group]
            if self._connection.in_transaction:
                await self._on_disk(self._connection.execute, "COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return outcomes

    async def _begin(self) -> None:
        self._connection.set_busy_timeout(0)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:  # another process (the command line) writes: wait for it off the event loop
            self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            await self._on_disk(self._connection.execute, "BEGIN IMMEDIATE")
        finally:
            self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)

    def _run_alone(
        self, work: Work[Any], future: asyncio.Future[Any]
    ) -> tuple[asyncio.Future[Any], Any, BaseException | None]:
        """The one job of its transaction: its failure undoes that, and no savepoint is needed."""
        try:
            return future, work(self._connection), None
        except DISK_ERRORS:
            raise
        except Exception as err:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return future, None, err

    def _run_job(
        self, work: Work[Any], future: asyncio.Future[Any]
    ) -> tuple[asyncio.Future[Any], Any, BaseException | None]:
        try:
            with self._connection:  # a savepoint: this job's failure undoes this job alone
                result = work(self._connection)
        except DISK_ERRORS:
            raise
        except Exception as err:
            return future, None, err
        return future, result, None

    async def _on_disk(self, call: Callable[..., Any], *arguments: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(self._disk, call, *arguments)


DISK_ERRORS = (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CorruptError, apsw.CantOpenError, apsw.BusyError)
"""What fails a whole transaction, and not the job that happened to meet it."""


def _unwritten(err: Exception) -> StoreError:
    error = StoreError(f"The database could not be written: {err}")
    error.__cause__ = err
    return error
