"""``python -m bench [--quick] [--json FILE]``: measure, print, and keep the figures."""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from bench.floors import ROWS, name
from bench.load import Figures, Request, measure, put_json
from bench.process import Server, free_port, serving
from bench.report import Report, alternating

Measures = dict[str, Callable[[], Figures]]


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
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    told = parser.parse_args()
    seconds, rounds = (0.5, 1) if told.quick else (3.0, 3)
    report = Report("tomed beside its floors")
    with tempfile.TemporaryDirectory(prefix="tomed-bench-") as folder:
        port = free_port()
        with serving([sys.executable, "-m", "bench.floors", str(port), folder], port, "/empty") as floor:
            for figures in alternating(floor_measures(floor, seconds), rounds).values():
                report.add(figures)
    report.show()
    if told.json:
        report.write(told.json)


if __name__ == "__main__":
    main()
