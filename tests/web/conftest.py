"""The reader page in a real Chromium, against the small server of ``tests/web/serving.py``."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.web.serving import ROOT, Server

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LONG = 60_000
"""Deadline of one step in ms: a machine that is busy may take its time."""


def missing(reason: str) -> None:
    """Skip; in CI fail, where nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built page: from the sources as they are where npm's packages are installed, else what has been built before."""
    npm = shutil.which("npm")
    if npm and (ROOT / "web" / "node_modules" / "esbuild").exists():
        out = tmp_path_factory.mktemp("built") / "static"
        environment = {**os.environ, "OUT": str(out)}
        done = subprocess.run([npm, "run", "build"], cwd=ROOT / "web", env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return out
    built = ROOT / "tomed" / "static"
    if not (built / "manifest.json").exists():
        missing("the web assets are not built: run `npm ci && npm run build` in web/")
    return built


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of this room; every test has a context of its own."""
    executable = os.environ.get("TOMED_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not executable:
        missing("Chromium is not installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def server(static: Path) -> Iterator[Server]:
    """A server of its own for every test."""
    server = Server(static)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def context_of(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes contexts (a person's browser each) and closes them."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = chromium.new_context(**{"viewport": {"width": 1000, "height": 700}, **options})
        context.set_default_timeout(LONG)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(context_of: Callable[..., BrowserContext]) -> Page:
    """A tab in a browser that knows nothing yet."""
    return context_of().new_page()
