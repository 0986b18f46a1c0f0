"""Books that want to hurt: every one is answered or refused with a sentence, in bounded memory and time."""

from __future__ import annotations

import io
import time
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from tests.data import shared
from tests.locators.books import CONTAINER, chapter, epub
from tomed.errors import Invalid
from tomed.locators import BookModel, locate
from tomed.locators import package as packages
from tomed.model import Locator, LocatorKind, Precision

PATIENCE_S = 60
MEMORY = 200 << 20
"""Bytes. A chapter may have 12 MiB; its tree and what leads to it take some times that."""

X = Locator(LocatorKind.XPOINTER, "/body/DocFragment[1]/body/p[1]/text().0")
C = Locator(LocatorKind.CFI, "epubcfi(/6/2!/4/2/1:0)")


def _bounded(book: bytes) -> None:
    """Ask for everything that can be asked of a book, within the patience."""
    begin = time.monotonic()
    try:
        model = BookModel.open(book)
        nowhere = "words that are in no such book at all"
        for locator, fraction, text in (
            (X, None, ""),
            (C, None, ""),
            (None, 0.5, ""),
            (None, 1.0, ""),
            (X, 0.3, nowhere),
        ):
            try:
                locate(model, locator, fraction, text)
            except Invalid as err:
                assert err.message.endswith(".")
    except Invalid as err:
        assert err.message.endswith(".")
    assert time.monotonic() - begin < PATIENCE_S


def _in_memory(book: bytes) -> None:
    """The same, with an eye on memory: several times slower, so for the big ones alone."""
    tracemalloc.start()
    try:
        _bounded(book)
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


@pytest.mark.shared
def test_the_malformed_collection() -> None:
    """Not one of the broken and hostile files does anything but be read or refused."""
    books = sorted(shared("malformed").glob("*.epub"))
    assert len(books) >= 30
    for book in books:
        _bounded(book.read_bytes())


BILLION = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))

DOCTYPE = f'<!DOCTYPE html [<!ENTITY a0 "lol">{BILLION}]>'

BOMBS: dict[str, Callable[[], bytes]] = {
    "entities": lambda: epub(DOCTYPE + chapter("<p>&a9;</p>").partition("\n")[2]),
    "deep": lambda: epub(chapter("<div>" * 100_000 + "x")),
    "deep and closed": lambda: epub(chapter("<div>" * 50_000 + "x" + "</div>" * 50_000)),
    "wide": lambda: epub(chapter("<b>x</b>" * 90_000)),
    "closing tags": lambda: epub(chapter("<i>" * 900 + "</b>" * 200_000)),
    "unclosed angle brackets": lambda: epub(chapter("<" * 1_000_000)),
    "unclosed comments": lambda: epub(chapter("<!--" * 500_000)),
    "unclosed scripts": lambda: epub(chapter("<script>" * 300_000)),
    "attributes": lambda: epub(chapter("<p " + "a=' " * 400_000)),
    "one attribute": lambda: epub(chapter("<p a='" + "b" * 2_000_000)),
    "ampersands": lambda: epub(chapter("&" * 1_000_000)),
    "ids": lambda: epub(chapter("".join(f'<a id="{n}"/>' for n in range(40_000)))),
    "bodies": lambda: epub(chapter("<p>x</p></body><body>" * 5_000)),
    "style": lambda: epub(
        chapter("<p class='a b'>x</p> " * 5_000, "<style>" + "p.a b > p.b { display: none } " * 20_000 + "</style>")
    ),
    "deep style": lambda: epub(
        chapter("<b class='a'>" * 900, f"<style>{'.a ' * 300}{{display:block}}{'.a{display:block}' * 500}</style>")
    ),
    "braces": lambda: epub(chapter("<p>x</p>", "<style>" + "{" * 500_000 + "</style>")),
    "brackets": lambda: epub(chapter("<p>x</p>", "<style>" + "[" * 300_000 + "(" * 300_000 + "{display:none}</style>")),
    "imports": lambda: epub(
        chapter("<p>x</p>", '<link rel="stylesheet" href="a.css"/>'),
        files={"OEBPS/a.css": '@import "b.css"; @import "a.css";', "OEBPS/b.css": '@import "a.css";' * 9999},
    ),
    "same chapter": lambda: epub(chapter("<p>" + "word " * 50_000 + "</p>"), spine='<itemref idref="c0"/>' * 5_000),
    "spine": lambda: epub(chapter("<p>x</p>"), spine='<itemref idref="c0"/>' * 25_000),
}

BIG: dict[str, Callable[[], bytes]] = {
    "white": lambda: epub(chapter("<p>" + " \n" * 1_000_000 + "x</p>")),
    "astral": lambda: epub(chapter("<p>" + "😀" * 100_000 + "</p>")),
    "one bomb": lambda: epub(b"<html><body>" + b"a" * (100 << 20)),
    "many bombs": lambda: epub(*[b"<html><body><p>" + b"a " * (5 << 20)] * 45),
}


@pytest.mark.parametrize("name", BIG)
def test_big_ones(name: str) -> None:
    """However large it unpacks, the memory is bounded."""
    _in_memory(BIG[name]())


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    """Whatever can be piled up is bounded."""
    _bounded(BOMBS[name]())


def test_an_entry_that_lies_about_its_size() -> None:
    """Of an entry that unpacks to more than it says, no more than a chapter's worth is ever unpacked."""
    book = bytearray(epub(b"<html><body><p>" + b"a" * (40 << 20)))
    at = book.rfind(b"OEBPS/c0.xhtml") - 46
    assert book[at : at + 4] == b"PK\x01\x02"
    book[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    _bounded(bytes(book))
    place = locate(BookModel.open(bytes(book)), X)
    assert place.precision is Precision.SECTION


@pytest.mark.parametrize(
    "href", ["../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "..%2f..%2fetc/passwd", "a\x00b"]
)
def test_addresses_stay_inside(href: str) -> None:
    """No address of a book means anything but a file of the archive."""
    assert not packages.resolved("OEBPS/content.opf", href) or "\x00" in href or "etc" not in href


def test_no_epub_at_all() -> None:
    """Something else than an EPUB is refused with what it lacks."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "x")
    for data, word in ((b"", "zip"), (b"PK\x03\x04" + b"\0" * 100, "zip"), (buffer.getvalue(), "container")):
        with pytest.raises(Invalid, match=word):
            BookModel.open(data)


def test_container_without_package() -> None:
    """A container that names nothing, or what is not there, is told apart."""
    for container, word in (("<container/>", "names no package"), (CONTAINER, "no package document")):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("META-INF/container.xml", container)
        with pytest.raises(Invalid, match=word):
            BookModel.open(buffer.getvalue())
