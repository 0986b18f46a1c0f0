"""Real Calibre libraries for the tests, made here from nothing, and the real ``calibredb`` to work on them.

    def test_something(library):            # a dozen books with awkward names
        book = library.book("Dracula & Co")
        library.calibredb("set_metadata", "-f", "title:Other", str(book.id))

``make_library(folder, [BookSpec(...)])`` makes any other. ``tests/conftest.py`` makes the fixtures ``library`` and
``shared_library`` known to every test.
"""

from __future__ import annotations

import asyncio
import functools
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import apsw
import pytest

from tests.book_files import default_chapters, make_epub, make_file
from tests.calibredb import calibre_api, calibredb, fingerprint
from tests.data import shared
from tomed.demo import drawing
from tomed.demo.calibre_library import CalibreLibrary, LibraryBook
from tomed.demo.custom_columns import CustomColumn

__all__ = [
    "DEFAULT_BOOKS",
    "BookSpec",
    "LibraryFixture",
    "MadeBook",
    "calibredb",
    "default_chapters",
    "fingerprint",
    "library",
    "make_epub",
    "make_file",
    "make_library",
    "shared_library",
]

LIBRARY_UUID = "7a0b6f0e-5f0c-4b7e-9a51-6d1f00000001"
ADDED_AT = 1_767_225_600_000  # 2026-01-01T00:00:00Z

DEFAULT_COLUMNS = (
    CustomColumn("shelf", "Shelves", "text", is_multiple=True),
    CustomColumn("pages", "Pages", "int"),
    CustomColumn("kind", "Kind", "enumeration", display={"enum_values": ["book", "comic", "manga"], "enum_colors": []}),
)


@dataclass(frozen=True, slots=True)
class BookSpec:
    """A book to make. Its files are made too, one for each of ``formats``, unless ``files`` brings the bytes."""

    title: str
    authors: tuple[str, ...] = ("A. Writer",)
    formats: tuple[str, ...] = ("EPUB",)
    series: str | None = None
    series_index: float = 1.0
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("eng",)
    identifiers: Mapping[str, str] = field(default_factory=dict)
    publisher: str | None = None
    rating: int | None = None
    comments: str | None = None
    cover: bool = True
    uuid: str | None = None
    """Left out: derived from title and author, so that it is the same in every run."""
    calibre_id: int | None = None
    added_at: int | None = None
    custom: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


LONG = "An Exceedingly Long Title Of The Kind That Was Fashionable In Another Century: " + "And Its Sequel " * 8
DEFAULT_BOOKS = (
    BookSpec("First Light", ("Ada Lantern",), series="The Lamplighters", series_index=1, tags=("Fantasy",), rating=8),
    BookSpec("Between Lights", ("Ada Lantern",), series="The Lamplighters", series_index=1.5, cover=False),
    BookSpec("Second Light", ("Ada Lantern",), ("EPUB", "PDF", "FB2"), series="The Lamplighters", series_index=2),
    BookSpec("Tenth Light", ("Ada Lantern", "Bo Wick"), series="The Lamplighters", series_index=10),
    BookSpec("Dracula & Co", ("Stoker, Bram, Jr.",), identifiers={"isbn": "9780306406157"}, publisher="Night & Day"),
    BookSpec("100% \"Quoted\" 'Title'_with; <b>signs</b>: What?", ('O\'Brien "Mac" % Sons',), tags=("50%", "a_b")),
    BookSpec("星の物語", ("夏目 漱石",), languages=("jpn",), series="星", custom={"shelf": ["棚"]}),
    BookSpec("كتاب النجوم", ("نجيب الكاتب",), languages=("ara",)),
    BookSpec("Ночь над Невой", ("Лев Ёжиков",), languages=("rus",)),
    BookSpec(
        "Straße nach Ærø", ("Émile Žižek-Ångström",), languages=("deu", "fra"), comments="<p>Eine <i>Reise</i>.</p>"
    ),
    BookSpec("The Travelling Book", ("Pell Mell",), ("CBZ",), tags=("Comic",), custom={"kind": "comic", "pages": 4}),
    BookSpec("Paper Only", ("No Format",), (), cover=False),
    BookSpec(LONG.strip(), ("A Rather Long Author Name That Goes On And On Beyond Every Border",), ("EPUB", "TXT")),
)
"""Series 1, 1.5, 2 and 10, many scripts, signs that are syntax elsewhere, no file, several files."""


