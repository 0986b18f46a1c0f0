"""XPointers as KOReader's engine writes and reads them.

Grammar: ``#id`` or steps ``/name[n]``, ``/text()[n]``, ``/n`` and at most one point ``.n`` at the end.
Two dialects are met in one library: older engines leave ``[1]`` out where it is clear, newer ones always write
it. Both are read here; what is written always has every index, which every engine understands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tomed.errors import Invalid

TEXT = "text()"
ANY = "*"

LONGEST = 8192
"""Characters; a longer one is refused before it is looked at."""

_STEP = re.compile(r"/(?:(text\(\)|\??[A-Za-z_][^./\[\]\s]*)(?:\[(\d{1,9})\])?|(\d{1,9}))")
_POINT = re.compile(r"\.(\d{1,9})\Z")


@dataclass(frozen=True, slots=True)
class Step:
    """One step down: the ``index``-th (from 1) child called ``name``; ``ANY`` counts children of every kind."""

    name: str
    index: int = 1

    def __str__(self) -> str:
        return f"/{self.index}" if self.name == ANY else f"/{self.name}[{self.index}]"


@dataclass(frozen=True, slots=True)
class XPointer:
    """A parsed XPointer: either ``id``, or ``steps`` with an optional ``offset``.

    ``offset`` counts code points of the engine's own collapsed text on a text node, children on an element.
    """

    steps: tuple[Step, ...] = ()
    offset: int | None = None
    id: str = ""

    def __str__(self) -> str:
        """The canonical form: every index written."""
        if self.id:
            return f"#{self.id}"
        point = "" if self.offset is None else f".{self.offset}"
        return "".join(map(str, self.steps)) + point


def parse(value: str) -> XPointer:
    """Read either dialect.

    Raises:
        Invalid: it is not of the grammar, or absurdly long.
    """
    if len(value) > LONGEST:
        raise Invalid(f"An XPointer of {len(value)} characters is not one.")
    if value.startswith("#"):
        if len(value) == 1:
            raise Invalid("An XPointer that starts with # must name an id.")
        return XPointer(id=value[1:])
    steps = []
    at = 0
    while match := _STEP.match(value, at):
        name, index, ordinal = match.groups()
        steps.append(Step(name, int(index or 1)) if name else Step(ANY, int(ordinal)))
        at = match.end()
    point = _POINT.match(value, at)
    if not steps or (point is None and at != len(value)):
        raise Invalid(f"{value[:80]!r} is not an XPointer: it breaks off at character {at + 1}.")
    if any(step.index == 0 for step in steps):
        raise Invalid("Steps of an XPointer are counted from 1.")
    return XPointer(tuple(steps), int(point[1]) if point else None)


def canonical(value: str) -> str:
    """The one spelling of an XPointer in which two of them may be compared.

    Raises:
        Invalid: it is not of the grammar.
    """
    return str(parse(value))
