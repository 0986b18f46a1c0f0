"""The daemon waits for others to call and calls nobody: what a book or a person says can send it nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

from tests.daemon import Daemon
from tests.libraries import BookSpec, make_library

WATCH = """
import os, sys
def heard(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        with open(os.environ["WATCHED"], "a") as out:
            out.write(f"{event} {args!r}\\n")
sys.addaudithook(heard)
"""
"""Loaded by Python before anything of ours (``sitecustomize``): it notes whoever is called."""


def test_the_daemon_connects_to_nobody(tmp_path: Path, daemon_of):
    """Addresses in metadata, clues, pairing and headers are text."""
    comments = '<img src="http://127.0.0.1:9/x"><a href="http://127.0.0.1:9/">x</a>'
    spec = BookSpec(
        "http://127.0.0.1:9/title", ("Ada Lantern",), comments=comments, identifiers={"url": "http://127.0.0.1:9"}
    )
    library = make_library(tmp_path / "library", [spec])
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    watched = tmp_path / "watched"
    daemon: Daemon = daemon_of(
        library.folder, environment={"PYTHONPATH": str(tmp_path / "watch"), "WATCHED": str(watched)}
    )
    daemon.wait_ready()
    watched.write_text("")  # what starting asks of the machine (its own name) is no concern
    book = library.books[0].uuid
    for path in (f"/books/{book}", f"/books/{book}/cover", "/resolve?filename=http://127.0.0.1:9/x.epub", "/plugin"):
        assert daemon.get(path, headers={"Host": "127.0.0.1:9", "Referer": "http://127.0.0.1:9/"}).status < 500
    place = {"event_id": str(uuid.uuid4()), "at": "2026-01-01T00:00:00Z", "fraction": 0.5}
    place |= {"locator": {"kind": "cfi", "value": "epubcfi(/6/4!/4/2/1:0)"}, "text": "http://127.0.0.1:9/"}
    assert daemon.put(f"/books/{book}/position", place).status == 200
    assert daemon.get(f"/books/{book}/position?kind=xpointer").status == 200
    daemon.stop()
    assert watched.read_text() == ""
    control = [sys.executable, "-c", "import socket; s = socket.socket(); s.connect_ex(('127.0.0.1', 9))"]
    told = {**os.environ, "PYTHONPATH": str(tmp_path / "watch"), "WATCHED": str(watched)}
    subprocess.run(control, env=told, check=True)
    assert "socket.connect" in watched.read_text()  # the control: it would have been seen
