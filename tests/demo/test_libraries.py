"""The tests' own tools: fingerprints that see every touch, and libraries that Calibre has nothing to mend in."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.calibredb import calibre_schema
from tests.libraries import BookSpec, LibraryFixture, fingerprint, make_epub, make_library


def test_nothing_done_is_nothing_seen(library: LibraryFixture) -> None:
    """Reading and asking leave no trace."""
    before = library.fingerprint()
    for book in library.books:
        for path in book.files.values():
            path.read_bytes()
    list(library.folder.rglob("*"))
    assert library.fingerprint() == before


def _touch_database(folder: Path) -> None:
    os.utime(folder / "metadata.db", ns=(1, 1))


def _add_and_remove(folder: Path) -> None:
    (folder / "metadata.db-journal").touch()
    (folder / "metadata.db-journal").unlink()


def _same_time_other_bytes(folder: Path) -> None:
    path = next(folder.rglob("*.epub"))
    stat = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("touch", [_touch_database, _add_and_remove, _same_time_other_bytes])
def test_a_fingerprint_sees_every_touch(library: LibraryFixture, touch: Callable[[Path], None]) -> None:
    """A time, a file that was there for a moment, a byte."""
    before = fingerprint(library.folder)
    touch(library.folder)
    assert fingerprint(library.folder) != before


@pytest.mark.calibre
def test_calibre_has_nothing_to_mend_when_it_opens_one(tmp_path: Path) -> None:
    """Listing a library of ours, of the installed Calibre's schema, changes no file, ``metadata.db`` included."""
    library = make_library(tmp_path / "lib", schema_version=calibre_schema())
    before = library.fingerprint()
    library.calibredb("list")
    after = library.fingerprint()
    before.pop("."), after.pop(".")  # Calibre makes and removes a file there to learn about upper and lower case
    assert after == before


def test_the_shared_library_is_a_copy(shared_library: LibraryFixture) -> None:
    """It may be written into, and is the one of 39 books."""
    assert len(shared_library.books) == 39
    assert sum(len(book.files) for book in shared_library.books) == 43
    assert all(path.is_file() for book in shared_library.books for path in book.files.values())
    assert shared_library.book("The Prophet").authors == ("Khalil Gibran",)
    for path in (shared_library.folder, *shared_library.folder.rglob("*")):
        assert os.access(path, os.W_OK)
        assert path.stat().st_mode & 0o200


def test_made_files_are_where_the_library_says(tmp_path: Path) -> None:
    """Every format has its file, even in a path with spaces and brackets."""
    spec = BookSpec("Brackets [1] {2}", formats=("EPUB", "CBZ", "PDF", "TXT", "FB2"), files={"AZW3": b"bytes"})
    library = make_library(tmp_path / "a [strange] folder", [spec])
    (book,) = library.books
    assert set(book.files) == {*spec.formats, "AZW3"}
    for form, path in book.files.items():
        assert path.is_file()
        assert path.suffix == f".{form.lower()}"
        assert path.parent == library.folder / book.folder
    assert library.book(spec.title) is book


def test_an_epub_for_any_test(tmp_path: Path) -> None:
    """Chapters and identifiers are the caller's."""
    path = make_epub(
        tmp_path / "x.epub", "Title", chapters=[("One", "<p>first words</p>")], identifiers=["calibre:some-uuid"]
    )
    with zipfile.ZipFile(path) as archive:
        assert "<p>first words</p>" in archive.read("EPUB/chapter-01.xhtml").decode()
        assert "<dc:identifier>calibre:some-uuid</dc:identifier>" in archive.read("EPUB/package.opf").decode()
