"""The indexer through restarts, stops, rules that change, and what it tells meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from pathlib import Path

import pytest

from tests.calibre.world import World, other_program, world_of
from tests.libraries import BookSpec, LibraryFixture, make_library
from tomed.clock import now_ms
from tomed.comparison import Pass, Stride
from tomed.indexing import Indexer, LibrarySource
from tomed.kinds import KindRule
from tomed.model import LibraryState, LibraryView
from tomed.store.db import Store


async def test_an_unchanged_library_is_not_read_again(
    library: LibraryFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started again over a library that nobody touched for a while: ready at once, without comparing a book."""
    old = time.time() - 3600
    os.utime(library.metadata_db, (old, old))
    async with world_of(tmp_path / "data", library.folder):
        pass

    def never(self: Pass) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(Pass, "run", never)
    async with world_of(tmp_path / "data", library.folder) as world:
        assert world.view.books == len(library.books)
        assert world.view.problem == ""


async def test_an_edit_while_the_daemon_was_down(library: LibraryFixture, tmp_path: Path) -> None:
    """What changed meanwhile is seen at the next start; fresh time stamps are not trusted."""
    book = library.book("First Light")
    async with world_of(tmp_path / "data", library.folder):
        pass
    change = f"UPDATE books SET title = 'X', last_modified = '2031' WHERE id = {book.id}"
    other_program(library.folder, f'c.execute("{change}")')
    async with world_of(tmp_path / "data", library.folder) as world:
        assert world.book(book.uuid).title == "X"


async def test_stopped_in_the_middle_it_goes_on_later(tmp_path: Path) -> None:
    """Stop ends the first pass after a batch, soon; nothing half written; the next start completes it."""
    library = make_library(tmp_path / "Library", [BookSpec(f"Book {n}", formats=(), cover=False) for n in range(700)])
    store = Store.open(tmp_path / "data" / "tomed.db")
    views: list[LibraryView] = []
    indexer = Indexer(store, [LibrarySource(library.folder, "L")], now_ms, on_changed=views.append)
    await indexer.start()
    async with asyncio.timeout(30):
        while not views:
            await asyncio.sleep(0.001)
    assert views[0].state is LibraryState.INDEXING
    async with asyncio.timeout(10):
        await indexer.stop()
    await asyncio.to_thread(store.close)
    async with world_of(tmp_path / "data", library.folder) as world:
        assert world.books().total == 700 == world.view.books
        assert world.view.indexed_at is not None


async def test_progress_is_told(tmp_path: Path) -> None:
    """The first pass is told from 0 to ready, never backwards."""
    library = make_library(tmp_path / "Library", [BookSpec(f"Book {n}", formats=(), cover=False) for n in range(1200)])
    store = Store.open(tmp_path / "data" / "tomed.db")
    views: list[LibraryView] = []
    indexer = Indexer(store, [LibrarySource(library.folder, "L")], now_ms, on_changed=views.append)
    await indexer.start()
    await asyncio.wait_for(indexer.settled(), 60)
    await indexer.stop()
    await asyncio.to_thread(store.close)
    progress = [view.progress for view in views if view.state is LibraryState.INDEXING and view.progress is not None]
    assert progress[0] == 0
    assert progress == sorted(progress)
    assert len(set(progress)) > 2
    assert (views[-1].state, views[-1].progress, views[-1].books) == (LibraryState.READY, None, 1200)


async def test_another_rule_for_kinds_reads_all_again(library: LibraryFixture, tmp_path: Path) -> None:
    """Kinds follow the configuration without the library having changed."""
    comic = library.book("The Travelling Book")
    light = library.book("First Light")
    async with world_of(tmp_path / "data", library.folder) as world:
        assert (world.book(comic.uuid).kind, world.book(light.uuid).kind) == ("comic", "book")
    rule = KindRule(column="#kind", tags={"fantasy": "tale"})
    async with world_of(tmp_path / "data", library.folder, rule=rule) as world:
        assert (world.book(comic.uuid).kind, world.book(light.uuid).kind) == ("comic", "tale")
        assert world.titles(kind="tale") == ["First Light"]


async def test_a_library_configured_no_more(library: LibraryFixture, tmp_path: Path) -> None:
    """Its books leave the lists and keep their history; configured again they are back."""
    uuid = "33333333-cccc-4ccc-8ccc-000000000003"
    other = make_library(tmp_path / "Other", [BookSpec("Elsewhere")], library_uuid=uuid)
    book = library.book("First Light")
    async with world_of(tmp_path / "data", library.folder, other.folder) as world:
        await world.read_in(book.uuid, 0.8)
        assert world.books().total == len(library.books) + 1
    async with world_of(tmp_path / "data", other.folder) as world:
        await world.until(lambda: world.books().total == 1)
        assert (world.book(book.uuid).gone, world.book(book.uuid).fraction) == (True, 0.8)
    async with world_of(tmp_path / "data", library.folder, other.folder) as world:
        assert world.books().total == len(library.books) + 1
        assert (world.book(book.uuid).gone, world.book(book.uuid).fraction) == (False, 0.8)


async def test_two_commits_within_one_tick(library: LibraryFixture, tmp_path: Path) -> None:
    """A change that the file's time and size do not show is found by SQLite's own counter."""
    book = library.book("First Light")
    async with world_of(tmp_path / "data", library.folder) as world:
        stamp = library.metadata_db.stat()

        def edit_unseen() -> None:
            other_program(
                library.folder,
                f"c.execute(\"UPDATE books SET title = 'Unseen', last_modified = '2031' WHERE id = {book.id}\")",
            )
            os.utime(library.metadata_db, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

        await asyncio.to_thread(edit_unseen)
        assert library.metadata_db.stat().st_size == stamp.st_size
        await _seen(world, book.uuid)


async def _seen(world: World, uuid: str) -> None:
    await world.until(lambda: world.book(uuid).title == "Unseen")


async def test_the_real_notices_arrive(library: LibraryFixture, tmp_path: Path) -> None:
    """With the clock's poll out of the way, the system's notice alone brings an edit in."""
    book = library.book("First Light")
    store = Store.open(tmp_path / "data" / "tomed.db")
    indexer = Indexer(store, [LibrarySource(library.folder, "L")], now_ms, poll_s=3600)
    world = World(store, [library.folder])
    world.indexer = indexer
    await indexer.start()
    await asyncio.wait_for(indexer.settled(), 60)
    edit = "c.execute(\"UPDATE books SET title = '{}', last_modified = '{}' WHERE id = {}\")"
    async with asyncio.timeout(60):
        for number in itertools.count():
            await asyncio.to_thread(other_program, library.folder, edit.format("Noticed", f"2031-{number}", book.id))
            await asyncio.sleep(1)
            if world.book(book.uuid).title == "Noticed":
                break
    await indexer.stop()
    await asyncio.to_thread(store.close)


def test_a_slow_read_makes_the_next_one_smaller():
    """Half after half down to the least, and back up when reads are quick again; never outside its bounds."""
    stride = Stride(most=400, least=30)
    sizes = []
    for seconds in (0.5, 0.5, 0.5, 0.5, 0.05, 0.01, 0.01, 0.01, 0.01, 0.01):
        stride.took(seconds)
        sizes.append(stride.size)
    assert sizes == [200, 100, 50, 30, 30, 60, 120, 240, 400, 400]
