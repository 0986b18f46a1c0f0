"""Places in small books made for one rule each."""

from __future__ import annotations

import pytest

from tests.locators.books import chapter, epub
from tomed.errors import Invalid
from tomed.locators import BookModel, Place, locate
from tomed.model import Locator, LocatorKind, Precision

LONG = "It was a bright cold day in April, and the clocks were striking thirteen."
OTHER = "Winston Smith, his chin nuzzled into his breast in an effort to escape the vile wind."


def _x(model: BookModel, value: str, text: str = "", **more: object) -> Place:
    return locate(model, Locator(LocatorKind.XPOINTER, value), text=text, **more)  # type: ignore[arg-type]


def _c(model: BookModel, value: str, text: str = "", **more: object) -> Place:
    return locate(model, Locator(LocatorKind.CFI, value), text=text, **more)  # type: ignore[arg-type]


def _book(body: str, head: str = "<title>t</title>") -> BookModel:
    return BookModel.open(epub(chapter(body, head)))


def test_collapsed_and_raw_counts() -> None:
    """The engine counts code points of collapsed text, a browser UTF-16 units of what is written."""
    model = _book("<p>a\n   b 😀 c<!-- x --> d</p>")
    place = _x(model, "/body/DocFragment/body/p/text()[1].6")
    assert (place.cfi, place.text, place.precision) == ("epubcfi(/6/2!/4/2/1:10)", "c d", Precision.EXACT)
    assert _x(model, "/body/DocFragment/body/p/text()[2].1").cfi == "epubcfi(/6/2!/4/2/1:12)"
    assert _c(model, "epubcfi(/6/2!/4/2/1:3)").xpointer == "/body[1]/DocFragment[1]/body[1]/p[1]/text()[1].2"


def test_white_text_between_blocks_is_not_counted() -> None:
    """Between blocks the engine drops white space; between inlines it stays a text node of its own."""
    model = _book("\n<div>\n<p>a</p>\n<p>b</p> c <b>d</b> <i>e</i>\n</div>")
    assert _x(model, "/body/DocFragment/body/div/text()[1].1").cfi == "epubcfi(/6/2!/4/2/5:1)"
    assert _x(model, "/body/DocFragment/body/div/text()[2].0").cfi == "epubcfi(/6/2!/4/2/7:0)"
    assert _x(model, "/body/DocFragment/body/div/text()[3].0").precision is Precision.ELEMENT


def test_a_range_stands_for_its_start() -> None:
    """foliate-js notes the visible page as a range, sometimes with an empty start."""
    model = _book(f"<div><p>{LONG}</p><p>{OTHER}</p></div>")
    assert _c(model, "epubcfi(/6/2!/4/2,/4/1:8,/4/1:20)").text.startswith("Smith")
    assert _c(model, "epubcfi(/6/2!/4/2,,/4/1:20)").xpointer == "/body[1]/DocFragment[1]/body[1]/div[1].0"


def test_an_id_in_the_last_step_wins() -> None:
    """As foliate-js resolves it: an element that moved is found by its id."""
    model = _book('<p>new</p><p>a</p><p id="x">b</p>')
    assert _c(model, "epubcfi(/6/2!/4/4[x])").xpointer == "/body[1]/DocFragment[1]/body[1]/p[3].0"
    assert _c(model, "epubcfi(/6/2!/4/4[gone])").xpointer == "/body[1]/DocFragment[1]/body[1]/p[2].0"


def test_an_id_of_the_engine() -> None:
    """The engine keeps ids under the number of their chapter."""
    model = BookModel.open(epub(chapter("<p>a</p>"), chapter('<p>b</p><p id="fn 1">c</p>')))
    assert _x(model, "#_doc_fragment_1_ fn 1").cfi == "epubcfi(/6/4!/4/4)"
    with pytest.raises(Invalid):
        _x(model, "#fn 1")


def test_broken_itemrefs_count_for_the_cfi_alone() -> None:
    """An itemref without an item is a step of the CFI, but neither a section nor a fragment."""
    spine = '<itemref idref="nothing"/><itemref idref="c0"/><itemref idref="c0" linear="no"/><itemref idref="c1"/>'
    model = BookModel.open(epub(chapter("<p>a</p>"), chapter("<p>b</p>"), spine=spine))
    place = _x(model, "/body/DocFragment[3]/body/p/text().0")
    assert (place.section, place.cfi, place.text) == (2, "epubcfi(/6/8!/4/2/1:0)", "b")
    assert _c(model, "epubcfi(/6/4!/4/2/1:0)").xpointer.startswith("/body[1]/DocFragment[1]/")
    with pytest.raises(Invalid):
        _c(model, "epubcfi(/6/2!/4/2/1:0)")


