"""A place in a book for another reader: the locator and the fraction that it understands, and how sure that is.

A reader's own locator goes back to it untouched. For another kind the place is translated from the book's file, in a
process of its own; what can't be translated surely is left to the fraction.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from tomed.errors import Invalid
from tomed.locators.translate import Place
from tomed.locators.worker import Places as Translator
from tomed.locators.worker import Question
from tomed.model import Locator, LocatorKind, PositionEntry, Precision, Scaled
from tomed.positions import COMPLETE_FROM

log = logging.getLogger(__name__)

FindFile = Callable[[], Awaitable[Path | None]]
"""Finds the EPUB that a place is in, when it is wanted; None when the book has none."""

PATIENCE_S = 5.0
"""How long is waited for a library that does not say where the file is: the fraction leads close, and devices wait."""

SURE = (Precision.EXACT, Precision.ELEMENT)
"""A locator of less than this is not handed out: the fraction leads closer."""

TRANSLATED = {LocatorKind.XPOINTER, LocatorKind.CFI}


class Told(Protocol):
    """A place as a reader told it: ``scale`` is the kind of reader on whose scale ``fraction`` is."""

    @property
    def fraction(self) -> float: ...
    @property
    def scale(self) -> LocatorKind | None: ...
    @property
    def locator(self) -> Locator | None: ...
    @property
    def text(self) -> str: ...


class Places:
    """Translates places; one object a daemon, because it keeps the models of books just read."""

    def __init__(self, translator: Translator | None = None) -> None:
        self._translator = translator or Translator()

    async def offer(self, entry: PositionEntry, kind: LocatorKind | None, find_file: FindFile) -> PositionEntry:
        """The entry as a reader of ``kind`` can use it: its locator of that kind or none, the precision of that, and
        the fraction on that reader's own scale.

        With ``kind`` None the entry stays as it was told.
        """
        locator = entry.locator
        if kind is None or locator is None or locator.kind is kind:
            return entry
        unknown = replace(entry, locator=None, precision=Precision.FRACTION)
        if not {kind, locator.kind} <= TRANSLATED:
            return unknown
        try:
            async with asyncio.timeout(PATIENCE_S):
                path = await find_file()
        except TimeoutError:
            path = None
        if path is None:
            return unknown
        try:
            foreign = _is_foreign(locator, entry.text)
            question = Question(locator, entry.fraction, entry.text, kind, foreign, locator.kind)
            place = await self._translator.translate(path, question)
        except Invalid as err:
            log.info("A place in %s could not be translated: %s", path.name, err.message)
            return unknown
        # A reader's own end is the end in every other.
        fraction = 1.0 if entry.fraction >= COMPLETE_FROM else place.restore
        precision = _doubted(place.precision, locator, entry.text)
        if precision not in SURE:
            return replace(unknown, precision=precision, fraction=fraction)
        value = place.cfi if kind is LocatorKind.CFI else place.xpointer
        return replace(
            entry,
            locator=Locator(kind, value),
            text=entry.text or place.text,
            precision=precision,
            fraction=fraction,
        )

    async def measure(self, path: Path, told: Sequence[Told]) -> list[Scaled]:
        """Where places of the EPUB at ``path`` are on the one scale, and in which chapter; in order.

        Raises:
            Invalid: the file is no readable EPUB, or it took too long. ``Busy``: not now.
        """
        asked = [one for one in told if one.scale is not LocatorKind.PAGE]  # a file that counts pages is its own scale
        found = iter(await self._translator.translate_all(path, [_question(one) for one in asked]) if asked else ())
        return [_paged(one) if one.scale is LocatorKind.PAGE else _scaled(one, next(found)) for one in told]

    async def close(self) -> None:
        """End the workers."""
        await self._translator.close()


def _question(told: Told) -> Question:
    foreign = told.locator is None or _is_foreign(told.locator, told.text)
    return Question(told.locator, told.fraction, told.text, None, foreign, told.scale)


def _scaled(told: Told, found: Place | Invalid) -> Scaled:
    if isinstance(found, Invalid):  # a place that the book does not have spoils no other
        return Scaled(None, Precision.FRACTION)
    if told.fraction >= COMPLETE_FROM:
        return Scaled(1.0, Precision.EXACT, found.chapter)
    return Scaled(found.fraction, _doubted(found.sure, told.locator, told.text), found.chapter)


def _paged(told: Told) -> Scaled:
    at_end = told.fraction >= COMPLETE_FROM
    return Scaled(1.0 if at_end else told.fraction, Precision.EXACT if at_end else Precision.FRACTION)


def _is_foreign(locator: Locator, text: str) -> bool:
    """A device's file may be another than the library's (sent, converted, polished): then only the text proves it."""
    return locator.kind is LocatorKind.XPOINTER and bool(text)


def _doubted(precision: Precision, locator: Locator | None, text: str) -> Precision:
    """An XPointer that no text proves is never quite certain, for the same reason."""
    unproven = locator is not None and locator.kind is LocatorKind.XPOINTER and not text
    return Precision.ELEMENT if unproven and precision is Precision.EXACT else precision
