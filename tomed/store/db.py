"""The sidecar database: one file, one writer with group commit, readers that never wait.

An answer of success may be sent once ``write`` has returned: the transaction, and with it every
other job of its group, is then on disk (WAL, ``synchronous=FULL``).

SQL lives in the module of its noun as functions ``f(connection, ...)``; this module only hands
them a connection. A read that is a few indexed look-ups runs where it is called (``read``),
because a hop to another thread costs more than the look-up; anything that may walk many rows
goes through ``query``.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import apsw

from tomed.errors import StoreError
from tomed.store.migrations import migrate

T = TypeVar("T")
Work = Callable[[apsw.Connection], T]
_Job = tuple[Callable[[apsw.Connection], Any], Future[Any]]

GROUP_MAX = 256
"""Jobs in one transaction at most, so that the first of them does not wait long for its commit."""

BUSY_TIMEOUT_MS = 5_000


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
    connection.pragma("cache_size", -8192)
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
        self._local = threading.local()
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

    async def query(self, work: Work[T]) -> T:
        """Run a read that may walk many rows in a thread of its own; the event loop goes on."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._pooled, work)

    def _pooled(self, work: Work[T]) -> T:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self.path, readonly=True)
        return _snapshot(connection, work)

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in the writer's next transaction; returns after its commit.

        ``work`` is rolled back alone when it raises; the others of its group are not touched.

        Raises:
            StoreError: the commit failed (disk full, folder read-only). Nothing of the group is kept.
        """
        return await asyncio.wrap_future(self._writer.submit(work))

    def write_now(self, work: Work[T]) -> T:
        """``write`` for callers without an event loop (command line, indexing thread)."""
        return self._writer.submit(work).result()

    def close(self) -> None:
        """Commit what is queued, then close every connection. Calling it twice is harmless."""
        self._writer.close()
        self._pool.shutdown(wait=True)
        self._reader.close()


def _snapshot(connection: apsw.Connection, work: Work[T]) -> T:
    if connection.in_transaction:  # a read inside a read shares its snapshot
        return work(connection)
    with transaction(connection, "DEFERRED"):
        return work(connection)


class _Writer:
    """The one thread that writes. Jobs that wait while a commit is on its way share the next one."""

    def __init__(self, path: Path) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._path = path
        self._thread = threading.Thread(target=self._run, name="tomed-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise StoreError("The database is closed.")
            self._jobs.put((work, future))
        return future

    def close(self) -> None:
        with self._lock:
            already, self._closed = self._closed, True
        if not already:
            self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        connection = connect(self._path)
        try:
            last = False
            while not last:
                group, last = self._next_group()
                if group:
                    self._commit(connection, group)
        finally:
            connection.close()

    def _next_group(self) -> tuple[list[_Job], bool]:
        job = self._jobs.get()
        group: list[_Job] = []
        while job is not None:
            if job[1].set_running_or_notify_cancel():
                group.append(job)
            if len(group) >= GROUP_MAX:
                return group, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    @staticmethod
    def _commit(connection: apsw.Connection, group: list[_Job]) -> None:
        done: list[tuple[Future[Any], object]] = []
        failed: list[tuple[Future[Any], BaseException]] = []
        try:
            with transaction(connection):
                for work, future in group:
                    try:
                        with connection:  # a savepoint: this job's failure undoes this job alone
                            done.append((future, work(connection)))
                    except (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CorruptError):
                        raise
                    except Exception as err:
                        failed.append((future, err))
        except Exception as err:
            cause = StoreError(f"The database could not be written: {err}")
            cause.__cause__ = err
            for _, future in group:
                future.set_exception(cause)
            return
        for future, result in done:
            future.set_result(result)
        for future, error in failed:
            future.set_exception(error)
