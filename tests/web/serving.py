"""A small server that keeps the promises of docs/protocol.md on which the reader page relies, and notes what comes.

It runs in a thread of its own, so that a browser can be driven from the test. The policy is the strict one, answers
carry an ETag, ranges are honoured. What a test wants to go wrong, it says on the server object.
"""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from tomed.pages.strings import load

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = ROOT / "web" / "templates"
ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
)
SAY = load(ROOT / "web" / "strings")
POLICY = (
    "default-src 'none'; script-src {base}/assets/; style-src {base}/assets/ 'unsafe-inline' blob:; "
    "img-src blob: data:; font-src {base}/assets/ blob: data:; media-src blob:; connect-src 'self'; frame-src blob:; "
    "worker-src {base}/assets/ {base}/sw.js; manifest-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; object-src 'none'; report-uri {base}/test/violation"
)


@dataclass
class Server:
    """``prefix`` is the path that everything lives under; ``books`` maps a uuid to its file and format."""

    static: Path
    prefix: str = ""
    policy: bool = True
    origin: str = ""
    books: dict[str, tuple[Path, str]] = field(default_factory=dict)
    positions: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    puts: list[dict[str, Any]] = field(default_factory=list)
    syncs: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    violations: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    down: bool = False
    put_gate: asyncio.Event | None = None
    clock_ahead_s: float = 0
    bytes_of_books: int = 0
    person: str = "1"
    offline: bool = False
    gone: bool = False

    def add(self, path: Path, format: str | None = None, uuid: str | None = None) -> str:
        """Serve this file as a book; answers its uuid."""
        uuid = uuid or f"00000000-0000-4000-8000-{len(self.books):012d}"
        self.books[uuid] = (path, format or path.suffix[1:].upper())
        return uuid

    def url(self, uuid: str) -> str:
        """The reader page of a book."""
        return f"{self.origin}{self.prefix}/read/{uuid}?format={self.books[uuid][1]}"

    def start(self) -> None:
        """Listen on a free loopback port."""
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(20)

    def stop(self) -> None:
        """Stop listening and end the thread."""
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def hold_puts(self) -> None:
        """From now on answers to PUT wait for ``release_puts``."""
        self.put_gate = asyncio.Event()

    def release_puts(self) -> None:
        """Let the waiting answers go."""
        gate, self.put_gate = self.put_gate, None
        assert gate is not None
        self._loop.call_soon_threadsafe(gate.set)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        ready.set()
        self._loop.run_forever()

    async def _listen(self) -> None:
        app = web.Application(middlewares=[self._middleware])
        p = self.prefix
        app.router.add_get(p + "/read/{uuid}", self._page)
        app.router.add_get(p + "/books/{uuid}", self._nothing)
        app.router.add_get(p + "/sw.js", self._worker)
        app.router.add_get(p + "/assets/{path:.+}", self._asset)
        app.router.add_get(p + "/api/v1/books/{uuid}/formats/{format}", self._file)
        app.router.add_get(p + "/api/v1/books/{uuid}/position", self._get_position)
        app.router.add_put(p + "/api/v1/books/{uuid}/position", self._put_position)
        app.router.add_get(p + "/api/v1/sessions", self._get_sessions)
        app.router.add_post(p + "/api/v1/sync", self._sync)
        app.router.add_post(p + "/test/violation", self._violation)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.origin = f"http://127.0.0.1:{port}"

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not request.path.startswith(self.prefix + "/test/"):
            self.requests.append(f"{request.method} {request.path_qs}")
        if self.gone or (self.down and "/api/" in request.path):
            assert request.transport is not None
            request.transport.abort()
            raise web.HTTPServiceUnavailable
        response: web.StreamResponse = await handler(request)
        response.headers["Date"] = formatdate(self._now(), usegmt=True)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        if self.policy:
            response.headers["Content-Security-Policy"] = POLICY.format(base=f"http://{request.host}{self.prefix}")
        return response

    def _now(self) -> float:
        import time

        return time.time() + self.clock_ahead_s

    async def _page(self, request: web.Request) -> web.Response:
        uuid = request.match_info["uuid"]
        format, assets = request.query["format"], json.loads((self.static / "manifest.json").read_text())
        html = ENVIRONMENT.get_template("reader.html").render(
            t=SAY,
            base=self.prefix,
            assets=assets,
            book_uuid=uuid,
            format=format,
            title=self.books[uuid][0].stem,
            kind="book",
            user=self.person,
            idle_cap_s=600,
            back_url=f"{self.prefix}/books/{uuid}",
            download_url=f"{self.prefix}/api/v1/books/{uuid}/formats/{format}",
            signin_url=f"{self.prefix}/sign-in",
            offline=self.offline,
        )
        return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-cache"})

    async def _nothing(self, request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>A book</title>", content_type="text/html")

    async def _worker(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(self.static / "sw.js", headers={"Cache-Control": "no-cache"})

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        path = (self.static / "assets" / request.match_info["path"]).resolve()
        if not path.is_relative_to(self.static) or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": "public, max-age=31536000, immutable"})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path, _ = self.books[request.match_info["uuid"]]
        stat = path.stat()
        etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
        if request.headers.get("If-Match", etag) != etag:
            raise web.HTTPPreconditionFailed
        response = web.FileResponse(
            path, headers={"Cache-Control": "private, no-cache", "Content-Disposition": "attachment"}
        )
        start, stop = request.http_range.start, request.http_range.stop
        size = stat.st_size
        self.bytes_of_books += min(size, -start if start and start < 0 else (stop or size) - (start or 0))
        return response

    async def _get_position(self, request: web.Request) -> web.Response:
        return web.json_response({"position": self.positions.get(request.match_info["uuid"])})

    async def _put_position(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.puts.append(body)
        if self.put_gate is not None:
            await self.put_gate.wait()
        uuid = request.match_info["uuid"]
        current = self.positions.get(uuid)
        accepted = current is None or body["at"] > current["at"]
        if accepted:
            self.positions[uuid] = {k: body[k] for k in ("fraction", "locator", "at", "text") if k in body}
        return web.json_response({"accepted": accepted, "current": self.positions[uuid]})

    async def _get_sessions(self, request: web.Request) -> web.Response:
        return web.json_response({"sessions": self.sessions, "total": len(self.sessions)})

    async def _sync(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.syncs.append(body)
        return web.json_response(
            {
                "service": "tomed",
                "results": [{"id": e["id"], "result": "accepted"} for e in body["events"]],
                "positions": [],
            }
        )

    async def _violation(self, request: web.Request) -> web.Response:
        self.violations.append(json.loads(await request.text())["csp-report"])
        return web.Response(status=204)
