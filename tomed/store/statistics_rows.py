"""SQL of KOReader's page rows and of what a person corrected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import apsw
import msgspec

from tomed.errors import NotFound
from tomed.statistics.days import Stay
from tomed.statistics.goals import Goal
from tomed.store.statistics_file import HistoryBook, HistoryRow

RowOf = tuple[int, int, int, int, int, int]
"""Document, device, start (epoch s), page, duration (s), pages of the layout: the columns of ``page_rows``."""


def fetch(connection: apsw.Connection, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
    """All rows of a query, as tuples whose columns the caller knows."""
    return connection.execute(sql, values).fetchall()


def add_rows(connection: apsw.Connection, user_id: int, rows: list[RowOf]) -> int:
    """Take page rows in; how many said something new. The longer duration of the same page and start wins."""
    before = connection.total_changes()
    connection.executemany(
        "INSERT INTO page_rows (document_id, device_id, start_time, page, duration, total_pages)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET duration = excluded.duration,"
        " total_pages = excluded.total_pages WHERE excluded.duration > duration",
        rows,
    )
    changed = connection.total_changes() - before
    if changed:
        connection.executemany(
            "INSERT INTO stale_works (user_id, work_id) SELECT ?1, coalesce(book_id, -id) FROM documents WHERE id = ?2"
            " ON CONFLICT DO UPDATE SET mark = mark + 1",
            [(user_id, document) for document in {row[0] for row in rows}],
        )
    return changed


def document_of(connection: apsw.Connection, user_id: int, partial_md5: str) -> tuple[int, int | None] | None:
    """A document of this user with that hash, and its book; a placed one before a waiting one."""
    row = connection.execute(
        "SELECT id, book_id FROM documents WHERE partial_md5 = ? AND partial_md5 <> '' AND user_id = ?"
        " ORDER BY book_id IS NULL, id LIMIT 1",
        (partial_md5, user_id),
    ).fetchone()
    return (row[0], row[1]) if row else None


def note_book(connection: apsw.Connection, document_id: int, book: HistoryBook) -> None:
    """Keep KOReader's words about a book; the file opened last has the last word."""
    connection.execute(
        "INSERT INTO history_books VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET series = excluded.series,"
        " series_index = excluded.series_index, language = excluded.language, pages = excluded.pages,"
        " highlights = max(highlights, excluded.highlights), notes = max(notes, excluded.notes),"
        " last_open = excluded.last_open WHERE excluded.last_open >= last_open",
        (
            document_id,
            book.series,
            book.series_index,
            book.language,
            book.pages,
            book.highlights,
            book.notes,
            book.last_open,
        ),
    )


def mark(connection: apsw.Connection, user_id: int, device_id: int) -> tuple[int, int]:
    """Up to which start (epoch s) a device's history was taken in, and how many rows; (0, 0) before the first."""
    row = connection.execute(
        "SELECT start_time, rows FROM history_marks WHERE user_id = ? AND device_id = ?", (user_id, device_id)
    ).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def set_mark(connection: apsw.Connection, user_id: int, device_id: int, start_time: int, rows: int, now: int) -> None:
    """Note that a history was taken in up to ``start_time``."""
    connection.execute(
        "INSERT INTO history_marks VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " start_time = max(start_time, excluded.start_time), rows = rows + excluded.rows, at = excluded.at",
        (user_id, device_id, start_time, rows, now),
    )


def known_rows(connection: apsw.Connection, rows: Iterable[RowOf]) -> int:
    """How many of these rows are there already, at least as long."""
    known = 0
    for document, device, start, page, duration, _ in rows:
        found = connection.execute(
            "SELECT duration FROM page_rows WHERE document_id = ? AND device_id = ? AND start_time = ? AND page = ?",
            (document, device, start, page),
        ).fetchone()
        known += found is not None and found[0] >= duration
    return known


def export(connection: apsw.Connection, user_id: int) -> list[tuple[HistoryBook, list[HistoryRow]]]:
    """All page rows of a user, of all devices together, by file; the longest of rows told twice."""
    books: dict[str, tuple[HistoryBook, list[int]]] = {}
    for document, md5, title, authors, *words in fetch(
        connection,
        "SELECT d.id, d.partial_md5, coalesce(nullif(d.title, ''), b.title, d.filename), d.authors, h.series,"
        " h.series_index, h.language, h.pages, h.highlights, h.notes, h.last_open FROM documents d"
        " LEFT JOIN history_books h ON h.document_id = d.id LEFT JOIN books b ON b.id = d.book_id"
        " WHERE d.user_id = ? AND EXISTS (SELECT 1 FROM page_rows r WHERE r.document_id = d.id) ORDER BY d.id",
        (user_id,),
    ):
        series, index, language, pages, highlights, notes, last_open = words
        book = HistoryBook(
            document,
            md5,
            title,
            tuple(msgspec.json.decode(authors)),
            series or "",
            index,
            language or "",
            pages or 0,
            highlights or 0,
            notes or 0,
            last_open or 0,
        )
        kept = books.setdefault(md5 or f"\0{document}", (book, []))
        kept[1].append(document)
    contents = []
    for book, documents in books.values():
        rows = fetch(
            connection,
            "SELECT ?1, page, start_time, max(duration), total_pages FROM page_rows"
            f" WHERE document_id IN ({', '.join(map(str, documents))}) GROUP BY page, start_time ORDER BY start_time",
            (book.key,),
        )
        if not book.pages and rows:
            book = replace(book, pages=rows[-1][4])
        contents.append((book, rows))
    return contents


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """What a person says of the time ``from_at``..``to_at`` of a device and work; without a sitting: there was none."""

    user_id: int
    work_id: int
    document_id: int | None
    device_id: int
    source: str
    from_at: int
    to_at: int
    sitting: tuple[int, int, int, int] | None
    """Start and end (ms), active seconds, pages."""


