"""The libraries that we write are Calibre's own in every respect that the real calibredb can see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.libraries import ADDED_AT, DEFAULT_BOOKS, BookSpec, LibraryFixture, calibredb, make_epub, make_library
from tomed.demo.custom_columns import CustomColumn

pytestmark = pytest.mark.calibre

COLUMNS = (
    CustomColumn("shelf", "Shelves", "text", is_multiple=True),
    CustomColumn("pages", "Pages", "int"),
    CustomColumn("share", "Share", "float"),
    CustomColumn("owned", "Owned", "bool"),
    CustomColumn("finished", "Finished", "datetime"),
    CustomColumn("note", "Note", "comments"),
    CustomColumn("stars", "Stars", "rating"),
    CustomColumn("arc", "Arc", "series"),
    CustomColumn("state", "State", "enumeration", display={"enum_values": ["new", "read"], "enum_colors": []}),
)
VALUES = {
    "shelf": ["Полка", "first & last"],
    "pages": 210,
    "share": 41.5,
    "owned": True,
    "finished": "2024-03-01 00:00:00+00:00",
    "note": "<p>縦書き</p>",
    "stars": 6,
    "arc": ("The Return", 2.5),
    "state": "read",
}


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    """What calibredb lists, by uuid."""
    told = calibredb(folder, "list", "--for-machine", "--fields", "all").stdout
    return {book["uuid"]: book for book in json.loads(told)}


def assert_well(folder: Path) -> None:
    """check_library finds nothing (it would write one line for each thing it finds)."""
    told = calibredb(folder, "check_library", "--csv").stdout
    assert [line for line in told.splitlines() if line and "Vacuuming" not in line] == []


def test_calibredb_lists_every_book_as_it_was_meant(library: LibraryFixture) -> None:
    """Titles, authors, series, tags, languages, identifiers, columns and files arrive whatever signs they hold."""
    books = listed(library.folder)
    assert len(books) == len(DEFAULT_BOOKS)
    for spec, made in zip(DEFAULT_BOOKS, library.books, strict=True):
        book = books[made.uuid]
        assert book["id"] == made.id
        assert book["title"] == spec.title
        assert book["authors"] == " & ".join(spec.authors)
        assert book.get("series") == spec.series
        assert book["series_index"] == spec.series_index
        assert set(book["tags"]) == set(spec.tags)
        assert book["languages"] == list(spec.languages)
        assert book["identifiers"] == dict(spec.identifiers)
        assert book.get("publisher") == spec.publisher
        assert book.get("comments") == spec.comments
        assert book.get("rating") == spec.rating
        assert {Path(p) for p in book["formats"]} == set(made.files.values())
        assert (book.get("cover") is not None) == spec.cover
        for label, value in spec.custom.items():
            assert book[f"*{label}"] == value
    assert books[library.books[0].uuid]["timestamp"] == "2026-01-01T00:00:00+00:00"
    assert_well(library.folder)


def test_check_library_would_have_told(library: LibraryFixture) -> None:
    """The witness of the other tests is awake: a file that goes missing is reported."""
    library.books[0].files["EPUB"].unlink()
    with pytest.raises(AssertionError):
        assert_well(library.folder)


def test_custom_columns_of_every_kind(tmp_path: Path) -> None:
    """Calibre shows the value of each kind of column, and can change it."""
    library = make_library(tmp_path / "lib", [BookSpec("Columns", custom=VALUES)], columns=COLUMNS)
    (book,) = listed(library.folder).values()
    shown = {label: book[f"*{label}"] for label in VALUES}
    assert shown == VALUES | {"arc": "The Return", "finished": "2024-03-01T00:00:00+00:00"}
    library.calibredb("set_custom", "pages", "1", "211")
    library.calibredb("set_custom", "shelf", "1", "third")
    library.calibredb("add_custom_column", "mood", "Mood", "text")
    library.calibredb("set_custom", "mood", "1", "glad")
    (book,) = listed(library.folder).values()
    assert (book["*pages"], book["*shelf"], book["*mood"]) == (211, ["third"], "glad")
    assert_well(library.folder)


def test_calibredb_edits_and_the_triggers_work(library: LibraryFixture) -> None:
    """Title, authors and series change through Calibre's triggers, and the files follow."""
    book = library.book("First Light")
    edits = ("title:The Last Light", "authors:Nora New & Otto Old", "series:The Other Series", "series_index:3.5")
    library.calibredb("set_metadata", *(part for edit in edits for part in ("--field", edit)), str(book.id))
    changed = listed(library.folder)[book.uuid]
    assert changed["title"] == "The Last Light"
    assert changed["authors"] == "Nora New & Otto Old"
    assert (changed["series"], changed["series_index"]) == ("The Other Series", 3.5)
    (file,) = changed["formats"]
    assert file.endswith(f"Nora New/The Last Light ({book.id})/The Last Light - Nora New.epub")
    assert Path(file).is_file()
    assert not book.files["EPUB"].exists()
    assert_well(library.folder)


