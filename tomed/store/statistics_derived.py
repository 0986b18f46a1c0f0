"""SQL that keeps the derived tables true: sittings, cells and totals made anew for what has changed.

Triggers note which works are stale (``0004_statistics.sql``). ``refresh`` makes a few of them anew in one
short transaction and says whether there is more, so that a long history never holds up the writer.
"""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import apsw
import msgspec

from tomed.positions import COMPLETE_FROM
from tomed.statistics.days import Calendar, calendar, split
from tomed.statistics.finishes import Said, finishes
from tomed.statistics.paging import Coverage, PageRow, unit
from tomed.statistics.reconcile import Correction, Sitting, Told, reconcile
from tomed.store import statistics_rows
from tomed.store.statistics_rows import fetch

BUDGET = 400
"""Rows looked at in one transaction, about: some 20 ms."""

COUNTS_FROM_S = 10
"""A sitting shorter than this is listed and its seconds count, but it is no session."""

HOURS = struct.Struct("<24I")


def is_stale(connection: apsw.Connection, user_id: int) -> bool:
    """Whether something changed since the derived tables were made."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM stale_works WHERE user_id = ?1)"
        " OR EXISTS (SELECT 1 FROM stale_days WHERE user_id = ?1)",
        (user_id,),
    ).get
    return bool(row)


def version(connection: apsw.Connection, user_id: int) -> int:
    """Rises whenever a derived table of the user changes."""
    row = connection.execute("SELECT version FROM statistics_versions WHERE user_id = ?", (user_id,)).fetchone()
    return row[0] if row else 0


def calendar_of(connection: apsw.Connection, user_id: int) -> Calendar:
    """The reading days of a user, travels included."""
    row = connection.execute("SELECT time_zone, day_start_minute FROM users WHERE id = ?", (user_id,)).fetchone()
    time_zone, day_start = row or ("UTC", 240)
    return calendar(time_zone, day_start, tuple(stay for _, stay in statistics_rows.stays(connection, user_id)))


def refresh(connection: apsw.Connection, user_id: int, budget: int = BUDGET) -> bool:
    """Make some of what is stale anew; whether there is more to do. Works first, then the days they touched."""
    days = calendar_of(connection, user_id)
    used = 0
    for (work_id,) in fetch(
        connection,
        "SELECT work_id FROM stale_works WHERE user_id = ? ORDER BY work_id LIMIT ?",
        (user_id, budget // 4 + 1),
    ):
        connection.execute("DELETE FROM stale_works WHERE user_id = ? AND work_id = ?", (user_id, work_id))
        for target in {work_id, _canonical(connection, work_id)}:
            used += 4 + _renew(connection, user_id, target, days)
        if used >= budget:
            return True
    if used:
        return True
    stale = fetch(connection, "SELECT day FROM stale_days WHERE user_id = ? LIMIT ?", (user_id, budget))
    if not stale:
        return False
    _total_days(connection, user_id, [day for (day,) in stale])
    connection.execute(
        "INSERT INTO statistics_versions VALUES (?, 1) ON CONFLICT DO UPDATE SET version = version + 1", (user_id,)
    )
    return True


def _canonical(connection: apsw.Connection, work_id: int) -> int:
    """The work that a document's rows count for: its book, its sibling's book, or the first sibling that waits."""
    if work_id >= 0:
        return work_id
    row = connection.execute(
        "SELECT coalesce(d.book_id, (SELECT s.book_id FROM documents s WHERE s.partial_md5 = d.partial_md5"
        "  AND d.partial_md5 <> '' AND s.user_id = d.user_id AND s.book_id IS NOT NULL ORDER BY s.id LIMIT 1),"
        " -(SELECT min(s.id) FROM documents s WHERE s.partial_md5 = d.partial_md5 AND d.partial_md5 <> ''"
        "  AND s.user_id = d.user_id), -d.id) FROM documents d WHERE d.id = ?",
        (-work_id,),
    ).fetchone()
    return row[0] if row else work_id


def _documents(connection: apsw.Connection, user_id: int, work_id: int) -> dict[int, str]:
    """The files a work was read in, as id to file name."""
    if work_id > 0:
        rows = fetch(
            connection,
            "WITH own AS (SELECT id, filename, partial_md5 FROM documents WHERE book_id = ?1 AND user_id = ?2)"
            " SELECT id, filename FROM own UNION SELECT s.id, s.filename FROM own CROSS JOIN documents s"
            " ON s.partial_md5 = own.partial_md5 AND own.partial_md5 <> '' AND s.user_id = ?2 AND s.book_id IS NULL",
            (work_id, user_id),
        )
    else:
        rows = fetch(
            connection,
            "SELECT s.id, s.filename FROM documents d CROSS JOIN documents s ON s.id = d.id"
            " OR (s.partial_md5 = d.partial_md5 AND d.partial_md5 <> '' AND s.user_id = d.user_id)"
            " WHERE d.id = ? AND d.user_id = ?",
            (-work_id, user_id),
        )
        # A sibling may have two books' documents to choose from: the first placed one has it.
    return {key: name for key, name in rows if _canonical(connection, -key) == work_id}


def _renew(connection: apsw.Connection, user_id: int, work_id: int, days: Calendar) -> int:
    """Make one work's sittings, cells, totals and finishes anew; how many rows that took."""
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
    units = {document: unit(found) for document, found in _by_document(rows).items()}
    main = max(units, key=lambda d: (sum(row.document == d for row in rows), -d), default=0)
    told = _told(connection, user_id, work_id, documents)
    if main:
        units |= {session.document: units[main] for session in told if session.document not in units}
    corrections = _corrections(connection, user_id, work_id, documents)
    sittings = reconcile(told, rows, corrections, units)
    formats = _formats(connection, work_id, documents)
    _replace(connection, user_id, work_id, sittings, days, formats)
    _total_work(connection, user_id, work_id, sittings, rows, units.get(main, 0))
    if work_id > 0:
        _finish(connection, user_id, work_id, days)
    return len(rows) + len(told)


