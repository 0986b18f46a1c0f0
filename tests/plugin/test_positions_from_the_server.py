"""A place another reader reached: gone to, asked about or left alone, and never after the reader turned a page."""

from __future__ import annotations

import pytest

from tests.plugin.device import Device, Record, book, comic
from tests.plugin.faultproxy import FaultProxy

pytestmark = pytest.mark.lua

PAGE_40 = "/body/DocFragment[4]/body/p[40]/text().0"


def position(fraction: float, locator: Record | None = None, **more: object) -> Record:
    place: Record = {
        "fraction": fraction,
        "precision": "exact",
        "at": "2026-11-22T20:00:00Z",
        "device": "Browser",
        "status": "reading",
    }
    if locator:
        place["locator"] = locator
    return {"book_uuid": "5a", "matched_by": "md5", "position": place | more}


def xpointer(value: str) -> Record:
    return {"kind": "xpointer", "value": value}


OPEN = "S.open(book) S.run(3) S.settle()"


def test_ahead_goes_there_silently_with_a_way_back(device: Device, server: FaultProxy) -> None:
    """The browser read on: the device goes there, says so in a toast, and both toast and link stack lead back."""
    server.tomed.positions[book()["md5"]] = position(0.4, xpointer(PAGE_40))
    played = device.play(
        f'{OPEN} S.dump(S.ui.document.page) S.tap("Back to where I was") S.dump(S.ui.document.page)', book=book(at=10)
    ).check()
    assert [r["what"] for r in played.of("dump")] == [40, 10]
    assert [r["widget"] for r in played.of("show")] == ["Notification"]
    assert "Browser" in played.shown()


@pytest.mark.parametrize("dialect", ["/body[1]/DocFragment[4]/body[1]/p[40]/text()[1].0", PAGE_40])
def test_the_same_place_in_another_dialect_is_no_news(device: Device, server: FaultProxy, dialect: str) -> None:
    """Versions of KOReader write or leave out [1]: the same place is the same place."""
    server.tomed.positions[book()["md5"]] = position(0.47, xpointer(dialect))
    played = device.play(OPEN, book=book(at=40)).check()
    assert played.of("goto") == [] and played.of("show") == []


def test_behind_asks_and_a_no_is_remembered(device: Device, server: FaultProxy) -> None:
    """Further back is asked about once; the same place is not asked about again."""
    server.tomed.positions[book()["md5"]] = position(0.1, xpointer("/body/DocFragment[1]/body/p[10]/text().0"))
    played = device.play(f"{OPEN} S.answer(false) S.close_book() S.run(3) S.settle() {OPEN}", book=book(at=40)).check()
    assert [r["widget"] for r in played.of("show")] == ["ConfirmBox"]
    assert played.of("goto") == []


def test_behind_goes_there_when_wanted(device: Device, server: FaultProxy) -> None:
    server.tomed.positions[book()["md5"]] = position(0.1, xpointer("/body/DocFragment[1]/body/p[10]/text().0"))
    played = device.play(f"{OPEN} S.answer(true) S.dump(S.ui.document.page)", book=book(at=40)).check()
    assert [r["what"] for r in played.of("dump")] == [10]


def test_never_stays(device: Device, server: FaultProxy) -> None:
    server.tomed.positions[book()["md5"]] = position(0.4, xpointer(PAGE_40))
    played = device.play(
        f'S.tap("Settings > Server is ahead > Stay here") {OPEN} S.dump(S.ui.document.page)', book=book(at=10)
    ).check()
    assert [r["what"] for r in played.of("dump")] == [10]


def test_a_turned_page_wins(device: Device, server: FaultProxy) -> None:
    """The answer comes after the reader went on: nobody is pulled away from what they read."""
    server.tomed.positions[book()["md5"]] = position(0.4, xpointer(PAGE_40))
    server.set("slow", 1)
    played = device.play(
        "S.open(book) S.run(2) S.turn(1, 0.1) S.run(3) S.settle() S.dump(S.ui.document.page)", book=book(at=10)
    ).check()
    assert [r["what"] for r in played.of("dump")] == [11]
    assert played.of("goto") == []


