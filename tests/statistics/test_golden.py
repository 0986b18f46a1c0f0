"""A real person's statistics.sqlite3: our numbers beside KOReader's own, every difference explained.

The file comes from a public KOReader installation (machine-written, identities removed).
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

import apsw
import pytest

from tests.data import shared
from tomed.statistics.days import calendar, split
from tomed.statistics.paging import PageRow, koreader_pages, unit
from tomed.statistics.reconcile import reconcile
from tomed.store import statistics_file

pytestmark = pytest.mark.shared


@pytest.fixture
def file(tmp_path: Path) -> apsw.Connection:
    copy = tmp_path / "statistics.sqlite3"
    shutil.copyfile(shared("koreader/statistics/statistics.sqlite3"), copy)
    return statistics_file.open_copy(copy)


@pytest.fixture
def rows(file: apsw.Connection) -> dict[int, list[PageRow]]:
    found: dict[int, list[PageRow]] = defaultdict(list)
    for _, window in statistics_file.windows(file):
        for row in window:
            assert statistics_file.valid(row)
            found[row[0]].append(PageRow(row[0], 1, *row[1:]))
    return found


def test_time_is_koreaders_time(file: apsw.Connection, rows: dict[int, list[PageRow]]) -> None:
    """All time and the time of every book are exactly the sums of KOReader's page rows."""
    own = dict(file.execute("SELECT id_book, sum(duration) FROM page_stat_data GROUP BY id_book").fetchall())
    ours = {book: sum(s.active_s for s in reconcile([], found)) for book, found in rows.items()}
    assert ours == own
    assert sum(ours.values()) == 107_310


def test_the_views_time_is_less_by_what_it_rounds_off(file: apsw.Connection, rows: dict[int, list[PageRow]]) -> None:
    """KOReader's view divides a row's seconds among the pages it covers and drops each remainder; we keep them."""
    view = dict(file.execute("SELECT id_book, sum(duration) FROM page_stat GROUP BY id_book").fetchall())
    pages = dict(file.execute("SELECT id, pages FROM book").fetchall())
    for book, found in rows.items():
        dropped = sum(row.duration % len(koreader_pages([row], pages[book])) for row in found)
        assert view[book] == sum(row.duration for row in found) - dropped
    assert sum(view.values()) < 107_310


def test_koreaders_totals_are_those_of_its_view(file: apsw.Connection, rows: dict[int, list[PageRow]]) -> None:
    """``book.total_read_time`` and ``total_read_pages`` are the view's sums: we come to the same pages its way."""
    for book, pages, read_s, read_pages in file.execute(
        "SELECT id, pages, total_read_time, total_read_pages FROM book"
    ).fetchall():
        view = file.execute("SELECT sum(duration) FROM page_stat WHERE id_book = ?", (book,)).get
        assert read_s == view
        assert read_pages == len(koreader_pages(rows[book], pages))


def test_our_pages_differ_by_the_unit_and_by_reading_again(
    file: apsw.Connection, rows: dict[int, list[PageRow]]
) -> None:
    """One layout, every page read in one sitting: our pages are KOReader's.

    Elsewhere ours are in the layout of the first reading, and a page read again on another day counts again.
    """
    pages = dict(file.execute("SELECT id, total_read_pages FROM book").fetchall())
    same = 0
    for book, found in rows.items():
        sittings = reconcile([], found, units={book: unit(found)})
        if len({row.total for row in found}) == 1 and len(sittings) == 1:
            assert sum(s.pages for s in sittings) == len({row.page for row in found})
            if found[0].total == file.execute("SELECT pages FROM book WHERE id = ?", (book,)).get:
                assert sum(s.pages for s in sittings) == pages[book]
                same += 1
    assert same >= 5


def test_days_are_koreaders_days_but_for_the_night(file: apsw.Connection, rows: dict[int, list[PageRow]]) -> None:
    """With a day that begins at midnight our days are KOReader's; at 4:00 the night belongs to the evening before."""
    own = file.execute("SELECT count(DISTINCT date(start_time, 'unixepoch')) FROM page_stat_data").get

    def days(day_start: int) -> set[int]:
        kept = calendar("UTC", day_start)
        found = set()
        for book_rows in rows.values():
            for sitting in reconcile([], book_rows):
                for piece in sitting.pieces:
                    found |= {d for d, _, (s,) in split(kept, piece.started_at, piece.ended_at, piece.active_s) if s}
        return found

    at_midnight = days(0)
    over_midnight = file.execute(
        "SELECT count(*) FROM page_stat_data WHERE date(start_time, 'unixepoch')"
        " <> date(start_time + duration - 1, 'unixepoch')"
    ).get
    assert len(at_midnight) - own in range(over_midnight + 1)
    night_only = file.execute(
        "SELECT count(*) FROM (SELECT date(start_time, 'unixepoch') FROM page_stat_data GROUP BY 1"
        " HAVING max(time(start_time, 'unixepoch')) < '04:00:00')"
    ).get
    assert len(days(240)) >= len(at_midnight) - night_only
    assert (own, len(at_midnight), len(days(240))) == (33, 33, 33)


def test_per_day_sums_to_the_total(rows: dict[int, list[PageRow]]) -> None:
    """Whatever the zone, the days add up to all the time there is."""
    for zone in ("Europe/London", "Asia/Kolkata", "America/St_Johns", "Australia/Adelaide"):
        kept = calendar(zone, 240)
        total = 0
        for book_rows in rows.values():
            for sitting in reconcile([], book_rows):
                for piece in sitting.pieces:
                    total += sum(s for _, _, (s,) in split(kept, piece.started_at, piece.ended_at, piece.active_s))
        assert total == 107_310


def test_what_we_write_koreader_would_read(tmp_path: Path, file: apsw.Connection) -> None:
    """Our export has KOReader's tables, its view gives the same numbers, and it reads back as what went in."""
    books = statistics_file.books(file)
    whole = [row for _, window in statistics_file.windows(file) for row in window]
    path = tmp_path / "export.sqlite3"
    written = statistics_file.write(path, [(b, [row for row in whole if row[0] == b.key]) for b in books])
    assert written == len(whole) == 1539
    again = statistics_file.open_copy(path)
    assert again.pragma("user_version") == file.pragma("user_version")
    for sql in (
        "SELECT id, title, authors, pages, series, language, md5 FROM book ORDER BY id",
        "SELECT total_read_time, total_read_pages FROM book ORDER BY id",
        "SELECT id_book, page, start_time, duration, total_pages FROM page_stat_data ORDER BY 1, 3, 2",
        "SELECT id_book, page, start_time, duration FROM page_stat ORDER BY 1, 3, 2",
        "SELECT count(*), min(number), max(number) FROM numbers",
        "SELECT name FROM sqlite_schema WHERE type IN ('index', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name",
    ):
        assert again.execute(sql).fetchall() == file.execute(sql).fetchall()
