"""The reading day: which day and which hour of the clock an instant belongs to, for one person.

A reading day begins when the person's wall clock first shows the day start (4:00 by default) and
ends when the next one begins. "First shows" makes days follow one another whatever the clock
does: in autumn the repeated hour stays in the day that has begun, in spring a day start that is
skipped falls on the instant of the jump, and a flight is nothing but a larger jump.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tomed.errors import Invalid

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
QUARTER_MS = 900_000
"""Offsets from UTC are whole quarters of an hour, and clocks change at one: inside a quarter nothing changes."""

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_JUMP = 26 * HOUR_MS  # from one side of the date line to the other


class Stay(NamedTuple):
    """A time spent in another zone than at home: from ``from_at`` until ``to_at`` (ms)."""

    from_at: int
    to_at: int
    time_zone: str


class Cell(NamedTuple):
    """A stretch of time inside one hour of the clock of one reading day."""

    day: int
    hour: int
    start: int
    end: int


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name.

    Raises:
        Invalid: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError) as err:  # ZoneInfoNotFoundError is a KeyError or an OSError, as the name has it
        raise Invalid(f"{name!r} is no time zone. Use a name like Europe/Berlin.") from err
    except KeyError as err:
        raise Invalid(f"{name!r} is no time zone. Use a name like Europe/Berlin.") from err


class Calendar:
    """One person's clock and day start; answers are cached, so keep it for many questions."""

    def __init__(self, time_zone: str = "UTC", day_start_minute: int = 240, stays: Iterable[Stay] = ()) -> None:
        self.time_zone = time_zone
        self.day_start_minute = day_start_minute
        self.stays = tuple(sorted(stays))
        self._home = zone(time_zone)
        self._away = [
            (s.from_at // QUARTER_MS * QUARTER_MS, s.to_at // QUARTER_MS * QUARTER_MS, zone(s.time_zone))
            for s in self.stays
        ]
        self._start = day_start_minute * 60_000
        self._quarters: dict[int, tuple[Cell, ...]] = {}
        self._offsets: dict[int, int] = {}
        self._blocks: dict[int, int | None] = {}

    def cells_of(self, start: int, end: int) -> Iterator[Cell]:
        """Cut ``start``..``end`` (ms) at day borders and at quarters of an hour. An empty stretch is one empty cell."""
        if end <= start:
            day, hour = self.place(start)
            yield Cell(day, hour, start, start)
            return
        for quarter in range(start // QUARTER_MS, (end - 1) // QUARTER_MS + 1):
            for cell in self.quarter(quarter):
                low, high = max(start, cell.start), min(end, cell.end)
                if low < high:
                    yield Cell(cell.day, cell.hour, low, high)

    def place(self, at: int) -> tuple[int, int]:
        """The reading day and the hour on the clock (0..23) of an instant."""
        cells = self._quarters.get(at // QUARTER_MS) or self.quarter(at // QUARTER_MS)
        for cell in cells:
            if at < cell.end:
                return cell.day, cell.hour
        return cells[-1].day, cells[-1].hour

    def day(self, at: int) -> int:
        """The reading day of an instant."""
        return self.place(at)[0]

    def begin(self, day: int) -> int:
        """The first instant (ms) of a reading day; its last is just before ``begin(day + 1)``."""
        middle = (day - _EPOCH_DAY) * DAY_MS + self._start
        low, high = middle - 2 * DAY_MS, middle + 2 * DAY_MS
        while low < high:
            probe = (low + high) // 2
            if self.day(probe) >= day:
                high = probe
            else:
                low = probe + 1
        return low

    def local(self, at: int) -> datetime:
        """The instant as the person's clock showed it, with its zone."""
        return (_EPOCH + timedelta(milliseconds=at)).astimezone(self._zone(at))

    def instant(self, wall: datetime) -> int:
        """The instant (ms) of a wall-clock time without zone, as typed into a form; the first if it is repeated."""
        guess = (wall.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
        there = self._zone(guess)
        return (wall.replace(tzinfo=there) - _EPOCH) // timedelta(milliseconds=1)

    def _zone(self, at: int) -> ZoneInfo:
        for begin, end, there in self._away:
            if begin <= at < end:
                return there
        return self._home

    def _offset(self, quarter: int) -> int:
        known = self._offsets.get(quarter)
        if known is None:
            known = self._offsets[quarter] = self._ask(quarter)
        return known

    def _ask(self, quarter: int) -> int:
        at = quarter * QUARTER_MS
        shift = datetime.fromtimestamp(at // 1000, self._zone(at)).utcoffset() or timedelta()
        return shift // timedelta(milliseconds=1)

    def _calm(self, quarter: int) -> int | None:
        """The offset of the six hours around a quarter, if nobody set the clock there or in the day before."""
        block = quarter // 24
        if block not in self._blocks:
            known = {self._offset(probe * 24) for probe in range(block - 5, block + 2)}
            self._blocks[block] = known.pop() if len(known) == 1 else None
        return self._blocks[block]

    def _shown(self, quarter: int) -> int:
        """The latest wall time the clock had shown before this quarter, in the day when it was set."""
        span = _LONGEST_JUMP // QUARTER_MS
        return max(q * QUARTER_MS + self._offset(q - 1) for q in range(quarter - span, quarter + 1)) - 1

    def quarter(self, quarter: int) -> tuple[Cell, ...]:
        """The cells of a quarter of an hour since 1970: one, or two around a day border."""
        known = self._quarters.get(quarter)
        if known is not None:
            return known
        begin, end = quarter * QUARTER_MS, (quarter + 1) * QUARTER_MS
        calm = self._calm(quarter)
        offset = self._offset(quarter) if calm is None else calm
        hour = (begin + offset) // HOUR_MS % 24
        wall = max(begin + offset, self._shown(quarter)) if calm is None else begin + offset
        day = (wall - self._start) // DAY_MS
        border = (day + 1) * DAY_MS + self._start - offset
        day += _EPOCH_DAY
        if border < end:
            cells: tuple[Cell, ...] = (Cell(day, hour, begin, border), Cell(day + 1, hour, border, end))
        else:
            cells = (Cell(day, hour, begin, end),)
        self._quarters[quarter] = cells
        return cells


@lru_cache(maxsize=32)
def calendar(time_zone: str, day_start_minute: int, stays: tuple[Stay, ...] = ()) -> Calendar:
    """The ``Calendar`` of these settings, shared by all who ask: its caches stay warm between questions."""
    return Calendar(time_zone, day_start_minute, stays)


def shares(start: int, end: int, cuts: Iterable[int], amount: int) -> list[int]:
    """Spread a whole ``amount`` evenly over ``start``..``end``; how much falls before each cut, one after the other.

    The last cut is ``end``, and the parts always sum to the amount: what is rounded off one is in the next.
    """
    length = end - start
    given, parts = 0, []
    for cut in cuts:
        due = amount if length <= 0 or cut >= end else amount * (cut - start) // length
        parts.append(due - given)
        given = due
    return parts


def split(calendar: Calendar, start: int, end: int, *amounts: int) -> list[tuple[int, int, tuple[int, ...]]]:
    """Spread amounts over the (day, hour) that ``start``..``end`` touches; each sums to what it was."""
    if start // QUARTER_MS == (end - 1) // QUARTER_MS:  # a page turn, nearly always
        cells = list(calendar.quarter(start // QUARTER_MS))
        if len(cells) == 1:
            return [(cells[0].day, cells[0].hour, amounts)]
    cells = list(calendar.cells_of(start, end))
    if len(cells) == 1:
        return [(cells[0].day, cells[0].hour, amounts)]
    cuts = [cell.end for cell in cells]
    spread = [shares(start, end, cuts, amount) for amount in amounts]
    return [(cell.day, cell.hour, tuple(part[i] for part in spread)) for i, cell in enumerate(cells)]
