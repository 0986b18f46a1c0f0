"""XPointer and CFI as texts: both dialects, everything foliate-js writes, and nonsense."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tomed.errors import Invalid
from tomed.locators import cfi, xpointer

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

NAMES = st.sampled_from(["div", "p", "x-bar", "annotation-xml", "h1", "?pi", "DocFragment", "autoBoxing"])
STEPS = st.one_of(
    st.builds(xpointer.Step, NAMES | st.just(xpointer.TEXT), st.integers(1, 10**6)),
    st.builds(xpointer.Step, st.just(xpointer.ANY), st.integers(1, 999)),
)
POINTERS = st.builds(
    xpointer.XPointer, st.lists(STEPS, min_size=1, max_size=9).map(tuple), st.none() | st.integers(0, 10**6)
)


@CALM
@given(POINTERS)
def test_an_xpointer_is_read_as_it_was_written(pointer: xpointer.XPointer) -> None:
    """Writing and reading lose nothing, and the written form is the canonical one."""
    assert xpointer.parse(str(pointer)) == pointer
    assert xpointer.canonical(str(pointer)) == str(pointer)


@CALM
@given(POINTERS)
def test_both_dialects_have_one_canonical_form(pointer: xpointer.XPointer) -> None:
    """The older engine leaves [1] out; that changes nothing."""
    assert xpointer.canonical(str(pointer).replace("[1]", "")) == str(pointer)


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        ("/body/DocFragment[6]/body/div[2]/p/text().15", "/body[1]/DocFragment[6]/body[1]/div[2]/p[1]/text()[1].15"),
        ("/body/DocFragment/body", "/body[1]/DocFragment[1]/body[1]"),
        ("/body/DocFragment[3].0", "/body[1]/DocFragment[3].0"),
        ("/body/3/p.0", "/body[1]/3/p[1].0"),
        ("#_doc_fragment_5_ fn1", "#_doc_fragment_5_ fn1"),
    ],
)
def test_spellings(value: str, canonical: str) -> None:
    """What KOReader writes, and what it accepts though it never writes it."""
    assert xpointer.canonical(value) == canonical


@pytest.mark.parametrize(
    "value",
    ["", "/", "body", "/body.", "/body/p[0]", "/body/p[", "/body/p.1.2", "/body/p.1/text()", "#", "/a b", "/p[-1]",
     "/p" * 5000, "/p[99999999999999999999]", "epubcfi(/6/4!/4)"],
)  # fmt: skip
def test_nonsense_is_no_xpointer(value: str) -> None:
    """It is refused with a sentence, not misread."""
    with pytest.raises(Invalid):
        xpointer.parse(value)


IDS = st.text(st.sampled_from("ab1^[](),;= é😀\n"), min_size=1, max_size=6)
CFI_STEPS = st.tuples(st.integers(0, 500).map(lambda n: 2 * n), st.none() | IDS)


def _escaped(text: str) -> str:
    return "".join("^" + char if char in "^[](),;=" else char for char in text)


@CALM
@given(st.lists(st.lists(CFI_STEPS, min_size=1, max_size=5), min_size=1, max_size=3), st.none() | st.integers(0, 9999))
def test_a_point_is_read_with_its_ids(paths: list[list[tuple[int, str | None]]], offset: int | None) -> None:
    """Steps, ids with everything escaped, indirections and the offset all arrive."""
    written = "!".join(
        "".join(f"/{index}" + (f"[{_escaped(name)}]" if name else "") for index, name in path) for path in paths
    )
    written += "" if offset is None else f"/1:{offset}"
    read = cfi.parse(f"epubcfi({written})")
    steps = [[(step.index, step.id or None) for step in path] for path in read.start]
    if offset is not None:
        assert read.start[-1][-1] == cfi.Step(1, offset=offset)
        steps[-1].pop()
    assert steps == paths
    assert not read.is_range


PATHS = st.lists(st.lists(st.integers(0, 999), min_size=1).map(tuple), min_size=1, max_size=3)


@CALM
@given(PATHS, st.none() | st.integers(0, 10**9 - 1))
def test_written_points_are_read_back(paths: list[tuple[int, ...]], offset: int | None) -> None:
    """What we write is what we read."""
    read = cfi.parse(cfi.point(*paths, offset=offset)).start
    assert [tuple(step.index for step in path) for path in read] == paths
    assert read[-1][-1].offset == offset


@pytest.mark.parametrize(
    ("value", "start", "end"),
    [
        ("epubcfi(/6[sp]/14[ref6]!/4/2,/58,/68/1:183)", "epubcfi(/6/14!/4/2/58)", "epubcfi(/6/14!/4/2/68/1:183)"),
        ("epubcfi(/6/4!/4/2,,/3:5)", "epubcfi(/6/4!/4/2)", "epubcfi(/6/4!/4/2/3:5)"),
        ("epubcfi(/6/4!/4/2/70,/1:0,/1:339)", "epubcfi(/6/4!/4/2/70/1:0)", "epubcfi(/6/4!/4/2/70/1:339)"),
        ("epubcfi(/6/4!/4/2/1,:3,:9)", "epubcfi(/6/4!/4/2/1:3)", "epubcfi(/6/4!/4/2/1:9)"),
        ("epubcfi(/8[s^,p]/6!/4[a^]b]/2/1:5[xx,y;s=b])", "epubcfi(/8/6!/4/2/1:5)", "epubcfi(/8/6!/4/2/1:5)"),
        ("epubcfi(/6/4!/4/2~23.5@5.75:97.6)", "epubcfi(/6/4!/4/2)", "epubcfi(/6/4!/4/2)"),
        ("epubcfi(/6/4)", "epubcfi(/6/4)", "epubcfi(/6/4)"),
    ],
)
def test_ranges_and_what_else_foliate_writes(value: str, start: str, end: str) -> None:
    """The two ends of a range, an empty start among them; media offsets and assertions do not disturb."""
    read = cfi.parse(value)
    for paths, wanted in ((read.start, start), (read.end, end)):
        numbers = [tuple(step.index for step in path) for path in paths]
        assert cfi.point(*numbers, offset=paths[-1][-1].offset) == wanted


@pytest.mark.parametrize(
    "value",
    ["", "epubcfi()", "epubcfi(/)", "epubcfi(6/4)", "/6/4!/4", "epubcfi(/6/4!/4/2", "epubcfi(/6/4!/4,/2)",
     "epubcfi(:3)", "epubcfi(/6/4[a)", "epubcfi(/6,/4,/6,/8)", "epubcfi(" + "/2" * 9000 + ")", "epubcfi(/99999999999)",
     "comic:5", "/body/DocFragment[1]", "epubcfi(/6:1!,:1!/2:1!,)"],
)  # fmt: skip
def test_nonsense_is_no_cfi(value: str) -> None:
    """It is refused with a sentence."""
    with pytest.raises(Invalid):
        cfi.parse(value)


@CALM
@given(st.text(st.sampled_from("/0123456789[]^!,:;=~@.ab()#"), max_size=60))
def test_any_text_is_read_or_refused(noise: str) -> None:
    """No text makes either grammar fail otherwise than with a sentence."""
    for parse, value in ((xpointer.parse, noise), (cfi.parse, f"epubcfi({noise})")):
        try:
            parse(value)
        except Invalid as err:
            assert err.message.endswith(".")
