"""From any locator to every locator. The text has the last word on where the place is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tomed.errors import Invalid
from tomed.locators import cfi, markup, passage, xpointer
from tomed.locators.book import BookModel
from tomed.locators.resolve import Found, resolve
from tomed.locators.section import Kind, Section, Spot
from tomed.model import Locator, LocatorKind, Precision

_TAG = re.compile("<[^<>]*+>?+")

NEARBY = 2_000
"""Characters around a locator within which its text is looked for first."""
SHOWN = 40
"""Characters of text that a place is handed out with."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a book in every way it can be told."""

    section: int
    """Counted from 0 over the usable items of the spine, as foliate-js does."""
    cfi: str
    xpointer: str
    fraction: float
    text: str
    """About 40 characters that follow."""
    precision: Precision
    """How sure it is that both locators mean the place that was asked for, or the one that was wanted."""
    restore: float = 0.0
    """The fraction by which a reader of the wanted kind gets there, on its own scale: just behind the first character,
    because readers take a fraction for the end of a page."""
    sure: Precision = Precision.FRACTION
    """How sure the place itself is, and with it ``fraction``, whichever locators can say it."""
    chapter: str = ""


def locate(
    model: BookModel,
    locator: Locator | None,
    fraction: float | None = None,
    text: str = "",
    *,
    foreign: bool = False,
    want: LocatorKind | None = None,
) -> Place:
    """Find a place in a book.

    ``text`` is what follows the place, as its reader showed it; ``fraction``, on the canonical scale, helps where the
    locator fails or the text stands in several places. ``foreign`` says that the locator was made in another file of
    the book, so that only the text can prove it. With ``want``, ``precision`` speaks of that kind of locator alone.

    Raises:
        Invalid: the locator leads nowhere and there is neither a text that is found nor a fraction.
    """
    found, fault = None, None
    if locator is not None:
        try:
            found = resolve(model, locator)
        except Invalid as err:
            fault = err
    if found is not None and foreign:
        found = replace(found, precision=_worst(found.precision, Precision.SECTION), given=None)
    wanted = passage.needle(text)
    if wanted:
        found = _settled(model, found, fraction, wanted)
    if found is None or (foreign and found.precision is not Precision.EXACT and fraction is not None):
        if fraction is None:
            if found is None:
                raise fault or Invalid("Neither locator nor text leads to a place in this book.")
        elif found is None or found.precision in (Precision.SECTION, Precision.FRACTION):
            found = at_fraction(model, fraction)
    if found.precision is Precision.EXACT and not wanted and not _readable(model, found):
        found = replace(found, precision=Precision.ELEMENT)
    return _place(model, found, want, fraction)


def at_fraction(model: BookModel, fraction: float) -> Found:
    """The text that has a share of the whole before it."""
    if not 0.0 <= fraction <= 1.0:
        raise Invalid("A fraction is a number from 0 to 1.")
    number, share = model.scale.place(fraction)
    section = model.section(number)
    spot = section.spot(section.at_share(share)) if section else None
    return Found(number, spot, Precision.FRACTION)


def _worst(*precisions: Precision) -> Precision:
    return max(precisions, key=list(Precision).index)


def _readable(model: BookModel, found: Found) -> bool:
    """Whether the words that follow are known for sure: of an unknown encoding the engine may read others."""
    if found.spot is None:
        return True
    length = 0
    for section, place, own in _onwards(model, found.number, found.spot):
        if not section.certain:
            return False
        length += len(section.following(place, 4 * SHOWN, own).strip())
        if length >= SHOWN:
            break
    return True


def _settled(model: BookModel, found: Found | None, fraction: float | None, wanted: str) -> Found | None:
    """Let the text confirm, repair or doubt what the locator found."""
    if found is not None and found.spot is not None and _confirmed(model, found, wanted):
        certain = len(wanted) >= passage.SEARCHABLE or found.precision is Precision.EXACT
        return replace(found, precision=Precision.EXACT) if certain else found
    if len(wanted) >= passage.SEARCHABLE:
        repaired = _searched(model, found, fraction, wanted)
        if repaired is not None:
            return repaired
    if found is None:
        return None
    # The text is nowhere in the book: generated content, or another edition. The place may be right, but is unproven.
    return replace(found, precision=_worst(found.precision, Precision.ELEMENT))


def _confirmed(model: BookModel, found: Found, wanted: str) -> bool:
    section = model.section(found.number)
    if section is None or found.spot is None:
        return False
    if passage.agrees(_shown(model, found.number, found.spot, hidden=False), wanted):
        return True
    # Text that is not shown proves a place inside it, but not which of the words in a drawing it is.
    drawn = section.island(found.spot.node) is not None
    return not drawn and passage.agrees(_shown(model, found.number, found.spot, hidden=True), wanted)


def _shown(model: BookModel, number: int, spot: Spot, hidden: bool) -> str:
    """Plain text from a spot on, over the ends of chapters."""
    shown = ""
    for section, place, own in _onwards(model, number, spot):
        shown += passage.plain(section.following(place, 6 * passage.NEEDLE, own, hidden=hidden))
        if len(shown) >= passage.NEEDLE:
            break
    return shown


def _onwards(model: BookModel, number: int, spot: Spot) -> Iterator[tuple[Section, int, int]]:
    """The section of a spot from there on, then the next few from their starts."""
    for following in range(number, min(number + 4, len(model))):
        section = model.section(following)
        if section is not None:
            here = following == number
            yield section, section.place(spot) if here else 0, section.own(spot) if here else 0


