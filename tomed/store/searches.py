"""What the search index answers, remembered until the catalogue changes.

Of a word that a quarter of the books have, finding the books is nearly all of a page's cost; the next page, the same
words in another order and the next person who asks them need not do it again.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from dataclasses import dataclass

import apsw
import msgspec

MANY = 4_000
"""More hits than these are not handed back to SQLite one by one."""
NARROW = 500
"""Up to this many hits those in title and series come before those elsewhere; more are shown by title."""
KEPT = 16
"""Questions that are remembered. A hit takes four bytes."""


@dataclass(frozen=True, slots=True)
class Hits:
    """The living books that have all words of ``expression`` (FTS5): all of them, so that a total can be true."""

    expression: str
    ids: array[int]

    @property
    def few(self) -> bool:
        """Few enough to be ranked."""
        return len(self.ids) <= NARROW

    @property
    def many(self) -> bool:
        """Too many to be handed back to SQLite."""
        return len(self.ids) > MANY


def find(connection: apsw.Connection, expression: str) -> Hits:
    """Ask the search index."""
    # One text of numbers instead of a row each: a word that half a library has is then no longer dear.
    sql = "SELECT json_group_array(rowid) FROM book_search WHERE book_search MATCH ?"
    return Hits(expression, array("I", msgspec.json.decode(connection.execute(sql, (expression,)).get, type=list[int])))


class Searches:
    """The last questions and their hits, of one sidecar, for all threads. ``mirror.py`` moves the mark of the catalogue
    with whatever it writes, in the same transaction: what is remembered under the mark that a snapshot has is true."""

    def __init__(self) -> None:
        self._mark = -1
        self._found: OrderedDict[str, Hits] = OrderedDict()
        self._turn = threading.Lock()

    def find(self, connection: apsw.Connection, expression: str) -> Hits:
        """``find``, asked of the index once as long as no book changes. Inside a transaction (``Store.read``)."""
        mark = connection.execute("SELECT value FROM catalog_counts WHERE name = 'mark'").get
        with self._turn:
            if mark > self._mark:
                self._mark = mark
                self._found.clear()
            known = self._found.get(expression) if mark == self._mark else None
            if known is not None:
                self._found.move_to_end(expression)
                return known
        hits = find(connection, expression)
        with self._turn:
            if mark == self._mark:
                self._found[expression] = hits
                if len(self._found) > KEPT:
                    self._found.popitem(last=False)
        return hits
