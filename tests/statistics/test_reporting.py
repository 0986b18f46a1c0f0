"""Reports from a real store: true whatever happened to the reading since, and fast because derived."""

from __future__ import annotations

import asyncio
import random
from datetime import date

import pytest

from tests.statistics.conftest import NOW, Shelf, ms
from tomed import reading, reporting
from tomed.errors import Invalid, NotFound
from tomed.model import BookId
from tomed.reporting import Query, Report, Sat, book_report
from tomed.statistics.days import Stay
from tomed.statistics.totals import Totals
from tomed.store import statistics, statistics_derived
from tomed.store.statistics import SittingQuery


def d(text: str) -> int:
    return date.fromisoformat(text).toordinal()


async def report(
    shelf: Shelf, first: str = "", last: str = "", group: str = "", user: str = "ann", full: bool = False
) -> Report:
    query = Query(d(first) if first else None, d(last) if last else None, group, full)
    return await shelf.reporting.report(shelf.user(user), query)


def adds_up(found: Report) -> None:
    """Every series of a report sums to its totals."""
    whole = found.totals
    assert sum(day.active_s for day in found.days) == whole.active_s
    assert sum(map(sum, found.heatmap)) == whole.active_s
    for drawn in found.bars.values():
        assert sum(bar.active_s for bar in drawn) == whole.active_s
        assert sum(bar.pages for bar in drawn) == whole.pages
        assert sum(bar.sessions for bar in drawn) == whole.sessions
    if found.book_count <= len(found.books):
        assert sum(book.active_s for book in found.books) == whole.active_s
        assert sum(book.sessions for book in found.books) == whole.sessions
        assert sum(book.pages for book in found.books) == whole.pages


async def test_nothing_read_is_a_report_too(shelf: Shelf) -> None:
    """A new reader sees zeros and "not enough data", never an error."""
    found = await report(shelf, full=True)
    assert found.totals == Totals()
    assert found.current_streak.length == 0
    assert found.open == []
    assert all(pile.estimate is None for pile in found.pile)


async def test_totals_days_and_groups(shelf: Shelf) -> None:
    """Totals as the API names them; every series and every single-valued group sums to them."""
    kobo, phone = shelf.device("Kobo"), shelf.device("Phone")
    shelf.read("2026-11-20 20:00", 30, 1, device=kobo)
    shelf.read("2026-11-21 20:00", 40, 2, device=kobo)
    shelf.read("2026-11-21 22:00", 20, 5, device=phone)
    shelf.read("2026-11-21 03:30", 60, 4, source="manual")
    shelf.finish(2, ms("2026-11-21 20:40"))
    found = await report(shelf)
    assert found.totals == Totals(9000, 4, 150, 2, 1)
    adds_up(found)
    for by in ("book", "series", "language", "kind", "format", "device", "source", "day", "week", "month", "year"):
        groups = (await report(shelf, group=by)).groups
        assert sum(group.active_s for group in groups) == 9000, by
        assert sum(group.sessions for group in groups) == 4, by
    authors = {g.label: g.active_s for g in (await report(shelf, group="author")).groups}
    assert authors == {"Le Guin": 4200, "Austen": 3600, "Azuma": 1200, "Illustrator": 1200}
    tags = {g.label: g.active_s for g in (await report(shelf, group="tag")).groups}
    assert tags == {"Fantasy": 4200, "Classic": 5400, "": 1200}
    devices = {g.label: g.active_s for g in (await report(shelf, group="device")).groups}
    assert devices == {"Kobo": 4200, "Phone": 1200, "": 3600}
    with pytest.raises(Invalid):
        await report(shelf, group="shoe size")


async def test_a_span_and_the_one_before(shelf: Shelf) -> None:
    """Only the days asked for, compared with the calendar's month before; nothing before is no comparison."""
    shelf.read("2026-10-05 20:00", 60)
    shelf.read("2026-11-05 20:00", 30)
    shelf.read("2026-11-01 02:00", 10)  # still the night of 31 October
    november = await report(shelf, "2026-11-01", "2026-11-30")
    assert november.totals.active_s == 1800
    assert november.previous == Totals(4200, 2, 70, 2, 0)
    assert [bar.label for bar in november.bars["month"]] == ["2026-11"]
    adds_up(november)
    with pytest.raises(Invalid):
        await report(shelf, "2026-11-30", "2026-11-01")


