"""Taking the plugin off the device, as KOReader's plugin manager does it: what goes, what stays, what is said."""

from __future__ import annotations

import shutil

import pytest

from tests.plugin.device import Device, book
from tests.plugin.faultproxy import FaultProxy

pytestmark = pytest.mark.lua

READ = "S.open(book) S.turn(3, 30) S.close_book() S.run(5) S.settle() "
# Everything the plugin ever keeps there, whether this scenario made it or not.
KEPT = "local folder = S.home .. '/settings/tomesync' require('lfs').mkdir(folder .. '/covers') "
KEPT += "for _, name in ipairs{ 'calibre-lists', 'history_mark', 'shelf.jsonl', 'answer-sync', 'covers/a.jpg' } do "
KEPT += "local f = io.open(folder .. '/' .. name, 'a') f:write('x') f:close() end "
GONE = "os.execute('mv ' .. plugin .. ' ' .. plugin .. '.gone') S.plugin:deletePluginSettings() S.run(2) "


def test_nothing_is_left_when_everything_was_sent(device: Device, server: FaultProxy) -> None:
    """Paths, lists, covers, marks and the device's name go with the settings, though the plugin's files went before."""
    folder = device.home / "settings" / "tomesync"
    device.play(READ + "S.exit()", book=book()).check()
    assert {"paths", "device_id"} <= {path.name for path in folder.iterdir()}
    played = device.play(KEPT + GONE, plugin=str(device.plugin)).check()
    assert not folder.exists()
    assert device.home.joinpath("settings", "tomesync.lua").read_text() == "{}"
    assert "have not reached" not in played.shown()


def test_until_the_restart_nothing_is_written_or_sent(device: Device, server: FaultProxy) -> None:
    """KOReader goes on with the plugin in its memory: a book read meanwhile leaves no trace."""
    device.play(READ + GONE + "S.net(true) S.run(60) " + READ, book=book(), plugin=str(device.plugin))
    asked = len(server.requests("/sync"))
    assert not (device.home / "settings" / "tomesync").exists()
    assert len(server.tomed.sessions) == 1
    shutil.move(f"{device.plugin}.gone", device.plugin)
    device.play("S.run(5) S.settle()").check()
    assert len(server.requests("/sync")) == asked


def test_what_was_not_sent_stays_and_is_said(device: Device, server: FaultProxy) -> None:
    """Offline, the last sittings (the open one too) are nowhere else: they wait, and arrive from the same device."""
    folder = device.home / "settings" / "tomesync"
    device.play(READ + "S.exit()", book=book()).check()
    offline = "S.world.connected = false " + READ + "S.open(book) S.turn(2, 30) "
    played = device.play(KEPT + offline + GONE, book=book(), plugin=str(device.plugin)).check()
    assert "2 readings have not reached your server" in played.shown()
    assert str(folder / "queue") in played.shown()
    assert {path.name for path in folder.iterdir()} == {"queue", "device_id"}
    assert [event["pages_turned"] for event in device.queued()] == [3, 2]
    shutil.move(f"{device.plugin}.gone", device.plugin)
    device.play("S.run(5) S.settle()").check()
    assert [session["pages_turned"] for session in server.tomed.sessions] == [3, 3, 2]
    assert len({device["id"] for device in server.tomed.devices}) == 1
    assert device.queued() == []
