"""Fuzzing without a network: hypothesis and atheris on the locators, the EPUB reader and the body of /sync.

The corpora in ``torture/corpus`` are small and kept; atheris works on a copy, and what it breaks something with is left
in the scenario's folder, named in the fault.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from torture.targets import TARGETS, bounded
from torture.world import World

CORPUS = Path(__file__).parent / "corpus"
LONGEST = {"xpointer": 1024, "cfi": 1024, "epub": 32_768, "chapter": 4096, "sync": 8192}
STEPS = re.findall(r"\S+", "/body /DocFragment [1] [0] [99999999999] /p /text() .0 .7 # _doc_fragment_0 [")
PARTS = [*re.findall(r"\S+", "epubcfi( ) / ! : , [ ] ^ ~ @ ;s=b 6 4 0 99999999999999 é"), "\ud800"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = re.findall(r"\w+", "id type at book fraction locator started_at ended_at active_s status page_times")
VALUES = JSON | st.sampled_from(("session", "position", "status", "2026-01-01T00:00:00Z"))
EVENT = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES))
BODY = st.fixed_dictionaries(
    {"device": JSON | st.fixed_dictionaries({"id": JSON}), "events": JSON | st.lists(EVENT, max_size=5)},
    optional={"want": JSON, "now": JSON},
)
UNHURRIED = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
THROWN = re.compile(r"^(?:\w+\.)*\w*(?:Error|Broken|Exception|Interrupt)\b.*$|^.*ERROR: libFuzzer.*$", re.MULTILINE)


def run(world: World) -> None:
    """Every contract of ``targets.py`` is kept; a daemon beside it keeps what it promised."""
    daemon = world.daemon()
    with daemon:
        daemon.wait_ready()
        with world.devices(daemon, 1) as devices:
            world.wait_for_answers(devices, 5)
    _hypothesis(world)
    for name in TARGETS:
        if importlib.util.find_spec("atheris") is None:
            world.counts["atheris"] = "not installed; bytes were changed at random instead"
            _mutations(world, name)
        else:
            _atheris(world, name)


def _hypothesis(world: World) -> None:
    texts = {
        "xpointer": st.lists(st.sampled_from(STEPS) | st.text(max_size=3), max_size=12).map("".join),
        "cfi": st.lists(st.sampled_from(PARTS) | st.text(max_size=3), max_size=16).map("".join),
        "sync": BODY.map(json.dumps),
    }
    for name, strategy in texts.items():
        examples = 0

        @seed(world.rng.getrandbits(64))
        @settings(UNHURRIED, max_examples=world.size.of(800, 50))
        @given(strategy.map(lambda text: text.encode("utf-8", "surrogatepass")))
        def keeps_its_contract(data: bytes) -> None:
            nonlocal examples
            examples += 1
            bounded(TARGETS[name], data)  # noqa: B023 - called below, in this turn of the loop

        try:
            keeps_its_contract()
        except Exception as err:
            world.fault(f"hypothesis, {name}: {type(err).__name__}: {err}"[:300])
        world.count(f"hypothesis {name}", examples)


def _atheris(world: World, name: str) -> None:
    corpus = world.folder / f"corpus-{name}"
    shutil.copytree(CORPUS / name, corpus)
    found = world.folder / f"found-{name}"
    found.mkdir()
    seconds = max(2, round(world.size.fuzz_s))
    command = [sys.executable, "-m", "torture.guided", name, f"-seed={world.rng.getrandbits(31)}"]
    command += [f"-max_total_time={seconds}", f"-max_len={LONGEST[name]}", "-timeout=20", "-rss_limit_mb=1024"]
    command += [f"-artifact_prefix={found}/", "-print_final_stats=1", str(corpus)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds + 240)
    runs = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    world.count(f"atheris {name}", int(runs.group(1)) if runs else 0)
    if done.returncode != 0:
        reason = THROWN.findall(done.stderr) or [done.stderr[-200:]]
        world.fault(f"atheris, {name}: {reason[0][:200]}, with {[p.name for p in found.iterdir()]}")


def _mutations(world: World, name: str) -> None:
    seeds = [file.read_bytes() for file in sorted((CORPUS / name).iterdir())]
    until = time.monotonic() + world.size.fuzz_s
    while time.monotonic() < until:
        data = bytearray(world.rng.choice(seeds))
        for _ in range(world.rng.randint(1, 8)):
            at = world.rng.randrange(len(data) + 1)
            if world.rng.random() < 0.5:
                data[at : at + world.rng.randint(0, 4)] = world.rng.randbytes(world.rng.randint(0, 4))
            else:
                other = world.rng.choice(seeds)
                data[at:at] = other[(start := world.rng.randrange(len(other))) : start + world.rng.randint(1, 30)]
        world.count(f"changed {name}")
        try:
            bounded(TARGETS[name], bytes(data))
        except Exception as err:
            (world.folder / f"found-{name}").write_bytes(data)
            world.fault(f"{name}: {type(err).__name__}: {err}"[:300])
            return
