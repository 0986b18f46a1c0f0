"""Sittings, places and the queue, as the real plugin keeps them through opening, closing, sleep and crashes."""

from __future__ import annotations

import pytest

from tests.plugin.device import Device, book, comic
from tests.plugin.faultproxy import FaultProxy

pytestmark = pytest.mark.lua


def test_a_sitting_arrives_with_its_place(device: Device, server: FaultProxy) -> None:
    """Reading three pages is one session of three turned pages, with where it began and ended."""
    device.play("S.open(book) S.turn(3, 30) S.close_book() S.run(5) S.settle()", book=book()).check()
    (session,) = server.tomed.sessions
    assert session["pages_turned"] == 3
    assert 85 <= session["active_s"] <= 100
    assert session["start_fraction"] == pytest.approx(0.01)
    assert session["end_fraction"] == pytest.approx(0.04)
    assert session["locator"] == {"kind": "xpointer", "value": "/body/DocFragment[1]/body/p[4]/text().0"}
    assert session["text"] == "Text of page 4 that goes on and on for a"
    assert session["book"]["filename"] == "A Long Story (12).epub"
    assert session["book"]["partial_md5"] == book()["md5"]
    assert session["book"]["authors"] == ["Author A", "Author B"]
    assert session["started_at"].endswith("Z") and session["started_at"] < session["ended_at"]
    assert [page for page, _, _ in session["page_times"]] == [1, 2, 3, 4]
    assert device.queued() == []


def test_a_position_follows_the_last_turn_and_nothing_is_sent_on_one(device: Device, server: FaultProxy) -> None:
    """Ten quick turns are one request some 12 s later, not ten."""
    device.play("S.open(book) S.run(5) S.settle() S.turn(10, 3) S.run(14) S.settle()", book=book()).check()
    positions = server.tomed.of_type("position")
    assert [p["fraction"] for p in positions] == [pytest.approx(0.11)]
    assert len(server.requests("/sync")) == 2  # at opening, and after the turns


def test_jumps_links_fonts_and_the_first_page_are_no_page_turns(device: Device, server: FaultProxy) -> None:
    """Only a page forward is a page turned by reading."""
    device.play(
        "S.open(book) S.turn(2, 20) S.jump(50) S.run(20) S.turn(1, 20) S.jump(51) S.run(5) S.jump(50) "
        "S.run(5) S.font(160) S.run(5) S.turn(1, 20)"
        " S.close_book() S.run(5) S.settle()",
        book=book(),
    ).check()
    (session,) = server.tomed.sessions
    # 1-2-3, jump to 50, 51, (51 again: the same page), back to 50, another font, one more
    assert session["pages_turned"] == 4


def test_a_reload_by_koreader_is_no_new_sitting(device: Device, server: FaultProxy) -> None:
    """A font change in a big book closes and opens the document: still one sitting, with the turns on both sides."""
    device.play(
        "S.open(book) S.turn(3, 20) S.reload(150) S.turn(2, 20) S.close_book() S.run(5) S.settle()", book=book()
    ).check()
    (session,) = server.tomed.sessions
    assert session["pages_turned"] == 5


def test_sleep_ends_a_sitting_and_waking_begins_one(device: Device, server: FaultProxy) -> None:
    """The hour asleep belongs to nobody, and Wi-Fi that stays off after waking loses nothing."""
    device.play(
        "S.open(book) S.turn(3, 30) S.suspend(3600) S.resume() S.turn(2, 30) S.close_book() S.run(5) "
        "S.net(true) S.run(5) S.settle()",
        book=book(),
    ).check()
    first, second = server.tomed.sessions
    assert (first["pages_turned"], second["pages_turned"]) == (3, 2)
    assert first["active_s"] < 110 and second["active_s"] < 80
    assert first["ended_at"] < second["started_at"]
    assert second["start_fraction"] == pytest.approx(0.04)


def test_an_idle_page_counts_up_to_the_cap(device: Device, server: FaultProxy) -> None:
    """Falling asleep over a page for two hours is ten minutes of reading, and the sitting ends there."""
    device.play("S.open(book) S.turn(1, 60) S.turn(1, 7200) S.close_book() S.run(5) S.settle()", book=book()).check()
    (session,) = server.tomed.sessions
    assert 655 <= session["active_s"] <= 670
    assert session["page_times"][-1][2] == 600


def test_a_comic_counts_its_pages_from_one(device: Device, server: FaultProxy) -> None:
    """Page 20 of 20 is the end, and the place of a comic is its page."""
    device.play("S.open(book) S.run(3) S.turn(5, 10) S.close_book() S.run(5) S.settle()", book=comic(at=15)).check()
    (session,) = server.tomed.sessions
    assert session["end_fraction"] == 1
    assert session["locator"] == {"kind": "page", "value": "20"}
    assert session["pages_turned"] == 5


