"""Where the files of a book are on disk.

They are looked for in threads of their own: a library may lie on a drive that sleeps or on a share that does not
answer. Then whoever wants a file of it waits, and nobody else.
"""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tomed import catalog
from tomed.errors import LibraryMissing, NotFound
from tomed.model import Book, BookId
from tomed.store.catalog import Place, places
from tomed.store.db import Store

T = TypeVar("T")

EPUBS = ("EPUB", "KEPUB")
"""Formats that are EPUBs, the one to be preferred first."""
COVER = "cover.jpg"
THREADS = 4


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was when it was found. ``size`` in bytes."""

    path: Path
    size: int
    modified_ns: int

    @classmethod
    def at(cls, path: Path) -> File | None:
        """The regular file at ``path``; None where there is none, or none that can be looked at."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(path, found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None

    @property
    def version(self) -> tuple[int, int]:
        """What another content of this file would hardly have."""
        return self.size, self.modified_ns

    @property
    def etag(self) -> str:
        """Made like aiohttp's own from time and size."""
        return f'"{self.modified_ns:x}-{self.size:x}"'


class Files:
    """Finds the files of books; one object a daemon."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tomed-library")

    async def format(self, book: Book, format: str) -> File:
        """The file of a format.

        Raises:
            NotFound: the book has no such format, or its file is nowhere.
            LibraryMissing: the library's folder is not there now.
        """
        return await self._look(book, lambda found: find_format(found, book, format))

    async def epub(self, book: Book) -> File | None:
        """The book's EPUB, or the KEPUB in its place; None when there is neither, or none can be found now."""
        return await self._look(book, lambda found: _find_epub(found, book))

    async def epub_of(self, book_id: BookId) -> File | None:
        """``epub`` of a book that is known by its key alone."""
        try:
            book = self._store.read(lambda c: catalog.book_by_id(c, book_id))
        except NotFound:
            return None
        return await self.epub(book)

    async def cover(self, book: Book) -> File | None:
        """The book's cover as Calibre keeps it; None when it has none or it can't be found now."""
        return await self._look(book, find_cover) if book.has_cover else None

    async def _look(self, book: Book, work: Callable[[Sequence[Place]], T]) -> T:
        found = self._store.read(lambda c: places(c, book.id))
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, found)

    def close(self) -> None:
        """Look for nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def find_format(among: Sequence[Place], book: Book, format: str) -> File:
    """The file of a format, in the first of the places that has it.

    The mirror may be a moment behind a rename, for Calibre moves files before it says so: then a folder
    that ends in the book's id is looked for. A library that is unplugged is stood in for by another that
    holds the book.

    Raises:
        NotFound, LibraryMissing: as ``Files.format``.
    """
    wanted = format.upper()
    name = next((f.name for f in book.formats if f.format == wanted), None)
    if name is None:
        raise NotFound(f"This book has no {wanted}.")
    file = _first(among, f"{name}.{wanted.lower()}")
    if file is not None:
        return file
    if among and not any(Path(place.library).is_dir() for place in among):
        raise LibraryMissing("The library that has this book is not there now. Is its drive plugged in?")
    raise NotFound(f"The library no longer has the {wanted} file of this book.")


def find_cover(among: Sequence[Place]) -> File | None:
    """The cover, in the first of the places that has one."""
    return _first(among, COVER)


def _find_epub(among: Sequence[Place], book: Book) -> File | None:
    names = {f.format: f"{f.name}.{f.format.lower()}" for f in book.formats}
    found = (_first(among, names[format]) for format in EPUBS if format in names)
    return next((file for file in found if file is not None), None)


def _first(among: Sequence[Place], name: str) -> File | None:
    for place in among:
        for folder in _folders(place):
            path = _inside(folder, name)
            file = File.at(path) if path is not None else None
            if file is not None:
                return file
    return None


def _folders(place: Place) -> Iterator[Path]:
    """Where the book should be; then, while Calibre renames it, a folder with its id beside that."""
    library = Path(place.library)
    folder = _inside(library, place.path) if place.path else None
    if folder is None:
        return
    yield folder
    try:
        yield from (entry for entry in folder.parent.iterdir() if entry.name.endswith(f" ({place.calibre_id})"))
    except OSError:
        return


def _inside(folder: Path, relative: str) -> Path | None:
    """``folder / relative`` when that stays inside: the database of a library is no reason to leave it."""
    parts = re.split(r"[/\\]", relative)
    if not all(parts) or ".." in parts or "\0" in relative:
        return None
    path = folder / relative
    return path if path.is_relative_to(folder) else None
