"""The page times of a sitting: where its time lies, and what KOReader's page rows tell of it already."""

from __future__ import annotations

import random
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from tests.statistics.conftest import Shelf, ms
from tomed.model import Session
from tomed.reporting import Query, Sat
from tomed.statistics.days import calendar, split
from tomed.statistics.paging import PageRow
from tomed.statistics.reconcile import Correction, Sitting, Told, reconcile
from tomed.statistics.stretches import PageTime, stretches
from tomed.store import events
from tomed.store.statistics import SittingQuery

T0 = 1_750_000_000  # an instant, in seconds


def told(id_: int, times: list[PageTime], *, minutes: int, total: int = 300, **more: int) -> Told:
    """A sitting from T0 for so many minutes on the clock, read as its page times say."""
    return Told(
        id_,
        "device",
        more.get("device", 1),
        1,
        T0 * 1000,
        (T0 + minutes * 60) * 1000,
        more.get("active_s", sum(active for _, _, active in times)),
        more.get("pages", len(times)),
        None,
        None,
        total,
        tuple(times),
    )


def rows(times: list[PageTime], *, cap: int = 120, late: int = 0) -> list[PageRow]:
    """What KOReader keeps of the same reading: no page under five seconds, at most two minutes a page."""
    return [
        PageRow(1, 1, page, T0 + offset + late, min(active, cap), 300) for page, offset, active in times if active >= 5
    ]


def seconds(sittings: list[Sitting]) -> int:
    return sum(s.active_s for s in sittings)


A_MINUTE_EACH = [(page, (page - 1) * 60, 60) for page in range(1, 31)]

TIMES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 400), st.integers(0, 300)), min_size=1, max_size=25).map(
    lambda told: [
        (page, sum(max(gap, active) for _, gap, active in told[:i]), active) for i, (page, _, active) in enumerate(told)
    ]
)


@given(TIMES, st.integers(-20, 20))
def test_stretches_sum_to_the_sitting(times: list[PageTime], wrong: int) -> None:
    """Whatever was rounded on the way, the pages together are exactly the sitting's own seconds."""
    end = times[-1][1] + times[-1][2]
    active_s = max(0, sum(active for _, _, active in times) + wrong)
    found = stretches(T0 * 1000, (T0 + end) * 1000, active_s, times)
    if found:
        assert sum(stretch.active_s for stretch in found) == active_s
    assert all(T0 * 1000 <= s.started_at <= s.read_until <= (T0 + end) * 1000 for s in found)
    assert [s.started_at for s in found] == sorted(s.started_at for s in found)


def test_page_times_that_cannot_be_are_not_believed() -> None:
    """Out of order, after the end, or of another length: then the sitting's span says where its time lies."""
    good = [(1, 0, 60), (2, 60, 60)]
    assert len(stretches(0, 120_000, 120, good)) == 2
    for times in ([(1, 60, 60), (2, 0, 60)], [(1, 0, 60), (2, 130, 60)], [(1, 0, 5), (2, 60, 5)], [(1, 0, 0)], []):
        assert stretches(0, 120_000, 120, times) == []
    assert [p.active_s for s in reconcile([told(1, [(1, 0, 5)], minutes=2, active_s=120)], []) for p in s.pieces] == [
        120
    ]


def test_a_page_passed_over_is_no_page() -> None:
    """Leafing through costs time and reads nothing, as in KOReader's own statistics."""
    leafing = [(1, 0, 2), (2, 2, 60), (3, 62, 1), (4, 63, 1), (50, 64, 60)]
    (sitting,) = reconcile([told(1, leafing, minutes=3)], [])
    assert (sitting.pages, sitting.active_s) == (2, 124)
    assert [(s.page, s.active_s) for s in stretches(0, 180_000, 124, leafing)] == [(2, 64), (50, 60)]


def test_a_jump_is_no_reading() -> None:
    """Ten pages, then the appendix: eleven pages, not the whole book in between."""
    jumped = [*A_MINUTE_EACH[:10], (290, 600, 60)]
    sitting = told(1, jumped, minutes=11)._replace(start_fraction=0.0, end_fraction=290 / 300)
    assert [s.pages for s in reconcile([sitting], [], units={1: 300})] == [11]


