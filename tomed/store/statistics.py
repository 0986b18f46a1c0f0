"""SQL of reading statistics: what the derived tables say. ``statistics_derived.refresh`` keeps them true."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import apsw
import msgspec

from tomed.errors import Invalid, NotFound
from tomed.statistics.periods import Span
from tomed.statistics.reconcile import SLACK_MS
from tomed.statistics.totals import Days
from tomed.store.statistics_rows import fetch

_EPOCH_DAY = date(1970, 1, 1).toordinal()

GROUPS = ("book", "author", "series", "tag", "language", "format", "device", "source", "kind")
"""What reading can be grouped by, beside the periods."""


class Group(NamedTuple):
    """All reading of one author, tag, device, …; ``key`` identifies it, ``label`` is for people."""

    key: str
    label: str
    active_s: int
    pages: int
    sessions: int
    days: int


@dataclass(frozen=True, slots=True)
class WorkTotal:
    """All reading of one book in the span asked for. ``book_uuid`` is None while its file waits to be placed."""

    work_id: int
    title: str
    book_uuid: str | None
    authors: str
    series: str | None
    series_index: float | None
    status: str
    fraction: float | None
    active_s: int
    pages: int
    sessions: int
    days: int
    first_at: int
    last_at: int
    unit: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A sitting as the list shows it. ``overlaps``: other reading lies at the same time."""

    key: str
    work_id: int
    title: str
    book_uuid: str | None
    device_id: int
    device: str | None
    source: str
    format: str
    document_id: int
    started_at: int
    ended_at: int
    active_s: int
    pages: int
    start_fraction: float | None
    end_fraction: float | None
    session_ids: tuple[int, ...]
    overlaps: bool


@dataclass(frozen=True, slots=True)
class Finish:
    """A reading that was finished. ``again`` says that it was not the first of this book."""

    book_uuid: str
    title: str
    authors: str
    finished_at: int
    day: int
    again: bool
    active_s: int | None


class Open(NamedTuple):
    """A book that is being read, with the sittings and days its estimate rests on."""

    work_id: int
    book_uuid: str
    title: str
    fraction: float
    kind: str
    series_id: int | None
    sittings: tuple[tuple[int, float], ...]
    days: dict[int, int]


def stamp(connection: apsw.Connection, user_id: int) -> tuple[Any, ...]:
    """Changes whenever an answer might: the derived tables, where one stands, the catalogue, goals, the clock."""
    return tuple(
        fetch(
            connection,
            "SELECT (SELECT version FROM statistics_versions WHERE user_id = ?1),"
            " (SELECT max(updated_at) FROM readings WHERE user_id = ?1),"
            " (SELECT group_concat(coalesce(stamp, '') || coalesce(indexed_at, '')) FROM libraries),"
            " (SELECT group_concat(measure || period || target) FROM goals WHERE user_id = ?1),"
            " (SELECT group_concat(name) FROM devices WHERE user_id = ?1),"
            " (SELECT count(*) FROM word_counts),"
            " (SELECT time_zone || day_start_minute || ' ' || week_start FROM users WHERE id = ?1)",
            (user_id,),
        )[0]
    )


def days(connection: apsw.Connection, user_id: int, span: Span | None = None) -> Days:
    """The reading days, ascending."""
    return Days(
        fetch(
            connection,
            "SELECT day, active_s, pages, sessions, hours FROM day_totals WHERE user_id = ? AND day BETWEEN ? AND ?"
            " ORDER BY day",
            (user_id, *(span or (0, 1 << 40))),
        )
    )


def _sums(span: Span | None) -> str:
    """A subquery of sums by work, over all time or over days ?2..?3."""
    if span is None:
        return (
            "SELECT work_id, active_s, pages, sessions, days, first_at, last_at, unit FROM work_totals"
            " WHERE user_id = ?1 AND ?2 = ?2 AND ?3 = ?3"
        )
    return (
        "SELECT c.work_id, sum(c.active_s) AS active_s, sum(c.pages) AS pages, sum(c.sessions) AS sessions,"
        " count(DISTINCT CASE WHEN c.active_s > 0 THEN c.day END) AS days, t.first_at, t.last_at, t.unit"
        " FROM reading_cells c INDEXED BY reading_cells_day"
        " JOIN work_totals t ON t.user_id = ?1 AND t.work_id = c.work_id"
        " WHERE c.user_id = ?1 AND c.day BETWEEN ?2 AND ?3 GROUP BY c.work_id"
    )


