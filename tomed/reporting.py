"""The use case of reading statistics: a user's report over a span, the sittings it rests on, and their corrections.

The derived tables are brought up to date before an answer, a little at a time through the writer; the
answer is made in a thread and kept until something changes. Nothing here runs on the event loop's time.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import apsw

from tomed.clock import Clock, now_ms
from tomed.errors import Invalid, NotFound
from tomed.files import File
from tomed.model import BookId, Session, User
from tomed.statistics import estimates, goals, pace, periods, streaks
from tomed.statistics.days import Calendar, Stay, zone
from tomed.statistics.estimates import Estimate
from tomed.statistics.heatmap import heatmap
from tomed.statistics.periods import Span
from tomed.statistics.streaks import Streak
from tomed.statistics.totals import Bar, Days, Records, Totals, bars, records, totals, years
from tomed.store import events, statistics, statistics_derived, statistics_rows
from tomed.store.db import Store
from tomed.store.statistics import Finish, Group, Listed, SeriesProgress, SittingQuery, WorkTotal
from tomed.wordcount import words_of

T = TypeVar("T")

log = logging.getLogger(__name__)

FindFile = Callable[[BookId], Awaitable[File | None]]
"""Finds a book's EPUB, None when it has none."""

KEPT = 64
"""Answers kept, of all users together."""

COUNT_EVERY_MS = 600_000

QUIET_S = 5.0
"""A device sends its history in many calls; the tables follow when none has come for so long."""

SITTING_MAX_MS = 24 * 3_600_000
"""No sitting entered by hand is longer."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. Without ``first`` and ``last`` (reading days, both included) it is all time."""

    first: int | None = None
    last: int | None = None
    group: str = ""
    """A period, or one of ``statistics.GROUPS``; empty for none."""
    full: bool = False
    """Everything: all books and all finished ones, series and the pile."""
    series: bool = False
    """With series and the pile of the unread."""


