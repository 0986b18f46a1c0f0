"""Power loss, simulated: the database and its write-ahead log, cut at every kind of byte.

``COMMIT`` syncs the log, so that a real power cut leaves at least the log up to the last acknowledged commit; what
follows may be there, missing, torn, or zeros. Which events that commit holds is not asked of SQLite: each
acknowledgement notes how long the log was when it came, and the log's frames are read here by the format's own rules.
"""

from __future__ import annotations

import shutil
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

from torture import questions
from torture.world import World

HEADER = 32
FRAME_HEADER = 24


@dataclass(frozen=True, slots=True)
class Frame:
    """One page in the log. ``start`` and ``end`` are offsets in the file; ``commit``: it ends a transaction."""

    start: int
    end: int
    commit: bool


def frames(log: bytes) -> list[Frame]:
    """The frames of a log in order, up to the first whose salt is another: that one is a remnant."""
    (page,) = struct.unpack(">I", log[8:12])
    salt, found, at = log[16:24], [], HEADER
    while at + FRAME_HEADER + page <= len(log) and log[at + 8 : at + 16] == salt:
        (size,) = struct.unpack(">I", log[at + 4 : at + 8])
        found.append(Frame(at, at + FRAME_HEADER + page, size > 0))
        at += FRAME_HEADER + page
    return found


def run(world: World) -> None:
    """Load with the log held back from folding, then cut copies of it and open them."""
    log = world.database.with_name("tomed.db-wal")
    daemon = world.daemon()
    daemon.start()
    daemon.wait_ready()
    holder = questions.connect(world.database)
    holder.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    holder.execute("BEGIN")
    holder.execute("SELECT count(*) FROM users").fetchall()  # a reader of the empty log: nothing of it is folded now
    noted: list[tuple[str, int]] = []
    lock = threading.Lock()

    def note(ids: list[str]) -> None:
        size = log.stat().st_size
        with lock:
            noted.extend((one, size) for one in ids)

    with world.devices(daemon, on_acknowledged=note) as devices:
        world.wait_for_answers(devices, world.size.of(300))
        daemon.kill()
    folder = world.folder / "cut"
    folder.mkdir()
    shutil.copy(world.database, folder / "whole.db")
    whole = log.read_bytes()
    holder.close()
    known = frames(whole)
    world.counts |= {"frames": len(known), "commits": sum(f.commit for f in known)}
    for cut, kind in _cuts(world, known, len(whole)):
        for tail in ("nothing", "zeros", "garbage") if kind != "log header" else ("nothing",):
            _check(world, folder, whole, known, noted, cut, tail, kind)
    daemon.start()
    daemon.stop()


def _cuts(world: World, known: list[Frame], length: int) -> list[tuple[int, str]]:
    """Where to cut, and what kind of byte that is."""
    chosen = world.rng.sample(known, min(len(known), world.size.of(24)))
    chosen += world.rng.sample([f for f in known if f.commit], min(world.size.of(12), sum(f.commit for f in known)))
    cuts = [(at, "log header") for at in (0, 1, 16, HEADER - 1, HEADER)] + [(length, "the end")]
    for frame in chosen:
        name = "commit frame" if frame.commit else "frame"
        cuts += [
            (frame.start, f"{name}: boundary before"),
            (frame.start + 5, f"{name}: in its header"),
            (frame.start + FRAME_HEADER, f"{name}: header alone"),
            (world.rng.randrange(frame.start + FRAME_HEADER + 1, frame.end), f"{name}: mid page"),
            (frame.end - 1, f"{name}: one byte short"),
            (frame.end, f"{name}: boundary after"),
        ]
    return cuts


def _check(
    world: World,
    folder: Path,
    whole: bytes,
    known: list[Frame],
    noted: list[tuple[str, int]],
    cut: int,
    tail: str,
    kind: str,
) -> None:
    copy = folder / "tomed.db"
    shutil.copy(folder / "whole.db", copy)
    rest = len(whole) - cut
    filled = {"nothing": b"", "zeros": bytes(rest), "garbage": world.rng.randbytes(rest)}[tail]
    copy.with_name("tomed.db-wal").write_bytes(whole[:cut] + filled)
    copy.with_name("tomed.db-shm").unlink(missing_ok=True)
    ends = [f.end for f in known if f.commit]
    last = max((end for end in ends if end <= cut), default=0)
    must = {one for one, size in noted if max((end for end in ends if end <= size), default=0) <= last}
    fault = questions.unsound(copy)
    world.expect(not fault, f"cut at {cut} ({kind}, then {tail}) the database is not sound: {fault}")
    missing = questions.lost(copy, must) if not fault else []
    world.expect(not missing, f"cut at {cut} ({kind}, then {tail}) {len(missing)} of {len(must)} events were gone")
    world.count("cuts")
    world.count("events looked for", len(must))
