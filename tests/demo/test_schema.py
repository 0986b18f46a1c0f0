"""Our ``metadata.db`` has the tables, columns, indexes, triggers and views of the one that Calibre makes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.calibredb import calibre_schema
from tests.libraries import DEFAULT_BOOKS, BookSpec, LibraryFixture, calibredb, make_library
from tomed.demo.calibre_library import CalibreLibrary, LibraryBook
from tomed.demo.custom_columns import CustomColumn
from tomed.demo.schema import APPLICATION_ID, VERSIONS
from tomed.errors import Conflict


@contextmanager
def opened(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{folder / 'metadata.db'}?mode=ro", uri=True)) as connection:
        yield connection


def shape(folder: Path) -> dict[str, Any]:
    """All that can be asked about a schema apart from how its text is laid out."""
    with opened(folder) as connection:
        names = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        known: dict[str, Any] = {}
        for kind, name, table, sql in names:
            known[f"{kind} {name}"] = (table, _event(sql)) if kind == "trigger" else table
            if kind == "table":
                columns = connection.execute(f"PRAGMA table_info('{name}')").fetchall()
                known[f"columns of {name}"] = {
                    c[1]: (c[2].upper(), c[3], (c[4] or "").replace('"', "'"), c[5]) for c in columns
                }
                for _, index, unique, origin, partial in connection.execute(f"PRAGMA index_list('{name}')").fetchall():
                    on = [(c[2], c[4]) for c in connection.execute(f"PRAGMA index_xinfo('{index}')").fetchall()]
                    known[f"index {index} on"] = (unique, origin, partial, on)
        return known


def _event(sql: str) -> str:
    """When a trigger fires. Calibre's custom links watch a column ``author`` that isn't there; ``value`` is meant."""
    words = " ".join(sql.replace("FOR EACH ROW", "").split()).partition(" BEGIN")[0].split(" ", 3)[3]
    return words.replace("OF author ON books_custom", "OF value ON books_custom")


def views(folder: Path) -> dict[str, list[str]]:
    """The columns of each view; Calibre's functions stand in as ones that answer nothing."""
    with opened(folder) as connection:
        for name, count in (("title_sort", 1), ("books_list_filter", 1), ("concat", 1), ("sortconcat", 2)):
            connection.create_function(name, count, lambda *_: None)
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()]
        return {name: [c[0] for c in connection.execute(f"SELECT * FROM {name}").description] for name in names}


COLUMNS = [
    (CustomColumn("shelf", "Shelves", "text", is_multiple=True), ("text", "--is-multiple")),
    (CustomColumn("pages", "Pages", "int"), ("int",)),
    (CustomColumn("share", "Share", "float"), ("float",)),
    (CustomColumn("owned", "Owned", "bool"), ("bool",)),
    (CustomColumn("finished", "Finished", "datetime"), ("datetime",)),
    (CustomColumn("note", "Note", "comments"), ("comments",)),
    (CustomColumn("stars", "Stars", "rating"), ("rating",)),
    (CustomColumn("arc", "Arc", "series"), ("series",)),
]


