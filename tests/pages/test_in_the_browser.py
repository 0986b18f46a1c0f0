"""The pages in real Chromium: the first walk without JavaScript, narrow and grey screens, and axe-core's judgement."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.chromium import missing
from tests.daemon import Daemon, wait_for
from tests.data import ROOT
from tests.libraries import LibraryFixture

pytestmark = pytest.mark.browser

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
INK = {"viewport": {"width": 600, "height": 800}, "java_script_enabled": False, "reduced_motion": "reduce"}
TINY = {"viewport": {"width": 320, "height": 600}}
AT = "2026-11-20T20:00:00Z"


@pytest.fixture
def daemon(daemon_of: Callable[..., Daemon], library: LibraryFixture) -> Daemon:
    """A daemon with a library, a person, a device, something read, and a file that found no book."""
    made = daemon_of(library.folder)
    made.wait_ready()
    known = {"book_uuid": library.book("Second Light").uuid}
    events = [
        {
            "id": f"event-{number}",
            "type": "session",
            "at": AT,
            "book": book,
            "started_at": "2026-11-20T19:30:00Z",
            "ended_at": AT,
            "active_s": 1700,
            "pages_turned": 40,
            "start_fraction": 0.1,
            "end_fraction": 0.4,
            "text": "Call me Ishmael.",
        }
        for number, book in enumerate((known, {"filename": "scan 42.epub", "title": "Some Light"}))
    ]
    device = {"id": "device-1", "name": "Kobo", "model": "Kobo_nova", "koreader": "v2026.03", "plugin": "0.1.0"}
    answer = made.post("/sync", {"device": device, "now": AT, "events": events, "want": []})
    assert [result["result"] for result in answer.json["results"]] == ["accepted", "accepted"]
    return made


def sign_in(page: Page, daemon: Daemon, name: str = "ann", password: str = "long enough") -> Page:
    page.goto(daemon.url + "/sign-in")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("main button")
    page.wait_for_url(daemon.url + "/")
    return page


def paths(page: Page, daemon: Daemon, library: LibraryFixture) -> Iterator[str]:
    """One of each page."""
    yield from ("/", "/books", "/search?q=light", "/series", "/authors", "/tags", "/devices", "/inbox", "/settings")
    yield f"/books/{library.book('Second Light').uuid}"
    yield f"/books/{library.book('Paper Only').uuid}"
    yield "/users"
    yield "/statistics"
    yield "/nowhere"


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious(context_of: Callable[..., BrowserContext], daemon, library, colours):
    """Names, labels, contrast, landmarks, order of headings: on every page, light and dark, signed in or not."""
    if not AXE.exists():
        missing("axe-core is not there: run npm ci in web/")
    page = context_of(color_scheme=colours).new_page()
    axe = AXE.read_text("utf-8")
    judged, faults = 0, []

    def judge(path: str) -> None:
        nonlocal judged
        page.goto(daemon.url + path)
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        judged += 1
        for one in found["violations"]:
            faults.extend(f"{path}: {one['id']} ({one['impact']}): {node['html'][:160]}" for node in one["nodes"])

    judge("/sign-in")
    judge("/welcome/none")
    sign_in(page, daemon)
    for path in paths(page, daemon, library):
        judge(path)
    assert judged > 12
    assert not faults, "\n".join(faults)


def test_from_the_one_time_link_to_the_plugin_without_javascript(context_of, daemon_of, library):
    """What a new person does, with links and forms alone: nothing is typed twice, and the zip comes down."""
    started = time.monotonic()
    daemon = daemon_of(library.folder, person=False)
    daemon.wait_ready()
    link = wait_for(lambda: _welcome_link(daemon))
    page = context_of(**INK).new_page()
    page.goto(link)
    assert f"{len(library.books)} books" in page.inner_text("main")
    page.fill("#name", "Ann")
    page.fill("#password", "long enough")
    page.click("main button")
    page.fill("#name", "Bedside reader")
    page.click("main section[aria-labelledby=add] button")
    assert "Bedside reader" in page.inner_text("h1")
    with page.expect_download() as download:
        page.click("a.main-button")
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        defaults = archive.read("tomesync.koplugin/tomesync_defaults.lua").decode()
    assert daemon.url in defaults
    page.click("text=To the library")
    assert "First Light" in page.inner_text("main")
    page.click("text=First Light")
    page.select_option("#status", "reading")
    page.click("text=Save")
    assert "Saved." in page.inner_text("main")
    page.click("footer button")
    page.wait_for_url("**/sign-in")
    assert time.monotonic() - started < 180


def _welcome_link(daemon: Daemon) -> str:
    found = re.search(r"http\S+/welcome/\S+", daemon.output)
    if found is None and daemon.process is not None and daemon.process.stdout is not None:
        daemon.output += daemon.process.stdout.readline()
        found = re.search(r"http\S+/welcome/\S+", daemon.output)
    return found.group() if found else ""


@pytest.mark.parametrize(
    "profile", [PHONE, INK, {"viewport": {"width": 320, "height": 600}}], ids=["phone", "ink", "tiny"]
)
def test_every_page_fits_a_narrow_screen(context_of, daemon, library, profile):
    """Nothing has to be scrolled sideways; what is touched is large enough for a thumb."""
    page = sign_in(context_of(**profile).new_page(), daemon)
    width = profile["viewport"]["width"]
    for path in paths(page, daemon, library):
        page.goto(daemon.url + path)
        assert page.locator("html").evaluate("e => e.scrollWidth") <= width, path
        for button in page.locator("main button:visible:not(.plain-button)").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 40, (path, button.inner_text())


def test_pages_ask_nobody_else_shift_nothing_and_break_no_rule(context_of, daemon, library):
    """No request leaves the daemon, the policy is never broken, and covers that come late move nothing."""
    page = context_of().new_page()
    asked: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    sign_in(page, daemon)
    for path in ("/", "/books", f"/books/{library.book('Second Light').uuid}", "/devices", "/inbox"):
        page.goto(daemon.url + path, wait_until="networkidle")
        shifted = page.evaluate(
            """new Promise(done => {
                let sum = 0
                const add = list => list.getEntries().forEach(entry => { sum += entry.value })
                new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true })
                requestAnimationFrame(() => setTimeout(() => done(sum), 50))
            })"""
        )
        assert shifted == 0, path
    assert all(url.startswith(daemon.url + "/") for url in asked)
    assert any("/covers/" in url for url in asked)
    assert told == []


def test_the_keyboard_reaches_the_content_first(context_of, daemon):
    """The first Tab shows the way past the navigation, and every stop can be seen."""
    page = sign_in(context_of().new_page(), daemon)
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("e => e === document.activeElement")
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
