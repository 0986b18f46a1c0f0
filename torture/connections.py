"""Slow and half-open connections by the hundred, while a device wants to sync."""

from __future__ import annotations

import contextlib
import socket
import time
import urllib.parse

from torture.world import World, memory_mb, sockets, until

HALF = (
    b"",  # connected, and silent
    b"GET /api/v1/health HT",  # breaks off in the first line
    b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: ",  # in a header
    b"POST /api/v1/sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{",
    b"POST /api/v1/sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFF\r\n{",
    b"GET /api/v1/books?per_page=200 HTTP/1.1\r\nHost: x\r\n\r\n" * 20,  # asks, and never reads the answer
)
HELD_S = 12.0
MORE_MB = 60.0


def run(world: World) -> None:
    """Hundreds of them cost little, keep nobody waiting, and are gone when they are closed."""
    daemon = world.daemon()
    daemon.start()
    daemon.wait_ready()
    assert daemon.process is not None
    pid = daemon.process.pid
    with world.devices(daemon, 1) as devices:
        world.wait_for_answers(devices, 20)
    memory, files = memory_mb(pid), sockets(pid)
    held = _open(daemon.url, world.size.of(400, 40), world)
    try:
        slowest = 0.0
        with world.devices(daemon, 2, pause_s=0.02) as devices:
            for _ in until(min(HELD_S, HELD_S * world.size.share + 2), 0.2):
                for one in held:
                    with contextlib.suppress(OSError):
                        one.send(b"x")  # drips on
                began = time.monotonic()
                daemon.get("/health", token="")
                slowest = max(slowest, time.monotonic() - began)
            world.wait_for_answers(devices, 10)
        world.expect(not any(d.refused for d in devices), "a device was refused beside slow connections")
        grown = memory_mb(pid) - memory
        world.expect(grown < MORE_MB, f"{len(held)} idle connections cost {grown:.0f} MB")
        world.counts |= {
            "connections": len(held),
            "MB more": round(grown, 1),
            "slowest /health meanwhile, s": round(slowest, 2),
        }
    finally:
        for number, one in enumerate(held):
            if number % 2:  # every second one by a reset
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            one.close()
    world.wait("closed connections are let go", lambda: sockets(pid) <= files + 5, 30)
    daemon.stop()


def _open(url: str, count: int, world: World) -> list[socket.socket]:
    where = urllib.parse.urlsplit(url)
    held = []
    for number in range(count):
        one = socket.create_connection((str(where.hostname), int(where.port or 80)), timeout=10)
        one.sendall(HALF[number % len(HALF)])
        one.setblocking(False)
        held.append(one)
    return held
