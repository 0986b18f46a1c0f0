"""The inbox over HTTP: one word links a file, another takes it back, and the history follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.libraries import make_library

SITTING = {
    "id": "s1",
    "type": "session",
    "book": {"filename": "mystery.epub", "title": "Mystery"},
    "started_at": "2026-03-01T10:00:00Z",
    "ended_at": "2026-03-01T11:00:00Z",
    "active_s": 3000,
    "end_fraction": 0.5,
}


@pytest.fixture
def daemon(daemon_of, tmp_path: Path) -> Daemon:
    daemon = daemon_of(make_library(tmp_path / "library").folder)
    daemon.wait_ready()
    assert daemon.post("/sync", {"device": {"id": "d"}, "events": [SITTING]}).status == 200
    return daemon


def test_linking_and_taking_it_back(daemon: Daemon):
    """The waiting sitting moves to the book, and out again; a rule never repeats what was taken back."""
    book = daemon.get("/books").json["books"][0]["book_uuid"]
    (waiting,) = daemon.get("/documents").json["documents"]
    assert (waiting["file"]["filename"], waiting["sessions"]) == ("mystery.epub", 1)
    linked = daemon.post(f"/documents/{waiting['document_id']}/link", {"book_uuid": book})
    assert (linked.status, linked.json["book"]["status"]) == (200, "reading")
    assert daemon.get("/documents").json["total"] == 0
    assert daemon.get(f"/sessions?book_uuid={book}").json["total"] == 1
    again = daemon.post("/sync", {"device": {"id": "d"}, "events": [SITTING | {"id": "s2"}]})
    assert again.json["results"][0]["result"] == "accepted"
    assert daemon.get(f"/sessions?book_uuid={book}").json["total"] == 2
    assert daemon.post(f"/documents/{waiting['document_id']}/unlink", {}).json == {"waiting": True}
    assert daemon.get(f"/sessions?book_uuid={book}").json["total"] == 0
    assert daemon.get("/documents").json["documents"][0]["sessions"] == 2


def test_a_silenced_file_is_left_alone(daemon: Daemon):
    """It leaves the list and can come back; its history stays."""
    key = daemon.get("/documents").json["documents"][0]["document_id"]
    assert daemon.post(f"/documents/{key}/silence", {}).json == {"silenced": True}
    assert daemon.get("/documents").json["total"] == 0
    assert daemon.get("/documents?silenced=1").json["total"] == 1
    assert daemon.get("/sessions").json["total"] == 1
    assert daemon.post(f"/documents/{key}/silence", {"silenced": False}).json == {"silenced": False}
    assert daemon.get("/documents").json["total"] == 1


def test_nobody_links_anothers_file(daemon: Daemon):
    """A second person neither sees nor moves it."""
    key = daemon.get("/documents").json["documents"][0]["document_id"]
    book = daemon.get("/books").json["books"][0]["book_uuid"]
    daemon.add_user("bob")
    bobs = daemon.run("token", "create", "bob", "--name", "Clara").strip()
    assert daemon.get("/documents", token=bobs).json["total"] == 0
    assert daemon.post(f"/documents/{key}/link", {"book_uuid": book}, token=bobs).status == 404
    assert daemon.get("/documents").json["total"] == 1
