"""Files that wait for their book are looked at again when the library changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

import apsw

from tomed import reading
from tomed.clock import Clock
from tomed.errors import StoreError
from tomed.model import LibraryState, LibraryView
from tomed.reading import Resolve
from tomed.store.db import Store

log = logging.getLogger(__name__)


class Waiting:
    """Places waiting files in the background. One object a daemon; ``look`` is what the indexer calls.

    ``on_placed`` is told when a file found its book.
    """

    def __init__(
        self, store: Store, resolve: Resolve, clock: Clock, *, on_placed: Callable[[], None] | None = None
    ) -> None:
        self._store = store
        self._resolve = resolve
        self._clock = clock
        self._on_placed = on_placed
        self._again = False
        self._task: asyncio.Task[None] | None = None

    def look(self, view: LibraryView) -> None:
        """A library changed: try every waiting file once more, soon."""
        if view.state is LibraryState.READY:
            self.again()

    def again(self) -> None:
        """Something new is known of the library's files: try every waiting file once more, soon."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._place())

    async def _place(self) -> None:
        while self._again:
            self._again = False
            try:
                found = await self._store.query(lambda c: reading.find_waiting(c, self._resolve))
                for document_id in found:
                    await self._store.write(partial(self._try, document_id))
                if found and self._on_placed is not None:
                    self._on_placed()
            except StoreError as err:
                log.warning("waiting files were not placed: %s", err.message)

    def _try(self, document_id: int, connection: apsw.Connection) -> bool:
        return reading.place_if_certain(connection, self._resolve, document_id, self._clock())

    async def close(self) -> None:
        """Let what is being placed end."""
        self._again = False
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
