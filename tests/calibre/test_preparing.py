"""Half of a first index is done in a process of its own: with the same result, and it is missed by nobody."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.libraries import BookSpec, LibraryFixture, make_library
from tomed import comparison, preparing
from tomed.calibre.library import Library
from tomed.clock import now_ms
from tomed.indexing import Indexer, LibrarySource
from tomed.kinds import KindRule
from tomed.model import LibraryState
from tomed.preparing import Preparation, prepare
from tomed.store.aliases import remember_names
from tomed.store.db import Store

BOOKS = 60
RULE = KindRule(tags={"sea": "comic"})


@pytest.fixture
def library(tmp_path: Path) -> LibraryFixture:
    specs = [
        BookSpec(
            f"Книга {n}", authors=("Ada Lantern", f"Émile {n % 7}"), series="Lamps", series_index=n / 2, tags=("Sea",)
        )
        if n % 3
        else BookSpec(f"Book {n}", formats=(), cover=False)
        for n in range(BOOKS)
    ]
    return make_library(tmp_path / "Library", specs)


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with two processors, with a library that is large."""
    monkeypatch.setattr(preparing, "MANY", 10)
    monkeypatch.setattr(preparing, "processors", lambda: 2)


def _read(library: LibraryFixture) -> list[preparing.rows.Gathered]:
    reader = Library(library.folder)
    ids = [book for book, _, _ in reader.scan(0, 1000)]
    found = [gathered for start in range(0, BOOKS, 20) for gathered in reader.gather(ids[start : start + 20])]
    reader.close()
    return found


def test_a_process_prepares_what_would_be_prepared_here(library: LibraryFixture, apart: None) -> None:
    """Entries, digests, keys and names come back from the process as they are made here."""
    reads = _read(library)
    made = Preparation(RULE, [remember_names.rows], BOOKS)
    pending = [made.submit(one) for one in reads]
    assert made._pool is not None
    assert [_told(take()) for take in pending] == [_told(prepare(one, RULE, [remember_names.rows])) for one in reads]
    made.close()


@pytest.mark.parametrize(("books", "count"), [(9, 2), (10**6, 1)])
def test_few_books_or_one_processor_need_no_process(
    library: LibraryFixture, apart: None, monkeypatch: pytest.MonkeyPatch, books: int, count: int
) -> None:
    """A process is worth starting only where it has something to do and a processor to do it on."""
    monkeypatch.setattr(preparing, "processors", lambda: count)
    made = Preparation(RULE, (), books)
    assert made._pool is None
    (one, *_) = _read(library)
    assert made.submit(one)() == prepare(one, RULE, ())


def test_a_lost_process_is_stood_in_for(library: LibraryFixture, apart: None) -> None:
    """The system takes the process (no memory): what it had, and all that follows, is made here."""
    reads = _read(library)
    made = Preparation(RULE, [remember_names.rows], BOOKS)
    made.submit(reads[0])()
    assert made._pool is not None
    (child,) = made._pool._processes
    os.kill(child, signal.SIGKILL)
    pending = [made.submit(one) for one in reads]
    assert [_told(take()) for take in pending] == [_told(prepare(one, RULE, [remember_names.rows])) for one in reads]
    made.close()


def _told(prepared: preparing.Prepared) -> object:
    """The names of a book have no order."""
    return prepared.items, [sorted(rows) for rows in prepared.derived]


async def _mirrored(folder: Path, data: Path) -> dict[str, list[tuple[object, ...]]]:
    store = Store.open(data / "tomed.db")
    indexer = Indexer(store, [LibrarySource(folder, "L")], lambda: 1, written=[remember_names], poll_s=0.05)
    await indexer.start()
    async with asyncio.timeout(60):
        while indexer.views()[0].state is not LibraryState.READY:
            await asyncio.sleep(0.01)
    await indexer.stop()
    tables = ("books", "aliases", "authors", "tags", "series", "book_authors", "holdings", "catalog_counts")
    held = {name: store.read(lambda c, name=name: c.execute(f"SELECT * FROM {name}").fetchall()) for name in tables}
    await asyncio.to_thread(store.close)
    return held


async def test_the_mirror_is_the_same_either_way(
    library: LibraryFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row of the catalogue, names included, however it was prepared."""
    monkeypatch.setattr(comparison, "READ", 7)
    monkeypatch.setattr(comparison, "WRITE_FIRST", 20)
    here = await _mirrored(library.folder, tmp_path / "here")
    monkeypatch.setattr(preparing, "MANY", 10)
    monkeypatch.setattr(preparing, "processors", lambda: 2)
    assert await _mirrored(library.folder, tmp_path / "there") == here
    assert len(here["books"]) == BOOKS
    assert len(here["aliases"]) > BOOKS


async def test_the_process_ends_when_indexing_is_stopped(
    library: LibraryFixture, tmp_path: Path, apart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that is stopped in the middle of a first pass leaves no process behind."""
    monkeypatch.setattr(comparison, "READ", 1)
    monkeypatch.setattr(comparison, "READ_LEAST", 1)
    pools = []
    began = Preparation.submit

    def submit(self: Preparation, gathered: preparing.rows.Gathered) -> object:
        taken = began(self, gathered)
        assert self._pool is not None
        pools.append(dict(self._pool._processes))
        return taken

    monkeypatch.setattr(Preparation, "submit", submit)
    store = Store.open(tmp_path / "data" / "tomed.db")
    indexer = Indexer(store, [LibrarySource(library.folder, "L")], now_ms, written=[remember_names], poll_s=0.05)
    await indexer.start()
    async with asyncio.timeout(60):
        while not pools:
            await asyncio.sleep(0.001)
    await indexer.stop()
    ((_, child),) = pools[0].items()
    assert not child.is_alive()
    await asyncio.to_thread(store.close)
