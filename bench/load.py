"""A load of HTTP requests over raw sockets, and the figures that come of it.

The client costs about a tenth of what an aiohttp server spends on a request, so the server is what is measured. Each
connection sends its next request when the answer to the last is complete; nothing is pipelined.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.process import Server

_PATIENCE_S = 30.0
_LAST_CHUNK = b"0\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; ``target`` is path and query, quoted already."""

    target: str
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self, host: str) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def put_json(target: str, value: object, token: str = "") -> Request:
    """A PUT with a JSON body, and a bearer token if one is given."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return Request(target, "PUT", json.dumps(value).encode(), headers)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a measurement came to. Times are ms; ``cpu_ms`` is the server's, per request; ``pressure`` is how much the
    machine had else to do (share of the last 10 s in which somebody waited for a processor, percent)."""

    name: str
    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    memory_mb: float
    failures: int
    pressure: float

    def as_dict(self) -> dict[str, float | int | str]:
        return {key: round(v, 4) if isinstance(v, float) else v for key, v in asdict(self).items()}


def measure(
    name: str,
    server: Server,
    request: Callable[[int], Request],
    *,
    connections: int = 8,
    seconds: float = 3.0,
    warm_up: float = 0.5,
) -> Figures:
    """Send ``request(0)``, ``request(1)``, … over ``connections`` for ``seconds``, after a warm-up.

    A request has failed when its status is not 2xx. Blocks: the server must be another process.
    """
    load = _Load(server, request)
    clients = selectors.DefaultSelector()
    try:
        for _ in range(connections):
            connection = _Connection(load)
            clients.register(connection.socket, selectors.EVENT_READ, connection)
        _run(clients, warm_up)
        load.latencies, load.failures = [], 0
        cpu, began = server.cpu_s(), time.perf_counter()
        _run(clients, seconds)
        took, cpu = time.perf_counter() - began, server.cpu_s() - cpu
    finally:
        for key in list(clients.get_map().values()):
            key.data.socket.close()
        clients.close()
    latencies = sorted(load.latencies)
    if not latencies:
        raise RuntimeError(f"{name}: no answer in {seconds} s")
    return Figures(
        name,
        len(latencies),
        len(latencies) / took,
        1000 * latencies[len(latencies) // 2],
        1000 * latencies[len(latencies) * 99 // 100],
        1000 * cpu / len(latencies),
        server.memory_mb(),
        load.failures,
        _pressure(),
    )


def _run(clients: selectors.BaseSelector, seconds: float) -> None:
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        for key, _ in clients.select(left):
            key.data.receive()


class _Load:
    """The counters that all connections share."""

    def __init__(self, server: Server, request: Callable[[int], Request]) -> None:
        parts = urlsplit(server.url)
        self.address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._host = parts.netloc
        self._request = request
        self._sent = 0
        self.latencies: list[float] = []
        self.failures = 0

    def next_request(self) -> bytes:
        number, self._sent = self._sent, self._sent + 1
        return self._request(number).encoded(self._host)

    def answered(self, began: float, status: int) -> None:
        self.latencies.append(time.perf_counter() - began)
        self.failures += not 200 <= status < 300


class _Connection:
    """One kept connection; sends the next request as soon as the last is answered."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self.socket = socket.create_connection(load.address, _PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._send()

    def _send(self) -> None:
        self._head = b""
        self._status = 0  # until the head is there
        self._missing: int | None = None  # bytes of the body; None while chunked
        self._end = b""
        request = self._load.next_request()
        self._began = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> None:
        """Take what has come; when the answer is whole, count it and go on."""
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection")
        if not self._status:
            data = self._read_head(data)
        if not self._status:
            return
        if self._missing is None:
            self._end = (self._end + data)[-len(_LAST_CHUNK) :]
            complete = self._end == _LAST_CHUNK
        else:
            self._missing -= len(data)
            complete = self._missing <= 0
        if complete:
            self._load.answered(self._began, self._status)
            self._send()

    def _read_head(self, data: bytes) -> bytes:
        """Note status and length once the whole head has come; what there is of the body then."""
        self._head, found, body = (self._head + data).partition(b"\r\n\r\n")
        if not found:
            return b""
        self._status = int(self._head[9:12])
        if b"chunked" not in self._head.lower():
            length = _LENGTH.search(self._head)
            self._missing = int(length[1]) if length else 0
        return body


def _pressure() -> float:
    """Linux' own word for how busy the machine is; 0 where it has none."""
    try:
        return float(Path("/proc/pressure/cpu").read_text().split("avg10=")[1].split()[0])
    except (OSError, IndexError):
        return 0.0
