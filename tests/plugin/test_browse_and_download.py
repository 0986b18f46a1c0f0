"""The library on the device: lists of any length, whole series at once, and files that are whole or not there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plugin.device import Device, Record, book
from tests.plugin.faultproxy import FaultProxy

pytestmark = pytest.mark.lua

LONG = 200_000


def a_book(n: int, **changes: object) -> Record:
    return {
        "book_uuid": f"uuid-{n}",
        "title": f"Book {n:04}",
        "authors": ["Ann Author"],
        "kind": "book",
        "tags": [],
        "formats": [{"format": "EPUB", "size": 1000, "file_name": f"Book {n:04}.epub"}],
        "status": "new",
        "fraction": 0.0,
    } | changes


@pytest.fixture
def server() -> Iterator[FaultProxy]:
    with FaultProxy() as proxy:
        saga = [
            a_book(
                n,
                series="Saga: The *Long* One",
                series_id=7,
                series_index=float(n),
                kind="comic",
                status="complete" if n <= 3 else "new",
                formats=[{"format": "CBZ", "size": LONG}],
            )
            for n in range(1, 31)
        ]
        proxy.tomed.books = saga + [a_book(n) for n in range(31, 1001)]
        for n in range(1, 1001):
            size, name = (LONG, "CBZ") if n <= 30 else (1000, "EPUB")
            proxy.tomed.files[f"uuid-{n}/{name}"] = (f"file {n} ".encode() * (size // 7 + 1))[:size]
        yield proxy


def files(device: Device) -> dict[str, bytes]:
    root = device.home / "books"
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


WAIT = (
    "for _ = 1, 400 do S.run(0.2) S.settle() if not require('tomesync/downloads').isBusy() then break end end S.run(1)"
)


def test_a_thousand_books_are_browsed_page_by_page(device: Device) -> None:
    """The list grows by a hundred at a time and never keeps the reader waiting."""
    played = device.play(
        """S.tap("Browse the library > Recently added") S.settle()
        for _ = 1, 9 do S.select("More") S.settle() end S.dump(#S.top().item_table) S.select("Book 1000")""",
    ).check()
    assert played.of("dump")[0]["what"] == 1000
    assert "Book 1000" in played.shown()
    played.never_busy()


def test_a_whole_series_is_downloaded(device: Device, server: FaultProxy) -> None:
    """Thirty comics by name template, each byte for byte, with a window that tells how far it is."""
    played = device.play(
        f'S.tap("Browse the library > Series") S.settle() S.select("Saga") S.settle() S.select("whole series") {WAIT}',
        timeout=90,
    ).check()
    got = files(device)
    assert len(got) == 30
    assert got["comic/Saga_ The _Long_ One/05 - Book 0005.cbz"] == server.tomed.files["uuid-5/CBZ"]
    assert "30 books downloaded." in played.shown()
    assert any("Downloading" in str(r["text"]) for r in played.of("show"))
    played.never_busy()


def test_the_rest_of_a_series_is_what_is_unread_and_not_here(device: Device) -> None:
    """Read ones are left out, and what is here is known by book although its file was moved into another name."""
    series = 'S.tap("Browse the library > Series") S.settle() S.select("Saga") S.settle()'
    device.play(f'{series} S.select("5 · Book 0005") S.answer("Download") {WAIT}').check()
    assert list(files(device)) == ["comic/Saga_ The _Long_ One/05 - Book 0005.cbz"]
    played = device.play(f'{series} S.select("unread only") {WAIT}', timeout=90).check()
    assert "26 books downloaded." in played.shown()
    assert len(files(device)) == 27


NINTH = (
    """S.tap("Browse the library > Series") S.settle() S.select("Saga") S.settle() S.select("9 · Book 0009")
S.server(mode) S.answer("Download") """
    + WAIT
)


@pytest.mark.parametrize("fault", ["cut", "truncated", "500", "404", "reset", "garbage"])
def test_a_broken_download_leaves_no_half_book(device: Device, server: FaultProxy, fault: str) -> None:
    """Whatever happens, nothing that is not whole has the name of a book; later it goes on where it stopped."""
    device.play(NINTH, mode=fault).check()
    assert not [name for name in files(device) if not name.endswith((".part", ".tag"))]
    before = len(server.requests("/formats/"))
    device.play('S.server("up") ' + NINTH, mode="up").check()
    assert files(device) == {"comic/Saga_ The _Long_ One/09 - Book 0009.cbz": server.tomed.files["uuid-9/CBZ"]}
    ranges = [r["range"] for r in server.requests("/formats/")[before:] if r["m"] == "GET"]
    assert (ranges[0] is not None) == (fault in {"cut", "truncated"})


