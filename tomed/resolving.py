"""Resolve a file: the rules of ``tomed/matching.py`` over the names that the store remembers."""

from __future__ import annotations

import apsw

from tomed.matching import identify
from tomed.model import Clues, Match
from tomed.store.aliases import Shelf


def resolve(connection: apsw.Connection, clues: Clues, *, user_id: int | None = None) -> Match:
    """The book that a file certainly is. With ``user_id``, that person's own links, refusals and downloads count.

    Reads only, a handful of indexed look-ups.

    Raises:
        NoMatch: nothing certain; ``details["candidates"]`` has what is likely, best first.
        Ambiguous: several with equal right; ``details["candidates"]`` has them.
    """
    return identify(Shelf(connection, user_id), clues)
