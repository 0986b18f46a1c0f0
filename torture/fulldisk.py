"""The real daemon on a small disk of its own that fills up, page by page; and a data folder that can't be written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.test_command_line import tomed
from torture import questions
from torture.world import World

PAGE = 4096


@contextmanager
def _disk(folder: Path, options: str) -> Iterator[bool]:
    """A file system in memory at ``folder``; False where mounting is not allowed (it needs root)."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tomed-torture", str(folder)], capture_output=True)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def run(world: World) -> None:
    """Leave room for k more pages, sync until it is refused, make room, and see that it goes on by itself."""
    with _disk(world.data, "size=24m,mode=0700") as mounted:
        if not mounted:
            world.counts["left out"] = "mounting is not allowed here; diskfaults met each write without it"
        else:
            _fill(world)
        _ends(world)


def _fill(world: World) -> None:
    ballast = world.data / "ballast"
    daemon = world.daemon()
    daemon.start()
    daemon.wait_ready()
    for k in range(world.size.of(24)):
        with world.devices(daemon, 2, pause_s=0.005) as devices:
            world.wait_for_answers(devices, 1)
            _leave(ballast, k)
            world.wait("a full disk is refused", lambda: any(503 in d.refused for d in devices))
            health = daemon.get("/health", token="")
            world.expect(health.status == 200, "with a full disk /health did not answer")
            ballast.unlink()
            world.wait_for_answers(devices, 1)
        world.count("times full")
    daemon.stop()


def _leave(ballast: Path, pages: int) -> None:
    """Fill the disk but for ``pages``."""
    with ballast.open("wb", buffering=0) as file:
        for _ in range(1000):  # what syncs meanwhile takes pages too
            free = os.statvfs(ballast.parent)
            try:
                os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail - pages) * free.f_frsize)
            except OSError:
                continue
            return


def _ends(world: World) -> None:
    """What stood on that disk is looked at while it is mounted, and moved to an ordinary folder for the rest."""
    if world.database.exists():
        fault = questions.unsound(world.database)
        world.expect(not fault, f"the database is not sound: {fault}")
        missing = questions.lost(world.database, world.promised)
        world.expect(not missing, f"{len(missing)} acknowledged events were gone")
        done = tomed("backup", world.folder / "rescued.db", "--data", world.data)
        world.expect(done.returncode == 0, f"no backup could be made: {done.stderr}")
        world.log_is_clean()
        world.data = world.folder / "after"
        world.data.mkdir()
        (world.folder / "rescued.db").rename(world.database)


def run_readonly(world: World) -> None:
    """A folder that can't be written is told in a sentence; nothing is changed, and afterwards all is there."""
    daemon = world.daemon()
    daemon.start()
    daemon.wait_ready()
    with world.devices(daemon) as devices:
        world.wait_for_answers(devices, world.size.of(60))
    daemon.stop()
    with _unwritable(world.data) as really:
        if not really:
            world.counts["left out"] = "this user can write everywhere and may not mount"
        else:
            for words in (("serve", "--library", world.library.folder, "--port", "0"), ("user", "add", "bo")):
                more = ("--password-stdin",) if words[0] == "user" else ()
                done = tomed(*words, *more, "--data", world.data, told="long enough\n")
                world.expect(done.returncode == 1, f"{words[0]} ended with {done.returncode} on a read-only folder")
                world.expect("Traceback" not in done.stderr, f"{words[0]} ended with a traceback on a read-only folder")
                told = "can't be" in done.stderr or "could not be" in done.stderr
                world.expect(told, f"{words[0]} said nothing of the read-only folder: {done.stderr}")
            done = tomed("check", "--library", world.library.folder, "--data", world.data)
            world.expect("Traceback" not in done.stderr, "check ended with a traceback on a read-only folder")
            done = tomed("backup", world.folder / "rescued.db", "--data", world.data)
            world.expect(done.returncode == 0, f"no backup could be made of a read-only folder: {done.stderr}")
            world.count("commands tried", 4)
    daemon.start()
    daemon.wait_ready()
    with world.devices(daemon) as devices:
        world.wait_for_answers(devices, 5)
    daemon.stop()


@contextmanager
def _unwritable(folder: Path) -> Iterator[bool]:
    """Take the right to write: by the folder's mode, or for root by a read-only mount over itself."""
    if os.geteuid() != 0:
        folder.chmod(0o500)
        try:
            yield True
        finally:
            folder.chmod(0o700)
        return
    bound = subprocess.run(["mount", "--bind", str(folder), str(folder)], capture_output=True).returncode == 0
    try:
        read_only = ["mount", "-o", "remount,ro,bind", str(folder)]
        yield bound and subprocess.run(read_only, capture_output=True).returncode == 0
    finally:
        if bound:
            subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)