def test_a_file_that_changed_meanwhile_is_loaded_anew(device: Device, server: FaultProxy) -> None:
    """Half of the old file and half of the new one is no book."""
    device.play(NINTH, mode="cut").check()
    assert any(name.endswith(".part") for name in files(device))
    server.tomed.files["uuid-9/CBZ"] = b"another edition " * 9000
    device.play('S.server("up") ' + NINTH, mode="up").check()
    assert files(device) == {"comic/Saga_ The _Long_ One/09 - Book 0009.cbz": b"another edition " * 9000}


SAGA = 'S.tap("Browse the library > Series") S.settle() S.select("Saga") S.settle() '


def test_two_files_at_once_and_nobody_waits_for_them(device: Device, server: FaultProxy) -> None:
    """Never more than two; meanwhile lists open and what was read is told."""
    server.delay = 0.4
    played = device.play(
        f"""{SAGA} S.server("slow", 0.4) S.select("whole series") S.answer("In the background") S.run(0.3)
        S.open(book) S.turn(2, 5) S.close_book()
        S.tap("Browse the library > Recently added")
        for _ = 1, 60 do S.run(0.1) if #S.top().item_table > 1 then break end end
        S.dump(#S.top().item_table) S.dump(require("tomesync/downloads").isBusy())
        for _ = 1, 60 do S.run(0.1) end
        S.server("up") {WAIT}""",
        book=book(),
        timeout=90,
    ).check()
    assert [r["what"] for r in played.of("dump")] == [101, True], "the list was there before the files were"
    assert server.most_at_once == 2
    assert len(files(device)) == 30
    order = [r["p"].rsplit("/", 1)[-1] for r in server.requests()]
    assert order.index("sync") < len(order) - 1 - order[::-1].index("CBZ")
    assert len(server.tomed.sessions) == 1
    played.never_busy()


def test_a_series_is_not_loaded_twice_by_two_taps(device: Device, server: FaultProxy) -> None:
    """What is under way is not begun again."""
    device.play(f'{SAGA} S.select("whole series") S.select("whole series") {WAIT}', timeout=90).check()
    assert len(files(device)) == 30
    assert len([r for r in server.requests("/formats/") if r["m"] == "GET"]) == 30


def test_without_a_network_the_rest_is_not_tried(device: Device, server: FaultProxy) -> None:
    """Wi-Fi goes in the middle: what was under way is told, and what waited is left for the next time."""
    played = device.play(
        f"""{SAGA} S.server("slow", 0.5) S.select("whole series") S.run(0.2) S.net(false) S.server("reset")
        {WAIT} S.server("up") S.net(true) {SAGA} S.select("whole series") {WAIT}""",
        timeout=90,
    ).check()
    assert "of 30 downloaded. The line broke." in played.shown()
    assert len([r for r in server.requests("/formats/") if r["mode"] == "reset"]) <= 4
    assert len(files(device)) == 30


def test_a_download_goes_on_after_a_sleep(device: Device, server: FaultProxy) -> None:
    """An hour asleep is no hour of silence."""
    played = device.play(
        f"""{SAGA} S.world.keeps_network = true S.server("slow", 2) S.select("9 · Book 0009") S.answer("Download")
        S.run(0.5) S.suspend(3600) S.resume() {WAIT}"""
    ).check()
    assert "Downloaded." in played.shown(), played.shown()


def test_a_full_disk_is_told_and_ends_the_rest(device: Device, server: FaultProxy) -> None:
    """/dev/full takes the place of the part: the person is told, the other twenty-eight are not tried."""
    folder = device.home / "books" / "comic" / "Saga_ The _Long_ One"
    folder.mkdir(parents=True)
    for n in (1, 2):
        (folder / f"{n:02} - Book {n:04}.cbz.part").symlink_to("/dev/full")
    played = device.play(f'{SAGA} S.select("whole series") {WAIT}').check()
    assert "0 of 30 downloaded. The disk is full." in played.shown()
    assert not [name for name in files(device) if name.endswith(".cbz")]
    assert len([r for r in server.requests("/formats/") if r["m"] == "GET"]) <= 3


