"""Ten thousand sittings with 300,000 page times wait on the device; then the network comes."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from tests.plugin.device import Device
from tests.plugin.faultproxy import FaultProxy

pytestmark = [pytest.mark.lua, pytest.mark.timeout(300)]

SITTINGS, PAGES, SEGMENT = 10_000, 30, 200
BUSY_MS = 500


def sitting(n: int) -> dict[str, object]:
    return {
        "id": str(uuid.UUID(int=n, version=4)),
        "type": "session",
        "at": "2026-01-01T00:30:00Z",
        "started_at": "2026-01-01T00:00:00Z",
        "ended_at": "2026-01-01T00:30:00Z",
        "active_s": 1800,
        "pages_turned": PAGES,
        "start_fraction": 0.1,
        "end_fraction": 0.2,
        "book": {"filename": f"{n % 50}.epub", "partial_md5": f"{n % 50:032x}"},
        "page_times": [[page, page * 60, 60] for page in range(PAGES)],
        "total_pages": 400,
    }


def test_all_of_it_arrives_in_batches(tmp_path: Path) -> None:
    """Each exactly once; the queue shrinks by whole files, so nothing the UI does grows with the backlog."""
    with FaultProxy() as server:
        device = Device(tmp_path / "device", server.url)
        queue = device.home / "settings" / "tomesync" / "queue"
        queue.mkdir(parents=True)
        for first in range(0, SITTINGS, SEGMENT):
            lines = [json.dumps(sitting(n), separators=(",", ":")) for n in range(first, first + SEGMENT)]
            path = queue / f"{first // SEGMENT + 1:08}-{SEGMENT}.jsonl"
            path.write_text("\n".join(lines) + "\n")
        played = device.play(
            'S.dump(S.find("Pending").text_func()) for _ = 1, 60 do S.run(1.1) S.settle() end', timeout=240
        ).check()
        assert played.of("dump")[0]["what"] == f"Pending ({SITTINGS})"
        assert len(server.tomed.sessions) == SITTINGS
        assert len(server.tomed.arrivals) == SITTINGS
        assert list(queue.iterdir()) == []
        assert played.longest("handler", "task", "init")[0] < BUSY_MS
