"""The reader page with an EPUB, as a person has it before them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.data import shared
from tests.web.serving import Server
from tests.web.steps import open_book, reload, saved, shown, turn

pytestmark = [pytest.mark.browser, pytest.mark.shared]


def test_first_page_turn_and_place_after_reload(page: Page, server: Server) -> None:
    """A book opens at its beginning, is read on, and opens there again."""
    uuid = server.add(shared("epub/wells-the-time-machine.epub"))
    assert open_book(page, server, uuid) == "start"
    turn(page, times=6)
    here = shown(page)
    assert saved(page, server, uuid)["locator"]["kind"] == "cfi"
    assert reload(page) == "cfi"
    assert shown(page) == here
    assert server.violations == []