def test_a_file_with_another_fingerprint_is_no_book(device: Device, server: FaultProxy) -> None:
    """Right in size, wrong in content: thrown away and told; with the right one it is taken."""
    server.tomed.fingerprint = "ab" * 16
    played = device.play(NINTH, mode="up", before=md5_of(device, "cd" * 16)).check()
    assert "did not arrive whole" in played.shown()
    assert files(device) == {}
    device.play(NINTH, mode="up", before=md5_of(device, "ab" * 16)).check()
    assert list(files(device)) == ["comic/Saga_ The _Long_ One/09 - Book 0009.cbz"]


def md5_of(device: Device, fingerprint: str) -> str:
    """A Lua file that makes this KOReader's fingerprint of every file."""
    path = device.home / "fingerprint.lua"
    path.write_text(f'require("modules").partial_md5 = function() return "{fingerprint}" end')
    return str(path)


def test_formats_in_the_order_this_device_likes(device: Device, server: FaultProxy) -> None:
    """A device set to PDF takes the PDF of a book that has both, and the EPUB of one that has none."""
    both = [{"format": "EPUB", "size": 1000}, {"format": "PDF", "size": 1000}]
    server.tomed.books = [a_book(900, formats=both), a_book(901)]
    server.tomed.files["uuid-900/PDF"] = b"p" * 1000
    load = 'S.tap("Browse the library > Recently added") S.settle() S.select("%s") S.answer("Download") ' + WAIT
    device.play(
        'S.tap("Settings > Downloads > Formats") S.answer("Save", "PDF EPUB") '
        + load % "Book 0900"
        + " "
        + load % "Book 0901"
    ).check()
    assert set(files(device)) == {"book/Book 0900.pdf", "book/Book 0901.epub"}


def test_cancel_stops_at_once_and_keeps_what_came(device: Device, server: FaultProxy) -> None:
    """The window's Cancel ends the child; nothing waits on."""
    server.delay = 0.5
    played = device.play(
        """S.tap("Browse the library > Series") S.settle() S.select("Saga") S.settle() S.server("hang")
            S.select("whole series")
        S.run(0.3) S.answer("Cancel") S.run(1) S.settle() S.dump(require("tomesync/downloads").isBusy())"""
    ).check()
    assert played.of("dump")[0]["what"] is False
    assert not [name for name in files(device) if name.endswith(".cbz")]


def test_a_sync_does_not_wait_for_a_person_nor_a_person_for_a_sync(device: Device, server: FaultProxy) -> None:
    """A hanging background sync is put off when somebody opens a list, and done later."""
    server.set("hang")
    played = device.play(
        """S.open(book) S.turn(2, 5) S.close_book() S.run(2.2) S.server("up")
        S.tap("Browse the library > Recently added") S.settle() S.dump(#S.top().item_table) S.run(7) S.settle()""",
        book=book(),
    ).check()
    assert played.of("dump")[0]["what"] == 101
    assert len(server.tomed.sessions) == 1


@pytest.mark.parametrize("fault", ["garbage", "nulls", "number", "truncated", "500", "401", "reset"])
def test_a_list_that_fails_says_so(device: Device, server: FaultProxy, fault: str) -> None:
    """An entry with a sentence instead of an error or an empty list."""
    server.set(fault)
    played = device.play(
        'S.tap("Browse the library > Series") S.settle() S.dump(S.top().item_table[1].text)', book=book()
    ).check()
    assert len(played.of("dump")[0]["what"]) > 20


def test_search_next_unread_and_what_is_not_here(device: Device, server: FaultProxy) -> None:
    server.tomed.extra["GET /api/v1/series"] = (
        200,
        {
            "total": 2,
            "series": [
                {"series_id": 7, "name": "Saga", "books": 30, "read": 3, "authors": [], "next": server.tomed.books[3]},
                {
                    "series_id": 8,
                    "name": "Untouched",
                    "books": 3,
                    "read": 0,
                    "authors": [],
                    "next": server.tomed.books[40],
                },
            ],
        },
    )
    played = device.play(
        """S.tap("Browse the library > Search") S.answer("Save", "book 0777") S.settle()
            S.dump(S.top().item_table[1].text)
        S.tap("Browse the library > Next in my series") S.settle() S.dump(#S.top().item_table ..
            S.top().item_table[1].text)
        S.tap("Browse the library > Not on this device") S.settle() S.dump(#S.top().item_table)"""
    ).check()
    first, second, third = [r["what"] for r in played.of("dump")]
    assert "Book 0777" in first
    assert second.startswith("1Book 0004 (Saga")
    assert third == 101


