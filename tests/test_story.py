"""The whole story, each link of it real: the terminal's link, the zip from the page, the device, the browser, and back.

Read on the device → sitting and place on the server → the browser opens there → reads on → the device is sent forward.
"""

from __future__ import annotations

import re
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.daemon import Daemon, wait_for
from tests.data import ROOT
from tests.libraries import BookSpec, fingerprint, make_epub, make_library
from tests.plugin.device import Device, book
from tests.web.steps import settled, shown, turn

pytestmark = [pytest.mark.browser, pytest.mark.lua]

WORDS = [
    "lamp",
    "window",
    "river",
    "paper",
    "stair",
    "candle",
    "orchard",
    "winter",
    "letter",
    "harbour",
    "violet",
    "copper",
    "meadow",
    "thimble",
    "garden",
]
TITLE = "A Long Evening"


def _paragraph(chapter: int, number: int) -> str:
    words = (WORDS[(chapter * 7 + number * 3 + n) % len(WORDS)] for n in range(40))
    return f"Chapter {chapter} paragraph {number}: {' '.join(words)}."


PARAGRAPHS = [_paragraph(c, p) for c in range(1, 13) for p in range(40)]
"""The book's text: twelve chapters of forty paragraphs, no two alike."""


def chapters() -> list[tuple[str, str]]:
    """The same as XHTML."""
    return [(f"Chapter {c}", "".join(f"<p>{p}</p>" for p in PARAGRAPHS[c * 40 - 40 : c * 40])) for c in range(1, 13)]


def on_the_device(file_name: str) -> dict:
    """The book as KOReader has it: every paragraph is a page, with the XPointers that crengine gives them."""
    places = [f"/body/DocFragment[{n // 40 + 1}]/body/p[{n % 40 + 1}]" for n in range(len(PARAGRAPHS))]
    known = {place: number for number, place in enumerate(places, 1)}
    known |= {f"/body/DocFragment[{c}]/body/h1[1]": c * 40 - 39 for c in range(1, 13)}
    return book(
        file=f"/mnt/onboard/{file_name}",
        props={"title": TITLE, "authors": "Ada Lantern"},
        pages=len(PARAGRAPHS),
        points=[(f"{place}/text().0", text[:40]) for place, text in zip(places, PARAGRAPHS, strict=True)],
        known={place.replace("/body", "/body[1]"): number for place, number in known.items()},
    )


def sign_in_first(page: Page, daemon: Daemon) -> None:
    """Follow the link of the terminal, give a name and a password."""
    link = re.search(r"http://\S+/welcome/\S+", daemon.output + _rest(daemon))
    assert link, daemon.output
    page.goto(link.group())
    page.fill("#name", "ann")
    page.fill("#password", "long enough")
    page.click("form button")
    page.wait_for_selector("text=ann")


def _rest(daemon: Daemon) -> str:
    """The lines that the daemon says after its address."""
    assert daemon.process is not None
    assert daemon.process.stdout is not None
    return daemon.process.stdout.readline()


def add_device(page: Page, daemon: Daemon, home: Path) -> Device:
    """Name a device on the page, take the zip that it offers, and unpack it as a person would."""
    page.goto(daemon.url + "/devices")
    page.fill("#name", "Kobo")
    page.click("main form button.main-button")
    offered = page.get_attribute("a[download]", "href")
    with page.expect_download() as download:
        page.click("a[download]")
    archive = Path(download.value.path()).read_bytes()
    assert offered
    device = Device(home, daemon.url)
    shutil.rmtree(device.plugin)
    device.install(archive)
    return device


def test_from_the_device_to_the_browser_and_back(
    daemon_of: Callable[..., Daemon], context_of: Callable[..., BrowserContext], tmp_path: Path
):
    """One evening and the morning after, nothing typed but a name and a password."""
    if not (ROOT / "tomed" / "static" / "manifest.json").exists():
        pytest.fail("the web assets are not built: make setup")
    epub = make_epub(tmp_path / "evening.epub", TITLE, chapters=chapters(), author="Ada Lantern")
    spec = BookSpec(TITLE, ("Ada Lantern",), files={"EPUB": epub.read_bytes()})
    library = make_library(tmp_path / "library", [spec])
    before = fingerprint(library.folder)
    daemon = daemon_of(library.folder, person=False)
    daemon.wait_ready()
    page = context_of(accept_downloads=True).new_page()
    sign_in_first(page, daemon)
    device = add_device(page, daemon, tmp_path / "device")

    # In bed: forty pages on the device (a paragraph each), closed, synced from its child process.
    made = library.books[0]
    ours = on_the_device(made.files["EPUB"].name)
    device.play("S.open(book) S.turn(40, 20) S.close_book() S.run(5) S.settle()", book=ours).check()
    assert device.queued() == []

    def told(path: str) -> dict:
        return page.request.get(f"{daemon.url}/api/v1{path}").json()  # with the browser's cookie

    (sitting,) = told(f"/sessions?book_uuid={made.uuid}")["sessions"]
    assert (sitting["pages_turned"], sitting["device"], sitting["book"]["title"]) == (40, "Kobo", TITLE)
    place = told(f"/books/{made.uuid}/position")["position"]
    assert (place["fraction"], place["locator"]["kind"]) == (pytest.approx(41 / 480), "xpointer")

    # In the morning: the library offers the book, and it opens at the very sentence.
    page.goto(daemon.url + "/")
    page.click(f"text={TITLE}")
    page.click("a[href*='/read/']")
    assert settled(page) == "cfi"
    assert "Chapter 2 paragraph 0" in shown(page)
    still = told(f"/books/{made.uuid}/position")["position"]
    # how far that is by the book's text is measured in the background
    assert still | {"canonical": None} == place | {"canonical": None}, "opening a book writes nothing"

    # Reads on in the browser.
    turn(page, times=12)
    there = wait_for(lambda: (p := told(f"/books/{made.uuid}/position")["position"])["locator"]["kind"] == "cfi" and p)
    assert there["device"] != "Kobo"
    there = wait_for(lambda: (p := told(f"/books/{made.uuid}/position")["position"])["text"][:20] in shown(page) and p)

    # In bed again: the device is sent forward, to the paragraph that the browser stopped at.
    played = device.play("S.open(book) S.run(3) S.settle() S.dump(S.ui.document.page)", book=ours).check()
    landed = played.of("dump")[0]["what"]
    assert landed > 41
    chapter = f"Chapter {(landed - 1) // 40 + 1} " if landed % 40 == 1 else ""
    assert there["text"][:20] in chapter + " ".join(PARAGRAPHS[landed - 1 : landed + 1])

    assert daemon.stop() < 20
    assert fingerprint(library.folder) == before, "not a byte and not a time of the library changed"
    with pytest.raises(OSError):
        urllib.request.urlopen(daemon.url, timeout=2)
