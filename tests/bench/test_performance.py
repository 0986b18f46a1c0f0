"""The report: what was said stands in it, what was missed is named, and the picture is true to the figures."""

from __future__ import annotations

import re
from pathlib import Path

import lxml.etree
import pytest

from bench.chart import growth
from bench.figures import KEPT, Figure, kept, say
from bench.performance import LIBRARY, REASONS, ROWS, Chapter, chapters, page


def test_what_is_said_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """On the terminal for people, in the file for the report."""
    monkeypatch.setenv(KEPT, str(tmp_path / "figures"))
    say("a search", 7.0, "ms", 5, "12 hits")
    say("rows", 60_000, "rows/s", 50_000, at_least=True)
    assert "MISSED" in capsys.readouterr().out.splitlines()[0]
    assert [figure.met for figure in kept(tmp_path / "figures")] == [False, True]
    assert [figure.what for figure in kept(tmp_path / "nothing")] == []


def test_the_page_counts_and_names_what_was_missed():
    """A miss is bold, and an error of a bench is told."""
    found = [
        Chapter(
            "A", ("x",), LIBRARY, 1000, [Figure("first index of 1000 books", 1, "s", 15), Figure("slow", 9, "ms", 5)]
        ),
        Chapter("B", ("x",), LIBRARY, 10_000, [Figure("first index of 10000 books", 12, "s", 15)]),
        *(
            Chapter("C", ("x",), ROWS, rows, [Figure(f"page, 9 sittings, {rows:,} page rows", rows / 1000, "ms")])
            for rows in (10_000, 3_000_000)
        ),
        Chapter("D", ("x",), failed=True),
    ]
    text = page(found, "a machine", "2026-01-01")
    assert "2 of 3 figures" in text
    assert re.search(r"\| slow \| 9 ms \| ≤ 5 \| \*\*missed\*\*", text)
    assert "| first index | 1 s | 12 s |" in text
    assert "| page, 9 sittings | 10 ms | 3,000 ms |" in text
    assert "ended with an error" in text


def test_every_bench_is_in_the_report():
    """A new module that measures is run by ``make bench`` too."""
    modules = {path.stem for path in REASONS.parent.glob("*.py") if "argparse" in path.read_text()}
    run = {chapter.words[0].rpartition(".")[2] for chapter in chapters(1000)}
    assert modules - {"performance", "__main__"} <= run | {"bench"}


def test_the_picture_shows_growth():
    """A line that grows tenfold ends on the tenfold mark."""
    sizes = [(books, [Figure(f"first index of {books} books", books / 1000, "s")]) for books in (1000, 10_000)]
    drawn = lxml.etree.fromstring(growth(sizes))
    lines = drawn.findall("{*}polyline")
    ends = {line.get("stroke"): line.get("points").split()[-1] for line in lines}
    assert ends["#7a2e1d"] == ends["#999999"]
    assert growth(sizes[:1]) == ""
