"""Recording what devices tell, in a real store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tomed import reading
from tomed.errors import NoMatch, NotFound
from tomed.model import BookId, Clues, Locator, LocatorKind, Match, Status
from tomed.reading import PositionTold, Reporter, Result, SessionTold, StatusTold, record
from tomed.store import documents, events, readings, scales, users
from tomed.store.db import Store

NOW = 1_790_000_000_000
BOOK = BookId(1)
OTHER = BookId(2)


def by_title(connection: apsw.Connection, clues: Clues, *, user_id: int | None = None) -> Match:
    """Resolves by exact title only: enough to tell known files from unknown ones."""
    if clues.book_uuid:
        row = connection.execute("SELECT id FROM books WHERE uuid = ?", (clues.book_uuid,)).fetchone()
        rule = "book_uuid"
    else:
        row = connection.execute("SELECT id FROM books WHERE title = ?", (clues.title,)).fetchone()
        rule = "title"
    if row is None:
        raise NoMatch("nothing")
    return Match(BookId(row[0]), rule)


@pytest.fixture
def store(tmp_path: Path):
    opened = Store.open(tmp_path / "tomed.db")
    opened.write_now(_shelve)
    yield opened
    opened.close()


def _shelve(connection: apsw.Connection) -> None:
    for name in ("ann", "bob"):
        users.create(connection, name, None, now=1)
    for number, title in ((BOOK, "Dracula"), (OTHER, "Emma")):
        connection.execute(
            "INSERT INTO books (id, uuid, title, sort, seen_at) VALUES (?, ?, ?, ?, 1)",
            (number, f"uuid-{number}", title, title),
        )


KNOWN = Clues(title="Dracula", filename="dracula.epub")
UNKNOWN = Clues(title="Not here", filename="x.epub")


def position(event_id: str, at: int, fraction: float, clues: Clues = KNOWN, **more: object) -> PositionTold:
    return PositionTold(id=event_id, at=at, clues=clues, fraction=fraction, **more)  # type: ignore[arg-type]


def tell(store: Store, *batch: object, user: int = 1, offset: int = 0) -> list[Result]:
    return store.write_now(lambda c: record(c, by_title, Reporter(user, None, offset), batch, NOW))  # type: ignore[arg-type]


def where(store: Store, book: BookId = BOOK, user: int = 1) -> readings.Reading:
    return store.read(lambda c: readings.find(c, user, book))


def test_the_same_event_twice_is_a_duplicate_for_each_user_alone(store: Store):
    """A queue may be sent again after a lost answer; another user's id is another event."""
    assert [r.result for r in tell(store, position("a", NOW, 0.3))] == ["accepted"]
    assert [r.result for r in tell(store, position("a", NOW, 0.9))] == ["duplicate"]
    assert where(store).fraction == 0.3
    assert [r.result for r in tell(store, position("a", NOW, 0.7), user=2)] == ["accepted"]
    assert where(store).fraction == 0.3


def test_an_event_of_an_unknown_file_waits_and_moves_in(store: Store):
    """Reading a file that nobody can place is kept; when it is placed the history is there at once."""
    sitting = SessionTold(
        id="s", at=NOW, clues=UNKNOWN, started_at=NOW - 600_000, ended_at=NOW, active_s=500, end_fraction=0.5
    )
    assert [r.result for r in tell(store, position("p", NOW - 1, 0.49, UNKNOWN), sitting)] == ["accepted"] * 2
    assert where(store).status is Status.NEW
    waiting = store.read(documents.waiting)
    assert [document.clues.filename for document in waiting] == ["x.epub"]

    store.write_now(lambda c: reading.place(c, waiting[0].id, BOOK, "link", NOW))
    assert (where(store).status, where(store).fraction) == (Status.READING, 0.5)
    listed = store.read(lambda c: events.sessions(c, events.SessionQuery(1, BOOK)))
    assert [session.active_s for session in listed.items] == [500]

    store.write_now(lambda c: reading.displace(c, waiting[0].id, NOW))
    assert where(store).status is Status.NEW
    assert store.read(lambda c: events.sessions(c, events.SessionQuery(1))).total == 1


def test_a_waiting_file_finds_its_book_when_the_library_gets_it(store: Store):
    """A book that is added to Calibre later takes in what was read before."""
    tell(store, position("p", NOW, 0.2, UNKNOWN))
    store.write_now(
        lambda c: (
            c.execute("INSERT INTO books (id, uuid, title, sort, seen_at) VALUES (3, 'u3', 'Not here', '', 1)") and None
        )
    )
    (found,) = store.read(lambda c: reading.find_waiting(c, by_title))
    assert store.write_now(lambda c: reading.place_if_certain(c, by_title, found, NOW))
    assert store.read(lambda c: reading.find_waiting(c, by_title)) == []
    assert where(store, BookId(3)).fraction == 0.2