def test_calibredb_adds_and_removes(library: LibraryFixture, tmp_path: Path) -> None:
    """A new book gets the next id, a format comes and goes, a removed book takes its rows and its folder along."""
    epub = make_epub(tmp_path / "new.epub", "Newcomer", author="New Comer", series="Arrivals", series_index=4)
    library.calibredb("add", str(epub))
    known = {book.uuid for book in library.books}
    (added,) = [book for book in listed(library.folder).values() if book["uuid"] not in known]
    assert added["id"] == len(library.books) + 1
    assert (added["title"], added["authors"], added["series"]) == ("Newcomer", "New Comer", "Arrivals")
    assert added["series_index"] == 4

    text = tmp_path / "more.txt"
    text.write_text("more")
    library.calibredb("add_format", "1", str(text))
    library.calibredb("remove_format", "3", "PDF")
    library.calibredb("remove", "2")
    books = {book["id"]: book for book in listed(library.folder).values()}
    assert [Path(p).suffix for p in sorted(books[1]["formats"])] == [".epub", ".txt"]
    assert [Path(p).suffix for p in sorted(books[3]["formats"])] == [".epub", ".fb2"]
    assert 2 not in books
    assert not (library.folder / library.books[1].folder).exists()
    assert_well(library.folder)


@pytest.mark.parametrize("backed_up", [False, True], ids=["from our OPFs", "after backup_metadata"])
def test_a_lost_database_is_restored_from_the_folders(tmp_path: Path, backed_up: bool) -> None:
    """The OPFs say enough for Calibre to make ``metadata.db`` anew, custom columns included."""
    specs = [*(spec for spec in DEFAULT_BOOKS[:9] if not spec.custom), BookSpec("Columns", custom=VALUES)]
    library = make_library(tmp_path / "lib", specs, columns=COLUMNS)
    before = listed(library.folder)
    if backed_up:
        library.calibredb("backup_metadata", "--all")
    library.metadata_db.unlink()
    library.calibredb("restore_database", "--really-do-it")
    after = listed(library.folder)
    assert set(after) == set(before)
    for uuid, book in before.items():
        for volatile in ("last_modified", "template", "*finished", "cover"):
            book.pop(volatile, None)
            after[uuid].pop(volatile, None)
        # A book without a value in a column may show it as empty or not at all.
        assert {k: v for k, v in after[uuid].items() if v not in (None, [])} == {
            k: v for k, v in book.items() if v not in (None, [])
        }
    assert_well(library.folder)


def test_ids_and_times_are_the_callers(tmp_path: Path) -> None:
    """A test may ask for a certain Calibre id and time of adding."""
    spec = BookSpec("Chosen", calibre_id=77, added_at=ADDED_AT + 1_000)
    library = make_library(tmp_path / "lib", [spec, BookSpec("Next")])
    first, second = listed(library.folder).values()
    assert (first["id"], second["id"]) == (77, 78)
    assert first["timestamp"] == "2026-01-01T00:00:01+00:00"