def test_an_itemref_that_moved_is_known_by_its_id() -> None:
    """After a cover was put before it, the assertion in the CFI names the chapter; without text that is not exact."""
    spine = '<itemref idref="c0" id="front"/><itemref idref="c1" id="one"/>'
    model = BookModel.open(epub(chapter("<p>cover</p>"), chapter(f"<p>{LONG}</p>"), spine=spine))
    place = _c(model, "epubcfi(/6/2[one]!/4/2/1:3)")
    assert (place.section, place.precision) == (1, Precision.ELEMENT)
    assert _c(model, "epubcfi(/6/2[one]!/4/2/1:3)", LONG[3:40]).precision is Precision.EXACT


def test_two_bodies_are_two_fragments() -> None:
    """The engine makes a fragment of each body, and counts on from there."""
    twice = chapter("<p>a</p></body><body><p>b</p>")
    model = BookModel.open(epub(twice, chapter("<p>c</p>")))
    assert _x(model, "/body/DocFragment[2]/body/p/text().0").cfi == "epubcfi(/6/2!/6/2/1:0)"
    assert _x(model, "/body/DocFragment[3]/body/p/text().0").cfi == "epubcfi(/6/4!/4/2/1:0)"
    assert _c(model, "epubcfi(/6/2!/6/2/1:0)").xpointer == "/body[1]/DocFragment[2]/body[1]/p[1]/text()[1].0"


def test_a_body_out_of_a_broken_tag() -> None:
    """The engine gives an unreadable tag up, jumps into the next one, and may find a body there."""
    model = BookModel.open(epub(chapter("<p>a</p></body><?x 1?></body>b"), chapter("<p>c</p>")))
    assert model.section(0) is not None
    assert _x(model, "/body/DocFragment[2]/body/text().0").text == "b c"
    assert _x(model, "/body/DocFragment[3]/body/p/text().0").text == "c"


BARE = chapter("<p>a</p><TABLE/>").replace(' xmlns="http://www.w3.org/1999/xhtml"', "")


@pytest.mark.parametrize(
    "source",
    [
        chapter("<p>one<br>two</p>"),
        chapter("<p>a&nbsp;b</p><table><tr><td>x</td></tr></table>"),
        BARE,
        chapter('<p xlink:href="x">a</p><a id="x"/>'),
        '<!DOCTYPE html [<!ENTITY e "x">]>' + chapter("<p>a &e;</p>").partition("\n")[2],
        chapter("<p>a&nbsp;b</p>", "<title/>"),
        chapter("<p>a&nbsp;b</p>").replace("<head><title>t</title></head>", ""),
        chapter("<p>a&nbsp;b</p><pre>\nc</pre>"),
        chapter("<p>a&nbsp;b</p><p>c<!-- --><![CDATA[d]]></p>"),
        chapter("<p>a&nbsp;b</p><svg><title>t</title></svg>"),
        chapter("<p>a&nbsp;b</p><ul><li><div><li>x</li></div></li></ul>"),
        chapter("<p>a&nbsp;b</p></body><body>"),
        chapter("<p>a&nbsp;b</p><p><span><p>c</p></span></p>"),
    ],
)
def test_where_a_browser_falls_back_to_html(source: str) -> None:
    """There its tree is another: an XPointer is found, a CFI only says which chapter."""
    model = BookModel.open(epub(source))
    place = _x(model, "/body/DocFragment/body/p/text().0")
    assert (place.cfi, place.precision) == ("epubcfi(/6/2!/4)", Precision.SECTION)
    given = Locator(LocatorKind.XPOINTER, "/body/DocFragment/body/p/text()[1].0")
    assert locate(model, given, want=LocatorKind.XPOINTER).precision is Precision.EXACT
    assert _c(model, "epubcfi(/6/2!/4/2/1:0)").precision is Precision.SECTION


@pytest.mark.parametrize(
    "source",
    [
        chapter("<p>a&nbsp;b c</p>"),
        chapter("<p>a b c</p>").replace(' xmlns="http://www.w3.org/1999/xhtml"', ""),
        chapter('<p xlink:href="x">a b c</p><ul><li>x<ul><li>y</li></ul></li></ul><h2>z<br/></h2>'),
    ],
)
def test_where_html_makes_the_same_tree(source: str) -> None:
    """A browser falls back to HTML, but nothing in the chapter means anything else there."""
    place = _x(BookModel.open(epub(source)), "/body/DocFragment/body/p/text().4")
    assert (place.cfi, place.precision) == ("epubcfi(/6/2!/4/2/1:4)", Precision.EXACT)


