"""A store with two readers and a small library, and ways to tell it of reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import settings

from tomed import reporting
from tomed.errors import NoMatch
from tomed.model import BookId, Clues, Match, User
from tomed.store import events, users
from tomed.store.db import Store
from tomed.store.devices import DeviceReport, upsert

settings.register_profile("unhurried", deadline=None)  # a busy machine is no fault
settings.load_profile("unhurried")

NOW = int(datetime.fromisoformat("2026-11-22T21:00:00+00:00").timestamp() * 1000)


def ms(text: str) -> int:
    """An instant: ``2025-06-10 21:30`` is UTC."""
    at = datetime.fromisoformat(text if "+" in text or text.endswith("Z") else text + "+00:00")
    return int(at.timestamp() * 1000)


def by_md5(connection: apsw.Connection, clues: Clues, *, user_id: int | None = None) -> Match:
    """Names a book by a hash that is its own uuid, or by its exact title and number in the series."""
    row = connection.execute(
        "SELECT id FROM books WHERE uuid = ?1 OR (title = ?2 AND series_index IS ?3)",
        (clues.partial_md5 or clues.book_uuid, clues.title, clues.series_index),
    ).fetchone()
    if row is None:
        raise NoMatch("nothing")
    return Match(BookId(row[0]), "md5")


class Shelf:
    """A store and short words for what happens to it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._ids = count()
        self.clock = NOW
        self.reporting = reporting.of(store, self.now)

    def now(self) -> int:
        return self.clock

    def write(self, work: Callable[[apsw.Connection], Any]) -> Any:
        """Write at once, from a thread: a test's own event loop must not wait for its writer."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self.store.write_now, work).result()

    def user(self, name: str = "ann") -> User:
        found = self.store.read(lambda c: users.by_name(c, name))
        assert found is not None
        return found

    def execute(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        return self.write(lambda c: c.execute(sql, values).fetchall())  # type: ignore[arg-type]

    def device(self, name: str, user: int = 1) -> int:
        return self.write(lambda c: upsert(c, user, DeviceReport(f"id-{name}", name), NOW))

    def read(
        self, when: str, minutes: float, book: int | None = 1, *, user: int = 1, source: str = "device", **more: object
    ) -> int:
        """A sitting; its session id."""
        at = ms(when)
        origin = events.Origin(
            user,
            f"e{next(self._ids)}",
            NOW,
            BookId(book) if book else None,
            more.get("document"),  # type: ignore[arg-type]
            more.get("device"),  # type: ignore[arg-type]
        )
        session = events.Session(
            0,
            at,
            at + int(minutes * 60_000),
            int(more.get("active_s", minutes * 60)),  # type: ignore[call-overload]
            int(more.get("pages", minutes)),  # type: ignore[call-overload]
            more.get("start"),  # type: ignore[arg-type]
            more.get("end"),  # type: ignore[arg-type]
        )
        return self.write(lambda c: events.add_session(c, origin, session, source=source))

    def finish(self, book: int, at: int | None, user: int = 1) -> None:
        self.execute(
            "INSERT INTO readings (user_id, book_id, status, fraction, finished_at, updated_at)"
            " VALUES (?, ?, ?, 1, ?, ?)"
            " ON CONFLICT DO UPDATE SET finished_at = excluded.finished_at, updated_at = excluded.updated_at,"
            " status = excluded.status",
            user,
            book,
            "complete" if at else "reading",
            at,
            NOW,
        )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "tomed.db")
    yield opened
    opened.close()


def furnish(connection: apsw.Connection) -> None:
    """Two readers; a series of three, a comic and a novel, with authors, tags and formats."""
    for name in ("ann", "bob"):
        users.create(connection, name, None, now=1)
    connection.execute("INSERT INTO series (id, name, sort) VALUES (1, 'Earthsea', 'Earthsea')")
    books = [
        (1, "A Wizard of Earthsea", 1, 1.0, "book", "eng"),
        (2, "The Tombs of Atuan", 1, 2.0, "book", "eng"),
        (3, "The Farthest Shore", 1, 3.0, "book", "eng"),
        (4, "Emma", None, None, "book", "eng"),
        (5, "Yotsuba", None, None, "comic", "jpn"),
    ]
    for number, title, series, index, kind, languages in books:
        connection.execute(
            "INSERT INTO books (id, uuid, title, sort, series_id, series_index, kind, languages, seen_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
            (number, f"uuid-{number}", title, title, series, index, kind, languages),
        )
        connection.execute("INSERT INTO formats (book_id, format, name) VALUES (?, ?, 'x')", (number, "EPUB"))
    connection.execute("INSERT INTO formats (book_id, format, name) VALUES (1, 'AZW3', 'x'), (1, 'FB2', 'x')")
    for number, name in ((1, "Le Guin"), (2, "Austen"), (3, "Azuma"), (4, "Illustrator")):
        connection.execute("INSERT INTO authors (id, name, sort) VALUES (?, ?, ?)", (number, name, name))
    for book, ordinal, author in ((1, 0, 1), (2, 0, 1), (3, 0, 1), (4, 0, 2), (5, 0, 3), (5, 1, 4)):
        connection.execute("INSERT INTO book_authors VALUES (?, ?, ?)", (book, ordinal, author))
    connection.execute("INSERT INTO tags (id, name) VALUES (1, 'Fantasy'), (2, 'Classic')")
    connection.execute("INSERT INTO book_tags VALUES (1, 1), (2, 1), (3, 1), (4, 2), (1, 2)")


@pytest.fixture
def shelf(store: Store) -> Shelf:
    store.write_now(furnish)
    return Shelf(store)


@pytest.fixture
def history_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a statistics.sqlite3 of (hash, title, rows); rows are (page, start in epoch s, duration, pages)."""
    from tomed.store import statistics_file
    from tomed.store.statistics_file import HistoryBook

    made = count()

    def make(*books: tuple[str, str, list[tuple[int, int, int, int]]]) -> Path:
        path = tmp_path / f"history{next(made)}.sqlite3"
        statistics_file.write(
            path,
            [
                (HistoryBook(i, md5, title, ("Somebody",), pages=100), [(i, *row) for row in rows])
                for i, (md5, title, rows) in enumerate(books, 1)
            ],
        )
        return path

    return make
