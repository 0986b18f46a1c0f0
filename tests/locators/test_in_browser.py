"""The browser's side: what foliate-js itself, in a real Chromium, makes of our CFIs, and we of its."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import pytest

from bench.locators import COMPARED, recordings, records, starts_alike
from tests.data import shared
from tests.locators.foliate import told
from tomed.locators import BookModel, cfi, locate
from tomed.locators.build import build
from tomed.locators.passage import plain
from tomed.locators.styles import Styles
from tomed.model import Locator, LocatorKind, Precision

pytestmark = [pytest.mark.browser, pytest.mark.shared, pytest.mark.timeout(300)]

EACH = 72
"""Records of one book that are looked at."""
MADE = 12
"""CFIs that foliate-js makes in one chapter."""
CHAPTERS = 8


def test_foliate_shows_the_text_that_koreader_recorded() -> None:
    """An XPointer of KOReader's, translated and resolved by foliate-js, stands before the same words."""
    shared("xpointers")
    jobs, expected = [], []
    for path, book in recordings():
        model = BookModel.open(book)
        chapters: dict[int, list[tuple[str, dict[str, Any], Precision]]] = defaultdict(list)
        for record in _sample(records(path), EACH):
            place = locate(model, Locator(LocatorKind.XPOINTER, record["xpointer"]), want=LocatorKind.CFI)
            chapters[place.section].append((place.cfi, record, place.precision))
        for number, chosen in chapters.items():
            read = model.source(number)
            assert read is not None
            jobs.append({"source": read[0], "cfis": [point for point, _, _ in chosen]})
            expected.append((book.stem, chosen))
    answers = told("resolved", jobs)
    total = right = 0
    wrong: list[str] = []
    for (book, chosen), answer in zip(expected, answers, strict=True):
        for (point, record, precision), text in zip(chosen, answer["texts"], strict=True):
            alike = text is not None and _alike(text, record["text"])
            # A chapter that is no XML has another tree in the browser: there we say `section`, and are not counted.
            total += answer["xml"]
            right += alike and answer["xml"]
            if precision is Precision.EXACT and not alike:
                wrong.append(f"{book} {record['xpointer']} {point}: {text!r:.60} for {record['text']!r:.60}")
    assert total >= 2000
    assert wrong == [], f"{len(wrong)} exact answers are wrong"
    assert right / total >= 0.999


def test_cfis_that_foliate_made_lead_to_the_same_text() -> None:
    """What foliate-js writes down for a place becomes an XPointer that stands before the same words."""
    jobs, expected = [], []
    for path, book in recordings():
        if path.parent.name.startswith("dom"):
            continue
        model = BookModel.open(book)
        for number in _sample(range(len(model)), CHAPTERS):
            section, read = model.section(number), model.source(number)
            if section is None or read is None or not section.in_browser or not section.text.strip():
                continue
            base = cfi.point((model.package.spine_step, model.package.items[number].step))
            jobs.append({"source": read[0], "base": base, "count": MADE})
            expected.append((book.stem, model))
    total = right = 0
    books = set()
    wrong: list[str] = []
    for (book, model), answer in zip(expected, told("made", jobs), strict=True):
        for made in answer["found"]:
            total += 1
            books.add(book)
            place = locate(model, Locator(LocatorKind.CFI, made["cfi"]), want=LocatorKind.XPOINTER)
            back = locate(model, Locator(LocatorKind.XPOINTER, place.xpointer))
            alike = _alike(made["text"], place.text) and _alike(made["text"], back.text)
            right += alike
            if place.precision is Precision.EXACT and not alike:
                wrong.append(f"{book} {made['cfi']} {place.xpointer}: {place.text!r:.60} for {made['text']!r:.60}")
    assert len(books) >= 20
    assert total >= 1000
    assert wrong == [], f"{len(wrong)} exact answers are wrong"
    assert right / total >= 0.999


def test_where_a_browser_falls_back_to_html() -> None:
    """Chapters made no XML by taking their name space away: where we still know the tree, foliate-js agrees."""
    jobs, expected = [], []
    known = unknown = 0
    for _, book in recordings():
        model = BookModel.open(book)
        for number in _sample(range(len(model)), 6):
            read = model.source(number)
            if read is None or "<body" not in read[0] or not read[1]:
                continue
            source = re.sub(r'\sxmlns="[^"]*"', "", read[0], count=1)
            section = build(source, Styles())
            known += section.in_browser
            unknown += not section.in_browser
            if not section.in_browser:
                continue
            points, texts = [], []
            for node in _sample(section.texts, 12):
                offset = (section.ends[node] - section.starts[node]) // 2
                points.append(cfi.point((6, 2), section.path(node), offset=section.raw_of(node, offset)))
                texts.append(section.following(section.starts[node] + offset, 400, hidden=True))
            jobs.append({"source": source, "cfis": points})
            expected.append((book.stem, number, texts))
    wrong: list[str] = []
    total = 0
    for (book, number, texts), answer in zip(expected, told("resolved", jobs), strict=True):
        assert not answer["xml"]
        for text, shown in zip(texts, answer["texts"], strict=True):
            total += 1
            if shown is None or not starts_alike(shown, text):
                wrong.append(f"{book} {number}: {shown!r:.60} for {text!r:.60}")
    assert wrong == []
    assert total > 500
    assert known > unknown


def _sample(items: Any, most: int) -> list[Any]:
    """At most ``most`` of them, evenly spread."""
    items = list(items)
    return items if len(items) <= most else [items[i * len(items) // most] for i in range(most)]


def _alike(text: str, other: str) -> bool:
    """The same beginning; at a chapter's end the browser's text stops short."""
    return starts_alike(text, other) or (
        len(plain(text)) < COMPARED and plain(other).startswith(plain(text)) and len(plain(text)) < 4
    )
