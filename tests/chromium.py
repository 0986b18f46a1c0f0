"""One headless Chromium for every test that wants a browser. A second Playwright in one process would not start."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LONG_MS = 60_000
"""Deadline of one step: a machine that is busy may take its time."""


def missing(reason: str) -> None:
    """Skip; in CI fail, where nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def executable() -> str:
    """Chromium's program; skips the test (fails it in CI) where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("TOMED_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        missing("Chromium is not installed (Debian: apt-get install chromium)")
    return str(found)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright's loop runs until it is stopped, and no asyncio test can begin beside it."""
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; every test has a context of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context_of(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes contexts (a person's browser each) and closes them."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = chromium.new_context(**{"viewport": {"width": 1000, "height": 700}, **options})
        context.set_default_timeout(LONG_MS)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