def test_one_bad_event_spoils_no_other(store: Store):
    """The batch answers per event, in its order."""
    results = tell(
        store,
        position("good", NOW, 0.3),
        Result("bad", "rejected", "fraction: …"),
        position("future", NOW + 3 * 24 * 3600 * 1000, 0.3),
        position("nothing", NOW, 0.3, Clues()),
        position("last", NOW, 0.4),
    )
    assert [r.result for r in results] == ["accepted", "rejected", "rejected", "rejected", "accepted"]
    assert all(r.reason for r in results if r.result == "rejected")


def test_a_wrong_clock_is_corrected_and_the_raw_time_kept(store: Store):
    """A device that lives in 2001 tells true intervals: its offset puts them right."""
    offset = reading.clock_offset(1_000_000_000_000, NOW)
    tell(store, position("a", 1_000_000_000_000 - 60_000, 0.3), offset=offset)
    assert where(store).position.at == NOW - 60_000
    assert store.read(lambda c: c.execute("SELECT client_at FROM positions").get) == 1_000_000_000_000 - 60_000


def test_a_clock_that_was_set_since_is_corrected_by_that_too(store: Store):
    """Noted two hours behind, sent by a clock that is a minute behind: both are added, and the raw time stays."""
    hours = 2 * 3600 * 1000
    sitting = SessionTold(
        id="s",
        at=NOW - hours - 60_000,
        clues=KNOWN,
        started_at=NOW - hours - 120_000,
        ended_at=NOW - hours - 60_000,
        active_s=60,
        end_fraction=0.5,
        clock_set_ms=hours,
    )
    early = position("p", NOW - hours - 300_000, 0.3, clock_set_ms=hours)
    future = position("far", NOW, 0.3, clock_set_ms=40 * hours)
    assert [r.result for r in tell(store, sitting, early, future, offset=60_000)] == [
        "accepted",
        "accepted",
        "rejected",
    ]
    row = store.read(lambda c: c.execute("SELECT started_at, ended_at, client_offset_ms FROM sessions").get)
    assert row == (NOW - 60_000, NOW, hours + 60_000)
    log = store.read(lambda c: c.execute("SELECT at, client_at FROM positions ORDER BY at").get)
    assert log == [(NOW - 240_000, NOW - hours - 300_000), (NOW, NOW - hours - 60_000)]


def test_a_small_difference_is_the_network(store: Store):
    """A second or two between the clocks is the way through the network, not a wrong clock."""
    assert reading.clock_offset(NOW - 3000, NOW) == 0
    assert reading.clock_offset(None, NOW) == 0


def test_a_session_moves_position_and_status(store: Store):
    """A lost position update costs nothing: the sitting's end says the same."""
    sitting = SessionTold(
        id="s",
        at=NOW,
        clues=KNOWN,
        started_at=NOW - 9,
        ended_at=NOW,
        active_s=0,
        start_fraction=0.9,
        end_fraction=0.992,
    )
    tell(store, sitting)
    found = where(store)
    assert found.position is not None
    assert (found.status, found.fraction, found.finished_at) == (Status.COMPLETE, 1.0, NOW)
    assert found.position.fraction == 0.992


def test_complete_stays_until_a_person_says_otherwise(store: Store):
    """Opening a finished book again does not un-finish it; "start again" does, and forgets the place."""
    tell(store, position("end", NOW - 50, 1.0), position("again", NOW - 40, 0.1))
    assert (where(store).status, where(store).fraction) == (Status.COMPLETE, 0.1)
    tell(store, StatusTold(id="v", at=NOW - 30, clues=KNOWN, status=Status.NEW))
    assert (where(store).status, where(store).position) == (Status.NEW, None)
    tell(store, position("late", NOW - 45, 0.8))
    assert where(store).position is None
    tell(store, position("fresh", NOW - 20, 0.05))
    assert (where(store).status, where(store).fraction) == (Status.READING, 0.05)


def test_a_rating_is_kept_and_cleared(store: Store):
    """The latest rating counts; 0 clears it."""
    tell(
        store,
        StatusTold(id="a", at=NOW - 3, clues=KNOWN, rating=8),
        StatusTold(id="b", at=NOW - 5, clues=KNOWN, rating=2),
    )
    assert where(store).rating == 8
    tell(store, StatusTold(id="c", at=NOW - 1, clues=KNOWN, rating=0))
    assert where(store).rating is None


def test_a_lost_place_comes_back(store: Store):
    """Any entry of one's own log can be restored, and nobody else's."""
    place = Locator(LocatorKind.CFI, "epubcfi(/6/4!/4/2/1:3)")
    tell(store, position("good", NOW - 10, 0.4, locator=place, text="words"), position("jump", NOW - 5, 0.9))
    log = store.read(lambda c: events.position_log(c, 1, BOOK))
    wanted = next(row for row, entry in log if entry.event_id == "good")
    with pytest.raises(NotFound):
        store.write_now(lambda c: reading.restore(c, 2, wanted, "r1", NOW))
    store.write_now(lambda c: reading.restore(c, 1, wanted, "r2", NOW))
    assert (where(store).fraction, where(store).position.locator) == (0.4, place)


