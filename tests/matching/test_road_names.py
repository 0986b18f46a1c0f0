"""Every road's name leads home: golden names written by the programs themselves."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.matching.sidecar import Sidecar, entry
from tomed import names

BOOKS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "road_names.json").read_text("utf-8"))["books"]


def entry_of(book: dict[str, Any], **changes: Any) -> Any:
    told = {
        "calibre_id": book["id"],
        "sort": book["sort"],
        "author_sort": book["author_sort"],
        "path": book["path"],
        "file": book["file"],
        "formats": (book["format"],),
    } | changes
    return entry(told.pop("title", book["title"]), *told.pop("authors", book["authors"]), **told)


def owners() -> dict[str, set[int]]:
    """Calibre ids by file name, over all roads."""
    found = defaultdict(set)
    for book in BOOKS:
        for name in book["names"].values():
            stem, extension = names.split_extension(name)
            found[f"{names.name_key(stem)}.{extension}"].add(book["id"])
    return found


def check(sidecar: Sidecar, keys: dict[int, Any]) -> None:
    shared = owners()
    for book in BOOKS:
        for road, name in book["names"].items():
            stem, extension = names.split_extension(name)
            of = {keys[i] for i in shared[f"{names.name_key(stem)}.{extension}"]}
            word, found = sidecar.ask(name)
            if len(of) == 1:
                assert [found] == list(of), (road, name, word, found)
            else:
                assert (word, found) == ("ambiguous", of), (road, name)


def test_every_road_leads_home(tmp_path: Path) -> None:
    """Each name that one book alone has resolves to it; a shared one names all who share it."""
    sidecar = Sidecar(tmp_path)
    ids = sidecar.put(*map(entry_of, BOOKS))
    check(sidecar, dict(zip((book["id"] for book in BOOKS), ids, strict=True)))


def test_old_names_stay_after_everything_was_renamed(tmp_path: Path) -> None:
    """Titles, authors, files and folders all changed: the names devices have still lead home."""
    sidecar = Sidecar(tmp_path)
    ids = sidecar.put(*map(entry_of, BOOKS))
    renamed = [
        entry_of(
            book,
            title=f"Renamed {number}",
            sort=f"Renamed {number}",
            authors=(f"Person {number}",),
            author_sort=f"{number}, Person",
            file=f"Renamed {number} - Person {number}",
            path=f"Person {number}/Renamed {number} ({book['id']})",
        )
        for number, book in enumerate(BOOKS)
    ]
    assert sidecar.put(*renamed) == ids
    check(sidecar, dict(zip((book["id"] for book in BOOKS), ids, strict=True)))
    assert sidecar.ask("Renamed 3 - Person 3.epub") == ("name", ids[3])


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: str(book["id"]))
def test_names_are_made_as_the_roads_make_them(book: dict[str, Any]) -> None:
    """Each road's own name is among those we make. A number, or a name cut on a longer path, has its own rule."""
    named = names.Named(
        book["title"], book["sort"], tuple(book["authors"]), book["author_sort"], ((book["format"], book["file"]),),
        book["path"], book["id"],
    )  # fmt: skip
    made = {(key, extension) for _, key, extension in names.roads(named)}
    for road, name in book["names"].items():
        stem, extension = names.split_extension(name)
        if road not in ("served", "served in its script", "wireless", "usb"):
            assert (names.name_key(stem), extension) in made, road