_TITLE = "coalesce(b.title, nullif(d.title, ''), nullif(d.filename, ''), '')"
_WAITING = "LEFT JOIN documents d ON d.id = -w.work_id LEFT JOIN books b ON b.id = w.work_id"


def works(
    connection: apsw.Connection, user_id: int, span: Span | None, limit: int, offset: int = 0, order: str = "time"
) -> list[WorkTotal]:
    """Books by reading time (or ``recent``: by when they were read last)."""
    by = {"time": "active_s DESC, last_at DESC", "recent": "last_at DESC"}[order]
    return [
        WorkTotal(*row)
        for row in fetch(
            connection,
            f"SELECT w.work_id, {_TITLE}, b.uuid, coalesce((SELECT group_concat(a.name, ', ') FROM book_authors ba"
            " JOIN authors a ON a.id = ba.author_id WHERE ba.book_id = w.work_id), ''),"
            " s.name, b.series_index, coalesce(r.status, 'new'), r.fraction, w.active_s, w.pages, w.sessions, w.days,"
            f" w.first_at, w.last_at, w.unit FROM (SELECT * FROM ({_sums(span)}) ORDER BY {by}"
            f" LIMIT ?4 OFFSET ?5) w {_WAITING} LEFT JOIN series s ON s.id = b.series_id"
            " LEFT JOIN readings r ON r.user_id = ?1 AND r.book_id = w.work_id"
            f" ORDER BY w.{by.replace(', ', ', w.')}",
            (user_id, *(span or (0, 0)), limit, offset),
        )
    ]


def work_total(connection: apsw.Connection, user_id: int, work_id: int) -> WorkTotal | None:
    """All reading of one book, of all time."""
    for row in fetch(
        connection,
        f"SELECT w.work_id, {_TITLE}, b.uuid, '', NULL, b.series_index, coalesce(r.status, 'new'), r.fraction,"
        " w.active_s, w.pages, w.sessions, w.days, w.first_at, w.last_at, w.unit FROM work_totals w"
        f" {_WAITING} LEFT JOIN readings r ON r.user_id = w.user_id AND r.book_id = w.work_id"
        " WHERE w.user_id = ? AND w.work_id = ?",
        (user_id, work_id),
    ):
        return WorkTotal(*row)
    return None


def finishes_of(connection: apsw.Connection, user_id: int, book_id: int) -> list[int]:
    """When each reading of a book was finished, ms."""
    return [
        row[0]
        for row in fetch(
            connection,
            "SELECT finished_at FROM finishes WHERE user_id = ? AND book_id = ? ORDER BY 1",
            (user_id, book_id),
        )
    ]


def uncounted(connection: apsw.Connection, limit: int) -> list[int]:
    """Books lately read by anybody, with an EPUB, whose words nobody has counted."""
    return [
        row[0]
        for row in fetch(
            connection,
            "SELECT t.work_id FROM work_totals t WHERE t.work_id > 0 AND t.unit > 0"
            " AND NOT EXISTS (SELECT 1 FROM word_counts n WHERE n.book_id = t.work_id)"
            " AND EXISTS (SELECT 1 FROM formats f WHERE f.book_id = t.work_id AND f.format = 'EPUB')"
            " GROUP BY t.work_id ORDER BY max(t.last_at) DESC LIMIT ?",
            (limit,),
        )
    ]


def work_count(connection: apsw.Connection, user_id: int, span: Span | None) -> int:
    """How many books were read in."""
    return int(fetch(connection, f"SELECT count(*) FROM ({_sums(span)})", (user_id, *(span or (0, 0))))[0][0])


