"""One book: what it carries, its description made harmless, its kind, and its files on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.catalog.shelf import Shelf, entry
from tomed import catalog
from tomed.calibre.find import find_library
from tomed.errors import LibraryMissing, NotFound
from tomed.files import File, Files
from tomed.kinds import KindRule, kind_of
from tomed.model import Book, Format


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.store.close()


def test_a_book_carries_what_its_library_says(shelf: Shelf) -> None:
    """Every word of an entry comes back, by uuid and by our own key."""
    told = entry(
        7, "Title", "One, Jr.", "Two", series="S", series_index=1.5, tags=("b", "a"), languages=("eng", "deu"),
        identifiers=(("isbn", "978"),), publisher="P", custom=(("mood", "calm"), ("shelf", ["x", "y"])), published_at=5,
    )  # fmt: skip
    shelf.put(told)
    book = shelf.store.read(lambda c: catalog.book(c, told.uuid))
    assert book == shelf.store.read(lambda c: catalog.book_by_id(c, book.id))
    assert (book.title, book.authors, book.series, book.series_index) == ("Title", ("One, Jr.", "Two"), "S", 1.5)
    assert (book.tags, book.languages, book.identifiers) == (("b", "a"), ("eng", "deu"), {"isbn": "978"})
    assert (book.publisher, book.custom) == ("P", {"mood": "calm", "shelf": ["x", "y"]})
    assert (book.published_at, book.added_at, book.status) == (5, told.added_at, None)
    for missing in ("no-such", "", "\0", "\ud800"):
        with pytest.raises(NotFound):
            shelf.store.read(lambda c, uuid=missing: catalog.book(c, uuid))


def test_a_description_is_made_harmless(shelf: Shelf) -> None:
    """No script, no handler, no picture, no style, no address but http."""
    bad = (
        "<p onclick=x>Hi <b style='color:red'>you</b><script>alert(1)</script><img src=x onerror=alert(1)>"
        "<a href='javascript:alert(1)'>a</a><a href='https://e.org'>b</a><iframe src=//e></iframe>"
    )
    shelf.put(entry(1, "Bad", "X", description=bad), entry(2, "None", "X"))
    clean = shelf.store.read(lambda c: catalog.description(c, shelf.id_of("Bad")))
    assert clean == (
        '<p>Hi <b>you</b><a rel="noopener noreferrer">a</a><a href="https://e.org" rel="noopener noreferrer">b</a></p>'
    )
    assert shelf.store.read(lambda c: catalog.description(c, shelf.id_of("None"))) == ""


def test_kinds() -> None:
    """A column says it first, then tags, then the files; else it is a book."""
    plain = entry(1, "T", "A")
    assert kind_of(plain, KindRule()) == "book"
    assert kind_of(replace(plain, tags=("Sea", "MANGA")), KindRule()) == "manga"
    assert kind_of(replace(plain, formats=(Format("CBZ", "T", 1),)), KindRule()) == "comic"
    assert kind_of(replace(plain, formats=(Format("CBZ", "T", 1), Format("EPUB", "T", 1))), KindRule()) == "book"
    told = replace(plain, custom=(("type", ["Light Novel", "x"]),), tags=("manga",))
    assert kind_of(told, KindRule(column="#type")) == "light novel"
    assert kind_of(told, KindRule(column="other")) == "manga"
    assert kind_of(replace(plain, tags=("zine",)), KindRule(tags={"zine": "magazine"})) == "magazine"


def test_files_are_found_and_stay_inside(shelf: Shelf, tmp_path: Path) -> None:
    """The file by its real name; while Calibre renames the folder, by the id at its end; never outside the library."""
    library, files = tmp_path / "Library", Files(shelf.store)
    shelf.put(
        entry(1, "Here", "A"), entry(2, "Moving", "A"), entry(3, "Out", "A", path="../secret"),
        entry(4, "Up", "A", formats=(Format("EPUB", "../../secret/x", 1),)),
    )  # fmt: skip

    def found(book: Book, format: str) -> File:
        return asyncio.run(files.format(book, format))

    with pytest.raises(LibraryMissing):
        found(shelf.books(q="here").items[0], "EPUB")
    for path in ("Library/A/Here (1)/Here.epub", "Library/A/Moved (2)/Moving.epub", "secret/Out.epub", "secret/x.epub"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    book = shelf.books(q="here").items[0]
    assert found(book, "epub").path == library / "A/Here (1)/Here.epub"
    epub = asyncio.run(files.epub(book))
    assert epub is not None and epub.path == library / "A/Here (1)/Here.epub"
    moving = shelf.books(q="moving").items[0]
    assert found(moving, "EPUB").path == library / "A/Moved (2)/Moving.epub"
    for word in ("out", "up"):
        with pytest.raises(NotFound):
            found(shelf.books(q=word).items[0], "EPUB")
    with pytest.raises(NotFound, match="no PDF"):
        found(book, "PDF")
    files.close()


def test_the_library_that_calibre_names(tmp_path: Path) -> None:
    """Calibre's settings name the folder; a folder that is no library is passed over; else the usual place."""
    assert find_library({}, tmp_path) is None
    usual, named = tmp_path / "Calibre Library", tmp_path / "named"
    for folder in (usual, named):
        folder.mkdir()
        (folder / "metadata.db").touch()
    assert find_library({}, tmp_path) == usual
    settings = tmp_path / ".config" / "calibre" / "global.py.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'{{"library_path": "{named}"}}')
    assert find_library({}, tmp_path, "linux") == named
    for broken in ("{", "[]", '{"library_path": 5}', '{"library_path": "/nowhere"}'):
        settings.write_text(broken)
        assert find_library({}, tmp_path, "linux") == usual
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "global.py.json").write_text(f'{{"library_path": "{named}"}}')
    assert find_library({"CALIBRE_CONFIG_DIRECTORY": str(elsewhere)}, tmp_path, "linux") == named
