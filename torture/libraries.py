"""The library vanishes, is locked for nine seconds, is corrupted, is replaced by another; syncing goes on meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from tests.daemon import Daemon
from tests.libraries import BookSpec, make_library
from torture import questions
from torture.world import World

LOCKED_S = 9.0
LOCK = (
    "import apsw, sys, time; c = apsw.Connection(sys.argv[1]); c.execute('BEGIN EXCLUSIVE'); "
    "print('locked', flush=True); time.sleep(float(sys.argv[2])); c.execute('ROLLBACK')"
)


def run(world: World) -> None:
    """Each happens to the library while devices sync: none of them is refused, and the catalogue still answers."""
    daemon = world.daemon(TOMED_POLL_S="0.2")
    daemon.start()
    daemon.wait_ready()
    with world.devices(daemon, 3, pause_s=0.01) as devices:
        for happening in (_vanishes, _is_locked, _is_corrupted, _is_replaced):
            happening(world, daemon)
            world.wait_for_answers(devices, 5)
            world.count("happenings")
    world.expect(not any(d.refused for d in devices), f"syncs were refused: {[d.refused for d in devices]}")
    daemon.stop()


def _state(daemon: Daemon) -> str:
    return str(daemon.get("/health", token="").json["libraries"][0]["state"])


def _still_browses(world: World, daemon: Daemon, when: str) -> None:
    answer = daemon.get("/books?per_page=50")
    world.expect(answer.status == 200 and answer.json["total"] == len(world.library.books), f"no books {when}")
    again = daemon.get(f"/books/{world.library.books[0].uuid}/formats/EPUB")
    world.expect(again.status in (200, 404, 503), f"a download {when} was answered {again.status}")


def _vanishes(world: World, daemon: Daemon) -> None:
    away = world.library.folder.with_name("away")
    world.library.folder.rename(away)
    world.wait("a library that vanished is seen", lambda: _state(daemon) != "ready")
    _still_browses(world, daemon, "while the library is away")
    away.rename(world.library.folder)
    world.wait("a library that came back is seen", lambda: _state(daemon) == "ready")


def _is_locked(world: World, daemon: Daemon) -> None:
    """Locked by a program that holds it for 9 s, while its time of change is new: there is something to read."""
    with subprocess.Popen(
        [sys.executable, "-c", LOCK, str(world.library.metadata_db), str(LOCKED_S)], stdout=subprocess.PIPE, text=True
    ) as locker:
        assert locker.stdout is not None
        locker.stdout.readline()
        stamp = world.library.metadata_db.stat()
        os.utime(world.library.metadata_db, ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 1_000_000))
        slowest = 0.0
        while locker.poll() is None:
            began = time.monotonic()
            _still_browses(world, daemon, "while the library is locked")
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.2)
        os.utime(world.library.metadata_db, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    world.counts["slowest answer while locked, s"] = round(slowest, 2)
    world.wait("a library that was locked is ready", lambda: _state(daemon) == "ready")


def _is_corrupted(world: World, daemon: Daemon) -> None:
    """Written over in place: first its header, then its middle; and put back."""
    file = world.library.metadata_db
    whole, stamp = file.read_bytes(), file.stat()
    for at in (0, len(whole) // 2 // 4096 * 4096):
        with file.open("r+b") as open_file:
            open_file.seek(at)
            open_file.write(world.rng.randbytes(4096))
        time.sleep(1.0)
        _still_browses(world, daemon, "while metadata.db is corrupt")
        with file.open("r+b") as open_file:
            open_file.write(whole)
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        world.wait("a mended library is ready", lambda: _state(daemon) == "ready")
    _still_browses(world, daemon, "after metadata.db was mended")


def _is_replaced(world: World, daemon: Daemon) -> None:
    """Another library stands there for a while: the books of the first are gone from lists, never their history."""
    away = world.library.folder.with_name("away")
    world.library.folder.rename(away)
    make_library(
        world.folder / "library", [BookSpec("Quite Another")], library_uuid="7a0b6f0e-5f0c-4b7e-9a51-6d1f00000009"
    )
    other = questions.fingerprint(world.library.folder)
    world.wait("another library is seen", lambda: "Quite Another" in daemon.get("/books").body.decode())
    daemon.get("/sessions?per_page=5")
    touched = questions.changed(world.library.folder, other)
    world.expect(not touched, f"the other library was changed: {touched}")
    shutil.rmtree(world.library.folder)
    away.rename(world.library.folder)
    total = len(world.library.books)
    world.wait(
        "the first library is back",
        lambda: _state(daemon) == "ready" and daemon.get("/books").json["total"] == total,
    )
