"""One pass over a library: compares it with its mirror, and reads and writes what differs.

A pass reads Calibre in chunks, each a short lock of its own, and writes the sidecar in small batches between
which other writers have their turn. It compares (id, uuid, last_modified) of all books and reads only those that
differ. What was just edited is looked for first, so that it shows before the comparison is through.

How much is read in one lock follows how long the last one took: on a busy machine, or a slow disk, Calibre waits no
longer than on a quick one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from tomed import folding
from tomed.calibre import rows
from tomed.calibre.library import Library, Stamp
from tomed.clock import Clock
from tomed.kinds import KindRule, kind_of
from tomed.model import BookId, Entry, LibraryId
from tomed.preparing import Preparation, Prepared
from tomed.store import mirror
from tomed.store.db import Store

T = TypeVar("T")

SCAN, SCAN_LEAST = 3_000, 500
"""Books compared in one read of Calibre: at most, and on the slowest machine."""
READ, READ_LEAST = 250, 25
"""Books read with all their parts in one lock, likewise."""
WRITE = 500
"""Books written in one transaction: others wait no longer than these take."""
WRITE_FIRST = 1_000
"""The same while a library is read for the first time."""
AHEAD = 2
"""Reads that are prepared while the next is made."""
PILE = 30_000
"""Derived rows kept back while a library is read for the first time: sorted, they lie side by side in their index."""
SLICE = 4_000
"""Of these so many in one transaction."""
JUST_EDITED = 200
LARGE = 500
"""A pass that changes more than this shows as ``indexing``, with its progress."""

LOCK_S = 0.1
"""How long one read should lock Calibre out at most; one that took longer makes the next one smaller."""

_VERSION = 1  # of this reading code: raise it when entries come to hold more


class Stopped(Exception):
    """The daemon ends; what is written is kept, the rest comes next time."""


@dataclass(slots=True)
class Stride:
    """How many books the next read takes: half as many after a long one, more again after short ones."""

    most: int
    least: int
    size: int = 0

    def __post_init__(self) -> None:
        self.size = self.most

    def took(self, seconds: float) -> None:
        """The last read held its lock so long."""
        if seconds > LOCK_S:
            self.size = max(self.least, self.size // 2)
        elif seconds < LOCK_S / 4:
            self.size = min(self.most, self.size * 2)


def reading_of(rule: KindRule) -> str:
    """How books are read; when it differs from what a library was read with, all its books are read again."""
    return f"{_VERSION}.{folding.VERSION}|{rule}"


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
    _touched: list[tuple[int, str, int]] = field(default_factory=list)
    _preparation: Preparation | None = None
    _pending: deque[Callable[[], Prepared]] = field(default_factory=deque)
    _later: list[mirror.Derived] = field(default_factory=list)
    _derived: list[list[mirror.DerivedRow]] = field(default_factory=list)
    _piles: dict[mirror.Derived, list[mirror.DerivedRow]] = field(default_factory=dict)
    _bulk: bool = False
    _scan: Stride = field(default_factory=lambda: Stride(SCAN, SCAN_LEAST))
    _read: Stride = field(default_factory=lambda: Stride(READ, READ_LEAST))

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
            if self._everything:
                # Until a library was read once to its end, an interrupted pass begins anew and writes every book again:
                # only then may what is derived come later than its book, and so in the order of its own index.
                self._later = [one for one in self.written if isinstance(one, mirror.Derived)]
                self._derived = [[] for _ in self._later]
                self._preparation = Preparation(self.rule, [one.rows for one in self._later], facts.books)
            else:
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
            if self._preparation is not None:
                self._preparation.close()
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
            size = self._scan.size
            found = self.library.scan(after, size)
            self._scan.took(self.library.last_read_s)
            upto = found[-1][0] if len(found) == size else None
            known = self.store.read(self._known(after, upto))
            if self._everything or found != known:
                held = {calibre_id: (uuid, modified) for calibre_id, uuid, modified in known}
                fresh = [book for book, uuid, modified in found if held.pop(book, None) != (uuid, modified)]
                if self._everything:
                    fresh = [book for book, _, _ in found]
                for chunk in _strides(fresh, self._read):
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
        gathered = self.library.gather(ids)
        self._read.took(self.library.last_read_s)
        if self._preparation is not None:
            self._pending += map(self._preparation.submit, gathered)
            self._take(AHEAD)
            return
        entries = [entry for one in gathered for entry in rows.entries(one)]
        held = self.store.read(lambda connection: mirror.digests(connection, self.row.id, ids))
        items: list[mirror.Item] = []
        touched: list[tuple[int, str, int]] = []
        for entry in entries:
            kind = kind_of(entry, self.rule)
            mark = mirror.digest(entry, kind)
            if held.get(entry.calibre_id) == (entry.uuid, mark):
                touched.append((entry.calibre_id, entry.last_modified, entry.last_modified_at))
            else:
                items.append(mirror.Item(entry, kind, mark))
        self._collect(items)
        self._touched += touched
        if len(self._touched) >= WRITE:
            self._flush_touched()

    def _take(self, ahead: int = 0) -> None:
        """What is prepared goes on its way, but for the last ``ahead`` reads."""
        while len(self._pending) > ahead:
            prepared = self._pending.popleft()()
            for pile, found in zip(self._derived, prepared.derived, strict=True):
                pile += found
            self._collect(prepared.items)

    def _collect(self, items: Sequence[mirror.Item]) -> None:
        self._items += items
        if len(self._items) >= (WRITE_FIRST if self.row.indexed_at is None else WRITE):
            self._begin_write()

    def _flush(self) -> None:
        """Everything that was read goes to the writer."""
        self._take()
        self._begin_write()

    def _begin_write(self) -> None:
        """One batch is written while the next is read; never more than one, or others would wait for all of them."""
        self._await_writes()
        batch, self._items = self._items, []
        derived, self._derived = self._derived, [[] for _ in self._derived]
        if not batch:
            return
        self._go_on()
        self.changed += len(batch)
        if self.changed > LARGE and not self._bulk:
            self._bulk = True
            self.store.write_now(partial(mirror.tune, bulk=True))
        self._writing.append(self.writer.submit(self._write, batch, derived))

    def _flush_touched(self) -> None:
        touched, self._touched = self._touched, []
        if touched:
            self.store.write_now(lambda connection: mirror.touch(connection, self.row.id, touched))

    def _await_writes(self) -> None:
        while self._writing:
            self._unsettled |= self._writing.popleft().result()

    def _end_bulk(self) -> None:
        for future in self._writing:
            wait((future,))
        self._writing.clear()
        if self._bulk:
            self.store.write_now(partial(mirror.tune, bulk=False))

    def _write(self, batch: Sequence[mirror.Item], derived: Sequence[list[mirror.DerivedRow]]) -> set[BookId]:
        """In the writer's thread: the books, and what is derived from them."""

        def write(connection: mirror.Connection) -> tuple[list[tuple[BookId, Entry]], set[BookId]]:
            now = self.now()
            books, displaced = mirror.put(connection, self.row.id, batch, now)
            for derive in self.written:
                if derive not in self._later:
                    derive(connection, books, now)
            return books, displaced

        books, displaced = self.store.write_now(write)
        ids = {entry.calibre_id: book_id for book_id, entry in books}
        for one, found in zip(self._later, derived, strict=True):
            pile = self._piles.setdefault(one, [])
            pile += one.placed(found, ids)
            if len(pile) >= PILE:
                self._clear(one)
        return displaced

    def _clear(self, derived: mirror.Derived) -> None:
        """Write the pile in the order of its index: by and by each page is touched once, not once a batch."""
        rows = sorted(self._piles.pop(derived))
        for part in _batches(rows, SLICE):
            self._go_on()

            def write(connection: mirror.Connection, part: Sequence[mirror.DerivedRow] = part) -> None:
                derived.write(connection, part)

            self.store.write_now(write)

    def _clear_all(self) -> None:
        for derived in list(self._piles):
            self._clear(derived)

    def _drop(self, calibre_ids: Sequence[int]) -> None:
        self._flush()
        self._await_writes()
        self._unsettled |= self.store.write_now(lambda c: mirror.drop(c, self.row.id, calibre_ids))
        self.changed += len(calibre_ids)

    def _settle(self) -> None:
        self._flush()
        self._await_writes()
        self._clear_all()
        self._flush_touched()
        settle(self.store, self._unsettled, self.now, self.again)
        self._unsettled.clear()

    def _go_on(self) -> None:
        if self.stopping.is_set():
            raise Stopped


def settle(store: Store, books: set[BookId], now: Clock, again: set[LibraryId]) -> None:
    """Books that lost a place find a new home or are marked gone, a batch at a time."""
    for batch in _batches(sorted(books), WRITE):
        again |= store.write_now(partial(mirror.settle, book_ids=batch, now=now()))


def _share(whole: Sequence[int], chunk: Sequence[int]) -> float:
    """How far through ``whole`` (ascending) one is after ``chunk``."""
    return (chunk[-1] - whole[0] + 1) / (whole[-1] - whole[0] + 1)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _strides(items: Sequence[T], stride: Stride) -> Iterator[Sequence[T]]:
    start = 0
    while start < len(items):
        size = stride.size
        yield items[start : start + size]
        start += size
