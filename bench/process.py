"""A server under measurement: a process of its own on a loopback port, and what /proc tells of it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_S = 60.0


def free_port() -> int:
    """A port of the loopback that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. ``url`` has no slash at its end."""

    pid: int
    url: str

    def cpu_s(self) -> float:
        """Processor time used so far by all threads of the process, seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mb(self) -> float:
        """Resident memory now, MB of 10⁶ bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def serving(command: Sequence[str], port: int, ready: str = "/", **environment: str) -> Iterator[Server]:
    """Start ``command`` and wait until ``ready`` answers anything at all; ends that process afterwards.

    Raises:
        RuntimeError: it ended, or did not answer in time.
    """
    process = subprocess.Popen(list(command), env=os.environ | environment)
    try:
        server = Server(process.pid, f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + _PATIENCE_S
        while not _answers(server.url + ready):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(command)} did not answer (exit code {process.poll()})")
            time.sleep(0.02)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
