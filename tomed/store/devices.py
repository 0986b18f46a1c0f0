"""SQL of the devices that report reading."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from tomed.model import DeviceId


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """How a device introduces itself. ``client_id`` is made by it once and never its model's name."""

    client_id: str
    name: str
    model: str = ""
    koreader: str = ""
    plugin: str = ""


def upsert(
    connection: apsw.Connection, user_id: int, report: DeviceReport, now: int, clock_offset_ms: int = 0
) -> DeviceId:
    """Note a device's latest words about itself and return its key."""
    device_id = connection.execute(
        "INSERT INTO devices (user_id, client_id, name, model, koreader, plugin, clock_offset_ms, last_seen_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (user_id, client_id) DO UPDATE SET name = excluded.name, model = excluded.model,"
        " koreader = excluded.koreader, plugin = excluded.plugin, clock_offset_ms = excluded.clock_offset_ms,"
        " last_seen_at = max(last_seen_at, excluded.last_seen_at) RETURNING id",
        (
            user_id,
            report.client_id,
            report.name or report.model or "Device",
            report.model,
            report.koreader,
            report.plugin,
            clock_offset_ms,
            now,
        ),
    ).get
    return DeviceId(device_id)


def of_token(connection: apsw.Connection, user_id: int, token_id: int, name: str, now: int) -> DeviceId:
    """The device that stands for a token which never introduced itself by /sync (a browser, a script)."""
    client_id = f"token:{token_id}"
    row = connection.execute(
        "SELECT id FROM devices WHERE user_id = ? AND client_id = ?", (user_id, client_id)
    ).fetchone()
    return DeviceId(row[0]) if row else upsert(connection, user_id, DeviceReport(client_id, name), now)
