"""The device against the real daemon, with and without a proxy that fails in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.libraries import LibraryFixture
from tests.plugin.device import Device, Record, book
from tests.plugin.faultproxy import FaultProxy
from tomed.clock import format_at, now_ms, parse_at

pytestmark = pytest.mark.lua


@pytest.fixture
def daemon(daemon_of: Callable[..., Daemon], library: LibraryFixture) -> Daemon:
    daemon = daemon_of(library.folder)
    daemon.wait_ready()
    return daemon


def copy_of(library: LibraryFixture, title: str, **changes: object) -> Record:
    """A book of the library as a device has it."""
    made = library.book(title)
    return book(
        file=f"/books/{made.files['EPUB'].name}", props={"title": title, "authors": "\n".join(made.authors)}, **changes
    )


def test_there_and_back_again(tmp_path: Path, daemon: Daemon, library: LibraryFixture) -> None:
    """Read on the device; the daemon has session and place; the browser reads on; the device is sent forward."""
    device = Device(tmp_path / "device", daemon.url, daemon.token)
    ours, uuid = copy_of(library, "First Light"), library.book("First Light").uuid
    device.play("S.open(book) S.turn(3, 30) S.close_book() S.run(5) S.settle()", book=ours).check()
    (session,) = daemon.get(f"/sessions?book_uuid={uuid}").json["sessions"]
    assert session["pages_turned"] == 3
    place = daemon.get(f"/books/{uuid}/position?kind=xpointer").json["position"]
    assert (place["fraction"], place["device"]) == (pytest.approx(0.04), "Kobo")
    later = daemon.put(
        f"/books/{uuid}/position", {"event_id": "browser-1", "at": "2099-01-01T00:00:00Z", "fraction": 0.5}
    )
    assert later.status == 400, "a time in the far future is refused"
    moved = daemon.put(f"/books/{uuid}/position", {"event_id": "browser-2", "at": _after(place["at"]), "fraction": 0.5})
    assert moved.json["accepted"]
    played = device.play("S.open(book) S.run(3) S.settle() S.dump(S.ui.document.page)", book=ours).check()
    assert played.of("dump")[0]["what"] == 50


def _after(at: str) -> str:
    """A second later."""
    return format_at(parse_at(at) + 1000)


def test_a_year_that_the_clock_was_behind(tmp_path: Path, daemon: Daemon, library: LibraryFixture) -> None:
    """Read offline by a clock that lost a year, which Wi-Fi puts right: it was read now, and is the newest place."""
    device = Device(tmp_path / "device", daemon.url, daemon.token)
    ours, uuid = copy_of(library, "First Light"), library.book("First Light").uuid
    earlier = {"event_id": "browser-1", "at": format_at(now_ms() - 3_600_000), "fraction": 0.9}
    assert daemon.put(f"/books/{uuid}/position", earlier).json["accepted"]
    device.play(
        "S.world.connected = false S.clock_error(-31536000) S.open(book) S.turn(3, 30) S.close_book() "
        "S.clock_error(0) S.net(true) S.run(5) S.settle()",
        book=ours,
    ).check()
    (session,) = daemon.get(f"/sessions?book_uuid={uuid}").json["sessions"]
    assert abs(parse_at(session["started_at"]) - now_ms()) < 1_800_000
    place = daemon.get(f"/books/{uuid}/position").json["position"]
    assert (place["fraction"], place["device"]) == (pytest.approx(0.04), "Kobo")


def test_a_book_nobody_knows_is_kept(tmp_path: Path, daemon: Daemon) -> None:
    """A file that is in no library: its sitting is taken and waits for its book."""
    device = Device(tmp_path / "device", daemon.url, daemon.token)
    stranger = book(file="/books/stranger.epub", props={"title": "Never Heard Of"})
    device.play("S.open(book) S.turn(3, 30) S.close_book() S.run(5) S.settle()", book=stranger).check()
    (session,) = daemon.get("/sessions").json["sessions"]
    assert session["book"] is None
    assert device.queued() == []


def test_a_file_of_calibres_own_list(tmp_path: Path, daemon: Daemon, library: LibraryFixture) -> None:
    """A meaningless name, strange bytes, no metadata: the list that Calibre left there says which book it is."""
    device = Device(tmp_path / "device", daemon.url, daemon.token)
    uuid, folder = library.book("First Light").uuid, tmp_path / "device" / "card" / "stuff"
    folder.mkdir(parents=True)
    listed = [
        {"lpath": f"stuff/{name}", "uuid": uuid, "title": "?", "comments": 'a "]}'} for name in ("1.epub", "2.EPUB")
    ]
    (folder.parent / "metadata.calibre").write_text(json.dumps(listed, indent=2), "utf-8")
    nameless = [
        book(file=str(folder / name), md5=md5 * 32, props={})
        for name, md5 in (("1.epub", "1"), ("2.epub", "2"), ("3.epub", "3"))
    ]
    away, there = "S.world.connected = false ", "S.net(true) S.run(5) S.settle() "
    read = "S.turn(3, 30) S.close_book() "
    device.play(away + "S.open(book) " + read, book=nameless[1]).check()  # KOReader ends before there is a network
    assert [event["book"] for event in device.queued()] == [{"filename": "2.epub", "partial_md5": "2" * 32}]
    played = device.play(
        there + "S.open(book) S.run(3) S.settle() S.dump(require('tomesync/reading').match) " + read + there,
        book=nameless[0],
    ).check()
    match = played.of("dump")[0]["what"]
    assert (match["matched_by"], match["book_uuid"]) == ("uuid", uuid)
    device.play("S.open(book) " + read + there, book=nameless[2]).check()
    sessions = daemon.get("/sessions").json["sessions"]
    placed = [session["book"]["book_uuid"] if session["book"] else None for session in sessions]
    assert sorted(map(str, placed)) == sorted([uuid, uuid, "None"]), sessions
    assert device.queued() == []


BAD_LINES = {
    "lost": "First Light",
    "half": "Between Lights",
    "truncated": "Second Light",
    "500": "Tenth Light",
    "reset": "Dracula & Co",
}


def test_the_daemon_behind_a_bad_line(tmp_path: Path, daemon: Daemon, library: LibraryFixture) -> None:
    """Two sittings and the last place are in the store exactly once, whatever the line does in between."""
    for fault, title in BAD_LINES.items():
        with FaultProxy(daemon.url) as proxy:
            proxy.set(fault)
            device = Device(tmp_path / fault, proxy.url, daemon.token)
            device.play(
                """S.open(book) S.turn(3, 30) S.run(15) S.suspend(600) S.resume() S.net(true) S.turn(2, 30)
                S.close_book() S.run(5) S.settle() S.server("up") S.net(false) S.net(true) S.run(5) S.settle()
                S.run(3) S.settle()""",
                book=copy_of(library, title),
            ).check()
        uuid = library.book(title).uuid
        sessions = daemon.get(f"/sessions?book_uuid={uuid}").json["sessions"]
        assert sorted(s["pages_turned"] for s in sessions) == [2, 3], fault
        assert daemon.get(f"/books/{uuid}/position").json["position"]["fraction"] == pytest.approx(0.06), fault
        assert device.queued() == [], fault


def test_two_devices_and_the_newest_place(tmp_path: Path, daemon: Daemon, library: LibraryFixture) -> None:
    """The second device is sent to where the first one stopped, and reading on there sends the first one on."""
    ours, uuid = copy_of(library, "First Light"), library.book("First Light").uuid
    one = Device(tmp_path / "one", daemon.url, daemon.token, "One")
    two = Device(tmp_path / "two", daemon.url, daemon.token, "Two")
    one.play("S.open(book) S.turn(9, 30) S.close_book() S.run(5) S.settle()", book=ours).check()
    two.clock = one.clock
    played = two.play(
        "S.open(book) S.run(3) S.settle() S.dump(S.ui.document.page) S.turn(5, 30) S.close_book() S.run(5) S.settle()",
        book=ours,
    ).check()
    assert played.of("dump")[0]["what"] == 10
    one.clock = two.clock
    played = one.play("S.open(book) S.run(3) S.settle() S.dump(S.ui.document.page)", book=ours).check()
    assert played.of("dump")[0]["what"] == 15
    assert len(daemon.get(f"/sessions?book_uuid={uuid}").json["sessions"]) == 2


def test_status_and_rating_travel_both_ways(tmp_path: Path, daemon: Daemon, library: LibraryFixture) -> None:
    """Marked on one device, changed on another: each has the newest word of the other when it opens the book."""
    ours = copy_of(library, "First Light")
    devices = [Device(tmp_path / name, daemon.url, daemon.token, name) for name in ("One", "Two")]
    said: list[object] = []
    marks = {"status": "complete", "rating": 3}, {"status": "abandoned", "rating": 5}, None
    for number, mark in enumerate(marks):
        device = devices[number % 2]
        device.clock = max(d.clock for d in devices) + 60
        played = device.play(
            """S.open(book) S.run(3) S.settle() S.dump(S.ui.doc_settings:readSetting("summary") or {})
            if mark then S.ui.doc_settings:saveSetting("summary", mark) end S.close_book() S.run(5) S.settle()""",
            book=ours,
            mark=mark,
        ).check()
        said.append({k: v for k, v in played.of("dump")[0]["what"].items() if k != "modified"})
    assert said == [{}, *marks[:2]]


def test_pairing_with_the_daemon(tmp_path: Path, daemon: Daemon, library: LibraryFixture) -> None:
    """A device without a key shows a code; once it is approved the device syncs with its own key."""
    device = Device(tmp_path / "device", daemon.url, "no such key")
    uuid, ours = library.book("First Light").uuid, copy_of(library, "First Light")
    with FaultProxy(daemon.url) as approver:
        played = device.play(
            """S.tap("Settings > Pair with a code") S.settle()
            local code = S.top().title:match("%s(%u[%u%d][%u%d][%u%d][%u%d][%u%d])%s") or
            S.top().title:match("\\n(%w+)\\n")
            local http, ltn12 = require("socket.http"), require("ltn12")
            local body = '{"code":"' .. code .. '"}'
            http.request{ method = "POST", url = server .. "/api/v1/pair/approve", source = ltn12.source.string(body),
                headers = { authorization = "Bearer " .. token, ["content-type"] = "application/json",
                ["content-length"] = #body } }
            for _ = 1, 4 do S.run(3.2) S.settle() end
            S.open(book) S.turn(2, 30) S.close_book() S.run(5) S.settle()""",
            server=approver.url,
            token=daemon.token,
            book=ours,
        ).check()
    assert "Paired" in played.shown(), played.shown()
    assert len(daemon.get(f"/sessions?book_uuid={uuid}").json["sessions"]) == 1


def test_downloads_from_the_daemon(tmp_path: Path, daemon: Daemon, library: LibraryFixture) -> None:
    """A series from the real library, in its order, byte for byte; and a torn download goes on where it stopped."""
    with FaultProxy(daemon.url) as proxy:
        device = Device(tmp_path / "device", proxy.url, daemon.token)
        wait = "for _ = 1, 99 do S.run(0.2) S.settle() if not require('tomesync/downloads').isBusy() then break end end"
        walk = 'S.tap("Browse the library > Series") S.settle() S.select("Lamplighters") S.settle() '
        device.play(walk + 'S.server("cut") S.select("whole series") ' + wait).check()
        assert list((device.home / "books").rglob("*.part"))
        device.play('S.server("up") ' + walk + 'S.select("whole series") ' + wait).check()
        assert [r["range"] for r in proxy.requests("/formats/") if r["m"] == "GET" and r["range"]]
    got = {p.name: p.read_bytes() for p in (device.home / "books").rglob("*") if p.is_file()}
    titles = {
        "01 - First Light": "First Light",
        "01.5 - Between Lights": "Between Lights",
        "02 - Second Light": "Second Light",
        "10 - Tenth Light": "Tenth Light",
    }
    assert got == {f"{name}.epub": library.book(title).files["EPUB"].read_bytes() for name, title in titles.items()}


def test_lists_statistics_and_updates_of_the_daemon(tmp_path: Path, daemon: Daemon, library: LibraryFixture) -> None:
    """Authors, tags, what was read of the open book, and whether there is a newer plugin."""
    device = Device(tmp_path / "device", daemon.url, daemon.token)
    played = device.play(
        """S.open(book) S.turn(9, 60) S.close_book() S.run(5) S.settle() S.open(book) S.run(3) S.settle()
        S.dump(S.find("This book").sub_item_table_func()[1].text_func())
        S.tap("Browse the library > Authors") S.settle() S.select("Ada Lantern") S.settle()
        S.dump(#S.top().item_table)
        S.tap("Browse the library > Tags") S.settle() S.select("Fantasy") S.settle() S.dump(#S.top().item_table)
        S.tap("This book > Statistics") S.settle() S.dump(S.top().text)
        S.tap("Settings > Check for updates") S.settle() S.dump(S.top().text)""",
        book=copy_of(library, "First Light"),
    ).check()
    matched, authors, tags, read, update = [r["what"] for r in played.of("dump")]
    assert matched.startswith("First Light, recognised by ")
    assert (authors, tags) == (4, 1)
    assert "in 1 sittings on 1 days" in read and "min" in read
    assert "newest version" in update


def test_covers_of_the_daemon(tmp_path: Path, daemon: Daemon, library: LibraryFixture) -> None:
    """Held in a list or tapped in a book's window; kept, so that the second time needs no network."""
    device = Device(tmp_path / "device", daemon.url, daemon.token)
    walk = 'S.tap("Browse the library > Series") S.settle() S.select("Lamplighters") S.settle() '
    played = device.play(
        walk
        + """S.select("Second Light", "hold") S.settle() S.world.connected = false
        S.UIManager:close(S.top()) S.select("Second Light") S.answer("Cover")"""
    ).check()
    pictures = [r["file"] for r in played.of("show") if r["widget"] == "ImageViewer"]
    kept = device.home / "settings" / "tomesync" / "covers" / f"{library.book('Second Light').uuid}.jpg"
    assert pictures == [str(kept)] * 2
    assert kept.read_bytes()[:3] == b"\xff\xd8\xff"
    played.never_busy()


def test_history_taken_by_the_daemon(tmp_path: Path, daemon: Daemon, library: LibraryFixture) -> None:
    """What the child sends of KOReader's statistics is taken, once, whatever the line does in between."""
    book = {"key": 3, "title": "First Light", "authors": ["Ada Lantern"], "partial_md5": "ab" * 16, "pages": 200}
    rows = [[3, page, 1_700_000_000 + page * 60, 55, 200] for page in range(1, 51)]
    body = {"device": {"id": "d", "name": "Kobo"}, "now": "2026-11-22T21:00:00Z", "books": [book], "rows": rows}
    first, again = daemon.post("/history", body).json, daemon.post("/history", body).json
    assert (first["service"], first["taken"], first["new"]) == ("tomed", 50, 50)
    assert (again["taken"], again["new"]) == (50, 0)
