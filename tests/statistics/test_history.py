"""History from KOReader: taken in twice it is there once, and what no book is known for waits."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from tests.data import shared
from tests.statistics.conftest import NOW, Shelf, by_md5, ms
from tomed import history, reading
from tomed.errors import Invalid
from tomed.model import BookId, Clues, Match
from tomed.reporting import Query, Report
from tomed.statistics.totals import Totals
from tomed.store import statistics_file, statistics_rows
from tomed.store.statistics import SittingQuery

HistoryFile = Callable[..., Path]
T0 = ms("2026-11-20 20:00") // 1000


def minutes(count: int, start: int = T0, pages: int = 100, first: int = 1) -> list[tuple[int, int, int, int]]:
    """A page a minute."""
    return [(first + i, start + 60 * i, 60, pages) for i in range(count)]


def take(shelf: Shelf, path: Path, device: str = "Kobo", resolve: object = by_md5) -> history.Taken:
    def work() -> history.Taken:
        with history.opened(path) as file:
            return history.take_in(shelf.store, resolve, 1, device, file, NOW)  # type: ignore[arg-type]

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


async def report(shelf: Shelf, full: bool = True) -> Report:
    return await shelf.reporting.report(shelf.user(), Query(full=full))


async def test_twice_is_once(shelf: Shelf, history_file: HistoryFile) -> None:
    """The second import says that nothing was new, and no number moves."""
    path = history_file(("uuid-1", "A Wizard", minutes(30)), ("unknown", "Elsewhere", minutes(10, T0 + 9000)))
    first = take(shelf, path)
    assert (first.rows, first.new, first.rejected, first.waiting) == (40, 40, 0, 1)
    before = await report(shelf)
    assert before.totals == Totals(2400, 2, 40, 1, 0)
    again = take(shelf, path)
    assert (again.rows, again.new) == (40, 0)
    assert await report(shelf) == before


async def test_sittings_and_rows_are_one_reading(shelf: Shelf, history_file: HistoryFile) -> None:
    """The plugin's sitting and KOReader's rows of the same device count once, in whatever order they come."""
    kobo = shelf.device("Kobo")
    take(shelf, history_file(("uuid-1", "A Wizard", minutes(30))))
    shelf.read("2026-11-20 20:00", 30, 1, device=kobo)
    assert (await report(shelf)).totals.active_s == 1800
    phone = shelf.device("Phone")
    shelf.read("2026-11-20 20:00", 30, 1, device=phone)
    assert (await report(shelf)).totals.active_s == 3600


async def test_waiting_history_joins_its_book(shelf: Shelf, history_file: HistoryFile) -> None:
    """Rows of an unknown file count at once, move to the book when it is placed, and out again."""
    take(shelf, history_file(("who", "Unknown title", minutes(30))))
    found = await report(shelf)
    assert [(b.title, b.book_uuid) for b in found.books] == [("Unknown title", None)]
    assert found.totals.active_s == 1800
    document = shelf.execute("SELECT id FROM documents")[0][0]
    shelf.write(lambda c: reading.place(c, document, BookId(2), "hand", NOW))  # type: ignore[arg-type]
    placed = await report(shelf)
    assert [(b.book_uuid, b.active_s) for b in placed.books] == [("uuid-2", 1800)]
    assert placed.totals == found.totals
    shelf.write(lambda c: reading.displace(c, document, NOW))  # type: ignore[arg-type]
    assert (await report(shelf)).books == found.books


async def test_one_file_under_two_names_is_read_once(shelf: Shelf, history_file: HistoryFile) -> None:
    """A sitting knows the file by name and hash, the history by hash alone: one reading, placed or waiting."""
    kobo = shelf.device("Kobo")
    take(shelf, history_file(("who", "Unknown title", minutes(30))))
    shelf.execute(
        "INSERT INTO documents (user_id, fingerprint, filename, partial_md5, first_at, last_at)"
        " VALUES (1, 'other', 'who.epub', 'who', 0, 0)"
    )
    sibling = int(shelf.execute("SELECT max(id) FROM documents")[0][0])  # type: ignore[call-overload]
    shelf.read("2026-11-20 20:00", 40, None, document=sibling, device=kobo)
    assert (await report(shelf)).totals.active_s == 2400
    shelf.write(lambda c: reading.place(c, sibling, BookId(2), "hand", NOW))
    found = await report(shelf)
    assert [(b.book_uuid, b.active_s) for b in found.books] == [("uuid-2", 2400)]


async def test_preview_keeps_nothing(shelf: Shelf, history_file: HistoryFile) -> None:
    """What matches and what waits is said before anything is kept."""
    path = history_file(("uuid-1", "A Wizard", minutes(30)), ("unknown", "Elsewhere", minutes(10)))
    with history.opened(path) as file:
        seen = shelf.store.read(lambda c: history.preview(file, c, by_md5, 1, 0))
    assert [(b.book.title, b.book_id, b.rows, b.active_s) for b in seen.books] == [
        ("Elsewhere", None, 10, 600),
        ("A Wizard", 1, 30, 1800),
    ]
    assert (seen.rows, seen.known, seen.waiting, seen.first_at) == (40, 0, 1, T0 * 1000)
    assert shelf.execute("SELECT count(*) FROM documents") == [(0,)]
    take(shelf, path, device="")
    with history.opened(path) as file:
        assert shelf.store.read(lambda c: history.preview(file, c, by_md5, 1, 0)).known == 40


async def test_longer_wins_and_broken_off_goes_on(shelf: Shelf, history_file: HistoryFile) -> None:
    """A page that went on counts longer; half an import and then the whole is the whole."""
    take(shelf, history_file(("uuid-1", "A Wizard", minutes(10))))
    longer = [(page, start, 100, total) for page, start, _, total in minutes(30)]
    take(shelf, history_file(("uuid-1", "A Wizard", longer)))
    take(shelf, history_file(("uuid-1", "A Wizard", minutes(30))))
    assert (await report(shelf)).totals.active_s == 3000


async def test_two_devices_keep_their_marks(shelf: Shelf, history_file: HistoryFile) -> None:
    """Rule 42: devices are known by their id; each has its own mark, and equal rows of both count once."""
    take(shelf, history_file(("uuid-1", "A Wizard", minutes(10))), "Kobo")
    take(shelf, history_file(("uuid-1", "A Wizard", minutes(20))), "Phone")
    assert (await report(shelf)).totals.active_s == 1200
    named = {name: key for key, name in shelf.execute("SELECT id, name FROM devices")}
    marks = {n: shelf.store.read(lambda c, d=d: statistics_rows.mark(c, 1, d)) for n, d in named.items()}  # type: ignore[misc]
    assert marks == {"Kobo": (T0 + 9 * 60, 10), "Phone": (T0 + 19 * 60, 20)}


async def test_the_volume_decides(shelf: Shelf, tmp_path: Path) -> None:
    """Rule 21: the history of volume 7 is not volume 1's: the number is told to the matcher, and it waits."""
    seen: list[Clues] = []

    def resolve(connection: apsw.Connection, clues: Clues, *, user_id: int | None = None) -> Match:
        seen.append(clues)
        return by_md5(connection, clues)

    path = tmp_path / "volumes.sqlite3"
    book = statistics_file.HistoryBook(
        1, "nobody", "A Wizard of Earthsea", series="Earthsea", series_index=7.0, pages=9
    )
    statistics_file.write(path, [(book, [(1, *row) for row in minutes(5)])])
    assert take(shelf, path, resolve=resolve).waiting == 1
    assert (seen[0].series, seen[0].series_index) == ("Earthsea", 7.0)