def groups(connection: apsw.Connection, user_id: int, by: str, span: Span | None, limit: int = 10_000) -> list[Group]:
    """Reading by book, author, series, tag, language, format, device, source or kind; most read first.

    A book of two authors or three tags counts for each of them: those groups may sum to more than the total.
    """
    if by not in GROUPS:
        raise Invalid(f"group: is a period or one of {', '.join(GROUPS)}, not {by!r}.")
    first, last = span or (0, 1 << 40)
    books = "LEFT JOIN books b ON b.id = c.work_id"
    key, label, joins = {
        "book": (
            "coalesce(b.uuid, 'document:' || -c.work_id)",
            _TITLE,
            f"{books} LEFT JOIN documents d ON d.id = -c.work_id",
        ),
        "author": (
            "coalesce(a.name, '')",
            "coalesce(a.name, '')",
            "LEFT JOIN book_authors ba ON ba.book_id = c.work_id LEFT JOIN authors a ON a.id = ba.author_id",
        ),
        "series": (
            "coalesce(s.id, '')",
            "coalesce(s.name, '')",
            f"{books} LEFT JOIN series s ON s.id = b.series_id",
        ),
        "tag": (
            "coalesce(t.name, '')",
            "coalesce(t.name, '')",
            "LEFT JOIN book_tags bt ON bt.book_id = c.work_id LEFT JOIN tags t ON t.id = bt.tag_id",
        ),
        "language": (
            "coalesce(b.languages, '')",
            "coalesce(b.languages, '')",
            books,
        ),
        "kind": ("coalesce(b.kind, '')", "coalesce(b.kind, '')", books),
        "format": ("c.format", "c.format", ""),
        "source": ("c.source", "c.source", ""),
        "device": (
            "CASE c.source WHEN 'manual' THEN 'manual' ELSE c.device_id END",
            "CASE c.source WHEN 'manual' THEN '' ELSE coalesce(v.name, '') END",
            "LEFT JOIN devices v ON v.id = c.device_id",
        ),
    }[by]
    split = "c.format, c.source, c.device_id" if by in ("format", "source", "device") else "c.work_id"
    return [
        Group(str(k), str(name), *sums)
        for k, name, *sums in fetch(
            connection,
            f"SELECT {key}, {label}, sum(c.active_s), sum(c.pages), sum(c.sessions),"
            " count(DISTINCT CASE WHEN c.active_s > 0 THEN c.day END)"
            f" FROM (SELECT {split.replace('c.', '')}, day, sum(active_s) AS active_s, sum(pages) AS pages,"
            " sum(sessions) AS sessions FROM reading_cells WHERE user_id = ?1 AND day BETWEEN ?2 AND ?3"
            f" GROUP BY {split.replace('c.', '')}, day) c {joins} GROUP BY 1 ORDER BY 3 DESC, 2 LIMIT ?4",
            (user_id, first, last, limit),
        )
    ]


def finished(connection: apsw.Connection, user_id: int, span: Span | None, limit: int = 10_000) -> list[Finish]:
    """Finished readings, the latest first."""
    first, last = span or (0, 1 << 40)
    return [
        Finish(uuid, title, authors, at, day, bool(again), active_s)
        for uuid, title, authors, at, day, again, active_s in fetch(
            connection,
            "SELECT b.uuid, b.title, coalesce((SELECT group_concat(a.name, ', ') FROM book_authors ba JOIN authors a"
            " ON a.id = ba.author_id WHERE ba.book_id = b.id), ''), f.finished_at, f.day,"
            " EXISTS (SELECT 1 FROM finishes e WHERE e.user_id = f.user_id AND e.book_id = f.book_id"
            " AND e.finished_at < f.finished_at), t.active_s FROM finishes f JOIN books b ON b.id = f.book_id"
            " LEFT JOIN work_totals t ON t.user_id = f.user_id AND t.work_id = f.book_id"
            " WHERE f.user_id = ? AND f.day BETWEEN ? AND ? ORDER BY f.finished_at DESC LIMIT ?",
            (user_id, first, last, limit),
        )
    ]


def finish_days(connection: apsw.Connection, user_id: int, span: Span | None = None) -> list[int]:
    """The reading day of every finished reading."""
    first, last = span or (0, 1 << 40)
    return [
        row[0]
        for row in fetch(
            connection,
            "SELECT day FROM finishes WHERE user_id = ? AND day BETWEEN ? AND ? ORDER BY day",
            (user_id, first, last),
        )
    ]


