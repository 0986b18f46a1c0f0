"""The real daemon as a process of its own on a free loopback port, and a small client for it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_S = 60
STOP_S = 30


@dataclass
class Answer:
    """What the daemon answered: status, headers (lower-case names) and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Daemon:
    """A daemon beside ``library`` with its sidecar in ``data``. Use ``start`` and ``stop``, or as a context."""

    library: Path | None
    data: Path
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    url: str = ""
    output: str = ""
    process: subprocess.Popen[str] | None = None
    token: str = ""
    program: tuple[str, ...] = (sys.executable, "-m", "tomed")
    """How ``tomed`` is called: of this checkout, or installed somewhere."""
    folder: Path | None = None
    """Where it is called; None is here."""

    def __enter__(self) -> Daemon:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Daemon:
        """Start it and wait for its line with the address."""
        command = [*self.program, "serve", "--data", str(self.data), "--port", "0", *self.arguments]
        if self.library is not None:
            command += ["--library", str(self.library)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
            )
        assert self.process.stdout is not None
        self.output = ""
        for line in self.process.stdout:
            self.output += line
            found = re.search(r"http://[\d.]+:\d+\S*?(?=/\s*$)", line)
            if found:
                self.url = found.group()
                return self
        raise AssertionError(f"the daemon did not start: {self.output}{self.log.read_text()}")

    @property
    def log(self) -> Path:
        """Where its standard error goes."""
        self.data.mkdir(parents=True, exist_ok=True)
        return self.data / "daemon.log"

    def stop(self) -> float:
        """Ask it to end (SIGTERM), wait, and say how many seconds that took."""
        assert self.process is not None
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        self._close()
        return time.monotonic() - started

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        assert self.process is not None
        if self.process.stdout is not None:
            self.process.stdout.close()

    def add_user(self, name: str = "ann", password: str = "long enough") -> None:
        """Add a person by the command line."""
        self.run("user", "add", name, "--password-stdin", input=password + "\n")

    def add_token(self, user: str = "ann", device: str = "Kobo") -> str:
        """Make a device's token by the command line; it becomes this client's own."""
        self.token = self.run("token", "create", user, "--name", device).strip()
        return self.token

    def run(self, *words: str, input: str = "") -> str:
        """Run a command of tomed on the same data; its standard output."""
        return self.run_alone(*words, "--data", str(self.data), input=input)

    def run_alone(self, *words: str, input: str = "") -> str:
        """Run a command of tomed; its standard output."""
        done = subprocess.run(
            [*self.program, *words],
            cwd=self.folder,
            input=input,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **self.environment},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def request(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 30,
    ) -> Answer:
        """One HTTP request; ``data`` goes as JSON (bytes as they are), ``token=""`` sends none."""
        url = (
            path
            if path.startswith("http")
            else self.url + ("/api/v1" if not path.startswith("/!") else "") + path.replace("/!", "/")
        )
        body = data if isinstance(data, bytes | None) else json.dumps(data).encode()
        request = urllib.request.Request(url, body, headers or {}, method=method)
        if body is not None and not request.has_header("Content-type"):
            request.add_header("Content-Type", "application/json")
        secret = self.token if token is None else token
        if secret:
            request.add_header("Authorization", f"Bearer {secret}")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
        except urllib.error.HTTPError as err:
            with err:
                return Answer(err.code, {k.lower(): v for k, v in err.headers.items()}, err.read())

    def get(self, path: str, **more: Any) -> Answer:
        return self.request("GET", path, **more)

    def put(self, path: str, data: Any, **more: Any) -> Answer:
        return self.request("PUT", path, data, **more)

    def post(self, path: str, data: Any, **more: Any) -> Answer:
        return self.request("POST", path, data, **more)

    def wait_ready(self, deadline_s: float = START_S) -> dict[str, Any]:
        """Wait until the library is indexed; the health answer."""
        return wait_for(lambda: _ready(self.get("/health", token="").json), deadline_s)


def _ready(health: dict[str, Any]) -> dict[str, Any] | None:
    return health if all(library["state"] == "ready" for library in health["libraries"]) else None


def wait_for(probe: Any, deadline_s: float = 30, step_s: float = 0.05) -> Any:
    """Call ``probe`` until it answers something true, and return that; fail after ``deadline_s``."""
    deadline = time.monotonic() + deadline_s
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {deadline_s} s in vain for {probe}")
        time.sleep(step_s)