@pytest.mark.calibre
def test_the_schema_is_the_one_that_calibre_makes(tmp_path: Path) -> None:
    """Held against a library that the installed Calibre has just made, custom columns included."""
    theirs = tmp_path / "theirs"
    for column, told in COLUMNS:
        calibredb(theirs, "add_custom_column", column.label, column.name, *told)
    version = calibre_schema()
    if version not in VERSIONS:
        pytest.skip(f"the installed Calibre's schema {version} is not one of {VERSIONS}")
    ours = tmp_path / "ours"
    make_library(ours, [], columns=[column for column, _ in COLUMNS], schema_version=version)
    expected, made = shape(theirs), shape(ours)
    assert set(made) == set(expected)
    assert made == expected
    assert views(ours) == views(theirs)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_schema_version_says_what_it_is(tmp_path: Path, version: int) -> None:
    """25, 26 and 27 differ in the columns that the reference names, and in nothing that a reader of books needs."""
    column = CustomColumn("shelf", "Shelves", "text", is_multiple=True)
    spec = BookSpec("A Book", custom={"shelf": ["one"]}, series="A Series")
    library = make_library(tmp_path / "lib", [spec], columns=[column], schema_version=version)
    known = shape(library.folder)
    with opened(library.folder) as connection:
        assert connection.execute("PRAGMA user_version").fetchall() == [(version,)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        ((application,),) = connection.execute("PRAGMA application_id").fetchall()
        assert connection.execute("SELECT title, uuid FROM books").fetchall() == [("A Book", library.books[0].uuid)]
    assert application == (APPLICATION_ID if version >= 27 else 0)
    for table in ("series", "tags", "publishers", "languages", "ratings", "custom_column_1"):
        assert ("link" in known[f"columns of {table}"]) == (version >= 26)
    assert {"isbn", "lccn", "flags"}.isdisjoint(known["columns of books"]) == (version >= 27)
    assert ("table books_pages_link" in known) == (version >= 27)


@contextmanager
def as_calibre(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open for writing with the functions that Calibre registers."""
    with closing(sqlite3.connect(folder / "metadata.db", isolation_level=None)) as connection:
        connection.create_function("title_sort", 1, lambda title: f"sorted {title}")
        connection.create_function("uuid4", 0, lambda: "a-new-uuid")
        yield connection


ORPHANS = [
    "INSERT INTO data (book, format, uncompressed_size, name) VALUES (999, 'EPUB', 1, 'x')",
    "INSERT INTO comments (book, text) VALUES (999, 'x')",
    "INSERT INTO last_read_positions (book, format, user, device, cfi, epoch) VALUES (999, 'EPUB', 'u', 'd', 'c', 0)",
    "INSERT INTO books_authors_link (book, author) VALUES (1, 999)",
    "INSERT INTO books_languages_link (book, lang_code) VALUES (1, 999)",
    "INSERT INTO books_tags_link (book, tag) VALUES (999, 1)",
    "INSERT INTO books_custom_column_1_link (book, value) VALUES (1, 999)",
    "UPDATE books_series_link SET series = 999",
    "UPDATE books_ratings_link SET book = 999",
    "DELETE FROM authors",
    "DELETE FROM series",
    "DELETE FROM languages",
]


@pytest.mark.parametrize("statement", ORPHANS)
def test_triggers_keep_the_foreign_keys(tmp_path: Path, statement: str) -> None:
    """What Calibre's own triggers refuse, ours refuse."""
    library = make_library(tmp_path / "lib", DEFAULT_BOOKS)
    with as_calibre(library.folder) as connection, pytest.raises(sqlite3.IntegrityError, match="Foreign key"):
        connection.execute(statement)


def test_triggers_keep_sort_uuid_and_belongings(tmp_path: Path) -> None:
    """A new row gets its sort and uuid, a new title its sort; with a book goes everything of it."""
    library = make_library(tmp_path / "lib", DEFAULT_BOOKS)
    with as_calibre(library.folder) as connection:
        connection.execute("INSERT INTO books (id, title) VALUES (500, 'The New')")
        assert connection.execute("SELECT sort, uuid FROM books WHERE id = 500").fetchall() == [
            ("sorted The New", "a-new-uuid")
        ]
        connection.execute("UPDATE books SET title = 'Other' WHERE id = 500")
        connection.execute("UPDATE books SET sort = 'by hand', pubdate = '2000' WHERE id = 1")
        connection.execute("INSERT INTO series (name) VALUES ('The Row')")
        assert connection.execute("SELECT sort FROM books WHERE id IN (1, 500) ORDER BY id").fetchall() == [
            ("by hand",),
            ("sorted Other",),
        ]
        assert connection.execute("SELECT sort FROM series WHERE name = 'The Row'").fetchall() == [("sorted The Row",)]
        connection.execute("DELETE FROM books")
        tables = [t for t in shape(library.folder) if t.startswith(("table books_", "table data", "table comments"))]
        tables = [t.removeprefix("table ") for t in tables if "custom" not in t]  # Calibre clears those itself
        left = {table: connection.execute(f"SELECT COUNT(*) FROM {table}").fetchall()[0][0] for table in tables}
        assert set(left.values()) == {0}, left


def test_a_comma_in_a_name_is_kept_as_a_bar(library: LibraryFixture) -> None:
    """That is how Calibre tells one author with a comma from two."""
    with opened(library.folder) as connection:
        rows = connection.execute("SELECT name, sort FROM authors WHERE name LIKE 'Stoker%'").fetchall()
    assert rows == [("Stoker| Bram| Jr.", "Stoker, Bram, Jr.")]


def test_a_library_is_never_written_into(tmp_path: Path) -> None:
    """Whatever stands in ``metadata.db``, ours or somebody's life's work or an empty file, is left alone."""
    (tmp_path / "metadata.db").write_bytes(b"")
    with pytest.raises(Conflict):
        CalibreLibrary.create(tmp_path)
    assert (tmp_path / "metadata.db").read_bytes() == b""


def test_a_failed_library_leaves_no_half_one(tmp_path: Path) -> None:
    """An error while books are added undoes the database; no library is there."""
    with pytest.raises(FileNotFoundError), CalibreLibrary.create(tmp_path / "lib") as library:
        library.add(LibraryBook("Book", files={"EPUB": tmp_path / "absent.epub"}))
    with opened(tmp_path / "lib") as connection:
        assert connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall() == [(0,)]


def test_the_same_books_make_the_same_bytes(tmp_path: Path) -> None:
    """Nothing in a library depends on the hour or on chance."""
    folders = [make_library(tmp_path / name).folder for name in ("one", "two")]
    first, second = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders)
    assert first == second