def _searched(model: BookModel, found: Found | None, fraction: float | None, wanted: str) -> Found | None:
    """Look for the text near where a locator of this file points, then in the whole book."""
    if found is not None and found.precision in (Precision.EXACT, Precision.ELEMENT):
        near = _near(model, found, wanted)
        if len(near) == 1:
            return near[0]
    hits = [hit for number in _holding(model, wanted) for hit in _hits(model, number, wanted)]
    if len(hits) < 2:
        return hits[0] if hits else None
    if found is None and fraction is None:
        return replace(hits[0], precision=Precision.SECTION)
    middle = _fraction(model, found) if found is not None else fraction or 0.0
    nearest = min(hits, key=lambda hit: abs(_fraction(model, hit) - middle))
    return replace(nearest, precision=Precision.ELEMENT)


def _near(model: BookModel, found: Found, wanted: str) -> list[Found]:
    section = model.section(found.number)
    if section is None or found.spot is None:
        return []
    begin = max(0, section.place(found.spot) - NEARBY)
    haystack = passage.Haystack(section.text[begin : begin + 2 * NEARBY + 8 * passage.NEEDLE])
    return [Found(found.number, section.spot(begin + at), Precision.EXACT) for at in haystack.find(wanted)]


def _holding(model: BookModel, wanted: str) -> Iterator[int]:
    """The sections whose bare text holds ``wanted``, without building a tree of each."""
    for number in range(len(model)):
        read = model.source(number)
        if read is not None and wanted in passage.plain(markup.unescape(_TAG.sub("", read[0]))):
            yield number


def _hits(model: BookModel, number: int, wanted: str) -> list[Found]:
    section = model.section(number)
    if section is None:
        return []
    places = passage.Haystack(section.text).find(wanted)
    return [Found(number, section.spot(place), Precision.EXACT) for place in places]


def _fraction(model: BookModel, found: Found) -> float:
    section = model.section(found.number)
    if section is None or found.spot is None:
        return model.scale.fraction(found.number, 0.0)
    return model.scale.fraction(found.number, section.share(section.place(found.spot)))


def _place(model: BookModel, found: Found, want: LocatorKind | None, fraction: float | None) -> Place:
    """Write the place down in every way. Where only the chapter is known, ``fraction`` says how far in it."""
    section = model.section(found.number)
    pointer, pointer_precision = _xpointer(model, found, section)
    point, point_precision = _cfi(model, found, section)
    parts = {LocatorKind.XPOINTER: pointer_precision, LocatorKind.CFI: point_precision}
    spot = found.spot
    at = section.place(spot) if section and spot else 0
    share = behind = section.share(at) if section and spot else 0.0
    if found.precision is Precision.SECTION and fraction is not None and model.scale.place(fraction)[0] == found.number:
        share = behind = model.scale.place(fraction)[1]
    elif section and spot:
        behind = section.share(at + 1)
    else:
        behind = 0.5  # a page of its own
    return Place(
        section=found.number,
        cfi=point,
        xpointer=pointer,
        # A share that led here is not made another one by the text that stands there.
        fraction=fraction
        if found.precision is Precision.FRACTION and fraction is not None
        else model.scale.fraction(found.number, share),
        text=_text(model, found.number, spot) if section and spot else "",
        precision=_worst(found.precision, *([parts[want]] if want in parts else parts.values())),
        restore=model.scale_of(want).fraction(found.number, behind),
        sure=found.precision,
        chapter=model.chapter(found.number, at),
    )


def _xpointer(model: BookModel, found: Found, section: Section | None) -> tuple[str, Precision]:
    if found.given and found.given.kind is LocatorKind.XPOINTER and found.precision is Precision.EXACT:
        return found.given.value, Precision.EXACT
    spot = found.spot
    if section is None or spot is None:
        return f"/body[1]/DocFragment[{model.fragment(found.number)}].0", Precision.SECTION
    precision = Precision.EXACT
    island = section.island(spot.node)
    if island is not None:
        precision = Precision.EXACT if spot.node == island else Precision.ELEMENT
        spot = Spot(island)
    elif section.kinds[spot.node] == Kind.TEXT and not (section.certain and section.sure_of_text(spot.node)):
        precision = Precision.ELEMENT
        spot = Spot(section.element_before(spot.node))
    top = section.body_of(spot.node)
    steps = (
        xpointer.Step("body"),
        xpointer.Step("DocFragment", model.fragment(found.number, top)),
        xpointer.Step("body"),
        *section.steps(spot.node),
    )
    return str(xpointer.XPointer(steps, spot.offset or 0)), precision


def _cfi(model: BookModel, found: Found, section: Section | None) -> tuple[str, Precision]:
    if found.given and found.given.kind is LocatorKind.CFI:
        return found.given.value, Precision.EXACT
    package = (model.package.spine_step, model.package.items[found.number].step)
    spot = found.spot
    if section is None or spot is None:
        return cfi.point(package), Precision.SECTION
    if not section.in_browser:
        return cfi.point(package, (4,)), Precision.SECTION
    precision = Precision.EXACT
    island = section.island(spot.node)
    if island is not None:
        precision = Precision.EXACT if spot.node == island else Precision.ELEMENT
        spot = Spot(island)
    elif section.kinds[spot.node] == Kind.INSTRUCTION:
        spot = section.spot(section.place(spot))
    if section.kinds[spot.node] == Kind.TEXT:
        if not section.certain:
            precision = Precision.ELEMENT
        return cfi.point(
            package, section.path(spot.node), offset=section.raw_of(spot.node, spot.offset or 0)
        ), precision
    return cfi.point(package, section.path(spot.node)), precision


def _text(model: BookModel, number: int, spot: Spot) -> str:
    """What follows a spot, for people: one line, words of different paragraphs apart."""
    line = ""
    for section, place, own in _onwards(model, number, spot):
        line = " ".join(f"{line} {section.line(place, 4 * SHOWN, own)}".split())
        if len(line) >= SHOWN:
            break
    return line[:SHOWN].rstrip()
