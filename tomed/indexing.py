"""Keeps the mirror true to Calibre: the task that knows when a library has to be read.

    indexer = Indexer(store, [LibrarySource(Path("/books"), "Calibre Library")], now_ms)
    await indexer.start()         # returns at once; the mirror serves what it has
    indexer.views()               # tuple[LibraryView, ...] in configured order: state, books, progress, problem
    await indexer.settled()       # until nothing is due (tests, command line)
    await indexer.stop()          # within a second or two

``Indexer(..., rule=KindRule(...), written=[f], on_changed=g)``: each ``f(connection, [(BookId, Entry)], now)`` runs
inside the transaction that wrote these books, for what is derived from them (names, fingerprints); ``g(view)`` is
called on the event loop after a library's state or books changed.

How a pass reads is in ``comparison.py``; here is when one is due.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from tomed.calibre.library import NEWEST_SCHEMA, Library, Stamp
from tomed.calibre.watch import POLL_S, Watch
from tomed.clock import Clock
from tomed.comparison import LARGE, WRITE, Pass, Stopped, reading_of, settle
from tomed.errors import LibraryMissing, StoreError, TomedError
from tomed.kinds import KindRule
from tomed.model import LibraryState, LibraryView
from tomed.store import mirror
from tomed.store.db import Store

__all__ = ["Indexer", "LibrarySource", "LibraryView"]

T = TypeVar("T")
log = logging.getLogger(__name__)

QUIET_S = 0.3
QUIET_MAX_S = 2.5
WAL_QUIET_S = 1.5
KEEP_OPEN_S = 60.0
"""How long after a change the file stays open. Later its time stamp tells enough, and the drive can be unplugged."""

SURE_AFTER_MS = 5_000
"""File times are coarse (2 s on FAT): a stamp younger than this may hide a later change."""


@dataclass(frozen=True, slots=True)
class LibrarySource:
    """A library that the owner configured: its folder and what it is called."""

    path: Path
    name: str


class _Shelf:
    """One configured library: its thread, its watch and what is known of it."""

    def __init__(self, source: LibrarySource, poll_s: float) -> None:
        self.source = source
        self.library = Library(source.path)
        self.watch = Watch(source.path, poll_s=poll_s)
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=f"tomed-index-{source.name}")
        self.writer = ThreadPoolExecutor(1, thread_name_prefix=f"tomed-mirror-{source.name}")
        self.stopping = threading.Event()
        self.row: mirror.LibraryRow | None = None
        self.state = LibraryState.INDEXING
        self.problem = ""
        self.progress: float | None = None
        self.books = 0
        self.stamp: Stamp | None = None
        self.version: tuple[int, int] | None = None
        self.due = True
        self.failed = False
        self.was_read = False
        self.changed_at = 0.0
        self.looks_begun = 0
        self.looks_done = 0
        self.looked = asyncio.Event()

    async def call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.thread, work)

    def view(self) -> LibraryView:
        row = self.row
        return LibraryView(
            self.source.name, str(self.source.path), row.uuid if row else None, self.state, self.books,
            row.indexed_at if row else None, self.progress, self.problem,
        )  # fmt: skip


class Indexer:
    """Watches the configured libraries and keeps their mirror; see the top of this module."""

    def __init__(
        self,
        store: Store,
        sources: Sequence[LibrarySource],
        clock: Clock,
        *,
        rule: KindRule | None = None,
        written: Sequence[mirror.Written] = (),
        on_changed: Callable[[LibraryView], None] | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rule = rule or KindRule()
        self._written = tuple(written)
        self._on_changed = on_changed
        self._sources = [LibrarySource(source.path.absolute(), source.name) for source in sources]
        self._poll_s = poll_s
        self._shelves: list[_Shelf] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._told: dict[Path, LibraryView] = {}
        self._retired = False

    def views(self) -> tuple[LibraryView, ...]:
        """The libraries in the order they were configured."""
        return tuple(shelf.view() for shelf in self._shelves)

    states = views

    @property
    def longest_read_s(self) -> float:
        """The longest time that any ``metadata.db`` was locked by us."""
        return max((shelf.library.longest_read_s for shelf in self._shelves), default=0.0)

    async def start(self) -> None:
        """Show what the mirror has and begin to watch. Needs a running event loop."""
        rows = {row.path: row for row in self._store.read(mirror.libraries)}
        for source in self._sources:
            shelf = _Shelf(source, self._poll_s)
            shelf.row = row = rows.get(str(source.path))
            if row is not None:
                shelf.books = self._store.read(partial(mirror.count_held, library_id=row.id))
                if row.indexed_at is not None:
                    shelf.state = LibraryState.READY
            self._shelves.append(shelf)
        for shelf in self._shelves:
            shelf.watch.start()
            self._tasks.append(asyncio.create_task(self._keep(shelf), name=f"index {shelf.source.name}"))

    async def stop(self) -> None:
        """End the tasks and close the files; a pass under way stops after its present batch."""
        for shelf in self._shelves:
            shelf.stopping.set()
            shelf.library.interrupt()
            await shelf.watch.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for shelf in self._shelves:
            await shelf.call(shelf.library.close)
            shelf.thread.shutdown(wait=True)
            shelf.writer.shutdown(wait=True)

    def poke(self) -> None:
        """Look at every library now and compare it whole, whatever its stamp says."""
        for shelf in self._shelves:
            shelf.due = True
            shelf.watch.poke()

    async def settled(self) -> None:
        """Return when every library has been looked at after this call and nothing is due."""
        while True:
            begun = [(shelf, shelf.looks_begun) for shelf in self._shelves]
            for shelf, before in begun:
                while shelf.looks_done <= before and not shelf.stopping.is_set():
                    if shelf.looks_begun == shelf.looks_done:
                        shelf.watch.poke()
                    await asyncio.sleep(0.01)
            if not any(shelf.due and not shelf.failed for shelf in self._shelves):
                return

    # -- one library's life -------------------------------------------------------------------

    async def _keep(self, shelf: _Shelf) -> None:
        # A book that two libraries hold is at home in the one that was configured first: so that one is read first.
        for earlier in self._shelves[: self._shelves.index(shelf)]:
            await earlier.looked.wait()
        while not shelf.stopping.is_set():
            shelf.looks_begun += 1
            try:
                await self._look(shelf)
            except Stopped:
                return
            except Exception:  # a fault of ours must not end the watch over the library
                log.exception("indexing %s failed", shelf.source.path)
                shelf.failed, shelf.problem = True, "Indexing failed unexpectedly; the log says why. It is tried again."
            self._tell(shelf)
            shelf.looks_done = shelf.looks_begun
            shelf.looked.set()
            await shelf.watch.wait()

    async def _look(self, shelf: _Shelf) -> None:
        try:
            if await shelf.call(lambda: self._is_due(shelf)):
                if shelf.was_read and shelf.stamp is not None:
                    await self._quiet(shelf)
                await self._read(shelf)
            if not self._retired and all(other.was_read for other in self._shelves):
                await self._retire(shelf)
        except StoreError as err:
            log.error("the mirror of %s can't be written: %s", shelf.source.path, err.message)  # noqa: TRY400
            shelf.failed, shelf.due, shelf.problem = True, True, err.message
        except TomedError as err:
            self._fail(shelf, err)

    def _is_due(self, shelf: _Shelf) -> bool:
        """In the shelf's thread: stat, then SQLite's counter while the file is kept open."""
        stamp = shelf.library.stamp()
        if not shelf.was_read and not shelf.failed and self._is_as_remembered(shelf, stamp):
            shelf.stamp, shelf.was_read, shelf.due = stamp, True, False
            return False
        if shelf.due or shelf.stamp is None or stamp != shelf.stamp:
            return True
        version = shelf.library.data_version()
        if version is not None and shelf.version is not None and version[0] == shelf.version[0]:
            if version != shelf.version:
                return True
            if time.monotonic() - shelf.changed_at > KEEP_OPEN_S:
                shelf.library.release()
        return False

    def _is_as_remembered(self, shelf: _Shelf, stamp: Stamp) -> bool:
        """Whether the last run of the daemon has read exactly this. A stamp that was fresh then proves nothing."""
        row = shelf.row
        if row is None or row.indexed_at is None or row.stamp != str(stamp) or row.reading != reading_of(self._rule):
            return False
        return row.indexed_at - stamp.changed_at_ns // 1_000_000 > SURE_AFTER_MS

    async def _quiet(self, shelf: _Shelf) -> None:
        """One edit is a burst of commits: wait for 300 ms without one, but not for ever."""
        give_up = time.monotonic() + QUIET_MAX_S
        while time.monotonic() < give_up and not shelf.stopping.is_set():
            if not await shelf.watch.wait(QUIET_S):
                break
        # Who closes a database in WAL mode while we read it leaves its log behind: let short programs finish first.
        give_up = time.monotonic() + 2 * WAL_QUIET_S
        while time.monotonic() < give_up and not shelf.stopping.is_set():
            wal = (await shelf.call(shelf.library.stamp)).wal
            if wal is None or time.time_ns() - wal[0] > WAL_QUIET_S * 1e9:
                return
            await shelf.watch.wait(QUIET_S)

    async def _read(self, shelf: _Shelf) -> None:
        loop = asyncio.get_running_loop()
        shelf.failed = False
        row = shelf.row = await shelf.call(lambda: self._register(shelf))
        if row.indexed_at is None:
            shelf.state, shelf.progress = LibraryState.INDEXING, 0.0
            self._tell(shelf)
        before = shelf.books

        def on_progress(progress: float, changed: int) -> None:
            loop.call_soon_threadsafe(self._progress, shelf, progress, changed, before)

        one = Pass(
            shelf.library,
            self._store,
            row,
            self._rule,
            self._clock,
            shelf.writer,
            self._written,
            on_progress,
            shelf.stopping,
        )
        shelf.due = False
        try:
            shelf.stamp = await shelf.call(one.run)
        except BaseException:
            shelf.due = True
            raise
        shelf.version = await shelf.call(shelf.library.data_version)
        shelf.changed_at = time.monotonic()
        shelf.was_read = True
        await self._recount(shelf, row)
        shelf.state, shelf.progress, shelf.problem = LibraryState.READY, None, shelf.library.remark
        for other in self._shelves:
            if other.row is not None and other.row.id in one.again:
                other.due = True
                other.watch.poke()

    def _register(self, shelf: _Shelf) -> mirror.LibraryRow:
        facts = shelf.library.facts()
        shelf.library.remark = (
            f"This library was written by a newer Calibre (schema {facts.schema}); tomed reads what it knows of it."
            if facts.schema > NEWEST_SCHEMA
            else ""
        )
        configured = [str(source.path) for source in self._sources]
        row = self._store.write_now(
            lambda c: mirror.register(c, str(shelf.source.path), shelf.source.name, facts.uuid, configured)
        )
        if shelf.row is not None and shelf.row.uuid != row.uuid:
            log.warning("the library %s has another uuid now: %s, was %s", row.path, row.uuid, shelf.row.uuid)
        return row

    async def _recount(self, shelf: _Shelf, row: mirror.LibraryRow) -> None:
        def count(connection: mirror.Connection) -> tuple[int, list[mirror.LibraryRow]]:
            return mirror.count_held(connection, row.id), mirror.libraries(connection)

        shelf.books, rows = await self._store.query(count)
        shelf.row = next(found for found in rows if found.id == row.id)

    async def _retire(self, shelf: _Shelf) -> None:
        """Libraries that are configured no more hold nothing: their books are gone unless another has them."""
        self._retired = True
        ours = {other.row.id for other in self._shelves if other.row is not None}
        strangers = [row.id for row in self._store.read(mirror.libraries) if row.id not in ours]

        def forget() -> None:
            for library_id in strangers:
                while books := self._store.write_now(partial(mirror.retire, library_id=library_id, limit=WRITE)):
                    settle(self._store, books, self._clock, set())

        await shelf.call(forget)

    def _progress(self, shelf: _Shelf, progress: float, changed: int, before: int) -> None:
        if shelf.row is not None and shelf.row.indexed_at is None:
            shelf.books = max(before, changed)
        if shelf.state is LibraryState.INDEXING or changed > LARGE:
            shelf.state, shelf.progress = LibraryState.INDEXING, progress
            self._tell(shelf)

    def _fail(self, shelf: _Shelf, err: TomedError) -> None:
        shelf.state = LibraryState.MISSING if isinstance(err, LibraryMissing) else LibraryState.LOCKED
        shelf.failed, shelf.due, shelf.progress = True, True, None
        if shelf.problem != err.message:
            log.warning("%s", err.message)
        shelf.problem = err.message

    def _tell(self, shelf: _Shelf) -> None:
        view = shelf.view()
        if self._on_changed is not None and self._told.get(shelf.source.path) != view:
            self._told[shelf.source.path] = view
            self._on_changed(view)
