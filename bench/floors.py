"""The floors: what aiohttp and SQLite cost with nothing of ours between them.

``GET /empty`` answers at once. ``GET /lookup?name=`` makes one indexed look-up through apsw.
``PUT /insert`` inserts one row and answers after its commit (WAL, ``synchronous=FULL``); requests that wait at the
same time share a commit, as in any honest design.

Run as a process of its own: ``python -m bench.floors PORT FOLDER``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import apsw
from aiohttp import web

ROWS = 10_000


def name(number: int) -> str:
    """The name that the look-up finds for ``number``, like a file of a library."""
    return f"A Title That Is Neither Short Nor Long {number} - Some Author.epub"


class Inserter:
    """Group commit in its barest form: one thread at a time writes all that has come in meanwhile."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def insert(self, body: str) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((body, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await asyncio.to_thread(self._commit, [(body,) for body, _ in group])
            for _, done in group:
                done.set_result(None)

    def _commit(self, rows: list[tuple[str]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO events (body) VALUES (?)", rows)
        self._connection.execute("COMMIT")


def prepare(path: Path) -> apsw.Connection:
    """The floor's database, with its rows."""
    connection = apsw.Connection(str(path))
    if connection.pragma("journal_mode", "wal") != "wal":
        raise RuntimeError("the folder does not allow a write-ahead log")
    connection.pragma("synchronous", 2)
    connection.execute("CREATE TABLE names (name TEXT PRIMARY KEY, uuid TEXT NOT NULL) STRICT, WITHOUT ROWID")
    connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")
    with connection:
        connection.executemany("INSERT INTO names VALUES (?, ?)", ((name(n), f"uuid-{n}") for n in range(ROWS)))
    return connection


def application(folder: Path) -> web.Application:
    """The bare server."""
    path = folder / "floor.db"
    inserter = Inserter(prepare(path))
    reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)

    async def empty(_request: web.Request) -> web.Response:
        return web.Response(text="{}", content_type="application/json")

    async def lookup(request: web.Request) -> web.Response:
        rows = reader.execute("SELECT uuid FROM names WHERE name = ?", (request.query["name"],)).fetchall()
        if not rows:
            raise web.HTTPNotFound
        return web.Response(text=json.dumps({"book_uuid": rows[0][0]}), content_type="application/json")

    async def insert(request: web.Request) -> web.Response:
        await inserter.insert(json.dumps(await request.json()))
        return web.Response(text='{"accepted": true}', content_type="application/json")

    app = web.Application()
    app.add_routes([web.get("/empty", empty), web.get("/lookup", lookup), web.put("/insert", insert)])
    return app


if __name__ == "__main__":
    web.run_app(application(Path(sys.argv[2])), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
