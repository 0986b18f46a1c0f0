"""What a scenario is given: a folder of its own, a library, a daemon, chance from the seed, a place for counts."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.daemon import Daemon, wait_for
from tests.libraries import LibraryFixture, make_library
from torture import questions
from torture.devices import Device

PATIENCE_S = 60


@dataclass
class Size:
    """How much is done. ``share`` scales counts (1 is a full run), ``soak_s`` is how long the soak lasts, seconds."""

    share: float = 1.0
    soak_s: float = 600.0
    fuzz_s: float = 20.0

    def of(self, count: int, least: int = 2) -> int:
        """``count`` of a full run, scaled."""
        return max(least, round(count * self.share))


@dataclass
class World:
    """One scenario's world. What it acknowledged goes into ``promised``, what it found wrong into ``faults``."""

    folder: Path
    seed: str
    size: Size
    promised: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    counts: dict[str, int | float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.library: LibraryFixture = make_library(self.folder / "library")
        self.before = questions.fingerprint(self.library.folder)
        self.data = self.folder / "data"
        self._started: list[Daemon] = []

    @property
    def database(self) -> Path:
        return self.data / "tomed.db"

    def daemon(self, *arguments: str, **environment: str) -> Daemon:
        """A daemon that is not started yet, with a person ``ann`` and her device's token."""
        daemon = Daemon(self.library.folder, self.data, arguments, environment)
        if not self.database.exists():
            daemon.add_user()
        daemon.add_token()
        self._started.append(daemon)
        return daemon

    def end(self) -> None:
        """End what a scenario that broke off has left running."""
        for daemon in self._started:
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.kill()

    def books(self) -> list[str]:
        return [book.uuid for book in self.library.books]

    @contextmanager
    def devices(self, daemon: Daemon, count: int = 4, **more: object) -> Iterator[list[Device]]:
        """Devices that sync meanwhile; what was acknowledged to them is promised at the end."""
        seed = f"{self.seed}:{self.rng.random()}"
        made = [Device(daemon, number, seed, self.books(), **more) for number in range(count)]  # type: ignore[arg-type]
        for device in made:
            device.start()
        try:
            yield made
        finally:
            for device in made:
                self.promised |= set(device.stop().acknowledged)
                if device.is_alive():
                    self.fault("a device got no answer for a minute")
            self.count("answers refused", sum(sum(d.refused.values()) for d in made))
            for reason in {reason for d in made for reason in d.rejected}:
                self.fault(f"an event was rejected: {reason}")

    def wait(self, what: str, probe: Callable[[], object], seconds: float = PATIENCE_S) -> bool:
        """Wait for something true; a fault when it does not come."""
        try:
            wait_for(probe, seconds)
        except AssertionError:
            self.fault(f"waited {seconds:g} s in vain: {what}")
            return False
        return True

    def wait_for_answers(self, devices: list[Device], more: int = 10) -> None:
        """Wait until ``more`` further events were acknowledged."""
        seen = sum(len(d.acknowledged) for d in devices)
        self.wait("events are acknowledged", lambda: sum(len(d.acknowledged) for d in devices) >= seen + more)

    def count(self, what: str, number: float = 1) -> None:
        self.counts[what] = float(self.counts.get(what, 0)) + number

    def fault(self, sentence: str) -> None:
        if sentence not in self.faults:
            self.faults.append(sentence)

    def expect(self, true: object, sentence: str) -> None:
        """A fault unless ``true``."""
        if not true:
            self.fault(sentence)

    def log_is_clean(self) -> None:
        """No traceback in the daemon's log: what nobody foresaw is a fault."""
        log = self.data / "daemon.log"
        told = log.read_text(errors="replace") if log.exists() else ""
        if "Traceback" in told:
            last = next((line for line in reversed(told.splitlines()) if line and not line.startswith(" ")), "")
            self.fault(f"{told.count('Traceback')} tracebacks in the daemon's log, the last: {last[:200]}")


def memory_mb(pid: int) -> float:
    """Resident memory of a process, MB of 10⁶ bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def sockets(pid: int) -> int:
    """How many sockets a process has open; a worker that it began meanwhile has pipes."""
    found = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += file.readlink().name.startswith("socket:")
        except FileNotFoundError:  # closed while we looked
            continue
    return found


def until(seconds: float, step_s: float) -> Iterator[float]:
    """Yield how much time is gone, every ``step_s``, for ``seconds``."""
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds:
        yield gone
        time.sleep(min(step_s, max(0.0, seconds - gone)))
