"""Tells when a library may have changed: the system's notice when there is one, a look at the clock anyway.

Only the library's root folder is watched, not its thousands of book folders: every edit touches
``metadata.db`` there. Network drives deliver no notices, so ``Watch.wait`` also returns after
``poll_s``; the caller then compares ``Library.stamp``.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from watchfiles import awatch

log = logging.getLogger(__name__)

POLL_S = 2.0
_REARM_S = 2.0


class Watch:
    """Wakes its waiter after something happened in ``folder``. Start it, stop it."""

    def __init__(self, folder: Path, *, poll_s: float = POLL_S) -> None:
        self.folder = folder
        self.poll_s = poll_s
        self._hint = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, in a task of its own."""
        self._task = asyncio.create_task(self._listen(), name=f"watch {self.folder}")

    async def stop(self) -> None:
        """End that task."""
        self._stop.set()
        self._hint.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def poke(self) -> None:
        """Wake the waiter now."""
        self._hint.set()

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Until a hint comes (True) or ``timeout_s``, by default ``poll_s``, is over (False)."""
        try:
            async with asyncio.timeout(self.poll_s if timeout_s is None else timeout_s):
                await self._hint.wait()
        except TimeoutError:
            return False
        self._hint.clear()
        return True

    async def _listen(self) -> None:
        """Hints from the system; armed again when the folder went and came back (a mount, a rename)."""
        while not self._stop.is_set():
            try:
                armed = await asyncio.to_thread(_identity, self.folder)
                if armed is not None:
                    await self._listen_while(armed)
            except OSError as err:  # no inotify left, no such folder any more: the clock still polls
                log.debug("no notices from %s: %s", self.folder, err)
            with suppress(TimeoutError):
                async with asyncio.timeout(_REARM_S):
                    await self._stop.wait()

    async def _listen_while(self, armed: tuple[int, int]) -> None:
        notices = awatch(
            self.folder, recursive=False, debounce=50, step=20, rust_timeout=2_000, yield_on_timeout=True,
            stop_event=self._stop, watch_filter=None,
        )  # fmt: skip
        async for changed in notices:
            if changed:
                self._hint.set()
            elif await asyncio.to_thread(_identity, self.folder) != armed:
                return


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
