"""A new version comes in by itself, a bad one never, and a power loss in between leaves a plugin that runs."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.plugin.device import Device, Played
from tests.plugin.faultproxy import FaultProxy
from tomed import bundle

pytestmark = pytest.mark.lua

LOAD = 'S.tap("Settings > Check for updates") S.settle() S.answer(true) S.settle() S.run(1)'
VERSION = "S.dump(require('tomesync/version')) S.run(15)"


def offer(server: FaultProxy, version: str = "9.0.0", sha256: str = "", **changes: str) -> None:
    """The server has this plugin with another version and with ``changes`` to its files."""
    files = json.loads(bundle.update(bundle.plugin_folder()).files)["files"]
    files |= {"tomesync/version.lua": f'return "{version}"\n'} | changes
    body = {"version": version, "files": {name: text for name, text in files.items() if text is not None}}
    raw = json.dumps(body).encode()
    told = {
        "service": "tomed",
        "version": version,
        "sha256": sha256 or hashlib.sha256(raw).hexdigest(),
        "size": len(raw),
    }
    server.tomed.extra["GET /api/v1/plugin"] = (200, told)
    server.tomed.extra["GET /api/v1/plugin/files"] = (200, body)


def version_of(played: Played) -> str:
    return str(played.check().of("dump")[-1]["what"])


def test_a_new_version_comes_in_at_the_next_start(device: Device, server: FaultProxy) -> None:
    """Not before; and with the server and key that the device had."""
    offer(server)
    played = device.play(LOAD + VERSION)
    assert version_of(played) == "0.1.0" and played.of("restart_asked")
    assert version_of(device.play(VERSION)) == "9.0.0"
    assert not (device.plugin / "update_trial").exists(), "it ran, so it stays"
    assert version_of(device.play(VERSION + 'S.tap("Sync now") S.settle()')) == "9.0.0"
    assert server.requests("/sync")


def test_the_same_or_an_older_version_is_no_update(device: Device, server: FaultProxy) -> None:
    offer(server, "0.0.9")
    assert "newest" in device.play('S.tap("Settings > Check for updates") S.settle()').check().shown()
    assert not (device.plugin / "update").exists()


@pytest.mark.parametrize(
    "bad",
    [
        {"sha256": "0" * 64},
        {"tomesync/queue.lua": "this is no Lua ("},
        {"../../evil.lua": "return 1"},
        {"tomesync/../../evil.lua": "return 1"},
        {"tomesync_start.lua": "return 1"},
        {"tomesync_defaults.lua": "return 1"},
        {"main.lua": None},
    ],
)
def test_what_is_not_whole_is_not_taken(device: Device, server: FaultProxy, bad: dict[str, str]) -> None:
    """A wrong checksum, files that do not compile, names outside the plugin: nothing is changed, and it says so."""
    offer(server, **bad)
    played = device.play(LOAD).check()
    assert "Nothing was changed" in played.shown()
    assert version_of(device.play(VERSION)) == "0.1.0"
    assert not list(device.home.rglob("evil.lua"))


@pytest.mark.parametrize("where", ["main.lua", "tomesync/queue.lua"])
def test_a_version_that_does_not_start_is_taken_back(device: Device, server: FaultProxy, where: str) -> None:
    """It compiles and then fails: the start after that has the old version again, queue and settings untouched."""
    first = "" if where != "main.lua" else 'local t = require("tomesync_start").check() if t then return t end\n'
    offer(server, **{where: first + 'error("a bad day")'})
    device.play(LOAD).check()
    assert device.play(VERSION).errors, "the new one fails"
    played = device.play(VERSION)
    assert version_of(played) == "0.1.0"
    assert "the one before is back" in played.shown()
    assert version_of(device.play(VERSION)) == "0.1.0"


def test_power_loss_at_every_step_of_the_swap(tmp_path: Path, device: Device, server: FaultProxy) -> None:
    """After each single move, removal or written file the power goes; whatever start follows has a plugin that runs."""
    offer(server)
    device.play(LOAD).check()
    ready = tmp_path / "ready"
    shutil.copytree(device.plugin, ready)
    seen = set()
    for step in range(1, 40):
        shutil.rmtree(device.plugin)
        shutil.copytree(ready, device.plugin)
        script = device.home / "power.lua"
        script.write_text(
            f"""local left = {step}
            local function cut() left = left - 1 if left == 0 then require("kernel").crash() end end
            local lfs = require("lfs")
            for _, t in ipairs{{ {{ os, "rename" }}, {{ os, "remove" }}, {{ lfs, "rmdir" }}, {{ lfs, "mkdir" }} }} do
                local f = t[1][t[2]]
                t[1][t[2]] = function(...) local a, b, c = f(...) cut() return a, b, c end
            end"""
        )
        died = device.play(VERSION, before=str(script))
        if died.of("end"):
            seen.add("whole")
            break
        played = device.play(VERSION)
        seen.add(version_of(played))
    assert "whole" in seen and seen <= {"0.1.0", "9.0.0", "whole"}
