"""The reader page in a real Chromium, against the small server of ``tests/web/serving.py``."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.chromium import ARGUMENTS, LONG_MS, executable, missing
from tests.web.serving import ROOT, Server


@pytest.fixture(scope="session")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built page: from the sources where npm's packages are installed, else what has been built before."""
    npm = shutil.which("npm")
    if npm and (ROOT / "web" / "node_modules" / "esbuild").exists():
        out = tmp_path_factory.mktemp("built") / "static"
        environment = {**os.environ, "OUT": str(out)}
        done = subprocess.run(
            [npm, "run", "build"], cwd=ROOT / "web", env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return out
    built = ROOT / "tomed" / "static"
    if not (built / "manifest.json").exists():
        missing("the web assets are not built: run `npm ci && npm run build` in web/")
    return built


@pytest.fixture
def server(static: Path) -> Iterator[Server]:
    """A server of its own for every test."""
    server = Server(static)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def page(context_of: Callable[..., BrowserContext]) -> Page:
    """A tab in a browser that knows nothing yet."""
    return context_of().new_page()


@pytest.fixture
def chromium_insecure(chromium: Browser, tmp_path: Path) -> Iterator[Callable[[], BrowserContext]]:
    """Contexts of a browser that takes ``tomed.test`` for this machine, and so for no secure origin."""
    options = [*ARGUMENTS, "--host-resolver-rules=MAP tomed.test 127.0.0.1"]
    browser = chromium.browser_type.launch(executable_path=executable(), args=options)

    def make() -> BrowserContext:
        context = browser.new_context(viewport={"width": 1000, "height": 700})
        context.set_default_timeout(LONG_MS)
        return context

    yield make
    browser.close()
