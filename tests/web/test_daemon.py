"""The reader in front of the real daemon: its policy, its ranges, its positions and its sittings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.daemon import Daemon
from tests.data import ROOT
from tests.libraries import BookSpec, make_library
from tests.web.books import make_comic, plain_epub
from tests.web.steps import fraction, reload, settled, turn, until

pytestmark = pytest.mark.browser

CUT = """
// no request outlives the page, and nothing that is written while it goes away is kept
const real = window.fetch
window.fetch = (url, options) => options?.keepalive ? Promise.reject(new TypeError('cut')) : real(url, options)
const cut = () => { throw new Error('cut') }
for (const type of ['pagehide', 'visibilitychange']) addEventListener(type, () => {
    if (type === 'pagehide' || document.visibilityState === 'hidden') IDBObjectStore.prototype.put = cut
}, true)
"""


@dataclass
class House:
    """A daemon, the uuid of its one EPUB and of its one comic, and a context whose person is signed in."""

    daemon: Daemon
    books: dict[str, str]
    context: BrowserContext

    def told(self, path: str) -> Any:
        return self.context.request.get(f"{self.daemon.url}/api/v1{path}").json()

    def sittings(self, kind: str) -> list[Any]:
        return self.told(f"/sessions?book_uuid={self.books[kind]}")["sessions"]

    def place(self, kind: str) -> Any:
        locator = "cfi" if kind == "EPUB" else "page"
        return self.told(f"/books/{self.books[kind]}/position?kind={locator}")["position"]

    @contextmanager
    def without_daemon(self) -> Iterator[None]:
        """Nobody answers meanwhile; afterwards the daemon is back at the same address."""
        self.daemon.stop()
        yield
        self.daemon.arguments += ("--port", str(urlsplit(self.daemon.url).port))
        self.daemon.start()

    def open(self, page: Page, kind: str) -> str:
        page.goto(f"{self.daemon.url}/read/{self.books[kind]}?format={kind}")
        return settled(page)


@pytest.fixture
def house(daemon_of: Callable[..., Daemon], context_of: Callable[..., BrowserContext], tmp_path: Path) -> House:
    """The whole of tomed, and a browser that has read nothing yet."""
    if not (ROOT / "tomed" / "static" / "manifest.json").exists():
        pytest.fail("the web assets are not built: make setup")
    files = {
        "EPUB": plain_epub(tmp_path / "b.epub").read_bytes(),
        "CBZ": make_comic(tmp_path / "c.cbz", [f"{k}.png" for k in range(1, 30)], (200, 300), noise=True).read_bytes(),
    }
    specs = [BookSpec(f"A {kind}", ("Ada Lantern",), files={kind: content}) for kind, content in files.items()]
    library = make_library(tmp_path / "library", specs)
    daemon = daemon_of(library.folder)
    daemon.wait_ready()
    context = context_of()
    page = context.new_page()
    page.goto(daemon.url + "/sign-in")
    page.fill("#name", "ann")
    page.fill("#password", "long enough")
    page.click("main form button")
    page.wait_for_selector("text=ann")
    page.close()
    return House(daemon, {kind: made.uuid for kind, made in zip(files, library.books, strict=True)}, context)


def test_book_and_comic_on_the_real_daemon(house: House) -> None:
    """Opened, read, left and opened again; the policy has nothing to complain of, the sitting is told."""
    page = house.context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for kind in house.books:
        assert house.open(page, kind) == "start"
        assert house.place(kind) is None
        turn(page, times=3)
        here = fraction(page)
        until(page, lambda: (p := house.place(kind)) and abs(p["fraction"] - here) < 1e-6)  # noqa: B023
        assert reload(page) == ("cfi" if kind == "EPUB" else "page")
        assert fraction(page) == pytest.approx(here)
        page.goto(house.daemon.url + "/")
        (sitting,) = until(page, lambda: house.sittings(kind))  # noqa: B023
        assert sitting["pages_turned"] == 3
        assert sitting["end_fraction"] == pytest.approx(here)
        assert sitting["device"].startswith("Browser")
    assert complaints == []


@pytest.mark.parametrize("afterwards", ["/", "/statistics", "/settings", "another book"])
def test_a_farewell_that_is_cut_arrives_from_the_next_page(house: House, afterwards: str) -> None:
    """No request and no write of the page that goes away gets through: the next page of any kind tells it all."""
    page = house.context.new_page()
    page.add_init_script(CUT)
    house.open(page, "EPUB")
    turn(page, times=2)
    here = fraction(page)
    # the last page is looked at for a while; what the page wrote with its last turn knows nothing of that
    page.wait_for_timeout(1600)
    page.goto("about:blank")
    assert house.sittings("EPUB") == []
    page.close()
    page = house.context.new_page()
    if afterwards.startswith("/"):
        page.goto(house.daemon.url + afterwards)
    else:
        house.open(page, "CBZ")
    (sitting,) = until(page, lambda: house.sittings("EPUB"))
    assert sitting["pages_turned"] == 2
    assert sitting["end_fraction"] == pytest.approx(here)
    assert sitting["active_s"] >= 1
    place = until(page, lambda: house.place("EPUB"))
    assert place["fraction"] == pytest.approx(here)
    left = "Object.keys(localStorage).filter(name => /^tomed.(left|waiting)/.test(name))"
    until(page, lambda: page.evaluate(left) == [])
    page.goto(house.daemon.url + "/books")
    assert len(house.sittings("EPUB")) == 1


def test_what_was_read_without_a_network_goes_home_from_a_library_page(house: House) -> None:
    """The place and the sitting of an evening without the daemon arrive when the library is opened next."""
    page = house.context.new_page()
    page.add_init_script(CUT)
    house.open(page, "EPUB")
    # not Playwright's routes: what passes a service worker on its way passes them by
    with house.without_daemon():
        turn(page, times=2)
        here = fraction(page)
        until(page, lambda: page.inner_text("#state"))
        page.goto("about:blank")
        page.close()
    assert house.place("EPUB") is None
    page = house.context.new_page()
    page.goto(house.daemon.url + "/books")
    place = until(page, lambda: house.place("EPUB"))
    assert place["fraction"] == pytest.approx(here)
    (sitting,) = until(page, lambda: house.sittings("EPUB"))
    assert sitting["pages_turned"] == 2


def test_a_copied_tab_and_a_page_that_comes_back_lose_no_sitting(house: House) -> None:
    """While one tab reads, another opens, reads and goes: each sitting is told once, with all its pages."""
    page = house.context.new_page()
    page.add_init_script(CUT)
    house.open(page, "EPUB")
    turn(page, times=2)
    with house.context.expect_page() as opened:
        page.evaluate("open(location.href)")  # takes a copy of the tab's own memory along
    other = opened.value
    settled(other)
    turn(other, times=1)
    other.goto("about:blank")
    other.close()
    page.bring_to_front()
    turn(page, times=2)
    page.goto(house.daemon.url + "/")
    page.go_back()  # whether the browser kept the page or opens it anew
    settled(page)
    turn(page, times=3)
    page.goto(house.daemon.url + "/")
    told = until(page, lambda: len(found := house.sittings("EPUB")) == 3 and found)
    assert sorted(sitting["pages_turned"] for sitting in told) == [1, 3, 4]
