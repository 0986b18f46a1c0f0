"""Places of the log are measured on the one scale in the background, after their events are on disk.

No request waits for it: until a place is measured, its reader's own fraction stands in (``positions.canonical``).
Calibre may change a book's text later (edit, polish, convert again): then its places are measured once more.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import apsw

from tomed.errors import Invalid, StoreError
from tomed.files import File
from tomed.locators.worker import Busy
from tomed.model import BookId, LibraryState, LibraryView, Scaled
from tomed.places import Places
from tomed.store import scales
from tomed.store.db import Store
from tomed.store.scales import Unscaled

log = logging.getLogger(__name__)

BATCH = 8
"""Places that are measured in one go, and kept by one write: so many does who asks for a place meanwhile wait for, on a
small machine too, and so many share the time that one question may take."""
YIELD = 6
"""How many times as long as a batch took nothing is measured: no more than a seventh of a processor is used."""
PAUSE_S = 1.0
"""Events come in bursts: their places are looked at together, when the burst is mostly over."""


Wanted = Callable[[apsw.Connection, BookId, int], list[Unscaled]]
Keep = Callable[[apsw.Connection, BookId, Iterable[tuple[Unscaled, Scaled]]], None]


class Scaling:
    """Measures what was not measured; one object a daemon. ``wake`` costs its caller nothing.

    ``find_file`` gives the EPUB of a book, or None when it has none that is there now.
    """

    def __init__(
        self,
        store: Store,
        places: Places,
        find_file: Callable[[BookId], Awaitable[File | None]],
        *,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._store = store
        self._places = places
        self._find_file = find_file
        self._pause_s = pause_s
        self._again = False
        self._begun = False
        self._compare = True  # files may have changed while nobody looked
        self._task: asyncio.Task[None] | None = None

    def look(self, view: LibraryView) -> None:
        """A library changed: a book that had no file may have one now, or another one."""
        if view.state is LibraryState.READY:
            self._compare = True
            self.wake()

    def wake(self) -> None:
        """Something was read, or moved to another book: look for what is to be measured, soon."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while self._again:
            await asyncio.sleep(self._pause_s)
            self._again = False
            try:
                if not self._begun:
                    self._begun = True
                    await self._store.write_long(scales.try_again)
                if self._compare:
                    self._compare = False
                    await self._compare_files()
                for book_id in await self._store.query(scales.waiting_books):
                    await self._measure(book_id)
            except StoreError as err:
                log.warning("places were not measured: %s", err.message)

    async def _compare_files(self) -> None:
        """See which books that were measured have another file now. One look at the disk for each."""
        known = await self._store.query(scales.versions)
        for book_id, version in known.items():
            began = time.monotonic()
            file = await self._find_file(book_id)
            if file is not None and file.version != version:
                await self._store.write(functools.partial(scales.begin, book_id=book_id, version=file.version))
            await asyncio.sleep(YIELD * (time.monotonic() - began))

    async def _measure(self, book_id: BookId) -> None:
        file = await self._find_file(book_id)
        if file is None:
            return
        # told before anything is read: who changes the file meanwhile is noticed the next time
        await self._store.write(functools.partial(scales.begin, book_id=book_id, version=file.version))
        if await self._measure_all(book_id, file.path, scales.unscaled, scales.keep):
            await self._measure_all(book_id, file.path, scales.outdated, scales.settle)

    async def _measure_all(self, book_id: BookId, path: Path, wanted: Wanted, keep: Keep) -> bool:
        """Measure batch by batch until nothing more is wanted; False when the file can't be read now."""
        while True:
            began = time.monotonic()
            batch = await self._store.query(lambda c: wanted(c, book_id, BATCH))
            try:
                measured = await self._places.measure(path, batch) if batch else []
            except Busy:
                self._again = True
                return False
            except Invalid as err:
                log.info("Places in %s could not be measured: %s", path.name, err.message)
                await self._store.write(lambda c: scales.give_up(c, book_id))
                return False
            found = list(zip(batch, measured, strict=True))
            await self._store.write(_kept(keep, book_id, found))
            if not batch:
                return True
            # A year that was read offline comes at once: most of the time is left to those who ask meanwhile.
            await asyncio.sleep(YIELD * (time.monotonic() - began))

    async def close(self) -> None:
        """Stop; what is missing is measured next time."""
        self._again = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _kept(keep: Keep, book_id: BookId, found: list[tuple[Unscaled, Scaled]]) -> Callable[[apsw.Connection], None]:
    return lambda connection: keep(connection, book_id, found)
