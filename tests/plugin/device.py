"""A reading device for tests: the real plugin under LuaJIT with LuaSocket and real forks, on a stand-in for KOReader.

A scenario is Lua text, the body of ``function(S)``; ``standin/life.lua`` says what ``S`` can do. The device keeps its
folder, so a second :meth:`Device.play` is a second boot.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tomed import bundle

HERE = Path(__file__).resolve().parent
Record = dict[str, Any]
BUSY_MS = 50.0
"""What a person does not notice. Measured in processor time: the computer of the tests has other work."""


def luajit() -> str:
    """LuaJIT with LuaSocket, LuaFileSystem and cjson; skips the test (fails it in CI) without."""
    found = shutil.which("luajit")
    ready = (
        found
        and not subprocess.run(
            [found, "-e", 'require("socket.http") require("lfs") require("cjson.safe")'],
            check=False,
            capture_output=True,
        ).returncode
    )
    if not ready:
        reason = "LuaJIT with LuaSocket is missing: apt-get install luajit lua-socket lua-sec lua-filesystem lua-cjson"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return str(found)


def lua(value: object) -> str:
    """A value as Lua source: what :func:`book` is written into a scenario with."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return bundle.lua_string(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"[{lua(k)}]={lua(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "{" + ",".join(lua(v) for v in value) + "}"
    raise TypeError(type(value).__name__)


class Played:
    """What one run of a scenario wrote."""

    def __init__(self, records: list[Record], returncode: int, stderr: str) -> None:
        self.records, self.returncode, self.stderr = records, returncode, stderr

    def of(self, kind: str) -> list[Record]:
        return [r for r in self.records if r["type"] == kind]

    @property
    def errors(self) -> list[str]:
        return [f"{r['where']}: {r['error']}" for r in self.of("lua_error")]

    def longest(self, *kinds: str) -> tuple[float, str]:
        """Milliseconds (of the processor) and name of the longest handler or task."""
        return max(((r["cpu_ms"], r["name"]) for r in self.records if r["type"] in kinds), default=(0.0, ""))

    @property
    def busy_ms(self) -> float:
        """The longest time that KOReader's loop did not look at input, of the processor."""
        return float(self.of("end")[0]["busy_ms"])

    def never_busy(self, most_ms: float = BUSY_MS) -> Played:
        """Nothing kept the reader waiting: no handler, task or tap, nor several of them one after the other."""
        longest = self.longest("handler", "task", "tap", "init")
        assert longest[0] <= most_ms, longest
        assert self.busy_ms <= most_ms, self.busy_ms
        return self

    def shown(self) -> str:
        return "\n".join(str(r.get("text")) for r in self.of("show"))

    def check(self) -> Played:
        """No Lua error, and every standby that was prevented was allowed again (unless a child still runs)."""
        assert not self.errors, "\n".join(self.errors)
        end = self.of("end")
        assert end, self.stderr
        assert end[0]["children"] or end[0]["standby"] == 0
        return self


class Device:
    """One device with the plugin that ``plugin build`` made for it."""

    def __init__(self, home: Path, server_url: str, token: str = "secret", name: str = "Kobo") -> None:
        self.home, self.server_url = home, server_url
        self.clock = 0.0
        home.mkdir(parents=True, exist_ok=True)
        self.install(bundle.build(bundle.plugin_folder(), server_url, token, name))

    def install(self, archive: bytes) -> None:
        """Unpacks a plugin zip as a person would."""
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            packed.extractall(self.home / "plugins")

    @property
    def plugin(self) -> Path:
        return self.home / "plugins" / bundle.FOLDER

    def play(self, scenario: str, timeout: float = 60, before: str = "", **values: object) -> Played:
        """Boots the stand-in and runs the scenario; ``values`` are local variables of it. A crash is no error here.

        ``before`` is a Lua file that is run before the plugin is loaded.
        """
        script = self.home / "scenario.lua"
        head = "".join(f"local {name} = {lua(value)}\n" for name, value in values.items())
        script.write_text(f"return function(S)\n{head}{scenario}\nend\n", "utf-8")
        done = subprocess.run(
            [
                luajit(),
                str(HERE / "standin" / "run.lua"),
                str(self.plugin),
                str(self.home),
                str(script),
                self.server_url,
                str(self.clock),
                before,
            ],
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        for record in records:
            if record["type"] == "end":
                self.clock = record["clock"]
        return Played(records, done.returncode, done.stderr)

    def queued(self) -> list[Record]:
        """The events that wait on the device."""
        folder = self.home / "settings" / "tomesync" / "queue"
        lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
        return [json.loads(line) for line in lines]


def book(**changes: Any) -> Record:
    """A book as the stand-in wants it: ``points`` are pairs of XPointer and following text, one a page."""
    return {
        "file": "/books/Author A/A Long Story (12).epub",
        "md5": "d41d8cd98f00b204e9800998ecf8427e",
        "pages": 100,
        "kind": "rolling",
        "props": {"title": "A Long Story", "authors": "Author A\nAuthor B", "identifiers": "calibre:12\nuuid:abc"},
    } | changes


def comic(**changes: Any) -> Record:
    return (
        book(
            file="/books/Comic (14).cbz",
            md5="c0ffee00000000000000000000000000",
            pages=20,
            kind="paging",
            props={"title": "Comic"},
        )
        | changes
    )
