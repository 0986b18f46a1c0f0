"""SQL that keeps the derived tables true: sittings, cells and totals made anew for what has changed.

Triggers note which works are stale (``0004_statistics.sql``). ``renew`` makes some of them anew in a snapshot,
off the writer; ``apply`` writes them in one transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import apsw
import msgspec

from tomed.positions import COMPLETE_FROM
from tomed.statistics.days import Calendar, calendar, split
from tomed.statistics.finishes import Said, finishes
from tomed.statistics.heatmap import packed, unpacked
from tomed.statistics.paging import PageRow, unit
from tomed.statistics.reconcile import Correction, Sitting, Told, reconcile
from tomed.statistics.stretches import PageTime
from tomed.store import statistics_rows
from tomed.store.statistics_rows import fetch

BUDGET = 700
"""Sessions and page rows that are made anew at a time: the writer is held some 15 ms by what comes of them."""

WORKS = 200
"""Works looked at for a slice; the budget is spent before."""

_TIMES = msgspec.json.Decoder(tuple[PageTime, ...])

COUNTS_FROM_S = 10
"""A sitting shorter than this is listed and its seconds count, but it is no session."""


def is_stale(connection: apsw.Connection, user_id: int) -> bool:
    """Whether something changed since the derived tables were made."""
    return bool(fetch(connection, "SELECT 1 FROM stale_works WHERE user_id = ? LIMIT 1", (user_id,)))


def version(connection: apsw.Connection, user_id: int) -> int:
    """Rises whenever a derived table of the user changes."""
    row = connection.execute("SELECT version FROM statistics_versions WHERE user_id = ?", (user_id,)).fetchone()
    return row[0] if row else 0


def calendar_of(connection: apsw.Connection, user_id: int) -> Calendar:
    """The reading days of a user, travels included."""
    row = connection.execute("SELECT time_zone, day_start_minute FROM users WHERE id = ?", (user_id,)).fetchone()
    time_zone, day_start = row or ("UTC", 240)
    return calendar(time_zone, day_start, tuple(stay for _, stay in statistics_rows.stays(connection, user_id)))


@dataclass(slots=True)
class Renewal:
    """Works made anew outside of any transaction that writes. ``seen`` has the marks they were made for."""

    user_id: int
    seen: list[tuple[int, int]]
    works: list[int] = field(default_factory=list)
    sittings: list[tuple[Any, ...]] = field(default_factory=list)
    cells: list[tuple[Any, ...]] = field(default_factory=list)
    totals: list[tuple[Any, ...]] = field(default_factory=list)
    finishes: list[tuple[Any, ...]] = field(default_factory=list)


def renew(connection: apsw.Connection, user_id: int, after: int | None = None) -> Renewal | None:
    """Reconcile some of what is stale, in a snapshot; None when nothing is. ``apply`` writes it.

    Args:
        after: only works above this one, in whose order they are made.
    """
    stale = fetch(
        connection,
        "SELECT work_id, mark FROM stale_works WHERE user_id = ? AND work_id > ? ORDER BY work_id LIMIT ?",
        (user_id, -(1 << 62) if after is None else after, WORKS),
    )
    if not stale:
        return None
    budget = BUDGET
    days = calendar_of(connection, user_id)
    renewal = Renewal(user_id, [])
    made: set[int] = set()
    for work_id, mark in stale:
        for target in (work_id, _canonical(connection, work_id)):
            if target not in made:
                made.add(target)
                budget -= 10 + _renew(connection, renewal, target, days)
        renewal.seen.append((work_id, mark))
        if budget <= 0:
            break
    renewal.works = sorted(made)
    return renewal


def apply(connection: apsw.Connection, renewal: Renewal) -> None:
    """Write what ``renew`` made. A work that changed since stays stale and is made again."""
    user_id = renewal.user_id
    works = [(user_id, work_id) for work_id in renewal.works]
    changes = _Changes()
    for pair in works:
        changes.take(
            fetch(
                connection,
                "SELECT day, hour, active_s, pages, sessions FROM reading_cells WHERE user_id = ? AND work_id = ?",
                pair,
            )
        )
    for table, key in (("reading_cells", "work_id"), ("work_totals", "work_id"), ("finishes", "book_id")):
        connection.executemany(f"DELETE FROM {table} WHERE user_id = ? AND {key} = ?", works)
    connection.executemany("DELETE FROM sittings INDEXED BY sittings_work WHERE user_id = ? AND work_id = ?", works)
    connection.executemany(
        # A file just placed may still be listed under the work that it waited as: the new one has it.
        "INSERT OR REPLACE INTO sittings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        sorted(renewal.sittings),
    )
    connection.executemany("INSERT INTO reading_cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", sorted(renewal.cells))
    connection.executemany("INSERT INTO work_totals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", renewal.totals)
    connection.executemany("INSERT INTO finishes VALUES (?, ?, ?, ?)", renewal.finishes)
    changes.give((cell[2], cell[3], *cell[7:]) for cell in renewal.cells)
    _total_days(connection, user_id, changes.by_day)
    connection.executemany(
        "DELETE FROM stale_works WHERE user_id = ? AND work_id = ? AND mark = ?",
        [(user_id, *seen) for seen in renewal.seen],
    )
    connection.execute(
        "INSERT INTO statistics_versions VALUES (?, 1) ON CONFLICT DO UPDATE SET version = version + 1", (user_id,)
    )


def _canonical(connection: apsw.Connection, work_id: int) -> int:
    """The work that a document's rows count for: its book, its sibling's book, or the first sibling that waits."""
    if work_id >= 0:
        return work_id
    for user_id, book_id, partial_md5 in fetch(
        connection, "SELECT user_id, book_id, partial_md5 FROM documents WHERE id = ?", (-work_id,)
    ):
        if book_id is not None:
            return int(book_id)
        siblings = _siblings(connection, user_id, partial_md5)
        placed = [book for _, book, _ in siblings if book is not None]
        return int(placed[0]) if placed else -min((key for key, _, _ in siblings), default=-work_id)
    return work_id


def _siblings(connection: apsw.Connection, user_id: int, partial_md5: str) -> list[tuple[int, int | None, str]]:
    """All files of a user with that hash, as (id, book, file name), by id. Nothing for an empty hash."""
    return fetch(
        connection,
        "SELECT id, book_id, filename FROM documents"
        " WHERE partial_md5 = ? AND partial_md5 <> '' AND user_id = ? ORDER BY id",
        (partial_md5, user_id),
    )


def _documents(connection: apsw.Connection, user_id: int, work_id: int) -> dict[int, str]:
    """The files a work was read in, as id to file name: its own, and waiting siblings of the same hash."""
    if work_id <= 0 and _canonical(connection, work_id) != work_id:
        return {}
    of = "book_id = ?" if work_id > 0 else "id = -?"
    own = fetch(
        connection, f"SELECT id, filename, partial_md5 FROM documents WHERE {of} AND user_id = ?", (work_id, user_id)
    )
    found = {key: name for key, name, _ in own}
    for partial_md5 in {row[2] for row in own if row[2]}:
        siblings = _siblings(connection, user_id, partial_md5)
        first = next((book for _, book, _ in siblings if book is not None), None)
        if first in (None, work_id):
            found |= {key: name for key, book, name in siblings if book is None}
    return found


def _renew(connection: apsw.Connection, renewal: Renewal, work_id: int, days: Calendar) -> int:
    """Make one work's sittings, cells, totals and finishes anew; how many rows were looked at."""
    user_id = renewal.user_id
    documents = _documents(connection, user_id, work_id)
    rows = [
        PageRow(document, device, page, start, duration, total)
        for document in documents
        for device, start, page, duration, total in fetch(
            connection,
            "SELECT device_id, start_time, page, duration, total_pages FROM page_rows WHERE document_id = ?",
            (document,),
        )
    ]
    told = _told(connection, user_id, work_id, documents)
    by_document = _by_document([*rows, *_layouts(told)])
    units = {document: unit(found) for document, found in by_document.items()}
    main = max(units, key=lambda d: (len(by_document[d]), -d), default=0)
    if main:
        units |= {session.document: units[main] for session in told if session.document not in units}
    sittings = reconcile(told, rows, _corrections(connection, user_id, work_id, documents), units)
    if sittings:
        cells = _cells(renewal, work_id, sittings, days, _formats(connection, work_id, documents))
        renewal.totals.append(
            (
                user_id,
                work_id,
                *(sum(cell[column] for cell in cells.values()) for column in range(3)),
                len({key[0] for key, cell in cells.items() if cell[0]}),
                min(s.started_at for s in sittings),
                max(s.ended_at for s in sittings),
                units.get(main, 0),
            )
        )
    if work_id > 0:
        _finish(connection, renewal, work_id, days)
    return len(rows) + sum(1 + len(session.times) for session in told)


