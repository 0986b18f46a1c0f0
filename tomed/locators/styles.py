"""Which elements a book's style sheets may display otherwise than their names say.

The engine drops white space between blocks, so ``display`` decides which white text nodes exist and ``white-space``
what their text is. We do not compute styles: it is enough to know where we can't be sure. A selector that might match
counts as one that does; so do rules for other media.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tomed.locators.elements import BLOCK, NONE, PRE
from tomed.locators.markup import unescape

LONGEST = 1 << 20
MOST_RULES = 20_000
MOST_OF_A_KEY = 200
"""Rules for one class or tag; more are taken as one that always matches, so that no sheet costs much."""
FARTHEST = 64
"""Ancestors that are looked at."""
SHOWN_CASES = frozenset({"http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg"})
"""What an ``epub:case`` may require for the engine to show it."""

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_BRACE = re.compile(r"[{}]")
_DISPLAY = re.compile(r"(?<![\w-])(display|float|white-space)\s*:\s*([a-z-]+)", re.IGNORECASE)
_IMPORT = re.compile(r"@import\s+(?:url\(\s*)?[\"']?([^\"')\s;]+)", re.IGNORECASE)
_BRACKETS = re.compile(r"\[((?:\"[^\"]*\"|'[^']*'|[^\]\"'])*+)\]?+|\([^)]*+\)?+")
_CONDITION = re.compile(r"([^~|^$*=\s]+)\s*(?:([~|^$*]?=)\s*[\"']?([^\"']*)[\"']?)?")
_NOT_ITSELF = re.compile(r"::|:(before|after|first-l)", re.IGNORECASE)
_COMBINATOR = re.compile(r"\s*([>+~])\s*|\s+")
_NAME = re.compile(r"([.#]?)([\w-]+|\*)|\[(\d+)\]")
_INLINE = re.compile(r"inline|ruby|contents|run-in")


class Element(NamedTuple):
    """What selectors ask of an element."""

    tag: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Compound:
    """The part of a selector that speaks of one element; pseudo-classes are taken as true."""

    tag: str = "*"
    id: str = ""
    classes: frozenset[str] = frozenset()
    conditions: tuple[tuple[str, str, str], ...] = ()
    """Attribute, operator and value."""

    def may_be(self, element: Element) -> bool:
        """False when the element is certainly not meant."""
        attributes = element.attributes
        return (
            self.tag in ("*", element.tag)
            and self.id in ("", attributes.get("id"))
            and (not self.classes or self.classes <= frozenset(attributes.get("class", "").split()))
            and all(_holds(attributes.get(name), operator, value) for name, operator, value in self.conditions)
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A selector, its own element last, and what it makes of it."""

    compounds: tuple[Compound, ...]
    combinators: tuple[str, ...]
    looks: frozenset[str]
    """Of ``block``, ``inline``, ``none``, ``float``, ``keep``, ``collapse``; ``hidden`` beside a certain ``none``."""

    def may_match(self, element: Element, ancestors: Sequence[Element], elder: Element | None) -> bool:
        """False when the selector certainly does not match; ``elder`` is the element just before among its siblings."""
        if not self.compounds[-1].may_be(element):
            return False
        levels = {len(ancestors)}  # where the element that the last compound met may stand
        lowest = max(0, len(ancestors) - FARTHEST)
        for compound, combinator in zip(self.compounds[-2::-1], self.combinators[::-1], strict=True):
            if combinator in "+~":
                if levels == {len(ancestors)} and not (elder and (combinator == "~" or compound.may_be(elder))):
                    return False
                continue
            if combinator == ">":
                candidates: Iterable[int] = {level - 1 for level in levels}
            else:
                candidates = range(lowest, max(levels))
            levels = {level for level in candidates if level >= 0 and compound.may_be(ancestors[level])}
            if not levels:
                return lowest > 0
        return True


@dataclass(slots=True)
class Styles:
    """The rules of several sheets, ready to be asked."""

    rules: dict[str, list[Rule]] = field(default_factory=dict)

    @classmethod
    def of(cls, sheets: Iterable[list[Rule]]) -> Styles:
        """Put sheets together."""
        rules: dict[str, list[Rule]] = {}
        for sheet in sheets:
            for rule in sheet:
                rules.setdefault(_key(rule.compounds[-1]), []).append(rule)
        for key, several in rules.items():
            if len(several) > MOST_OF_A_KEY:
                rules[key] = [Rule((Compound(),), (), frozenset().union(*(rule.looks for rule in several)))]
        return cls(rules)

    def looks(self, element: Element, ancestors: Sequence[Element], elder: Element | None) -> frozenset[str]:
        """How an element may be displayed other than by its default; empty when nothing speaks of it."""
        classes = element.attributes.get("class", "").split()[:32]
        found: set[str] = set()
        for key in (element.tag, "*", "#" + element.attributes.get("id", ""), *("." + name for name in classes)):
            for rule in self.rules.get(key, ()):
                if not rule.looks <= found and rule.may_match(element, ancestors, elder):
                    found |= rule.looks
        own = element.attributes.get("style")
        return frozenset(found | (_looks(own) & {"float", "keep", "collapse"})) if own else frozenset(found)


