"""All measurements in one report: ``python -m bench.performance [--books 300000] [--only WORD …]``.

Each room's bench runs in a process of its own, one after the other. What they say is gathered into
``docs/performance.md`` (with a picture of how the cost grows) and ``bench/out/report.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.chart import growth
from bench.figures import KEPT, Figure, kept

ROOT = Path(__file__).resolve().parent.parent
REASONS = Path(__file__).with_name("reasons.toml")
"""Why a figure misses what was asked for, by its words."""

SIZES = (1_000, 10_000, 100_000, 300_000)
PROMISED = 100_000
"""Books that the figures asked for are about; what is larger shows how it goes on."""
LIVES = ((16_000, 0), (100_000, 10_000), (100_000, 300_000), (100_000, 3_000_000))
"""Sittings of a reading life, and the page rows that a device sends besides."""
LIBRARY, ROWS = "the library", "page rows"


@dataclass(slots=True)
class Chapter:
    """One bench: what the report calls it, how it is run, and what it said."""

    title: str
    words: tuple[str, ...]
    grows: str = ""
    """With what the cost grows, where the chapter is about that; ``size`` is how much of it there is."""
    size: int = 0
    figures: list[Figure] = field(default_factory=list)
    seconds: float = 0.0
    failed: bool = False


def chapters(books: int) -> list[Chapter]:
    """What is measured, in the order of the report."""
    libraries = [
        Chapter(f"A library of {size:,} books", ("bench.catalog", "--books", str(size)), LIBRARY, size)
        for size in SIZES
        if size <= books
    ]
    lives = [
        Chapter(
            f"Statistics of {sittings:,} sittings and {rows:,} page rows",
            ("bench.statistics", "--sittings", str(sittings), "--rows", str(rows)),
            ROWS if rows else "",
            rows,
        )
        for sittings, rows in LIVES
    ]
    return [
        Chapter("The daemon beside its floors", ("bench",)),
        Chapter("Many devices at once", ("bench.devices",)),
        *libraries,
        Chapter("Finding books", ("bench.matching", "--books", str(min(books, 10_000)))),
        *lives,
        Chapter("Places", ("bench.locators",)),
        Chapter("The reader in Chromium", ("bench.web",)),
        Chapter("The pages in Chromium", ("bench.pages", "--books", str(min(books, PROMISED)))),
        Chapter("Beside its peers, on one library", ("bench.peers", "--books", str(min(books, 10_000)))),
    ]


def run(chapter: Chapter, folder: Path) -> None:
    """Run a chapter's bench and take in what it said. One that fails takes no other with it."""
    file = folder / f"{abs(hash(chapter.words))}.jsonl"
    print(f"\n== {chapter.title}", flush=True)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *chapter.words], cwd=ROOT, env={**os.environ, KEPT: str(file)}, check=False
    )
    chapter.seconds = time.perf_counter() - began
    chapter.failed = done.returncode != 0
    chapter.figures = list(kept(file))
    if chapter.grows == LIBRARY and chapter.size > PROMISED:
        chapter.figures = [replace(figure, goal=None) for figure in chapter.figures]


def machine() -> str:
    """What it was measured on, without naming it."""
    model = "unknown processor"
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        model = found[1] if found else model
    except OSError:
        pass
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}, load {load:.1f} when it began"


def number(value: float) -> str:
    """A value with three digits that mean something."""
    if value == 0:
        return "0"
    if 99 <= value < 100:  # a share close to all of it is told apart from all of it
        return f"{value:.5g}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def row(figure: Figure, reasons: dict[str, str]) -> str:
    """A line of a table."""
    asked = "" if figure.goal is None else f"{'≥' if figure.at_least else '≤'} {figure.goal:g}"
    verdict = {None: "", True: "met", False: "**missed**"}[figure.met]
    if figure.met is False:
        why = next((reason for words, reason in reasons.items() if words in figure.what), "")
        verdict += f": {why}" if why else ""
    return f"| {figure.what} | {number(figure.value)} {figure.unit} | {asked} | {verdict} | {figure.more} |"


