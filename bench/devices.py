"""Many devices at once: ``python -m bench.devices``. Each tells of a page turn as soon as the last one is acknowledged.

What is looked for is that a crowd costs no more per device than one does: commits are shared, nobody waits for all.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.figures import say
from bench.load import measure
from bench.service import running
from tomed.demo.library import build_demo_library

CROWDS = (1, 16, 64)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.devices", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tomed-bench-") as folder:
        library = build_demo_library(Path(folder) / "library")
        with running(library, Path(folder) / "data") as service:
            for crowd in CROWDS:
                got = measure("sync", service.server, service.one_sync, connections=crowd, seconds=told.seconds)
                more = f"{got.per_second:,.0f} a second, p50 {got.p50_ms:.1f}, p99 {got.p99_ms:.1f} ms"
                say(f"{crowd} devices at once: a sync, durable", got.cpu_ms, "ms CPU", None, more)
                say(f"{crowd} devices at once: refused", got.failures, "of them", 0)
            say(f"resident memory after {CROWDS[-1]} devices", service.server.memory_mb(), "MB", 80)


if __name__ == "__main__":
    main()