async def test_parts_sum_whatever_happens(shelf: Shelf) -> None:
    """After any history of telling, placing, deleting, moving clocks: the kept tables are what a fresh start makes."""
    rng = random.Random(7)
    kobo, phone = shelf.device("Kobo"), shelf.device("Phone")
    documents = []
    for number in range(3):
        shelf.execute(
            "INSERT INTO documents (user_id, fingerprint, filename, partial_md5, first_at, last_at)"
            " VALUES (1, ?, ?, ?, 0, 0)",
            f"f{number}",
            f"file{number}.epub",
            f"md5-{number // 2}",
        )
        documents.append(shelf.execute("SELECT max(id) FROM documents")[0][0])
    zones = ["Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Australia/Adelaide", "UTC"]
    for step in range(60):
        match rng.randrange(8):
            case 0 | 1 | 2:
                document = rng.choice([None, *documents])
                book = rng.randrange(1, 6) if document is None else None
                day, minute = rng.randrange(1, 29), rng.randrange(60)
                start = f"2026-{rng.randrange(1, 11):02}-{day:02} {rng.randrange(24):02}:{minute:02}"
                shelf.read(start, rng.randrange(1, 200), book, document=document, device=rng.choice([kobo, phone]))
            case 3:
                document = rng.choice(documents)
                book = rng.choice([None, 1, 2, 3])
                if book is None:
                    shelf.write(lambda c, x=document: reading.displace(c, x, NOW))
                else:
                    shelf.write(lambda c, x=document, b=book: reading.place(c, x, BookId(b), "hand", NOW))
            case 4:
                shelf.execute("UPDATE users SET time_zone = ? WHERE id = 1", rng.choice(zones))
            case 5:
                listed, _ = await shelf.reporting.sittings(shelf.user(), SittingQuery())
                if listed:
                    await shelf.reporting.correct(shelf.user(), rng.choice(listed).key, None)
            case 6:
                shelf.execute(
                    "INSERT OR REPLACE INTO page_rows VALUES (?, ?, ?, ?, ?, 100)",
                    rng.choice(documents),
                    rng.choice([0, kobo]),
                    1_770_000_000 + rng.randrange(9_000_000),
                    rng.randrange(1, 100),
                    rng.randrange(5, 120),
                )
                shelf.execute("INSERT OR IGNORE INTO stale_works (user_id, work_id) SELECT 1, -id FROM documents")
            case 7:
                adds_up(await report(shelf))
        if step % 20 == 19:
            before = await report(shelf, full=True, group="book")
            adds_up(before)
            for table in ("sittings", "reading_cells", "day_totals", "work_totals", "finishes"):
                shelf.execute(f"DELETE FROM {table}")
            shelf.execute("INSERT OR IGNORE INTO stale_works (user_id, work_id) SELECT 1, id FROM books")
            shelf.execute("INSERT OR IGNORE INTO stale_works (user_id, work_id) SELECT 1, -id FROM documents")
            assert await report(shelf, full=True, group="book") == before


async def test_a_deleted_sitting_stays_deleted(shelf: Shelf) -> None:
    """What its owner deleted does not come back when the device sends it again as page rows."""
    kobo = shelf.device("Kobo")
    shelf.read("2026-11-20 20:00", 30, 1, device=kobo)
    listed, total = await shelf.reporting.sittings(shelf.user(), SittingQuery())
    assert total == 1
    with pytest.raises(NotFound):
        await shelf.reporting.correct(shelf.user("bob"), listed[0].key, None)
    await shelf.reporting.correct(shelf.user(), listed[0].key, None)
    assert (await report(shelf)).totals.active_s == 0
    shelf.read("2026-11-20 20:00", 30, 1, device=kobo)
    assert (await report(shelf)).totals.active_s == 0
    shelf.read("2026-11-21 20:00", 30, 1, device=kobo)
    assert (await report(shelf)).totals.active_s == 1800


