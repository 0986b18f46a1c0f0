"""How KOReader's engine displays elements before any style sheet speaks: facts about its defaults for EPUB."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


BLOCK = words(
    """
    ?xml ?xml-stylesheet DocFragment FictionBook address annotation applet area article aside audio author
    autoBoxing blockquote body book-name book-title button canvas caption center city col colgroup coverpage
    custom-info datalist date dd details dialog dir div dl document-info dt email empty-line epigraph fieldset
    figcaption figure floatBox footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup history home-page
    hr html id iframe input isbn keygen keywords lang legend li listing main map marquee menu multicol nav
    nickname noembed noframes noscript ol optgroup output p param part plaintext poem pre program-used publish-
    info publisher search section select sequence source src-lang src-ocr src-title-info src-url stanza subtitle
    summary table tabularBox tbody td template text-author textarea tfoot th thead title title-info tr track ul v
    version video xmp year
    """
)
"""Displayed above inline."""

NO_TEXT = words(
    """
    ?xml ?xml-stylesheet DocFragment FictionBook annotation applet area audio author base basefont bgsound
    cloneNode col colgroup coverpage description document-info embed empty-line epigraph head html image img input
    keygen link meta object param part poem pseudoElem publish-info source src-title-info stanza svg table tbody
    tfoot thead title-info tr track
    """
)
"""Text directly inside is dropped."""

NONE = words(
    """
    area base basefont bgsound binary cloneNode datalist description genre head input keygen link meta
    noembed noframes param pseudoElem rp script source style stylesheet template title track
    """
)
"""Not displayed at all. (``audio`` would be, but what is inside it is shown.)"""

PRE = words(
    """
    listing plaintext pre style textarea xmp
    """
)
"""White space is kept."""

TABLE_PARTS = words("table thead tbody tfoot tr colgroup")
"""White space between their children is dropped."""

BOXES = words("autoBoxing floatBox inlineBox tabularBox rubyBox mathBox")
"""Anonymous boxes that appear as steps in XPointers of engines before 2020."""

ISLANDS = words("math svg")
"""Rewritten or hidden by the engine: inside them no place is better known than the element itself."""
