"""``python -m bench [--quick] [--json FILE]``: measure, print, and keep the figures."""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from bench.figures import say
from bench.floors import ROWS, name
from bench.load import Figures, Request, measure, put_json
from bench.process import Server, free_port, serving
from bench.report import Report, alternating
from bench.service import BATCH, running
from tomed.demo.library import build_demo_library

Measures = dict[str, Callable[[], Figures]]

MEMORY_MB = 80
GOAL = 0.6
"""Requests per second of the daemon, as a share of its floor's."""


def floor_measures(server: Server, seconds: float) -> Measures:
    """What is measured of the bare server, by name: ``empty``, ``lookup``, ``insert``."""

    def lookup(number: int) -> Request:
        return Request(f"/lookup?name={quote(name(number * 7919 % ROWS))}")

    def insert(number: int) -> Request:
        return put_json("/insert", {"event_id": f"event-{number}", "at": "2026-01-01T00:00:00Z", "fraction": 0.5})

    requests = {"empty": lambda _: Request("/empty"), "lookup": lookup, "insert": insert}
    return {
        key: functools.partial(measure, f"floor: {key}", server, made, seconds=seconds)
        for key, made in requests.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, to see that everything runs")
    parser.add_argument("--library", type=Path, help="a Calibre library to serve, instead of the demo")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    told = parser.parse_args()
    seconds, rounds = (0.5, 1) if told.quick else (3.0, 3)
    report = Report("tomed beside its floors")
    with tempfile.TemporaryDirectory(prefix="tomed-bench-") as folder:
        port = free_port()
        library = told.library or build_demo_library(Path(folder) / "library")
        bare = [sys.executable, "-m", "bench.floors", str(port), folder]
        with serving(bare, port, "/empty") as floor, running(library, Path(folder) / "data") as service:
            report.facts["resident memory after start, MB (below 80)"] = round(service.server.memory_mb(), 1)
            found = alternating(floor_measures(floor, seconds) | service.measures(seconds), rounds)
            for key, figures in found.items():
                kind, told_apart, _ = key.partition(": ")
                asked = GOAL if "/resolve" in key or "PUT" in key else None
                report.add(figures, found[kind] if told_apart else None, asked)
            batch = next(figures for key, figures in found.items() if key.startswith("POST /sync with"))
            report.facts[f"CPU per event of a sync of {BATCH}, ms"] = round(batch.cpu_ms / BATCH, 4)
            report.facts["resident memory at the end, MB (below 80)"] = round(service.server.memory_mb(), 1)
    report.show()
    for row in report.rows:
        if row.ratio is not None:
            more = (
                f"{row.figures.cpu_ms:.3f} ms CPU, p99 {row.figures.p99_ms:.1f} ms, × floor by CPU {row.cpu_ratio:.2f}"
            )
            say(f"{row.figures.name} × floor", row.ratio, "×", row.goal, more, at_least=True)
    for what, fact in report.facts.items():
        name, _, unit = what.partition(", ")
        say(name, float(str(fact)), unit.split()[0], MEMORY_MB if unit.startswith("MB") else None)
    if told.json:
        report.write(told.json)


if __name__ == "__main__":
    main()
