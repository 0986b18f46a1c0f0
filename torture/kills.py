"""``kill -9`` at random moments under load."""

from __future__ import annotations

import time

from torture import questions
from torture.world import World


def run(world: World) -> None:
    """Start, load, kill; after each time the database opens sound and holds what was acknowledged so far."""
    daemon = world.daemon()
    for _ in range(world.size.of(24)):
        daemon.start()
        if world.rng.random() < 0.5:  # else it is killed while it reads the library
            daemon.wait_ready()
        with world.devices(daemon) as devices:
            if world.rng.random() < 0.9:
                world.wait_for_answers(devices, 1)
            time.sleep(world.rng.uniform(0, 0.3))
            daemon.kill()
        fault = questions.unsound(world.database)
        world.expect(not fault, f"after a kill the database is not sound: {fault}")
        missing = questions.lost(world.database, world.promised)
        world.expect(not missing, f"after a kill {len(missing)} acknowledged events were gone")
        world.count("kills")
    daemon.start()
    daemon.wait_ready()
    daemon.stop()