def test_another_book_meanwhile_is_left_alone(device: Device, server: FaultProxy) -> None:
    server.tomed.positions[book()["md5"]] = position(0.4, xpointer(PAGE_40))
    server.set("slow", 1)
    played = device.play(
        "S.open(book) S.run(2) S.open(other) S.run(4) S.settle() S.dump(S.ui.document.page)",
        book=book(at=10),
        other=comic(),
    ).check()
    assert [r["what"] for r in played.of("dump")] == [1]


def test_an_unknown_xpointer_falls_back(device: Device, server: FaultProxy) -> None:
    """Another edition: the nearest parent that exists, else the share of the book; never a foreign string."""
    server.tomed.positions[book()["md5"]] = position(0.4, xpointer("/body/DocFragment[4]/body/div[9]/p[1]/text().5"))
    played = device.play(f"{OPEN}", book=book(at=10, known={"/body/DocFragment[4]/body/div[9]": 33})).check()
    assert played.of("goto")[0]["xpointer"] == "/body/DocFragment[4]/body/div[9]"
    server.tomed.positions[book()["md5"]] = position(0.6, {"kind": "cfi", "value": "epubcfi(/6/8!/4/2/4)"})
    played = device.play(f"{OPEN} S.dump(S.ui.document.page)", book=book(at=10)).check()
    assert played.of("goto")[0]["percent"] == pytest.approx(60)
    assert played.of("dump")[0]["what"] == 60


def test_comics_are_moved_too(device: Device, server: FaultProxy) -> None:
    server.tomed.positions[comic()["md5"]] = position(0.35, {"kind": "page", "value": "7"})
    played = device.play(f"{OPEN} S.dump(S.ui.document.page)", book=comic()).check()
    assert played.of("dump")[0]["what"] == 7
    server.tomed.positions[comic()["md5"]] = position(0.6)
    played = device.play(f"{OPEN} S.dump(S.ui.document.page)", book=comic(at=7)).check()
    assert played.of("dump")[0]["what"] == 12


def test_going_there_is_not_reading(device: Device, server: FaultProxy) -> None:
    """The move we made is no page turn, and is not told back as a place of this device."""
    server.tomed.positions[book()["md5"]] = position(0.4, xpointer(PAGE_40))
    device.play(f"{OPEN} S.turn(2, 20) S.close_book() S.run(5) S.settle()", book=book(at=10)).check()
    (session,) = server.tomed.sessions
    assert session["pages_turned"] == 2
    assert session["start_fraction"] == pytest.approx(0.4)
    assert min(e["fraction"] for e in server.tomed.of_type("position")) > 0.4


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        7,
        {"fraction": None},
        {"fraction": 7.5},
        {"fraction": "0.4"},
        {"fraction": 0.4, "locator": 5, "at": None, "device": [1], "status": {}},
    ],
)
def test_a_wrong_answer_moves_nobody_wrongly(device: Device, server: FaultProxy, wrong: object) -> None:
    """null, numbers and words where a position should be."""
    server.tomed.positions[book()["md5"]] = {"book_uuid": None, "matched_by": 3, "position": wrong}
    played = device.play(f"{OPEN} S.dump(S.ui.document.page)", book=book(at=10)).check()
    expected = 40 if isinstance(wrong, dict) and wrong["fraction"] == 0.4 else 10
    assert played.of("dump")[0]["what"] == expected


def test_a_status_set_elsewhere_is_taken_over_and_not_echoed(device: Device, server: FaultProxy) -> None:
    """Finished in the browser: KOReader shows it as finished and does not tell it back as its own news."""
    server.tomed.positions[book()["md5"]] = position(0.1, status="complete")
    device.play(
        f'{OPEN} S.dump(S.ui.doc_settings:readSetting("summary").status) S.close_book() S.run(5) S.settle()',
        book=book(at=10),
    ).check()
    assert server.tomed.of_type("status") == []


SUMMARY = 'S.dump(S.ui.doc_settings:readSetting("summary") or {})'


