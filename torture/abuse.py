"""Bodies beyond 413, decompression, and headers and addresses that nobody means well with."""

from __future__ import annotations

import contextlib
import gzip
import socket
import urllib.parse
import zlib

from tests.daemon import Daemon
from torture.world import World, memory_mb

MORE_MB = 120.0
PATIENCE_S = 20.0
UNFINISHED_S = 0.3
"""How long an answer is waited for to what may be the beginning of a request."""
BOMB = 200 << 20
"""Bytes that a compressed body of 200 kB would unpack to."""

TARGETS = (
    "/../../etc/passwd",
    "/static/../../../../etc/passwd",
    "/static/%2e%2e/%2e%2e/etc/passwd",
    "/static/..%2f..%2fetc%2fpasswd",
    "/static/....//....//etc/passwd",
    "/api/v1/books/%00",
    "/api/v1/books/..%2f..%2fmetadata.db",
    "/api/v1/books/{book}/formats/..%2F..%2Fmetadata.db",
    "/api/v1/books/{book}/formats/EPUB%00",
    "/api/v1/books/%ff%fe",
    "/api/v1/books?per_page=99999999999999999999",
    "/api/v1/books?page=-1",
    "/api/v1/books?q=" + "a" * 6000,
    "/api/v1/books?q=%00",
    "/api/v1/books?q=%22%20OR%20NEAR(",
    "/api/v1/books?after=%ff",
    "/api/v1/resolve?filename=" + "%2e%2e%2f" * 800,
    "/api/v1/sessions?page=1e309",
    "/api/v1/sittings?from=9999-99-99",
    "/api/v1/history?device=%00%00",
    "http://other.example/api/v1/health",
    "//other.example/api/v1/health",
    "*",
    "/" + "a/" * 3000,
    "/;../../x",
    "/%",
    "/%zz",
    "/?" + "&".join(f"k{n}=v" for n in range(1500)),
)
HEADERS = (
    b"X-Long: " + b"a" * 100_000,
    b"\r\n".join(b"X-%d: y" % n for n in range(5_000)),
    b"Authorization: Bearer " + b"\xff" * 500,
    b"Authorization: Basic " + b"=" * 2000,
    b"Cookie: " + b"tomed=" + b"a" * 7000,
    b"Cookie: " + b"; ".join(b"c%d=%d" % (n, n) for n in range(800)),
    b"Range: bytes=" + b",".join(b"%d-%d" % (n, n) for n in range(1000)),
    b"Range: bytes=99999999999999999999-",
    b"If-None-Match: " + b'"' * 3000,
    b"If-Modified-Since: \xff\xff",
    b"Accept-Language: " + b"q=0.1," * 1000,
    b"Host: \x00",
    b"Content-Length: -1",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked, gzip",
    b"Expect: 100-continue\r\nContent-Length: 999999999",
    b"Upgrade: websocket\r\nConnection: Upgrade",
    b"X-Forwarded-For: " + b"1.2.3.4, " * 700,
    b" folded: header",
    b"No colon here",
)


