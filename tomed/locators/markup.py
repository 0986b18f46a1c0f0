"""Markup as KOReader's engine reads it: never refused, cut up by simple rules, so that any file has a tree.

The same scan serves well-formed and broken files, since the engine has no other. Where a browser would see another
tree is for ``judge.py`` to find out.
"""

from __future__ import annotations

import codecs
import html.entities
import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

_SPACE = r"[ \t\r\n]"
_IDENT = r"[A-Za-z][A-Za-z0-9_.\-]*+(?::[A-Za-z0-9_.\-]++)?+"
_TAG = re.compile(rf"{_SPACE}*+({_IDENT})(?=[ />?\r\n])")
# A ">" ends a tag even inside quotes, and a name followed by a tab is no name: the engine's own rules.
_ATTRIBUTES = re.compile(
    rf"(?:{_SPACE}*+{_IDENT}(?=[ />?=\r\n]){_SPACE}*+(?:={_SPACE}*+(?:\"[^\">]*+\"?+|'[^'>]*+'?+|[^ \t\r\n>]*+))?+)*+"
    rf"{_SPACE}*+(/>|\?>|>)?+"
)
_ATTRIBUTE = re.compile(rf"({_IDENT}){_SPACE}*+(?:={_SPACE}*+(?:\"([^\">]*+)\"?+|'([^'>]*+)'?+|([^ \t\r\n>]*+)))?+")
_RAW_END = {"style": re.compile("</style", re.IGNORECASE), "script": re.compile("</script", re.IGNORECASE)}
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._\-]{1,40})")
_REFERENCE = re.compile(r"&(?:#(\d{1,9});|#[xX]([0-9A-Fa-f]{1,8});|([A-Za-z][A-Za-z0-9]{0,30})[; ])")


class Kind(Enum):
    """What a token is."""

    OPEN = "open"
    CLOSE = "close"
    TEXT = "text"
    CDATA = "cdata"
    CUT = "cut"
    """A comment or an unreadable tag: it only parts the text around it."""


class Token(NamedTuple):
    """A piece of the source: ``start:end`` is the text itself for TEXT and CDATA, the whole tag otherwise."""

    kind: Kind
    start: int
    end: int
    name: str = ""
    """Local name as written, without prefix; a processing instruction's starts with ``?``."""
    attributes: tuple[int, int] = (0, 0)
    """Where in the source the attributes of an OPEN stand."""
    closed: bool = False
    """True for an OPEN that needs no CLOSE."""


def tokens(source: str) -> Iterator[Token]:
    """Cut a whole file up, from its first tag to its end."""
    at = source.find("<") + 1  # always just behind a "<", or 0 at the end
    while at:
        token, behind, jumped = _tag(source, at)
        yield token
        if jumped:
            at = behind
            continue
        if token.kind is Kind.OPEN and not token.closed and (raw := _RAW_END.get(token.name.lower())):
            found = raw.search(source, behind)
            following = found.start() if found else -1
        else:
            following = source.find("<", behind)
        stop = following if following >= 0 else len(source)
        if stop > behind and (following >= 0 or source[behind:].strip(" \t\r\n")):
            yield Token(Kind.TEXT, behind, stop)
        at = following + 1


def _tag(source: str, at: int) -> tuple[Token, int, bool]:
    """What stands behind the ``<`` at ``at - 1``, where to go on, and whether that is inside a tag again."""
    mark = source[at : at + 1]
    if mark == "!" and source.startswith("!--", at):
        end = _behind(source, "-->", at + 3)
        return Token(Kind.CUT, at - 1, end), end, False
    if mark == "!" and source.startswith("![CDATA[", at):
        end = source.find("]]>", at + 8)
        stop = end if end >= 0 else len(source)
        return Token(Kind.CDATA, at + 8, stop), stop + 3, False
    match = _TAG.match(source, at + 1 if mark in ("/", "?") else at)
    if match is None:
        end = _behind(source, ">", at)
        return Token(Kind.CUT, at - 1, end), end, False
    name = match[1].rpartition(":")[2]
    if mark == "/":
        end = _behind(source, ">", match.end())
        return Token(Kind.CLOSE, at - 1, end, name), end, False
    attributes = _ATTRIBUTES.match(source, match.end())
    end = attributes.end() if attributes else match.end()
    closer = attributes[1] if attributes else None
    name = "?" + name if mark == "?" else name
    token = Token(Kind.OPEN, at - 1, end, name, (match.end(), end), closed=closer in ("/>", "?>"))
    if closer is None:
        # The engine gives such a tag up, jumps over the next "<" with the letter behind it, and reads on as in a tag.
        following = source.find("<", end)
        if following < 0 or following + 2 >= len(source):
            return token, len(source), False
        return token, following + 2, True
    return token, end, False


def _behind(source: str, mark: str, at: int) -> int:
    found = source.find(mark, at)
    return found + len(mark) if found >= 0 else len(source)


def attributes(source: str, token: Token) -> dict[str, str]:
    """The attributes of an OPEN by lower-case local name, character references decoded; the last of a name wins."""
    start, end = token.attributes
    found = {}
    for match in _ATTRIBUTE.finditer(source, start, end):
        value = match[2] or match[3] or match[4] or ""
        found[match[1].rpartition(":")[2].lower()] = unescape(value).strip()
    return found


def unescape(text: str) -> str:
    """Decode character references the way text does."""
    return _REFERENCE.sub(lambda match: referenced(match) or "", text) if "&" in text else text


def referenced(match: re.Match[str]) -> str | None:
    """What a reference (its groups: decimal, hexadecimal, name) stands for; None for an unknown name."""
    decimal, hexadecimal, name = match.group(1), match.group(2), match.group(3)
    if name:
        return html.entities.html5.get(name + ";")
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if code == 0 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return ""
    return chr(code)


def decode(data: bytes) -> tuple[str, bool]:
    """The file's text, and whether its encoding was certain."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), True
    match = _DECLARED.match(data.lstrip()[:300])
    name = match[1].decode("ascii").lower() if match else "utf-8"
    if name in ("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"):
        name = "cp1252"  # what every browser and the engine read these as
    try:
        if not codecs.lookup(name)._is_text_encoding or name.startswith("utf-16"):
            name = "utf-8"
        return data.decode(name), True
    except (LookupError, UnicodeDecodeError, AttributeError):
        # One character a byte, as the engine's guess will have it, whichever code page it takes.
        return data.decode("latin-1"), False
