"""Text as the engine stores it, and the way back to the text that a browser has.

The engine collapses white space and counts code points; a browser keeps everything and counts UTF-16 units. A run is
one text node of the engine: its text, and the few points at which the two counts drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tomed.locators.markup import referenced

SPLIT = 8192
"""Characters of source after which the engine begins another text node."""

WHITE = " \t\r\n"

_TO_SPACES = {9: " ", 10: " ", 13: " "}
_REFERENCE = r"&(?:#(\d{1,9});|#[xX]([0-9A-Fa-f]{1,8});|([A-Za-z][A-Za-z0-9]{0,30})[; ])"
_UNEVEN = re.compile(_REFERENCE + "|([ \t\r\n]{2,})|([\U00010000-\U0010ffff])")
_UNEVEN_PRE = re.compile(_REFERENCE + "|(\r\n?)|([\U00010000-\U0010ffff])")
_UNEVEN_CDATA = re.compile("()()()([ \t\r\n]{2,})|([\U00010000-\U0010ffff])")
_UNEVEN_PRE_CDATA = re.compile("()()()(\r\n?)|([\U00010000-\U0010ffff])")


class Run(NamedTuple):
    """One text node."""

    text: str
    drifts: list[tuple[int, int]]
    """``(at, raw)``: from code point ``at`` of the text on, a browser's offset is ``raw`` and goes up by one each."""
    raw: int
    """UTF-16 units that a browser has for it."""


def runs(source: str, start: int, end: int, *, keep: bool, cdata: bool) -> Iterator[Run]:
    """The text nodes that a stretch of source becomes; ``keep`` where white space is kept."""
    pattern = (_UNEVEN_PRE_CDATA if cdata else _UNEVEN_PRE) if keep else (_UNEVEN_CDATA if cdata else _UNEVEN)
    while start < end:
        stop = _split(source, start, end)
        yield _run(source[start:stop], pattern, keep)
        start = stop


def _split(source: str, start: int, end: int) -> int:
    if end - start < SPLIT:
        return end
    limit = start + SPLIT
    best = source.rfind(" ", start, limit)
    at = limit
    while True:
        at = max(source.rfind("\n", start, at), source.rfind("\r", start, at))
        if at <= best:
            return best + 1 if best >= 0 else limit
        following = source[at + 1] if at + 1 < limit else ""
        if source[at] + following not in ("\r\n", "\n\r"):
            return at + 1


def _run(source: str, pattern: re.Pattern[str], keep: bool) -> Run:
    pieces: list[str] = []
    drifts: list[tuple[int, int]] = []
    at = raw = done = 0
    for match in pattern.finditer(source):
        even = source[done : match.start()]
        pieces.append(even if keep else even.translate(_TO_SPACES))
        at += len(even)
        raw += len(even)
        text, units = _uneven(match, keep)
        pieces.append(text)
        at += len(text)
        raw += units
        if len(text) != units:
            drifts.append((at, raw))
        done = match.end()
    rest = source[done:]
    pieces.append(rest if keep else rest.translate(_TO_SPACES))
    run = Run("".join(pieces), drifts, raw + len(rest))
    return _expand_tabs(run) if keep and "\t" in run.text else run


def _uneven(match: re.Match[str], keep: bool) -> tuple[str, int]:
    """What the engine makes of an uneven piece, and how many units a browser has for it."""
    if match[5]:
        return match[5], 2
    if match[4]:
        units = len(match[4]) - match[4].count("\r\n")
        return ("\n" if keep else " "), units
    text = referenced(match)
    if text is None:
        return match[0], len(match[0])  # an unknown name stays as it is written
    return text, len(text.encode("utf-16-le")) // 2


def _expand_tabs(run: Run) -> Run:
    """Tabs become spaces up to the next column of eight, as the engine keeps them."""
    out: list[str] = []
    drifts: list[tuple[int, int]] = []
    column = at = 0
    known = dict(run.drifts)
    raw = 0
    for index, char in enumerate(run.text):
        if index in known:
            raw = known[index]
            drifts.append((at, raw))
        if char == "\t":
            width = 8 - column % 8
            out.append(" " * width)
            column += width
            at += width
            raw += 1
            drifts.append((at, raw))
            continue
        # The newline itself takes up a column: the engine's own way of counting.
        column = 1 if char == "\n" else column + 1
        out.append(char)
        at += 1
        raw += 1
    if len(run.text) in known:
        drifts.append((at, known[len(run.text)]))
    return Run("".join(out), drifts, run.raw)


def behind_newline(run: Run) -> Run:
    """The run without its leading newline, which the engine strips at the start of ``pre`` and ``textarea``."""
    if not run.text.startswith("\n"):
        return run
    drifts = [(at - 1, raw) for at, raw in run.drifts if at > 1]
    first = dict(run.drifts).get(1, 1)
    return Run(run.text[1:], [(0, first), *drifts], run.raw)