def verdict(status: str | None = None, rating: object = None) -> Record:
    """What the server says of a book nobody has read a page of."""
    told = {"status": status, "rating": rating}
    return {"book_uuid": "5a", "matched_by": "md5", "position": None} | {k: v for k, v in told.items() if v is not None}


def test_a_rating_given_elsewhere_is_taken_over_and_not_echoed(device: Device, server: FaultProxy) -> None:
    """Three and a half stars are four on the device, and four are never told back; taken back there, they go here."""
    close = "S.close_book() S.run(5) S.settle()"
    server.tomed.positions[book()["md5"]] = verdict("new", 7)
    played = device.play(f"{OPEN} {SUMMARY} S.turn(2, 20) {close} {OPEN} {SUMMARY} {close}", book=book()).check()
    assert [r["what"]["rating"] for r in played.of("dump")] == [4, 4]
    server.tomed.positions[book()["md5"]] = verdict("reading", 0)
    played = device.play(f"{OPEN} {SUMMARY} {close}", book=book()).check()
    assert "rating" not in played.of("dump")[0]["what"]
    assert server.tomed.of_type("status") == []


def test_a_rating_given_here_is_told_and_follows_the_next_one_from_there(device: Device, server: FaultProxy) -> None:
    """The device's own word is told in the same sync that brings the server's, which knows it by then."""
    server.tomed.positions[book()["md5"]] = verdict("reading", 10)
    mark = 'S.ui.doc_settings:saveSetting("summary", { status = "reading", rating = 5 })'
    played = device.play(
        f"S.open(book) {mark} S.run(3) S.settle() {SUMMARY} S.close_book() S.run(1)", book=book()
    ).check()
    assert played.of("dump")[0]["what"]["rating"] == 5
    assert [e["rating"] for e in server.tomed.of_type("status")] == [10]
    server.tomed.positions[book()["md5"]] = verdict("reading", 2)
    played = device.play(f"{OPEN} {SUMMARY}", book=book()).check()
    assert played.of("dump")[0]["what"]["rating"] == 1
    assert len(server.tomed.of_type("status")) == 1


def test_set_back_to_unread_elsewhere_is_begun_again_here(device: Device, server: FaultProxy) -> None:
    """Finished on both sides, then unread on the web: the open book is being read, and nothing is told back."""
    for status, shown in (("complete", "complete"), ("new", "reading"), ("new", "reading")):
        server.tomed.positions[book()["md5"]] = verdict(status, 0)
        played = device.play(f"{OPEN} {SUMMARY} S.close_book() S.run(5) S.settle()", book=book()).check()
        assert played.of("dump")[0]["what"]["status"] == shown
    assert server.tomed.of_type("status") == []


def test_a_book_that_was_never_marked_stays_so(device: Device, server: FaultProxy) -> None:
    """The server says what every book begins with, or nonsense: nothing is written."""
    for told in (
        verdict("new", 0),
        verdict("reading", 0),
        verdict("finished", 99),
        verdict("new", -1),
        verdict("x", "9"),
    ):
        server.tomed.positions[book()["md5"]] = told
        played = device.play(f"{OPEN} {SUMMARY}", book=book()).check()
        assert played.of("dump")[0]["what"] == {}


def test_a_reading_that_is_not_sent_yet_is_sent_before_the_place_is_asked_for(
    device: Device, server: FaultProxy
) -> None:
    """More waits than one request takes: the place is asked for in the last one, when the server knows it all."""
    device.play(
        "S.world.connected = false for _ = 1, 30 do S.open(book) S.turn(1, 5) S.close_book() end S.exit()", book=book()
    )
    device.play(
        "require('tomesync/sync').most_events = 10 S.open(book) S.run(3) S.settle() for _ = 1, 10 do S.run(2) "
        "S.settle() end",
        book=book(),
    ).check()
    assert len(server.tomed.sessions) == 30
    wants = ['"want":[{' in r["b"] or '"want":[]' not in r["b"] for r in server.requests("/sync")]
    assert len(wants) >= 2
