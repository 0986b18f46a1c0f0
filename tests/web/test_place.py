"""A place that was reached is never lost and none is made up: the article's bugs of the web reader, a test each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.web.books import chapter, make_comic, make_epub, paragraph, plain_epub
from tests.web.serving import Server
from tests.web.steps import change_file, fraction, kept, open_book, quiet, reload, saved, settled, shown, turn, until

pytestmark = pytest.mark.browser
AT = "2026-01-02T10:00:00Z"


@pytest.fixture
def book(server: Server, tmp_path: Path) -> str:
    """An EPUB of four chapters."""
    return server.add(plain_epub(tmp_path / "made.epub"))


def test_what_was_read_is_saved_and_opens_again(page: Page, server: Server, book: str) -> None:
    """Read on, come back: the same words stand at the top, by the exact place."""
    assert open_book(page, server, book) == "start"
    turn(page, times=5)
    here = shown(page)
    place = saved(page, server, book)
    assert place["locator"]["kind"] == "cfi"
    assert here.startswith(place["text"][:20])
    assert reload(page) == "cfi"
    assert shown(page) == here


def test_opening_saves_nothing(page: Page, server: Server, book: str) -> None:
    """The moves that opening, a resize and other letters cause are no reading: the place stays who read it."""
    server.positions[book] = {"fraction": 0.6, "at": AT, "device": "Kobo"}
    assert open_book(page, server, book) == "fraction"
    page.set_viewport_size({"width": 700, "height": 500})
    page.keyboard.press("+")
    page.set_viewport_size({"width": 1100, "height": 800})
    page.wait_for_timeout(4000)
    assert server.puts == []
    page.goto("about:blank")
    assert server.puts == []
    assert server.positions[book] == {"fraction": 0.6, "at": AT, "device": "Kobo"}


@pytest.mark.parametrize(
    "value",
    [
        "/body/DocFragment[4]/body/p[2]/text()[1].10", "", "comic:5", "epubcfi(/6/999!/4/2)", "epubcfi(/2/2!/4)",
        "epubcfi(/6/6)", "epubcfi(/6/6!/4/4000/1:3)", "epubcfi(/6/6!/4/4/1:99999)", "epubcfi()", "epubcfi(", "NaN",
    ],
)  # fmt: skip
def test_a_foreign_place_never_gives_a_white_page(page: Page, server: Server, book: str, value: str) -> None:
    """Whatever stands as CFI, text is shown, near the fraction that came along."""
    server.positions[book] = {"fraction": 0.6, "at": AT, "locator": {"kind": "cfi", "value": value}}
    how = open_book(page, server, book)
    assert shown(page)
    assert how in ("fraction", "cfi")
    if how == "fraction":
        assert fraction(page) == pytest.approx(0.6, abs=0.06)


@pytest.mark.parametrize("bad", [None, -1, 7.5, "0.5", float("nan")])
def test_a_fraction_that_is_none_opens_the_beginning(page: Page, server: Server, book: str, bad: object) -> None:
    """Something that is no share of a book is never believed."""
    server.positions[book] = {"fraction": bad, "at": AT}
    assert open_book(page, server, book) == "start"
    assert shown(page).startswith("Chapter 1")


def test_the_words_decide_when_the_file_is_another_edition(page: Page, server: Server, tmp_path: Path) -> None:
    """A CFI that leads to other words gives way to the words themselves."""
    book = server.add(make_epub(tmp_path / "b.epub", [chapter(1), "<p>A preface, new here.</p>" * 9 + chapter(2)]))
    server.positions[book] = {
        "fraction": 0.7,
        "at": AT,
        "text": paragraph(2, 12)[:40],
        "locator": {"kind": "cfi", "value": "epubcfi(/6/4!/4/26/1:0)"},  # paragraph 12 before the preface was added
    }
    assert open_book(page, server, book) in ("text", "cfi")
    assert "Paragraph 12 of chapter 2" in page.evaluate(
        "document.querySelector('foliate-view').lastLocation.range.toString()"
    )


def test_restoring_a_fraction_never_drifts(page: Page, server: Server, book: str) -> None:
    """Opening by nothing but the fraction that was saved leads to the page that was saved, each time."""
    open_book(page, server, book)
    for _ in range(4):
        turn(page, times=3)
        here, told = shown(page), fraction(page)
        saved(page, server, book)
        page.evaluate("indexedDB.deleteDatabase('tomed')")
        server.positions[book] = {"fraction": told, "at": AT}
        assert reload(page) == "fraction"
        assert (shown(page), fraction(page)) == (here, told)


def test_the_end_is_the_end(page: Page, server: Server, book: str) -> None:
    """The last page of a book that flows is 1 exactly: finished is finished."""
    open_book(page, server, book)
    page.keyboard.press("End")
    assert until(page, lambda: fraction(page) == 1)
    assert saved(page, server, book)["fraction"] == 1


@pytest.mark.parametrize("size", [(1200, 700), (500, 900)])
def test_last_page_of_a_comic(page: Page, server: Server, tmp_path: Path, size: tuple[int, int]) -> None:
    """A comic ends at exactly 1, alone or as half of a spread, and opens on its last page again."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    uuid = server.add(make_comic(tmp_path / "c.cbz", [f"Page{k}.PNG" for k in range(1, 22)]))
    open_book(page, server, uuid)
    for _ in range(40):
        if fraction(page) == 1:
            break
        turn(page)
    assert fraction(page) == 1
    place = saved(page, server, uuid)
    assert place["fraction"] == 1
    assert place["locator"]["kind"] == "page"
    here = page.inner_text("#where")
    assert here.endswith("of 21")
    assert reload(page) == "page"
    assert page.inner_text("#where") == here
    assert fraction(page) == 1


