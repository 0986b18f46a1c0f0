"""The handbook's little Markdown."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomed.demo.markdown import chapter, inline


def test_every_block_has_its_element() -> None:
    """Headings, paragraphs, lists, tables and code become what they are meant to be."""
    source = (
        "# A & B\n\nTwo\nlines.\n\n## Under\n\n- one\n  more\n- two\n\n1. first\n2. second\n\n"
        "```\na < b\n\n- no list\n```\n\n| H | I |\n|---|---|\n| c | `d` |\n"
    )
    title, body = chapter(source)
    assert title == "A & B"
    assert body.split("\n") == [
        "<p>Two lines.</p>",
        "<h2>Under</h2>",
        "<ul>",
        "<li>one more</li>",
        "<li>two</li>",
        "</ul>",
        "<ol>",
        "<li>first</li>",
        "<li>second</li>",
        "</ol>",
        "<pre><code>a &lt; b",
        "",
        "- no list</code></pre>",
        "<table>",
        "<tr><th>H</th><th>I</th></tr>",
        "<tr><td>c</td><td><code>d</code></td></tr>",
        "</table>",
    ]


def test_marks_inside_a_line() -> None:
    """Emphasis is marked, code is shown as it is, signs of XML are escaped."""
    assert inline("a **b** *c* `*d* <e>` & f") == ("a <strong>b</strong> <em>c</em> <code>*d* &lt;e&gt;</code> &amp; f")


def test_a_chapter_without_a_title_is_refused() -> None:
    """A forgotten title would make a nameless entry in the table of contents."""
    with pytest.raises(ValueError, match="# title"):
        chapter("Just text")


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")) | st.just("\n")))
def test_any_text_becomes_well_formed(text: str) -> None:
    """Whatever is written, the XHTML can be parsed."""
    _, body = chapter(f"# Title\n\nStart {text}")
    ElementTree.fromstring(f"<body>{body}</body>")
