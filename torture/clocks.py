"""The server's clock jumps by days and years, back and forth, and the devices' clocks are anywhere."""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path

from tests.daemon import Daemon
from torture.world import World

JUMPS_S = (0, 3600, -3600, 86_400, -86_400, 40 * 86_400, -400 * 86_400, 3 * 365 * 86_400, 0)
TIMES = ("1970-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2026-03-29T01:30:00+01:00", "2100-01-01T00:00:00Z")


def serve(jump_file: Path, arguments: list[str]) -> int:
    """``tomed serve`` with a clock that is off by as many seconds as stand in ``jump_file``."""
    from tomed import __main__, app
    from tomed.commands import serve as command

    def clock() -> int:
        return time.time_ns() // 1_000_000 + int(float(jump_file.read_text() or 0) * 1000)

    command.build_app = lambda config: app.build_app(config, clock)  # type: ignore[assignment]
    return __main__.main(arguments)


def run(world: World) -> None:
    """Every event is taken at any time of day, and the device stays signed in."""
    jump = world.folder / "jump"
    jump.write_text("0")
    daemon = world.daemon()
    daemon.module = ("torture.clocks", str(jump))
    daemon.start()
    daemon.wait_ready()
    for offset in [*JUMPS_S, *world.rng.choices(JUMPS_S, k=world.size.of(12))]:
        jump.write_text(str(offset))
        with world.devices(daemon, 2) as devices:
            world.wait_for_answers(devices, 4)
        world.expect(not any(d.refused for d in devices), f"with the clock off by {offset} s syncs were refused")
        _told_at_any_time(world, daemon)
        for path in ("/sessions", "/books", "/statistics"):
            status = daemon.get(path).status
            world.expect(status == 200, f"with the clock off by {offset} s {path} answered {status}")
        world.count("jumps")
    daemon.stop()


def _told_at_any_time(world: World, daemon: Daemon) -> None:
    """Events of 1970 and 2100; each is answered for itself, and what is accepted is promised."""
    events = [
        {
            "id": str(uuid.UUID(int=world.rng.getrandbits(128))),
            "type": "position",
            "at": at,
            "book": {"book_uuid": world.books()[0]},
            "fraction": world.rng.random(),
        }
        for at in TIMES
    ]
    body = {"device": {"id": "d9", "name": "Lost", "now": world.rng.choice(TIMES)}, "events": events}
    body["now"] = world.rng.choice(TIMES)
    answer = daemon.post("/sync", body)
    world.expect(answer.status == 200, f"events of any time were answered {answer.status}: {answer.body[:100]!r}")
    if answer.status == 200:
        world.promised |= {r["id"] for r in answer.json["results"] if r["result"] == "accepted"}


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), sys.argv[2:]))
