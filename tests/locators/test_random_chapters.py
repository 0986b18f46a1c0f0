"""Chapters nobody wrote: random trees and plain tag soup, against an independent reading of the CFI rules."""

from __future__ import annotations

from xml.dom import Node, minidom

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.locators.books import chapter, epub
from tomed.locators import BookModel, cfi, locate
from tomed.locators.passage import plain
from tomed.locators.resolve import resolve
from tomed.model import Locator, LocatorKind, Precision

SLOW = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WORDS = st.text(st.sampled_from("ab 😀é\u00a0\u3000\u00ad\n\t漢"), min_size=1, max_size=12)
LEAVES = st.one_of(
    WORDS,
    st.sampled_from(
        [" ", "\n  ", "  x  y ", "&amp;", "&#160;", "&#x1F600;", " &#32; ", "<!-- c -->", "<![CDATA[ <q>  r]]>",
         "<br/>", '<img src="x"/>', "<hr />", "<?pi a?>", "<p/>", "\r\n", "a\r\nb", "<a id='i'></a>"]
    ),
)  # fmt: skip
NAMES = "p div span b em section blockquote ul li table tr td h1 pre a ruby rt dl dd x-bar textarea svg math"
TAGS = st.sampled_from(NAMES.split())
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(lambda tag, kids: f"<{tag}>{''.join(kids)}</{tag}>", TAGS, st.lists(inner, max_size=5)),
    max_leaves=25,
)
SOUP = st.lists(
    st.one_of(
        LEAVES,
        TAGS.map(lambda tag: f"<{tag}>"),
        TAGS.map(lambda tag: f"</{tag}>"),
        st.sampled_from(
            ["<", ">", "</", "<p", "<!--", "]]>", "<a b=",
             '<p c="', "<p\td>", "<1>", "<p::q>", "&", "&foo;", "<script>",
             "</body>", "<body>", "<?x 1?>", "<![CDATA[", "<style>", "&#xD800;", "&#0;"]
        ),
    ),
    max_size=30,
)  # fmt: skip


@SLOW
@given(st.lists(TREES, max_size=6))
def test_every_text_is_where_its_cfi_says(trees: list[str]) -> None:
    """An XPointer's CFI, counted by hand in another parser's tree, stands before the same text; at every text node."""
    source = chapter("".join(trees))
    model = BookModel.open(epub(source))
    section = model.section(0)
    assert section is not None
    assert section.in_browser
    document = minidom.parseString(source.encode())
    for node in section.texts:
        if section.island(node) is not None:
            continue
        length = section.ends[node] - section.starts[node]
        for offset in {0, 1, length // 2, length - 1, length} & set(range(length + 1)):
            steps = "".join(map(str, section.steps(node)))
            given_ = Locator(LocatorKind.XPOINTER, f"/body/DocFragment/body{steps}.{offset}")
            place = locate(model, given_)
            back = resolve(model, Locator(LocatorKind.CFI, place.cfi))
            assert back.spot is not None
            begin = section.starts[node] + offset
            there = section.place(back.spot)
            # In an expanded tab the browser has no places, and between two nodes one place is as good as the other.
            assert not section.text[min(begin, there) : max(begin, there)].strip(" ")
            if offset < length:
                rest = section.text[begin : section.ends[node]]
                assert _at(document, place.cfi).startswith(plain(rest))


@SLOW
@given(st.lists(TREES, max_size=6), st.lists(st.integers(0, 30), max_size=6), st.integers(0, 40))
def test_any_cfi_leads_somewhere_and_back(trees: list[str], steps: list[int], offset: int) -> None:
    """Whatever steps a CFI has, it leads into the chapter; called exact, the XPointer leads to the same place."""
    model = BookModel.open(epub(chapter("".join(trees))))
    value = cfi.point((6, 2), (4, *steps), offset=offset if steps and steps[-1] % 2 else None)
    place = locate(model, Locator(LocatorKind.CFI, value))
    assert 0 <= place.fraction <= 1
    if place.precision is Precision.EXACT:
        there, back = (
            resolve(model, Locator(*pair))
            for pair in ((LocatorKind.CFI, value), (LocatorKind.XPOINTER, place.xpointer))
        )
        section = model.section(0)
        assert section is not None and there.spot is not None and back.spot is not None
        places = sorted((section.place(there.spot), section.place(back.spot)))
        assert not section.text[places[0] : places[1]].strip(" ")


@SLOW
@given(SOUP)
def test_soup_has_a_tree_in_which_xpointers_are_stable(pieces: list[str]) -> None:
    """No soup is refused, and every text node's XPointer leads back to it."""
    model = BookModel.open(epub(chapter("".join(pieces))))
    section = model.section(0)
    if section is None:
        return
    fragment = model.fragment(0)
    for node in section.texts:
        if section.island(node) is not None:
            continue
        steps = "".join(map(str, section.steps(node)))
        body = fragment + section.body_of(node)
        found = resolve(model, Locator(LocatorKind.XPOINTER, f"/body/DocFragment[{body}]/body{steps}.0"))
        assert found.spot is not None and found.spot.node == node
    for fraction in (0.0, 0.3, 1.0):
        assert locate(model, None, fraction).precision is Precision.FRACTION


@SLOW
@given(st.lists(TREES, min_size=1, max_size=6), st.floats(0, 1))
def test_fractions_come_back(trees: list[str], fraction: float) -> None:
    """The place at a fraction has that fraction, but for one character of the shown text."""
    model = BookModel.open(epub(chapter("<p>first chapter, some words</p>"), chapter("".join(trees))))
    place = locate(model, None, fraction)
    section = model.section(place.section)
    assert section is not None
    share = (model.scale.befores[place.section + 1] - model.scale.befores[place.section]) / model.scale.befores[-1]
    shown = len(section.text) - sum(stop - begin for begin, stop in section.hidden)
    assert abs(place.fraction - fraction) <= share / max(1, shown) + 1e-9


def _at(document: minidom.Document, value: str) -> str:
    """The plain text that follows a CFI, by the rules of EPUB CFI in an independent tree."""
    local = cfi.parse(value).start[1]
    element = document.documentElement
    for step in local[:-1]:
        element = [kid for kid in element.childNodes if kid.nodeType == Node.ELEMENT_NODE][step.index // 2 - 1]
    chunks = [""]
    for kid in element.childNodes:
        if kid.nodeType == Node.ELEMENT_NODE:
            chunks.append("")
        elif kid.nodeType in (Node.TEXT_NODE, Node.CDATA_SECTION_NODE):
            chunks[-1] += kid.data
    last = local[-1]
    assert last.index % 2 and last.offset is not None
    units = chunks[last.index // 2].encode("utf-16-le")
    return plain(units[2 * last.offset :].decode("utf-16-le"))
