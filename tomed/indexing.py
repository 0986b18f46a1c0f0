"""Keeps the mirror true to Calibre: one pass over a library, and the task that knows when one is due.

    indexer = Indexer(store, [LibrarySource(Path("/books"), "Calibre Library")], now_ms)
    await indexer.start()         # returns at once; the mirror serves what it has
    indexer.views()               # tuple[LibraryView, ...] in configured order: state, books, progress, problem
    await indexer.settled()       # until nothing is due (tests, command line)
    await indexer.stop()          # within a second or two

``Indexer(..., rule=KindRule(...), written=[f], on_changed=g)``: each ``f(connection, [(BookId, Entry)], now)`` runs
inside the transaction that wrote these books, for what is derived from them (names, fingerprints); ``g(view)`` is
called on the event loop after a library's state or books changed.

A pass reads Calibre in chunks, each a short lock of its own, and writes the sidecar in small batches between
which other writers have their turn. It compares (id, uuid, last_modified) of all books and reads only those that
differ. What was just edited is looked for first, so that it shows before the comparison is through.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from tomed import folding
from tomed.calibre.library import NEWEST_SCHEMA, Library, Stamp
from tomed.calibre.watch import POLL_S, Watch
from tomed.clock import Clock
from tomed.errors import LibraryMissing, StoreError, TomedError
from tomed.kinds import KindRule, kind_of
from tomed.model import BookId, LibraryId, LibraryState, LibraryView
from tomed.store import mirror
from tomed.store.db import Store

__all__ = ["Indexer", "LibrarySource", "LibraryView", "Pass"]

T = TypeVar("T")
log = logging.getLogger(__name__)

SCAN = 10_000
"""Books compared in one read of Calibre."""
READ = 500
"""Books read with all their parts in one lock."""
WRITE = 500
"""Books written in one transaction: others wait no longer than these take."""
WRITE_FIRST = 1_000
"""The same while a library is read for the first time."""
JUST_EDITED = 200
LARGE = 500
"""A pass that changes more than this shows as ``indexing``, with its progress."""

QUIET_S = 0.3
QUIET_MAX_S = 2.5
WAL_QUIET_S = 1.5
KEEP_OPEN_S = 60.0
"""How long after a change the file stays open. Later its time stamp tells enough, and the drive can be unplugged."""

SURE_AFTER_MS = 5_000
"""File times are coarse (2 s on FAT): a stamp younger than this may hide a later change."""

_VERSION = 1  # of this reading code: raise it when entries come to hold more


@dataclass(frozen=True, slots=True)
class LibrarySource:
    """A library that the owner configured: its folder and what it is called."""

    path: Path
    name: str


def reading_of(rule: KindRule) -> str:
    """How books are read; when it differs from what a library was read with, all its books are read again."""
    return f"{_VERSION}.{folding.VERSION}|{rule}"


class _Stopped(Exception):
    """The daemon ends; what is written is kept, the rest comes next time."""


@dataclass(slots=True)
class Pass:
    """One comparison of a library with its mirror. ``run`` blocks: call it in the library's own thread."""

    library: Library
    store: Store
    row: mirror.LibraryRow
    rule: KindRule
    now: Clock
    writer: Executor
    """A thread that waits for the sidecar while this one reads on."""
    written: Sequence[mirror.Written] = ()
    on_progress: Callable[[float, int], None] = lambda progress, changed: None
    """(0..1, books changed so far), called from the thread."""
    stopping: threading.Event = field(default_factory=threading.Event)
    changed: int = 0
    again: set[LibraryId] = field(default_factory=set)
    """Libraries that became a book's home and are due."""
    _unsettled: set[BookId] = field(default_factory=set)
    _everything: bool = False
    _writing: deque[Future[set[BookId]]] = field(default_factory=deque)
    _items: list[mirror.Item] = field(default_factory=list)
    _bulk: bool = False

    def run(self) -> Stamp:
        """Bring the mirror up to date. Answers what ``metadata.db`` looked like before the first read.

        Raises:
            LibraryMissing, LibraryLocked, LibraryUnreadable: what was written until then stays.
        """
        stamp = self.library.stamp()
        try:
            facts = self.library.facts()
            reading = reading_of(self.rule)
            self._everything = self.row.reading != reading
            if not self._everything:
                self._read_just_edited()
            self._compare(max(1, facts.books))
            self._settle()
            columns = [(c.label, c.name, c.datatype, c.is_multiple) for c in facts.custom_columns]

            def finish(connection: mirror.Connection) -> None:
                mirror.set_custom_columns(connection, self.row.id, columns)
                mirror.finish(connection, self.row.id, str(stamp), reading, self.now())

            self.store.write_now(finish)
        finally:
            self.library.finish_pass()
            self._end_bulk()
        return stamp

    def _read_just_edited(self) -> None:
        newest = self.store.read(lambda connection: mirror.newest(connection, self.row.id))
        if newest:
            self._bring(self.library.changed_since(newest, JUST_EDITED))
            self._flush()
            self._await_writes()

    def _compare(self, total: int) -> None:
        after, done = 0, 0
        while True:
            self._go_on()
            found = self.library.scan(after, SCAN)
            upto = found[-1][0] if len(found) == SCAN else None
            known = self.store.read(self._known(after, upto))
            if self._everything or found != known:
                held = {calibre_id: (uuid, modified) for calibre_id, uuid, modified in known}
                fresh = [book for book, uuid, modified in found if held.pop(book, None) != (uuid, modified)]
                if self._everything:
                    fresh = [book for book, _, _ in found]
                for chunk in _batches(fresh, READ):
                    self._bring(chunk)
                    self.on_progress(min(1.0, (done + _share(fresh, chunk) * len(found)) / total), self.changed)
                for lost in _batches(sorted(held), WRITE):
                    self._drop(lost)
            done += len(found)
            if upto is None:
                return
            after = upto

    def _known(self, after: int, upto: int | None) -> Callable[[mirror.Connection], list[tuple[int, str, str]]]:
        return lambda connection: mirror.known(connection, self.row.id, after, upto)

    def _bring(self, ids: Sequence[int]) -> None:
        """Read these books and write those that say something new."""
        self._go_on()
        if not ids:
            return
        entries = self.library.entries(ids)
        held = self.store.read(lambda connection: mirror.digests(connection, self.row.id, ids))
        items: list[mirror.Item] = []
        touched: list[tuple[int, str, int]] = []
        for entry in entries:
            kind = kind_of(entry, self.rule)
            mark = mirror.digest(entry, kind)
            if not self._everything and held.get(entry.calibre_id) == (entry.uuid, mark):
                touched.append((entry.calibre_id, entry.last_modified, entry.last_modified_at))
            else:
                items.append(mirror.Item(entry, kind, mark))
        self._items += items
        if len(self._items) >= (WRITE_FIRST if self.row.indexed_at is None else WRITE):
            self._flush()
        if touched:
            self.store.write_now(lambda connection: mirror.touch(connection, self.row.id, touched))

    def _flush(self) -> None:
        """One batch is written while the next is read; never more than one, or others would wait for all of them."""
        self._await_writes()
        batch, self._items = self._items, []
        if not batch:
            return
        self._go_on()
        self.changed += len(batch)
        if self.changed > LARGE and not self._bulk:
            self._bulk = True
            self.store.write_now(partial(mirror.tune, bulk=True))
        self._writing.append(self.writer.submit(self.store.write_now, partial(self._write, batch=batch)))

    def _await_writes(self) -> None:
        while self._writing:
            self._unsettled |= self._writing.popleft().result()

    def _end_bulk(self) -> None:
        for future in self._writing:
            wait((future,))
        self._writing.clear()
        if self._bulk:
            self.store.write_now(partial(mirror.tune, bulk=False))

    def _write(self, connection: mirror.Connection, batch: Sequence[mirror.Item]) -> set[BookId]:
        now = self.now()
        books, displaced = mirror.put(connection, self.row.id, batch, now)
        for derive in self.written:
            derive(connection, books, now)
        return displaced

    def _drop(self, calibre_ids: Sequence[int]) -> None:
        self._flush()
        self._await_writes()
        self._unsettled |= self.store.write_now(lambda c: mirror.drop(c, self.row.id, calibre_ids))
        self.changed += len(calibre_ids)

    def _settle(self) -> None:
        self._flush()
        self._await_writes()
        settle(self.store, self._unsettled, self.now, self.again)
        self._unsettled.clear()

    def _go_on(self) -> None:
        if self.stopping.is_set():
            raise _Stopped


def settle(store: Store, books: set[BookId], now: Clock, again: set[LibraryId]) -> None:
    """Books that lost a place find a new home or are marked gone, a batch at a time."""
    for batch in _batches(sorted(books), WRITE):
        again |= store.write_now(partial(mirror.settle, book_ids=batch, now=now()))


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
            except _Stopped:
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
        shelf.state, shelf.progress, shelf.problem = LibraryState.READY, None, shelf.library.remark
        await self._recount(shelf, row)
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


def _share(whole: Sequence[int], chunk: Sequence[int]) -> float:
    """How far through ``whole`` (ascending) one is after ``chunk``."""
    return (chunk[-1] - whole[0] + 1) / (whole[-1] - whole[0] + 1)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
