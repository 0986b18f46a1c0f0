"""What is fuzzed: functions of bytes that keep a contract whatever they are given."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable

from tests.locators.books import epub
from tomed.api import requests
from tomed.errors import TomedError
from tomed.locators import BookModel, cfi, locate, xpointer
from tomed.model import Locator, LocatorKind

Target = Callable[[bytes], None]

CPU_S = 5.0
"""Processor time that one input of some kilobytes may take."""

PLACES = (
    (Locator(LocatorKind.XPOINTER, "/body/DocFragment[1]/body/p[1]/text().0"), None, ""),
    (Locator(LocatorKind.CFI, "epubcfi(/6/2!/4/2/1:0)"), None, ""),
    (None, 0.5, ""),
    (None, 1.0, "words that are in no such book"),
)


class Broken(AssertionError):
    """A contract that was not kept."""


def xpointers(data: bytes) -> None:
    """An XPointer is refused with a sentence, or written back as one that is read the same."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        parsed = xpointer.parse(text)
    except TomedError:
        return
    if xpointer.parse(str(parsed)) != parsed:
        raise Broken(f"{text!r} is written back as {str(parsed)!r}, which is another place")
    xpointer.canonical(text)


def cfis(data: bytes) -> None:
    """A CFI is refused with a sentence, or has at least one path."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        parsed = cfi.parse(text)
    except TomedError:
        return
    if not text.isprintable() and parsed is None:
        raise Broken("nothing was read")


def epubs(data: bytes) -> None:
    """A file is refused as a book, or any place can be asked for: an answer with a fraction, or a sentence."""
    try:
        model = BookModel.open(data)
    except TomedError:
        return
    for locator, fraction, text in PLACES:
        try:
            place = locate(model, locator, fraction, text)
        except TomedError:
            continue
        if not 0 <= place.fraction <= 1:
            raise Broken(f"a place has the fraction {place.fraction}")


def chapters(data: bytes) -> None:
    """The same for a sound EPUB with these bytes as its chapter."""
    epubs(epub(data))


def syncs(data: bytes) -> None:
    """A body of /sync is refused whole with a sentence, or each event in it is told or refused."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(told, dict):
        return
    try:
        _, _, batch, _ = requests.sync(told)
    except TomedError:
        return
    events = told.get("events") or []
    if len(batch) != len(events):
        raise Broken(f"{len(events)} events became {len(batch)}")


TARGETS: dict[str, Target] = {"xpointer": xpointers, "cfi": cfis, "epub": epubs, "chapter": chapters, "sync": syncs}


def bounded(target: Target, data: bytes) -> None:
    """Run a target and look at the processor time that it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    target(data)
    took = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
    if took > CPU_S:
        raise Broken(f"{len(data)} bytes took {took:.1f} s of processor time")