def test_history_moves_to_another_book(store: Store):
    """A book merged in Calibre, or deleted and added again: the person says so, and the history follows."""
    tell(store, position("a", NOW, 0.6))
    tell(store, position("b", NOW, 0.7), user=2)
    store.write_now(lambda c: reading.move_history(c, 1, BOOK, OTHER, NOW))
    assert (where(store).status, where(store, OTHER).fraction) == (Status.NEW, 0.6)
    assert where(store, user=2).fraction == 0.7
    tell(store, position("c", NOW + 1, 0.8))
    assert where(store, OTHER).fraction == 0.8


EVENTS = st.lists(
    st.one_of(
        st.builds(
            lambda n, at, f: position(f"p{n}", NOW - at, f), st.integers(0, 99), st.integers(0, 30), st.floats(0, 1)
        ),
        st.builds(
            lambda n, at, status: StatusTold(id=f"v{n}", at=NOW - at, clues=KNOWN, status=status),
            st.integers(0, 99),
            st.integers(31, 60),
            st.sampled_from(Status),
        ),
    ),
    max_size=8,
    unique_by=(lambda e: e.id, lambda e: e.at),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(EVENTS.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_two_users_who_told_the_same_in_another_order_stand_at_the_same_place(store: Store, orders):
    """The stored rule, with its indexed shortcuts, is the pure rule: order of arrival does not matter."""
    told, shuffled = orders
    store.write_now(lambda c: [users.delete(c, user.id) for user in users.everyone(c)] and None)
    one, two = (store.write_now(lambda c, n=n: users.create(c, n, None, now=1)) for n in ("one", "two"))
    for event in told:
        tell(store, event, user=one)
    tell(store, *shuffled, user=two)
    first, second = where(store, user=one), where(store, user=two)
    assert replace(first, position=None) == replace(second, position=None)
    assert first.position == second.position


PLACES = st.lists(
    st.one_of(
        st.builds(
            lambda n, at, f, located: position(
                f"p{n}", NOW - at, f, locator=Locator(LocatorKind.CFI, f"/{n}") if located else None
            ),
            st.integers(0, 99),
            st.integers(0, 12),
            st.sampled_from((0.2, 0.5, 0.98, 0.99, 1.0)),
            st.booleans(),
        ),
        st.builds(
            lambda n, at, status: StatusTold(id=f"v{n}", at=NOW - at, clues=KNOWN, status=status),
            st.integers(0, 99),
            st.integers(0, 12),
            st.sampled_from(Status),
        ),
    ),
    min_size=2,
    max_size=9,
    unique_by=lambda e: e.id,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(PLACES, st.integers(1, 4))
def test_the_shortcut_of_a_page_turn_says_what_the_whole_log_says(store: Store, told, size: int):
    """However events arrive, singly or in batches, the kept row and each answer are those made anew from the logs."""
    store.write_now(lambda c: [users.delete(c, user.id) for user in users.everyone(c)] and None)
    user = store.write_now(lambda c: users.create(c, "one", None, now=1))

    def row(connection: apsw.Connection) -> object:
        columns = "status, fraction, position_id, rating, started_at, finished_at"
        return connection.execute(f"SELECT {columns} FROM readings WHERE user_id = ?", (user,)).fetchone()

    for start in range(0, len(told), size):
        some = told[start : start + size]

        def work(connection: apsw.Connection, some=some) -> None:
            if len(some) == 1 and isinstance(some[0], PositionTold):
                answer = reading.record_position(connection, by_title, Reporter(user), some[0], BOOK, NOW)
                assert answer == readings.find(connection, user, BOOK)
            else:
                record(connection, by_title, Reporter(user), some, NOW)
            kept = row(connection)
            readings.refresh(connection, user, BOOK, NOW)
            assert kept == row(connection)

        store.write_now(work)


def steps(store: Store, work) -> int:
    """Hundreds of steps that SQLite takes for ``work``: what it costs, on any machine."""
    taken = 0

    def count() -> bool:
        nonlocal taken
        taken += 1
        return False

    def counted(connection: apsw.Connection) -> None:
        connection.set_progress_handler(count, 100)
        try:
            work(connection)
        finally:
            connection.set_progress_handler(None)

    store.read(counted)
    return taken


def test_a_long_log_without_locators_costs_no_more_than_a_short_one(store: Store):
    """A client that never tells a locator: neither where one is, nor what waits to be measured, reads all of it."""
    asked = [
        lambda c: readings.find(c, 1, BOOK),
        lambda c: scales.unscaled(c, BOOK, 8),
    ]
    tell(store, *(position(f"a{n}", 1000 + n, 0.3) for n in range(200)))
    short = [steps(store, work) for work in asked]
    for batch in range(10):
        tell(store, *(position(f"b{batch}-{n}", 100_000 + batch * 500 + n, 0.3) for n in range(500)))
    long = [steps(store, work) for work in asked]
    assert all(after <= before * 2 + 5 for before, after in zip(short, long, strict=True)), (short, long)