@dataclass(frozen=True, slots=True)
class OpenBook:
    """A book that is being read. Without an ``estimate`` there is not enough data."""

    book_uuid: str
    title: str
    fraction: float
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class Pile:
    """The unread books of a kind."""

    kind: str
    books: int
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """A series that was begun, and how long the rest of it may take."""

    progress: SeriesProgress
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class KindPace:
    """Pages and words a minute for one kind of book."""

    kind: str
    pages: pace.Pace | None
    words: pace.Pace | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything the statistics show of one span. Days are ordinals of ``datetime.date``."""

    span: Span | None
    """What was asked for; None for all time."""
    shown: Span
    """From the first to the last day of the charts."""
    today: int
    time_zone: str
    day_start_minute: int
    week_start: int
    totals: Totals
    previous: Totals | None
    previous_span: Span | None
    days: Days
    bars: dict[str, list[Bar]]
    heatmap: list[list[int]]
    current_streak: Streak
    longest_streak: Streak
    records: Records
    longest_sitting: Listed | None
    goals: list[goals.Progress]
    paces: list[KindPace]
    books: list[WorkTotal]
    book_count: int
    finished: list[Finish]
    open: list[OpenBook]
    group: str = ""
    groups: list[Group] = field(default_factory=list)
    series: list[SeriesReport] = field(default_factory=list)
    pile: list[Pile] = field(default_factory=list)


_REPORTERS: WeakKeyDictionary[Store, Reporting] = WeakKeyDictionary()


def of(store: Store, clock: Clock = now_ms) -> Reporting:
    """The one ``Reporting`` of a store: its kept answers are shared by pages and API."""
    found = _REPORTERS.get(store)
    if found is None or found.clock is not clock:
        found = _REPORTERS[store] = Reporting(store, clock)
    return found


class Reporting:
    """Answers about one store's reading. One object a daemon."""

    def __init__(self, store: Store, clock: Clock = now_ms) -> None:
        self._store = store
        self.clock = clock
        self._locks: dict[int, asyncio.Lock] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._refreshing: set[asyncio.Task[None]] = set()
        self._counting: asyncio.Task[None] | None = None
        self._counted_at = 0
        self._kept: OrderedDict[tuple[Any, ...], tuple[tuple[Any, ...], Any]] = OrderedDict()

    async def report(self, user: User, query: Query = Query()) -> Report:
        """The report of a user. What a query asks for in vain (a group that does not exist) raises Invalid."""
        return await self.keep(user, ("report", query), lambda c, today: make(c, user, query, today))

    async def keep(self, user: User, key: tuple[Any, ...], work: Callable[[apsw.Connection, int], T]) -> T:
        """An answer made by ``work(connection, today)`` in a thread, and kept until something it rests on changes."""
        await self.refresh(user.id)

        def known(connection: apsw.Connection) -> tuple[tuple[Any, ...], int]:
            days = statistics_derived.calendar_of(connection, user.id)
            today = days.day(self.clock())
            return (*statistics.stamp(connection, user.id), today), today

        stamp, today = self._store.read(known)
        held = self._kept.get((user.id, *key))
        if held is not None and held[0] == stamp:
            self._kept.move_to_end((user.id, *key))
            return held[1]  # type: ignore[no-any-return]
        answer = await self._store.query(lambda connection: work(connection, today))
        self._kept[(user.id, *key)] = (stamp, answer)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return answer

    async def refresh(self, user_id: int) -> None:
        """Bring the derived tables of a user up to date as of now; other writers get their turn in between.

        Once through the works in order: what devices tell meanwhile is left to the next answer, or a device that
        never stops would let this one wait for ever.
        """
        if not self._store.read(lambda c: statistics_derived.is_stale(c, user_id)):
            return
        async with self._locks.setdefault(user_id, asyncio.Lock()):
            after: int | None = None
            while made := await self._store.query(
                functools.partial(statistics_derived.renew, user_id=user_id, after=after)
            ):
                await self._store.write_long(functools.partial(statistics_derived.apply, renewal=made))
                after = made.seen[-1][0]

    def refresh_soon(self, user_id: int) -> None:
        """``refresh`` in the background, once it is quiet, so that the next page need not wait for it."""
        if user_id in self._timers:
            self._timers[user_id].cancel()
        self._timers[user_id] = asyncio.get_running_loop().call_later(QUIET_S, self._begin_refresh, user_id)

    def _begin_refresh(self, user_id: int) -> None:
        del self._timers[user_id]
        task = asyncio.get_running_loop().create_task(self._refresh_quietly(user_id))
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)

    async def _refresh_quietly(self, user_id: int) -> None:
        try:
            await self.refresh(user_id)
        except Exception:  # the next answer does it; the store may be closing
            log.debug("statistics not refreshed", exc_info=True)

    def count_words_soon(self, find_file: FindFile) -> None:
        """Count words of books lately read, in the background: now and then, not at every look."""
        if self._counting is None or (self._counting.done() and self.clock() - self._counted_at > COUNT_EVERY_MS):
            self._counted_at = self.clock()
            self._counting = asyncio.get_running_loop().create_task(self._count_quietly(find_file))

    async def _count_quietly(self, find_file: FindFile) -> None:
        try:
            await self.count_words(find_file)
        except Exception:  # the pace in words is a nicety; the store may be closing
            log.debug("words not counted", exc_info=True)

    async def count_words(self, find_file: FindFile, limit: int = 20) -> None:
        """Count the words of books lately read that were not counted yet; ``find_file`` names a book's EPUB."""
        for book_id in await self._store.query(lambda c: statistics.uncounted(c, limit)):
            file = await find_file(BookId(book_id))
            words = await asyncio.to_thread(words_of, file.path) if file is not None else None
            await self._store.write(functools.partial(statistics_rows.set_words, book_id=book_id, words=words or 0))

    async def ask(self, user: User, work: Callable[[apsw.Connection], T]) -> T:
        """Run a query of ``store/statistics.py`` over tables that are up to date."""
        await self.refresh(user.id)
        return await self._store.query(work)

    async def sittings(self, user: User, query: SittingQuery) -> tuple[list[Listed], int]:
        """A page of one's own sittings, the newest first, and how many there are."""
        return await self.ask(user, lambda c: statistics.sittings(c, user.id, query))

    async def sitting(self, user: User, key: str) -> Listed:
        """One's own sitting. Raises NotFound."""
        return await self.ask(user, lambda c: statistics.sitting(c, user.id, key))

    async def calendar(self, user: User) -> Calendar:
        """The reading days of a user."""
        return self._store.read(lambda c: statistics_derived.calendar_of(c, user.id))

    async def correct(self, user: User, key: str, wanted: Sat | None) -> None:
        """Say that a sitting was another one, or with None that there was none. It holds when it is told again."""
        if wanted is not None:
            check(wanted, self.clock())
        await self.refresh(user.id)
        now = self.clock()

        def work(connection: apsw.Connection) -> None:
            correct(connection, user.id, statistics.sitting(connection, user.id, key), wanted, now)

        await self._store.write(work)
        await self.refresh(user.id)

    async def add(self, user: User, book_id: BookId, sat: Sat) -> int:
        """Enter a sitting by hand; the new session's id."""
        now = self.clock()
        check(sat, now)
        origin = events.Origin(user.id, f"manual:{uuid.uuid4()}", now, book_id)
        session = Session(0, sat.started_at, sat.ended_at, sat.active_s, sat.pages, None, None)
        return await self._store.write(lambda c: events.add_session(c, origin, session, source="manual"))

    async def set_goal(self, user: User, measure: str, period: str, target: int) -> None:
        """Set a goal; 0 gives it up."""
        if target == 0:
            goals.check(measure, period, 1)
            kept = self._store.read(lambda c: statistics_rows.goals(c, user.id))
            for goal in kept:
                if (goal.measure, goal.period) == (measure, period):
                    await self._store.write(functools.partial(_give_up, user_id=user.id, goal_id=goal.id))
            return
        goals.check(measure, period, target)
        await self._store.write(lambda c: statistics_rows.set_goal(c, user.id, measure, period, target, self.clock()))

    async def add_stay(self, user: User, stay: Stay) -> None:
        """Note a time in another zone: the reading of that time is counted by the clock there."""
        zone(stay.time_zone)
        if not stay.from_at < stay.to_at:
            raise Invalid("A stay ends after it began.")
        await self._store.write(lambda c: statistics_rows.add_stay(c, user.id, stay))

    async def remove_stay(self, user: User, stay_id: int) -> None:
        """Forget a time in another zone."""
        await self._store.write(lambda c: statistics_rows.remove_stay(c, user.id, stay_id))


