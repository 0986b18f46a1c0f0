"""One truth for reading time: counted once, per sitting and per device, whatever arrives first."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tomed.statistics.paging import Coverage, PageRow, coverage, furthest, koreader_pages, unit
from tomed.statistics.reconcile import Correction, Sitting, Told, overlaps, reconcile

T0 = 1_750_000_000  # an instant, in seconds


def told(
    id_: int, start_min: float, length_min: float, *, device: int = 1, source: str = "device", **more: int
) -> Told:
    start = int((T0 + start_min * 60) * 1000)
    end = int(start + length_min * 60_000)
    return Told(id_, source, device, 1, start, end, more.get("active_s", int(length_min * 60)), more.get("pages", 10))


def rows(
    start_min: float, length_min: float, *, device: int = 1, first_page: int = 1, total: int = 300
) -> list[PageRow]:
    """A page a minute."""
    return [
        PageRow(1, device, first_page + i, int(T0 + (start_min + i) * 60), 60, total) for i in range(int(length_min))
    ]


def seconds(sittings: list[Sitting]) -> int:
    return sum(s.active_s for s in sittings)


TOLD = st.builds(
    lambda id_, source, device, start, length, share, pages: Told(
        id_, source, device, 1, start * 1000, (start + length) * 1000, length * share // 4, pages
    ),
    st.integers(1, 40),
    st.sampled_from(["device", "device", "web", "manual"]),
    st.integers(0, 2),
    st.integers(T0, T0 + 20_000),
    st.integers(0, 8_000),
    st.integers(0, 4),
    st.integers(0, 80),
)
ROW = st.builds(
    PageRow,
    st.just(1),
    st.integers(0, 2),
    st.integers(1, 60),
    st.integers(T0, T0 + 20_000),
    st.integers(1, 300),
    st.integers(1, 60),
)
MANY_TOLD = st.lists(TOLD, max_size=8, unique_by=lambda t: t.id)
MANY_ROWS = st.lists(ROW, max_size=30)


@given(MANY_TOLD, MANY_ROWS, st.randoms(use_true_random=False))
def test_order_has_no_say(sessions: list[Told], page_rows: list[PageRow], rng: random.Random) -> None:
    """The same things told in any order come to the same sittings, field by field."""
    expected = reconcile(sessions, page_rows, units={1: 300})
    rng.shuffle(sessions)
    rng.shuffle(page_rows)
    assert reconcile(sessions, page_rows, units={1: 300}) == expected


@given(MANY_TOLD, MANY_ROWS)
def test_telling_again_changes_nothing(sessions: list[Told], page_rows: list[PageRow]) -> None:
    """Importing twice, or sending the queue twice, is harmless."""
    once = reconcile(sessions, page_rows)
    assert reconcile(sessions * 2, page_rows * 2) == once


@given(MANY_TOLD, MANY_ROWS)
def test_nothing_is_lost_and_nothing_is_made_up(sessions: list[Told], page_rows: list[PageRow]) -> None:
    """All page rows count in full, and no more comes out than all sources tell together."""
    once: dict[tuple[int, int], int] = {}
    for row in page_rows:
        once[row.start, row.page] = max(once.get((row.start, row.page), 0), row.duration)
    result = reconcile(sessions, page_rows)
    of_rows = sum(once.values())
    of_others = sum(t.active_s for t in sessions if t.source != "device")
    of_devices = sum(t.active_s for t in sessions if t.source == "device")
    assert of_rows + of_others <= seconds(result) <= of_rows + of_others + of_devices
    assert len({s.key for s in result}) == len(result)
    for sitting in result:
        assert sitting.active_s == sum(piece.active_s for piece in sitting.pieces)
        assert sitting.pages == sum(piece.pages for piece in sitting.pieces)
        assert all(piece.pages >= 0 and piece.active_s >= 0 for piece in sitting.pieces)


def test_the_same_reading_told_twice_counts_once() -> None:
    """A sitting and the page rows of the same device and time are one sitting with the rows' time."""
    result = reconcile([told(7, 0, 60)], rows(0, 60))
    assert [(s.key, s.active_s) for s in result] == [("s7", 3600)]


def test_what_sticks_out_of_the_rows_is_kept() -> None:
    """KOReader writes pages late: the half hour that no row covers yet is the sitting's own word."""
    result = reconcile([told(7, 0, 60)], rows(0, 30))
    assert [(s.key, s.active_s) for s in result] == [("s7", 3600)]


def test_idle_time_is_not_reading() -> None:
    """A sitting of twenty minutes in two hours on the clock stays at its rows when they tell all of it."""
    result = reconcile([told(7, 0, 120, active_s=1200)], rows(0, 20))
    assert seconds(result) == 1200


def test_nobody_reads_longer_than_the_clock_runs() -> None:
    """Rule 15: 58 hours in a sitting of two hours are two hours at most."""
    assert seconds(reconcile([told(1, 0, 120, active_s=58 * 3600)], [])) == 7200


