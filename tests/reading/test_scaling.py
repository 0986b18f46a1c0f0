"""Places of the log come to one scale in the background, whoever told them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.locators.books import chapter, epub
from tests.reading.test_recording import BOOK, KNOWN, NOW, OTHER, UNKNOWN, position, store, tell, where
from tomed import reading
from tomed.files import File
from tomed.locators import BookModel, locate
from tomed.locators.worker import Places as Translator
from tomed.model import BookId, Locator, LocatorKind, PositionEntry, Precision, Scaled, Status
from tomed.places import Places
from tomed.scaling import Scaling
from tomed.store import documents, events, scales
from tomed.store.db import Store

__all__ = ["store"]

WORDS = "".join(f"<p>Sentence number {number} of this chapter stands here.</p>" for number in range(200))
NOISE = f'<div class="{"x" * 200}"></div>' * 400
SENTENCE = "Sentence number 149 of this chapter stands here."
XPOINTER = Locator(LocatorKind.XPOINTER, "/body/DocFragment[2]/body/p[150]/text().0")
CFI = Locator(LocatorKind.CFI, "epubcfi(/6/4!/4/300/1:0)")
TRUE = 0.745
"""The share of the text before that sentence."""


@pytest.fixture
def book(tmp_path: Path, store: Store) -> Path:
    """A book of much markup and then much text, known to the store as an EPUB."""
    path = tmp_path / "book.epub"
    path.write_bytes(epub(chapter("<p>few</p>" + NOISE), chapter(WORDS)))
    store.write_now(lambda c: c.execute("INSERT INTO formats (book_id, format, name) VALUES (1, 'EPUB', 'x')") and None)
    return path


def in_this_process() -> Places:
    """The real translator, without a worker process."""
    return Places(Translator(0))


def measure(store: Store, path: Path | None) -> None:
    """Let the background do what it has to do."""

    async def find(_: BookId) -> File | None:
        return File.at(path) if path else None

    async def work() -> None:
        scaling = Scaling(store, in_this_process(), find, pause_s=0)
        scaling.wake()
        assert scaling._task is not None
        await scaling._task

    asyncio.run(work())


def offer(entry: PositionEntry | None, kind: LocatorKind, path: Path) -> PositionEntry:
    """What a reader of ``kind`` is told."""
    assert entry is not None

    async def find() -> Path:
        return path

    return asyncio.run(in_this_process().offer(entry, kind, find))


def log(store: Store) -> dict[str, tuple[float, float | None, Precision | None]]:
    """Event to (native fraction, canonical one, its precision)."""
    rows = store.read(lambda c: events.position_log(c, 1, BOOK))
    return {
        entry.event_id: (
            entry.fraction,
            entry.scaled.fraction if entry.scaled else None,
            entry.scaled.precision if entry.scaled else None,
        )
        for _, entry in rows
    }


def test_the_same_sentence_is_the_same_fraction(store: Store, book: Path):
    """KOReader's pages and foliate's bytes disagree about how far that is; on the one scale they do not."""
    tell(store, position("koreader", NOW, 0.7, locator=XPOINTER, text=SENTENCE))
    tell(store, position("browser", NOW + 1, 0.97, locator=CFI, text=SENTENCE))
    assert where(store).fraction == 0.97  # until somebody looked
    measure(store, book)
    found = log(store)
    assert found["koreader"] == (0.7, pytest.approx(TRUE, abs=0.005), Precision.EXACT)
    assert found["browser"] == (0.97, found["koreader"][1], Precision.EXACT)
    assert where(store).fraction == found["browser"][1]
    assert store.read(lambda c: c.execute("SELECT fraction FROM readings").get) == found["browser"][1]


def test_a_bare_fraction_is_converted_and_says_so(store: Store, book: Path):
    """A browser's sitting without a locator counts bytes like its other events; a device's pages stand as they are."""
    border = BookModel.open(book).scale_of(LocatorKind.CFI).fraction(1, 0.0)
    tell(store, position("located", NOW, 0.97, locator=CFI, text=SENTENCE))
    tell(store, position("bare", NOW + 1, (1 + border) / 2))
    tell(store, position("other", NOW, 0.4), user=2)
    measure(store, book)
    assert log(store)["bare"][1:] == (pytest.approx(0.5, abs=0.01), Precision.FRACTION)
    assert where(store, user=2).fraction == pytest.approx(0.4, abs=0.005)


def test_a_readers_own_end_is_the_end_everywhere(store: Store, book: Path):
    """The top of a last page is not the end of the text; its reader says that it is, and everybody believes it."""
    tell(store, position("end", NOW, 0.99, locator=CFI, text=SENTENCE))
    assert (where(store).status, where(store).fraction) == (Status.COMPLETE, 1.0)
    measure(store, book)
    assert (where(store).status, where(store).fraction) == (Status.COMPLETE, 1.0)
    assert log(store)["end"] == (0.99, 1.0, Precision.EXACT)


def test_twenty_of_twenty_pages_is_one(store: Store, book: Path):
    """Pages are counted to their end: the last one is 1.0 with or without a file to look at."""
    page = Locator(LocatorKind.PAGE, "20")
    tell(store, position("last", NOW, 1.0, locator=page))
    tell(store, position("middle", NOW - 1, 0.5, locator=Locator(LocatorKind.PAGE, "10")))
    assert where(store).fraction == 1.0
    measure(store, book)
    assert log(store)["last"] == (1.0, 1.0, Precision.EXACT)
    assert log(store)["middle"] == (0.5, 0.5, Precision.FRACTION)


def test_what_has_no_file_waits_for_one(store: Store, book: Path):
    """A book whose EPUB is not there keeps its reader's own fraction, and is measured when there is one."""
    tell(store, position("early", NOW, 0.97, locator=CFI, text=SENTENCE))
    measure(store, None)
    assert (log(store)["early"], where(store).fraction) == ((0.97, None, None), 0.97)
    measure(store, book)
    assert where(store).fraction == pytest.approx(TRUE, abs=0.005)