@dataclass(frozen=True, slots=True)
class MadeBook:
    """A book that stands in the library: ``files`` by format; ``folder`` is relative, as Calibre keeps it."""

    id: int
    uuid: str
    title: str
    authors: tuple[str, ...]
    folder: str
    files: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class LibraryFixture:
    """A library on disk that a test may do with as it likes."""

    folder: Path
    books: tuple[MadeBook, ...] = ()

    @property
    def metadata_db(self) -> Path:
        return self.folder / "metadata.db"

    def book(self, title: str) -> MadeBook:
        """The only book of that title, as it was made."""
        (found,) = [book for book in self.books if book.title == title]
        return found

    def calibredb(self, *args: str) -> str:
        """Run ``calibredb`` on this library; its standard output."""
        return calibredb(self.folder, *args).stdout

    def calibre_api(self, code: str) -> str:
        """Run Python inside Calibre with this library as ``db``; see ``tests.calibredb.calibre_api``."""
        return calibre_api(self.folder, code)

    async def calibredb_async(self, *args: str) -> str:
        """``calibredb`` while this event loop goes on serving."""
        return await asyncio.to_thread(self.calibredb, *args)

    def fingerprint(self) -> dict[str, str]:
        """See ``fingerprint``."""
        return fingerprint(self.folder)


def make_library(
    folder: Path,
    books: Iterable[BookSpec] = DEFAULT_BOOKS,
    *,
    columns: Iterable[CustomColumn] = DEFAULT_COLUMNS,
    library_uuid: str = LIBRARY_UUID,
    schema_version: int = 25,
) -> LibraryFixture:
    """Write a genuine Calibre library into ``folder``, which must not hold one yet."""
    made = []
    with CalibreLibrary.create(
        folder, library_uuid=library_uuid, columns=columns, schema_version=schema_version
    ) as library:
        for number, spec in enumerate(books):
            book = _library_book(spec, number)
            book_id = library.add(book)
            path = next(folder.glob(f"*/* ({book_id})"))
            files = {form: next(path.glob(f"*.{form.lower()}")) for form in book.files}
            made.append(
                MadeBook(book_id, book.uuid or "", book.title, book.authors, str(path.relative_to(folder)), files)
            )
    return LibraryFixture(folder, tuple(made))


def _library_book(spec: BookSpec, number: int) -> LibraryBook:
    return LibraryBook(
        spec.title,
        spec.authors,
        files={form: make_file(form, spec.title, spec.authors) for form in spec.formats} | dict(spec.files),
        series=spec.series,
        series_index=spec.series_index,
        tags=spec.tags,
        languages=spec.languages,
        identifiers=spec.identifiers,
        publisher=spec.publisher,
        rating=spec.rating,
        comments=spec.comments,
        cover=_cover() if spec.cover else None,
        uuid=spec.uuid or book_uuid(spec.title, spec.authors[0], number),
        calibre_id=spec.calibre_id,
        added_at=ADDED_AT + number * 3_600_000 if spec.added_at is None else spec.added_at,
        custom=spec.custom,
    )


def book_uuid(title: str, author: str, number: int = 0) -> str:
    """The uuid that a ``BookSpec`` without one gets; ``number`` is its place in the list."""
    return str(uuid5(NAMESPACE_URL, f"tomed-tests:{title}:{author}:{number}"))


@functools.cache
def _cover() -> bytes:
    return drawing.cover("Cover", "Author", size=(120, 180))


@pytest.fixture
def library(tmp_path: Path) -> LibraryFixture:
    """The default library of ``make_library``, new for each test."""
    return make_library(tmp_path / "Calibre Library")


@pytest.fixture
def shared_library(tmp_path: Path) -> LibraryFixture:
    """A copy of the library of 39 books that ``calibredb`` itself has made; skipped where the large test data isn't."""
    source = shared("calibre-library")
    folder = tmp_path / "Shared Library"
    shutil.copytree(source, folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return LibraryFixture(folder, _books_of(folder))


def _books_of(folder: Path) -> tuple[MadeBook, ...]:
    """What ``metadata.db`` says stands in ``folder``; only before any daemon of this process has opened it."""
    connection = apsw.Connection(str(folder / "metadata.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        books = connection.execute("SELECT id, uuid, title, path FROM books ORDER BY id").fetchall()
        authors = connection.execute(
            "SELECT book, replace(name, '|', ',') FROM books_authors_link AS l JOIN authors AS a ON a.id = l.author "
            "ORDER BY l.id"
        ).fetchall()
        files = connection.execute("SELECT book, format, name FROM data ORDER BY id").fetchall()
    finally:
        connection.close()
    return tuple(
        MadeBook(
            int(str(key)),
            str(uuid),
            str(title),
            tuple(str(name) for book, name in authors if book == key),
            str(path),
            {str(form): folder / f"{path}/{name}.{str(form).lower()}" for book, form, name in files if book == key},
        )
        for key, uuid, title, path in books
    )