def _by_document(rows: Iterable[PageRow]) -> dict[int, list[PageRow]]:
    found: dict[int, list[PageRow]] = defaultdict(list)
    for row in rows:
        found[row.document].append(row)
    return found


def _told(connection: apsw.Connection, user_id: int, work_id: int, documents: dict[int, str]) -> list[Told]:
    columns = (
        "SELECT id, source, coalesce(device_id, 0), coalesce(document_id, 0), started_at, ended_at, active_s,"
        " pages_turned, start_fraction, end_fraction FROM sessions WHERE user_id = ? AND deleted_at IS NULL AND "
    )
    if work_id == 0:
        return [
            Told(*row) for row in fetch(connection, f"{columns} book_id IS NULL AND document_id IS NULL", (user_id,))
        ]
    found: list[Told] = []
    if work_id > 0:
        found += [Told(*row) for row in fetch(connection, f"{columns} book_id = ?", (user_id, work_id))]
    for document in documents:
        found += [
            Told(*row)
            for row in fetch(connection, f"{columns} document_id = ? AND book_id IS NULL", (user_id, document))
        ]
    return found


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


def _replace(
    connection: apsw.Connection,
    user_id: int,
    work_id: int,
    sittings: list[Sitting],
    days: Calendar,
    formats: dict[int, str],
) -> None:
    cells: dict[tuple[int, int, int, str, str], list[int]] = {}
    written: list[tuple[Any, ...]] = []
    for sitting in sittings:
        form = formats.get(sitting.document, formats[0])
        day, hour = days.place(sitting.started_at)
        where = (sitting.device, sitting.source, form)
        for piece in sitting.pieces:
            for d, h, (active_s, pages) in split(days, piece.started_at, piece.ended_at, piece.active_s, piece.pages):
                cell = cells.setdefault((d, h, *where), [0, 0, 0])
                cell[0] += active_s
                cell[1] += pages
        if sitting.active_s >= COUNTS_FROM_S:
            cells.setdefault((day, hour, *where), [0, 0, 0])[2] += 1
        written.append(
            (
                user_id,
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
    stale = {
        day
        for (day,) in fetch(
            connection, "SELECT DISTINCT day FROM reading_cells WHERE user_id = ? AND work_id = ?", (user_id, work_id)
        )
    }
    connection.execute("DELETE FROM reading_cells WHERE user_id = ? AND work_id = ?", (user_id, work_id))
    connection.execute("DELETE FROM sittings WHERE user_id = ? AND work_id = ?", (user_id, work_id))
    connection.executemany(
        # A file just placed may still be listed under the work that it waited as: the new one has it.
        "INSERT OR REPLACE INTO sittings (user_id, key, work_id, document_id, device_id, source, format, day,"
        " started_at, ended_at, active_s, pages, start_fraction, end_fraction, session_ids)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        written,
    )
    connection.executemany(
        "INSERT INTO reading_cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(user_id, work_id, *key, *amounts) for key, amounts in cells.items()],
    )
    stale |= {key[0] for key in cells}
    connection.executemany(
        "INSERT INTO stale_days VALUES (?, ?) ON CONFLICT DO NOTHING", [(user_id, day) for day in stale or {0}]
    )


def _total_work(
    connection: apsw.Connection, user_id: int, work_id: int, sittings: list[Sitting], rows: list[PageRow], pages: int
) -> None:
    if not sittings:
        connection.execute("DELETE FROM work_totals WHERE user_id = ? AND work_id = ?", (user_id, work_id))
        return
    seen = Coverage()
    for row in rows:
        seen.add(row.page, row.layout)
    connection.execute(
        "INSERT OR REPLACE INTO work_totals SELECT ?1, ?2, sum(active_s), sum(pages), sum(sessions),"
        " count(DISTINCT CASE WHEN active_s > 0 THEN day END), ?3, ?4, ?5, ?6 FROM reading_cells"
        " WHERE user_id = ?1 AND work_id = ?2",
        (
            user_id,
            work_id,
            min(s.started_at for s in sittings),
            max(s.ended_at for s in sittings),
            seen.fraction if rows else None,
            pages,
        ),
    )


def _finish(connection: apsw.Connection, user_id: int, book_id: int, days: Calendar) -> None:
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
    connection.execute("DELETE FROM finishes WHERE user_id = ? AND book_id = ?", (user_id, book_id))
    connection.executemany(
        "INSERT INTO finishes VALUES (?, ?, ?, ?)",
        [(user_id, book_id, at, days.day(at)) for at in finishes(said, row[0] if row else None)],
    )


def _total_days(connection: apsw.Connection, user_id: int, days: list[int]) -> None:
    for day in days:
        hours = [0] * 24
        sums: Counter[str] = Counter()
        found = False
        for hour, active_s, pages, sessions in fetch(
            connection,
            "SELECT hour, sum(active_s), sum(pages), sum(sessions) FROM reading_cells"
            " WHERE user_id = ? AND day = ? GROUP BY hour",
            (user_id, day),
        ):
            hours[hour] = active_s
            sums.update(active_s=active_s, pages=pages, sessions=sessions)
            found = True
        if found:
            connection.execute(
                "INSERT OR REPLACE INTO day_totals VALUES (?, ?, ?, ?, ?, ?)",
                (user_id, day, sums["active_s"], sums["pages"], sums["sessions"], HOURS.pack(*hours)),
            )
        else:
            connection.execute("DELETE FROM day_totals WHERE user_id = ? AND day = ?", (user_id, day))
        connection.execute("DELETE FROM stale_days WHERE user_id = ? AND day = ?", (user_id, day))