def test_a_file_that_is_no_book_is_tried_once(store: Store, book: Path, tmp_path: Path):
    """It is given up for all its places, and tried again by the next daemon: perhaps somebody mended it."""
    tell(store, position("a", NOW, 0.5, locator=CFI), position("b", NOW, 0.6, locator=CFI))
    broken = tmp_path / "broken.epub"
    broken.write_bytes(b"no book")
    measure(store, broken)
    assert log(store)["a"] == (0.5, None, Precision.FRACTION)
    assert where(store).fraction == 0.6
    measure(store, book)
    assert log(store)["a"][1] is not None


@pytest.mark.parametrize("value", ["/nobody/knows[this]", "/body/DocFragment[90]/body/p[1]/text().0"])
def test_a_place_that_the_book_does_not_have_spoils_no_other(store: Store, book: Path, value: str):
    """A bad locator leaves its reader's own fraction; those beside it in the log are measured all the same."""
    bad = Locator(LocatorKind.XPOINTER, value)
    tell(store, position("bad", NOW, 0.5, locator=bad), position("good", NOW + 1, 0.7, locator=XPOINTER, text=SENTENCE))
    measure(store, book)
    assert log(store)["bad"][1:] == (pytest.approx(0.5, abs=0.01), Precision.FRACTION)
    assert log(store)["good"] == (0.7, pytest.approx(TRUE, abs=0.005), Precision.EXACT)


EARLIER_WORDS = "".join(f"<p>This chapter once began with sentence {number} of these.</p>" for number in range(300))


def change(path: Path, *, at_ns: int, words: str) -> None:
    """Calibre saves an edited book in its place, with another time of change."""
    path.write_bytes(epub(chapter("<p>few</p>" + NOISE), chapter(words)))
    os.utime(path, ns=(at_ns, at_ns))


def test_a_changed_file_is_measured_again(store: Store, book: Path):
    """New text before a place moves it on the one scale, for everybody who read there and in the list of books."""
    tell(store, *[position(f"p{n}", NOW + n, 0.7, locator=XPOINTER, text=SENTENCE) for n in range(80)])
    tell(store, position("bob", NOW, 0.7, locator=XPOINTER, text=SENTENCE), user=2)
    measure(store, book)
    assert [found for _, found, _ in log(store).values()] == [pytest.approx(TRUE, abs=0.005)] * 80
    change(book, at_ns=10**18, words=EARLIER_WORDS + WORDS)
    measure(store, book)
    moved = where(store).fraction
    assert moved == pytest.approx(locate(BookModel.open(book), XPOINTER, None, SENTENCE, foreign=True).fraction)
    assert moved > TRUE + 0.1
    assert {found for _, found, _ in log(store).values()} == {moved} == {where(store, user=2).fraction}
    assert store.read(lambda c: c.execute("SELECT DISTINCT fraction FROM readings").get) == moved
    assert store.read(scales.waiting_books) == []