def paces(connection: apsw.Connection, user_id: int, limit: int = 300) -> dict[str, list[tuple[int, float, int, int]]]:
    """The last sittings with pages by kind of book: (active seconds, pages, words of the book, its pages)."""
    found: dict[str, list[tuple[int, float, int, int]]] = defaultdict(list)
    for kind, active_s, pages, words, unit in fetch(
        connection,
        "SELECT coalesce(b.kind, 'book'), s.active_s, s.pages, coalesce(n.words, 0), coalesce(t.unit, 0) FROM"
        " (SELECT work_id, active_s, pages FROM sittings INDEXED BY sittings_time"
        "  WHERE user_id = ?1 AND pages > 0 AND active_s >= 60"
        "  ORDER BY started_at DESC LIMIT ?2) s LEFT JOIN books b ON b.id = s.work_id"
        " LEFT JOIN word_counts n ON n.book_id = s.work_id"
        " LEFT JOIN work_totals t ON t.user_id = ?1 AND t.work_id = s.work_id",
        (user_id, limit),
    ):
        found[kind].append((active_s, pages, words, unit))
    return dict(found)


def _near(table: str, first: str = "?2", last: str = "?3") -> str:
    """A bound by time that holds for all sittings of some reading days, for walking the index by time."""
    return (
        f"{table}started_at BETWEEN ({first} - {_EPOCH_DAY + 2}) * 86400000 AND ({last} - {_EPOCH_DAY - 3}) * 86400000"
    )


def longest(connection: apsw.Connection, user_id: int, span: Span | None) -> Listed | None:
    """The longest sitting that its owner has not marked wrong."""
    if span is None:
        found = "INDEXED BY sittings_length WHERE user_id = ?1"
    else:
        found = f"INDEXED BY sittings_time WHERE user_id = ?1 AND {_near('')} AND day BETWEEN ?2 AND ?3"
    rows = fetch(
        connection,
        f"SELECT key FROM sittings {found} ORDER BY active_s DESC, started_at DESC LIMIT 1",
        (user_id, *(span or ())),
    )
    return sitting(connection, user_id, rows[0][0]) if rows else None


def open_books(
    connection: apsw.Connection, user_id: int, since_day: int, limit: int = 12, work_id: int | None = None
) -> list[Open]:
    """Books being read, the latest first, or one book whatever its status."""
    found = []
    only = "r.book_id = ?3" if work_id is not None else "r.status = 'reading' AND ?3 IS NULL"
    for book, uuid, title, fraction, kind, series_id in fetch(
        connection,
        "SELECT r.book_id, b.uuid, b.title, r.fraction, b.kind, b.series_id FROM readings r"
        f" JOIN books b ON b.id = r.book_id WHERE r.user_id = ?1 AND {only} ORDER BY r.updated_at DESC LIMIT ?2",
        (user_id, limit, work_id),
    ):
        sittings = fetch(
            connection,
            "SELECT active_s, end_fraction - start_fraction FROM sittings WHERE user_id = ? AND work_id = ?"
            " AND end_fraction > start_fraction AND active_s >= 60 ORDER BY started_at DESC LIMIT 60",
            (user_id, book),
        )
        by_day = fetch(
            connection,
            "SELECT day, sum(active_s) FROM reading_cells WHERE user_id = ? AND work_id = ? AND day >= ? GROUP BY day",
            (user_id, book, since_day),
        )
        found.append(Open(book, uuid, title, fraction, kind, series_id, tuple(sittings), dict(by_day)))
    return found


def finished_times(connection: apsw.Connection, user_id: int) -> dict[str, list[int]]:
    """How long finished books took in all, by kind; only those of which reading is known."""
    found: dict[str, list[int]] = defaultdict(list)
    for kind, active_s in fetch(
        connection,
        "SELECT b.kind, t.active_s FROM (SELECT DISTINCT book_id FROM finishes WHERE user_id = ?1) f"
        " JOIN work_totals t ON t.user_id = ?1 AND t.work_id = f.book_id JOIN books b ON b.id = f.book_id"
        " WHERE t.active_s >= 300",
        (user_id,),
    ):
        found[kind].append(active_s)
    return dict(found)


def unread(connection: apsw.Connection, user_id: int) -> dict[str, int]:
    """Books of the libraries that this user never opened, by kind."""
    return dict(
        fetch(
            connection,
            "SELECT b.kind, count(*) FROM books b WHERE b.gone_at IS NULL AND NOT EXISTS (SELECT 1 FROM readings r"
            " WHERE r.user_id = ? AND r.book_id = b.id AND r.status <> 'new') GROUP BY b.kind",
            (user_id,),
        )
    )