def test_looking_is_not_reading(device: Device, server: FaultProxy) -> None:
    """Opening a book and closing it tells no place and no session: an old place must not become the newest one."""
    device.play("S.open(book) S.run(8) S.close_book() S.run(5) S.settle()", book=book(at=40)).check()
    assert server.tomed.events == {}


def test_a_jump_without_reading_still_moves_the_place(device: Device, server: FaultProxy) -> None:
    device.play("S.open(book) S.run(1) S.jump(70) S.run(3) S.close_book() S.run(5) S.settle()", book=book()).check()
    assert server.tomed.sessions == []
    assert [e["fraction"] for e in server.tomed.of_type("position")] == [pytest.approx(0.7)]


@pytest.mark.parametrize("end", ["S.crash()", "S.exit()"])
def test_dying_costs_at_most_the_page_being_read(device: Device, server: FaultProxy, end: str) -> None:
    """Killed in the middle of a sitting, the next start tells it, up to the last turned page."""
    device.play(f"S.world.connected = false S.open(book) S.turn(5, 30) {end}", book=book())
    device.play("S.run(5) S.settle()").check()
    (session,) = server.tomed.sessions
    assert session["pages_turned"] == 5
    assert session["end_fraction"] == pytest.approx(0.06)
    assert session["active_s"] >= 119
    assert device.queued() == []


def test_a_torn_journal_still_tells_the_pages_before(device: Device, server: FaultProxy) -> None:
    """The power went while the last line was written."""
    device.play("S.world.connected = false S.open(book) S.turn(4, 30) S.crash()", book=book())
    journal = device.home / "settings" / "tomesync" / "sitting"
    journal.write_bytes(journal.read_bytes()[:-20])
    device.play("S.run(5) S.settle()").check()
    (session,) = server.tomed.sessions
    assert session["pages_turned"] == 3


def test_a_torn_queue_line_holds_nothing_up(device: Device, server: FaultProxy) -> None:
    """Half an event (the power went) is kept aside for a person, the whole ones are sent."""
    device.play("S.world.connected = false S.open(book) S.turn(2, 30) S.close_book() S.exit()", book=book())
    (segment,) = (device.home / "settings" / "tomesync" / "queue").glob("*.jsonl")
    with segment.open("a") as file:
        file.write('{"id":"00000000-0000-4000-8000-000000000000","type":"sess')
    device.play("S.run(5) S.settle()").check()
    assert len(server.tomed.sessions) == 1
    assert device.queued() == []
    assert list(segment.parent.glob("*.unreadable"))


def test_a_clock_set_back_in_the_middle_keeps_the_sitting_sane(device: Device, server: FaultProxy) -> None:
    """The wall clock jumps by years while reading: durations come from another clock."""
    device.play(
        "S.clock_error(-200000000) S.open(book) S.turn(2, 30) S.clock_error(0) S.turn(2, 30) S.close_book() "
        "S.run(5) S.settle()",
        book=book(),
    ).check()
    (session,) = server.tomed.sessions
    assert 115 <= session["active_s"] <= 130
    assert session["started_at"][:4] == session["ended_at"][:4] and session["started_at"] < session["ended_at"]


def test_status_and_rating_are_told_once(device: Device, server: FaultProxy) -> None:
    """KOReader sends no event when a book is marked finished: it is noticed by comparing."""
    mark = 'S.ui.doc_settings:saveSetting("summary", { status = "complete", rating = 4 })'
    device.play(
        f"S.open(book) S.run(3) {mark} S.close_book() S.run(5) S.settle() S.open(book) S.run(3) "
        f"S.close_book() S.run(5) S.settle()",
        book=book(),
    ).check()
    (event,) = server.tomed.of_type("status")
    assert (event["status"], event["rating"]) == ("complete", 8)


def test_a_file_name_that_is_no_text_spoils_nothing(device: Device, server: FaultProxy) -> None:
    """Bytes that are not UTF-8, as old cards have them, would make the whole batch unreadable."""
    scenario = (
        'book.file = "/books/\\255\\254 bad.epub" book.props.title = "A \\128 B" S.open(book) '
        "S.turn(2, 20) S.close_book() S.run(5) S.settle()"
    )
    device.play(scenario, book=book()).check()
    (session,) = server.tomed.sessions
    assert session["book"]["filename"] == "?? bad.epub"
    assert session["book"]["title"] == "A ? B"
