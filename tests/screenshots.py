"""The README's pictures: ``python -m tests.screenshots [NAME …]`` makes the demo library, reads in it, looks at pages.

Everything is real: the daemon, a device's reports through the API, Chromium. The pictures go to ``docs/screenshots``.
"""

from __future__ import annotations

import io
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.chromium import ARGUMENTS, executable
from tests.daemon import Daemon
from tests.data import ROOT
from tomed.clock import format_at, now_ms
from tomed.demo.library import build_demo_library

OUT = ROOT / "docs" / "screenshots"
DAY_MS = 24 * 3600 * 1000
MINUTE_MS = 60_000
DESK = {"viewport": {"width": 1120, "height": 760}}
DARK = DESK | {"color_scheme": "dark"}
PHONE = {"viewport": {"width": 390, "height": 760}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
INK = {"viewport": {"width": 600, "height": 800}, "java_script_enabled": False}


def main() -> int:
    """Take every picture; the exit status."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tomed-screenshots-") as folder, sync_playwright() as playwright:
        library = build_demo_library(Path(folder) / "Demo Library")
        daemon = Daemon(library, Path(folder) / "data")
        daemon.add_user("Ada")
        daemon.add_token("Ada", "Kobo")
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        with daemon:
            daemon.wait_ready()
            read_for_weeks(daemon)
            take_all(browser, daemon)
        browser.close()
    return 0


def read_for_weeks(daemon: Daemon) -> None:
    """Let a device tell of forty evenings, and of a year before them."""
    books = daemon.get("/books?sort=series&per_page=50").json["books"]
    device = {"id": "screenshots", "name": "Kobo", "model": "Kobo_nova", "koreader": "v2026.03", "plugin": "0.1.0"}
    now = now_ms()
    events = [*year_before(books, now), *evenings(books, now)]
    for start in range(0, len(events), 400):
        batch = {"device": device, "now": format_at(now), "events": events[start : start + 400], "want": []}
        answer = daemon.post("/sync", batch).json
        assert all(result["result"] == "accepted" for result in answer["results"]), answer
    daemon.post(
        "/sync",
        {
            "device": device,
            "now": format_at(now),
            "events": [_session("unplaced", {"filename": "scan_0042.epub"}, now - 3 * DAY_MS, 21, 0.0, 0.2)],
            "want": [],
        },
    )


def year_before(books: list[dict[str, Any]], now: int) -> Iterator[dict[str, Any]]:
    """Two days of three, mornings and evenings, here and there in the books."""
    dice = random.Random(4)
    midnight = now // DAY_MS * DAY_MS
    for day in range(420, 43, -1):
        for hour in dice.sample((7, 8, 12, 20, 21, 21, 22, 22), dice.choice((0, 1, 1, 1, 2))):
            start = midnight - day * DAY_MS + hour * 60 * MINUTE_MS + dice.randrange(60) * MINUTE_MS
            minutes = dice.randrange(6, 70)
            book = {"book_uuid": dice.choice(books)["book_uuid"]}
            yield _session(f"{day}-{hour}-{minutes}", book, start, minutes, 0.1, 0.12)


def evenings(books: list[dict[str, Any]], now: int) -> Iterator[dict[str, Any]]:
    """One sitting on most days: two books read to their end, others begun."""
    plan = [(book["book_uuid"], share) for book, share in zip(books, (1.0, 1.0, 0.62, 0.28, 0.11), strict=False)]
    day = 42
    for uuid, share in plan:
        steps = max(2, round(share * 9))
        for step in range(steps):
            day -= 2 if step % 4 == 3 else 1
            start = now - max(day, 0) * DAY_MS - 75 * MINUTE_MS
            minutes = 18 + (step * 13 + day * 7) % 41
            known = {"book_uuid": uuid}
            yield _session(f"{uuid}-{step}", known, start, minutes, share * step / steps, share * (step + 1) / steps)


def _session(name: str, book: dict[str, str], start: int, minutes: int, begin: float, end: float) -> dict[str, Any]:
    return {
        "id": str(uuid5(NAMESPACE_URL, name)),
        "type": "session",
        "at": format_at(start + minutes * MINUTE_MS),
        "book": book,
        "started_at": format_at(start),
        "ended_at": format_at(start + minutes * MINUTE_MS),
        "active_s": minutes * 55,
        "pages_turned": minutes * 2 // 3,
        "start_fraction": round(begin, 4),
        "end_fraction": round(end, 4),
        "text": "and so it went on until the lamp was out",
    }


def take_all(browser: Browser, daemon: Daemon) -> None:
    """Each main page once, and a few on other screens."""
    page = sign_in(browser, daemon, DESK)
    begun = page.get_attribute("section[aria-labelledby=continue] .shelf a", "href")
    assert begun is not None
    for name, path in (
        ("library", "/"),
        ("book", begun),
        ("series", "/series"),
        ("devices", "/devices"),
        ("inbox", "/inbox"),
        ("settings", "/settings"),
        ("statistics", "/statistics"),
    ):
        answer = page.goto(daemon.url + path, wait_until="networkidle")
        if answer is not None and answer.ok:
            keep(page, name)
    page.goto(daemon.url + "/devices")
    page.fill("#name", "Bedside reader")
    page.fill("#address", "http://books.home:8788")
    page.click("section[aria-labelledby=add] button")
    keep(page, "plugin")
    page.goto(daemon.url + begun)
    page.click("a.main-button")
    page.wait_for_selector("body[data-state=ready]")
    page.keyboard.press("ArrowRight")
    page.wait_for_load_state("networkidle")
    page.wait_for_function("() => !document.getElementById('notice').checkVisibility({opacityProperty: true})")
    keep(page, "reader")
    page.context.close()
    for name, profile, path in (
        ("library-dark", DARK, "/"),
        ("book-phone", PHONE, begun),
        ("library-ink", INK, "/"),
        ("statistics-dark", DARK, "/statistics/calendar"),
        ("statistics-ink", INK, "/statistics?period=month"),
    ):
        other = sign_in(browser, daemon, profile)
        other.goto(daemon.url + path, wait_until="networkidle")
        keep(other, name, grey=profile is INK)
        other.context.close()


def sign_in(browser: Browser, daemon: Daemon, profile: dict[str, Any]) -> Page:
    """A new browser of this profile, signed in."""
    tab = browser.new_context(**profile).new_page()
    tab.goto(daemon.url + "/sign-in")
    tab.fill("#name", "Ada")
    tab.fill("#password", "long enough")
    tab.click("main button")
    tab.wait_for_url(daemon.url + "/")
    return tab


def keep(page: Page, name: str, *, grey: bool = False) -> None:
    """Write what the window shows as a small PNG; ``grey`` as sixteen greys, like electronic paper."""
    if sys.argv[1:] and name not in sys.argv[1:]:
        return
    picture = Image.open(io.BytesIO(page.screenshot())).convert("L" if grey else "RGB")
    path = OUT / f"{name}.png"
    picture.quantize(16 if grey else 128, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stdout.write(f"{path.relative_to(ROOT)} {path.stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    sys.exit(main())
