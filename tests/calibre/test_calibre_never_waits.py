"""Calibre edits beside an indexer under load: no edit fails, and none waits long for us.

A starved machine makes everybody late. So each edit has a twin that is made right beside it, in a library that nobody
reads: what the twin takes is the machine's, what the edit takes beyond that is ours.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.calibre.world import PRELUDE, World, world_of
from tests.libraries import BookSpec, LibraryFixture, make_library

PATIENCE_S = 1.0
"""What an edit may wait for us."""


def check(ours: list[float], twins: list[float]) -> None:
    """No edit took longer than the slowest twin, allowing for luck, and our second."""
    assert len(ours) == len(twins) > 0
    assert max(ours) < PATIENCE_S + 2 * max(twins), (max(ours), max(twins))


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


class _Sleeper(threading.Thread):
    """Sleeps and notes how much too late it was woken: what any thread of this process suffers now."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.latest_s = 0.0

    def run(self) -> None:
        while not self.over.is_set():
            started = time.monotonic()
            time.sleep(0.01)
            self.latest_s = max(self.latest_s, time.monotonic() - started - 0.01)


@contextmanager
def lateness() -> Iterator[_Sleeper]:
    """Measures meanwhile how starved this process is."""
    sleeper = _Sleeper()
    sleeper.start()
    try:
        yield sleeper
    finally:
        sleeper.over.set()
        sleeper.join()


EDITS = """
import json, time
twin = open_library(TWIN)
took = {"ours": [], "twins": []}
for n in range(40):
    for whose, library in (("ours", db), ("twins", twin.new_api)):
        started = time.monotonic()
        library.set_field("title", {BOOK: "Edit %d" % n})
        library.set_field("authors", {BOOK: ("Writer %d" % n,)})
        took[whose].append((time.monotonic() - started) / 2)
twin.new_api.close()
print("took", json.dumps(took))
"""


@pytest.mark.calibre
@pytest.mark.timeout(600)
async def test_edits_by_calibre_under_load(library: LibraryFixture, tmp_path: Path) -> None:
    """Edits that rename files, each of many commits, by ``calibredb`` and by one long session: all succeed in time."""
    book, twin = library.book("First Light"), tmp_path / "Twin"
    shutil.copytree(library.folder, twin)
    code = f"TWIN, BOOK = {str(twin)!r}, {book.id}\n{EDITS}"
    async with world_of(tmp_path / "data", library.folder) as world:
        stop = asyncio.Event()
        with lateness() as sleeper:
            load = asyncio.create_task(_load(world, stop))
            said = await asyncio.to_thread(library.calibre_api, code)
            for title in ("By Calibredb", "By Calibredb Again"):
                await library.calibredb_async("set_metadata", "-f", f"title:{title}", str(book.id))
            stop.set()
            assert await load > 1
        took = json.loads(said.partition("took ")[2])
        check(took["ours"], took["twins"])
        await world.settled()
        seen = world.book(book.uuid)
        assert (seen.title, seen.authors) == ("By Calibredb Again", ("Writer 39",))
        assert world.file(book.uuid).is_file()
        assert world.indexer.longest_read_s < PATIENCE_S + 2 * sleeper.latest_s


COMMITS = """
import json, time
twin = sqlite3.connect(sys.argv[1] + ".twin", isolation_level=None)
took = {"ours": [], "twins": []}
c.execute("PRAGMA busy_timeout = 20000")
twin.execute("CREATE TABLE books (id INTEGER PRIMARY KEY, last_modified TEXT)")
twin.executemany("INSERT INTO books VALUES (?, '')", [(1 + n,) for n in range(300)])
for n in range(300):
    moment = f"2031-01-01 00:{n // 60:02}:{n % 60:02}+00:00"
    for whose, one in (("ours", c), ("twins", twin)):
        started = time.monotonic()
        one.execute("BEGIN IMMEDIATE")
        one.execute("UPDATE books SET last_modified = ? WHERE id = ?", (moment, 1 + n))
        one.execute("COMMIT")
        took[whose].append(time.monotonic() - started)
    time.sleep(0.005)
print(json.dumps(took))
twin.close()
c.close()
"""


async def test_no_commit_waits_long(tmp_path: Path) -> None:
    """300 commits of another program while 600 books are read over and over: none waits a second for us."""
    library = make_library(tmp_path / "Library", [BookSpec(f"Book {n}", formats=(), cover=False) for n in range(600)])
    async with world_of(tmp_path / "data", library.folder) as world:
        stop = asyncio.Event()
        with lateness() as sleeper:
            load = asyncio.create_task(_load(world, stop))
            done = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-c", PRELUDE + COMMITS, str(library.metadata_db)],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            stop.set()
            await load
        took = json.loads(done.stdout)
        check(took["ours"], took["twins"])
        assert world.indexer.longest_read_s < PATIENCE_S + 2 * sleeper.latest_s
