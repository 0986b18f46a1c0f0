"""Fixtures that every room's tests may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.daemon import Daemon

# A machine that is busy with browsers is slow, not wrong.
settings.register_profile("tomed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tomed")

pytest_plugins = ["tests.libraries", "tests.chromium"]


@pytest.fixture
def daemon_of(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Starts real daemons; each has a person ``ann`` and a device's token unless told otherwise."""
    started: list[Daemon] = []

    def start(library: Path | None, *, data: Path | None = None, person: bool = True, **more: object) -> Daemon:
        daemon = Daemon(library, data or tmp_path / f"data{len(started)}", **more)  # type: ignore[arg-type]
        if person and not (daemon.data / "tomed.db").exists():
            daemon.add_user()
            daemon.add_token()
        daemon.start()
        started.append(daemon)
        return daemon

    yield start
    for daemon in started:
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.stop()
