"""How far in the book: the share of its text that lies before a place.

Chapters are weighed without building their trees: every character that is neither white nor part of a tag counts one.
Within a chapter the share of the engine's text decides. A chapter of pictures weighs nothing; in a book without any
text all chapters weigh the same.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

# Every pattern here walks over its input once, whatever is in it: unclosed tags by the million are cheap too.
_TAG = re.compile(rb"<[^<>]*+>?+|&[#A-Za-z0-9]{1,31}+;")
_RAW = re.compile(rb"<(?:script|style)(?=[\s>/])", re.IGNORECASE)
_REFERENCE = re.compile(rb"&[#A-Za-z0-9]{1,31}+;")
_BODY = re.compile(rb"<(?:[A-Za-z][\w.-]{0,31}:)?body[\s>/]", re.IGNORECASE)
_UNCOUNTED = bytes(range(0x80, 0xC0)) + b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a first look at a chapter file tells."""

    weight: int
    """About how many characters of text it shows."""
    bodies: int
    """How many bodies it seems to have; beyond one only its tree can tell."""


def weigh(data: bytes) -> Weighed:
    """Look at a chapter file without building its tree."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode()
    data = _without_scripts(_without_comments(data))
    found = [match.start() for match in _BODY.finditer(data)]
    body = data[found[0] :] if found else b""
    text = _TAG.sub(b"", body)
    return Weighed(len(text.translate(None, _UNCOUNTED)) + len(_REFERENCE.findall(body)), len(found))


def _without_comments(data: bytes) -> bytes:
    first, *rest = data.split(b"<!--")
    return first + b"".join(piece.partition(b"-->")[2] for piece in rest) if rest else data


def _without_scripts(data: bytes) -> bytes:
    first, *rest = _RAW.split(data)
    pieces = [first]
    for piece in rest:
        tag, _, behind = piece.partition(b">")
        pieces.append(behind if tag.endswith(b"/") else behind.partition(b"</s")[2])
    return b"<i>".join(pieces) if rest else data


@dataclass(frozen=True, slots=True)
class Scale:
    """The weights of a book's sections as one scale from 0 to 1."""

    befores: tuple[int, ...]
    """The weight before each section, and behind them all the whole."""

    @classmethod
    def of(cls, weights: list[int]) -> Scale:
        """Make the scale of a book."""
        return cls((0, *accumulate(weights if any(weights) else [1] * len(weights))))

    def fraction(self, section: int, share: float) -> float:
        """The fraction of a place that has ``share`` (0..1) of its section's text before it."""
        before, after = self.befores[section], self.befores[section + 1]
        return min(1.0, max(0.0, (before + (after - before) * share) / self.befores[-1]))

    def place(self, fraction: float) -> tuple[int, float]:
        """Section and share of its text for a fraction."""
        at = min(1.0, max(0.0, fraction)) * self.befores[-1]
        section = bisect_right(self.befores, at) - 1
        if section >= len(self.befores) - 1:
            # The very end: of the last section that weighs anything.
            section = max(i for i in range(len(self.befores) - 1) if self.befores[i + 1] > self.befores[i])
            return section, 1.0
        before, after = self.befores[section], self.befores[section + 1]
        return section, (at - before) / (after - before) if after > before else 0.0
