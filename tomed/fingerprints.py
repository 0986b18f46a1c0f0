"""KOReader's partial MD5 of the library's files, computed in the background and politely.

KOReader knows a file by the MD5 of twelve samples of 1 KiB: at 0, 1 KiB, 4 KiB, 16 KiB … 1 GiB, until one
is beyond the end. A file is read again only when its path, size or
time of change differ from what is remembered.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tomed.clock import Clock
from tomed.errors import StoreError
from tomed.model import LibraryState, LibraryView
from tomed.store import fingerprints as sql
from tomed.store.db import Store
from tomed.store.fingerprints import File, Fingerprint

log = logging.getLogger(__name__)

SAMPLE = 1024
OFFSETS = (0, *(SAMPLE << 2 * i for i in range(11)))
"""Where the samples begin. KOReader's first shift is by -2, which 32-bit arithmetic makes an offset of 0."""

BOOKS = 50
"""Books between two rests."""

REST = 3.0
"""Seconds of rest for each second of work: reading for others comes first."""


def partial_md5(file: BinaryIO) -> str:
    """KOReader's fingerprint of an open file, 32 hex digits; empty for an empty file, which is nobody's."""
    digest = hashlib.md5(usedforsecurity=False)
    length = 0
    for offset in OFFSETS:
        file.seek(offset)
        sample = file.read(SAMPLE)
        if not sample:
            break
        length += len(sample)
        digest.update(sample)
    return digest.hexdigest() if length else ""


class Fingerprints:
    """Keeps the hashes of all libraries' files. One object a daemon; ``look`` is what the indexer calls.

    ``on_found`` is called after new hashes were remembered: files that wait may have found their book.
    """

    def __init__(self, store: Store, clock: Clock, *, on_found: Callable[[], None] | None = None) -> None:
        self._store = store
        self._clock = clock
        self._on_found = on_found
        self._again = False
        self._task: asyncio.Task[None] | None = None

    def look(self, view: LibraryView) -> None:
        """A library changed: see which files are new, soon."""
        if view.state is not LibraryState.READY:
            return
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while self._again:
            self._again = False
            try:
                if await self.catch_up() and self._on_found is not None:
                    self._on_found()
            except StoreError as err:
                log.warning("fingerprints could not be kept: %s", err.message)

    async def catch_up(self, *, rest: float = REST) -> int:
        """Go through all files once; how many were read. ``rest`` 0 works without pause."""
        after, count = 0, 0
        while True:
            began = time.monotonic()
            files, last = await self._store.query(lambda c, after=after: sql.files(c, after, BOOKS))  # type: ignore[misc]
            if last is None:
                return count
            found = await asyncio.to_thread(_read_changed, files)
            if found:
                await self._store.write_long(lambda c, found=found: sql.remember(c, found, self._clock()))  # type: ignore[misc]
            after, count = last, count + len(found)
            await asyncio.sleep((time.monotonic() - began) * rest)

    async def close(self) -> None:
        """Stop; what is missing is read next time."""
        self._again = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _read_changed(files: list[File]) -> list[Fingerprint]:
    return [found for file in files if (found := _read(file)) is not None]


def _read(file: File) -> Fingerprint | None:
    """The fingerprint of a file that is new or changed; None for one that is known, gone or no plain file."""
    path = _inside(Path(file.library), file.path)
    if path is None:
        return None
    try:
        before = path.stat()
        if not stat.S_ISREG(before.st_mode) or (before.st_size, before.st_mtime_ns) == (file.size, file.mtime_ns):
            return None
        with path.open("rb", buffering=0) as stream:
            md5 = partial_md5(stream)
            after = os.fstat(stream.fileno())
    except OSError:
        return None  # unplugged, or Calibre is renaming it just now: the next look will find it
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return None  # being written
    return Fingerprint(file, after.st_size, after.st_mtime_ns, md5)


def _inside(library: Path, relative: str) -> Path | None:
    """The file's place when it stays inside the library and is no database: its path is a foreign word."""
    parts = re.split(r"[/\\]", relative)
    if not all(parts) or ".." in parts or "\0" in relative or parts[-1].lower().startswith("metadata.db"):
        return None  # opening and closing metadata.db would drop the locks that SQLite holds on it
    path = library / relative
    return None if path.is_symlink() and path.resolve().name.startswith("metadata.db") else path
