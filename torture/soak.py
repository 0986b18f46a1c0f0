"""Minutes of ordinary life at several times its pace: devices sync, people browse. Memory and open files stay flat.

Years of reading come in within minutes, and what a person has read is part of what the pages show. So the memory near
the end is held against that of a daemon started anew on the same data and asked the same: what the old one has over
that is kept for nothing.
"""

from __future__ import annotations

import statistics

from tests.daemon import Daemon
from torture.world import World, descriptors, memory_mb, until

PATHS = (
    "/books?per_page=50",
    "/books?q=light",
    "/series",
    "/sessions?per_page=50",
    "/statistics",
    "/sittings",
    "/!library",
    "/!",
    "/!statistics",
    "/health",
)
STEP_S = 1.0
GROWTH_SHARE, GROWTH_MB = 0.05, 4.0
"""How much the old daemon may have over the new one."""


def run(world: World) -> None:
    """The memory near the end is that near the beginning, or that of a daemon started anew on the same data."""
    daemon = world.daemon()
    memory, files = _live(world, daemon, world.size.soak_s)
    fifth = max(1, len(memory) // 5)
    early, late = statistics.median(memory[fifth : 2 * fifth] or memory), statistics.median(memory[-fifth:])
    anew, _ = _live(world, daemon, world.size.soak_s / 10)
    needed = max(early, statistics.median(anew[-max(1, len(anew) // 2) :]))
    world.counts |= {"MB early": round(early, 1), "MB late": round(late, 1), "samples": len(memory)}
    world.counts |= {"MB of one started anew": round(needed, 1)}
    world.counts |= {"files open early": files[min(fifth, len(files) - 1)], "files open late": files[-1]}
    world.expect(
        late <= needed * (1 + GROWTH_SHARE) + GROWTH_MB,
        f"memory grew from {early:.1f} to {late:.1f} MB in the soak; started anew it is {needed:.1f} MB",
    )
    world.expect(files[-1] <= files[min(fifth, len(files) - 1)] + 10, "open files grew in the soak")


def _live(world: World, daemon: Daemon, seconds: float) -> tuple[list[float], list[int]]:
    """Start, live, stop; resident memory (MB) and open files at each step."""
    daemon.start()
    daemon.wait_ready()
    assert daemon.process is not None
    pid = daemon.process.pid
    memory: list[float] = []
    files: list[int] = []
    with world.devices(daemon, 3, pause_s=0.15) as devices:
        for _ in until(seconds, STEP_S):
            for path in world.rng.sample(PATHS, 3):
                status = daemon.get(path).status
                world.expect(status < 500, f"{path} answered {status}")
                world.count("pages asked for")
            memory.append(memory_mb(pid))
            files.append(descriptors(pid))
        world.wait_for_answers(devices, 3)
    world.expect(not any(d.refused for d in devices), "a device was refused")
    daemon.stop()
    return memory, files