async def test_rows_that_can_not_be_are_refused(shelf: Shelf, history_file: HistoryFile) -> None:
    """Text, negative pages, days on one page, the far future: refused one by one, the others stay."""
    path = history_file(("uuid-1", "A Wizard", minutes(3)))
    edit = apsw.Connection(str(path))
    for row in (
        "1, 'x', 5, 5, 5",
        "1, -1, 5, 5, 5",
        "1, 2, 5, 90000, 5",
        f"1, 2, {NOW // 1000 * 2}, 5, 5",
        "9, 1, 5, 5, 5",
    ):
        edit.execute(f"INSERT INTO page_stat_data VALUES ({row})")
    edit.close()
    taken = take(shelf, path)
    assert (taken.rows, taken.new, taken.rejected) == (8, 3, 5)


@pytest.mark.parametrize("what", ["missing", "text", "other", "view", "old"])
def test_a_strange_file_is_refused_with_a_sentence(tmp_path: Path, what: str) -> None:
    """No file, no database, another database, views in place of tables: each is said, none is believed."""
    path = tmp_path / "x.sqlite3"
    if what == "text":
        path.write_text("no database at all, but long enough to be looked at" * 40)
    if what in ("other", "view", "old"):
        made = apsw.Connection(str(path))
        made.execute("CREATE TABLE thing (id)")
        if what == "view":
            made.execute("CREATE TABLE page_stat_data (id_book, page, start_time, duration, total_pages)")
            made.execute(
                "CREATE VIEW book AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n"
            )
        if what == "old":
            made.execute("CREATE TABLE book (id)")
            made.execute("CREATE TABLE page_stat_data (id_book, start_time, duration)")
        made.close()
    with pytest.raises(Invalid), history.opened(path):
        raise AssertionError("opened")


