"""The reading day: parts sum to the whole in every zone, and days follow one another whatever clocks do."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tomed.errors import Invalid
from tomed.statistics.days import Calendar, Stay, calendar, shares, split

ZONES = sorted(zoneinfo.available_timezones() - {"localtime"})
MOMENTS = st.integers(946_684_800_000, 2_208_988_800_000)  # 2000 to 2040
LENGTHS = st.one_of(st.integers(0, 200_000), st.integers(0, 3 * 86_400_000))


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def day_of(text: str) -> int:
    return date.fromisoformat(text).toordinal()


@given(
    st.sampled_from(ZONES),
    st.integers(0, 1439),
    MOMENTS,
    LENGTHS,
    st.integers(0, 10**6),
    st.integers(0, 5000),
)
def test_parts_sum_to_the_whole(zone: str, day_start: int, start: int, length: int, active: int, pages: int) -> None:
    """However a stretch is cut at days and hours, time and pages stay what they were."""
    parts = split(calendar(zone, day_start), start, start + length, active, pages)
    assert sum(part[2][0] for part in parts) == active
    assert sum(part[2][1] for part in parts) == pages
    assert all(0 <= hour < 24 and min(amounts) >= 0 for _, hour, amounts in parts)
    days = [day for day, _, _ in parts]
    assert days == sorted(days)


@given(st.sampled_from(ZONES), st.integers(0, 1439), MOMENTS, st.integers(0, 3 * 86_400_000))
def test_later_is_never_an_earlier_day(zone: str, day_start: int, at: int, later: int) -> None:
    """Days are monotonic: setting a clock back does not lead back into the day before."""
    kept = calendar(zone, day_start)
    assert kept.day(at) <= kept.day(at + later)


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.integers(0, 1439), MOMENTS)
def test_a_day_begins_when_it_begins(zone: str, day_start: int, at: int) -> None:
    """``begin`` is the border: the instant before it belongs to an earlier day."""
    kept = calendar(zone, day_start)
    day = kept.day(at)
    begin = kept.begin(day)
    assert begin <= at < kept.begin(day + 1)
    assert kept.day(begin) == day
    assert kept.day(begin - 1) < day


@given(
    MOMENTS,
    st.integers(1, 10**7),
    st.lists(st.integers(1, 10**7), max_size=6),
    st.integers(0, 10**6),
)
def test_any_split_sums(start: int, length: int, cuts: list[int], amount: int) -> None:
    """Cutting anywhere loses nothing."""
    inner = sorted(start + cut for cut in cuts if cut < length)
    assert sum(shares(start, start + length, [*inner, start + length], amount)) == amount


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Australia/Adelaide", "Asia/Kolkata"])
@pytest.mark.parametrize("day_start", [0, 150, 240])
def test_a_year_with_both_changes(zone: str, day_start: int) -> None:
    """Every day of 2025 begins when the wall clock first shows its start, in zones north, south and of half hours."""
    kept = Calendar(zone, day_start)
    there = zoneinfo.ZoneInfo(zone)
    lengths = []
    for day in range(day_of("2025-01-01"), day_of("2026-01-01")):
        begin = kept.begin(day)
        wall = datetime.fromtimestamp(begin / 1000, there)
        due = datetime.combine(date.fromordinal(day), time(day_start // 60, day_start % 60))
        skipped = datetime.fromtimestamp(due.replace(tzinfo=there).astimezone(UTC).timestamp(), there)
        if skipped.replace(tzinfo=None) == due:
            assert wall.replace(tzinfo=None) == due
            assert wall.fold == 0
        else:  # the start falls into the hour that does not exist
            assert wall.hour == 3
            assert wall.minute == 0
        lengths.append((kept.begin(day + 1) - begin) / 3_600_000)
    assert sum(lengths) == 365 * 24
    assert sorted(set(lengths)) == ([24.0] if zone == "Asia/Kolkata" else _expected(day_start))


def _expected(day_start: int) -> list[float]:
    # A start at 2:30 is skipped in spring: the day before ends at the jump, and both are half an hour short.
    return [23.5, 24.0, 25.0] if day_start == 150 else [23.0, 24.0, 25.0]


def test_half_hours_are_half_hours() -> None:
    """S2: India is +5:30. 22:15 UTC is 3:45 there and still yesterday; 22:45 is today."""
    kept = calendar("Asia/Kolkata", 240)
    assert kept.place(ms("2025-06-10T22:15:00Z")) == (day_of("2025-06-10"), 3)
    assert kept.place(ms("2025-06-10T22:45:00Z")) == (day_of("2025-06-11"), 4)
    newfoundland = calendar("America/St_Johns", 240)
    assert newfoundland.place(ms("2025-01-10T07:15:00Z"))[0] == day_of("2025-01-09")
    assert newfoundland.place(ms("2025-01-10T07:45:00Z"))[0] == day_of("2025-01-10")


def test_winter_stays_winter() -> None:
    """S3: the offset is that of the moment read, not that of today."""
    kept = calendar("Europe/Berlin", 240)
    assert kept.place(ms("2025-01-10T02:30:00Z")) == (day_of("2025-01-09"), 3)
    assert kept.place(ms("2025-07-10T02:30:00Z")) == (day_of("2025-07-10"), 4)


def test_late_night_belongs_to_the_evening() -> None:
    """Rule 47: 1:30 at night is the day before, in every number that has days."""
    assert calendar("Europe/Berlin", 240).day(ms("2025-07-10T23:30:00Z")) == day_of("2025-07-10")


def test_a_sitting_over_the_border_is_split() -> None:
    """S7: half an hour before 4:00 and an hour after belong to two days and to their hours."""
    parts = split(calendar("UTC", 240), ms("2025-03-01T03:30:00Z"), ms("2025-03-01T05:00:00Z"), 5400)
    by_day: dict[int, int] = {}
    by_hour: dict[int, int] = {}
    for day, hour, (active_s,) in parts:
        by_day[day] = by_day.get(day, 0) + active_s
        by_hour[hour] = by_hour.get(hour, 0) + active_s
    assert by_day == {day_of("2025-02-28"): 1800, day_of("2025-03-01"): 3600}
    assert by_hour == {3: 1800, 4: 3600}


def test_travel_counts_by_the_clock_there() -> None:
    """An evening in Tokyo is an evening, and the flight home leads into no day twice."""
    stay = Stay(ms("2025-05-01T00:00:00Z"), ms("2025-05-08T00:00:00Z"), "Asia/Tokyo")
    kept = calendar("Europe/Berlin", 240, (stay,))
    assert kept.place(ms("2025-05-03T12:30:00Z"))[1] == 21
    assert kept.place(ms("2025-05-10T12:30:00Z"))[1] == 14
    days = [kept.day(ms("2025-05-07T18:00:00Z") + hour * 3_600_000) for hour in range(48)]
    assert days == sorted(days)


def test_a_day_that_never_was() -> None:
    """Samoa left out 30 December 2011: no instant is lost, and the days around follow one another."""
    kept = calendar("Pacific/Apia", 240)
    days = [kept.day(ms("2011-12-29T00:00:00Z") + hour * 3_600_000) for hour in range(96)]
    assert days == sorted(days)


def test_a_typed_time_is_the_wall_clock() -> None:
    """What is typed into a form is the person's own clock."""
    kept = calendar("Asia/Kolkata", 240)
    at = kept.instant(datetime(2025, 6, 11, 4, 15))  # noqa: DTZ001 - a form knows no zone
    assert at == ms("2025-06-10T22:45:00Z")
    assert kept.local(at).strftime("%H:%M") == "04:15"


@pytest.mark.parametrize("name", ["", "Nowhere/City", "../etc/passwd", "Europe"])
def test_an_unknown_zone_is_said(name: str) -> None:
    """A zone that does not exist is refused with a sentence."""
    with pytest.raises(Invalid):
        Calendar(name)
