"""The plugin's pure modules under LuaJIT, its style, and its zip."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugin.device import HERE, luajit
from tomed import bundle
from tomed.errors import Invalid

SOURCE = bundle.plugin_folder() / bundle.FOLDER


@pytest.mark.lua
def test_the_pure_modules() -> None:
    """Tracker, queue, positions, answers and the like hold their promises without KOReader."""
    done = subprocess.run(
        [luajit(), str(HERE / "lua" / "spec.lua"), str(SOURCE)], check=False, capture_output=True, text=True, timeout=60
    )
    failed = done.stdout.split("\nnot ok ")[1:]
    assert done.returncode == 0, done.stderr + "\n".join(failed) or done.stdout


@pytest.mark.lua
def test_luacheck_has_nothing_to_say() -> None:
    """No global, no unused name, no shadowing."""
    if shutil.which("luacheck") is None:
        if os.environ.get("CI"):
            pytest.fail("luacheck is missing: apt-get install lua-check")
        pytest.skip("luacheck is missing: apt-get install lua-check")
    config = SOURCE.parent / ".luacheckrc"
    done = subprocess.run(
        ["luacheck", "--no-color", "--config", str(config), str(SOURCE)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_plugin_keeps_its_vows() -> None:
    """Never isOnline, no Wi-Fi raised by itself, no name in _meta.lua, every module's name prefixed."""
    for path in sorted(SOURCE.rglob("*.lua")):
        text = path.read_text("utf-8")
        assert "isOnline" not in text and "OnlineToRun" not in text and "turnOnWifi" not in text, path.name
        own = [name for name in re.findall(r'require\("([^"]+)"\)', text) if (SOURCE / f"{name}.lua").exists()]
        assert all(name.startswith("tomesync") for name in own), path.name
    assert not re.search(r"^\s*name\s*=", (SOURCE / "_meta.lua").read_text("utf-8"), re.MULTILINE)
    users = [p.name for p in SOURCE.rglob("*.lua") if "runWhenConnected" in p.read_text("utf-8")]
    assert "sync.lua" not in users and "reading.lua" not in users


def test_every_module_of_koreader_is_in_the_table() -> None:
    """Who loads another module of KOReader says in docs/koreader-apis.md how it is known to be there."""
    told = (SOURCE.parent.parent / "docs" / "koreader-apis.md").read_text("utf-8")
    loaded: set[str] = set()
    for path in SOURCE.rglob("*.lua"):
        loaded |= set(re.findall(r'require(?:\(|, )"([^"]+)"', path.read_text("utf-8")))
    outside = {name for name in loaded if not (SOURCE / f"{name}.lua").exists()}
    assert len(outside) > 20
    for name in sorted(outside):
        known = (
            f"`{name}`",
            f"`frontend/{name}.lua`",
            f"`{name}.lua`",
            f"`base/{name}.lua`",
            f"`frontend/{name}/init.lua`",
        )
        assert any(text in told for text in known), name


def run_defaults(folder: Path, archive: bytes) -> list[str]:
    """What Lua itself reads from the defaults file of a zip: server, token, name, and whether anything was executed."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        (folder / "defaults.lua").write_bytes(packed.read(f"{bundle.FOLDER}/{bundle.DEFAULTS}"))
    program = """local f = assert(loadfile(arg[1])); setfenv(f, {})
    local t = f(); for _, k in ipairs{"server", "token", "device_name"} do
      io.write((t[k]:gsub(".", function(c) return ("%02x"):format(c:byte()) end)), "\\n")
    end"""
    (folder / "read.lua").write_text(program)
    done = subprocess.run(
        [luajit(), str(folder / "read.lua"), str(folder / "defaults.lua")], check=True, capture_output=True
    )
    return [bytes.fromhex(line).decode("utf-8") for line in done.stdout.decode().split("\n")[:3]]


@pytest.mark.lua
@settings(max_examples=30, deadline=None)
@given(tail=st.text(), token=st.text(min_size=1), name=st.text(min_size=1))
def test_no_address_key_or_name_becomes_code(
    tmp_path_factory: pytest.TempPathFactory, tail: str, token: str, name: str
) -> None:
    """Whatever the text, Lua reads back exactly it."""
    url = ("http://h" + tail).strip().rstrip("/")
    archive = bundle.build(bundle.plugin_folder(), url, token, name)
    assert run_defaults(tmp_path_factory.mktemp("zip"), archive) == [url, token, name]


@pytest.mark.lua
@pytest.mark.parametrize("evil", ['"..os.execute("id").."', "]]..os.exit()..[[", "a\\", 'a\\"', "x\ny\r\0z", "'--[["])
def test_hostile_addresses(tmp_path: Path, evil: str) -> None:
    url = "http://host/" + evil
    assert run_defaults(tmp_path, bundle.build(bundle.plugin_folder(), url, "t", evil))[0] == url.strip().rstrip("/")


def test_the_zip_is_the_plugin_and_the_same_each_time() -> None:
    first = bundle.build(bundle.plugin_folder(), "http://h:1/", "secret")
    assert first == bundle.build(bundle.plugin_folder(), "http://h:1", "secret")
    with zipfile.ZipFile(io.BytesIO(first)) as packed:
        names = packed.namelist()
        assert packed.testzip() is None
    assert all(name.startswith(f"{bundle.FOLDER}/") for name in names)
    assert f"{bundle.FOLDER}/main.lua" in names and f"{bundle.FOLDER}/_meta.lua" in names
    assert bundle.plugin_version(bundle.plugin_folder()).count(".") == 2


@pytest.mark.parametrize("url", ["", "host:80", "ftp://h", "javascript:x", "http://", "http:///x"])
def test_an_address_nobody_can_call_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        bundle.build(bundle.plugin_folder(), url, "t")


def test_translators_have_every_string() -> None:
    """The template is as ``python plugin/strings.py`` writes it, line numbers aside."""
    spec = importlib.util.spec_from_file_location("plugin_strings", SOURCE.parent / "strings.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def messages(text: str) -> set[str]:
        return set(re.findall(r'^msgid "(.*)"$', text, re.MULTILINE))

    assert messages(module.POT.read_text("utf-8")) == messages(module.collect()), "run: python plugin/strings.py"
