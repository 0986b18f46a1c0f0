"""Schemathesis reads the daemon's own OpenAPI document and asks everything that it allows, and what it does not."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

from torture.world import World

CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance"
LEFT_ALONE = ("/history/file", "/pairing")
"""Not asked: a file upload that is fuzzed elsewhere, and what is throttled by design."""


def run(world: World) -> None:
    """No answer is 5xx, each has the type and the shape that the document says; another person's events stay."""
    if importlib.util.find_spec("schemathesis") is None:
        world.counts["left out"] = "schemathesis is not installed: pip install .[torture]"
        return
    daemon = world.daemon()
    daemon.start()
    daemon.wait_ready()
    with world.devices(daemon, 2) as devices:
        world.wait_for_answers(devices, 30)
    mine = daemon.token
    daemon.add_user("fuzz")
    daemon.add_token("fuzz", "Fuzzer")
    document = daemon.get("/openapi.json").json
    world.counts["operations"] = sum(len(methods) for methods in document["paths"].values())
    seconds = max(15, round(world.size.fuzz_s * 5))
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{daemon.url}/api/v1/openapi.json"]
    command += ["--header", f"Authorization: Bearer {daemon.token}", "--seed", str(world.rng.getrandbits(31))]
    command += ["--checks", CHECKS, "--max-examples", str(world.size.of(20, 3)), "--max-time", str(seconds)]
    command += ["--suppress-health-check", "all", "--no-shrink", "--continue-on-failure", "--warnings", "off"]
    command += ["--request-timeout", "20", "--phases", "examples,coverage,fuzzing"]
    for path in LEFT_ALONE:
        command += ["--exclude-path-regex", path]
    done = subprocess.run(command, capture_output=True, text=True, cwd=world.folder, timeout=seconds * 3 + 300)
    (world.folder / "schemathesis.txt").write_text(done.stdout + done.stderr)
    world.expect(done.returncode in (0, 1), f"schemathesis itself failed: {done.stderr[-300:] or done.stdout[-300:]}")
    world.counts["requests"] = _requests(done.stdout)
    for failure in _failures(done.stdout)[:20]:
        world.fault(failure)
    daemon.token = mine
    with world.devices(daemon, 1) as devices:
        world.wait_for_answers(devices, 3)
    daemon.stop()


def _requests(told: str) -> int:
    found = re.search(r"([\d,]+) generated", told)
    return int(found.group(1).replace(",", "")) if found else 0


def _failures(told: str) -> list[str]:
    """The operations and what was wrong with them, from the report's section of failures."""
    found, operation = [], ""
    for line in told.splitlines():
        if heading := re.fullmatch(r"_+ ([A-Z]+ \S+) _+", line.strip()):
            operation = heading.group(1)
        elif line.startswith("- ") and operation:
            found.append(f"{operation}: {line[2:].strip()}")
    return sorted(set(found))
