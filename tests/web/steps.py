"""What a person does on the reader page, and what the page then says.

The strict policy also forbids Playwright's ``wait_for_function``; ``until`` asks from outside instead.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Error, Page

from tests.web.serving import Server

T = TypeVar("T")
VIEW = "document.querySelector('foliate-view')"
WHERE = f"JSON.stringify([{VIEW}?.lastLocation?.cfi, document.querySelector('#progress').value])"


def until(page: Page, question: Callable[[], T], deadline_s: float = 60) -> T:
    """Ask until the answer is true, letting the browser go on meanwhile; a page being left has no answer."""
    end = time.monotonic() + deadline_s
    while True:
        try:
            answer = question()
        except Error:
            if time.monotonic() > end:
                raise
        else:
            if answer:
                return answer
        assert time.monotonic() < end, "it never came"
        page.wait_for_timeout(20)


def open_book(page: Page, server: Server, uuid: str) -> str:
    """Open the reader and wait until it has settled; answers how the place was found, or ``failed``."""
    page.goto(server.url(uuid))
    return settled(page)


def reload(page: Page) -> str:
    """Open the same page anew."""
    page.reload()
    return settled(page)


def settled(page: Page) -> str:
    """Wait until the book is open (``cfi``, ``text``, ``page``, ``fraction``, ``start``) or has ``failed``."""
    told = "document.body?.dataset.state !== 'opening' && document.body?.dataset.state"
    state = until(page, lambda: page.evaluate(told))
    return "failed" if state == "failed" else page.evaluate("document.body.dataset.restored")


def sentence(page: Page) -> str:
    """What stands in the middle of the page."""
    return page.inner_text("#sentence")


def fraction(page: Page) -> float:
    """The place as the slider has it: the end of what is shown."""
    return float(page.input_value("#progress"))


def shown(page: Page) -> str:
    """The first words of the page of a book that flows."""
    told = f"{VIEW}.lastLocation?.range?.toString().replace(/\\s+/g, ' ').trim().slice(0, 60)"
    return page.evaluate(told) or ""


def cfi(page: Page) -> str:
    """Where foliate says that it is."""
    return page.evaluate(f"{VIEW}.lastLocation?.cfi") or ""


def turn(page: Page, key: str = "ArrowRight", times: int = 1) -> None:
    """Turn pages one by one, each seen before the next."""
    for _ in range(times):
        before = page.evaluate(WHERE)
        page.keyboard.press(key)
        until(page, lambda before=before: page.evaluate(WHERE) != before)
        quiet(page)


def quiet(page: Page) -> None:
    """Wait until no move is under way."""
    until(page, lambda: not page.locator("#stage[aria-busy=true]").count())


def kept(page: Page) -> None:
    """Wait until the browser itself has the place that is shown, whatever becomes of the network and of the page."""
    rows = """new Promise(resolve => {
        const opening = indexedDB.open('tomed')
        opening.onsuccess = () => {
            const asked = opening.result.transaction('places').objectStore('places').getAll()
            asked.onsuccess = () => { opening.result.close(); resolve(asked.result.map(row => row.end)) }
        }
    })"""
    here = fraction(page)
    until(page, lambda: any(abs(end - here) < 1e-9 for end in page.evaluate(rows)))


def saved(page: Page, server: Server, uuid: str) -> dict[str, Any]:
    """Wait until the server has the place that is shown."""
    here = fraction(page)
    return until(page, lambda: (p := server.positions.get(uuid)) and abs(p["fraction"] - here) < 1e-9 and p)


def change_file(path: Path) -> None:
    """Make the file another one for anybody who knows its ETag; its content stays what it was."""
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))


def frames(page: Page) -> list[Any]:
    """The documents of the book that are shown."""
    return [frame for frame in page.frames if frame.parent_frame is not None]
