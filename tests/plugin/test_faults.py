"""Everything a network can do to a device: nothing is lost, nothing is told twice, and the reader never waits."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.plugin.device import Device, book
from tests.plugin.faultproxy import FaultProxy

pytestmark = pytest.mark.lua

FAULTS = [
    "slow",
    "drip",
    "hang",
    "reset",
    "garbage",
    "nulls",
    "number",
    "truncated",
    "nothing",
    "half",
    "lost",
    "302",
    "401",
    "413",
    "426",
    "500",
    "503",
]
IMPATIENT = "local sync = require('tomesync/sync') sync.block_s, sync.total_s, sync.deadline_s = 0.5, 1, 1 "
"""Time-outs for tests: time is real while a child lives."""


@pytest.mark.parametrize("fault", FAULTS)
def test_each_sitting_arrives_exactly_once_after_a_fault(tmp_path: Path, fault: str) -> None:
    """Read while the server is ill, close the book, the server recovers, the network comes back: all is told, once."""
    with FaultProxy() as server:
        server.set(fault, 0.5)
        device = Device(tmp_path / "device", server.url)
        played = device.play(
            IMPATIENT
            + """S.open(book) S.turn(3, 30) S.run(15) S.suspend(600) S.resume() S.net(true) S.turn(2, 30)
            S.close_book() S.run(5) S.settle()
            S.server("up") S.net(false) S.net(true) S.run(5) S.settle() S.run(3) S.settle()""",
            book=book(),
            fault=fault,
        ).check()
        played.never_busy()
        assert [s["pages_turned"] for s in server.tomed.sessions] == [3, 2]
        assert device.queued() == []
        assert server.tomed.sessions[-1]["end_fraction"] == pytest.approx(0.06)


def test_only_what_was_acknowledged_is_dropped(tmp_path: Path) -> None:
    """Five sittings in one batch, every second one acknowledged: the others stay, and are told at the next sync."""
    with FaultProxy() as server:
        server.set("half")
        device = Device(tmp_path / "device", server.url)
        device.play(
            "S.world.connected = false for _ = 1, 5 do S.open(book) S.turn(1, 20) S.close_book() end S.exit()",
            book=book(),
        )
        device.play("S.run(0.5) S.settle() S.exit()").check()
        assert len(device.queued()) >= 2
        server.set("up")
        device.play("S.run(5) S.settle() S.run(3) S.settle()").check()
        assert device.queued() == []
        assert len(server.tomed.sessions) == 5


def test_nothing_listens(tmp_path: Path) -> None:
    """A closed port: the sittings wait on the device, and a day later they still do."""
    with FaultProxy() as server:
        url = server.url
    device = Device(tmp_path / "device", url)
    played = device.play("S.open(book) S.turn(3, 30) S.close_book() S.run(86400)", book=book()).check()
    played.never_busy()
    assert [e["type"] for e in device.queued()] == ["session"]


def test_a_failing_server_is_left_alone(tmp_path: Path) -> None:
    """500 at every request: the pauses grow, so that ten page turns are not ten requests."""
    with FaultProxy() as server:
        server.set("500")
        device = Device(tmp_path / "device", server.url)
        device.play("S.open(book) S.run(3) S.settle() S.turn(30, 20) S.settle()", book=book()).check()
        assert 1 <= len(server.requests("/sync")) <= 6
        times = [r["t"] for r in server.requests("/sync")]
        assert times == sorted(times)


def test_an_unknown_key_is_told_once(tmp_path: Path) -> None:
    """401: a toast that says what to do, no dialog, and no storm of requests."""
    with FaultProxy() as server:
        server.set("401")
        device = Device(tmp_path / "device", server.url)
        played = device.play(
            IMPATIENT + "S.open(book) S.run(3) S.settle() S.turn(20, 20) S.settle()", book=book()
        ).check()
        shown = played.of("show")
        assert [s["widget"] for s in shown] == ["Notification"]
        assert "key" in shown[0]["text"]
        assert len(server.requests("/sync")) == 1


def test_too_much_at_once_is_sent_in_smaller_parts(tmp_path: Path) -> None:
    """413 for more than 20 events: the device learns how much the server takes."""
    with FaultProxy() as server:
        small = server.tomed.sync

        def answer(method: str, target: str, body: bytes, token: str) -> tuple[int, dict[str, object]]:
            request = json.loads(body)
            if len(request["events"]) > 20:
                return 413, {"code": "too_large", "detail": "At most 20 events."}
            return 200, small(request)

        server.tomed.answer = answer  # type: ignore[method-assign]
        device = Device(tmp_path / "device", server.url)
        device.play(
            """S.world.connected = false
            for _ = 1, 60 do S.open(book) S.turn(1, 5) S.close_book() end
            S.net(true) for _ = 1, 30 do S.run(40) S.settle() end""",
            book=book(),
        ).check()
        assert len(server.tomed.sessions) == 60
        assert len(set(server.tomed.arrivals)) == len(server.tomed.arrivals)
        assert device.queued() == []


def test_a_device_that_can_not_fork_syncs_when_asked(tmp_path: Path) -> None:
    """No child process: nothing happens by itself, Sync now works in the foreground."""
    with FaultProxy() as server:
        device = Device(tmp_path / "device", server.url)
        device.play("S.fork_fails(true) S.open(book) S.turn(3, 30) S.close_book() S.run(60)", book=book()).check()
        assert server.seen == []
        device.play('S.fork_fails(true) S.tap("Sync now") S.run(1)').check()
        assert len(server.tomed.sessions) == 1


def test_a_long_sleep_in_the_middle_of_a_request(tmp_path: Path) -> None:
    """Asleep while its child waits: after waking the child is given up by the wall clock, and standby is paired."""
    with FaultProxy() as server:
        server.set("hang")
        device = Device(tmp_path / "device", server.url)
        device.play(
            IMPATIENT
            + """S.world.keeps_network = true S.open(book) S.turn(2, 30) S.close_book() S.run(3)
            S.suspend(3600) S.server("up") S.resume() S.run(5) S.net(true) S.run(5) S.settle()""",
            book=book(),
        ).check()
        assert len(server.tomed.sessions) == 1


def test_a_child_that_is_killed(tmp_path: Path) -> None:
    """Out of memory, the system kills the child: no answer is a failure like any other, and the queue stays."""
    with FaultProxy() as server:
        server.set("slow", 1)
        device = Device(tmp_path / "device", server.url)
        played = device.play(
            """S.open(book) S.turn(2, 30) S.settle() S.close_book()
            local K = require("kernel")
            for _ = 1, 100 do S.run(0.05) if K.childrenAlive() then break end end
            for pid in pairs(K.children) do K.ffiutil.terminateSubProcess(pid) end
            S.run(1) S.settle() S.dump(require("tomesync/sync").last.code)
            S.server("up") S.run(90) S.settle()""",
            book=book(),
        ).check()
        assert played.of("dump")[0]["what"] == "child_died"
        assert len(server.tomed.sessions) == 1
        assert device.queued() == []


def test_an_exit_in_the_middle_of_a_request_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """The orphan's answer reaches nobody; the next start sends the same ids again."""
    with FaultProxy() as server:
        server.set("slow", 1)
        device = Device(tmp_path / "device", server.url)
        device.play("S.open(book) S.turn(2, 30) S.close_book() S.run(2.2) S.exit()", book=book())
        server.set("up")
        device.play("S.run(5) S.settle()").check()
        assert len(server.tomed.sessions) == 1
        assert device.queued() == []


