"""Ten thousand sittings with 300,000 page times wait on the device; then the network comes."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from tests.plugin.device import Device, book
from tests.plugin.faultproxy import FaultProxy

pytestmark = [pytest.mark.lua, pytest.mark.timeout(300)]

SITTINGS, PAGES, SEGMENT = 10_000, 30, 200

COUNT_WRITES = """
local written, removed, open, remove = 0, 0, io.open, os.remove
local function counted(file)
    return setmetatable({}, { __index = function(_, name)
        return function(_, ...)
            if name == "write" then for i = 1, select("#", ...) do written = written + #(select(i, ...)) end end
            return file[name](file, ...)
        end
    end })
end
function io.open(path, mode)
    local file, err = open(path, mode)
    local is_ours = path:find("/queue/", 1, true) and (mode or "r"):find("[wa+]")
    return file and is_ours and counted(file) or file, err
end
function os.remove(path) removed = removed + (path:match("/queue/.*%.jsonl$") and 1 or 0) return remove(path) end
"""
"""Lua that counts what KOReader's own process writes into the queue's folder (a child has its own copy of the sum)."""


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
        waiting = sum(path.stat().st_size for path in queue.iterdir())
        played = device.play(
            COUNT_WRITES
            + """S.dump(S.find("Pending").text_func()) S.open(book) S.turn(1, 40) S.close_book()
            for _ = 1, 60 do S.run(1.1) S.settle() end S.dump{ written = written, removed = removed }""",
            timeout=240,
            book=book(),
        ).check()
        text, disk = (r["what"] for r in played.of("dump"))
        assert text == f"Pending ({SITTINGS})"
        assert len(server.tomed.sessions) == SITTINGS + 1
        assert len(server.tomed.arrivals) == len(set(server.tomed.arrivals)), "nothing was sent twice"
        assert list(queue.iterdir()) == []
        assert len(server.requests("/sync")) <= SITTINGS / 100
        assert waiting > 5_000_000 and 0 < disk["written"] < 5_000, "one sitting was added, nothing else written"
        assert disk["removed"] >= SITTINGS / SEGMENT
        played.never_busy()
