"""A place carried into another file of the same book, made by Calibre's own tools."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from bench.locators import records, starts_alike
from tests.calibredb import calibre_program
from tests.data import shared
from tests.locators.books import chapter, epub
from tomed.locators import BookModel, locate
from tomed.model import Locator, LocatorKind, Precision

BOOK = "wells-the-time-machine"
LONG = "It was a bright cold day in April, and the clocks were striking thirteen."
OTHER = "Winston Smith, his chin nuzzled into his breast in an effort to escape the vile wind."


def _made(tool: str, source: Path, target: Path, *options: str) -> Path:
    command = [calibre_program(tool), str(source), str(target), *options]
    subprocess.run(command, check=True, capture_output=True, timeout=200)
    return target


@pytest.mark.shared
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("tool", "options", "least"),
    [
        ("ebook-polish", ("--smarten-punctuation", "--jacket", "--remove-unused-css", "--add-soft-hyphens"), 0.95),
        ("ebook-convert", ("--flow-size", "60", "--insert-blank-line", "--chapter-mark", "both"), 0.9),
    ],
)
def test_calibre_made_another_file_of_it(tool: str, options: tuple[str, ...], least: float, tmp_path: Path) -> None:
    """Polished (a jacket before it, other quotes, soft hyphens) or converted (cut up anew): the words are found, but
    for headings that its contents repeat."""
    source = shared(f"epub/{BOOK}.epub")
    model = BookModel.open(_made(tool, source, tmp_path / "other.epub", *options))
    old = BookModel.open(source)
    precisions: Counter[Precision] = Counter()
    chosen = [r for r in records(shared(f"xpointers/{BOOK}.jsonl.gz")) if len(r["text"]) > 40][::23]
    for record in chosen:
        given = Locator(LocatorKind.XPOINTER, record["xpointer"])
        place = locate(model, given, record["progress"], record["text"], foreign=True)
        precisions[place.precision] += 1
        if place.precision is Precision.EXACT:
            assert starts_alike(place.text, record["text"])
        # how far it is in the text is the same in both, wherever the chapters were cut
        assert place.fraction == pytest.approx(locate(old, given).fraction, abs=0.05)
    assert precisions[Precision.EXACT] >= least * len(chosen), precisions


def test_an_xpointer_of_a_file_that_is_no_epub() -> None:
    """KOReader's pointers into an AZW3 or a FB2 mean nothing in the EPUB: words lead, else the share of it."""
    model = BookModel.open(epub(chapter(f"<p>{OTHER}</p>" * 3), chapter(f"<p>x</p><p>{LONG}</p>")))
    for pointer in ("/html/body/div[2]/p[7]/text().0", "/FictionBook/body/section[3]/p[2]/text().0"):
        given = Locator(LocatorKind.XPOINTER, pointer)
        found = locate(model, given, 0.8, LONG[:40], foreign=True)
        assert (found.text, found.precision) == (LONG[:40], Precision.EXACT)
        lost = locate(model, given, 0.8, "words that stand nowhere in this book", foreign=True)
        assert (lost.precision, lost.fraction) == (Precision.FRACTION, pytest.approx(0.8, abs=0.01))


def test_a_cfi_of_the_file_before_it_was_edited() -> None:
    """A chapter was put before it and a paragraph in it: the words lead to where the sentence stands now."""
    model = BookModel.open(epub(chapter("<p>A preface.</p>"), chapter(f"<h1>One</h1><p>{OTHER}</p><p>{LONG}</p>")))
    place = locate(model, Locator(LocatorKind.CFI, "epubcfi(/6/2!/4/4/1:9)"), 0.5, LONG[9:49])
    assert (place.xpointer, place.precision) == (
        "/body[1]/DocFragment[2]/body[1]/p[2]/text()[1].9",
        Precision.EXACT,
    )
