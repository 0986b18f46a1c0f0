"""Reading without a network, where the browser allows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.web.books import plain_epub
from tests.web.serving import Server
from tests.web.steps import fraction, open_book, reload, saved, settled, shown, turn, until

pytestmark = pytest.mark.browser


def test_a_kept_book_opens_without_a_server(
    context_of: Callable[..., BrowserContext], server: Server, tmp_path: Path
) -> None:
    """Kept once, the book opens, turns and keeps its place while nothing answers; later everything is sent."""
    server.offline = True
    uuid = server.add(plain_epub(tmp_path / "o.epub"))
    page = context_of().new_page()
    open_book(page, server, uuid)
    until(page, lambda: page.evaluate("navigator.serviceWorker.ready.then(r => !!r.active)"))
    reload(page)  # now through the worker
    page.keyboard.press("s")
    page.locator("#keep").check()
    kept = "caches.open('tomed-books').then(c => c.keys()).then(k => k.length)"
    until(page, lambda: page.evaluate(kept) == 1)
    page.keyboard.press("Escape")
    turn(page, times=2)
    saved(page, server, uuid)
    server.gone = True
    turn(page, times=2)
    here, words = fraction(page), shown(page)
    assert reload(page) == "cfi"
    assert shown(page) == words
    turn(page)
    here = fraction(page)
    page.goto(server.origin + "/")  # where the installed reader begins
    assert "cannot be reached" in page.inner_text("h1")
    assert page.locator("li a").all_text_contents() == ["o"]
    page.click("li a")
    assert settled(page) == "cfi"
    assert fraction(page) == here
    server.gone = False
    page.evaluate("dispatchEvent(new Event('online'))")
    until(page, lambda: abs(server.positions[uuid]["fraction"] - here) < 1e-9)  # type: ignore[index]
