"""One chapter file as KOReader's engine has it in memory, with the browser's counts beside it.

Nodes are numbers in document order and live in flat arrays: a chapter of a hundred pages then takes little more than
its text. Every question that a locator asks is answered here: which child, which text, which step.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from tomed.locators.elements import ISLANDS
from tomed.locators.xpointer import ANY, TEXT, Step

ROOT = -1
"""The parent of a body."""


class Kind(IntEnum):
    """What a node is."""

    ELEMENT = 0
    TEXT = 1
    GONE = 2
    """White text that the engine made and took away again."""
    INSTRUCTION = 3
    """A processing instruction: an element to the engine, nothing to a CFI."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a section: an element, or ``offset`` code points into a text node."""

    node: int
    offset: int | None = None


@dataclass(slots=True)
class Section:
    """The bodies of one chapter file. Offsets into ``text`` are called places."""

    text: str
    """All text nodes in document order, as the engine stores them."""
    names: list[str]
    kinds: array[int]
    name_of: array[int]
    parents: array[int]
    starts: array[int]
    """Where in ``text`` a node begins; one more for the end of it all."""
    ends: array[int]
    raws: array[int]
    """Of a text node its offset within the chunk of text that a CFI counts; UTF-16 units."""
    raw_ends: array[int]
    """Of a text node where it ends within that chunk, dropped white space included."""
    first: array[int]
    """Of an element where its children begin in ``children``."""
    count: array[int]
    children: array[int]
    drift_at: array[int]
    drift_raw: array[int]
    hidden: list[tuple[int, int]]
    """Stretches of ``text`` that are never shown."""
    texts: array[int]
    """The text nodes, in order."""
    paragraphs: array[int]
    """Places at which a new block begins."""
    ids: dict[str, int]
    bodies: list[int]
    unsure_white: frozenset[int]
    """Elements whose own text nodes may be numbered otherwise, because a style sheet may change what is a block."""
    unsure_keep: frozenset[int]
    """Elements inside which white space may be treated otherwise."""
    body_steps: tuple[int, ...] = ()
    """CFI steps of the bodies; empty when a browser sees another tree than this one."""
    certain: bool = True
    """False when the file's encoding had to be guessed."""

    @property
    def in_browser(self) -> bool:
        """True when a CFI can be computed from this tree."""
        return bool(self.body_steps)

    @property
    def cost(self) -> int:
        """About how many bytes it takes."""
        wide = 1 if self.text.isascii() else 2
        return 2000 + len(self.text) * wide + len(self.kinds) * 32 + len(self.drift_at) * 8 + len(self.ids) * 140

    def name(self, node: int) -> str:
        """An element's name, or ``text()``."""
        return TEXT if self.kinds[node] == Kind.TEXT else self.names[self.name_of[node]]

    def kids(self, node: int) -> array[int]:
        """The children that are there in the end, in order."""
        begin = self.first[node]
        return self.children[begin : begin + self.count[node]]

    def child(self, node: int, step: Step) -> int | None:
        """The child that a step of an XPointer means."""
        kids = self.kids(node)
        if step.name == ANY:
            found = kids
        elif step.name == TEXT:
            kinds = self.kinds
            found = array("I", [kid for kid in kids if kinds[kid] == Kind.TEXT])
        else:
            if step.name not in self.names:
                return None
            name, kinds, name_of = self.names.index(step.name), self.kinds, self.name_of
            found = array("I", [kid for kid in kids if name_of[kid] == name and kinds[kid] != Kind.TEXT])
        return found[step.index - 1] if 1 <= step.index <= len(found) else None

    def steps(self, node: int) -> list[Step]:
        """The steps of an XPointer from the body down to a node, the body's own left out."""
        steps = []
        while (parent := self.parents[node]) != ROOT:
            kids = self.kids(parent)
            text = self.kinds[node] == Kind.TEXT
            name, kinds, name_of = self.name_of[node], self.kinds, self.name_of
            same = [k for k in kids if (kinds[k] == Kind.TEXT) == text and (text or name_of[k] == name)]
            steps.append(Step(self.name(node), bisect_left(same, node) + 1))
            node = parent
        return steps[::-1]

    def path(self, node: int) -> tuple[int, ...]:
        """The steps of a CFI from ``html`` down to a node; only when ``in_browser``."""
        steps: list[int] = []
        kinds = self.kinds
        while (parent := self.parents[node]) != ROOT:
            before = sum(1 for kid in self.kids(parent) if kid < node and kinds[kid] == Kind.ELEMENT)
            steps.append(2 * before + (1 if kinds[node] == Kind.TEXT else 2))
            node = parent
        steps.append(self.body_steps[self.body_of(node)])
        return tuple(steps[::-1])

    def element_at(self, node: int, step: int) -> int | None:
        """The child element that an even CFI step means."""
        kinds = self.kinds
        elements = [kid for kid in self.kids(node) if kinds[kid] == Kind.ELEMENT]
        return elements[step // 2 - 1] if 2 <= step <= 2 * len(elements) else None

    def chunk(self, node: int, step: int) -> list[int]:
        """The text nodes that an odd CFI step means; may be empty."""
        found, elements = [], 0
        for kid in self.kids(node):
            kind = self.kinds[kid]
            if kind == Kind.ELEMENT:
                elements += 1
                if elements > step // 2:
                    break
            elif kind == Kind.TEXT and elements == step // 2:
                found.append(kid)
        return found

    def element_before(self, node: int) -> int:
        """The element just before a text node: its nearest elder sibling, or else its parent."""
        parent = self.parents[node]
        elder = [kid for kid in self.kids(parent) if kid < node and self.kinds[kid] == Kind.ELEMENT]
        return elder[-1] if elder else parent

    def body_of(self, node: int) -> int:
        """The ordinal, from 0, of the body that a node is in."""
        return bisect_right(self.bodies, node) - 1

    def raw_of(self, node: int, offset: int) -> int:
        """A browser's offset, within the chunk, of a code point of a text node."""
        place = self.starts[node] + offset
        if place >= self.ends[node]:
            return self.raw_ends[node]
        number = bisect_right(self.drift_at, place)
        following = number < len(self.drift_at) and self.drift_at[number] < self.ends[node]
        # A tab is one unit to the browser, and up to eight spaces here: none of them lies behind it.
        most = self.drift_raw[number] if following else self.raw_ends[node]
        if number and self.drift_at[number - 1] >= self.starts[node]:
            return min(most, self.drift_raw[number - 1] + place - self.drift_at[number - 1])
        return min(most, self.raws[node] + offset)

    def offset_of(self, nodes: list[int], raw: int) -> Spot:
        """The place in a chunk's text nodes that a browser's offset means; inside dropped white space, what follows."""
        number = max(0, bisect_right([self.raws[node] for node in nodes], raw) - 1)
        node = nodes[number]
        low = bisect_left(self.drift_at, self.starts[node])
        high = bisect_left(self.drift_at, self.ends[node])
        drift = bisect_right(self.drift_raw, raw, low, high) - 1
        if drift >= low:
            place = self.drift_at[drift] + raw - self.drift_raw[drift]
            stop = self.drift_at[drift + 1] if drift + 1 < high else self.ends[node]
        else:
            place = self.starts[node] + max(0, raw - self.raws[node])
            stop = self.drift_at[low] if low < high else self.ends[node]
        place = min(place, stop)
        if place == self.ends[node] and number + 1 < len(nodes) and raw > self.raw_of(node, place - self.starts[node]):
            return Spot(nodes[number + 1], 0)
        return Spot(node, place - self.starts[node])

    def place(self, spot: Spot) -> int:
        """Where in ``text`` a spot is."""
        return self.starts[spot.node] + (spot.offset or 0)

    def spot(self, place: int) -> Spot:
        """The text that follows a place; the last text, or the body, when none does."""
        if not self.texts:
            return Spot(self.bodies[0])
        number = bisect_right(self.texts, place, key=self.starts.__getitem__) - 1
        node = self.texts[max(0, number)]
        return Spot(node, min(place, self.ends[node]) - self.starts[node])

    def line(self, place: int, length: int, own: int = 0) -> str:
        """What is shown from a place on, with a space where a new block begins; ``own`` as for ``following``."""
        cuts = self.paragraphs[bisect_right(self.paragraphs, place) : bisect_left(self.paragraphs, place + length)]
        edges = [place, *cuts, place + length]
        return " ".join(self.following(begin, end - begin, own) for begin, end in pairwise(edges))

    def island(self, node: int) -> int | None:
        """The outermost element of another language (``math``, ``svg``) that a node is in or is."""
        found = None
        while node != ROOT:
            if self.kinds[node] == Kind.ELEMENT and self.names[self.name_of[node]] in ISLANDS:
                found = node
            node = self.parents[node]
        return found

    def sure_of_text(self, node: int) -> bool:
        """True when a text node's number and content can't depend on style sheets."""
        parent = self.parents[node]
        if parent in self.unsure_white:
            return False
        if self.unsure_keep:
            while parent != ROOT:
                if parent in self.unsure_keep:
                    return False
                parent = self.parents[parent]
        return True

    def share(self, place: int) -> float:
        """How much of the shown text lies before a place, 0..1."""
        unseen = [min(place, stop) - begin for begin, stop in self.hidden if begin < place]
        shown = len(self.text) - self._unseen()
        return min(1.0, (place - sum(unseen)) / shown) if shown else 0.0

    def at_share(self, share: float) -> int:
        """The place that has a share of the shown text before it; never a hidden one, if there is another."""
        place = round(share * (len(self.text) - self._unseen()))
        for begin, stop in self.hidden:
            if begin > place:
                break
            place += stop - begin
        return min(place, len(self.text))

    def _unseen(self) -> int:
        return sum(stop - begin for begin, stop in self.hidden)

    def following(self, place: int, length: int, own: int = 0, *, hidden: bool = False) -> str:
        """What is shown of the ``length`` characters from a place on; up to the place ``own`` also what is hidden."""
        end = place + length
        if hidden or not self.hidden:
            return self.text[place:end]
        pieces = [self.text[place : min(own, end)]]
        place = max(place, own)
        for begin, stop in self.hidden[bisect_right(self.hidden, place, key=lambda stretch: stretch[1]) :]:
            if begin >= end:
                break
            pieces.append(self.text[place : max(place, begin)])
            place = max(place, stop)
        pieces.append(self.text[place : max(place, end)])
        return "".join(pieces)

    def own(self, spot: Spot) -> int:
        """Where the hidden text ends that a spot is in the middle of; 0 when it is in none."""
        place, end = self.place(spot), self.ends[spot.node]
        if self.kinds[spot.node] != Kind.TEXT or place == end:
            return 0
        return end if any(begin <= place < stop for begin, stop in self.hidden) else 0
