"""``tomed import-statistics``, as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.data import shared
from tests.libraries import LibraryFixture


def run(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tomed", "import-statistics", *words, "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.shared
def test_a_real_history_by_the_command_line(library: LibraryFixture, daemon_of: Callable[..., Daemon]) -> None:
    """Preview keeps nothing, twice is once, and a running daemon shows what the command took in."""
    daemon = daemon_of(library.folder)
    path = str(shared("koreader/statistics/statistics.sqlite3"))
    seen = run(daemon.data, path, "--user", "ann", "--preview")
    assert seen.returncode == 0, seen.stderr
    assert "1539 page rows in 28 books" in seen.stdout
    assert daemon.get("/statistics").json["totals"]["active_s"] == 0
    for said in ("1539 new page rows of 1539", "0 new page rows of 1539"):
        done = run(daemon.data, path, "--user", "ANN", "--device", "Kobo")
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
        assert daemon.get("/statistics").json["totals"]["active_s"] == 107_310
    assert json.dumps(daemon.get("/statistics?group=device").json["groups"]).count("Kobo") == 1


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    """No such user, no such file: a sentence, status 1, nothing kept."""
    daemon = Daemon(None, tmp_path / "data")
    daemon.add_user()
    for words, sentence in (
        ((str(tmp_path / "no.sqlite3"), "--user", "ann"), "can't be read"),
        ((__file__, "--user", "eve"), "no user named eve"),
        ((__file__, "--user", "ann"), "statistics"),
    ):
        done = run(daemon.data, *words)
        assert done.returncode == 1
        assert sentence in done.stderr