class SeriesProgress(NamedTuple):
    """A series that was begun: its books, how many are finished, and what was read of it."""

    series_id: int
    name: str
    books: int
    finished: int
    reading: int
    active_s: int
    pages: int
    last_at: int


def series_progress(connection: apsw.Connection, user_id: int, limit: int = 200) -> list[SeriesProgress]:
    """Series with reading in them, the latest first. Complete is a series whose every book is finished."""
    return [
        SeriesProgress(*row)
        for row in fetch(
            connection,
            "SELECT s.id, s.name, count(*), sum(coalesce(r.status = 'complete', 0)),"
            " sum(coalesce(r.status = 'reading', 0)), sum(coalesce(t.active_s, 0)), sum(coalesce(t.pages, 0)),"
            " max(coalesce(t.last_at, 0)) FROM series s JOIN books b ON b.series_id = s.id"
            " LEFT JOIN readings r ON r.user_id = ?1 AND r.book_id = b.id"
            " LEFT JOIN work_totals t ON t.user_id = ?1 AND t.work_id = b.id"
            " WHERE s.id IN (SELECT b2.series_id FROM work_totals w JOIN books b2 ON b2.id = w.work_id"
            "  WHERE w.user_id = ?1 AND b2.series_id IS NOT NULL)"
            " AND (b.gone_at IS NULL OR t.work_id IS NOT NULL) GROUP BY s.id ORDER BY 8 DESC LIMIT ?2",
            (user_id, limit),
        )
    ]


@dataclass(frozen=True, slots=True)
class SittingQuery:
    """Which sittings are asked for."""

    span: Span | None = None
    work_id: int | None = None
    device_id: int | None = None
    page: int = 1
    per_page: int = 50


_LISTED = (
    f"SELECT w.key, w.work_id, {_TITLE}, b.uuid, w.device_id, v.name, w.source, w.format, w.document_id, w.started_at,"
    " w.ended_at, w.active_s, w.pages, w.start_fraction, w.end_fraction, w.session_ids,"
    " EXISTS (SELECT 1 FROM sittings o INDEXED BY sittings_time WHERE o.user_id = w.user_id AND o.key <> w.key"
    "  AND o.started_at BETWEEN w.started_at - 172800000 AND w.ended_at"
    f"  AND min(o.ended_at, w.ended_at) - max(o.started_at, w.started_at) > {SLACK_MS})"
    f" FROM sittings w {_WAITING} LEFT JOIN devices v ON v.id = w.device_id"
)


def _listed(row: tuple[Any, ...]) -> Listed:
    return Listed(*(*row[:15], tuple(msgspec.json.decode(row[15])), bool(row[16])))


def sittings(connection: apsw.Connection, user_id: int, query: SittingQuery) -> tuple[list[Listed], int]:
    """A page of sittings, the newest first, and how many there are in all."""
    where, values = ["w.user_id = ?1"], [user_id]
    for column, value in (("w.work_id", query.work_id), ("w.device_id", query.device_id)):
        if value is not None:
            values.append(value)
            where.append(f"{column} = ?{len(values)}")
    if query.span is not None:
        values += query.span
        first, last = f"?{len(values) - 1}", f"?{len(values)}"
        where.append(f"w.day BETWEEN {first} AND {last} AND {_near('w.', first, last)}")
    clause = " AND ".join(where)
    total = fetch(connection, f"SELECT count(*) FROM sittings w WHERE {clause}", tuple(values))[0][0]
    bounds = f"LIMIT ?{len(values) + 1} OFFSET ?{len(values) + 2}"
    rows = fetch(
        connection,
        f"{_LISTED} WHERE {clause} ORDER BY w.started_at DESC, w.key {bounds}",
        (*values, query.per_page, (query.page - 1) * query.per_page),
    )
    return [_listed(row) for row in rows], int(total)


def sitting(connection: apsw.Connection, user_id: int, key: str) -> Listed:
    """One's own sitting. Raises NotFound."""
    rows = fetch(connection, f"{_LISTED} WHERE w.user_id = ? AND w.key = ?", (user_id, key))
    if not rows:
        raise NotFound("There is no such sitting. It may have been corrected or placed in the meantime.")
    return _listed(rows[0])