@pytest.mark.parametrize(("mode", "says"), [("up", "no cover"), ("500", "problem (500)"), ("garbage", "no cover")])
def test_a_cover_that_does_not_come_says_so(device: Device, server: FaultProxy, mode: str, says: str) -> None:
    """404, an error, a hotspot's page: a sentence, and nothing is kept as a picture."""
    server.tomed.books = [a_book(1, has_cover=True)]
    played = device.play(
        f"""S.tap("Browse the library > Recently added") S.settle() S.select("Book 0001") S.server("{mode}")
        S.answer("Cover") S.settle()"""
    ).check()
    assert says in played.shown()
    assert list((device.home / "settings" / "tomesync").glob("covers/*")) == []


def test_every_setting_explains_itself(device: Device) -> None:
    """Held, each entry says what it does: in the reader too; a choice of several is explained where it hangs."""
    played = device.play(
        """S.open(book)
        local function walk(items, path)
            for _, item in ipairs(items) do
                local name = path .. " > " .. tostring(item.text_func and item.text_func() or item.text)
                local below = item.sub_item_table or item.sub_item_table_func and item.sub_item_table_func()
                if not item.radio and not below and not item.help_text then S.dump(name) end
                if below then walk(below, name) end
            end
        end
        walk(S.find("Settings").sub_item_table_func(), "Settings") walk(S.find("Browse").sub_item_table, "Browse")
        S.dump("walked")""",
        book=book(),
    ).check()
    assert [r["what"] for r in played.of("dump")] == ["walked"]


def test_this_book_can_be_chosen_by_hand(device: Device, server: FaultProxy) -> None:
    """An unknown file: the person says which book it is, and every later event says so too."""
    played = device.play(
        """S.open(book) S.run(3) S.settle() S.dump(S.find("This book").sub_item_table_func()[1].text_func())
        S.tap("This book > Choose the book") S.answer("Save", "book 0777") S.settle() S.select("Book 0777")
            S.run(3) S.settle()
        S.turn(2, 30) S.close_book() S.run(5) S.settle()""",
        book=book(),
    ).check()
    assert "does not know" in played.of("dump")[0]["what"]
    assert server.tomed.sessions[0]["book"]["book_uuid"] == "uuid-777"


def test_authors_and_what_a_server_does_not_have(device: Device) -> None:
    """A list of names leads to their books; a list the server does not know says so."""
    played = device.play(
        """S.tap("Browse the library > Authors") S.settle() S.dump(S.top().item_table[1].mandatory)
            S.select("Ann Author") S.settle()
        S.dump(#S.top().item_table) S.tap("Browse the library > Tags") S.settle() S.dump(S.top().item_table[1].text)"""
    ).check()
    assert [r["what"] for r in played.of("dump")] == ["1000", 101, "This server has no such list."]


def test_the_end_of_a_book_offers_the_next_one(device: Device, server: FaultProxy) -> None:
    """After the last page of number 4, number 5 can be loaded and opened at once; offline nothing happens."""
    server.tomed.positions[book()["md5"]] = {"book_uuid": "uuid-4", "matched_by": "md5", "position": None}
    server.tomed.extra["GET /api/v1/books/uuid-4"] = (200, {"book": server.tomed.books[3]})
    end = 'S.open(book) S.run(3) S.settle() S.turn(2, 20) S.send("EndOfBook") S.settle() S.settle()'
    played = device.play(
        f'{end} S.dump(S.top().title) S.answer("Download and read") {WAIT}', book=book(pages=3)
    ).check()
    assert "Book 0005" in played.of("dump")[0]["what"]
    assert played.of("read")[0]["path"].endswith("05 - Book 0005.cbz")
    played = device.play(f"S.world.connected = false {end}", book=book(pages=3, at=1)).check()
    assert played.of("show") == []