def test_the_next_address_has_its_turn(tmp_path: Path) -> None:
    """Home first, then the VPN: an address that does not answer is followed by the next one."""
    with FaultProxy() as gone:
        dead = gone.url
    with FaultProxy() as server:
        device = Device(tmp_path / "device", server.url)
        device.play(
            """S.tap("Settings > Server:") S.answer("Save", dead .. " " .. S.server_url)
            S.open(book) S.turn(2, 30) S.close_book() S.run(120) S.settle() S.run(120) S.settle()""",
            book=book(),
            dead=dead,
        ).check()
        assert len(server.tomed.sessions) == 1


@pytest.mark.parametrize("seed", range(5))
def test_any_interleaving_counts_each_sitting_once(tmp_path: Path, seed: int) -> None:
    """Opens, turns, reloads, sleeps, crashes, restarts and faults in any order: each sitting is told exactly once."""
    chance = random.Random(seed)
    with FaultProxy() as server:
        device = Device(tmp_path / "device", server.url)
        expected: Counter[tuple[str, int]] = Counter()
        current = ""
        for boot in range(3):
            steps, turned = [f'S.server("{chance.choice(["up", *FAULTS])}", 0.2)'], None
            for number in range(9):
                step = chance.choice(["turn", "turn", "turn", "reload", "sleep", "close", "other", "net", "fault"])
                name = f"{boot}-{number}.epub"
                if turned is None or step == "other":
                    if turned is not None:
                        expected[current, turned] += 1
                    steps.append(f'book.file = "/books/{name}" S.open(book)')
                    current, turned = name, 0
                elif step == "turn":
                    n = chance.randint(1, 3)
                    turned += n
                    steps.append(f"S.turn({n}, {chance.choice([5, 14, 40])})")
                elif step == "reload":
                    steps.append("S.reload()")
                elif step == "close":
                    expected[current, turned] += 1
                    steps.append("S.close_book()")
                    turned = None
                elif step == "sleep":
                    expected[current, turned] += 1
                    steps.append("S.suspend(1000) S.resume()")
                    turned = 0
                elif step == "net":
                    steps.append(f"S.net({chance.choice(['true', 'false'])})")
                elif step == "fault":
                    steps.append(f'S.server("{chance.choice(["up", "up", *FAULTS])}", 0.2)')
            if turned is not None:
                expected[current, turned] += 1
            steps.append(chance.choice(["S.crash()", "S.exit()", "S.crash()"]))
            device.play(IMPATIENT + " ".join(steps), book=book(pages=100000))
        device.play('S.server("up") S.net(true) S.run(3) S.settle() S.run(60) S.settle()').check()
        assert device.queued() == []
        told = Counter((str(s["book"]["filename"]), int(s["pages_turned"])) for s in server.tomed.sessions)
        assert {k: n for k, n in told.items() if k[1]} == {k: n for k, n in expected.items() if k[1]}