def test_two_saves_never_race(page: Page, server: Server, book: str) -> None:
    """While the answer to one save is late, the next is not sent beside it; in the end the newest stands."""
    open_book(page, server, book)
    server.hold_puts()
    turn(page)
    until(page, lambda: len(server.puts) == 1)
    turn(page, times=4)
    page.wait_for_timeout(2500)
    assert len(server.puts) == 1
    server.release_puts()
    place = saved(page, server, book)
    assert place["at"] == max(p["at"] for p in server.puts)
    assert len({p["event_id"] for p in server.puts}) == len(server.puts)


def test_times_carry_their_zone_and_the_servers_clock(page: Page, server: Server, book: str) -> None:
    """Times are UTC with Z, and a browser whose clock is slow does not lose against a device."""
    server.clock_ahead_s = 7200
    server.positions[book] = None
    open_book(page, server, book)
    turn(page)
    until(page, lambda: server.puts)
    at = server.puts[-1]["at"]
    assert at.endswith("Z")
    ahead = page.evaluate("at => Date.parse(at) - Date.now()", at)
    assert 7_000_000 < ahead < 7_400_000


def test_offline_nothing_is_lost(page: Page, server: Server, book: str) -> None:
    """Pages turned while the server is away are kept, and sent under the same id when it is back."""
    open_book(page, server, book)
    turn(page)
    saved(page, server, book)
    count = len(server.puts)
    server.down = True
    turn(page, times=3)
    until(page, lambda: page.inner_text("#state"))
    here = shown(page)
    assert len(server.puts) == count
    server.down = False
    page.evaluate("dispatchEvent(new Event('online'))")
    saved(page, server, book)
    assert reload(page) == "cfi"
    assert shown(page) == here


def test_what_is_unsent_opens_before_what_the_server_has(page: Page, server: Server, book: str) -> None:
    """A place that never reached the server opens here all the same; a newer one from a device wins over it."""
    open_book(page, server, book)
    turn(page)
    saved(page, server, book)
    page.route("**/position", lambda route: route.abort() if route.request.method == "PUT" else route.continue_())
    turn(page, times=4)
    here = shown(page)
    kept(page)
    assert reload(page) == "cfi"
    assert shown(page) == here
    server.positions[book] = {"fraction": 0.9, "at": "2099-01-01T00:00:00Z", "device": "Kobo"}
    assert reload(page) == "fraction"
    assert fraction(page) == pytest.approx(0.9, abs=0.05)
    assert "Kobo" in page.inner_text("#notice")


def test_leaving_in_haste_keeps_the_place(page: Page, server: Server, book: str) -> None:
    """A tab that is closed right after a page turn has sent it, and the sitting with it."""
    open_book(page, server, book)
    turn(page, times=2)
    here = fraction(page)
    page.goto(f"{server.origin}/books/{book}")
    assert until(page, lambda: any(abs(p["fraction"] - here) < 1e-9 for p in server.puts))
    events = until(page, lambda: [e for s in server.syncs for e in s["events"]])
    assert events[0]["type"] == "session"
    assert events[0]["pages_turned"] == 2
    assert events[0]["end_fraction"] == pytest.approx(here)
    assert events[0]["start_fraction"] < here
    assert events[0]["started_at"] <= events[0]["ended_at"]
    assert server.syncs[0]["device"]["name"] == "Browser"


def test_a_changed_file_opens_anew_at_the_place(page: Page, server: Server, tmp_path: Path) -> None:
    """When the library's file changes under the reader, nothing of the two is mixed and the place stays."""
    path = make_comic(tmp_path / "c.cbz", [f"{k}.png" for k in range(1, 60)], size=(150, 220), noise=True)
    page.set_viewport_size({"width": 500, "height": 900})
    uuid = server.add(path)
    open_book(page, server, uuid)
    turn(page, times=3)
    change_file(path)
    page.evaluate("window.before = true")
    page.evaluate("s => { s.value = .5; s.dispatchEvent(new Event('change')) }", page.query_selector("#progress"))
    until(page, lambda: not page.evaluate("window.before"))
    assert settled(page) == "page"
    until(page, lambda: page.inner_text("#where").endswith("of 59"))
    assert fraction(page) >= 4 / 59


def test_two_people_share_a_browser(context_of: Callable[..., BrowserContext], server: Server, book: str) -> None:
    """What one person reads is not sent under the other's name."""
    context = context_of()
    page = context.new_page()
    open_book(page, server, book)
    page.route("**/position", lambda route: route.abort() if route.request.method == "PUT" else route.continue_())
    turn(page, times=3)
    kept(page)
    page.close()
    page = context.new_page()
    page.goto("about:blank")
    server.puts.clear()
    server.positions.clear()
    server.person = "2"
    other = context.new_page()
    assert open_book(other, server, book) == "start"
    turn(other)
    first = saved(other, server, book)["fraction"]
    assert {p["fraction"] for p in server.puts} == {first}


def test_under_a_path_prefix(page: Page, static: Path, tmp_path: Path) -> None:
    """Everything works below a path of its own, as behind a proxy."""
    server = Server(static, prefix="/books/tomed")
    server.start()
    try:
        uuid = server.add(plain_epub(tmp_path / "p.epub"))
        open_book(page, server, uuid)
        turn(page, times=2)
        saved(page, server, uuid)
        quiet(page)
        assert server.violations == []
        assert all(r.split()[1].startswith("/books/tomed/") for r in server.requests if "favicon" not in r)
    finally:
        server.stop()
