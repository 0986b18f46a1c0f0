"""The pages of a large library, by the real daemon in a real Chromium: ``python -m bench.pages --books 100000``.

Processor time is the server's alone, over many requests; the largest contentful paint is the browser's own figure, the
median of visits of which each asks for the page anew.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, sync_playwright

from bench.catalog import made
from bench.figures import say
from bench.process import Server, free_port, serving
from bench.service import command
from tests.chromium import ARGUMENTS, LONG_MS, executable
from tomed.pages.layout import SESSION_COOKIE

PAGES = ("/books", "/books?page=900", "/search?q=winter", "/series", "/authors", "/")
PASSWORD = "long enough"
LARGEST = """() => new Promise(resolve => {
    new PerformanceObserver(list => resolve(list.getEntries().at(-1).startTime))
        .observe({ type: 'largest-contentful-paint', buffered: true })
})"""


def sign_in(context: BrowserContext, server: Server) -> Page:
    """A page of a person who is signed in."""
    page = context.new_page()
    page.goto(server.url + "/sign-in")
    page.fill("#name", "bench")
    page.fill("#password", PASSWORD)
    page.click("main form button")
    page.wait_for_url(server.url + "/")
    return page


def asked(server: Server, path: str, secret: str, requests: int) -> tuple[float, int]:
    """Milliseconds of the server's processor that a request takes, and the bytes of the page."""
    connection = HTTPConnection(urlsplit(server.url).netloc)
    headers = {"Cookie": f"{SESSION_COOKIE}={secret}", "Accept": "text/html"}

    def get() -> int:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return len(body)

    size = get()
    for _ in range(10):
        get()
    before = server.cpu_s()
    for _ in range(requests):
        get()
    return (server.cpu_s() - before) * 1000 / requests, size


def measure(library: Path, data: Path, visits: int, requests: int) -> None:
    """Index the library, then say the figures of each page."""
    command("user", "add", "bench", "--password-stdin", "--data", str(data), told=PASSWORD + "\n")
    port = free_port()
    words = ["serve", "--library", str(library), "--data", str(data), "--port", str(port)]
    with (
        serving([sys.executable, "-m", "tomed", *words], port, "/api/v1/health") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(LONG_MS)
        page = sign_in(context, server)
        while True:
            told = page.request.get(server.url + "/api/v1/health").json()
            if told["library"]["state"] == "ready":
                break
            page.wait_for_timeout(500)
        secret = next(cookie["value"] for cookie in context.cookies() if cookie["name"] == SESSION_COOKIE)
        for path in PAGES:
            spent, size = asked(server, path, secret, requests)
            say(f"{path}, server", spent, "ms CPU", 5)
            say(f"{path}, HTML", size / 1000, "kB", 60)
            paints = []
            for _ in range(visits + 1):
                page.goto("about:blank")
                page.goto(server.url + path)
                paints.append(page.evaluate(LARGEST))
            say(f"{path}, largest contentful paint", statistics.median(paints[1:]), "ms", 500)
        say("JavaScript of a plain page, gzip", script_kb(), "kB", 10)
        browser.close()


def script_kb() -> float:
    """The plain pages' one script with all that it may load, thousand bytes as they are sent."""
    static = Path(__file__).resolve().parent.parent / "tomed" / "static"
    sizes = json.loads((static / "sizes.json").read_text())
    found: set[str] = set()
    ahead = [name for name in sizes if name.startswith(("site-", "outbox-")) and name.endswith(".js")]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += sizes[name]["statically"]
    return float(sum(sizes[name]["gzip"] for name in found) / 1000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--books", type=int, default=10_000)
    parser.add_argument("--visits", type=int, default=7)
    parser.add_argument("--requests", type=int, default=200, help="of which the processor time of one is the mean")
    told = parser.parse_args()
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {told.books:,} books")
    with tempfile.TemporaryDirectory(prefix="tomed-bench-") as name:
        library = made(Path(name) / "library", told.books)
        measure(library, Path(name) / "data", told.visits, told.requests)


if __name__ == "__main__":
    main()
