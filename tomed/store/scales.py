"""SQL of the one scale: which places of the log are not on it yet, and where they are found to be.

What is kept here is computed from an event and the book's file, and could be made anew; the event itself stays as told.
It is made anew when the file changed: until that is done, what was found in the earlier version stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apsw

from tomed.model import BookId, Locator, LocatorKind, Precision, Scaled
from tomed.store import readings
from tomed.store.events import LOOK_BACK


@dataclass(frozen=True, slots=True)
class Unscaled:
    """A place of the log as its reader told it."""

    id: int
    user_id: int
    fraction: float
    scale: LocatorKind | None
    """The kind of reader whose scale ``fraction`` is on: of its locator, else of the latest one of the same device."""
    locator: Locator | None = None
    text: str = ""


def waiting_books(connection: apsw.Connection) -> list[BookId]:
    """Books with an EPUB whose log has places that were not looked at. As many steps as there are books with such."""
    rows = connection.execute(
        "WITH RECURSIVE waiting (book_id) AS ("
        " SELECT min(book_id) FROM positions WHERE canonical_precision IS NULL AND book_id IS NOT NULL"
        " UNION ALL SELECT (SELECT min(p.book_id) FROM positions p WHERE p.canonical_precision IS NULL"
        "  AND p.book_id IS NOT NULL AND p.book_id > w.book_id) FROM waiting w WHERE w.book_id IS NOT NULL)"
        " SELECT book_id FROM waiting w WHERE book_id IS NOT NULL AND EXISTS"
        " (SELECT 1 FROM formats f WHERE f.book_id = w.book_id AND f.format IN ('EPUB', 'KEPUB'))"
        " UNION ALL SELECT book_id FROM measured WHERE waiting_to > 0"
    )
    return list(dict.fromkeys(BookId(row[0]) for row in rows))


Version = tuple[int, int]
"""Size (bytes) and time of change (ns) of a file."""


def versions(connection: apsw.Connection) -> dict[BookId, Version]:
    """In which version of its file each book was measured."""
    rows: list[Any] = connection.execute("SELECT book_id, size, mtime_ns FROM measured").fetchall()
    return {BookId(book_id): (size, mtime_ns) for book_id, size, mtime_ns in rows}


def begin(connection: apsw.Connection, book_id: BookId, version: Version) -> None:
    """The book is measured in this version from now on; all that was found in another one waits to be found again."""
    known: Any = connection.execute("SELECT size, mtime_ns FROM measured WHERE book_id = ?", (book_id,)).get
    if known is None:
        connection.execute("INSERT INTO measured (book_id, size, mtime_ns) VALUES (?, ?, ?)", (book_id, *version))
    elif known != version:
        connection.execute(
            "UPDATE measured SET size = ?2, mtime_ns = ?3, waiting_to = (SELECT coalesce(max(id), 0) FROM positions"
            " WHERE book_id = ?1 AND canonical_precision IS NOT NULL) WHERE book_id = ?1",
            (book_id, *version),
        )


def unscaled(connection: apsw.Connection, book_id: BookId, limit: int) -> list[Unscaled]:
    """Places in a book that were not looked at, the newest first."""
    return _places(connection, "p.canonical_precision IS NULL ORDER BY p.at DESC", book_id, limit)


def outdated(connection: apsw.Connection, book_id: BookId, limit: int) -> list[Unscaled]:
    """Places in a book that were looked at in an earlier version of its file, the latest told first."""
    condition = (
        "p.id <= (SELECT waiting_to FROM measured WHERE book_id = p.book_id) AND p.canonical_precision IS NOT NULL"
        " ORDER BY p.id DESC"
    )
    return _places(connection, condition, book_id, limit)


def _places(connection: apsw.Connection, condition: str, book_id: BookId, limit: int) -> list[Unscaled]:
    rows: list[Any] = connection.execute(
        "SELECT p.id, p.user_id, p.fraction, p.locator_kind, p.locator_value, p.text,"
        " coalesce(p.locator_kind, (SELECT q.locator_kind FROM (SELECT locator_kind, device_id FROM positions"
        f"  WHERE user_id = p.user_id AND book_id = p.book_id ORDER BY at DESC LIMIT {LOOK_BACK}) q"
        "  WHERE q.device_id IS p.device_id AND q.locator_kind IS NOT NULL LIMIT 1))"
        f" FROM positions p WHERE p.book_id = ? AND {condition} LIMIT ?",
        (book_id, limit),
    ).fetchall()
    return [
        Unscaled(
            key,
            user_id,
            fraction,
            LocatorKind(scale) if scale else None,
            Locator(LocatorKind(kind), value) if kind else None,
            text,
        )
        for key, user_id, fraction, kind, value, text, scale in rows
    ]


def copy(connection: apsw.Connection, source: int, target: int) -> None:
    """Let a new row of the log be where an older one is: a person went back to it."""
    connection.execute(
        "UPDATE positions SET (canonical, canonical_precision, chapter) ="
        " (SELECT canonical, canonical_precision, chapter FROM positions WHERE id = ?) WHERE id = ?",
        (source, target),
    )


def keep(connection: apsw.Connection, book_id: BookId, found: Iterable[tuple[Unscaled, Scaled]]) -> None:
    """Note where places are found to be. One that has moved to another book meanwhile is left alone."""
    users = set()
    for place, scaled in found:
        users.add(place.user_id)
        connection.execute(
            "UPDATE positions SET canonical = ?, canonical_precision = ?, chapter = ? WHERE id = ? AND book_id = ?",
            (scaled.fraction, scaled.precision, scaled.chapter, place.id, book_id),
        )
    for user_id in users:
        readings.rescale(connection, user_id, book_id)


def settle(connection: apsw.Connection, book_id: BookId, found: Iterable[tuple[Unscaled, Scaled]]) -> None:
    """Note where outdated places are found to be; without any, none waits any more."""
    again = list(found)
    keep(connection, book_id, again)
    connection.execute(
        "UPDATE measured SET waiting_to = ? WHERE book_id = ?",
        (min((place.id for place, _ in again), default=1) - 1, book_id),
    )


def give_up(connection: apsw.Connection, book_id: BookId) -> None:
    """The book's file can't be read: its places keep their readers' own fractions, until ``try_again``. What was found
    in an earlier version of it stands until there is another one."""
    connection.execute("UPDATE measured SET waiting_to = 0 WHERE book_id = ?", (book_id,))
    connection.execute(
        "UPDATE positions SET canonical_precision = ? WHERE book_id = ? AND canonical_precision IS NULL",
        (Precision.FRACTION, book_id),
    )


def try_again(connection: apsw.Connection) -> None:
    """Let what was given up be looked at once more: the file may have been mended."""
    connection.execute(
        "UPDATE positions SET canonical_precision = NULL WHERE canonical IS NULL AND canonical_precision IS NOT NULL"
    )