def test_entities_are_known_where_the_doctype_says_xhtml() -> None:
    """With XHTML's public name a browser knows named entities, and the tree is the same."""
    doctype = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">'
    source = doctype + chapter("<p>a&nbsp;b c</p>").partition("\n")[2]
    place = _x(BookModel.open(epub(source)), "/body/DocFragment/body/p/text().4")
    assert (place.cfi, place.precision) == ("epubcfi(/6/2!/4/2/1:4)", Precision.EXACT)


STYLE = "<style>.v > span { display: block } section > p { display: inline-block } .k { white-space: pre-wrap }</style>"


def test_style_sheets_make_unsure() -> None:
    """Where a style sheet may turn blocks and white text stands between, an exact answer is not given without text."""
    model = _book(f'<section> <p>a</p> {LONG} <p>b</p> </section><p class="v"><span>x</span> y</p>', STYLE)
    unsure = "/body/DocFragment/body/section/text()[1].1"
    assert _x(model, unsure).precision is Precision.ELEMENT
    assert _x(model, unsure, LONG).precision is Precision.EXACT
    to_reader = locate(model, Locator(LocatorKind.CFI, "epubcfi(/6/2!/4/2/3:5)"), want=LocatorKind.XPOINTER)
    assert (to_reader.precision, to_reader.xpointer[-12:]) == (Precision.ELEMENT, "on[1]/p[1].0")
    # A selector that cannot match, or no white text in between, changes nothing.
    plain = _book(f"<div> <p>a</p> {LONG} <p>b</p> </div>", STYLE)
    assert _x(plain, "/body/DocFragment/body/div/text()[1].1").precision is Precision.EXACT
    assert _x(model, "/body/DocFragment/body/p/text()[1].1").precision is Precision.EXACT


def test_kept_white_space_makes_unsure() -> None:
    """Where a class may keep white space, offsets are not known."""
    model = _book('<p class="k">a  b</p><p>a  b</p>', STYLE)
    assert _x(model, "/body/DocFragment/body/p[1]/text().2").precision is Precision.ELEMENT
    assert _x(model, "/body/DocFragment/body/p[2]/text().2").precision is Precision.EXACT


def test_linked_style_sheets_are_read() -> None:
    """Also those that a sheet imports."""
    head = '<link rel="stylesheet" type="text/css" href="css/a.css"/>'
    files = {"OEBPS/css/a.css": "@import url('../b.css');", "OEBPS/b.css": "p { white-space: pre }"}
    model = BookModel.open(epub(chapter("<p>a  b</p>", head), files=files))
    assert _x(model, "/body/DocFragment/body/p/text().2").precision is Precision.ELEMENT


def test_inside_mathematics_the_element_is_meant() -> None:
    """The engine rewrites MathML."""
    math = '<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>x</mi><mo>+</mo><mn>1</mn></math>'
    model = _book(f"<p>so {math} is</p>")
    place = _x(model, "/body/DocFragment/body/p/math/mi/text().0")
    assert (place.cfi, place.precision) == ("epubcfi(/6/2!/4/2/2)", Precision.ELEMENT)
    assert _c(model, "epubcfi(/6/2!/4/2/2/2/1:0)").xpointer == "/body[1]/DocFragment[1]/body[1]/p[1]/math[1].0"
    assert _x(model, "/body/DocFragment/body/p/text()[2].1").precision is Precision.EXACT


def test_boxes_of_old_engines_are_seen_through() -> None:
    """XPointers from before 2020 name anonymous boxes; what they lead to is near, not exact."""
    model = _book("<div>a <p>b</p></div>")
    place = _x(model, "/body/DocFragment/body/div/autoBoxing/text().0")
    assert (place.text[:1], place.precision) == ("a", Precision.ELEMENT)


@pytest.mark.parametrize(
    ("value", "precision"),
    [
        ("/body", Precision.EXACT),
        ("/body/DocFragment", Precision.EXACT),
        ("/body/DocFragment.0", Precision.EXACT),
        ("/body/DocFragment/body/p[2].0", Precision.EXACT),
        ("/body/DocFragment/body/2", Precision.EXACT),
        ("/body/DocFragment/body/p[2].1", Precision.ELEMENT),
        ("/body/DocFragment/body/p[2]/text()[9].0", Precision.ELEMENT),
        ("/body/DocFragment/body/p[2]/text().999", Precision.ELEMENT),
        ("/body/DocFragment/body/p[9]/text().0", Precision.SECTION),
        ("/body/DocFragment/body/P[2]/text().0", Precision.SECTION),
        ("/body/DocFragment/div", Precision.SECTION),
    ],
)
def test_how_sure_an_xpointer_is(value: str, precision: Precision) -> None:
    """What leads as far as it says is exact, what breaks off is not."""
    assert _x(_book(f"<p>{LONG}</p><p>{OTHER}</p>"), value).precision is precision


