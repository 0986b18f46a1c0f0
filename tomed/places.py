"""A place in a book for another reader: the locator that it understands, and how sure that is.

A reader's own locator goes back to it untouched. For another kind the place is translated from the book's file, in a
process of its own; what can't be translated surely is left to the fraction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tomed.errors import Invalid
from tomed.locators.worker import Places as Translator
from tomed.model import Locator, LocatorKind, PositionEntry, Precision

log = logging.getLogger(__name__)

FindFile = Callable[[], Path | None]
"""Finds the EPUB that a place is in, when it is wanted; None when the book has none."""

SURE = (Precision.EXACT, Precision.ELEMENT)
"""A locator of less than this is not handed out: the fraction leads closer."""

TRANSLATED = {LocatorKind.XPOINTER, LocatorKind.CFI}


class Places:
    """Translates places; one object a daemon, because it keeps the models of books just read."""

    def __init__(self) -> None:
        self._translator = Translator()

    async def offer(self, entry: PositionEntry, kind: LocatorKind | None, find_file: FindFile) -> PositionEntry:
        """The entry as a reader of ``kind`` can use it: its locator of that kind or none, and the precision of that.

        With ``kind`` None the entry stays as it was told.
        """
        locator = entry.locator
        if kind is None or locator is None or locator.kind is kind:
            return entry
        unknown = replace(entry, locator=None, precision=Precision.FRACTION)
        if not {kind, locator.kind} <= TRANSLATED:
            return unknown
        path = find_file()
        if path is None:
            return unknown
        # A device's file may be another than the library's (sent, converted, polished): then only the text proves it.
        foreign = locator.kind is LocatorKind.XPOINTER and bool(entry.text)
        try:
            place = await self._translator.translate(path, locator, entry.fraction, entry.text, kind, foreign=foreign)
        except Invalid as err:
            log.info("A place in %s could not be translated: %s", path.name, err.message)
            return unknown
        precision = place.precision
        if locator.kind is LocatorKind.XPOINTER and not entry.text and precision is Precision.EXACT:
            precision = Precision.ELEMENT
        if precision not in SURE:
            return replace(unknown, precision=precision)
        value = place.cfi if kind is LocatorKind.CFI else place.xpointer
        return replace(entry, locator=Locator(kind, value), text=entry.text or place.text, precision=precision)

    async def close(self) -> None:
        """End the workers."""
        await self._translator.close()
