"""A key by a short code, and a test of the connection that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.device import Device, Record, book
from tests.plugin.faultproxy import FaultProxy

pytestmark = pytest.mark.lua


def pairing(server: FaultProxy, *states: Record) -> list[Record]:
    """The server's side: one state after the other; what it was asked is returned."""
    asked: list[Record] = []
    left = list(states)

    def poll(request: Record) -> tuple[int, Record]:
        asked.append(request)
        state = left.pop(0) if len(left) > 1 else left[0]
        return int(state.get("status", 200)), state

    begun = {"code": "K7M2QX", "poll_token": "long and secret", "interval_s": 2, "expires_in_s": 300}
    server.tomed.extra["POST /api/v1/pair"] = (201, begun)
    server.tomed.extra["POST /api/v1/pair/poll"] = poll
    return asked


PAIR = 'S.tap("Settings > Pair with a code") for _ = 1, 8 do S.settle() S.run(2.2) end S.settle() '


def test_a_device_gets_its_key_and_uses_it(tmp_path: Path, server: FaultProxy) -> None:
    """The code is shown, a person enters it elsewhere, and the next sync has the new key."""
    device = Device(tmp_path / "device", server.url, token="old and unknown")
    waiting: Record = {"state": "waiting"}
    asked = pairing(server, waiting, waiting, {"state": "paired", "token": "secret", "user": "ann"})
    played = device.play(PAIR + "S.open(book) S.turn(2, 20) S.close_book() S.run(5) S.settle()", book=book()).check()
    assert "K7M2QX" in played.shown() and "for ann" in played.shown()
    assert asked == [{"poll_token": "long and secret"}] * 3
    assert len(server.tomed.sessions) == 1


@pytest.mark.parametrize(
    "state", [{"status": 404, "code": "not_found"}, {"state": "expired"}, {"state": "paired", "token": None}]
)
def test_a_code_that_is_used_up_ends_the_waiting(tmp_path: Path, server: FaultProxy, state: Record) -> None:
    device = Device(tmp_path / "device", server.url)
    asked = pairing(server, state)
    played = device.play(PAIR, book=book()).check()
    assert "expired" in played.shown()
    assert len(asked) == 1


def test_cancel_ends_the_waiting(tmp_path: Path, server: FaultProxy) -> None:
    device = Device(tmp_path / "device", server.url)
    asked = pairing(server, {"state": "waiting"})
    device.play('S.tap("Settings > Pair with a code") S.settle() S.answer("Cancel") S.run(20) S.settle()').check()
    assert asked == []


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("up", "knows this device"),
        ("garbage", "not tomed"),
        ("500", "problem (500)"),
        ("302", "another address"),
        ("reset", "did not answer"),
    ],
)
def test_the_connection_test_says_what_to_do(tmp_path: Path, server: FaultProxy, mode: str, says: str) -> None:
    server.set(mode)
    device = Device(tmp_path / "device", server.url)
    played = device.play('S.tap("Settings > Test the connection") S.settle()').check()
    assert says in played.shown()


def test_the_connection_test_tells_a_wrong_key(tmp_path: Path, server: FaultProxy) -> None:
    device = Device(tmp_path / "device", server.url, token="wrong")
    played = device.play('S.tap("Settings > Test the connection") S.settle()').check()
    assert "does not know this device's key" in played.shown()
