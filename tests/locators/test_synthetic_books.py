"""The two books made to hit every rule of KOReader's engine, against a golden file that explains every deviation."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bench.locators import starts_alike
from tests.data import shared
from tomed.locators import BookModel, locate
from tomed.locators.resolve import resolve
from tomed.model import Locator, LocatorKind, Precision

pytestmark = pytest.mark.shared

GOLDEN = json.loads((Path(__file__).parent / "synthetic.json").read_text())
"""Reason by reason the records that are not answered exactly: book, kind, XPointer, precision."""


@pytest.mark.parametrize("book", ["edge", "torture"])
def test_every_deviation_is_explained(book: str) -> None:
    """Whatever is not the engine's text, or not called exact, stands in the golden file with its reason."""
    model = BookModel.open(shared(f"epub-synthetic/{book}.epub"))
    deviations = set()
    lengths = []
    for record in _records(book):
        given = Locator(LocatorKind.XPOINTER, record["xpointer"])
        place = locate(model, given, want=LocatorKind.XPOINTER)
        if not starts_alike(place.text, record["text"]) or place.precision is not Precision.EXACT:
            deviations.add((book, record["kind"], record["xpointer"], place.precision.value))
        elif record["node"] == "#text" and record["kind"] != "boxelem":
            lengths.append((record["xpointer"], _length(model, given), record["node_len"]))
    golden = {tuple(record) for reason in GOLDEN.values() for record in reason["records"] if record[0] == book}
    assert deviations == golden
    assert [row for row in lengths if row[1] != row[2]] == []


@pytest.mark.parametrize("book", ["edge", "torture"])
@pytest.mark.parametrize("with_text", [False, True])
def test_no_exact_answer_is_wrong(book: str, with_text: bool) -> None:
    """Of all records, hidden and boxed ones too, none is called exact and shows other words than the engine did."""
    model = BookModel.open(shared(f"epub-synthetic/{book}.epub"))
    wrong = []
    for record in _records(book):
        given = Locator(LocatorKind.XPOINTER, record["xpointer"])
        place = locate(model, given, text=record["text"] if with_text else "", want=LocatorKind.XPOINTER)
        if place.precision is Precision.EXACT and not starts_alike(place.text, record["text"]):
            wrong.append((record["kind"], record["xpointer"], place.text, record["text"]))
    assert wrong == []


def _length(model: BookModel, given: Locator) -> int:
    found = resolve(model, given)
    section = model.section(found.number)
    assert section is not None and found.spot is not None
    return section.ends[found.spot.node] - section.starts[found.spot.node]


def _records(book: str) -> list[dict[str, str]]:
    with gzip.open(shared(f"epub-synthetic/{book}.jsonl.gz"), "rt", encoding="utf-8") as lines:
        next(lines)
        return [json.loads(line) for line in lines]