def test_a_wal_beside_it_is_read_and_the_file_is_not_touched(tmp_path: Path, history_file: HistoryFile) -> None:
    """What KOReader has not checkpointed yet counts, and the device's own files stay byte for byte."""
    path = history_file(("uuid-1", "A Wizard", minutes(3)))
    writer = apsw.Connection(str(path))
    writer.pragma("journal_mode", "wal")
    writer.pragma("wal_autocheckpoint", 0)
    writer.execute("INSERT INTO page_stat_data VALUES (1, 50, 1700000000, 33, 100)")
    folder = tmp_path / "card"
    folder.mkdir()
    for name in ("", "-wal"):
        shutil.copyfile(f"{path}{name}", folder / f"statistics.sqlite3{name}")
    writer.close()
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with history.opened(folder / "statistics.sqlite3") as file:
        assert statistics_file.count(file) == 4
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.shared
async def test_the_real_database_twice(shelf: Shelf) -> None:
    """A real history: the same numbers after one import and after two, KOReader's own where they are defined alike."""
    path = shared("koreader/statistics/statistics.sqlite3")
    first = take(shelf, path)
    assert (first.rows, first.new, first.rejected) == (1539, 1539, 0)
    before = await report(shelf)
    assert before.totals.active_s == 107_310
    assert before.totals.days == 33
    assert before.book_count == 28
    with history.opened(path) as file:
        own = dict(
            file.execute(
                "SELECT b.title, sum(duration) FROM page_stat_data p JOIN book b ON b.id = id_book GROUP BY b.id"
            ).fetchall()
        )
    assert {book.title: book.active_s for book in before.books} == own
    assert take(shelf, path).new == 0
    assert await report(shelf) == before
    listed, total = await shelf.reporting.sittings(shelf.user(), SittingQuery(per_page=500))
    assert total == len(listed) > 100
    assert sum(sitting.active_s for sitting in listed) == 107_310


async def test_export_merges_devices(shelf: Shelf, tmp_path: Path, history_file: HistoryFile) -> None:
    """A new device gets the whole history: rows of all devices, those told twice once, with KOReader's own words."""
    take(shelf, history_file(("uuid-1", "A Wizard", minutes(10))), "Kobo")
    take(shelf, history_file(("uuid-1", "A Wizard", minutes(12)), ("md5-x", "Other", minutes(3, T0 + 9000))), "Phone")
    path = tmp_path / "out.sqlite3"
    contents = shelf.store.read(lambda c: statistics_rows.export(c, 1))
    assert statistics_file.write(path, contents) == 15
    with history.opened(path) as file:
        assert [(b.title, b.partial_md5, b.pages) for b in statistics_file.books(file)] == [
            ("A Wizard", "uuid-1", 100),
            ("Other", "md5-x", 100),
        ]
        assert file.execute("SELECT total_read_time, total_read_pages FROM book").fetchall() == [(720, 12), (180, 3)]
    before = await report(shelf)
    assert take(shelf, path, "Kobo").new == 5
    after = (await report(shelf)).totals
    assert (after.active_s, after.pages, after.days) == (before.totals.active_s, before.totals.pages, 1)
