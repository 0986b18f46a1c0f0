"""Comparing text that went through two engines: what is drawn differently is the same, white space is nothing."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from itertools import accumulate

NEEDLE = 40
"""Plain characters that are compared at most."""
SEARCHABLE = 12
"""Plain characters that a text needs before it is looked for elsewhere."""
TELLING = 4
"""Plain characters that a text needs to say anything at the place itself."""

_PIECE = 4096
_GONE = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"
_SAME = {
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "–": "-",
    "—": "-",
    "‐": "-",
    "‑": "-",
    "−": "-",
    "…": "...",
    "ﬁ": "fi",
    "ﬂ": "fl",
}
_STYLED = re.compile("[\U0001d400-\U0001d7ff]")


def plain(text: str) -> str:
    """The characters that matter. Every character becomes its own share, so that pieces may be joined."""
    text = "".join(text.split())
    if text.isascii():
        return text
    for char in _GONE:
        text = text.replace(char, "")
    for char, same in _SAME.items():
        text = text.replace(char, same)
    return _STYLED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)


def needle(text: str) -> str:
    """What of a reported text is compared."""
    return plain(text[: 8 * NEEDLE])[:NEEDLE]


def agrees(shown: str, wanted: str) -> bool:
    """True when the plain text ``shown`` from a place on begins as ``wanted`` does."""
    length = min(len(shown), len(wanted))
    return length >= min(TELLING, len(wanted)) and shown[:length] == wanted[:length]


class Haystack:
    """The plain form of a long text, with the way back from it."""

    def __init__(self, text: str) -> None:
        self._text = text
        pieces = [plain(text[at : at + _PIECE]) for at in range(0, len(text), _PIECE)]
        self._ends = list(accumulate(map(len, pieces)))
        self.plain = "".join(pieces)

    def find(self, wanted: str, most: int = 64) -> list[int]:
        """Offsets into the text at which ``wanted`` begins."""
        found: list[int] = []
        at = self.plain.find(wanted)
        while at >= 0 and len(found) < most:
            found.append(self._back(at))
            at = self.plain.find(wanted, at + 1)
        return found

    def _back(self, at: int) -> int:
        piece = bisect_left(self._ends, at + 1)
        before = self._ends[piece - 1] if piece else 0
        text = self._text[piece * _PIECE : (piece + 1) * _PIECE]
        # The first prefix that reaches one character beyond ends with the character itself.
        length = bisect_left(range(len(text) + 1), at - before + 1, key=lambda n: len(plain(text[:n])))
        return piece * _PIECE + length - 1
