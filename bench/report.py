"""The report of a run: each figure beside its floor and its goal, as a table for people and JSON for programs."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import apsw
from rich.console import Console
from rich.table import Table

from bench.load import Figures


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ``ratio`` is of the floor's requests per second, ``cpu_ratio`` of the processor time per request."""

    figures: Figures
    floor: Figures | None = None
    goal: float | None = None
    """The ratio to reach."""

    @property
    def ratio(self) -> float | None:
        return None if self.floor is None else self.figures.per_second / self.floor.per_second

    @property
    def cpu_ratio(self) -> float | None:
        """Above 1 is cheaper than the floor. Depends less than ``ratio`` on what else the machine does."""
        if self.floor is None or not self.figures.cpu_ms:
            return None
        return self.floor.cpu_ms / self.figures.cpu_ms

    @property
    def met(self) -> bool | None:
        return None if self.goal is None or self.ratio is None else self.ratio >= self.goal

    def as_dict(self) -> dict[str, object]:
        told: dict[str, object] = dict(self.figures.as_dict())
        told["floor"] = None if self.floor is None else self.floor.name
        return told | {
            "ratio": _rounded(self.ratio),
            "cpu_ratio": _rounded(self.cpu_ratio),
            "goal": self.goal,
            "met": self.met,
        }


def alternating(measures: Mapping[str, Callable[[], Figures]], rounds: int = 3) -> dict[str, Figures]:
    """Run all ``measures`` one after the other, ``rounds`` times over, and keep the middle one of each by speed.

    Floor and figure so share whatever else the machine was doing.
    """
    seen: dict[str, list[Figures]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, run in measures.items():
            seen[name].append(run())
    middle = {name: statistics.median_low([f.per_second for f in found]) for name, found in seen.items()}
    return {name: next(f for f in found if f.per_second == middle[name]) for name, found in seen.items()}


class Report:
    """Collects rows; ``show`` prints them, ``as_dict`` and ``write`` give them to programs."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.rows: list[Row] = []
        self.facts: dict[str, object] = {}
        """What is told besides: sizes, single measurements."""

    def add(self, figures: Figures, floor: Figures | None = None, goal: float | None = None) -> Row:
        row = Row(figures, floor, goal)
        self.rows.append(row)
        return row

    def show(self, console: Console | None = None) -> None:
        table = Table(title=self.title, title_justify="left")
        table.add_column("what", no_wrap=True)
        for column in ("req/s", "p50 ms", "p99 ms", "CPU ms/req", "MB", "× floor", "× floor CPU", "goal", ""):
            table.add_column(column, justify="right")
        for row in self.rows:
            f = row.figures
            failed = f" ({f.failures} failed)" if f.failures else ""
            cells = [
                f"{f.per_second:,.0f}",
                f"{f.p50_ms:.2f}",
                f"{f.p99_ms:.2f}",
                f"{f.cpu_ms:.3f}",
                f"{f.memory_mb:.0f}",
            ]
            ratios = ["" if value is None else f"{value:.2f}" for value in (row.ratio, row.cpu_ratio, row.goal)]
            verdict = {None: "", True: "met", False: "missed"}[row.met]
            table.add_row(f.name + failed, *cells, *ratios, verdict)
        out = console or Console(width=None if sys.stdout.isatty() else 120)
        out.print(table)
        for name, fact in self.facts.items():
            out.print(f"{name}: {fact}")

    def as_dict(self) -> dict[str, object]:
        return {
            "title": self.title,
            "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "machine": {
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "aiohttp": aiohttp.__version__,
                "apsw": apsw.apsw_version(),
                "sqlite": apsw.sqlite_lib_version(),
            },
            "facts": self.facts,
            "rows": [row.as_dict() for row in self.rows],
        }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
