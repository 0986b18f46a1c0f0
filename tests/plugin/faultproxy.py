"""A small tomed, or a proxy before the real one, that can fail in every way a network can.

``POST /__ctl {"mode", "delay"}`` changes how it fails, ``GET /__log`` tells what it saw (both also as methods), so a
scenario on the device can switch it. Modes: up, slow, drip, hang, reset, garbage, nulls, number, truncated, nothing
(an answer that acknowledges no event), half (acknowledges every second one), lost (the server takes the events but the
answer never arrives), and any status number.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import re
import socket
import struct
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
NULLS = dict.fromkeys(("service", "now", "results", "positions", "min_plugin", "books", "series", "total"))
PAGE = b"<html><body>Welcome to the hotel's Wi-Fi, please sign in</body></html>"


class FakeTomed:
    """As much of the protocol as the device speaks, kept in memory."""

    def __init__(self) -> None:
        self.events: dict[str, Json] = {}
        self.arrivals: list[str] = []
        self.positions: dict[str, Json] = {}
        """What ``want`` is answered with, by partial_md5 or filename."""
        self.books: list[Json] = []
        self.files: dict[str, bytes] = {}
        """Bytes by ``book_uuid/FORMAT``."""
        self.fingerprint = ""
        """What ``X-Partial-MD5`` says of every file, if anything."""
        self.devices: list[Json] = []
        """Who synced, as it called itself, in order."""
        self.token = "secret"
        self.history: dict[tuple[Any, ...], list[int]] = {}
        """Page rows by title, page and start."""
        self.extra: dict[str, Any] = {}
        """Answers by "METHOD /path", for parts that are tried out: a (status, object) pair."""

    def answer(self, method: str, target: str, body: bytes, token: str) -> tuple[int, Json]:
        path, _, query_text = target.partition("?")
        query = dict(urllib.parse.parse_qsl(query_text))
        if f"{method} {path}" in self.extra:
            made = self.extra[f"{method} {path}"]
            return made(json.loads(body or b"{}")) if callable(made) else made
        if path == "/api/v1/health":
            return 200, {"service": "tomed", "version": "0.1.0", "api": 1, "library": {"state": "ready", "books": 1}}
        if token != f"Bearer {self.token}":
            return 401, {"code": "unauthorized", "title": "Unauthorized", "status": 401, "detail": "No such token."}
        if path == "/api/v1/sync" and method == "POST":
            return 200, self.sync(json.loads(body))
        if path == "/api/v1/history" and method == "POST":
            return 200, self.take_history(json.loads(body))
        if path == "/api/v1/books":
            return 200, self.listed(self.matching(query), query, "books")
        if path == "/api/v1/authors":
            names = [{"name": n, "books": c} for n, c in Counter(a for b in self.books for a in b["authors"]).items()]
            return 200, self.listed(names, query, "authors")
        if path == "/api/v1/series":
            return 200, self.listed(self.series(), query, "series")
        if found := re.fullmatch(r"/api/v1/series/(\d+)", path):
            books = [b for b in self.books if b.get("series_id") == int(found[1])]
            return 200, {"series_id": int(found[1]), "name": books[0]["series"], "books": books}
        return 404, {"code": "not_found", "title": "Not Found", "status": 404, "detail": "No such thing."}

    def sync(self, request: Json) -> Json:
        results = []
        self.devices.append(request["device"])
        for event in request["events"]:
            known = event["id"] in self.events
            self.arrivals.append(event["id"])
            if not known:
                self.events[event["id"]] = event | {"device": request["device"]["id"]}
            results.append({"id": event["id"], "result": "duplicate" if known else "accepted"})
        positions = []
        for i, want in enumerate(request.get("want") or []):
            entry = self.positions.get(want.get("partial_md5", "")) or self.positions.get(want.get("filename", ""))
            positions.append({"want": i} | (entry or {"code": "no_match"}))
        return {
            "service": "tomed",
            "now": "2026-11-22T21:00:00Z",
            "results": results,
            "positions": positions,
            "min_plugin": "0.1.0",
        }

    def take_history(self, request: Json) -> Json:
        titles = {book["key"]: book["title"] for book in request["books"]}
        new = 0
        for row in request["rows"]:
            key = (titles[row[0]], row[1], row[2])
            new += key not in self.history
            self.history[key] = row
        return {"service": "tomed", "taken": len(request["rows"]), "new": new, "rejected": 0}

    def matching(self, query: dict[str, str]) -> list[Json]:
        found = self.books
        if text := query.get("q", "").lower():
            found = [b for b in found if text in b["title"].lower()]
        if author := query.get("author"):
            found = [b for b in found if author in b["authors"]]
        if tag := query.get("tag"):
            found = [b for b in found if tag in b.get("tags", [])]
        if status := query.get("status"):
            found = [b for b in found if b["status"] == status]
        return found

    def series(self) -> list[Json]:
        rows: dict[int, Json] = {}
        for book in self.books:
            if "series_id" in book:
                row = rows.setdefault(
                    book["series_id"],
                    {
                        "series_id": book["series_id"],
                        "name": book["series"],
                        "books": 0,
                        "authors": book["authors"],
                        "read": 0,
                    },
                )
                row["books"] += 1
                row["read"] += book["status"] == "complete"
        return sorted(rows.values(), key=lambda row: str(row["name"]))

    @staticmethod
    def listed(rows: list[Json], query: dict[str, str], name: str) -> Json:
        page, per_page = int(query.get("page", 1)), int(query.get("per_page", 50))
        return {
            name: rows[(page - 1) * per_page : page * per_page],
            "total": len(rows),
            "page": page,
            "per_page": per_page,
        }

    def of_type(self, kind: str) -> list[Json]:
        """Events of one type in order of first arrival."""
        return [e for e in self.events.values() if e["type"] == kind]

    @property
    def sessions(self) -> list[Json]:
        return self.of_type("session")


class FaultProxy:
    """A server on a free loopback port, before ``upstream`` (a daemon's URL) or a :class:`FakeTomed`."""

    def __init__(self, upstream: str | None = None) -> None:
        self.tomed = FakeTomed()
        self.upstream = urllib.parse.urlsplit(upstream) if upstream else None
        self.mode, self.delay = "up", 8.0
        self.seen: list[Json] = []
        self.under_way = self.most_at_once = 0
        """Files that are being sent now, and the most that were at one time."""
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def handle_any(self) -> None:
                with contextlib.suppress(OSError), proxy.counted(self):
                    proxy.handle(self)

        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_any)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a device that hangs up in the middle is no news

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @contextlib.contextmanager
    def counted(self, request: BaseHTTPRequestHandler) -> Iterator[None]:
        is_file = request.command == "GET" and "/formats/" in request.path
        with self.lock:
            self.under_way += is_file
            self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            yield
        finally:
            with self.lock:
                self.under_way -= is_file

    def set(self, mode: str, delay: float = 8.0) -> None:
        self.mode, self.delay = mode, delay

    def requests(self, path: str = "") -> list[Json]:
        with self.lock:
            return [r for r in self.seen if path in r["p"]]

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length") or 0))
        if request.path == "/__ctl":
            wish = json.loads(body)
            self.set(wish["mode"], wish.get("delay", 8.0))
            return self.send(request, 200, b"{}")
        if request.path == "/__log":
            return self.send(request, 200, json.dumps(self.seen).encode())
        mode = self.mode
        with self.lock:
            self.seen.append(
                {
                    "m": request.command,
                    "p": request.path,
                    "b": body.decode("utf-8", "replace")[:600],
                    "mode": mode,
                    "t": time.time(),
                    "range": request.headers.get("range"),
                }
            )
        if mode == "slow":
            self.stopping.wait(self.delay)
        elif mode == "hang":
            self.stopping.wait(300)
            return None
        elif mode == "reset":
            return self.reset(request)
        elif mode in {"garbage", "number", "nulls"}:
            raw = {"garbage": PAGE, "number": b"12345", "nulls": json.dumps(NULLS).encode()}[mode]
            return self.send(request, 200, raw, "text/html" if mode == "garbage" else "application/json")
        elif mode.isdigit():
            problem = {
                "type": "about:blank",
                "title": "Fault",
                "status": int(mode),
                "code": "fault",
                "detail": f"It is {mode}.",
            }
            return self.send(request, int(mode), json.dumps(problem).encode(), "application/problem+json")
        status, answer, headers = self.respond(request, body)
        return self.fail_after(request, mode, status, answer, headers)

    def fail_after(
        self, request: BaseHTTPRequestHandler, mode: str, status: int, answer: bytes, headers: dict[str, str]
    ) -> None:
        """Faults that come after the server has worked."""
        if mode == "lost":
            return self.reset(request)
        if mode == "truncated" and request.command != "HEAD":
            answer = answer[: len(answer) // 2]
        if mode in {"nothing", "half"} and request.path.endswith("/sync"):
            value = json.loads(answer)
            value["results"] = [] if mode == "nothing" else value["results"][::2]
            answer = json.dumps(value).encode()
        if mode == "cut" and request.command == "GET":  # half a file, then the line is dead
            request.send_response(status)
            for name, text in headers.items():
                request.send_header(name, text)
            request.send_header("content-length", str(len(answer)))
            request.end_headers()
            request.wfile.write(answer[: len(answer) // 2])
            request.wfile.flush()
            return self.reset(request)
        return self.send(
            request, status, answer, headers.pop("content-type", "application/json"), drip=mode == "drip", **headers
        )

    def respond(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        if self.upstream:
            connection = http.client.HTTPConnection(self.upstream.hostname or "", self.upstream.port, timeout=30)
            try:
                headers = {k: v for k, v in request.headers.items() if k.lower() not in {"host", "connection", "te"}}
                connection.request(request.command, request.path, body or None, headers)
                answer = connection.getresponse()
                kept = {
                    k.lower(): v
                    for k, v in answer.getheaders()
                    if k.lower() in {"content-type", "etag", "content-range", "accept-ranges"}
                }
                length = int(answer.headers.get("content-length") or 0)
                return answer.status, b"\0" * length if request.command == "HEAD" else answer.read(), kept
            finally:
                connection.close()
        found = re.fullmatch(r"/api/v1/books/([\w-]+)/formats/(\w+)", request.path)
        with self.lock:
            if found:
                return self.file(request, f"{found[1]}/{found[2]}")
            status, value = self.tomed.answer(
                request.command, request.path, body, request.headers.get("authorization", "")
            )
        return status, json.dumps(value).encode(), {}

    def file(self, request: BaseHTTPRequestHandler, key: str) -> tuple[int, bytes, dict[str, str]]:
        data = self.tomed.files.get(key)
        if data is None:
            return 404, b'{"code":"not_found","detail":"No such file."}', {}
        etag = f'"{hashlib.md5(data).hexdigest()}"'
        headers = {"content-type": "application/octet-stream", "etag": etag, "accept-ranges": "bytes"}
        if self.tomed.fingerprint:
            headers["x-partial-md5"] = self.tomed.fingerprint
        found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range") or "")
        if request.headers.get("if-match", etag) != etag:
            return 412, b'{"code":"conflict","detail":"The file changed."}', {}
        if found and int(found[1]) < len(data):
            start = int(found[1])
            return 206, data[start:], headers | {"content-range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        return 200, data, headers

    def send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        kind: str = "application/json",
        drip: bool = False,
        **headers: str,
    ) -> None:
        request.close_connection = True
        request.send_response(status)
        for name, text in {
            "content-type": kind,
            "content-length": str(len(body)),
            "connection": "close",
            **headers,
        }.items():
            request.send_header(name, text)
        request.end_headers()
        if request.command == "HEAD":
            return
        if not drip:
            request.wfile.write(body)
            return
        for i in range(len(body)):
            request.wfile.write(body[i : i + 1])
            request.wfile.flush()
            if self.stopping.wait(self.delay / 10):
                return

    @staticmethod
    def reset(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.connection.close()
