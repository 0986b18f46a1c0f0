"""The disk fails at each write: full, faulty or read-only, at the k-th write, sync or truncation, for every k.

The store runs in this process on files whose failures are chosen here, so that every single write is met; the commits
are folded into the database every few pages, so that the folding is met too.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

from tomed import reading
from tomed.api import requests
from tomed.errors import StoreError
from tomed.resolving import resolve
from tomed.store import devices, users
from tomed.store.db import Store
from torture import questions
from torture.devices import event
from torture.world import World

KINDS = (apsw.FullError, apsw.IOError, apsw.ReadOnlyError)
AT = 1_798_000_000_000
"""The clock of the run, ms: December 2026, after all that the devices tell of."""


class FaultyDisk(apsw.VFS):
    """SQLite's usual files, whose writes fail from the ``left``-th on with ``kind``; None: they work."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.kind: type[Exception] = apsw.FullError
        self.struck = 0
        super().__init__("faulty-disk", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        return _FaultyFile(self, name, flags)

    def strike(self) -> None:
        """One write; raises when its turn has come."""
        if self.left is None:
            return
        if self.left > 0:
            self.left -= 1
            return
        self.struck += 1
        raise self.kind("on purpose")


class _FaultyFile(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.strike()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.strike()
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.strike()
        super().xTruncate(newsize)


@contextmanager
def _quiet() -> Iterator[None]:
    """apsw tells of errors inside its callbacks on the way out; these are ours."""
    before, sys.unraisablehook = sys.unraisablehook, lambda *_: None
    try:
        yield
    finally:
        sys.unraisablehook = before


def run(world: World) -> None:
    """For each k: what was acknowledged stays, and after room is made the next write succeeds."""
    disk = FaultyDisk()
    try:
        with _quiet():
            asyncio.run(_run(world, disk))
        world.counts["writes that failed"] = disk.struck
    finally:
        disk.left = None
        apsw.set_default_vfs("unix")
        disk.unregister()
    fault = questions.unsound(world.database)
    world.expect(not fault, f"the database is not sound: {fault}")


async def _run(world: World, disk: FaultyDisk) -> None:
    store = Store.open(world.database)
    user_id = await store.write(lambda c: users.create(c, "ann", None, now=AT))
    await store.write_long(lambda c: c.execute("PRAGMA wal_autocheckpoint = 6").fetchall())
    try:
        for kind in KINDS:
            for k in range(world.size.of(60)):
                disk.kind, disk.left = kind, k
                await _batch(world, store, user_id, 6)
                disk.left = None
                done = await _batch(world, store, user_id, 1)
                world.expect(done == 1, f"after {kind.__name__} at write {k} was mended, nothing could be written")
                missing = questions.lost(world.database, world.promised)
                world.expect(not missing, f"{kind.__name__} at write {k}: {len(missing)} acknowledged events were gone")
                world.count("faults")
    finally:
        disk.left = None
        await store.settle()
        store.close()


async def _batch(world: World, store: Store, user_id: int, count: int) -> int:
    """Several events at once, each its own job; how many were acknowledged."""

    async def one(told: dict[str, Any]) -> bool:
        _, _, batch, _ = requests.sync({"device": {"id": "d1", "name": "Kobo"}, "events": [told]})

        def work(connection: apsw.Connection) -> list[reading.Result]:
            report, *_ = requests.sync({"device": {"id": "d1", "name": "Kobo"}, "events": []})
            device_id = devices.upsert(connection, user_id, report, AT, 0)
            return reading.record(connection, resolve, reading.Reporter(user_id, device_id, 0), batch, AT)

        try:
            (result,) = await store.write(work)
        except StoreError:
            world.count("answers refused")
            return False
        world.expect(result.result == "accepted", f"an event was {result.result}: {result.reason}")
        if result.result == "accepted":
            world.promised.add(told["id"])
        return result.result == "accepted"

    events = [event(world.rng, world.rng.choice(world.books())) for _ in range(count)]
    return sum(await asyncio.gather(*(one(told) for told in events)))