def add_correction(connection: apsw.Connection, said: NewCorrection, now: int) -> int:
    """Keep a correction; its id."""
    connection.execute(
        "INSERT INTO corrections (user_id, book_id, document_id, device_id, source, from_at, to_at, started_at,"
        " ended_at, active_s, pages, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            said.user_id,
            said.work_id if said.work_id > 0 else None,
            said.document_id or (-said.work_id if said.work_id < 0 else None),
            said.device_id,
            said.source,
            said.from_at,
            said.to_at,
            *(said.sitting or (None, None, None, None)),
            now,
        ),
    )
    touch(connection, said.user_id, said.work_id)
    return connection.last_insert_rowid()


def change_correction(
    connection: apsw.Connection, user_id: int, correction_id: int, sitting: tuple[int, int, int, int] | None
) -> None:
    """Say something else of the same time. Raises NotFound when it is not one's own."""
    row = fetch(
        connection,
        "UPDATE corrections SET started_at = ?, ended_at = ?, active_s = ?, pages = ? WHERE id = ? AND user_id = ?"
        " RETURNING coalesce(book_id, -document_id, 0)",
        (*(sitting or (None, None, None, None)), correction_id, user_id),
    )
    if not row:
        raise NotFound("There is no such sitting.")
    touch(connection, user_id, row[0][0])


def hide_sessions(connection: apsw.Connection, user_id: int, session_ids: list[int], now: int) -> None:
    """Take one's own sessions out of every list; they stay known, so that sending them again changes nothing."""
    connection.executemany(
        "UPDATE sessions SET deleted_at = ? WHERE id = ? AND user_id = ?", [(now, s, user_id) for s in session_ids]
    )


def change_session(
    connection: apsw.Connection, user_id: int, session_id: int, sitting: tuple[int, int, int, int]
) -> None:
    """Give a session other times and pages."""
    started_at, ended_at, active_s, pages = sitting
    connection.execute(
        "UPDATE sessions SET started_at = ?, ended_at = ?, active_s = ?, pages_turned = ? WHERE id = ? AND user_id = ?",
        (started_at, ended_at, active_s, pages, session_id, user_id),
    )


def touch(connection: apsw.Connection, user_id: int, work_id: int) -> None:
    """Let a work be made anew before the next answer."""
    connection.execute(
        "INSERT INTO stale_works (user_id, work_id) VALUES (?, ?) ON CONFLICT DO UPDATE SET mark = mark + 1",
        (user_id, work_id),
    )


def stays(connection: apsw.Connection, user_id: int) -> list[tuple[int, Stay]]:
    """Times a user spent in other zones, with their ids."""
    rows = fetch(
        connection, "SELECT id, from_at, to_at, time_zone FROM stays WHERE user_id = ? ORDER BY from_at", (user_id,)
    )
    return [(row[0], Stay(*row[1:])) for row in rows]


def add_stay(connection: apsw.Connection, user_id: int, stay: Stay) -> None:
    """Note a time in another zone."""
    connection.execute("INSERT INTO stays (user_id, from_at, to_at, time_zone) VALUES (?, ?, ?, ?)", (user_id, *stay))


def remove_stay(connection: apsw.Connection, user_id: int, stay_id: int) -> None:
    """Forget a time in another zone."""
    connection.execute("DELETE FROM stays WHERE id = ? AND user_id = ?", (stay_id, user_id))


def goals(connection: apsw.Connection, user_id: int) -> list[Goal]:
    """A user's goals."""
    rows = fetch(connection, "SELECT id, measure, period, target FROM goals WHERE user_id = ? ORDER BY id", (user_id,))
    return [Goal(*row) for row in rows]


def set_goal(connection: apsw.Connection, user_id: int, measure: str, period: str, target: int, now: int) -> None:
    """Set a goal, in place of an earlier one of the same measure and period."""
    connection.execute(
        "INSERT INTO goals (user_id, measure, period, target, created_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (user_id, measure, period) DO UPDATE SET target = excluded.target",
        (user_id, measure, period, target, now),
    )


def remove_goal(connection: apsw.Connection, user_id: int, goal_id: int) -> None:
    """Give a goal up."""
    connection.execute("DELETE FROM goals WHERE id = ? AND user_id = ?", (goal_id, user_id))


def set_words(connection: apsw.Connection, book_id: int, words: int) -> None:
    """Note how many words a book has; 0 when they can't be counted, so that it is not tried again and again."""
    connection.execute(
        "INSERT INTO word_counts (book_id, words) VALUES (?, ?) ON CONFLICT DO UPDATE SET words = excluded.words",
        (book_id, words),
    )
