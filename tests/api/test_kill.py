"""An acknowledged event survives ``kill -9``, in the middle of a stream of /sync calls, twenty times over."""

from __future__ import annotations

import http.client
import json
import random
import threading
import urllib.parse
import uuid
from pathlib import Path

from tests.daemon import Daemon
from tests.libraries import fingerprint, make_library

ROUNDS = 20
DEVICES = 4


class Stream(threading.Thread):
    """One device that syncs without end and notes what was acknowledged."""

    def __init__(self, daemon: Daemon, number: int, book_uuid: str) -> None:
        super().__init__(daemon=True)
        self.where = urllib.parse.urlsplit(daemon.url)
        self.token, self.number, self.book_uuid = daemon.token, number, book_uuid
        self.acknowledged: list[str] = []
        self.first = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection(str(self.where.hostname), self.where.port, timeout=20)
        try:
            while True:
                events = [self._session() for _ in range(random.randint(1, 5))]
                body = {"device": {"id": f"d{self.number}", "name": "Kobo"}, "events": events}
                headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
                connection.request("POST", "/api/v1/sync", json.dumps(body), headers)
                answer = json.loads(connection.getresponse().read())
                self.acknowledged += [r["id"] for r in answer["results"] if r["result"] == "accepted"]
                self.first.set()
        except (OSError, http.client.HTTPException, ValueError):
            return  # the daemon is gone: what has no answer was not promised
        finally:
            connection.close()

    def _session(self) -> dict:
        start = f"2026-02-{random.randint(1, 28):02}T{random.randint(0, 23):02}:00:00Z"
        return {
            "id": str(uuid.uuid4()),
            "type": "session",
            "book": {"book_uuid": self.book_uuid} if self.number % 2 else {"filename": f"file {self.number}.epub"},
            "started_at": start,
            "ended_at": start[:14] + "30:00Z",
            "active_s": 1800,
            "end_fraction": random.random(),
        }


def test_no_acknowledged_event_is_lost(tmp_path: Path):
    """Whatever moment the daemon is killed at: what it acknowledged is there when it comes back."""
    library = make_library(tmp_path / "library")
    before = fingerprint(library.folder)
    daemon = Daemon(library.folder, tmp_path / "data")
    daemon.add_user()
    daemon.add_token()
    promised: set[str] = set()
    for round_ in range(ROUNDS):
        daemon.start()
        daemon.wait_ready()
        book = daemon.get("/books").json["books"][0]["book_uuid"]
        streams = [Stream(daemon, number, book) for number in range(DEVICES)]
        for stream in streams:
            stream.start()
        assert streams[0].first.wait(30)
        threading.Event().wait(random.Random(round_).uniform(0, 0.15))
        daemon.kill()
        for stream in streams:
            stream.join(30)
            promised |= set(stream.acknowledged)
    daemon.start()
    kept = set()
    for chunk in range(0, len(promised), 400):
        ids = sorted(promised)[chunk : chunk + 400]
        again = [
            {"id": i, "type": "position", "at": "2026-01-01T00:00:00Z", "book": {"filename": "x"}, "fraction": 0.1}
            for i in ids
        ]
        results = daemon.post("/sync", {"device": {"id": "d0"}, "events": again}).json["results"]
        kept |= {result["id"] for result in results if result["result"] == "duplicate"}
    assert len(promised) > ROUNDS
    assert kept == promised
    listed = daemon.get("/sessions?per_page=1").json["total"]
    assert listed >= len(promised), "each acknowledged sitting is listed, beside those that were kept unanswered"
    assert daemon.stop() < 20
    assert fingerprint(library.folder) == before


def test_a_signal_stops_it_cleanly(daemon_of, tmp_path: Path):
    """SIGTERM ends it with a clean exit, even while a slow client holds a download open."""
    library = make_library(tmp_path / "library")
    daemon = daemon_of(library.folder)
    daemon.wait_ready()
    where = urllib.parse.urlsplit(daemon.url)
    holding = http.client.HTTPConnection(str(where.hostname), where.port, timeout=20)
    holding.request("GET", "/api/v1/health")
    holding.getresponse().read()
    seconds = daemon.stop()
    holding.close()
    assert daemon.process.returncode == 0
    assert seconds < 20
    assert not list(library.folder.glob("metadata.db-*"))