def growth_table(found: Sequence[Chapter], grows: str) -> list[str]:
    """How the cost grows with something: one line a figure, one column a size."""
    sized = [chapter for chapter in found if chapter.grows == grows and chapter.figures]
    if len(sized) < 2:
        return []
    lines: dict[str, dict[int, Figure]] = {}
    for chapter in sized:
        for figure in chapter.figures:
            lines.setdefault(_SIZE.sub("", figure.what), {})[chapter.size] = figure
    head = "| | " + " | ".join(f"{chapter.size:,}" for chapter in sized) + " |"
    table = [f"## How the cost grows with {grows}", ""]
    if grows == LIBRARY:
        table += ["![Growth](performance.svg)", ""]
    table += [head, "|---" * (len(sized) + 1) + "|"]
    for what, by_size in lines.items():
        cells = [f"{number(f.value)} {f.unit}" if (f := by_size.get(c.size)) else "" for c in sized]
        table.append(f"| {what} | " + " | ".join(cells) + " |")
    return [*table, ""]


_SIZE = re.compile(r"(?: of|,)? [\d,]+ (?:books|page rows)")
"""What tells two sizes of one figure apart in its words."""


def page(found: Sequence[Chapter], told: str, at: str) -> str:
    """The report in Markdown."""
    reasons: dict[str, str] = tomllib.loads(REASONS.read_text(encoding="utf-8"))["missed"]
    figures = [figure for chapter in found for figure in chapter.figures]
    asked = [figure for figure in figures if figure.met is not None]
    met = sum(figure.met is True for figure in asked)
    lines = [
        "# Performance",
        "",
        f"Measured {at} by `make bench` on {told}. {met} of {len(asked)} figures that were asked for are met; where one"
        " is missed, its line says what limits it.",
        "",
        "Times move with whatever else a machine does: ratios to a floor of the same run (a bare aiohttp handler with"
        " one look-up, or one durable insert) and CPU time say more than seconds. `× floor` is answers a second as a"
        " share of the floor's.",
        "",
        *growth_table(found, LIBRARY),
        *growth_table(found, ROWS),
    ]
    for chapter in found:
        lines += [f"## {chapter.title}", ""]
        if chapter.failed:
            lines += ["This bench ended with an error.", ""]
        if chapter.figures:
            lines += ["| what | value | asked for | | more |", "|---|---|---|---|---|"]
            lines += [row(figure, reasons) for figure in chapter.figures]
            lines.append("")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.performance", description=__doc__)
    parser.add_argument("--books", type=int, default=SIZES[-1], help="the largest library")
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="chapters whose title has one of these")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where the page goes")
    told = parser.parse_args()
    about, at = machine(), datetime.now(UTC).strftime("%Y-%m-%d")
    found = chapters(told.books)
    if told.only:
        found = [c for c in found if any(word.casefold() in c.title.casefold() for word in told.only)]
    with tempfile.TemporaryDirectory(prefix="tomed-figures-") as folder:
        for chapter in found:
            run(chapter, Path(folder))
    out = ROOT / "bench" / "out"
    out.mkdir(exist_ok=True)
    report = {"at": at, "machine": about, "chapters": [asdict(chapter) for chapter in found]}
    (out / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    (told.docs / "performance.md").write_text(page(found, about, at), encoding="utf-8")
    picture = growth([(c.size, c.figures) for c in found if c.grows == LIBRARY])
    if picture:
        (told.docs / "performance.svg").write_text(picture, encoding="utf-8")
    missed = [f for c in found for f in c.figures if f.met is False]
    print(f"\n{len(missed)} figures missed what was asked for; the report is {told.docs / 'performance.md'}")
    for figure in missed:
        print(f"  {figure}")
    return 1 if any(chapter.failed for chapter in found) else 0


if __name__ == "__main__":
    sys.exit(main())