def sheet(css: str) -> tuple[list[Rule], list[str]]:
    """Read one sheet: its rules that matter, and the addresses it imports."""
    css = _COMMENT.sub(" ", css[:LONGEST])
    rules: list[Rule] = []
    preludes: list[str] = []
    at = 0
    for brace in _BRACE.finditer(css):
        between, at = css[at : brace.start()], brace.end()
        if brace[0] == "{":
            preludes.append(between.rpartition(";")[2].strip())
        elif preludes:
            prelude = preludes.pop()
            looks = _looks(between)
            if looks and not prelude.startswith("@"):
                rules += _rules(prelude, looks, everywhere=not preludes)
        if len(rules) > MOST_RULES or len(preludes) > FARTHEST:
            break
    return rules[:MOST_RULES], _IMPORT.findall(css)[:32]


def display(element: Element) -> str:
    """How an element is displayed as far as it tells itself: ``block``, ``inline`` or ``none``."""
    tag, attributes = element
    if attributes.get("style") and (own := _looks(attributes["style"]) & {"block", "inline", "none"}):
        return min(own)
    if tag in NONE or "hidden" in attributes or (tag == "span" and attributes.get("type") == "pagebreak"):
        return "none"
    if tag == "case" and attributes.get("required-namespace", "") not in SHOWN_CASES:
        return "none"
    return "block" if tag in BLOCK else "inline"


def may_differ(shape: str, looks: frozenset[str]) -> bool:
    """True when an element may take part in its parent's layout in another way than as ``shape``."""
    return bool(looks - {"keep", "collapse", "hidden", shape})


def may_keep_otherwise(tag: str, looks: frozenset[str], keeps: bool) -> bool:
    """True when white space inside may be treated otherwise than ``keeps`` says."""
    return ("collapse" if keeps or tag in PRE else "keep") in looks


def _key(compound: Compound) -> str:
    if compound.classes:
        return "." + min(compound.classes)
    return "#" + compound.id if compound.id else compound.tag


def _rules(prelude: str, looks: frozenset[str], *, everywhere: bool) -> Iterator[Rule]:
    """The rules of a list of selectors, those of mere parts of elements left out."""
    conditions: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        if match[1] is None:
            return ""
        conditions.append(match[1])
        return f"[{len(conditions) - 1}]"

    for selector in _BRACKETS.sub(put_aside, prelude).split(","):
        pieces = _COMBINATOR.split(selector.strip())
        if not pieces[-1] or _NOT_ITSELF.search(pieces[-1]):
            continue
        compounds = tuple(_compound(piece, conditions) for piece in pieces[::2] if piece)
        combinators = tuple(mark or " " for mark in pieces[1::2])
        if len(combinators) != len(compounds) - 1:
            compounds, combinators = compounds[-1:], ()
        certain = everywhere and "none" in looks and ":" not in selector
        yield Rule(compounds, combinators, looks | {"hidden"} if certain else looks)


def _compound(piece: str, put_aside: list[str]) -> Compound:
    tag, identity, classes, conditions = "*", "", set(), []
    for mark, name, number in _NAME.findall(re.sub(r":[\w-]+", "", piece.rpartition("|")[2])):
        if number:
            match = _CONDITION.match(put_aside[int(number)].strip())
            if match:
                attribute = re.split(r"[|:]", match[1].replace("\\", ""))[-1].lower()
                conditions.append((attribute, match[2] or "", unescape(match[3] or "")))
        elif mark == ".":
            classes.add(name)
        elif mark == "#":
            identity = name
        else:
            tag = name.lower()
    return Compound(tag, identity, frozenset(classes), tuple(conditions))


def _holds(found: str | None, operator: str, value: str) -> bool:
    if found is None:
        return False
    if operator == "=":
        return found == value
    if operator == "~=":
        return value in found.split()
    return True  # the rarer ones are not worth being exact about


def _looks(declarations: str) -> frozenset[str]:
    looks = set()
    for name, value in _DISPLAY.findall(declarations):
        name, value = name.lower(), value.lower()
        if name == "float":
            if value != "none":
                looks.add("float")
        elif name == "white-space":
            looks.add("keep" if value.startswith(("pre", "break")) else "collapse")
        elif value == "none":
            looks.add("none")
        elif value not in ("inherit", "initial", "unset", "revert"):
            looks.add("inline" if _INLINE.match(value) else "block")
    return frozenset(looks)