def test_told_by_the_plugin_and_by_koreader_counts_once() -> None:
    """The same pages from both: KOReader's seconds, one sitting, each page once; its clock may be a little off."""
    for late in (0, 2, -2, 90, -90):
        (sitting,) = reconcile([told(7, A_MINUTE_EACH, minutes=30)], rows(A_MINUTE_EACH, late=late))
        assert (sitting.key, sitting.active_s, sitting.pages) == ("s7", 1800, 30)


def test_a_long_page_is_as_long_as_koreader_says() -> None:
    """KOReader counts two minutes of a page at most; what the plugin counted beyond that does not come in beside it."""
    long = [(1, 0, 400), (2, 400, 400), (3, 800, 30)]
    assert seconds(reconcile([told(7, long, minutes=15)], rows(long))) == 270
    assert seconds(reconcile([told(7, long, minutes=15)], [])) == 830


def test_pages_that_koreader_does_not_tell_count_whole() -> None:
    """Its statistics were off for ten minutes in the middle: those pages are the sitting's own word."""
    told_rows = [row for row in rows(A_MINUTE_EACH) if not 600 <= row.start - T0 < 1200]
    (sitting,) = reconcile([told(7, A_MINUTE_EACH, minutes=30)], told_rows)
    assert (sitting.active_s, sitting.pages) == (1800, 30)
    late = [row for row in rows(A_MINUTE_EACH) if row.start - T0 < 900]  # not yet written
    assert seconds(reconcile([told(7, A_MINUTE_EACH, minutes=30)], late)) == 1800
    other = [row._replace(page=row.page * 2, total=600) for row in told_rows]
    (sitting,) = reconcile([told(7, A_MINUTE_EACH, minutes=30)], other, units={1: 300})
    assert sitting.active_s == 1800 - 4 * 60  # in another layout two minutes at each side are the clocks' slack


@given(TIMES, st.lists(st.integers(0, 24), max_size=10), st.integers(-60, 60), st.randoms(use_true_random=False))
def test_both_together_are_between_one_and_the_sum(
    times: list[PageTime], missing: list[int], late: int, rng: random.Random
) -> None:
    """Never less than KOReader's rows, never more than both; in any order, and told again, the same."""
    minutes = (times[-1][1] + times[-1][2]) // 60 + 1
    kept = [row for i, row in enumerate(rows(times, late=late)) if i not in missing]
    sitting = told(7, times, minutes=minutes)
    once = {(row.start, row.page): row.duration for row in kept}
    once |= {key: max(r.duration for r in kept if (r.start, r.page) == key) for key in once}
    result = reconcile([sitting], kept)
    assert sum(once.values()) <= seconds(result) <= max(sum(once.values()), sitting.active_s)
    assert all(piece.active_s >= 0 and piece.pages >= 0 for s in result for piece in s.pieces)
    rng.shuffle(kept)
    assert reconcile([sitting, sitting], [*kept, *kept]) == result


