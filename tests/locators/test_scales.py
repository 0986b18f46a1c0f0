"""Every reader counts in its own way; the share of the text is the scale that all of them are brought to."""

from __future__ import annotations

import pytest

from tests.data import shared
from tests.locators.books import chapter, epub
from tomed.locators import BookModel, locate
from tomed.model import Locator, LocatorKind, Precision

WORDS = "".join(f"<p>Sentence number {number} of this chapter stands here.</p>" for number in range(200))
NOISE = f'<div class="{"x" * 200}"></div>' * 400
"""Bytes without a word."""

NAVIGATION = """<nav epub:type="toc"><ol><li><a href="c0.xhtml">The <i>Plates</i></a></li>
<li><a href="c1.xhtml">Book One</a><ol><li><a href="c1.xhtml#half">Its second &amp; last half</a></li></ol></li>
<li><a href="http://elsewhere/c1.xhtml">nothing</a></li></ol></nav>
<nav epub:type="landmarks"><ol><li><a href="c1.xhtml">Start of content</a></li></ol></nav>"""

NCX = """<ncx><docTitle><text>All</text></docTitle><navMap>
<navPoint id="a"><navLabel><text>Plates</text></navLabel><content src="c0.xhtml"/></navPoint>
<navPoint id="b"><navLabel><text>Book One</text></navLabel><content src="c1.xhtml"/>
<navPoint id="c"><navLabel><text>Half</text></navLabel><content src="c1.xhtml#half"/></navPoint></navPoint>
</navMap><pageList><navLabel><text>Pages</text></navLabel><pageTarget><navLabel><text>7</text></navLabel>
<content src="c1.xhtml"/></pageTarget></pageList></ncx>"""


def _uneven() -> BookModel:
    """A chapter that is nearly all markup, then one that is nearly all text, then one that is not linear."""
    spine = '<itemref idref="c0"/><itemref idref="c1"/><itemref idref="c2" linear="no"/>'
    return BookModel.open(epub(chapter("<p>few</p>" + NOISE), chapter(WORDS), chapter(WORDS), spine=spine))


def test_bytes_are_not_text() -> None:
    """Behind a chapter of markup foliate-js is far in the book, whose text has only begun."""
    model = _uneven()
    bytes_ = model.scale_of(LocatorKind.CFI)
    border = bytes_.fraction(1, 0.0)
    assert border > 0.85
    assert bytes_.fraction(2, 0.0) == 1.0  # what is not linear has no bytes for foliate-js
    assert model.canonical(LocatorKind.CFI, border) < 0.001
    assert model.canonical(LocatorKind.CFI, (1 + border) / 2) == pytest.approx(0.25, abs=0.01)
    assert model.canonical(LocatorKind.XPOINTER, border) == border


@pytest.mark.parametrize("want", [LocatorKind.CFI, LocatorKind.XPOINTER])
def test_a_reader_gets_there_by_its_own_fraction(want: LocatorKind) -> None:
    """The fraction that is handed out lies behind the place on the reader's own scale, never before it."""
    model = _uneven()
    for pointer in ("/body/DocFragment[2]/body/p[1]/text().0", "/body/DocFragment[2]/body/p[120]/text().9"):
        place = locate(model, Locator(LocatorKind.XPOINTER, pointer), want=want)
        back = model.canonical(want, place.restore)
        assert 0 < back - place.fraction < 0.001
        # foliate-js takes a fraction for the end of a page: at the border it would show the chapter before
        assert model.scale_of(want).place(place.restore)[0] == 1


def test_foliate_counts_as_we_say() -> None:
    """In a real book the share of bytes is that of ``SectionProgress``: unpacked sizes of linear chapters."""
    model = BookModel.open(shared("epub/wells-the-time-machine.epub"))
    sizes = [model.package.entries[item.href].size for item in model.package.items]
    for number in range(len(model)):
        assert model.scale_of(LocatorKind.CFI).fraction(number, 0.5) == pytest.approx(
            (sum(sizes[:number]) + sizes[number] / 2) / sum(sizes)
        )


def test_where_only_the_chapter_is_known_the_fraction_says_how_far() -> None:
    """A CFI into a chapter that the browser reads otherwise still has its share of that chapter."""
    broken = chapter(WORDS.replace("</p>", "", 1).replace("<p>", "<table><p>", 1))
    model = BookModel.open(epub(chapter(WORDS), broken))
    place = locate(model, Locator(LocatorKind.CFI, "epubcfi(/6/4!/4/2/1:3)"), 0.8)
    assert (place.precision, place.fraction) == (Precision.SECTION, pytest.approx(0.8))
    elsewhere = locate(model, Locator(LocatorKind.CFI, "epubcfi(/6/4!/4/2/1:3)"), 0.2)
    assert elsewhere.fraction == pytest.approx(0.5, abs=0.01)


def _with_contents(properties: str, media_type: str, source: str) -> BookModel:
    half = WORDS.replace("<p>Sentence number 100 ", '<p id="half">Sentence number 100 ')
    book = epub(
        chapter("<p>few</p>"),
        chapter(half),
        files={
            "OEBPS/contents.x": source,
            "OEBPS/content.opf": f"""<package><metadata/><manifest><item id="c0" href="c0.xhtml"
            media-type="application/xhtml+xml"/><item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/>
            <item id="n" href="contents.x" properties="{properties}" media-type="{media_type}"/></manifest>
            <spine><itemref idref="c0"/><itemref idref="c1"/></spine></package>""",
        },
    )
    return BookModel.open(book)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("properties", "media_type", "source", "titles"),
    [
        ("nav", "application/xhtml+xml", NAVIGATION, ["The Plates", "Book One", "Its second & last half"]),
        ("", "application/x-dtbncx+xml", NCX, ["Plates", "Book One", "Half"]),
        ("nav", "application/xhtml+xml", "<nav><ol><li><a href='c0.xhtml'>", ["", "", ""]),
        ("", "text/plain", "", ["", "", ""]),
    ],
)
def test_the_chapter_of_a_place(properties: str, media_type: str, source: str, titles: list[str]) -> None:
    """The last line of the contents that leads to the place or before it, from either kind of table."""
    model = _with_contents(properties, media_type, source)
    pointers = ["[1]/body/p/text().0", "[2]/body/p[99]/text().0", "[2]/body/p[101]/text().0"]
    found = [locate(model, Locator(LocatorKind.XPOINTER, f"/body/DocFragment{pointer}")) for pointer in pointers]
    assert [place.chapter for place in found] == titles
