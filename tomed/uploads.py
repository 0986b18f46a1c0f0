"""The use case of a history that somebody sent: kept aside, looked through, then taken in with its progress told.

One file a person, below the data folder until it was taken in or thrown away. So a daemon that is stopped
in the middle still has it afterwards, and taking it in again changes nothing but what is missing.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

from tomed import history
from tomed.clock import Clock
from tomed.errors import Conflict, NotFound, TomedError
from tomed.history import Preview, Taken
from tomed.model import User
from tomed.reading import Resolve
from tomed.reporting import Reporting
from tomed.store.db import Store

log = logging.getLogger(__name__)

FILE = "statistics.sqlite3"


@dataclass(slots=True)
class Import:
    """A file on its way in: page rows done of ``total``; ``taken`` or ``fault`` say that it is over."""

    done: int = 0
    total: int = 0
    taken: Taken | None = None
    fault: str = ""

    @property
    def is_over(self) -> bool:
        return self.taken is not None or bool(self.fault)


class Uploads:
    """The files that people of one daemon sent."""

    def __init__(self, folder: Path, store: Store, resolve: Resolve, reporting: Reporting, clock: Clock) -> None:
        self._folder, self._store, self._resolve = folder, store, resolve
        self._reporting, self._clock = reporting, clock
        self._imports: dict[int, Import] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    @contextmanager
    def room(self) -> Iterator[Path]:
        """A folder to receive a file (``FILE``, and beside it its ``-wal``) in; gone afterwards."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="new-") as room:
            yield Path(room)

    async def keep(self, user: User, room: Path) -> None:
        """Keep what was received, in place of an earlier file.

        Raises:
            Invalid: it is no statistics of KOReader's; Conflict: the earlier one is just being taken in.
        """
        if user.id in self._tasks and not self._tasks[user.id].done():
            raise Conflict("Your earlier file is just being taken in. Wait until it is done.")
        await asyncio.to_thread(_check, room / FILE)
        self._imports.pop(user.id, None)
        await asyncio.to_thread(self._replace, user, room)

    def _replace(self, user: User, room: Path) -> None:
        kept = self._kept(user)
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(mode=0o700, parents=True)
        for name in (FILE, FILE + "-wal"):
            if (room / name).exists():
                (room / name).replace(kept / name)

    def _kept(self, user: User) -> Path:
        """The folder of a person. A number alone may be another person's later on."""
        return self._folder / f"{user.id}-{hashlib.sha256(user.name.casefold().encode()).hexdigest()[:12]}"

    async def preview(self, user: User) -> Preview | None:
        """What is in the file that waits; None when none does."""
        path = self._kept(user) / FILE
        if not path.exists():
            return None

        def work(connection: apsw.Connection) -> Preview:
            with history.opened(path) as file:
                return history.preview(file, connection, self._resolve, user.id, 0)

        try:
            return await self._store.query(work)
        except TomedError:
            self.discard(user)
            raise

    def state(self, user: User) -> Import | None:
        """How far the import is. One that is over is told once."""
        found = self._imports.get(user.id)
        if found is not None and found.is_over:
            del self._imports[user.id]
        return found

    async def start(self, user: User, device: str, wait_s: float = 1.0) -> None:
        """Begin to take the file in, and wait a moment for a small one. Twice at once is once."""
        if not (self._kept(user) / FILE).exists():
            raise NotFound("There is no file of yours to take in. Send it again.")
        if user.id not in self._tasks or self._tasks[user.id].done():
            running = self._imports[user.id] = Import()
            self._tasks[user.id] = asyncio.get_running_loop().create_task(self._take(user, device, running))
        await asyncio.wait({self._tasks[user.id]}, timeout=wait_s)

    async def _take(self, user: User, device: str, running: Import) -> None:
        def told(done: int, total: int) -> None:
            running.done, running.total = done, total

        def work() -> Taken:
            with history.opened(self._kept(user) / FILE) as file:
                return history.take_in(self._store, self._resolve, user.id, device, file, self._clock(), told)

        try:
            taken = await asyncio.to_thread(work)
            await self._reporting.refresh(user.id)  # the next page need not
            self.discard(user)
            running.taken = taken
        except TomedError as err:
            running.fault = err.message
        except Exception:
            log.exception("a history was not taken in")
            running.fault = "Something went wrong. The file is still here: take it in again."

    def discard(self, user: User) -> None:
        """Throw the file away."""
        shutil.rmtree(self._kept(user), ignore_errors=True)


def _check(path: Path) -> None:
    with history.opened(path):
        pass
