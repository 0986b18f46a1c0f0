"""From a locator to a spot in a book's model, with how sure that is before any text was compared."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tomed.errors import Invalid
from tomed.locators import cfi, xpointer
from tomed.locators.book import BookModel
from tomed.locators.elements import BOXES
from tomed.locators.section import Kind, Section, Spot
from tomed.model import Locator, LocatorKind, Precision

_ID = re.compile(r"_doc_fragment_(\d{1,6})_ (.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Found:
    """A spot; ``spot`` is None in a section that has no tree."""

    number: int
    spot: Spot | None
    precision: Precision
    given: Locator | None = None
    """The locator that leads here, in its canonical form; it is handed out again as it is."""


def resolve(model: BookModel, locator: Locator) -> Found:
    """Find what a locator points at.

    Raises:
        Invalid: it is not of its grammar, or points outside the book.
    """
    if locator.kind is LocatorKind.XPOINTER:
        return _xpointer(model, locator.value)
    if locator.kind is LocatorKind.CFI:
        return _cfi(model, locator.value)
    raise Invalid("A page number says nothing about a place in an EPUB.")


def _xpointer(model: BookModel, value: str) -> Found:
    pointer = xpointer.parse(value)
    given = Locator(LocatorKind.XPOINTER, str(pointer))
    if pointer.id:
        return _by_id(model, pointer.id, given)
    steps = pointer.steps
    if steps[0] != xpointer.Step("body") or (len(steps) > 1 and steps[1].name != "DocFragment"):
        raise Invalid("The XPointer is not one into an EPUB: it must start with /body/DocFragment.")
    known = model.number_of_fragment(steps[1].index if len(steps) > 1 else 1)
    if known is None:
        raise Invalid(f"The book has no DocFragment[{steps[1].index}].")
    number, body = known
    section = model.section(number)
    if section is None or body >= len(section.bodies):
        return Found(number, None, Precision.SECTION, given)
    start = section.bodies[body]
    if len(steps) < 3:
        return Found(number, Spot(start), Precision.EXACT, given)
    if steps[2] != xpointer.Step("body"):
        return Found(number, Spot(start), Precision.SECTION, None)
    return replace(_walked(section, number, start, pointer), given=given)


def _by_id(model: BookModel, identity: str, given: Locator) -> Found:
    match = _ID.fullmatch(identity)
    number = int(match[1]) if match else -1
    section = model.section(number) if match and number < len(model) else None
    node = section.ids.get(match[2]) if section and match else None
    if section is None or node is None:
        raise Invalid("The XPointer names an id that the book does not have.")
    return Found(number, _outside(section, Spot(node)) or Spot(node), Precision.EXACT, given)


def _walked(section: Section, number: int, node: int, pointer: xpointer.XPointer) -> Found:
    """Follow the steps below the body as far as they lead."""
    steps = [step for step in pointer.steps[3:] if step.name not in BOXES]
    # Engines before 2020 wrote their anonymous boxes down, and numbered what is in them apart.
    precision = Precision.EXACT if len(steps) == len(pointer.steps) - 3 else Precision.ELEMENT
    for step in steps:
        child = section.child(node, step)
        if child is None:
            if outside := _outside(section, Spot(node)):
                return Found(number, outside, Precision.ELEMENT)
            gone = step.name == xpointer.TEXT and step is steps[-1]
            return Found(number, Spot(node), Precision.ELEMENT if gone else Precision.SECTION)
        node = child
    if section.kinds[node] == Kind.TEXT:
        length = section.ends[node] - section.starts[node]
        spot = Spot(node, min(pointer.offset or 0, length))
        if (pointer.offset or 0) > length or not section.sure_of_text(node) or not section.certain:
            precision = Precision.ELEMENT
    else:
        spot = Spot(node)
        if pointer.offset:
            precision = Precision.ELEMENT  # it counts children, anonymous boxes among them
    if outside := _outside(section, spot):
        return Found(number, outside, precision if outside == spot else Precision.ELEMENT)
    return Found(number, spot, precision)


def _outside(section: Section, spot: Spot) -> Spot | None:
    """The island that a spot is in, as a spot."""
    island = section.island(spot.node)
    return None if island is None else Spot(island)


def _cfi(model: BookModel, value: str) -> Found:
    paths = cfi.parse(value).start
    package = paths[0]
    if len(package) < 2:
        raise Invalid("The CFI does not lead into the spine of a book.")
    step = package[1]
    number = model.package.number_of_step(step.index, step.id)
    if number is None or package[0].index % 2:
        raise Invalid(f"The book's spine has nothing at /{package[0].index}/{step.index}.")
    local = paths[1] if len(paths) > 1 else ()
    given = Locator(
        LocatorKind.CFI,
        cfi.point(
            *(tuple(s.index for s in path) for path in ((package[0], step), local) if path),
            offset=local[-1].offset if local and local[-1].index % 2 else None,
        ),
    )
    moved = package[0].index != model.package.spine_step or model.package.items[number].step != step.index
    section = model.section(number)
    if section is None or not section.in_browser or not local:
        spot = Spot(section.bodies[0]) if section else None
        return Found(number, spot, Precision.SECTION, None if moved else given)
    found = _local(section, number, local)
    if moved:
        return replace(found, precision=max(found.precision, Precision.ELEMENT, key=list(Precision).index))
    return replace(found, given=given if found.precision is Precision.EXACT else None)


def _local(section: Section, number: int, path: cfi.Path) -> Found:
    """Follow the steps below ``html``."""
    if path[-1].id in section.ids and not path[-1].index % 2:
        spot = Spot(section.ids[path[-1].id])
        return Found(number, _outside(section, spot) or spot, Precision.EXACT)
    if path[0].index not in section.body_steps:
        return Found(number, Spot(section.bodies[0]), Precision.SECTION)
    node = section.bodies[section.body_steps.index(path[0].index)]
    for step in path[1:]:
        if step.index % 2:
            return _in_chunk(section, number, node, step, last=step is path[-1])
        child = section.element_at(node, step.index)
        if child is None:
            # Before the first or behind the last child are places too, anything further is not.
            last = 2 * sum(1 for kid in section.kids(node) if section.kinds[kid] == Kind.ELEMENT) + 2
            if step.index == last:
                return Found(number, section.spot(section.ends[node]), Precision.ELEMENT)
            return Found(number, Spot(node), Precision.ELEMENT if step.index == 0 else Precision.SECTION)
        node = child
    outside = _outside(section, Spot(node))
    exact = outside is None or outside.node == node
    return Found(number, outside or Spot(node), Precision.EXACT if exact else Precision.ELEMENT)


def _in_chunk(section: Section, number: int, node: int, step: cfi.Step, *, last: bool) -> Found:
    if outside := _outside(section, Spot(node)):
        return Found(number, outside, Precision.ELEMENT)
    nodes = section.chunk(node, step.index)
    if not nodes:
        behind = section.element_at(node, step.index + 1)
        if behind is not None:
            return Found(number, Spot(behind), Precision.EXACT if last else Precision.ELEMENT)
        spot = section.spot(section.ends[node])
        return Found(
            number, spot, Precision.EXACT if last and section.place(spot) == section.ends[node] else Precision.ELEMENT
        )
    offset = step.offset or 0
    spot = section.offset_of(nodes, offset)
    # Dropped white space may follow the last text, but not the rest of a book.
    exact = last and offset <= section.raw_ends[nodes[-1]] + 4096 and section.certain
    return Found(number, spot, Precision.EXACT if exact else Precision.ELEMENT)
