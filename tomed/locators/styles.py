"""Which elements a book's style sheets may display otherwise than their names say.

The engine drops white space between blocks, so ``display`` decides which white text nodes exist and ``white-space``
what their text is. We do not compute styles: it is enough to know where we can't be sure. So only the last compound
of each selector is read, and whatever it might match counts as matched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tomed.locators.elements import BLOCK, NONE, PRE

LONGEST = 1 << 20
MOST_RULES = 20_000

SHOWN_CASES = frozenset({"http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg"})
"""What an ``epub:case`` may require for the engine to show it."""

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_RULE = re.compile(r"([^{};]+)\{([^{}]*+)\}?")
_DISPLAY = re.compile(r"(?<![\w-])(display|float|white-space)\s*:\s*([a-z-]+)", re.IGNORECASE)
_IMPORT = re.compile(r"@import\s+(?:url\(\s*)?[\"']?([^\"')\s;]+)", re.IGNORECASE)
_BRACKETS = re.compile(r"\[[^\]]*\]?|\([^)]*\)?")
_NOT_ITSELF = re.compile(r"::|:(before|after|first-l)", re.IGNORECASE)
_ALONE = re.compile(r"[\w-]*[.#][\w-]+")
_NAME = re.compile(r"([.#]?)([\w-]+|\*)")
_INLINE = re.compile(r"inline|ruby|contents|run-in")


@dataclass(frozen=True, slots=True)
class Rule:
    """What an element must at least be, and what it then may look like."""

    tag: str
    id: str
    classes: frozenset[str]
    looks: frozenset[str]
    """Of ``block``, ``inline``, ``none``, ``float``, ``keep`` and ``collapse``; ``hidden`` beside ``none`` when nothing
    but the element's own class, id or attribute decides it."""


@dataclass(slots=True)
class Styles:
    """The rules of several sheets, ready to be asked."""

    rules: dict[str, list[Rule]] = field(default_factory=dict)
    _known: dict[tuple[str, str, str], frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, sheets: Iterable[list[Rule]]) -> Styles:
        """Put sheets together."""
        styles = cls()
        for sheet in sheets:
            for rule in sheet:
                key = next((f".{name}" for name in rule.classes), f"#{rule.id}" if rule.id else rule.tag)
                styles.rules.setdefault(key, []).append(rule)
        return styles

    def looks(self, tag: str, attributes: dict[str, str]) -> frozenset[str]:
        """How an element may be displayed other than by its default; empty when nothing speaks of it."""
        key = (tag, attributes.get("class", ""), attributes.get("id", ""))
        found = self._known.get(key)
        if found is None:
            found = self._asked(tag, frozenset(key[1].split()), key[2])
            if len(self._known) < MOST_RULES:
                self._known[key] = found
        return found

    def _asked(self, tag: str, classes: frozenset[str], identity: str) -> frozenset[str]:
        keys = [tag, "*", f"#{identity}", *(f".{name}" for name in classes)]
        looks: set[str] = set()
        for key in keys:
            for rule in self.rules.get(key, ()):
                if rule.tag in ("*", tag) and rule.classes <= classes and rule.id in ("", identity):
                    looks |= rule.looks
        return frozenset(looks)


def sheet(css: str) -> tuple[list[Rule], list[str]]:
    """Read one sheet: its rules that matter, and the addresses it imports."""
    css = _COMMENT.sub(" ", css[:LONGEST])
    rules = []
    for match in _RULE.finditer(css):
        looks = _looks(match[2])
        if not looks:
            continue
        for selector in _BRACKETS.sub("[]", match[1]).split(","):
            last = re.split(r"[\s>+~]+", selector.strip())[-1]
            if not last or _NOT_ITSELF.search(last):
                continue
            plain = "none" in looks and last == selector.strip() and _ALONE.fullmatch(last)
            rules.append(_rule(last, looks | {"hidden"} if plain else looks))
        if len(rules) > MOST_RULES:
            break
    return rules, _IMPORT.findall(css)[:32]


def display(tag: str, attributes: dict[str, str]) -> str:
    """How an element is displayed as far as it tells itself: ``block``, ``inline`` or ``none``."""
    if attributes.get("style") and (own := _looks(attributes["style"]) & {"block", "inline", "none"}):
        return min(own)
    if tag in NONE or "hidden" in attributes or (tag == "span" and attributes.get("type") == "pagebreak"):
        return "none"
    if tag == "case" and attributes.get("required-namespace", "") not in SHOWN_CASES:
        return "none"
    return "block" if tag in BLOCK else "inline"


def own_looks(attributes: dict[str, str]) -> frozenset[str]:
    """What an element's ``style`` attribute says of floating and white space."""
    style = attributes.get("style")
    return _looks(style) & {"float", "keep", "collapse"} if style else frozenset()


def may_differ(shape: str, looks: frozenset[str]) -> bool:
    """True when an element may take part in its parent's layout in another way than as ``shape``."""
    return bool(looks - {"keep", "collapse", "hidden", shape})


def may_keep_otherwise(tag: str, looks: frozenset[str], keeps: bool) -> bool:
    """True when white space inside may be treated otherwise than ``keeps`` says."""
    return ("collapse" if keeps or tag in PRE else "keep") in looks


def _rule(compound: str, looks: frozenset[str]) -> Rule:
    tag, identity, classes = "*", "", set()
    for mark, name in _NAME.findall(compound.partition(":")[0].rpartition("|")[2]):
        if mark == ".":
            classes.add(name)
        elif mark == "#":
            identity = name
        else:
            tag = name.lower()
    return Rule(tag, identity, frozenset(classes), looks)


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
