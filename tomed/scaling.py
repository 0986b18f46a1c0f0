"""Places of the log are measured on the one scale in the background, after their events are on disk.

No request waits for it: until a place is measured, its reader's own fraction stands in (``positions.canonical``).
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable
from pathlib import Path

from tomed.errors import Invalid, NotFound, StoreError
from tomed.locators.worker import Busy
from tomed.model import BookId, LibraryState, LibraryView
from tomed.places import Places
from tomed.store import scales
from tomed.store.db import Store

log = logging.getLogger(__name__)

BATCH = 32
"""Places that are measured in one go, and kept by one write."""
YIELD = 6
"""How many times as long as a batch took nothing is measured: no more than a seventh of a processor is used."""
PAUSE_S = 1.0
"""Events come in bursts: their places are looked at together, when the burst is mostly over."""


class Scaling:
    """Measures what was not measured; one object a daemon. ``wake`` costs its caller nothing.

    ``find_file`` gives the EPUB of a book, or None when it has none that is there now.
    """

    def __init__(
        self,
        store: Store,
        places: Places,
        find_file: Callable[[BookId], Path | None],
        *,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._store = store
        self._places = places
        self._find_file = find_file
        self._pause_s = pause_s
        self._again = False
        self._begun = False
        self._task: asyncio.Task[None] | None = None

    def look(self, view: LibraryView) -> None:
        """A library changed: a book that had no file may have one now."""
        if view.state is LibraryState.READY:
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
                for book_id in await self._store.query(scales.waiting_books):
                    await self._measure(book_id)
            except StoreError as err:
                log.warning("places were not measured: %s", err.message)

    async def _measure(self, book_id: BookId) -> None:
        try:
            path = self._find_file(book_id)
        except NotFound:
            return
        while path is not None:
            began = time.monotonic()
            batch = await self._store.query(lambda c: scales.unscaled(c, book_id, BATCH))
            if not batch:
                return
            try:
                measured = await self._places.measure(path, batch)
            except Busy:
                self._again = True
                return
            except Invalid as err:
                log.info("Places in %s could not be measured: %s", path.name, err.message)
                await self._store.write(lambda c: scales.give_up(c, book_id))
                return
            found = list(zip(batch, measured, strict=True))
            await self._store.write(functools.partial(scales.keep, book_id=book_id, found=found))
            # A year that was read offline comes at once: most of the time is left to those who ask meanwhile.
            await asyncio.sleep(YIELD * (time.monotonic() - began))

    async def close(self) -> None:
        """Stop; what is missing is measured next time."""
        self._again = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
