"""The reader page's speed in a real Chromium: ``python -m bench.web``.

Large books are made on the spot and served on loopback under the strict policy; a row is the median of a few rounds,
each in a browser that has kept the page's own files but nothing of the book.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import tempfile
import zipfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from bench.figures import Figure, say
from tests.chromium import ARGUMENTS, executable
from tests.web.books import chapter, make_epub
from tests.web.serving import ROOT, Server

READY = """() => new Promise(resolve => {
    const ready = () => document.body?.dataset.state === 'ready'
    const look = () => ready() ? resolve(performance.now()) : requestAnimationFrame(look)
    look()
})"""
TURN = """() => new Promise(resolve => {
    const view = document.querySelector('foliate-view'), from = performance.now()
    const done = () => requestAnimationFrame(() => resolve(performance.now() - from))
    view.renderer.addEventListener('relocate', done, { once: true })
    dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true, cancelable: true }))
})"""


def large_comic(path: Path, pages: int = 300, page_bytes: int = 1_000_000) -> Path:
    """Pages that decode, each made heavy by bytes after its picture's end."""
    buffer = io.BytesIO()
    Image.effect_noise((1200, 1800), 60).save(buffer, "JPEG", quality=50)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(pages):
            filler = os.urandom(max(0, page_bytes - buffer.tell()))
            archive.writestr(f"page{number}.jpg", buffer.getvalue() + filler)
    return path


def large_epub(path: Path, chapters: int = 400, picture_bytes: int = 150_000) -> Path:
    """Chapters with text and one heavy picture each."""
    extra = {f"p{k}.jpg": ("image/jpeg", os.urandom(picture_bytes)) for k in range(chapters)}
    bodies = [chapter(k + 1, 40, f'<img src="p{k}.jpg" alt=""/>') for k in range(chapters)]
    return make_epub(path, bodies, extra=extra)


def opening(browser: Browser, server: Server, uuid: str, rounds: int) -> tuple[float, float]:
    """Milliseconds from the address to the first page, and bytes of the book that were fetched: medians."""
    times, sizes = [], []
    for _ in range(rounds + 1):
        context = browser.new_context(viewport={"width": 1000, "height": 700})
        page = context.new_page()
        page.goto(server.url(uuid))  # brings the scripts; what is fetched of a book no browser keeps
        page.evaluate(READY)
        page.goto(f"{server.origin}/books/{uuid}")
        before = server.bytes_of_books
        page.goto(server.url(uuid), wait_until="commit")
        times.append(page.evaluate(READY))
        sizes.append(server.bytes_of_books - before)
        context.close()
    return statistics.median(times[1:]), statistics.median(sizes[1:])


def turning(page: Page, turns: int) -> float:
    """Milliseconds from the key to the page: median."""
    times = []
    for _ in range(turns):
        times.append(page.evaluate(TURN))
        page.wait_for_timeout(150)
    return statistics.median(times)


def script_sizes(static: Path) -> dict[str, int]:
    """Compressed bytes of JavaScript that each kind of book loads."""
    sizes = json.loads((static / "sizes.json").read_text())

    def with_imports(name: str, seen: set[str]) -> set[str]:
        if name not in seen:
            seen.add(name)
            for other in sizes[name]["statically"]:
                with_imports(other, seen)
        return seen

    def total(*kinds: str) -> int:
        names: set[str] = set()
        for kind in kinds:
            (name,) = (n for n in sizes if n.startswith(kind + "-") and n.endswith(".js"))
            with_imports(name, names)
        return sum(sizes[name]["gzip"] for name in names)

    return {
        "EPUB": total("opening", "reader", "epub", "zip", "paginator"),
        "CBZ": total("opening", "reader", "comic", "zip", "fixed-pages"),
        "PDF, without its worker": total("opening", "reader", "pdf", "fixed-pages"),
    }


def measure(rounds: int) -> list[Figure]:
    """All rows."""
    static = ROOT / "tomed" / "static"
    rows = [Figure(f"JavaScript for {kind}, gzip", size / 1000, "kB", 80 if kind != "PDF, without its worker" else 400)
            for kind, size in script_sizes(static).items()]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="tomed-bench-") as folder, sync_playwright() as playwright:
        server = Server(static)
        comic = server.add(large_comic(Path(folder) / "large.cbz"))
        epub = server.add(large_epub(Path(folder) / "large.epub"))
        again = server.add(Path(folder) / "large.epub")
        server.positions[again] = {
            "fraction": 0.75, "at": "2026-01-01T00:00:00Z",
            "locator": {"kind": "cfi", "value": "epubcfi(/6/600!/4/20/1:5)"},
        }  # fmt: skip
        server.start()
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        try:
            named: list[tuple[str, str, float]] = [
                ("first page of a 300 MB CBZ", comic, 500),
                ("first page of a 60 MB EPUB", epub, 600),
                ("the same at a CFI in chapter 300", again, 700),
            ]
            for name, uuid, most in named:
                ms, size = opening(browser, server, uuid, rounds)
                rows += [Figure(name, ms, "ms", most), Figure(f"bytes of it ({name})", size / 1e6, "MB", 4)]
            for name, uuid in (("EPUB", epub), ("CBZ", comic)):
                page = browser.new_page(viewport={"width": 1000, "height": 700})
                page.goto(server.url(uuid))
                page.evaluate(READY)
                page.wait_for_timeout(1500)
                rows.append(Figure(f"page turn, {name}", turning(page, 15), "ms", 50))
                page.close()
        finally:
            browser.close()
            server.stop()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.web", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    for row in measure(told.rounds):
        say(row.what, row.value, row.unit, row.goal)


if __name__ == "__main__":
    main()
