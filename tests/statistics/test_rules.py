"""Streaks, heat map, periods, pace, estimates, finishes and goals: each definition by itself."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomed.errors import Invalid
from tomed.statistics import estimates, goals, periods, streaks
from tomed.statistics.days import calendar, split
from tomed.statistics.finishes import Said, finishes
from tomed.statistics.heatmap import heatmap, packed
from tomed.statistics.pace import pace, suspicious, words
from tomed.statistics.periods import Span
from tomed.statistics.totals import Day, Days, bars, change, records, totals, years

DAYS = st.integers(date(2019, 12, 1).toordinal(), date(2028, 3, 31).toordinal())
A_DAY = st.builds(Day, DAYS, st.integers(0, 80_000), st.integers(0, 900), st.integers(0, 20))
MANY_DAYS = st.lists(A_DAY, max_size=60, unique_by=lambda d: d.day).map(lambda days: Days(sorted(days)))
HOUR = 3_600_000


def d(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@given(MANY_DAYS, st.sampled_from(periods.PERIODS), st.integers(1, 7))
def test_bars_sum_to_the_totals(days: Days, period: str, week_start: int) -> None:
    """Every chart adds up to the number above it, with and without its empty periods."""
    whole = totals(days)
    span = Span(days.on[0], days.on[-1]) if days else None
    for drawn in (bars(days, period, None, week_start), bars(days, period, span, week_start)):
        assert sum(bar.active_s for bar in drawn) == whole.active_s
        assert sum(bar.pages for bar in drawn) == whole.pages
        assert sum(bar.sessions for bar in drawn) == whole.sessions
        assert sum(bar.days for bar in drawn) == whole.days
        assert len({bar.label for bar in drawn}) == len(drawn)
    assert years(bars(days, "month", span)) == bars(days, "year", span)


@pytest.mark.parametrize("today", ["2026-03-30", "2026-03-31", "2024-02-29", "2025-01-30", "2025-12-31"])
def test_twelve_months_are_twelve_months(today: str) -> None:
    """S4: on the 30th of March the axis has every month once, February too."""
    last = d(today)
    first = periods.key("month", last)
    for _ in range(11):
        first = periods.key("month", first - 1)
    labels = [periods.label("month", month) for month in periods.axis("month", Span(first, last))]
    assert len(labels) == len(set(labels)) == 12
    assert labels[-1] == today[:7]
    assert any(label.endswith("-02") for label in labels)


@given(DAYS, DAYS, st.sampled_from(periods.PERIODS), st.integers(1, 7))
def test_an_axis_has_no_holes(one: int, other: int, period: str, week_start: int) -> None:
    """Every day of a span lies in exactly one period of its axis."""
    span = Span(min(one, other), max(one, other))
    axis = periods.axis(period, span, week_start)
    assert axis[0] <= span.first
    for first, following in pairwise(axis):
        assert periods.following(period, first) == following
    assert periods.key(period, span.last, week_start) == axis[-1]


def test_leap_day() -> None:
    """29 February is a day of its own, in its month, week and year."""
    leap = Days([Day(d("2024-02-29"), 60, 1, 1)])
    assert bars(leap, "month")[0].label == "2024-02"
    assert bars(leap, "year")[0].label == "2024"
    assert bars(leap, "day")[0].label == "2024-02-29"
    assert periods.previous(Span(d("2024-02-01"), d("2024-02-29"))) == Span(d("2024-01-01"), d("2024-01-31"))
    assert periods.previous(Span(d("2025-01-01"), d("2025-12-31"))) == Span(d("2024-01-01"), d("2024-12-31"))
    assert periods.previous(Span(10, 16)) == Span(3, 9)


def test_weeks_begin_where_the_person_says() -> None:
    """A Sunday begins a week for some and ends it for others."""
    sunday = d("2026-11-22")
    assert periods.key("week", sunday, 1) == d("2026-11-16")
    assert periods.key("week", sunday, 7) == sunday
    assert periods.label("week", d("2026-11-16")) == "2026-W47"
    with pytest.raises(Invalid):
        periods.key("fortnight", sunday)


@given(st.lists(DAYS, max_size=50))
def test_streaks_are_runs(days: list[int]) -> None:
    """Runs cover each day once; the longest is the longest; rule 46: there is one definition."""
    runs = streaks.runs(days)
    assert sum(run.length for run in runs) == len(set(days))
    best = streaks.longest(days)
    assert best.length == max((run.length for run in runs), default=0)
    for today in {*days, *(day + 1 for day in days)}:
        assert streaks.current(days, today).length >= 1


def test_one_day_of_grace() -> None:
    """Today is still open: it ends no streak. Yesterday without reading does."""
    days = [100, 101, 102]
    assert streaks.current(days, 102).length == 3
    assert streaks.current(days, 103).length == 3
    assert streaks.current(days, 104).length == 0
    assert streaks.current([], 104).length == 0
    assert streaks.current([*days, 200], 102) == streaks.Streak(3, 100, 102)


def test_a_second_holds_no_streak() -> None:
    """A book opened by accident is no reading day of a streak."""
    assert streaks.active_days([(1, 60), (2, 59), (3, 7200)]) == [1, 3]


@given(
    st.lists(st.tuples(st.integers(1_600_000_000_000, 1_800_000_000_000), st.integers(0, 9_000_000)), max_size=20),
    st.sampled_from(["Asia/Kolkata", "America/St_Johns", "Europe/Berlin", "Pacific/Chatham"]),
    st.integers(0, 1439),
)
def test_the_heat_map_sums_to_the_days(sittings: list[tuple[int, int]], zone: str, day_start: int) -> None:
    """Rule 47: heat map, calendar and streak see the same days, and the map sums to the total."""
    days: dict[int, list[int]] = {}
    for start, length in sittings:
        for day, hour, (active_s,) in split(calendar(zone, day_start), start, start + length, length // 1000):
            days.setdefault(day, [0] * 24)[hour] += active_s
    table = heatmap((day, packed(hours)) for day, hours in days.items())
    assert sum(map(sum, table)) == sum(length // 1000 for _, length in sittings)
    for weekday in range(7):
        same = [hours for day, hours in days.items() if date.fromordinal(day).weekday() == weekday]
        assert table[weekday] == [sum(column) for column in zip(*same, strict=True)] or (
            not same and not any(table[weekday])
        )


@given(st.lists(st.lists(st.sampled_from([0, 1, 3600, 65_536, 4_000_000_000]), min_size=24, max_size=24), max_size=40))
def test_the_heat_map_never_overflows(many: list[list[int]]) -> None:
    """Adding whole rows at once is exact, also with numbers that nobody can read in an hour."""
    monday = d("2026-11-16")
    table = heatmap((monday, packed(hours)) for hours in many)
    assert table[0] == [sum(column) for column in zip(*many, strict=True)] if many else not any(map(sum, table))


@given(MANY_DAYS, DAYS, DAYS)
def test_days_of_a_span(days: Days, one: int, other: int) -> None:
    """A part of the days is exactly those inside, with their own sums."""
    span = Span(min(one, other), max(one, other))
    inside = [day for day in days if span.first <= day.day <= span.last]
    part = days.between(span)
    assert list(part) == inside
    assert totals(part) == totals(Days(inside))
    assert bars(part, "month") == bars(Days(inside), "month")
    assert [part[i] for i in range(len(part))] == inside


def test_pace_does_not_mind_a_forgotten_book() -> None:
    """The middle holds against an outlier, and too little gives no pace."""
    steady = [(1800, 30.0)] * 9
    forgotten = pace([*steady, (7000, 1.0)])
    assert forgotten is not None
    assert (forgotten.middle, forgotten.high) == (1.0, 1.0)
    assert pace(steady).middle == 1.0  # type: ignore[union-attr]
    assert pace([(1800, 30.0)] * 2) is None
    assert pace([(30, 30.0)] * 20) is None
    of_words = words(pace(steady), 75_000, 300)
    assert of_words is not None
    assert of_words.middle == 250
    assert words(None, 75_000, 300) is None


def test_an_open_book_is_suspected() -> None:
    """Rule 15: a sitting of six hours, or of eleven minutes a page, is marked for its owner to judge."""
    assert suspicious(8 * 3600, 300)
    assert suspicious(6600, 10)
    assert not suspicious(3600, 60)
    assert not suspicious(7, 0)


def test_an_estimate_has_a_range_or_is_none() -> None:
    """Never a made-up number: three sittings and a twentieth of the book are needed."""
    assert estimates.remaining(0.5, [(3600, 0.1)] * 2) is None
    assert estimates.remaining(0.5, [(3600, 0.01)] * 4) is None
    steady = estimates.remaining(0.5, [(3600, 0.1)] * 5)
    assert steady is not None
    assert (steady.low_s, steady.remaining_s, steady.high_s) == (18_000, 18_000, 18_000)
    mixed = estimates.remaining(0.5, [(3600, 0.1), (3600, 0.05), (3600, 0.2), (3600, 0.1)])
    assert mixed is not None
    assert mixed.low_s < mixed.remaining_s <= mixed.high_s


def test_every_active_day_counts() -> None:
    """Rule 52: the first day is not dropped; two days of an hour and five hours to go are five days."""
    estimate = estimates.until(estimates.Estimate(18_000, 18_000, 18_000), [3600, 3600])
    assert estimate is not None
    assert (estimate.low_days, estimate.days, estimate.high_days) == (5, 5, 5)
    assert estimates.until(estimate._replace(days=None), [0, 0]).days is None  # type: ignore[union-attr]


def test_the_pile_and_a_series() -> None:
    """What finished books took says what unread ones take; fewer than three say nothing."""
    assert estimates.pile(4, [3600, 7200]) is None
    whole = estimates.pile(4, [3600, 7200, 7200, 10_800])
    assert whole is not None
    assert whole.remaining_s == 28_800
    assert estimates.together([whole, None]) is None
    assert estimates.together([whole, whole]).remaining_s == 57_600  # type: ignore[union-attr]


def test_time_left_in_the_chapter() -> None:
    """From here to the next chapter's beginning, at one's own speed."""
    assert estimates.time_left(0.25, [0.0, 0.2, 0.5], 10_000) == 2500
    assert estimates.time_left(0.75, [0.0, 0.2, 0.5], 10_000) == 2500
    assert estimates.time_left(0.75, [0.0], None) is None


def test_finished_when_it_was_finished() -> None:
    """S1: the date of finishing is the date of finishing; a re-read is one more, a slip of the finger none."""
    day = 24 * HOUR
    assert finishes([Said(day, "complete")], day) == [day]
    assert finishes([], 5 * day) == [5 * day]
    again = [Said(day, "complete"), Said(9 * day, "new"), Said(20 * day, "complete")]
    assert finishes(again, 20 * day) == [day, 20 * day]
    assert finishes(again[:2], None) == [day]
    assert finishes([Said(day, "complete"), Said(day + 60_000, "reading")], None) == []
    assert finishes(again, None) == [day]


@given(st.lists(st.builds(Said, st.integers(0, 10**12), st.sampled_from(["complete", "reading", "new"])), max_size=9))
def test_finishes_do_not_depend_on_order(said: list[Said]) -> None:
    """Whatever arrives first, the readings are the same."""
    assert finishes(said, None) == finishes(list(reversed(said)), None)


def test_goals_count_reading_days() -> None:
    """Minutes, pages and books in the calendar's own periods, and where an even pace would be."""
    days = {d("2026-11-16"): (3600, 40), d("2026-11-22"): (1800, 20), d("2026-11-15"): (9999, 99)}
    week = goals.progress(goals.Goal(1, "minutes", "week", 180), d("2026-11-22"), days, [])
    assert (week.done, week.reached, week.expected) == (90, False, 180)
    month = goals.progress(
        goals.Goal(1, "books", "month", 2), d("2026-11-15"), days, [d("2026-11-01"), d("2026-10-31")]
    )
    assert (month.done, month.expected) == (1, 1)
    for wrong in (("hours", "day", 1), ("pages", "decade", 1), ("pages", "day", 0)):
        with pytest.raises(Invalid):
            goals.check(*wrong)


def test_records() -> None:
    """The best day, week and month; none without reading."""
    days = Days(
        [Day(d("2026-01-05"), 3600, 10, 1), Day(d("2026-01-06"), 1800, 90, 2), Day(d("2026-02-20"), 4000, 3, 1)]
    )
    best = records(days, bars(days, "week"), bars(days, "month"))
    assert best.day == days[2]
    assert best.pages == days[1]
    assert best.week is not None
    assert best.week.active_s == 5400
    assert best.month is not None
    assert best.month.label == "2026-01"
    assert records(Days(), [], []) == (None, None, None, None)
    assert change(150, 100) == 0.5
    assert change(150, 0) is None
