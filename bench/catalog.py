"""The mirror of a large library: ``python -m bench.catalog --library DIR`` (a copy of its metadata.db is used).

Prints what a household would feel: how long the first index takes, how long Calibre could be kept waiting, how soon
an edit shows, what a search page costs, what requests wait meanwhile, and the memory of it all. Everything runs in
this one process as it does in the daemon; edits come from another one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import apsw

from bench.figures import say
from tomed import catalog
from tomed.clock import now_ms
from tomed.demo.calibre_library import CalibreLibrary, LibraryBook
from tomed.indexing import Indexer, LibrarySource
from tomed.model import BookQuery, LibraryState
from tomed.store.aliases import remember_names
from tomed.store.db import Store
from tomed.store.searches import Searches

QUESTIONS = (
    "winter",
    "wint",
    "winter salt",
    "the",
    "river glass hollow",
    "星",
    "зима",
    "zafon",
    "königin",
    "nothing such",
)

_EDITOR = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=20)
c.create_function("title_sort", 1, lambda text: text)
c.execute(sys.argv[2])
c.commit()
c.close()
"""


class Gauge:
    """Looks a book up every few milliseconds, as a device would, and notes how late each answer was."""

    def __init__(self, store: Store, uuids: list[str]) -> None:
        self._store = store
        self._uuids = uuids
        self.waits_ms: list[float] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Gauge]:
        self.waits_ms = []
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            task.cancel()

    async def _run(self) -> None:
        dice = random.Random(1)
        while True:
            due = time.perf_counter() + 0.004
            await asyncio.sleep(0.004)
            if self._uuids:
                uuid = dice.choice(self._uuids)
                with contextlib.suppress(Exception):  # not mirrored yet
                    self._store.read(lambda c, uuid=uuid: catalog.book(c, uuid))
            self.waits_ms.append((time.perf_counter() - due) * 1000)

    def __str__(self) -> str:
        waits = sorted(self.waits_ms) or [0.0]
        return f"look-ups meanwhile p50 {waits[len(waits) // 2]:.1f}, p99 {waits[int(len(waits) * 0.99)]:.1f} ms"


def memory_mb(peak: bool = False) -> float:
    """Resident memory of this process."""
    key = "VmHWM" if peak else "VmRSS"
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 1024


async def until(holds: Callable[[], bool], step_s: float = 0.005) -> float:
    """Seconds until ``holds()``."""
    started = time.perf_counter()
    while not holds():  # noqa: ASYNC110 - a commit gives no event
        await asyncio.sleep(step_s)
    return time.perf_counter() - started


def edit(library: Path, sql: str) -> None:
    """One commit by another process."""
    subprocess.run([sys.executable, "-c", _EDITOR, str(library / "metadata.db"), sql], check=True)


async def first_index(store: Store, library: Path) -> list[str]:
    indexer = Indexer(store, [LibrarySource(library, "Library")], now_ms, written=[remember_names])
    gauge = Gauge(store, [])
    cpu, started = time.process_time(), time.perf_counter()
    async with gauge.running():
        await indexer.start()
        await until(lambda: indexer.views()[0].state is LibraryState.READY)
    seconds = time.perf_counter() - started
    books = indexer.views()[0].books
    helped = resource.getrusage(resource.RUSAGE_CHILDREN)  # ended by now; the largest of them was this large
    more = f"cpu {time.process_time() - cpu:.1f} s, of its helper {helped.ru_utime + helped.ru_stime:.1f} s"
    more += f" and {helped.ru_maxrss / 1024:.0f} MB; {gauge}"
    say(f"first index of {books} books", seconds, "s", 15, more)
    say("longest read lock on metadata.db", indexer.longest_read_s, "s", 0.3)
    await indexer.stop()
    return [uuid for (uuid,) in store.read(lambda c: c.execute("SELECT uuid FROM books LIMIT 5000").fetchall())]


async def start_again(data: Path, library: Path, uuid: str) -> tuple[Store, Indexer]:
    started = time.perf_counter()
    store = Store.open(data)
    indexer = Indexer(store, [LibrarySource(library, "Library")], now_ms, written=[remember_names])
    await indexer.start()
    store.read(lambda c: catalog.book(c, uuid))
    say("start to first answer, mirror already built", time.perf_counter() - started, "s", 1)
    await indexer.settled()
    return store, indexer


