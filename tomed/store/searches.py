"""What the search index answers, remembered until the catalogue changes.

Of a word that a quarter of the books have, finding the books is nearly all of a page's cost; the next page, the same
words in another order and the next person who asks them need not do it again.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
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


ENDINGS = 4
"""Up to so many words that begin as a word does are asked for by name."""

Words = tuple[str, ...]
"""What a book must have, as ``folding.question_words`` has it; each may go on (``wint`` finds ``winter``)."""


@dataclass(frozen=True, slots=True)
class Hits:
    """The living books that have all words of ``expression`` (FTS5): all of them, so that a total can be true."""

    expression: str
    ids: array[int]
    """In ascending order."""

    @property
    def few(self) -> bool:
        """Few enough to be ranked."""
        return len(self.ids) <= NARROW

    def has(self, book_id: int) -> bool:
        """Whether a book is among them. Of a few hundred books this is quicker than making a set of all hits."""
        at = bisect_left(self.ids, book_id)
        return at < len(self.ids) and self.ids[at] == book_id

    @property
    def many(self) -> bool:
        """Too many to be handed back to SQLite."""
        return len(self.ids) > MANY


def find(connection: apsw.Connection, words: Words) -> Hits:
    """Ask the search index."""
    expression = " AND ".join(_any_ending(connection, word) for word in words)
    # One text of numbers instead of a row each: a word that half a library has is then no longer dear.
    sql = "SELECT json_group_array(rowid) FROM book_search WHERE book_search MATCH ?"  # as they lie in it: ascending
    return Hits(expression, array("I", msgspec.json.decode(connection.execute(sql, (expression,)).get, type=list[int])))


def _any_ending(connection: apsw.Connection, word: str) -> str:
    """The word however it goes on, as FTS5 has it. Quotes, stars and operators in it are data.

    The index walks the books of one word, and skips through them beside others; those of whatever begins so it has to
    gather first, which costs two or three times as much. So where few words do, they are named.
    """
    known = _words_from(connection, word) if word.isalnum() else []  # else it may be several to the index
    if 0 < len(known) <= ENDINGS:
        return "(" + " OR ".join(map(_quoted, known)) + ")"
    return _quoted(word) + "*"


def _words_from(connection: apsw.Connection, start: str) -> list[str]:
    """Words of the index that begin with ``start``, one more than ``ENDINGS`` at most. A look-up each."""
    found, sought = list[str](), start
    while len(found) <= ENDINGS:
        word = connection.execute("SELECT term FROM book_words WHERE term >= ? LIMIT 1", (sought,)).get
        if word is None or not word.startswith(start):
            break
        found.append(word)
        sought = word + "\x01"
    return found


def _quoted(word: str) -> str:
    doubled = word.replace('"', '""')
    return f'"{doubled}"'


class Searches:
    """The last questions and their hits, of one sidecar, for all threads. ``mirror.py`` moves the mark of the catalogue
    with whatever it writes, in the same transaction: what is remembered under the mark that a snapshot has is true."""

    def __init__(self) -> None:
        self._mark = -1
        self._found: OrderedDict[Words, Hits] = OrderedDict()
        self._turn = threading.Lock()

    def find(self, connection: apsw.Connection, words: Words) -> Hits:
        """``find``, asked of the index once as long as no book changes. Inside a transaction (``Store.read``)."""
        words = tuple(sorted(words))
        mark = connection.execute("SELECT value FROM catalog_counts WHERE name = 'mark'").get
        with self._turn:
            if mark > self._mark:
                self._mark = mark
                self._found.clear()
            known = self._found.get(words) if mark == self._mark else None
            if known is not None:
                self._found.move_to_end(words)
                return known
        hits = find(connection, words)
        with self._turn:
            if mark == self._mark:
                self._found[words] = hits
                if len(self._found) > KEPT:
                    self._found.popitem(last=False)
        return hits
