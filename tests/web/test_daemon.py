"""The reader in front of the real daemon: its policy, its ranges, its positions and its sittings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.daemon import Daemon
from tests.data import ROOT
from tests.libraries import BookSpec, make_library
from tests.web.books import make_comic, plain_epub
from tests.web.steps import fraction, reload, settled, turn, until

pytestmark = pytest.mark.browser


def test_book_and_comic_on_the_real_daemon(
    daemon_of: Callable[..., Daemon], context_of: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    """Opened, read, left and opened again; the policy has nothing to complain of, the sitting is told."""
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
    page = context_of().new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(daemon.url + "/sign-in")
    page.fill("#name", "ann")
    page.fill("#password", "long enough")
    page.click("main form button")
    page.wait_for_selector("text=ann")

    def told(path: str) -> Any:
        return page.request.get(f"{daemon.url}/api/v1{path}").json()

    for made, kind in zip(library.books, files, strict=True):
        page.goto(f"{daemon.url}/read/{made.uuid}?format={kind}")
        assert settled(page) == "start"
        assert told(f"/books/{made.uuid}/position")["position"] is None
        turn(page, times=3)
        here = fraction(page)
        ask = f"/books/{made.uuid}/position?kind={'cfi' if kind == 'EPUB' else 'page'}"
        until(page, lambda: (p := told(ask)["position"]) and abs(p["fraction"] - here) < 1e-6)  # noqa: B023
        assert reload(page) == ("cfi" if kind == "EPUB" else "page")
        assert fraction(page) == pytest.approx(here)
        page.goto(daemon.url + "/")
        (sitting,) = until(page, lambda: told(f"/sessions?book_uuid={made.uuid}")["sessions"])  # noqa: B023
        assert sitting["pages_turned"] == 3
        assert sitting["end_fraction"] == pytest.approx(here)
        assert sitting["device"].startswith("Browser")
    assert complaints == []