def _layouts(told: Iterable[Told]) -> list[PageRow]:
    """The layouts that sittings were read in, as rows without time: the first one of all is a file's own unit."""
    return [
        PageRow(session.document, session.device, 1, session.started_at // 1000, 0, session.total)
        for session in told
        if session.document and session.total > 0
    ]


def _by_document(rows: Iterable[PageRow]) -> dict[int, list[PageRow]]:
    found: dict[int, list[PageRow]] = defaultdict(list)
    for row in rows:
        found[row.document].append(row)
    return found


def _told(connection: apsw.Connection, user_id: int, work_id: int, documents: dict[int, str]) -> list[Told]:
    columns = (
        "SELECT id, source, coalesce(device_id, 0), coalesce(document_id, 0), started_at, ended_at, active_s,"
        " pages_turned, start_fraction, end_fraction, total_pages, page_times"
        " FROM sessions WHERE user_id = ? AND deleted_at IS NULL AND "
    )
    if work_id == 0:
        found = fetch(connection, f"{columns} book_id IS NULL AND document_id IS NULL", (user_id,))
    else:
        found = fetch(connection, f"{columns} book_id = ?", (user_id, work_id)) if work_id > 0 else []
        for document in documents:
            found += fetch(connection, f"{columns} document_id = ? AND book_id IS NULL", (user_id, document))
    return [Told._make((*row[:-1], () if row[-1] == "[]" else _TIMES.decode(row[-1]))) for row in found]


def _corrections(
    connection: apsw.Connection, user_id: int, work_id: int, documents: dict[int, str]
) -> list[Correction]:
    found: list[Correction] = []
    for row in fetch(
        connection,
        "SELECT id, device_id, source, from_at, to_at, document_id, started_at, ended_at, active_s, pages, book_id"
        " FROM corrections WHERE user_id = ?",
        (user_id,),
    ):
        key, device, source, from_at, to_at, document, started_at, ended_at, active_s, pages, book = row
        if document not in documents and (book or 0) != work_id:
            continue
        sitting = None
        if started_at is not None:
            sitting = Told(0, source, device, document or 0, started_at, ended_at, active_s, pages)
        found.append(Correction(key, device, source, from_at, to_at, sitting))
    return found


def _formats(connection: apsw.Connection, work_id: int, documents: dict[int, str]) -> dict[int, str]:
    """The format each file has, by its name; what has none is of the book's only format, if it has but one."""
    only = ""
    if work_id > 0:
        found = fetch(connection, "SELECT format FROM formats WHERE book_id = ? LIMIT 2", (work_id,))
        only = found[0][0] if len(found) == 1 else ""
    formats = {0: only}
    for document, name in documents.items():
        ending = name.rsplit(".", 1)[-1].upper() if "." in name else ""
        formats[document] = ending if ending.isalnum() and len(ending) <= 5 else only
    return formats


def _cells(
    renewal: Renewal, work_id: int, sittings: list[Sitting], days: Calendar, formats: dict[int, str]
) -> dict[tuple[int, int, int, str, str], list[int]]:
    cells: dict[tuple[int, int, int, str, str], list[int]] = {}
    for sitting in sittings:
        day, hour = days.place(sitting.started_at)
        where = (sitting.device, sitting.source, formats.get(sitting.document, formats[0]))
        for piece in sitting.pieces:
            for d, h, (active_s, pages) in split(days, *piece):
                cell = cells.setdefault((d, h, *where), [0, 0, 0])
                cell[0] += active_s
                cell[1] += pages
        if sitting.active_s >= COUNTS_FROM_S:
            cells.setdefault((day, hour, *where), [0, 0, 0])[2] += 1
        renewal.sittings.append(
            (
                renewal.user_id,
                sitting.key,
                work_id,
                sitting.document,
                *where,
                day,
                sitting.started_at,
                sitting.ended_at,
                sitting.active_s,
                sitting.pages,
                sitting.start_fraction,
                sitting.end_fraction,
                msgspec.json.encode(sitting.session_ids).decode(),
            )
        )
    renewal.cells += [(renewal.user_id, work_id, *key, *amounts) for key, amounts in cells.items()]
    return cells


def _finish(connection: apsw.Connection, renewal: Renewal, book_id: int, days: Calendar) -> None:
    user_id = renewal.user_id
    row = connection.execute(
        "SELECT finished_at FROM readings WHERE user_id = ? AND book_id = ?", (user_id, book_id)
    ).fetchone()
    said = [
        Said(*verdict)
        for verdict in fetch(
            connection,
            "SELECT at, status FROM verdicts WHERE user_id = ? AND book_id = ? AND status IS NOT NULL ORDER BY at",
            (user_id, book_id),
        )
    ]
    if said:  # an end reached between two words of a person closes a reading, too
        for since in [-1, *(verdict.at for verdict in said)]:
            end = connection.execute(
                f"SELECT at FROM positions WHERE user_id = ? AND book_id = ? AND at > ? AND fraction >= {COMPLETE_FROM}"
                " ORDER BY at LIMIT 1",
                (user_id, book_id, since),
            ).fetchone()
            if end:
                said.append(Said(end[0], "complete"))
    renewal.finishes += [(user_id, book_id, at, days.day(at)) for at in finishes(said, row[0] if row else None)]


class _Changes:
    """By how much each day grows: what is taken away and what is given, as [seconds, pages, sessions, by hour]."""

    def __init__(self) -> None:
        self.by_day: dict[int, list[Any]] = {}

    def take(self, cells: Iterable[tuple[int, int, int, int, int]]) -> None:
        """Cells (day, hour, seconds, pages, sessions) that are no more."""
        self.give((day, hour, -active_s, -pages, -sessions) for day, hour, active_s, pages, sessions in cells)

    def give(self, cells: Iterable[tuple[int, int, int, int, int]]) -> None:
        """Cells that are new."""
        by_day = self.by_day
        for day, hour, active_s, pages, sessions in cells:
            kept = by_day.get(day)
            if kept is None:
                kept = by_day[day] = [0, 0, 0, [0] * 24]
            kept[0] += active_s
            kept[1] += pages
            kept[2] += sessions
            kept[3][hour] += active_s


def _total_days(connection: apsw.Connection, user_id: int, changes: dict[int, list[Any]]) -> None:
    """Add to the days what changed of them; a day without anything left is none."""
    gone, kept = [], []
    for day, (active_s, pages, sessions, by_hour) in sorted(changes.items()):
        if not (active_s or pages or sessions or any(by_hour)):
            continue
        for known in connection.execute(
            "SELECT active_s, pages, sessions, hours FROM day_totals WHERE user_id = ? AND day = ?", (user_id, day)
        ):
            active_s, pages, sessions = active_s + known[0], pages + known[1], sessions + known[2]
            by_hour = [one + other for one, other in zip(by_hour, unpacked(known[3]), strict=True)]
        if active_s or pages or sessions:
            kept.append((user_id, day, active_s, pages, sessions, packed(by_hour)))
        else:
            gone.append((user_id, day))
    connection.executemany("DELETE FROM day_totals WHERE user_id = ? AND day = ?", gone)
    connection.executemany("INSERT OR REPLACE INTO day_totals VALUES (?, ?, ?, ?, ?, ?)", kept)