@pytest.mark.parametrize("value", ["/body/DocFragment[2]/body", "/FictionBook/body", "/html/body", "/body/div"])
def test_xpointers_that_lead_nowhere(value: str) -> None:
    """They are refused, unless a fraction or a text helps."""
    model = _book(f"<p>{LONG}</p><p>{OTHER}</p>")
    with pytest.raises(Invalid):
        _x(model, value)
    assert _x(model, value, fraction=0.9).precision is Precision.FRACTION
    assert _x(model, value, OTHER).precision is Precision.EXACT


def test_text_repairs_a_place() -> None:
    """The text has the last word: nearby, elsewhere in the chapter, in another chapter."""
    one, two = (
        chapter(f"<p>new</p><p>{LONG}</p>" + "<p>filler</p>" * 900 + f"<p>{OTHER}</p>"),
        chapter(f"<h1>{LONG} twice</h1>"),
    )
    model = BookModel.open(epub(one, two))
    near = _x(model, "/body/DocFragment[1]/body/p[1]/text().0", LONG[9:60])
    assert (near.xpointer, near.precision) == ("/body[1]/DocFragment[1]/body[1]/p[2]/text()[1].9", Precision.EXACT)
    far = _x(model, "/body/DocFragment[1]/body/p[2]/text().0", OTHER[:40])
    assert (far.xpointer.split("/")[4], far.precision) == ("p[903]", Precision.EXACT)
    other = _x(model, "/body/DocFragment[1]/body/p[2]/text().0", "striking thirteen. twice")
    assert (other.section, other.precision) == (1, Precision.EXACT)


def test_text_in_several_places_is_not_exact() -> None:
    """The nearest one is taken, and is not called exact."""
    model = _book(f"<p>{LONG}</p>" + "<p>some filler that is here</p>" * 300 + f"<p>{LONG}</p>")
    place = locate(model, None, 0.9, LONG)
    assert (place.xpointer.split("/")[4], place.precision) == ("p[302]", Precision.ELEMENT)


def test_text_that_is_nowhere_takes_certainty_away() -> None:
    """An XPointer that resolves but stands before other words is not exact."""
    place = _x(_book(f"<p>{LONG}</p>"), "/body/DocFragment/body/p/text().0", "Nothing like this was ever written here")
    assert (place.text[:6], place.precision) == ("It was", Precision.ELEMENT)


def test_typography_does_not_matter() -> None:
    """Quotes, dashes, spaces and soft hyphens differ from file to file of the same book."""
    model = _book("<p>“Don’t”\u00a0—\u00a0he said… and went a\u00adway</p>")
    place = _x(model, "/body/DocFragment/body/p/text().0", '"Don\'t" - he said... and went away')
    assert place.precision is Precision.EXACT


def test_a_page_is_no_place() -> None:
    """Page numbers mean nothing in an EPUB."""
    with pytest.raises(Invalid):
        locate(_book("<p>a</p>"), Locator(LocatorKind.PAGE, "3"))


def test_fractions_weigh_text() -> None:
    """A chapter of pictures weighs nothing; the beginning is 0 and the end 1."""
    model = BookModel.open(epub(chapter('<img src="x"/>'), chapter("<p>abcd</p>"), chapter("<p>efgh</p>")))
    assert locate(model, None, 0.0).text == "abcd efgh"
    assert (locate(model, None, 0.5).section, locate(model, None, 0.5).text) == (2, "efgh")
    assert locate(model, None, 1.0).xpointer.endswith("text()[1].4")
    assert _x(model, "/body/DocFragment[2]/body/p/text().2").fraction == 0.25
    for wrong in (-0.1, 1.1, float("nan"), float("inf")):
        with pytest.raises(Invalid):
            locate(model, None, wrong)


def test_a_book_of_pictures_has_a_scale() -> None:
    """Where there is no text, all chapters weigh the same."""
    model = BookModel.open(epub(*[chapter('<img src="x"/>')] * 4))
    assert [locate(model, None, fraction).section for fraction in (0, 0.3, 0.6, 1)] == [0, 1, 2, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1251", "koi8-r"])
def test_encodings(encoding: str) -> None:
    """Whatever a chapter is written in, its text is the same."""
    text = "Все счастливые семьи похожи друг на друга"
    source = chapter(f"<p>{text}</p>").replace('encoding="utf-8"', f'encoding="{encoding.removesuffix("-sig")}"')
    place = _x(BookModel.open(epub(source.encode(encoding))), "/body/DocFragment/body/p/text().4")
    assert (place.text, place.precision) == (text[4:44].rstrip(), Precision.EXACT)
    assert place.fraction == pytest.approx(3 / len(text.replace(" ", "")), abs=0.03)
