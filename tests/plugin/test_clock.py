"""Events noted by a wrong clock and sent by a right one: corrected where that is known, else as they were."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.plugin.device import Device, book
from tests.plugin.faultproxy import FaultProxy

pytestmark = pytest.mark.lua

BEHIND_S = 7200
READ = "S.open(book) S.turn(3, 30) S.close_book() S.run(5) "
WRONG = f"S.world.connected = false S.clock_error(-{BEHIND_S}) "
RIGHT = "S.clock_error(0) S.net(true) S.run(5) S.settle() "


@pytest.fixture
def wrong_from_boot(tmp_path: Path) -> str:
    """The clock is wrong, and the network away, before the plugin is loaded."""
    script = tmp_path / "wrong.lua"
    script.write_text(f'require("kernel").wall_error = -{BEHIND_S} require("modules").world.connected = false')
    return str(script)


def seconds_ago(told: str, device: Device) -> float:
    """How long a time of the wire is before now, by the clock of the device's world."""
    return datetime.now(UTC).timestamp() + device.clock - datetime.fromisoformat(told).timestamp()


def test_a_clock_that_was_put_right_before_the_sync(device: Device, server: FaultProxy) -> None:
    """Read offline two hours behind, then the time comes by Wi-Fi: each event tells what the clock was set by."""
    mark = 'S.ui.doc_settings:saveSetting("summary", { status = "complete" }) '
    device.play(WRONG + READ + f"S.open(book) S.run(3) S.jump(70) {mark} S.close_book() " + RIGHT, book=book()).check()
    assert {event["type"] for event in server.tomed.events.values()} == {"session", "position", "status"}
    for event in server.tomed.events.values():
        assert event["clock_set_s"] == pytest.approx(BEHIND_S, abs=2)
        assert "clock" not in event
        assert BEHIND_S < seconds_ago(event["at"], device) < BEHIND_S + 600  # as it was noted


def test_nothing_is_told_when_the_clock_was_not_set(device: Device, server: FaultProxy) -> None:
    """Wrong all along is what the sync's own "now" is for; sleep changes nothing about it."""
    device.play(
        WRONG + "S.open(book) S.turn(3, 30) S.suspend(40000) S.resume() S.turn(2, 30) S.close_book() S.net(true) "
        "S.run(5) S.settle()",
        book=book(),
    ).check()
    assert len(server.tomed.sessions) == 2
    assert not [event for event in server.tomed.events.values() if "clock_set_s" in event or "clock" in event]


def test_what_was_set_while_it_slept_is_not_guessed(device: Device, server: FaultProxy) -> None:
    """It may as well be a clock that does not count sleep: the event keeps its time."""
    device.play(
        WRONG + "S.open(book) S.turn(3, 30) S.suspend(3600) S.clock_error(0) S.resume() " + RIGHT, book=book()
    ).check()
    (session,) = server.tomed.sessions
    assert "clock_set_s" not in session


@pytest.mark.parametrize("end", ["S.close_book() S.exit()", "S.crash()"])
def test_a_restart_and_a_crash_in_between(device: Device, server: FaultProxy, wrong_from_boot: str, end: str) -> None:
    """The same boot, the clock still wrong: putting it right later is known of the sittings before the restart too."""
    device.play("S.open(book) S.turn(3, 30) " + end, book=book(), before=wrong_from_boot)
    device.play("S.run(5) " + RIGHT, before=wrong_from_boot).check()
    (session,) = server.tomed.sessions
    assert session["pages_turned"] == 3
    assert session["clock_set_s"] == pytest.approx(BEHIND_S, abs=3)


def test_set_while_koreader_did_not_run_is_not_guessed(
    device: Device, server: FaultProxy, wrong_from_boot: str
) -> None:
    """Nobody saw it: the event keeps its time."""
    device.play(READ + "S.exit()", book=book(), before=wrong_from_boot)
    device.play("S.run(5) S.settle()").check()
    (session,) = server.tomed.sessions
    assert "clock_set_s" not in session
    assert BEHIND_S < seconds_ago(session["at"], device) < BEHIND_S + 600
