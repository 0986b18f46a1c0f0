"""Every kind of book opens, turns, ends and comes back; every broken file gives a sentence a person understands."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.data import folder, shared
from tests.web.books import make_comic, make_epub, plain_epub
from tests.web.serving import Server
from tests.web.steps import fraction, frames, open_book, quiet, reload, saved, sentence, shown, turn, until

pytestmark = pytest.mark.browser


def files(*kinds: str) -> list[str]:
    """Names of the shared files in these folders; a missing folder shows as a file that is not there."""
    found = [f"{kind}/{path.name}" for kind in kinds for path in sorted((folder() / kind).glob("*"))]
    return found or [f"{kind}/-" for kind in kinds]


SENTENCES = {
    "comics/komga-7zip.cb7": "7-Zip",
    "comics/komga-rar4.cbr": "RAR",
    "comics/komga-rar5.cbr": "RAR",
    "comics/stored-rar4.cbr": "RAR",
    "comics/no-images.cbz": "no pictures",
    "pdf/pypdf-libreoffice-writer-password.pdf": "password",
    "djvu/science-comics-3p.djvu": "cannot show DJVU",
}
"""Files that a browser cannot show, and what is said of them."""

CORE = ["epub/poe-poetry.epub", "epub/idpf-kusamakura-vertical.epub", "epub/idpf-haruko-jpeg-fxl-rtl.epub",
        "comics/manga-rtl-comicinfo.cbz", "comics/unsorted-unpadded-names.cbz", "mobi/wells-the-time-machine.mobi",
        "azw3/wells-the-time-machine.azw3", "fb2/wells-the-time-machine.fb2", "fb2/wells-the-time-machine.fb2.zip",
        "pdf/pypdf-pdflatex-4-pages.pdf", "epub/w3c-ocf-font_obfuscation.epub",
        "epub/encoding-windows-1251-debmake-doc-ru.epub", "epub/w3c-pkg-spine-duplicate-item-hyperlink.epub",
        "epub/w3c-pkg-spine-order-svg.epub"]  # fmt: skip
ALL = files("epub", "comics", "mobi", "azw3", "fb2", "pdf", "djvu") if os.environ.get("TOMED_ALL_BOOKS") else CORE
"""A few of each kind; ``TOMED_ALL_BOOKS=1`` takes all there are (ten minutes)."""


def add(server: Server, name: str) -> str:
    path = shared(name)
    return server.add(path, "FB2.ZIP" if path.name.endswith(".fb2.zip") else None)


@pytest.mark.shared
@pytest.mark.parametrize("name", ALL)
def test_opens_turns_ends_and_comes_back(page: Page, server: Server, name: str) -> None:
    """First page, next page, last page, and there again after a reload; no word of the policy is broken."""
    uuid = add(server, name)
    if name in SENTENCES:
        return
    assert open_book(page, server, uuid) == "start"
    assert server.puts == []
    first, words = fraction(page), shown(page)
    page.keyboard.press("Space")
    quiet(page)
    page.keyboard.press("End")
    until(page, lambda: fraction(page) == 1)
    quiet(page)
    if first < 1:
        saved(page, server, uuid)
        here = shown(page)
        assert reload(page) in ("cfi", "page", "fraction")
        assert (fraction(page), shown(page)) == (1, here)
    assert "�" not in words
    assert server.violations == []


@pytest.mark.shared
@pytest.mark.parametrize("name", sorted(SENTENCES))
def test_what_cannot_be_shown_says_so(page: Page, server: Server, name: str) -> None:
    """A format that no browser reads, or a lock: a sentence, the file to download, the way back."""
    if "password" in name:
        page.goto(server.url(add(server, name)))
        until(page, lambda: page.locator("#password[open]").count())
        page.keyboard.press("Escape")
    else:
        assert open_book(page, server, add(server, name)) == "failed"
    until(page, lambda: SENTENCES[name] in sentence(page))
    assert page.locator("main a[download]").is_visible()


@pytest.mark.shared
@pytest.mark.parametrize("name", files("malformed"))
def test_malformed_files(page: Page, server: Server, tmp_path: Path, name: str) -> None:
    """Opens as well as it may, or says what is wrong; never nothing, never a word for programmers, and it goes on."""
    uuid = add(server, name)
    how = open_book(page, server, uuid)
    if how == "failed":
        said = sentence(page)
        assert said.endswith(".")
        assert not any(word in said for word in ("Error", "undefined", "null", "XML parsing", "TypeError", "object"))
    else:
        frames = [frame for frame in page.frames if frame.parent_frame is not None]
        assert any(frame.locator("body").inner_text().strip() or frame.locator("img, svg").count() for frame in frames)
    assert page.evaluate("1 + 1") == 2
    assert open_book(page, server, server.add(plain_epub(tmp_path / "well.epub", 1))) == "start"


def test_comic_pages_in_the_order_of_a_person(page: Page, server: Server, tmp_path: Path) -> None:
    """Numbers count as numbers, letters' case and what a Mac leaves behind do not."""
    names = [
        "ch2/p1.JPG",
        "ch1/Page10.PNG",
        "ch1/page2.png",
        "__MACOSX/ch1/._page2.png",
        "ch1/.hidden.png",
        "cover.Png",
    ]
    uuid = server.add(make_comic(tmp_path / "c.cbz", names))
    page.set_viewport_size({"width": 500, "height": 800})
    open_book(page, server, uuid)
    assert page.inner_text("#where") == "1 of 4"
    order = page.evaluate("document.querySelector('foliate-view').book.sections.map(s => s.id)")
    assert order == ["ch1/page2.png", "ch1/Page10.PNG", "ch2/p1.JPG", "cover.Png"]
    assert page.locator("#toc button").all_text_contents() == ["ch1", "ch2"]


