"""KOReader's own frontend, headless: runs the plugin from a checkout through kolite, and reads the report."""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.data import ROOT
from tomed import bundle

Record = dict[str, Any]
METER = Path(__file__).parent / "scenarios" / "meter.lua"


def tools() -> Path:
    """kolite's folder (``TOMED_KOLITE``, or beside the project); skips without it or without the checkouts."""
    told = os.environ.get("TOMED_KOLITE")
    kolite = Path(told) if told else ROOT.parent / "shared" / "tools" / "kolite"
    for name in ("KOREADER_DIR", "KOREADER_BASE_DIR"):
        if not os.environ.get(name):
            pytest.skip(f"{name} is not set: give checkouts of koreader/koreader and koreader/koreader-base")
    if not (kolite / "run-plugin").is_file():
        pytest.skip("kolite is not there: set TOMED_KOLITE to its folder")
    return kolite


@dataclass
class Report:
    """What one run wrote."""

    records: list[Record]
    stderr: str = ""
    more: list[Record] = field(default_factory=list)

    def of(self, kind: str) -> list[Record]:
        return [r for r in self.records if r["type"] == kind]

    @property
    def errors(self) -> list[str]:
        return [f"{r['where']}: {r['error']}" for r in self.of("lua_error")]

    def ours(self, *kinds: str) -> list[Record]:
        """What our handlers and tasks took: ``ms`` by the clock, ``cpu_ms`` of the processor."""
        return [
            r
            for r in self.records
            if r["type"] in kinds
            and not r.get("child")
            and (r.get("plugin") == "tomesync" or "tomesync.koplugin" in str(r.get("src") or r.get("where")))
        ]

    def longest(self, *kinds: str, clock: str = "cpu_ms") -> tuple[float, str]:
        """Milliseconds and name of our longest handler or task."""
        ours = [
            (r[clock], str(r.get("event") or r.get("src") or r.get("where") or ""))
            for r in self.ours(*kinds)
            if clock in r
        ]
        return max(ours, default=(0.0, ""))

    @property
    def is_metered(self) -> bool:
        """Was the meter of processor time there? A scenario that prepares nothing does not load it."""
        return all("cpu_ms" in r for r in self.ours("handler", "task", "plugin_init"))

    def waited(self) -> list[Record]:
        """What blocked KOReader itself (not a child) from within our code: sockets, DNS, sleeps."""
        return [r for r in self.of("block") if not r.get("child") and "tomesync" in str(r.get("where"))]

    def requests_in_parent(self) -> list[Record]:
        return [r for r in self.of("http") if not r.get("child")]


def run(
    folder: Path,
    scenario: Path | str,
    url: str,
    token: str = "secret",
    dies: bool = False,
    plugins: tuple[str, ...] = (),
    install: bool = True,
    **environment: str,
) -> Report:
    """Plays a scenario (kolite's by name, or a file) with the plugin that ``plugin build`` makes for ``url``.

    ``folder`` holds the plugin and KOReader's data, so that a second run is a second boot. ``plugins`` of KOReader's
    own are loaded beside ours; without ``install`` ours is as the last run left it.
    """
    kolite = tools()
    if install:
        with zipfile.ZipFile(io.BytesIO(bundle.build(bundle.plugin_folder(), url, token, "Kobo"))) as packed:
            packed.extractall(folder)
    path = scenario if isinstance(scenario, Path) else kolite / "scenarios" / f"{scenario}.lua"
    others = [f"{os.environ['KOREADER_DIR']}/plugins/{name}.koplugin" for name in plugins]
    done = subprocess.run(
        [str(kolite / "run-plugin"), ",".join([str(folder / bundle.FOLDER), *others]), str(path), url],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "KO_HOME": str(folder / "ko"), "KOLITE_SETUP": str(METER), **environment},
    )
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert dies or done.returncode == 0, done.stderr[-2000:] + json.dumps(
        [r for r in records if r["type"] == "lua_error"]
    )
    return Report(records, done.stderr)
