"""A device and the server that it talks to, which can be made to misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin.device import Device
from tests.plugin.faultproxy import FaultProxy


@pytest.fixture
def server() -> Iterator[FaultProxy]:
    """A server that answers as tomed does until it is told otherwise."""
    with FaultProxy() as proxy:
        yield proxy


@pytest.fixture
def device(tmp_path: Path, server: FaultProxy) -> Device:
    """The plugin on a device of its own, whose server is ``server``."""
    return Device(tmp_path / "device", server.url)
