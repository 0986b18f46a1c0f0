"""Calibre edits beside an indexer under load: no edit fails, and none waits long for us."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.calibre.world import PRELUDE, World, world_of
from tests.libraries import BookSpec, LibraryFixture, make_library

PATIENCE_S = 1.0


async def _load(world: World, stop: asyncio.Event) -> int:
    """Whole comparisons one after another, every book read anew each time, and lists being asked for meanwhile."""
    rounds = 0
    while not stop.is_set():
        await world.store.write(lambda c: c.execute("UPDATE libraries SET reading = ''").fetchall())
        world.indexer.poke()
        for _ in range(20):
            assert world.books(sort="author").total
            await asyncio.sleep(0.005)
        rounds += 1
    return rounds


@pytest.mark.calibre
@pytest.mark.timeout(600)
async def test_edits_by_calibredb_under_load(library: LibraryFixture, tmp_path: Path) -> None:
    """Eight edits that rename files, each of many commits: all succeed, and the last one is what the mirror has."""
    book = library.book("First Light")
    async with world_of(tmp_path / "data", library.folder) as world:
        stop = asyncio.Event()
        load = asyncio.create_task(_load(world, stop))
        for number in range(8):
            await library.calibredb_async(
                "set_metadata", "-f", f"title:Edit {number}", "-f", f"authors:Writer {number}", str(book.id)
            )
        stop.set()
        assert await load > 1
        await world.settled()
        assert world.book(book.uuid).title == "Edit 7"
        assert world.file(book.uuid).is_file()
        assert world.indexer.longest_read_s < PATIENCE_S


COMMITS = """
import json, time
waits = []
c.execute("PRAGMA busy_timeout = 20000")
for n in range(300):
    started = time.monotonic()
    c.execute("BEGIN IMMEDIATE")
    moment = f"2031-01-01 00:{n // 60:02}:{n % 60:02}+00:00"
    c.execute("UPDATE books SET last_modified = ? WHERE id = ?", (moment, 1 + n))
    c.execute("COMMIT")
    waits.append(time.monotonic() - started)
    time.sleep(0.005)
print(json.dumps(max(waits)))
c.close()
"""


async def test_no_commit_waits_long(tmp_path: Path) -> None:
    """300 commits of another program while 600 books are read over and over: the longest stays below a second."""
    library = make_library(tmp_path / "Library", [BookSpec(f"Book {n}", formats=(), cover=False) for n in range(600)])
    async with world_of(tmp_path / "data", library.folder) as world:
        stop = asyncio.Event()
        load = asyncio.create_task(_load(world, stop))
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", PRELUDE + COMMITS, str(library.metadata_db)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        stop.set()
        await load
        assert json.loads(done.stdout) < PATIENCE_S
        assert world.indexer.longest_read_s < PATIENCE_S
