"""The rules of positions, as properties of any log."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tomed.model import Locator, LocatorKind, PositionEntry, Precision, Scaled, Status
from tomed.positions import COMPLETE_FROM, SAME_PLACE, Verdict, canonical, current, standing

LOCATORS = st.sampled_from([None, Locator(LocatorKind.CFI, "epubcfi(/6/4!/4/2)"), Locator(LocatorKind.PAGE, "7")])
ENTRIES = st.builds(
    PositionEntry,
    event_id=st.uuids().map(str),
    at=st.integers(0, 50),
    fraction=st.sampled_from([0.0, 0.2, 0.2004, 0.5, 0.98, 0.99, 1.0]),
    locator=LOCATORS,
    device=st.sampled_from([None, "Kobo", "Browser"]),
    precision=st.just(Precision.EXACT),
    scaled=st.sampled_from(
        [None, Scaled(None, Precision.FRACTION), Scaled(0.2, Precision.EXACT), Scaled(0.97, Precision.FRACTION)]
    ),
)
LOGS = st.lists(ENTRIES, max_size=12, unique_by=lambda entry: entry.event_id)
VERDICTS = st.lists(
    st.builds(Verdict, at=st.integers(0, 50), status=st.sampled_from(Status)), max_size=3, unique_by=lambda v: v.at
)


@given(LOGS.flatmap(lambda log: st.tuples(st.just(log), st.permutations(log))), VERDICTS)
def test_order_of_arrival_does_not_matter(logs, verdicts):
    """A log is a set: whatever order its events came in, the place and the status are the same."""
    log, shuffled = logs
    assert current(log) == current(shuffled)
    assert standing(log, verdicts) == standing(shuffled, verdicts[::-1])


@given(LOGS, ENTRIES)
def test_a_stale_event_never_wins(log, late):
    """What was read earlier is history, however late it arrives."""
    head = current(log)
    if head is None or late.at >= head.at:
        return
    with_late = current([*log, late])
    assert with_late is not None
    assert (with_late.at, with_late.event_id, with_late.fraction) == (head.at, head.event_id, head.fraction)


@given(LOGS)
def test_a_replayed_event_changes_nothing(log):
    """The same events twice are the same log."""
    assert current(log) == current(log * 2)
    assert standing(log, []) == standing(log * 2, [])


@given(LOGS, ENTRIES)
def test_complete_is_sticky(log, more):
    """Nothing that is read later makes a finished book unfinished."""
    if standing(log, []).status is Status.COMPLETE:
        after = standing([*log, more], [])
        assert after.status is Status.COMPLETE
        assert after.finished_at <= standing(log, []).finished_at


@given(LOGS, st.integers(0, 50))
def test_a_person_has_the_last_word(log, at):
    """ "Start again" makes a finished book new, and everything read before it places nothing any more."""
    verdicts = [Verdict(at, Status.NEW)]
    before = [entry for entry in log if entry.at <= at]
    assert standing(before, verdicts).status is Status.NEW
    assert current(before, since=at) is None


def test_the_threshold_is_in_reach():
    """99 % is complete and just below is not: the last page of a device rarely ends at 1."""
    entry = PositionEntry("a", 1, COMPLETE_FROM)
    assert standing([entry], []).status is Status.COMPLETE
    assert standing([replace(entry, fraction=COMPLETE_FROM - 1e-9)], []).status is Status.READING


def test_a_session_never_makes_a_place_less_exact():
    """The end of a sitting has a fraction only; at the same place it borrows the locator told before."""
    told = PositionEntry("a", 10, 0.4, Locator(LocatorKind.XPOINTER, "/body/p"), "words", precision=Precision.EXACT)
    ended = PositionEntry("b", 20, 0.4 + SAME_PLACE / 2, source="session")
    head = current([told, ended])
    assert (head.event_id, head.locator, head.text, head.precision) == ("b", told.locator, "words", Precision.EXACT)
    elsewhere = replace(ended, fraction=0.6)
    assert current([told, elsewhere]).locator is None


def test_an_unfinished_book_can_be_finished_again():
    """After a person took "complete" back, reading to the end completes it once more, at the new time."""
    log = [PositionEntry("a", 10, 1.0), PositionEntry("b", 30, 0.995)]
    assert standing(log[:1], [Verdict(20, Status.READING)]).status is Status.READING
    after = standing(log, [Verdict(20, Status.READING)])
    assert (after.status, after.finished_at) == (Status.COMPLETE, 30)


@given(ENTRIES)
def test_the_end_of_one_reader_is_the_end_of_all(entry):
    """Whatever the text says: who is at the end is at 1, and who is not is where the place was measured, if it was."""
    if entry.fraction >= COMPLETE_FROM:
        assert canonical(entry) == 1.0
    elif entry.scaled is not None and entry.scaled.fraction is not None:
        assert canonical(entry) == entry.scaled.fraction
    else:
        assert canonical(entry) == entry.fraction


def test_a_sitting_borrows_a_locator_on_the_one_scale():
    """Two readers' figures for one page differ; measured they agree, and the sitting keeps the exact place."""
    here = Scaled(0.4, Precision.EXACT)
    cfi = Locator(LocatorKind.CFI, "epubcfi(/6/4!/4/2)")
    located = PositionEntry("a", 1, 0.6, cfi, device="Browser", scaled=here)
    sitting = PositionEntry("b", 2, 0.4, device="Kobo", scaled=here)
    assert current([located, sitting]) == replace(sitting, locator=cfi, scaled=here)
    elsewhere = replace(sitting, fraction=0.6, scaled=Scaled(0.5, Precision.FRACTION))
    assert current([located, elsewhere]) == elsewhere