CRASH_AT = """
local left, K = at, require("kernel")
local function step()
    if require("ffi").C.getpid() ~= K.pid then return end
    left = left - 1
    if left == 0 then K.crash() end
end
local open, rename, remove = io.open, os.rename, os.remove
local function watched(file)
    return setmetatable({}, { __index = function(_, name)
        return function(_, ...)
            if name == "write" then step() end
            return file[name](file, ...)
        end
    end })
end
function io.open(path, mode)
    local writes = path:find("/tomesync/", 1, true) and (mode or "r"):find("[wa+]")
    if writes then step() end
    local file, err = open(path, mode)
    return file and writes and watched(file) or file, err
end
function os.rename(...) step() return rename(...) end
function os.remove(...) step() return remove(...) end
"""
"""Lua that ends the process before the ``at``-th change of a file."""


@pytest.mark.timeout(300)
def test_dying_at_any_change_of_any_file_costs_a_page_at_most(tmp_path: Path) -> None:
    """Power that goes between any two writes, renames and removals of a sitting, its sync and the next sitting."""
    life = """for sitting = 1, 2 do
        S.open(book) S.run(3) S.settle() for _ = 1, 2 do S.turn(1, 20) S.dump(sitting) end
        S.close_book() S.run(3) S.settle()
    end S.dump("survived")"""
    survived = False
    for at in range(1, 200):
        with FaultProxy() as server:
            device = Device(tmp_path / str(at), server.url)
            dumps = [r["what"] for r in device.play(CRASH_AT + life, book=book(), at=at).of("dump")]
            device.play("S.run(3) S.settle() S.run(3) S.settle()").check()
            turned = [s["pages_turned"] for s in server.tomed.sessions]
            assert sum(turned) - len([d for d in dumps if d != "survived"]) in {0, 1}, (at, turned, dumps)
            assert len(turned) <= 2 and max(turned, default=0) <= 2, (at, turned)
            assert device.queued() == [], at
        if survived := "survived" in dumps:
            break
    assert survived and at > 15, at