def test_the_other_device_keeps_its_week() -> None:
    """Rule 43: page rows of one device take nothing from the same book on another, even at the same time."""
    phone = [told(i, i * 1440, 30, device=2) for i in range(7)]
    result = reconcile(phone, rows(0, 30, device=1))
    assert seconds(result) == 8 * 1800
    assert overlaps(result) == {"s0", "h1-1-1750000000-1"}


def test_hand_and_browser_never_vanish() -> None:
    """Rule 44: what was entered by hand or read in the browser stays, whatever history says."""
    result = reconcile([told(1, 0, 30, source="manual", device=0), told(2, 0, 30, source="web", device=3)], rows(0, 30))
    assert seconds(result) == 3 * 1800
    assert overlaps(result) >= {"s1", "s2"}


def test_a_file_of_nobody_is_the_same_reading() -> None:
    """An uploaded file without a device and the device's own sittings are one reading."""
    assert seconds(reconcile([told(1, 0, 30)], rows(0, 30, device=0))) == 1800


def test_koreader_merges_files_itself() -> None:
    """A row that two devices tell (KOReader's own cloud sync) counts once, for the device that was read on."""
    result = reconcile([told(5, 0, 30, device=2)], rows(0, 30, device=1) + rows(0, 30, device=2))
    assert [(s.key, s.device, s.active_s) for s in result] == [("s5", 2, 1800)]


def test_longer_duration_wins() -> None:
    """The same page at the same start with two durations: the longer one."""
    row = rows(0, 1)[0]
    assert seconds(reconcile([], [row, row._replace(duration=100), row._replace(duration=20)])) == 100


def test_half_an_hour_parts_sittings() -> None:
    """Rule 48: rows with a pause of half an hour are two sittings, not one per day."""
    result = reconcile([], rows(0, 10) + rows(45, 10) + rows(70, 5))
    assert [s.active_s for s in result] == [600, 900]


def test_short_sittings_are_there() -> None:
    """Rule 49: a sitting of seven seconds is in the list, so that it can be deleted."""
    result = reconcile([told(1, 0, 1, active_s=7)], [PageRow(1, 1, 3, T0 + 9999, 7, 10)])
    assert [s.active_s for s in result] == [7, 7]


def test_a_correction_stays() -> None:
    """Deleted or corrected reading does not come back, in whatever form the device tells it later."""
    gone = Correction(1, 1, "device", (T0 - 1) * 1000, (T0 + 3600) * 1000, None)
    assert reconcile([told(7, 0, 60)], rows(0, 60), [gone]) == []
    right = told(0, 0, 20, source="manual")
    result = reconcile([told(7, 0, 60)], rows(0, 60), [gone._replace(replacement=right)])
    assert [(s.key, s.active_s) for s in result] == [("c1", 1200)]
    assert seconds(reconcile([told(7, 0, 60, device=2)], [], [gone])) == 3600


def test_one_session_ends_where_the_next_begins() -> None:
    """Rows join the sitting they lie in; two sittings stay two when history arrives."""
    result = reconcile([told(1, 0, 30), told(2, 31, 30)], rows(0, 61))
    assert len(result) == 2
    assert seconds(result) == 61 * 60


def test_pages_in_a_stable_unit() -> None:
    """Rule 50: a change of font in the middle does not change how many pages of the book were read."""
    before = rows(0, 10, total=100)  # a tenth of the book
    after = [PageRow(1, 1, 21 + i, T0 + 600 + i * 60, 60, 200) for i in range(20)]  # the next tenth, smaller pages
    result = reconcile([], before + after, units={1: unit(before + after)})
    assert sum(s.pages for s in result) == 20


def test_turning_back_reads_no_new_page() -> None:
    """A page counts once in a sitting."""
    back = [PageRow(1, 1, page, T0 + i * 60, 60, 100) for i, page in enumerate([1, 2, 1, 2, 3])]
    assert sum(s.pages for s in reconcile([], back)) == 3


def test_position_is_the_furthest_page_not_the_coverage() -> None:
    """Rule 51: someone who jumped to page 35 of 100 and read one page is at 35 %, having seen 1 %."""
    jumped = [PageRow(1, 1, 35, T0, 60, 100)]
    assert furthest(jumped) == 0.35
    assert round(coverage(jumped), 6) == 0.01


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)).map(lambda t: (min(t), max(t))), max_size=40))
def test_coverage_is_the_union(pages: list[tuple[int, int]]) -> None:
    """New parts add up to what has been seen, and never to more than the book."""
    seen = Coverage()
    total = sum(seen.add(page, count) for page, count in pages)
    assert abs(total - seen.fraction) < 1e-9
    assert seen.fraction <= 1
    cells = 0
    for cell in range(5040):
        at = (cell + 0.5) / 5040
        cells += any((p - 1) / n < at < p / n for p, n in pages)
    assert abs(cells / 5040 - seen.fraction) < 0.02


def test_koreaders_own_rescaling() -> None:
    """Page 3 of 4 in a layout of 10 is what KOReader calls pages 6 to 7."""
    assert koreader_pages([PageRow(1, 1, 3, T0, 60, 4)], 10) == {6, 7}
