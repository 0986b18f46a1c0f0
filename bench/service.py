"""The daemon itself: resolving, durable positions, a device's sync, memory."""

from __future__ import annotations

import functools
import itertools
import json
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from bench.load import Figures, Request, measure, put_json
from bench.process import Server, free_port, serving
from tomed.clock import format_at

READ_AT = 1_704_067_200_000
"""When the reading of the bench begins, ms; a page is turned every second."""


BATCH = 500
"""Events of a full sync: as many as one call may hold."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running daemon with a person's token, and the books that it serves."""

    server: Server
    token: str
    books: list[dict[str, object]]
    seconds_read: Iterator[int] = field(default_factory=itertools.count)
    """Each event is later than all before it, whatever is measured in between, as a page turn is."""

    def measures(self, seconds: float) -> dict[str, Callable[[], Figures]]:
        """What is measured, by name. The names before the colon are those of the floors that they compare with."""
        requests: dict[str, tuple[Callable[[int], Request], int]] = {
            "lookup: GET /resolve by file name": (self._resolve, 8),
            "lookup: GET …/position": (self._get, 8),
            "GET …/position, translated for the other reader": (self._get_translated, 8),
            "insert: PUT …/position, durable": (self._put, 8),
            "insert: POST /sync with one event": (self.one_sync, 8),
            f"POST /sync with {BATCH} events": (self._sync_batch, 1),
        }
        return {
            name: functools.partial(measure, name, self.server, made, connections=connections, seconds=seconds)
            for name, (made, connections) in requests.items()
        }

    def _book(self, number: int) -> dict[str, object]:
        return self.books[number * 7919 % len(self.books)]

    @property
    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _resolve(self, number: int) -> Request:
        formats: list[dict[str, str]] = self._book(number)["formats"]  # type: ignore[assignment]
        return Request(f"/api/v1/resolve?filename={quote(formats[0]['file_name'])}", headers=self._authorization)

    def _get(self, number: int) -> Request:
        return Request(f"/api/v1/books/{self._book(number)['book_uuid']}/position", headers=self._authorization)

    def _get_translated(self, number: int) -> Request:
        # What was told last by a sync is an xpointer, by a PUT a cfi: half of them are as they are asked for.
        kind = ("cfi", "xpointer")[number % 2]
        target = f"/api/v1/books/{self._book(number // 2)['book_uuid']}/position?kind={kind}"
        return Request(target, headers=self._authorization)

    def _put(self, number: int) -> Request:
        body = {
            "event_id": str(uuid.uuid4()),
            "at": self._at(),
            "fraction": 0.5,
            "locator": {"kind": "cfi", "value": "epubcfi(/6/4!/4/2/1:10)"},
        }
        return put_json(f"/api/v1/books/{self._book(number)['book_uuid']}/position", body, self.token)

    def _at(self) -> str:
        return format_at(READ_AT + next(self.seconds_read) * 1000)

    def one_sync(self, number: int) -> Request:
        return self._sync_of(number, [self._event(number)])

    def _sync_batch(self, number: int) -> Request:
        return self._sync_of(number, [self._event(number * BATCH + one) for one in range(BATCH)])

    def _event(self, number: int) -> dict[str, object]:
        return {
            "id": str(uuid.uuid4()),
            "type": "position",
            "at": self._at(),
            "book": {"book_uuid": self._book(number)["book_uuid"]},
            "fraction": 0.5,
            "locator": {"kind": "xpointer", "value": "/body/DocFragment[2]/body/p[1]/text()[1].0"},
        }

    def _sync_of(self, number: int, events: list[dict[str, object]]) -> Request:
        body = json.dumps({"device": {"id": f"d{number % 64}", "name": "Kobo"}, "events": events}).encode()
        headers = {**self._authorization, "Content-Type": "application/json"}
        return Request("/api/v1/sync", "POST", body, headers)


def command(*words: str, told: str = "") -> str:
    """Run a command of tomed; its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "tomed", *words], input=told, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@contextmanager
def running(library: Path, data: Path) -> Iterator[Service]:
    """A daemon beside ``library``, ready; it ends with the context."""
    command("user", "add", "bench", "--password-stdin", "--data", str(data), told="long enough\n")
    token = command("token", "create", "bench", "--name", "Bench", "--data", str(data))
    port = free_port()
    words = ["serve", "--library", str(library), "--data", str(data), "--port", str(port)]
    with serving([sys.executable, "-m", "tomed", *words], port, "/api/v1/health") as server:
        while _get(server, "/health", token)["library"]["state"] != "ready":
            pass
        listed = [book for book in _get(server, "/books?per_page=200", token)["books"] if book["formats"]]
        names = Counter(book["formats"][0]["file_name"] for book in listed)
        # A name that two books share costs an answer of its own kind, with candidates: bench/matching.py has those.
        yield Service(server, token, [book for book in listed if names[book["formats"][0]["file_name"]] == 1])


def _get(server: Server, path: str, token: str) -> dict:  # type: ignore[type-arg]
    request = HttpRequest(f"{server.url}/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
    with urlopen(request) as answer:
        return json.load(answer)  # type: ignore[no-any-return]