async def test_a_corrected_sitting_stays_corrected(shelf: Shelf) -> None:
    """Trimmed to twenty minutes, again trimmed to ten, then deleted: each holds for what is told later."""
    kobo, user = shelf.device("Kobo"), shelf.user()
    shelf.read("2026-11-20 20:00", 480, 1, device=kobo, pages=20)
    (sitting,), _ = await shelf.reporting.sittings(user, SittingQuery())
    start = ms("2026-11-20 20:00")
    await shelf.reporting.correct(user, sitting.key, Sat(start, start + 1_200_000, 1200, 20))
    assert (await report(shelf)).totals == Totals(1200, 1, 20, 1, 0)
    shelf.read("2026-11-20 20:00", 480, 1, device=kobo, pages=20)
    (again,), _ = await shelf.reporting.sittings(user, SittingQuery())
    await shelf.reporting.correct(user, again.key, Sat(start, start + 600_000, 600, 10))
    assert (await report(shelf)).totals == Totals(600, 1, 10, 1, 0)
    await shelf.reporting.correct(user, again.key, None)
    assert (await report(shelf)).totals == Totals()


async def test_a_correction_moves_with_its_book(shelf: Shelf) -> None:
    """Books merged in Calibre: what was trimmed stays trimmed, under the book that is left."""
    user, start = shelf.user(), ms("2026-11-20 20:00")
    shelf.read("2026-11-20 20:00", 60, 1, source="web")
    (sitting,), _ = await shelf.reporting.sittings(user, SittingQuery())
    await shelf.reporting.correct(user, sitting.key, Sat(start, start + 600_000, 600, 10))
    shelf.write(lambda c: reading.move_history(c, 1, BookId(1), BookId(2), NOW))
    found = await report(shelf)
    assert [(book.book_uuid, book.active_s) for book in found.books] == [("uuid-2", 600)]


async def test_entered_by_hand(shelf: Shelf) -> None:
    """Rule 53: what a person types is checked, kept in UTC, changed and deleted in place."""
    user = shelf.user()
    start = ms("2026-11-20T20:00:00+02:00")
    for wrong in (
        Sat(start, start, 10),
        Sat(start, start - 1, 10),
        Sat(start, start + 600_000, 601),
        Sat(start, start + 600_000, -5),
        Sat(start, start + 90_000_000, 60),
        Sat(NOW, NOW + 7_200_000, 60),
        Sat(start, start + 600_000, 600, 10**9),
    ):
        with pytest.raises(Invalid):
            await shelf.reporting.add(user, BookId(4), wrong)
    await shelf.reporting.add(user, BookId(4), Sat(start, start + 600_000, 600, 12))
    (mine,), _ = await shelf.reporting.sittings(user, SittingQuery())
    assert (mine.started_at, mine.source, mine.pages) == (ms("2026-11-20 18:00"), "manual", 12)
    await shelf.reporting.correct(user, mine.key, Sat(start, start + 1_200_000, 1200, 30))
    assert (await report(shelf)).totals == Totals(1200, 1, 30, 1, 0)
    await shelf.reporting.correct(user, mine.key, None)
    assert (await report(shelf)).totals == Totals()


async def test_everything_is_listed_and_little_counts(shelf: Shelf) -> None:
    """Rule 49: seven seconds are listed and can be deleted, but are no session and hold no streak."""
    shelf.read("2026-11-21 20:00", 7 / 60, 1)
    found = await report(shelf)
    assert found.totals.sessions == 0
    assert found.current_streak.length == 0
    _, total = await shelf.reporting.sittings(shelf.user(), SittingQuery())
    assert total == 1


async def test_finished_when_finished(shelf: Shelf) -> None:
    """S1: a book finished in May and touched in November is a book of May."""
    shelf.finish(4, ms("2026-05-10 20:00"))
    shelf.execute("UPDATE readings SET updated_at = ?", NOW)
    assert (await report(shelf, "2026-05-01", "2026-05-31")).totals.books_finished == 1
    assert (await report(shelf, "2026-11-01", "2026-11-30")).totals.books_finished == 0


async def test_read_again_is_finished_again(shelf: Shelf) -> None:
    """Two readings of one book are two finished readings, one of them marked as a re-read."""
    for at, status in (("2026-03-01", "complete"), ("2026-06-01", "new"), ("2026-09-01", "complete")):
        shelf.execute(
            "INSERT INTO verdicts (user_id, event_id, book_id, at, received_at, status) VALUES (1, ?, 4, ?, 0, ?)",
            at,
            ms(f"{at} 20:00"),
            status,
        )
    shelf.finish(4, ms("2026-09-01 20:00"))
    found = await report(shelf)
    assert found.totals.books_finished == 2
    assert [(f.title, f.again) for f in found.finished] == [("Emma", True), ("Emma", False)]