def test_spreads_and_right_to_left(page: Page, server: Server, tmp_path: Path) -> None:
    """Two pages lie open where there is room, the cover alone; what is told counts the further one."""
    uuid = server.add(make_comic(tmp_path / "c.cbz", [f"{k}.png" for k in range(1, 8)]))
    open_book(page, server, uuid)
    seen = [page.inner_text("#where")]
    while fraction(page) < 1:
        turn(page)
        seen.append(page.inner_text("#where"))
    assert seen == ["1 of 7", "2–3 of 7", "4–5 of 7", "6–7 of 7"]
    turn(page, "ArrowLeft")
    assert page.inner_text("#where") == "4–5 of 7"


@pytest.mark.parametrize(
    ("style", "sides"), [("writing-mode: vertical-rl", "vertical"), ("direction: rtl", "rtl")], ids=["vertical", "rtl"]
)
def test_writing_that_begins_at_the_right(page: Page, server: Server, tmp_path: Path, style: str, sides: str) -> None:
    """Columns from right to left, or lines that do: the left key leads on, the right one back, and the place lasts."""
    words = "吾輩は猫である。名前はまだ無い。" if sides == "vertical" else "في البدء كان الكتاب وكان القارئ وحده. "
    bodies = [f"<h1>{k}</h1>" + f"<p>{words * 12}</p>" * 30 for k in range(1, 3)]
    head = f"<style>html {{ {style} }}</style>"
    uuid = server.add(make_epub(tmp_path / "w.epub", bodies, head=head, direction="rtl"))
    open_book(page, server, uuid)
    first = fraction(page)
    turn(page, "ArrowLeft", times=3)
    here = fraction(page)
    assert here > first
    turn(page, "ArrowRight")
    assert first < fraction(page) < here
    here, text = fraction(page), saved(page, server, uuid)["text"]
    assert text.strip()[:6] in words * 2
    assert reload(page) == "cfi"
    assert fraction(page) == pytest.approx(here)
    doc = frames(page)[0]
    if sides == "vertical":
        assert doc.evaluate("getComputedStyle(document.documentElement).writingMode") == "vertical-rl"


def test_a_missing_and_a_damaged_part(page: Page, server: Server, tmp_path: Path) -> None:
    """A hole in a book is a page that says so; the rest is read on."""
    path = plain_epub(tmp_path / "h.epub", 3)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    del parts["OPS/c2.xhtml"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    uuid = server.add(path)
    open_book(page, server, uuid)
    page.keyboard.press("t")
    page.get_by_role("button", name="Chapter 2").click()
    until(page, lambda: "missing" in shown(page))
    page.keyboard.press("ArrowRight")
    until(page, lambda: shown(page).startswith("Chapter 3"))


def test_a_large_book_is_read_in_ranges(page: Page, server: Server, tmp_path: Path) -> None:
    """Of a large file only what is shown is fetched."""
    path = tmp_path / "big.cbz"
    make_comic(path, [f"{k}.png" for k in range(1, 4)])
    with zipfile.ZipFile(path, "a") as archive:
        for k in range(4, 40):
            archive.writestr(f"{k}.png", os.urandom(1_000_000))
    uuid = server.add(path)
    open_book(page, server, uuid)
    assert server.bytes_of_books < 6_000_000