@given(TIMES, st.sampled_from(["Asia/Kolkata", "America/St_Johns", "Europe/Berlin"]), st.integers(0, 1439))
def test_days_and_hours_sum_to_the_sitting(times: list[PageTime], zone: str, day_start: int) -> None:
    """Split page by page over any border, the parts are the whole."""
    (sitting,) = reconcile([told(7, times, minutes=(times[-1][1] + times[-1][2]) // 60 + 1)], [])
    parts = [part for piece in sitting.pieces for part in split(calendar(zone, day_start), *piece)]
    assert sum(active_s for _, _, (active_s, _) in parts) == sitting.active_s
    assert sum(pages for _, _, (_, pages) in parts) == sitting.pages


def test_of_two_sittings_at_once_the_pages_outside_are_left() -> None:
    """Where one device tells two sittings of the same time, the pages that lie in the other one count there."""
    first = told(1, A_MINUTE_EACH, minutes=30)
    second = told(2, [(40, 0, 60), (41, 2400, 60)], minutes=50)
    assert [(s.key, s.active_s) for s in reconcile([first, second], [])] == [("s1", 1800), ("s2", 60)]


def test_a_trimmed_idle_sitting_stays_trimmed() -> None:
    """Twenty minutes read of two hours: its correction speaks for the two hours, and holds when it is told again."""
    idle = told(7, A_MINUTE_EACH[:20], minutes=120)
    for told_rows in (rows(A_MINUTE_EACH[:20]), []):
        (sitting,) = reconcile([idle], told_rows)
        assert (sitting.started_at, sitting.ended_at) == (idle.started_at, idle.ended_at)
        right = Told(0, "device", 1, 1, T0 * 1000, (T0 + 600) * 1000, 600, 10)
        said = Correction(1, 1, "device", sitting.started_at, sitting.ended_at, right)
        assert [(s.key, s.active_s) for s in reconcile([idle], told_rows, [said])] == [("c1", 600)]


async def _tell(shelf: Shelf, when: str, minutes: int, times: tuple[PageTime, ...], document: int) -> None:
    start = ms(when)
    session = Session(
        0,
        start,
        start + minutes * 60_000,
        sum(active for _, _, active in times),
        len(times),
        None,
        None,
        total_pages=200,
        page_times=times,
    )
    origin = events.Origin(1, f"page-times-{when}", start, None, document, shelf.device("Clara"))
    shelf.write(lambda c: events.add_session(c, origin, session))


def _document(shelf: Shelf) -> int:
    shelf.execute(
        "INSERT INTO documents (id, user_id, fingerprint, filename, partial_md5, book_id, first_at, last_at)"
        " VALUES (9, 1, 'f', 'a.epub', 'md5-9', 1, 1, 1)"
    )
    return 9


async def test_hours_and_days_are_those_of_the_pages(shelf: Shelf) -> None:
    """Asleep from two to half past three: no hour of that is reading time, and the border parts it at the page."""
    shelf.execute("UPDATE users SET time_zone = 'UTC', day_start_minute = 240 WHERE id = 1")
    times = ((1, 0, 1200), (2, 1200, 600), (3, 7200, 600), (4, 7800, 1200))  # 1:30 to 2:00, 3:30 to 4:00
    await _tell(shelf, "2026-11-18 01:30", 160, times, _document(shelf))
    found = await shelf.reporting.report(shelf.user(), Query())
    monday, tuesday, wednesday = found.heatmap[0], found.heatmap[1], found.heatmap[2]
    assert (tuesday[1], tuesday[2], tuesday[3], sum(tuesday)) == (1800, 0, 1800, 3600)
    assert not any(monday)
    assert not any(wednesday)
    assert [(date.fromordinal(day.day).isoformat(), day.active_s, day.pages) for day in found.days] == [
        ("2026-11-17", 3600, 4)
    ]
    await _tell(shelf, "2026-11-20 03:50", 20, ((1, 0, 300), (2, 300, 240), (3, 660, 540)), 9)
    found = await shelf.reporting.report(shelf.user(), Query())
    assert [(day.active_s, day.pages, day.sessions) for day in list(found.days)[1:]] == [(540, 2, 1), (540, 1, 0)]
    assert found.totals.pages == 7


async def test_the_first_layout_is_the_unit(shelf: Shelf) -> None:
    """Without any page row the plugin's own layouts say what a page of the book is."""
    document = _document(shelf)
    await _tell(shelf, "2026-11-10 20:00", 40, tuple((p, p * 60, 60) for p in range(1, 21)), document)
    shelf.execute("UPDATE sessions SET total_pages = 400 WHERE event_id LIKE 'page-times-%'")
    await _tell(shelf, "2026-11-09 20:00", 40, tuple((p, p * 60, 60) for p in range(1, 21)), document)
    found = await shelf.reporting.report(shelf.user(), Query())
    assert [day.pages for day in found.days] == [20, 10]
    assert found.books[0].unit == 200


async def test_a_change_by_hand_holds_beside_page_times(shelf: Shelf) -> None:
    """A sitting with an idle tail, trimmed on the page, is told once and not twice afterwards."""
    await _tell(shelf, "2026-11-10 20:00", 200, tuple((p, p * 60, 60) for p in range(1, 21)), _document(shelf))
    user = shelf.user()
    listed, _ = await shelf.reporting.sittings(user, SittingQuery())
    start = listed[0].started_at
    await shelf.reporting.correct(user, listed[0].key, Sat(start, start + 600_000, 600, 10))
    assert (await shelf.reporting.report(user, Query())).totals.active_s == 600
