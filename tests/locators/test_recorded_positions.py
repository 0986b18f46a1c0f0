"""Positions that KOReader's own engine recorded, in both of its dialects."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.locators import recordings, records, score
from tests.data import shared
from tests.locators.kepub import kepubified
from tomed.locators import BookModel, locate
from tomed.model import Locator, LocatorKind, Precision

pytestmark = [pytest.mark.shared, pytest.mark.timeout(300)]

EVERY = 13
"""Of the records each so many-th is looked at here; ``python -m bench.locators`` looks at all of them."""


def test_places_survive_the_way_over_the_browser() -> None:
    """Text right and the same place again over a CFI for 99.9 % and more, and not one exact answer wrong."""
    shared("xpointers")
    total: Counter[str] = Counter()
    dialects = set()
    for path, book in recordings():
        row = score(path, book, every=EVERY)
        assert row["wrong exact"] == 0, book.stem
        total += row
        dialects.add(path.parent.name)
    assert dialects == {"xpointers", "dom20260812"}
    assert total["records"] > 2500
    assert total["text"] >= 0.999 * total["records"]
    assert total["same"] >= 0.999 * total["records"]
    assert total["exact"] >= 0.98 * total["records"]


def test_text_makes_the_unsure_sure() -> None:
    """With the text that the device saw, what style sheets leave open is exact and right as well."""
    path = shared("xpointers/idpf-wasteland.jsonl.gz")
    row = score(path, shared("epub/idpf-wasteland.epub"), every=2, with_text=True)
    assert row["exact"] == row["text"] == row["records"]


@pytest.mark.parametrize("name", ["wells-the-time-machine", "debmake-doc-ja"])
def test_both_dialects_mean_the_same_place(name: str) -> None:
    """What the newer engine writes leads to where the older one's spelling does."""
    model = BookModel.open(shared(f"epub/{name}.epub"))
    for record in records(shared(f"xpointers/dom20260812/{name}.jsonl.gz"))[::20]:
        spelled = Locator(LocatorKind.XPOINTER, record["xpointer"])
        bare = Locator(LocatorKind.XPOINTER, record["xpointer"].replace("[1]", ""))
        assert locate(model, spelled) == locate(model, bare)


def test_another_file_of_the_book_is_found_by_text() -> None:
    """Into a KEPUB, whose every sentence sits in a span of its own, the text carries the place, and exactly."""
    book = shared("epub/wells-the-time-machine.epub")
    kepub = BookModel.open(kepubified(book))
    chosen = [r for r in records(shared("xpointers/wells-the-time-machine.jsonl.gz")) if len(r["text"]) > 40][::17]
    precisions: Counter[Precision] = Counter()
    for record in chosen:
        given = Locator(LocatorKind.XPOINTER, record["xpointer"])
        place = locate(kepub, given, record["progress"], record["text"], foreign=True)
        precisions[place.precision] += 1
        if place.precision is Precision.EXACT:
            wanted, got = ("".join(text.split())[:15] for text in (record["text"], place.text))
            assert got == wanted
    assert precisions[Precision.EXACT] >= 0.97 * len(chosen)


def test_without_text_another_file_is_known_by_fraction_alone() -> None:
    """A locator of another file proves nothing by itself."""
    model = BookModel.open(shared("epub/wells-the-time-machine.epub"))
    given = Locator(LocatorKind.XPOINTER, "/body/DocFragment[7]/body/section/p[38]/text().51")
    place = locate(model, given, 0.25, foreign=True)
    assert place.precision is Precision.FRACTION
    assert abs(place.fraction - 0.25) < 0.001
