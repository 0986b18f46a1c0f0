"""``python -m torture``: all scenarios, or some, with a seed that makes the same choices again."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from torture import (
    abuse,
    clocks,
    connections,
    diskfaults,
    fulldisk,
    fuzz,
    kills,
    libraries,
    openapi,
    powercut,
    questions,
    soak,
)
from torture.report import Outcome, Report
from torture.world import Size, World

SCENARIOS: dict[str, Callable[[World], None]] = {
    "kill -9": kills.run,
    "power cut": powercut.run,
    "each write fails": diskfaults.run,
    "full disk": fulldisk.run,
    "read-only folder": fulldisk.run_readonly,
    "clock jumps": clocks.run,
    "library": libraries.run,
    "connections": connections.run,
    "abuse": abuse.run,
    "OpenAPI": openapi.run,
    "fuzz": fuzz.run,
    "soak": soak.run,
}
OUT = Path(__file__).parent / "out"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("--seed", type=int, help="of an earlier run, to make its choices again")
    parser.add_argument("--only", action="append", choices=SCENARIOS, metavar="NAME", help=", ".join(SCENARIOS))
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, to see that it runs")
    parser.add_argument("--soak-s", type=float, help="how long the soak lasts, seconds (600)")
    parser.add_argument("--json", type=Path, default=OUT / "torture.json", help="where the figures go")
    parser.add_argument("--markdown", type=Path, help="write the page of the documentation too")
    told = parser.parse_args()
    seed = told.seed if told.seed is not None else random.SystemRandom().randrange(10**9)
    size = Size(0.1, 20, 3) if told.quick else Size()
    if told.soak_s is not None:
        size.soak_s = told.soak_s
    print(f"SEED={seed}", flush=True)
    names = told.only or list(SCENARIOS)
    report = Report(seed, size.share, size.soak_s, [_scenario(name, seed, size) for name in names])
    report.show()
    report.write_json(told.json)
    if told.markdown is not None:
        report.write_markdown(told.markdown, replay=f"make torture SEED={seed}")
    return 0 if report.good else 1


def _scenario(name: str, seed: int, size: Size) -> Outcome:
    """Run one in a folder of its own, and ask the two questions. The folder stays when something was wrong."""
    folder = Path(tempfile.mkdtemp(prefix="tomed-torture-"))
    began = time.monotonic()
    world = World(folder, f"{seed}:{name}", size)
    run = SCENARIOS[name]
    try:
        run(world)
        world.log_is_clean()
    except Exception as err:  # a scenario that breaks off has failed; the others go on
        world.fault(f"broke off: {type(err).__name__}: {err}")
        traceback.print_exc()
    finally:
        world.end()
    missing = ["the database"] if world.promised and not world.database.exists() else []
    if world.database.exists():
        missing += questions.lost(world.database, world.promised)
        fault = questions.unsound(world.database)
        world.expect(not fault, f"the database is not sound: {fault}")
    changed = questions.changed(world.library.folder, world.before)
    about = (run.__doc__ or "").strip()
    outcome = Outcome(
        name, about, time.monotonic() - began, len(world.promised), len(missing), changed, world.faults, world.counts
    )
    if outcome.good:
        shutil.rmtree(folder, ignore_errors=True)
    told = f"{'held' if outcome.good else f'FAILED, see {folder}'}, {outcome.seconds:.0f} s"
    print(f"{name}: {told}", flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