async def test_streak_is_the_union_of_all_sources(shelf: Shelf) -> None:
    """Rules 45 and 46: page rows, browser and hand hold one streak together, the same on every page."""
    kobo = shelf.device("Kobo")
    shelf.read("2026-11-19 20:00", 10, 1, device=kobo)
    shelf.read("2026-11-20 20:00", 10, 1, source="web")
    shelf.read("2026-11-21 20:00", 10, 1, source="manual")
    assert (await report(shelf)).current_streak.length == 3
    assert (await report(shelf, "2026-11-21", "2026-11-21")).current_streak.length == 3


async def test_one_does_not_see_the_other(shelf: Shelf) -> None:
    """Reading is private: another's sittings are in no number and can't be touched."""
    shelf.read("2026-11-20 20:00", 30, 1, user=2)
    assert (await report(shelf)).totals == Totals()
    assert (await report(shelf, user="bob")).totals.active_s == 1800


async def test_a_kept_answer_is_kept_and_never_stale(shelf: Shelf) -> None:
    """The same question twice is one answer; one new sitting, a rename of a device or a new day is another."""
    shelf.read("2026-11-20 20:00", 30, 1, device=shelf.device("Kobo"))
    first = await report(shelf)
    assert await report(shelf) is first
    shelf.read("2026-11-21 20:00", 30, 1)
    second = await report(shelf)
    assert second.totals.sessions == 2
    shelf.clock = NOW + 2 * 86_400_000
    assert (await report(shelf)).current_streak.length == 0
    shelf.clock = NOW


async def test_another_zone_moves_the_days(shelf: Shelf) -> None:
    """Changing zone or day start in the settings recounts every day; the total stays."""
    shelf.read("2026-11-20 23:00", 120, 1)
    assert (await report(shelf)).totals.days == 1
    shelf.execute("UPDATE users SET time_zone = 'Asia/Kolkata' WHERE id = 1")  # 4:30 to 6:30 there
    found = await report(shelf)
    assert [day.day for day in found.days] == [d("2026-11-21")]
    adds_up(found)
    shelf.execute("UPDATE users SET day_start_minute = 330 WHERE id = 1")
    found = await report(shelf)
    assert [(day.day, day.active_s) for day in found.days] == [(d("2026-11-20"), 3600), (d("2026-11-21"), 3600)]


async def test_travel(shelf: Shelf) -> None:
    """A stay elsewhere counts by the clock there, and forgetting it counts by the clock at home again."""
    shelf.execute("UPDATE users SET time_zone = 'Europe/Berlin' WHERE id = 1")
    shelf.read("2026-11-10 20:00", 30, 1)  # 5:00 in Tokyo, the next day
    user = shelf.user()
    await shelf.reporting.add_stay(user, Stay(ms("2026-11-08 00:00"), ms("2026-11-15 00:00"), "Asia/Tokyo"))
    assert [day.day for day in (await report(shelf)).days] == [d("2026-11-11")]
    stay_id = shelf.execute("SELECT id FROM stays")[0][0]
    await shelf.reporting.remove_stay(user, stay_id)  # type: ignore[arg-type]
    assert [day.day for day in (await report(shelf)).days] == [d("2026-11-10")]
    with pytest.raises(Invalid):
        await shelf.reporting.add_stay(user, Stay(1, 2, "Mars/Olympus"))


