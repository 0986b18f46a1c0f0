"""Devices that sync: each notes what was acknowledged to it, and when it was."""

from __future__ import annotations

import http.client
import json
import random
import threading
import urllib.parse
import uuid
from collections.abc import Callable
from typing import Any

from tests.daemon import Daemon

Json = dict[str, Any]


def event(rng: random.Random, book_uuid: str, kind: str = "") -> Json:
    """An event as a device makes it, of 2026, for a book that is known or a file that is not."""
    at = f"2026-{rng.randint(1, 10):02}-{rng.randint(1, 28):02}T{rng.randint(0, 22):02}:00:00Z"
    made: Json = {
        "id": str(uuid.UUID(int=rng.getrandbits(128))),
        "type": kind or rng.choice(("session", "session", "position", "status")),
        "book": {"book_uuid": book_uuid} if rng.random() < 0.7 else {"filename": f"file {rng.randint(1, 9)}.epub"},
    }
    if made["type"] == "session":
        return made | {
            "started_at": at,
            "ended_at": at[:14] + "30:00Z",
            "active_s": 1500,
            "end_fraction": rng.random(),
        }
    if made["type"] == "position":
        return made | {
            "at": at,
            "fraction": rng.random(),
            "locator": {"kind": "xpointer", "value": f"/body/DocFragment[{rng.randint(1, 3)}]/body/p[1]/text().0"},
        }
    return made | {"at": at, "status": rng.choice(("reading", "complete", "abandoned")), "rating": rng.randint(1, 10)}


class Device(threading.Thread):
    """Syncs until it is told to stop, or the daemon is gone; it tries again after refusals, as a device does.

    Args:
        pause_s: what it waits between two calls.
        stay: it goes on when the connection breaks.
        on_acknowledged: called with the ids of each answer, before the next call.
    """

    def __init__(
        self,
        daemon: Daemon,
        number: int,
        seed: object,
        books: list[str],
        *,
        pause_s: float = 0.0,
        stay: bool = False,
        on_acknowledged: Callable[[list[str]], None] | None = None,
    ) -> None:
        super().__init__(daemon=True)
        self._rng = random.Random(f"{seed}:{number}")
        self._where = urllib.parse.urlsplit(daemon.url)
        self._token, self._number, self._books = daemon.token, number, books
        self._pause_s, self._stay, self._on_acknowledged = pause_s, stay, on_acknowledged
        self._stopped = threading.Event()
        self.acknowledged: list[str] = []
        self.refused: dict[int, int] = {}
        """How often each status other than 200 was answered; 0: no answer."""
        self.rejected: list[str] = []
        self.slowest_s = 0.0

    def stop(self) -> Device:
        self._stopped.set()
        self.join(60)
        return self

    def run(self) -> None:
        pending: list[Json] = []
        while not self._stopped.is_set():
            connection = http.client.HTTPConnection(str(self._where.hostname), self._where.port, timeout=30)
            try:
                while not self._stopped.is_set():
                    pending = pending or [
                        event(self._rng, self._rng.choice(self._books)) for _ in range(self._rng.randint(1, 5))
                    ]
                    if self._sync(connection, pending):
                        pending = []
                    self._stopped.wait(self._pause_s)
            except (OSError, http.client.HTTPException, ValueError):
                self.refused[0] = self.refused.get(0, 0) + 1
                if not self._stay:
                    return
                self._stopped.wait(0.1)
            finally:
                connection.close()

    def _sync(self, connection: http.client.HTTPConnection, events: list[Json]) -> bool:
        body = {"device": {"id": f"d{self._number}", "name": "Kobo"}, "events": events}
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/sync", json.dumps(body), headers)
        response = connection.getresponse()
        raw = response.read()
        if response.status != 200:
            self.refused[response.status] = self.refused.get(response.status, 0) + 1
            self._stopped.wait(0.05)
            return False
        results = json.loads(raw)["results"]
        taken = [r["id"] for r in results if r["result"] in ("accepted", "duplicate")]
        self.rejected += [r.get("reason", "") for r in results if r["result"] == "rejected"]
        if self._on_acknowledged is not None:
            self._on_acknowledged(taken)
        self.acknowledged += taken
        return True
