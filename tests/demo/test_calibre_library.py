"""The libraries that we write are Calibre's own in every respect that the real calibredb can see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.libraries import DEFAULT_BOOKS, LibraryFixture, calibredb

pytestmark = pytest.mark.calibre

_CHECKS = 10


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    """What calibredb lists, by uuid."""
    told = calibredb(folder, "list", "--for-machine", "--fields", "all").stdout
    return {book["uuid"]: book for book in json.loads(told)}


def assert_well(folder: Path) -> None:
    """check_library finds nothing: it names each check with no line below it."""
    told = calibredb(folder, "check_library", "--csv").stdout
    assert [line for line in told.splitlines() if line and "Vacuuming" not in line] == []


def test_calibredb_lists_every_book_as_it_was_meant(library: LibraryFixture) -> None:
    """Titles, authors, series, tags, languages, identifiers, columns and files arrive whatever signs they hold."""
    books = listed(library.folder)
    assert len(books) == len(DEFAULT_BOOKS)
    for spec, made in zip(DEFAULT_BOOKS, library.books, strict=True):
        book = books[made.uuid]
        assert book["title"] == spec.title
        assert book["authors"] == " & ".join(spec.authors)
        assert book.get("series") == spec.series
        assert book["series_index"] == spec.series_index
        assert set(book["tags"]) == set(spec.tags)
        assert book["languages"] == list(spec.languages)
        assert book["identifiers"] == dict(spec.identifiers)
        assert book.get("publisher") == spec.publisher
        assert book.get("comments") == spec.comments
        assert {Path(p) for p in book["formats"]} == set(made.files.values())
        assert ("cover" in book and book["cover"] is not None) == spec.cover
        for label, value in spec.custom.items():
            assert book[f"*{label}"] == value
    assert_well(library.folder)
