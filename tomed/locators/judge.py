"""Whether a browser sees the same tree as KOReader's engine.

A browser reads a chapter as XML, and as HTML when that fails. Only when it opens and closes the very same elements
may a CFI be computed from the engine's tree.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from xml.parsers import expat

from tomed.locators.fallback import same_as_html

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*?PUBLIC\s+[\"']([^\"']*)[\"']")
_XML_NAMES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_XHTML = re.compile(
    r"-//W3C//DTD (XHTML 1\.0 (Transitional|Strict|Frameset)|XHTML 1\.1( plus MathML 2\.0( plus SVG 1\.1)?)?"
    r"|XHTML Basic 1\.0|MathML 2\.0)//EN|-//WAPFORUM//DTD XHTML Mobile 1\.[012]//EN"
)
_RAW = frozenset({"script", "style"})


@dataclass(frozen=True, slots=True)
class Outline:
    """Where elements open in the bodies of a file: position in the source and depth, in document order."""

    places: array[int]
    depths: array[int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a browser makes of a file."""

    outline: Outline
    body_steps: tuple[int, ...]
    """The CFI step of each ``body`` below ``html``."""


class _Refused(Exception):
    pass


def judge(source: str) -> Verdict | None:
    """Read the file as a browser does; None when its tree is not properly nested, or when we rather not follow it."""
    text = _plain_entities(source)
    verdict = _read(text, spaces=True) if text is not None else None
    if verdict is None and same_as_html(source):
        return _read(_NAMED.sub(_harmless, source), spaces=False)
    return verdict


def _read(text: str, *, spaces: bool) -> Verdict | None:
    """Read as XML; with ``spaces`` name spaces must be right, as they are for a browser."""
    reader = _Reader(spaces)
    parser = expat.ParserCreate("utf-16", namespace_separator=" " if spaces else None)
    reader.attach(parser)
    plain = _ASTRAL.sub("\N{REPLACEMENT CHARACTER}", text)
    try:
        parser.Parse(b"\xff\xfe" + plain.encode("utf-16-le", "surrogatepass"), True)
    except (expat.ExpatError, _Refused):
        return None
    return Verdict(Outline(reader.places, reader.depths), tuple(reader.body_steps))


def _harmless(match: re.Match[str]) -> str:
    return match[0] if match[1] in _XML_NAMES else "_" + match[0][1:]


def _plain_entities(source: str) -> str | None:
    """The source with named entities made harmless, each as long as before; None when one would be an error."""
    if all(name in _XML_NAMES for name in set(_NAMED.findall(source))):
        return source
    doctype = _DOCTYPE.search(source, 0, 4096)
    if doctype is None or not _XHTML.fullmatch(doctype[1]):
        return None
    return _NAMED.sub(_harmless, source)


class _Reader:
    """Notes elements inside bodies while expat reads; contents of scripts and styles are nobody's business."""

    def __init__(self, spaces: bool) -> None:
        self._spaces = spaces
        self.places = array("I")
        self.depths = array("H")
        self.body_steps: list[int] = []
        self._depth = 0
        self._body = 0
        self._raw = 0
        self._children = 0

    def attach(self, parser: expat.XMLParserType) -> None:
        self._parser = parser
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = self._entity

    def _entity(self, *_: object) -> None:
        raise _Refused  # a browser would expand it, the engine does not

    def _start(self, name: str, _: object) -> None:
        self._depth += 1
        space, _, local = name.rpartition(" ") if self._spaces else ("", "", name.lower())
        if self._depth == 1 and self._spaces and not space:
            raise _Refused  # without a name space a browser takes it for HTML
        if self._depth > 2000:
            raise _Refused
        if self._depth == 2:
            self._children += 1
        if not self._body:
            if local == "body":
                self._body = self._depth
                self.body_steps.append(self._children * 2 if self._depth == 2 else 0)
        elif not self._raw:
            self.places.append((self._parser.CurrentByteIndex - 2) // 2)
            self.depths.append(self._depth - self._body)
            if local.lower() in _RAW:
                self._raw = self._depth

    def _end(self, _: str) -> None:
        if self._raw == self._depth:
            self._raw = 0
        if self._body == self._depth:
            self._body = 0
        self._depth -= 1
