"""One figure beside what it should be: said on the terminal, and kept for the report of ``bench.performance``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

KEPT = "TOMED_BENCH_FIGURES"
"""The variable that names the file which collects figures, one JSON object a line."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value. ``goal`` is the most it may be, or with ``at_least`` the least."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    more: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """None where nothing was asked for."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def __str__(self) -> str:
        word = "at least" if self.at_least else "at most"
        asked = "" if self.goal is None else f"  ({word} {self.goal:g}{'' if self.met else ', MISSED'})"
        return f"{self.what:<52} {self.value:12,.3f} {self.unit}{asked}  {self.more}".rstrip()


def say(
    what: str, value: float, unit: str, goal: float | None = None, more: str = "", *, at_least: bool = False
) -> None:
    """Print a figure, and keep it where the report wants it."""
    figure = Figure(what.strip(), value, unit, goal, more, at_least)
    print(figure, flush=True)
    if kept := os.environ.get(KEPT):
        with Path(kept).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(figure), ensure_ascii=False) + "\n")


def kept(file: Path) -> Iterator[Figure]:
    """The figures that were said while ``TOMED_BENCH_FIGURES`` named ``file``."""
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            yield Figure(**json.loads(line))