async def test_the_tables_follow_by_themselves(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a device's history nobody's page waits: the tables are made in the background, once for many calls."""
    monkeypatch.setattr(reporting, "QUIET_S", 0.05)
    shelf.read("2026-11-20 20:00", 30)
    for _ in range(3):
        shelf.reporting.refresh_soon(1)
    async with asyncio.timeout(20):
        while not shelf.execute("SELECT 1 FROM day_totals"):
            await asyncio.sleep(0.01)
        while shelf.execute("SELECT 1 FROM stale_works"):
            await asyncio.sleep(0.01)
    assert shelf.execute("SELECT version FROM statistics_versions") == [(1,)]


async def test_goals(shelf: Shelf) -> None:
    """Goals count reconciled reading days, as every other number does."""
    user = shelf.user()
    await shelf.reporting.set_goal(user, "minutes", "day", 30)
    await shelf.reporting.set_goal(user, "minutes", "day", 20)
    await shelf.reporting.set_goal(user, "books", "year", 12)
    shelf.read("2026-11-22 18:00", 25, 1)
    found = {(g.goal.measure, g.goal.period): g for g in (await report(shelf)).goals}
    assert found["minutes", "day"].done == 25
    assert found["minutes", "day"].reached
    assert found["books", "year"].done == 0
    await shelf.reporting.set_goal(user, "minutes", "day", 0)
    assert len((await report(shelf)).goals) == 1
    with pytest.raises(Invalid):
        await shelf.reporting.set_goal(user, "miles", "day", 3)


async def test_estimates_say_when_they_know_nothing(shelf: Shelf) -> None:
    """An open book has a time left with a range after a few sittings, before that nothing; so has its page."""
    shelf.execute(
        "INSERT INTO readings (user_id, book_id, status, fraction, updated_at) VALUES (1, 4, 'reading', 0.4, ?)", NOW
    )
    assert (await report(shelf)).open[0].estimate is None
    for day in range(4):
        shelf.read(f"2026-11-{18 + day} 20:00", 30 + day, 4, start=day / 10, end=(day + 1) / 10)
    estimate = (await report(shelf)).open[0].estimate
    assert estimate is not None
    assert estimate.low_s <= estimate.remaining_s <= estimate.high_s
    assert estimate.days is not None
    book = await book_report(shelf.reporting, shelf.user(), BookId(4))
    assert book.estimate == estimate
    assert book.total is not None
    assert book.total.sessions == 4
    assert book.seconds_a_book is not None
    with pytest.raises(NotFound):
        await book_report(shelf.reporting, shelf.user(), BookId(5))


async def test_series_count_finished_books(shelf: Shelf) -> None:
    """Rule 71: a series is as complete as its finished books, wherever one reads."""
    shelf.read("2026-11-20 20:00", 30, 3)
    shelf.finish(1, ms("2026-10-01 20:00"))
    (series,) = (await report(shelf, full=True)).series
    assert (series.progress.books, series.progress.finished) == (3, 1)
    assert series.estimate is None


async def test_overlaps_are_flagged(shelf: Shelf) -> None:
    """Reading on two devices at once is kept and shown as such."""
    shelf.read("2026-11-20 20:00", 30, 1, device=shelf.device("Kobo"))
    shelf.read("2026-11-20 20:10", 30, 4, device=shelf.device("Phone"))
    shelf.read("2026-11-20 22:00", 30, 4)
    listed, total = await shelf.reporting.sittings(shelf.user(), SittingQuery())
    assert [sitting.overlaps for sitting in listed] == [False, True, True]
    assert total == 3


async def test_removing_all_reading_removes_it_here(shelf: Shelf) -> None:
    """Deleting one's reading leaves no trace in any derived number; deleting the user works."""
    from tomed.store import users

    shelf.read("2026-11-20 20:00", 30, 1)
    shelf.finish(1, NOW)
    await report(shelf)
    shelf.write(lambda c: users.delete_reading(c, 1))
    assert (await report(shelf)).totals == Totals()
    shelf.read("2026-11-20 20:00", 30, 1)
    shelf.write(lambda c: users.delete(c, 1))
    assert shelf.execute("SELECT count(*) FROM sittings") == [(0,)]
    assert shelf.store.read(lambda c: statistics.stamp(c, 1))[0] is None


async def test_a_device_that_never_stops_keeps_no_page_waiting(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told while the tables are made waits for the next answer; what was told before is in this one."""
    for book in (1, 2, 3):
        shelf.read(f"2026-11-2{book - 1} 20:00", 30, book)
    renew, told = statistics_derived.renew, 0

    def renew_while_told(*arguments: object, **more: object) -> object:
        nonlocal told
        made = renew(*arguments, **more)  # type: ignore[arg-type]
        if made is not None and told < 50:  # a loop that waits for silence ends too, but late
            told += 1
            shelf.read(f"2026-10-{told % 28 + 1:02} 10:00", 1, 1)
        return made

    monkeypatch.setattr(statistics_derived, "renew", renew_while_told)
    await shelf.reporting.refresh(1)
    assert told == 1, "one pass over the works, however often they change meanwhile"
    assert {row[0] for row in shelf.execute("SELECT work_id FROM work_totals")} == {1, 2, 3}
    monkeypatch.undo()
    assert (await report(shelf)).totals.sessions == 4
