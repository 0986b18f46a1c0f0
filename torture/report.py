"""The report of a run: a table for people, JSON for programs, and the page ``docs/torture.md``."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import apsw
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scenario. ``lost`` and ``changed`` answer the two questions; ``faults`` is what else was wrong."""

    name: str
    about: str
    seconds: float
    acknowledged: int
    lost: int
    changed: list[str]
    faults: list[str]
    counts: dict[str, int | float | str]

    @property
    def good(self) -> bool:
        return not (self.lost or self.changed or self.faults)

    def told_counts(self) -> str:
        return ", ".join(f"{what}: {_number(value)}" for what, value in self.counts.items())


@dataclass(frozen=True, slots=True)
class Report:
    """All outcomes of a run with this seed."""

    seed: int
    share: float
    soak_s: float
    outcomes: list[Outcome]

    @property
    def good(self) -> bool:
        return all(outcome.good for outcome in self.outcomes)

    def show(self) -> None:
        """Print the table."""
        out = Console(width=None if sys.stdout.isatty() else 150)
        table = Table(title=f"make torture SEED={self.seed}", title_justify="left")
        for column in ("scenario", "acknowledged", "lost", "library changed", "s", "counts", ""):
            table.add_column(column, justify="right" if column in ("acknowledged", "lost", "s") else "left")
        for o in self.outcomes:
            cells = [o.name, f"{o.acknowledged:,}", str(o.lost), "no" if not o.changed else "YES", f"{o.seconds:.0f}"]
            table.add_row(*cells, o.told_counts(), "held" if o.good else "FAILED")
        out.print(table)
        for o in self.outcomes:
            for fault in o.faults:
                out.print(f"{o.name}: {fault}", markup=False)

    def write_json(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        told = asdict(self) | {"at": _now(), "machine": _machine(), "good": self.good}
        path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def write_markdown(self, path: Path, *, replay: str) -> None:
        seconds = sum(o.seconds for o in self.outcomes)
        acknowledged, lost = sum(o.acknowledged for o in self.outcomes), sum(o.lost for o in self.outcomes)
        machine = _machine()
        changed = sum(len(o.changed) for o in self.outcomes)
        lines = [
            "# Faults on purpose",
            "",
            "`make torture` does to a running tomed what happens to programs over the years, and ends each scenario",
            "with the same two questions, answered by code: was an acknowledged event lost, was a byte of the library",
            f"changed. Its last whole run writes this page. `{replay}` makes the same choices again; what the",
            "machine's scheduler does is its own.",
            "",
            f"**Seed {self.seed}, {_now()[:10]}**: {len(self.outcomes)} scenarios in {seconds / 60:.1f} minutes;",
            f"{acknowledged:,} events acknowledged, **{lost} lost**; **{changed} files of libraries changed**;",
            f"{sum(not o.good for o in self.outcomes)} scenarios failed. {machine['cores']} cores, Python",
            f"{machine['python']}, SQLite {machine['sqlite']}, aiohttp {machine['aiohttp']}.",
            "",
            "| scenario | acknowledged | lost | library changed | seconds | outcome |",
            "|---|---:|---:|---|---:|---|",
        ]
        lines += [
            f"| {o.name} | {o.acknowledged:,} | {o.lost} | {'yes' if o.changed else 'no'} | {o.seconds:.0f} | "
            f"{'held' if o.good else 'failed'} |"
            for o in self.outcomes
        ]
        for o in self.outcomes:
            lines += ["", f"## {o.name}", "", o.about, ""]
            lines += [f"Counts: {o.told_counts()}."] if o.counts else []
            lines += [f"* {fault}" for fault in o.faults]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "aiohttp": aiohttp.__version__,
        "sqlite": apsw.sqlite_lib_version(),
    }