def run(world: World) -> None:
    """Each is answered with 4xx or hung up on, never 5xx; and the daemon is as well, and as small, as before."""
    daemon = world.daemon()
    daemon.start()
    daemon.wait_ready()
    assert daemon.process is not None
    with world.devices(daemon, 1) as devices:
        world.wait_for_answers(devices, 10)
    before = memory_mb(daemon.process.pid)
    for target in TARGETS:
        told = target.replace("{book}", world.books()[0])
        for token in (daemon.token, ""):
            line = f"GET {told} HTTP/1.1\r\nHost: x\r\n".encode() + _bearer(token)
            _try(world, daemon, f"GET {target[:60]}", line + b"\r\n")
    for header in HEADERS:
        line = b"GET /api/v1/books HTTP/1.1\r\nHost: x\r\n" + _bearer(daemon.token) + header + b"\r\n\r\n"
        _try(
            world,
            daemon,
            f"header {header[:40]!r}",
            line,
            whole=b"Content-Length" not in header and b"chunked" not in header,
        )
    for method in ("TRACE", "CONNECT", "PROPFIND", "G" * 5000, "get", "\xff"):
        _try(world, daemon, f"method {method[:20]}", f"{method} /api/v1/books HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    for _ in range(world.size.of(60)):
        noise = world.rng.randbytes(world.rng.randint(1, 3000)) + b"\r\n\r\n"
        _try(world, daemon, "noise", noise, whole=False)
    _bodies(world, daemon)
    grown = memory_mb(daemon.process.pid) - before
    world.counts["MB more"] = round(grown, 1)
    world.expect(grown < MORE_MB, f"abuse left the daemon {grown:.0f} MB larger")
    with world.devices(daemon, 2) as devices:
        world.wait_for_answers(devices, 10)
    world.expect(not any(d.refused for d in devices), "after the abuse a device was refused")
    daemon.stop()


def _bodies(world: World, daemon: Daemon) -> None:
    """Too large as it says, too large without saying, and small until it is unpacked."""
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 20)
    bomb = b"".join(packer.compress(block) for _ in range(BOMB // len(block))) + packer.flush()
    small = gzip.compress(b'{"device": {"id": "d1"}, "events": []}')
    for path in ("/api/v1/sync", "/api/v1/history", "/api/v1/history/file"):
        head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" % path.encode()
        head += _bearer(daemon.token)
        bodies = {
            "1 GB as it says": b"Content-Length: 1000000000\r\n\r\n" + b"x" * 100_000,
            "3 MB": b"Content-Length: 3145728\r\n\r\n" + b" " * 3_145_728,
            "chunks without end": b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b" " * 65_536 + b"\r\n") * 60,
            "a gzip bomb": b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb,
            "a deflate bomb": b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb,
            "broken gzip": b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + small[:10] + b"\xff" * 10,
            "brotli that is none": b"Content-Encoding: br\r\nContent-Length: 20\r\n\r\n" + b"\xff" * 20,
            "JSON nested deeply": _sized(b'{"events":' + b"[" * 100_000),
            "no JSON": _sized(b"\x00" * 1000),
            "a number of 100,000 digits": _sized(b'{"events":' + b"9" * 100_000 + b"}"),
            "NaN": _sized(b'{"device":{"id":"d"},"events":[{"id":"n","type":"position","fraction":NaN}]}'),
            "the same key ten thousand times": _sized(b"{" + b",".join([b'"events":[]'] * 10_000) + b"}"),
        }
        if path.endswith("file"):  # a file may be large and slow: it is waited for
            del bodies["1 GB as it says"], bodies["chunks without end"]
        for name, body in bodies.items():
            fine = not path.endswith("file") and name in ("NaN", "the same key ten thousand times")
            _try(world, daemon, f"{path}: {name}", head + body, fine=fine)


def _sized(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def _bearer(token: str) -> bytes:
    return f"Authorization: Bearer {token}\r\n".encode() if token else b""


def _try(world: World, daemon: Daemon, what: str, request: bytes, *, fine: bool = True, whole: bool = True) -> None:
    """Send raw bytes; an answer of 5xx, a success that is not ``fine``, or none to a ``whole`` request is a fault."""
    where = urllib.parse.urlsplit(daemon.url)
    answer = b""
    with socket.create_connection((str(where.hostname), int(where.port or 80)), timeout=PATIENCE_S) as one:
        with contextlib.suppress(ConnectionError):  # hung up on while sending: as good as a refusal
            one.sendall(request)
        one.settimeout(PATIENCE_S if whole else UNFINISHED_S)
        try:
            with contextlib.suppress(ConnectionError):
                answer = one.recv(65_536)
        except TimeoutError:
            world.expect(not whole, f"{what}: no answer in {PATIENCE_S:g} s")
            world.count("waited for by the daemon")
            return
    status = int(answer[9:12]) if answer[:5] == b"HTTP/" and answer[9:12].isdigit() else 0
    world.expect(status < 500, f"{what}: answered {status}")
    world.expect(fine or not 200 <= status < 300, f"{what}: taken with {status}")
    world.count(f"answered {status // 100}xx" if status else "hung up on")
