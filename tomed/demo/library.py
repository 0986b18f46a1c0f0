"""The demo library: the handbook and the comic as a genuine Calibre library."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid5

import apsw

from tomed.demo import comic, handbook
from tomed.demo.calibre_library import DEFAULT_AT, CalibreLibrary, LibraryBook
from tomed.demo.cbz import cbz_bytes
from tomed.demo.custom_columns import CustomColumn
from tomed.errors import Conflict

VERSION = 1
"""Of the demo's content. A higher one makes the library anew where an older demo stands, and keeps that beside it."""

Progress = Callable[[int, int], None]
"""Told after each book: how many are done, of how many."""

_COLUMN = CustomColumn("kind", "Kind", "enumeration", display={"enum_values": ["book", "comic"], "enum_colors": []})
_COMIC_ADDED_AT = DEFAULT_AT + 6 * 3_600_000


def build_demo_library(folder: Path, progress: Progress | None = None) -> Path:
    """Make the demo library in ``folder``, unless this version of it is there already; answers ``folder``.

    It is written beside and put into place whole, so an interrupted build leaves nothing that looks like a library.

    Raises:
        Conflict: ``folder`` holds something that is not a demo library; it is left alone.
    """
    found = _demo_version(folder)
    if found == VERSION:
        return folder
    if found is None and folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not a demo library: choose an empty folder or one that does not exist yet.")
    half = folder.parent / f".{folder.name}.half"
    shutil.rmtree(half, ignore_errors=True)
    books = list(_books())
    with CalibreLibrary.create(half, library_uuid=_library_uuid(VERSION), columns=[_COLUMN]) as library:
        for done, book in enumerate(books, 1):
            library.add(book)
            if progress is not None:
                progress(done, len(books))
    if found is not None:  # an older demo, into which its owner may have put something
        folder.rename(folder.with_name(f"{folder.name} (before {VERSION})"))
    half.rename(folder)
    return folder


def _library_uuid(version: int) -> str:
    return str(uuid5(handbook.DEMO, f"library-{version}"))


def _demo_version(folder: Path) -> int | None:
    """Which demo the library in ``folder`` is, told by its library uuid; ``None`` when it is none."""
    if not (folder / "metadata.db").exists():
        return None
    try:
        connection = apsw.Connection(str(folder / "metadata.db"), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            told = connection.execute("SELECT uuid FROM library_id").fetchall()
        finally:
            connection.close()
    except apsw.Error:
        return None
    return next((v for v in range(1, VERSION + 1) if told == [(_library_uuid(v),)]), None)


def _books() -> Iterator[LibraryBook]:
    yield from handbook.volumes()
    pages = comic.pages()
    title, author = "From Lamp to Window", "The tomed Project"
    yield LibraryBook(
        title,
        (author,),
        files={"CBZ": cbz_bytes(pages, title=title, author=author)},
        tags=("Comic", "Wordless"),
        publisher="tomed",
        comments="<p>A book would like to see the moon. A comic without words.</p>",
        cover=pages[0],
        uuid=str(uuid5(handbook.DEMO, "from-lamp-to-window")),
        languages=("zxx",),
        added_at=_COMIC_ADDED_AT,
        published_at=DEFAULT_AT,
        custom={"kind": "comic"},
    )