async def edits(store: Store, indexer: Indexer, library: Path, uuids: list[str]) -> None:
    number = store.read(lambda c: catalog.book(c, uuids[7])).calibre_id
    gauge = Gauge(store, uuids)
    change = f"UPDATE books SET title = 'Seen', last_modified = '2035-01-01 00:00:00+00:00' WHERE id = {number}"
    async with gauge.running():
        await asyncio.to_thread(edit, library, change)
        seen = await until(lambda: store.read(lambda c: catalog.book(c, uuids[7])).title == "Seen")
        say("one edited book visible", seen, "s", 1, str(gauge))
        await indexer.settled()
    async with gauge.running():
        cpu, started = time.process_time(), time.perf_counter()
        await asyncio.to_thread(edit, library, "UPDATE books SET last_modified = '2036-01-01 00:00:00+00:00'")
        await indexer.settled()
        spent = time.perf_counter() - started
        say(
            "every book touched, mirror true again", spent, "s", None, f"cpu {time.process_time() - cpu:.1f} s; {gauge}"
        )
        say("  p99 of look-ups meanwhile", sorted(gauge.waits_ms)[int(len(gauge.waits_ms) * 0.99)], "ms", 50)
    say("longest read lock on metadata.db", indexer.longest_read_s, "s", 0.3)


def _middle_ms(store: Store, work: Callable[[apsw.Connection], object]) -> float:
    spent = []
    for _ in range(9):
        started = time.thread_time()
        store.read(work)
        spent.append((time.thread_time() - started) * 1000)
    return statistics.median(spent)


def pages(store: Store) -> None:
    """Processor time of a page of 50. Of a search it is that of words which nobody has asked since a book changed;
    ``again``: of words that were, as for pages 2, 3 … of it."""
    for question in QUESTIONS:
        searches, query = Searches(), BookQuery(q=question)
        store.read(lambda c, query=query: catalog.books(c, query))
        first = _middle_ms(store, lambda c, query=query: catalog.books(c, query))
        total = store.read(lambda c, query=query, searches=searches: catalog.books(c, query, searches)).total
        again = _middle_ms(store, lambda c, query=query, searches=searches: catalog.books(c, query, searches))
        say(f"search page {question!r}", first, "ms", 5, f"{total} hits; again {again:.1f} ms")
    for name, work in {
        "first page of all": lambda c: catalog.books(c, BookQuery()),
        "page of series": lambda c: catalog.series_list(c, 1),
        "page of authors": lambda c: catalog.authors(c, per_page=120),
    }.items():
        store.read(work)
        say(name, _middle_ms(store, work), "ms", 5)


def fill(library: CalibreLibrary, books: int, files: dict[str, bytes] | None = None) -> None:
    """Books (with ``files``, if any) whose titles share words in several scripts; every other one is in a series."""
    dice = random.Random(1)
    pool = ["Winter", "Salt", "Crown", "River", "Glass", "Hollow", "Paper", "Königin", "Mädchen", "Зима", "星", "物語"]
    for number in range(books):
        title = " ".join(dice.choices(pool, k=dice.randint(1, 4)))
        series = f"{dice.choice(pool)} Cycle {number % (books // 20 + 1)}" if number % 2 else None
        library.add(
            LibraryBook(
                f"{title} {number}",
                (f"Author {number % 997}",),
                series=series,
                tags=(dice.choice(pool),),
                files=files or {},
            )
        )


def made(folder: Path, books: int, files: dict[str, bytes] | None = None) -> Path:
    """A library of our own making, when none is given."""
    with CalibreLibrary.create(folder, columns=()) as library:
        fill(library, books, files)
    return folder


async def run(library: Path, folder: Path) -> None:
    data = folder / "data" / "tomed.db"
    store = Store.open(data)
    uuids = await first_index(store, library)
    say("resident memory", memory_mb(), "MB", 120, f"peak {memory_mb(peak=True):.0f}")
    await asyncio.to_thread(store.close)
    store, indexer = await start_again(data, library, uuids[7])
    await edits(store, indexer, library, uuids)
    pages(store)
    say("resident memory", memory_mb(), "MB", 120, f"peak {memory_mb(peak=True):.0f}")
    say("sidecar", data.stat().st_size / 2**20, "MB", None)
    await indexer.stop()
    await asyncio.to_thread(store.close)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.catalog", description=__doc__)
    parser.add_argument("--library", type=Path, help="a Calibre library folder; its metadata.db is copied")
    parser.add_argument("--books", type=int, default=10_000, help="books to make when no library is given")
    told = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"load of the machine {load:.1f} on {os.cpu_count()} cores: figures of a busy machine are too high")
    with tempfile.TemporaryDirectory(prefix="tomed-bench-") as name:
        folder = Path(name)
        if told.library:
            library = folder / "library"
            library.mkdir()
            subprocess.run(["cp", str(told.library / "metadata.db"), str(library)], check=True)
        else:
            library = made(folder / "library", told.books)
        asyncio.run(run(library, folder))


if __name__ == "__main__":
    main()