def test_an_unchanged_file_is_not_read_again(store: Store, book: Path):
    """What is known of this version stands; nobody opens the file."""
    tell(store, position("p", NOW, 0.7, locator=XPOINTER, text=SENTENCE))
    measure(store, book)
    store.write_now(lambda c: c.execute("UPDATE positions SET canonical = 0.123") and None)
    measure(store, book)
    assert log(store)["p"][1] == 0.123


def test_until_it_is_measured_again_the_earlier_place_stands(store: Store, book: Path):
    """A file that Calibre is just writing, or broke, takes nothing away; the next version is looked at again."""
    tell(store, position("p", NOW, 0.97, locator=CFI, text=SENTENCE))
    measure(store, book)
    before = log(store)["p"]
    whole = book.read_bytes()
    book.write_bytes(whole[: len(whole) // 2])
    os.utime(book, ns=(10**18, 10**18))
    measure(store, book)
    assert log(store)["p"] == before
    assert where(store).fraction == before[1]
    change(book, at_ns=10**18 + 1, words=WORDS + EARLIER_WORDS)
    measure(store, book)
    assert log(store)["p"][1] < before[1] - 0.1


def test_measuring_again_goes_on_where_it_was_ended(store: Store, book: Path):
    """A daemon that is stopped in the middle of a long log does the rest the next time, and only that."""
    tell(store, *[position(f"p{n:03}", NOW + n, 0.7, locator=XPOINTER, text=SENTENCE) for n in range(40)])
    measure(store, book)
    change(book, at_ns=10**18, words=EARLIER_WORDS + WORDS)
    found = book.stat()
    store.write_now(lambda c: scales.begin(c, BOOK, (found.st_size, found.st_mtime_ns)))
    half = store.read(lambda c: scales.outdated(c, BOOK, 25))
    mark = Scaled(0.123, Precision.EXACT)
    store.write_now(lambda c: scales.settle(c, BOOK, [(place, mark) for place in half]))
    measure(store, book)
    places = [place for _, place, _ in log(store).values()]
    assert places.count(0.123) == 25
    assert sum(place is not None and place > TRUE + 0.1 for place in places) == 15


def test_a_place_moves_with_its_file_to_another_book(store: Store, book: Path):
    """What was measured in one book is forgotten when the file turns out to be another."""
    tell(store, position("p", NOW, 0.97, UNKNOWN, locator=CFI, text=SENTENCE))
    (waiting,) = store.read(documents.waiting)
    store.write_now(lambda c: reading.place(c, waiting.id, BOOK, "link", NOW))
    measure(store, book)
    assert where(store).fraction == pytest.approx(TRUE, abs=0.005)
    store.write_now(lambda c: reading.place(c, waiting.id, OTHER, "link", NOW))
    assert where(store, OTHER).fraction == 0.97


def test_a_place_gone_back_to_is_where_it_was(store: Store, book: Path):
    """A restored entry is on the one scale at once, without anybody looking at the file again."""
    tell(store, position("far", NOW, 0.97, locator=CFI, text=SENTENCE), position("start", NOW + 1, 0.0))
    measure(store, book)
    (key,) = [key for key, entry in store.read(lambda c: events.position_log(c, 1, BOOK)) if entry.event_id == "far"]
    found = store.write_now(lambda c: reading.restore(c, 1, key, "again", NOW + 2))
    assert found.fraction == pytest.approx(TRUE, abs=0.005)


def test_each_reader_is_told_on_its_own_scale(store: Store, book: Path):
    """The browser gets bytes for a place that KOReader told, KOReader the share of text for one of the browser's."""
    tell(store, position("koreader", NOW, 0.7, KNOWN, locator=XPOINTER, text=SENTENCE))
    model, truth = BookModel.open(book), locate(BookModel.open(book), XPOINTER)
    for_browser = offer(where(store).position, LocatorKind.CFI, book)
    assert model.canonical(LocatorKind.CFI, for_browser.fraction) == pytest.approx(truth.fraction, abs=0.001)
    assert for_browser.fraction > 0.95
    tell(store, position("browser", NOW + 1, 0.97, locator=CFI, text=SENTENCE))
    for_device = offer(where(store).position, LocatorKind.XPOINTER, book)
    assert for_device.fraction == pytest.approx(truth.fraction, abs=0.001)
    assert offer(where(store).position, LocatorKind.CFI, book).fraction == 0.97


def test_a_reader_that_ended_the_book_is_at_the_end_for_the_other(store: Store, book: Path):
    """Whoever finished it in the browser is offered the last page by the device, not the page before."""
    tell(store, position("end", NOW, 1.0, locator=CFI, text=SENTENCE))
    assert offer(where(store).position, LocatorKind.XPOINTER, book).fraction == 1.0
