"""Makes of Calibre's rows all that can be made before a book has an id here: entries, digests, keys, words, names.

That is half of a first index and needs no database, so a process of its own does it for a large library, while this
one reads and writes: Python's threads would only take turns. Where there is one processor, few books, or where the
child is lost (no memory for it), it is done here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import msgspec

from tomed.calibre import rows
from tomed.children import SPAWN, settle_in
from tomed.kinds import KindRule, kind_of
from tomed.model import BookId, Entry
from tomed.store import mirror

MANY = 5_000
"""A library of fewer books is read sooner than a process is started."""

Derive = Callable[[Sequence[tuple[BookId, Entry]]], list[mirror.DerivedRow]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Books of one read. ``derived``: rows by rule of derivation; Calibre's id stands where the book's id belongs."""

    items: list[mirror.Item]
    derived: list[list[tuple[Any, ...]]]


def prepare(gathered: rows.Gathered, rule: KindRule, derive: Sequence[Derive]) -> Prepared:
    """Everything that ``mirror.put`` and the rules of derivation need of these books."""
    items = []
    for entry in rows.entries(gathered):
        kind = kind_of(entry, rule)
        items.append(mirror.Item(entry, kind, mirror.digest(entry, kind), mirror.texts(entry)))
    numbered = [(BookId(item.entry.calibre_id), item.entry) for item in items]
    return Prepared(items, [of(numbered) for of in derive])


class Preparation:
    """Prepares reads in the order in which they are submitted; one object a pass."""

    def __init__(self, rule: KindRule, derive: Sequence[Derive], books: int) -> None:
        self._rule = rule
        self._derive = tuple(derive)
        self._pool: ProcessPoolExecutor | None = None
        if books >= MANY and processors() > 1:
            told = (rule.column, dict(rule.tags), self._derive)
            self._pool = ProcessPoolExecutor(1, mp_context=SPAWN, initializer=_begin, initargs=told)

    def submit(self, gathered: rows.Gathered) -> Callable[[], Prepared]:
        """Begin; call what is answered for the result."""
        pool = self._pool
        try:
            pending = pool.submit(_prepare, gathered) if pool else None
        except (BrokenProcessPool, OSError):  # OSError: no process can be started
            pending = None

        def result() -> Prepared:
            if pending is not None:
                try:
                    return _decoder.decode(pending.result())
                except BrokenProcessPool:
                    self.close()
            return prepare(gathered, self._rule, self._derive)

        return result

    def close(self) -> None:
        """End the process."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# msgspec, because pickling a frozen dataclass calls Python for each.
_decoder = msgspec.msgpack.Decoder(Prepared)
_told: tuple[KindRule, tuple[Derive, ...]] = (KindRule(), ())


def _begin(column: str, tags: dict[str, str], derive: tuple[Derive, ...]) -> None:
    global _told
    settle_in()
    _told = KindRule(column, tags), derive


def _prepare(gathered: rows.Gathered) -> bytes:
    return msgspec.msgpack.encode(prepare(gathered, *_told))