def _give_up(connection: apsw.Connection, user_id: int, goal_id: int) -> None:
    statistics_rows.remove_goal(connection, user_id, goal_id)


@dataclass(frozen=True, slots=True)
class Sat:
    """A sitting as a person says it was. Times in ms."""

    started_at: int
    ended_at: int
    active_s: int
    pages: int = 0


def check(sat: Sat, now: int) -> None:
    """Raises Invalid for a sitting that can't have been."""
    length = sat.ended_at - sat.started_at
    if sat.started_at < 0 or sat.ended_at > now + 60_000:
        raise Invalid("A sitting lies between 1970 and now.")
    if not 0 < length <= SITTING_MAX_MS:
        raise Invalid("A sitting ends after it began, and within a day.")
    if not 0 < sat.active_s <= -(-length // 1000):
        raise Invalid("The reading time is more than nothing and at most the time from beginning to end.")
    if not 0 <= sat.pages <= 100_000:
        raise Invalid("The pages are a whole number from 0.")


def correct(connection: apsw.Connection, user_id: int, known: Listed, wanted: Sat | None, now: int) -> None:
    """Write a correction of one sitting. Its sessions are hidden or changed too, so that every list agrees."""
    said = (wanted.started_at, wanted.ended_at, wanted.active_s, wanted.pages) if wanted else None
    if known.key.startswith("c"):
        statistics_rows.change_correction(connection, user_id, int(known.key[1:]), said)
        return
    if known.source == "manual":
        if said:
            statistics_rows.change_session(connection, user_id, known.session_ids[0], said)
        else:
            statistics_rows.hide_sessions(connection, user_id, list(known.session_ids), now)
        return
    correction = statistics_rows.NewCorrection(
        user_id,
        known.work_id,
        known.document_id or None,
        known.device_id,
        known.source,
        known.started_at,
        known.ended_at,
        said,
    )
    statistics_rows.add_correction(connection, correction, now)
    if said is None:
        statistics_rows.hide_sessions(connection, user_id, list(known.session_ids), now)


def make(connection: apsw.Connection, user: User, query: Query, today: int) -> Report:
    """Put a report together from the derived tables. Walks one row a reading day, not one a sitting."""
    span = _span(query, today)
    everything = statistics.days(connection, user.id)
    inside = everything if span is None else everything.between(span)
    finishes = statistics.finish_days(connection, user.id)
    shown = span or Span(*((min(inside.on[0], today), max(today, inside.on[-1])) if inside else (today, today)))
    before = periods.previous(span) if span else None
    active = streaks.active_days(zip(everything.on, everything.active_s, strict=True))
    lately = everything.between(Span(today - 366, today))  # goals look back a year, estimates less
    by_day = dict(zip(lately.on, zip(lately.active_s, lately.pages, strict=True), strict=True))
    last_days = [by_day.get(day, (0, 0))[0] for day in range(today - estimates.WINDOW_DAYS + 1, today + 1)]
    week_start = user.week_start
    weeks, months = bars(inside, "week", shown, week_start), bars(inside, "month", shown)
    return Report(
        span=span,
        shown=shown,
        today=today,
        time_zone=user.time_zone,
        day_start_minute=user.day_start_minute,
        week_start=week_start,
        totals=totals(inside, _count(finishes, span)),
        previous=totals(everything.between(before), _count(finishes, before)) if before else None,
        previous_span=before,
        days=inside,
        bars={"week": weeks, "month": months, "year": years(months)},
        heatmap=heatmap(zip(inside.on, inside.hours, strict=True)),
        current_streak=streaks.current(active, today),
        longest_streak=streaks.longest(d for d in active if span is None or span.first <= d <= span.last),
        records=records(inside, weeks, months),
        longest_sitting=statistics.longest(connection, user.id, span),
        goals=[
            goals.progress(goal, today, by_day, finishes, week_start)
            for goal in statistics_rows.goals(connection, user.id)
        ],
        paces=_paces(connection, user.id),
        books=statistics.works(connection, user.id, span, 10_000 if query.full else 10),
        book_count=statistics.work_count(connection, user.id, span),
        finished=statistics.finished(connection, user.id, span, 10_000 if query.full or span else 10),
        open=_open(connection, user.id, today),
        group=query.group,
        groups=_groups(connection, user, query, span, inside, shown),
        series=_series(connection, user.id, last_days) if query.full or query.series else [],
        pile=_pile(connection, user.id, last_days) if query.full or query.series else [],
    )


def _span(query: Query, today: int) -> Span | None:
    if query.first is None and query.last is None:
        return None
    first = query.first if query.first is not None else min(1, query.last or 1)
    last = query.last if query.last is not None else max(today, first)
    if first > last:
        raise Invalid("from: lies after to.")
    if last - first > 400 * 366:
        raise Invalid("from and to: at most 400 years.")
    return Span(first, last)


def _count(days: list[int], span: Span | None) -> int:
    return len(days) if span is None else sum(1 for day in days if span.first <= day <= span.last)


def _paces(connection: apsw.Connection, user_id: int) -> list[KindPace]:
    found = []
    for kind, sittings in sorted(statistics.paces(connection, user_id).items()):
        worded = [(active_s, pages * words / unit) for active_s, pages, words, unit in sittings if words and unit]
        found.append(
            KindPace(kind, pace.pace((active_s, pages) for active_s, pages, _, _ in sittings), pace.pace(worded))
        )
    return found


def _estimate(book: statistics.Open, today: int) -> Estimate | None:
    first = min(book.days, default=None)
    daily = [] if first is None else [book.days.get(day, 0) for day in range(first, today + 1)]
    return estimates.until(estimates.remaining(book.fraction, book.sittings), daily)


def _open(connection: apsw.Connection, user_id: int, today: int) -> list[OpenBook]:
    since = today - estimates.WINDOW_DAYS + 1
    return [
        OpenBook(book.book_uuid, book.title, book.fraction, _estimate(book, today))
        for book in statistics.open_books(connection, user_id, since)
    ]


def _series(connection: apsw.Connection, user_id: int, last_days: list[int]) -> list[SeriesReport]:
    """Unread volumes take what finished books of one's own took; at least three must be finished anywhere."""
    took = [seconds for times in statistics.finished_times(connection, user_id).values() for seconds in times]
    return [
        SeriesReport(progress, estimates.pile(progress.books - progress.finished, took, last_days))
        for progress in statistics.series_progress(connection, user_id)
    ]


def _pile(connection: apsw.Connection, user_id: int, last_days: list[int]) -> list[Pile]:
    took = statistics.finished_times(connection, user_id)
    return [
        Pile(kind, books, estimates.pile(books, took.get(kind, []), last_days))
        for kind, books in sorted(statistics.unread(connection, user_id).items())
    ]


def _groups(
    connection: apsw.Connection, user: User, query: Query, span: Span | None, days: Days, shown: Span
) -> list[Group]:
    if not query.group:
        return []
    if query.group in periods.PERIODS:
        drawn = bars(days, query.group, shown if query.group != "day" else None, user.week_start)
        return [Group(bar.label, bar.label, bar.active_s, bar.pages, bar.sessions, bar.days) for bar in drawn]
    return statistics.groups(connection, user.id, query.group, span)


@dataclass(frozen=True, slots=True)
class BookReport:
    """One book's part, for the device and the book's own page. ``seconds_a_book`` is the pace for time left."""

    total: WorkTotal | None
    estimate: Estimate | None
    seconds_a_book: float | None
    finished_at: tuple[int, ...]


async def book_report(reporting: Reporting, user: User, book_id: BookId) -> BookReport:
    """What the statistics say of one book. Raises NotFound when nothing of it was read."""

    def work(connection: apsw.Connection) -> BookReport:
        today = statistics_derived.calendar_of(connection, user.id).day(reporting.clock())
        total = statistics.work_total(connection, user.id, book_id)
        found = statistics.open_books(connection, user.id, today - estimates.WINDOW_DAYS + 1, work_id=book_id)
        if total is None and not found:
            raise NotFound("Nothing of this book was read yet.")
        estimate = _estimate(found[0], today) if found else None
        whole = estimates.remaining(0.0, found[0].sittings) if found else None
        return BookReport(
            total,
            estimate,
            float(whole.remaining_s) if whole else None,
            tuple(statistics.finishes_of(connection, user.id, book_id)),
        )

    return await reporting.ask(user, work)
