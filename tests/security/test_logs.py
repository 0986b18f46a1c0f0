"""What the daemon writes about its work: enough to mend a fault, and no secret."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from pathlib import Path

from tests.daemon import Daemon
from tests.libraries import make_library


def test_no_secret_is_written_anywhere(tmp_path: Path, daemon_of):
    """Passwords, tokens, cookies and what people search: not in the log, not on the terminal, not in the database.

    The one-time link is the exception that a person asked for: the terminal shows it once, and the log never.
    """
    library = make_library(tmp_path / "library")
    daemon: Daemon = daemon_of(library.folder, arguments=(), person=False, environment={"TOMED_LOG_LEVEL": "debug"})
    daemon.wait_ready()
    assert daemon.process is not None
    assert daemon.process.stdout is not None
    link = re.search(r"/welcome/(\S+)", daemon.process.stdout.readline())
    assert link
    secrets = ["a password nobody has", "tomed_a-token-that-is-wrong", "a cookie of somebody", "a book one hides"]
    password, token, cookie, search = secrets
    jar = {"Cookie": f"tomed_session={urllib.parse.quote(cookie)}"}
    assert daemon.get("/books", token=token).status == 401
    assert daemon.get(f"/books?q={urllib.parse.quote(search)}", token=token).status == 401
    form = urllib.parse.urlencode({"name": "ann", "password": password}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": daemon.url}
    assert daemon.request("POST", daemon.url + "/sign-in", form, token="", headers=headers | jar).status in (401, 403)
    assert daemon.get("/resolve", token="", headers=jar).status == 401
    assert daemon.post("/sync", b'{"broken', token=token).status in (400, 401)
    daemon.stop()
    assert "DEBUG" in daemon.log.read_text()  # the control: it says much
    written = daemon.log.read_text() + "".join(
        path.read_bytes().decode("latin-1") for path in daemon.data.rglob("*") if path.is_file()
    )
    for secret in (*secrets, urllib.parse.quote(search), urllib.parse.quote(cookie), link[1]):
        assert secret not in written, secret
