"""Minutes of ordinary life at several times its pace: devices sync, people browse. Memory and open files stay flat."""

from __future__ import annotations

import statistics

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
"""How much the last fifth of the time may have over the second fifth: caches have filled by then."""


def run(world: World) -> None:
    """The median of the memory near the end is that near the beginning."""
    daemon = world.daemon()
    daemon.start()
    daemon.wait_ready()
    assert daemon.process is not None
    pid = daemon.process.pid
    memory: list[float] = []
    files: list[int] = []
    with world.devices(daemon, 3, pause_s=0.15) as devices:
        for _ in until(world.size.soak_s, STEP_S):
            for path in world.rng.sample(PATHS, 3):
                status = daemon.get(path).status
                world.expect(status < 500, f"{path} answered {status}")
                world.count("pages asked for")
            memory.append(memory_mb(pid))
            files.append(descriptors(pid))
        world.wait_for_answers(devices, 3)
    world.expect(not any(d.refused for d in devices), "a device was refused")
    fifth = max(1, len(memory) // 5)
    early, late = statistics.median(memory[fifth : 2 * fifth] or memory), statistics.median(memory[-fifth:])
    world.counts |= {"MB early": round(early, 1), "MB late": round(late, 1), "samples": len(memory)}
    world.counts |= {"files open early": files[min(fifth, len(files) - 1)], "files open late": files[-1]}
    world.expect(
        late <= early * (1 + GROWTH_SHARE) + GROWTH_MB, f"memory grew from {early:.1f} to {late:.1f} MB in the soak"
    )
    world.expect(files[-1] <= files[min(fifth, len(files) - 1)] + 10, "open files grew in the soak")
    daemon.stop()
