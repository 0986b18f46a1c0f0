"""Calibre's own programs for the tests, and the proof that a library was not touched.

Where Calibre is not installed a test that needs it is skipped with the command that would mend it; with
``CI`` set its absence is a failure.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from textwrap import dedent, indent

import apsw
import pytest

_PATIENCE_S = 180
"""How long to wait for another calibredb of this machine: Calibre lets only one run at a time per user."""


def calibre_program(name: str) -> str:
    """The path of ``calibredb``, ``ebook-meta`` …; skips the test (fails it in CI) when it is not installed."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} not found: install Calibre (apt-get install calibre)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@functools.cache
def _home() -> str:
    """A home folder that Calibre may fill; nobody's own settings are read or changed."""
    home = tempfile.mkdtemp(prefix="tomed-calibre-home-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


def run_calibre(name: str, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one of Calibre's programs in a home of its own. Blocks: from a coroutine use ``asyncio.to_thread``."""
    home = _home()
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": home,
        "CALIBRE_CONFIG_DIRECTORY": f"{home}/config",
        "CALIBRE_CACHE_DIRECTORY": f"{home}/cache",
        "QT_QPA_PLATFORM": "offscreen",
    }
    command = [calibre_program(name), *args]
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if "Another calibre program" not in done.stderr or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    if check and done.returncode != 0:
        raise AssertionError(f"{name} {args} answered {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def calibredb(library: Path, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """``calibredb COMMAND … --library-path LIBRARY``.

    Raises:
        AssertionError: it failed, unless ``check`` is off.
    """
    command, *rest = args
    return run_calibre("calibredb", command, "--library-path", str(library), *rest, check=check)


_DATABASE = """
from calibre.library import db as open_library
this_library = open_library({library!r})
db = this_library.new_api
try:
{code}
finally:
    db.close()
    from calibre.db.delete_service import shutdown
    shutdown()
"""


def calibre_api(library: Path, code: str) -> str:
    """Do what ``calibredb`` has no command for: ``code`` runs inside Calibre, ``db`` is the API its own windows call.

    Answers what it printed.

    Raises:
        AssertionError: it failed.
    """
    whole = _DATABASE.format(library=str(library), code=indent(dedent(code), "    "))
    return run_calibre("calibre-debug", "-c", whole).stdout


@functools.cache
def calibre_schema() -> int:
    """The schema version of a library that the installed Calibre makes."""
    with tempfile.TemporaryDirectory(prefix="tomed-calibre-schema-") as folder:
        calibredb(Path(folder) / "new", "list")
        connection = apsw.Connection(f"{folder}/new/metadata.db", flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return int(connection.pragma("user_version"))
        finally:
            connection.close()


# Opening metadata.db here would let go of SQLite's lock if a daemon runs in this process, so another process reads it.
_HASH = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())"


def _sha256(path: Path) -> str:
    if path.name.startswith("metadata.db"):
        command = [sys.executable, "-c", _HASH, str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file's bytes and every file's and folder's time below ``folder``: equal means untouched.

    Maps each path, relative, to ``sha256 mtime_ns`` or ``folder mtime_ns``.
    """
    seen = {}
    for path in sorted([folder, *folder.rglob("*")]):
        what = "folder" if path.is_dir() else _sha256(path)
        seen[path.relative_to(folder).as_posix()] = f"{what} {path.stat().st_mtime_ns}"
    return seen
