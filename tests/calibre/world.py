"""A running indexer over real libraries, and the proof that it leaves them alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.calibredb import fingerprint
from tomed import catalog
from tomed.clock import now_ms
from tomed.errors import NotFound
from tomed.files import find_format
from tomed.indexing import Indexer, LibrarySource
from tomed.kinds import KindRule
from tomed.model import Book, BookId, BookQuery, Entry, LibraryState, LibraryView, Page
from tomed.store.catalog import places
from tomed.store.db import Store

LEFT_BY_SQLITE = ("metadata.db-journal", "metadata.db-wal", "metadata.db-shm")
USER = 1


class World:
    """The sidecar, the indexer that fills it, and one user who reads."""

    def __init__(self, store: Store, folders: Sequence[Path], rule: KindRule | None = None) -> None:
        self.store = store
        self.folders = list(folders)
        self.written: list[tuple[BookId, Entry]] = []
        self.indexer = Indexer(
            store,
            [LibrarySource(folder, folder.name) for folder in folders],
            now_ms,
            rule=rule,
            written=[lambda connection, books, now: self.written.extend(books)],
            poll_s=0.2,
        )

    @property
    def view(self) -> LibraryView:
        return self.indexer.views()[0]

    def book(self, uuid: str) -> Book:
        return self.store.read(lambda c: catalog.book(c, uuid, USER))

    def knows(self, uuid: str) -> bool:
        try:
            self.book(uuid)
        except NotFound:
            return False
        return True

    def books(self, **query: Any) -> Page[Book]:
        return self.store.read(lambda c: catalog.books(c, BookQuery(user_id=USER, per_page=200, **query)))

    def titles(self, **query: Any) -> list[str]:
        return [book.title for book in self.books(**query).items]

    async def read_in(self, uuid: str, fraction: float = 0.5, status: str = "reading") -> None:
        """The user has read in this book: the history that must never be lost."""
        book_id = self.book(uuid).id
        sql = "INSERT OR REPLACE INTO readings (user_id, book_id, status, fraction, updated_at) VALUES (?, ?, ?, ?, 1)"
        await self.store.write(lambda c: c.execute(sql, (USER, book_id, status, fraction)).fetchall())

    def file(self, uuid: str, form: str = "EPUB") -> Path:
        book = self.book(uuid)
        return find_format(self.store.read(lambda c: places(c, book.id)), book, form).path

    async def settled(self) -> None:
        """Until everything is read; then every library is byte for byte and time for time what it was before."""
        before = await asyncio.to_thread(self._seen)
        await asyncio.wait_for(self.indexer.settled(), 60)
        assert await asyncio.to_thread(self._seen) == before, "reading touched the library"

    async def until(self, holds: Callable[[], bool], deadline_s: float = 30) -> None:
        """Polls until ``holds()``; fails after the deadline."""
        async with asyncio.timeout(deadline_s):
            while not holds():
                await asyncio.sleep(0.02)

    async def after(self, work: Callable[[], object]) -> None:
        """Do something to a library while the indexer runs, then wait until the mirror has it."""
        await asyncio.to_thread(work)
        await self.settled()

    def _seen(self) -> dict[str, dict[str, str]]:
        return {str(folder): fingerprint(folder) for folder in self.folders if folder.is_dir()}


@asynccontextmanager
async def world_of(
    data: Path, *folders: Path, rule: KindRule | None = None, ready: bool = True
) -> AsyncIterator[World]:
    """A running world over ``folders`` whose sidecar is in ``data``; used twice it is the daemon started again."""
    store = Store.open(data / "tomed.db")
    sql = "INSERT OR IGNORE INTO users (id, name, created_at) VALUES (1, 'ann', 1)"
    await store.write(lambda c: c.execute(sql).fetchall())
    world = World(store, folders, rule)
    await world.indexer.start()
    try:
        await world.settled()
        if ready:
            assert [view.state for view in world.indexer.views()] == [LibraryState.READY] * len(folders)
        yield world
    finally:
        await world.indexer.stop()
        await asyncio.to_thread(store.close)
        for folder in folders:
            leftovers = [name for name in LEFT_BY_SQLITE if (folder / name).exists()]
            assert not leftovers or getattr(world, "leftovers_are_theirs", False), leftovers


PRELUDE = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
c.create_function("title_sort", 1, lambda text: text)
c.create_function("uuid4", 0, lambda: "made")
"""


def other_program(folder: Path, code: str, *, check: bool = True) -> str:
    """Another program works on ``metadata.db``: ``code`` has the connection as ``c``. Answers its output."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code + "\nc.close()", str(folder / "metadata.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def copy_file(source: Path, target: Path) -> None:
    """As ``cp`` does, in another process: the daemon's own process must never open a metadata.db."""
    subprocess.run(["cp", str(source), str(target)], check=True)
