"""What makes reading pleasant: contents, search, notes, letters, fingers, the time that is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.chromium import missing
from tests.web.books import chapter, make_epub, plain_epub
from tests.web.serving import ROOT, Server
from tests.web.steps import fraction, open_book, quiet, reload, saved, shown, turn, until

pytestmark = pytest.mark.browser
NOTES = (
    '<p>Somebody said so<a epub:type="noteref" href="#n1">1</a> and elsewhere'
    '<sup><a href="c2.xhtml#n2">2</a></sup>.</p>'
    '<aside epub:type="footnote" id="n1"><p>The <em>first</em> note<script>x</script>.</p></aside>'
)


@pytest.fixture
def book(server: Server, tmp_path: Path) -> str:
    return server.add(plain_epub(tmp_path / "made.epub"))


def test_contents_and_the_way_back(page: Page, server: Server, book: str) -> None:
    """A chapter is chosen from the contents, marked there, and the way back leads to the words left behind."""
    open_book(page, server, book)
    turn(page, times=2)
    here = shown(page)
    page.get_by_role("button", name="Contents").click()
    assert page.locator("#toc [aria-current]").inner_text() == "Chapter 1"
    page.get_by_role("button", name="Chapter 3").click()
    until(page, lambda: shown(page).startswith("Chapter 3"))
    assert page.inner_text("#chapter") == "Chapter 3"
    page.get_by_role("button", name="Back to where I was").click()
    until(page, lambda: shown(page) == here)
    assert not page.locator("#back").is_visible()


def test_search(page: Page, server: Server, book: str) -> None:
    """Words are found whatever their case and white space, and a hit leads there."""
    open_book(page, server, book)
    page.keyboard.press("/")
    page.fill("#query", "paragraph 7  OF chapter 3")
    page.keyboard.press("Enter")
    until(page, lambda: page.inner_text("#search-status") == "1 found.")
    page.locator("#hits button").click()
    quiet(page)
    range_text = "document.querySelector('foliate-view').lastLocation.range.toString()"
    until(page, lambda: "Paragraph 7 of chapter 3" in page.evaluate(range_text))
    page.keyboard.press("/")
    page.fill("#query", "no such words anywhere")
    page.keyboard.press("Enter")
    until(page, lambda: page.inner_text("#search-status") == "Nothing found.")


def test_notes_open_beside_the_text(page: Page, server: Server, tmp_path: Path) -> None:
    """A note shows where one reads; its way leads there, and none of its own code comes along."""
    bodies = [NOTES + chapter(1), chapter(2) + '<ol><li id="n2">The second note.</li></ol>']
    open_book(page, server, server.add(make_epub(tmp_path / "n.epub", bodies)))
    here = shown(page)
    frame = next(f for f in page.frames if f.parent_frame is not None)
    frame.get_by_role("link", name="1").click()
    until(page, lambda: page.locator("#note[open]").count())
    assert page.inner_text("#note-text").strip() == "The first note."
    assert page.locator("#note-text em").inner_text() == "first"
    assert page.locator("#note-text script").count() == 0
    page.keyboard.press("Escape")
    frame.get_by_role("link", name="2").click()
    until(page, lambda: "The second note." in page.inner_text("#note-text"))
    assert shown(page) == here
    page.click("#note-go")
    until(page, lambda: shown(page) != here)
    assert fraction(page) == 1


def test_settings_last_and_keep_the_place(page: Page, server: Server, book: str) -> None:
    """Letters, colours and the way of moving change at once, stay, and the words on the page stay too."""
    open_book(page, server, book)
    turn(page, times=3)
    words = shown(page)[:25]
    page.keyboard.press("s")
    page.get_by_label("Sepia").check()
    page.select_option("select[name=font]", "sans")
    page.get_by_role("button", name="Larger").click()
    page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.dataset.theme") == "sepia"
    assert reload(page) in ("cfi",)
    assert page.evaluate("document.documentElement.dataset.theme") == "sepia"
    frame = next(f for f in page.frames if f.parent_frame is not None)
    style = frame.evaluate(
        "[getComputedStyle(document.body).fontFamily, getComputedStyle(document.documentElement).fontSize]"
    )
    assert style[0].startswith("system-ui")
    assert style[1] == "17.6px"
    assert words in page.evaluate(
        "document.querySelector('foliate-view').lastLocation.range.toString().replace(/\\s+/g, ' ')"
    )


def test_scrolled(page: Page, server: Server, book: str) -> None:
    """Scrolled text is saved where it stands, ends at 1, and opens there."""
    open_book(page, server, book)
    page.keyboard.press("s")
    page.select_option("select[name=flow]", "scrolled")
    page.keyboard.press("Escape")
    turn(page, "Space", times=2)
    here = saved(page, server, book)["fraction"]
    assert reload(page) == "cfi"
    assert fraction(page) == pytest.approx(here, abs=0.02)
    page.keyboard.press("End")
    until(page, lambda: fraction(page) == 1)


def test_fingers(context_of: Callable[..., BrowserContext], server: Server, book: str) -> None:
    """A tap at the sides turns, one in the middle empties the bars, and every target is large enough for a finger."""
    page = context_of(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True).new_page()
    open_book(page, server, book)
    first = shown(page)
    page.touchscreen.tap(370, 400)
    until(page, lambda: shown(page) != first)
    quiet(page)
    saved(page, server, book)
    page.touchscreen.tap(20, 400)
    until(page, lambda: shown(page) == first)
    page.touchscreen.tap(195, 400)
    until(page, lambda: page.locator("body.quiet").count())
    page.touchscreen.tap(195, 400)
    until(page, lambda: not page.locator("body.quiet").count())
    for button in page.locator(".bar button:visible, .bar a:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["width"] >= 44
        assert box["height"] >= 44


def test_quick_fingers_lose_no_page(page: Page, server: Server, book: str) -> None:
    """Keys that come faster than pages turn wait for each other."""
    open_book(page, server, book)
    turn(page, times=4)
    four = shown(page)
    page.keyboard.press("Home")
    until(page, lambda: shown(page).startswith("Chapter 1"))
    quiet(page)
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    until(page, lambda: shown(page) == four)


def test_the_time_that_is_left(page: Page, server: Server, book: str) -> None:
    """From the sittings of the past: at this pace the whole book takes two hours."""
    server.sessions = [{"active_s": 3600, "start_fraction": 0.0, "end_fraction": 0.5}]
    open_book(page, server, book)
    until(page, lambda: page.inner_text("#left"))
    assert page.inner_text("#left").endswith("min left in chapter · 2 h in book")


def test_words_for_who_does_not_see(page: Page, server: Server, book: str) -> None:
    """Every button has a name, the frame a title, the slider says where it stands."""
    open_book(page, server, book)
    names = [
        b.evaluate("b => (b.getAttribute('aria-label') ?? b.textContent).trim()") for b in page.locator("button").all()
    ]
    assert all(names)
    frame = next(f for f in page.frames if f.parent_frame is not None)
    assert frame.frame_element().get_attribute("title") == "Text of the book"
    assert "%" in (page.get_attribute("#progress", "aria-valuetext") or "")


@pytest.mark.parametrize("sheet", ["", "contents", "search", "settings"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious(
    context_of: Callable[..., BrowserContext], server: Server, book: str, sheet: str, colours: str
) -> None:
    """The reader and its sheets, by axe-core's rules."""
    axe = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        missing("axe-core is not there: run npm ci in web/")
    page = context_of(color_scheme=colours).new_page()
    open_book(page, server, book)
    if sheet:
        page.locator(f"button[data-act={sheet}]").click()
    page.evaluate(axe.read_text("utf-8"))
    found = page.evaluate("axe.run(document, { iframes: false })")["violations"]
    serious = [
        (v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")
    ]
    assert serious == []
