"""The one writer: durable, in groups, and one job's fault stays its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from tomed.errors import StoreError
from tomed.store import devices, events, mirror, tokens, users
from tomed.store.db import Store, connect
from tomed.store.migrations import available


@pytest.fixture
def store(tmp_path: Path):
    opened = Store.open(tmp_path / "tomed.db")
    yield opened
    opened.close()


async def test_writes_share_commits_and_all_of_them_last(store: Store):
    """A hundred writers at once are fewer commits than writes, and every one is there afterwards."""
    names = [f"reader {number}" for number in range(100)]
    await asyncio.gather(*(store.write(lambda c, n=n: users.create(c, n, None, now=1)) for n in names))
    assert {user.name for user in store.read(users.everyone)} == set(names)


async def test_a_failing_job_takes_no_other_with_it(store: Store):
    """A job that raises is undone alone; its neighbours in the same commit stay."""

    def half_done(connection: apsw.Connection) -> None:
        users.create(connection, "half", None, now=1)
        raise ValueError("no")

    results = await asyncio.gather(
        store.write(lambda c: users.create(c, "first", None, now=1)),
        store.write(half_done),
        store.write(lambda c: users.create(c, "last", None, now=1)),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert {user.name for user in store.read(users.everyone)} == {"first", "last"}


async def test_a_cancelled_waiter_harms_nobody(store: Store):
    """A client that hangs up while its write waits leaves the writer running."""
    task = asyncio.ensure_future(store.write(lambda c: users.create(c, "gone", None, now=1)))
    await asyncio.sleep(0)
    task.cancel()
    await store.write(lambda c: users.create(c, "here", None, now=1))
    assert users.by_name(store._reader, "here") is not None


def test_it_is_durable_by_its_pragmas(store: Store):
    """WAL with synchronous=FULL, foreign keys on: asked of the writer itself."""
    seen = store.write_now(lambda c: (c.pragma("journal_mode"), c.pragma("synchronous"), c.pragma("foreign_keys")))
    assert seen == ("wal", 2, 1)


def test_every_table_is_strict(store: Store):
    """A text in a number's column is refused, not kept."""
    loose = store.read(
        lambda c: [
            name
            for _, name, kind, _, _, strict in c.execute("PRAGMA table_list").fetchall()
            if kind == "table" and not strict and not name.startswith(("sqlite_", "books_fts")) and "fts" not in name
        ]
    )
    assert loose == []


def test_a_newer_schema_is_refused_with_a_sentence(tmp_path: Path):
    """An older program never touches what a newer one wrote."""
    path = tmp_path / "tomed.db"
    Store.open(path).close()
    connection = connect(path)
    connection.execute("PRAGMA user_version = 9999").fetchall()
    connection.close()
    with pytest.raises(StoreError, match="newer tomed"):
        Store.open(path)


def test_the_old_database_is_kept_before_a_migration(tmp_path: Path):
    """Each upgrade copies the database aside first, and the data comes along."""
    path = tmp_path / "tomed.db"
    number, _, sql = available()[0]
    connection = connect(path)
    for _ in connection.execute(sql):
        pass
    connection.execute(f"PRAGMA user_version = {number}").fetchall()
    users.create(connection, "ann", None, now=1)
    connection.close()
    store = Store.open(path)
    assert store.read(users.count) == 1
    store.close()
    copies = list(tmp_path.glob("tomed.db.before-*"))
    assert len(copies) == (len(available()) > 1)
    for copy in copies:
        old = connect(copy, readonly=True)
        assert old.pragma("user_version") == number
        assert users.count(old) == 1
        old.close()


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path):
    """The error names the file, and is ours."""
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(StoreError, match="can't be opened"):
        Store.open(blocker / "tomed.db")


async def test_a_closed_store_is_one_file(tmp_path: Path):
    """The log is folded in at the end, whoever read meanwhile: a stopped daemon's folder can be copied as it is."""
    store = Store.open(tmp_path / "tomed.db")
    await store.write(lambda c: users.create(c, "ann", None, now=1))
    await asyncio.gather(*(store.query(users.everyone) for _ in range(4)))
    store.read(users.everyone)
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["tomed.db"]


def test_a_token_is_trusted_until_a_token_or_a_user_is_written(store: Store):
    """Writes of reading leave it known, a use of it too; whatever could change it, by any connection, does not."""
    ann = store.write_now(lambda c: users.create(c, "ann", None, now=1))
    secret = store.write_now(lambda c: tokens.issue(c, ann, "device", "Kobo", 1))
    device = store.write_now(lambda c: devices.upsert(c, ann, devices.DeviceReport("d", "Kobo"), 1))
    asked: list[object] = []

    def find(connection: apsw.Connection) -> object:
        asked.append(tokens.find(connection, secret, 2))
        return asked[-1]

    def looked_up(change: Callable[[apsw.Connection], object]) -> bool:
        other = connect(store.path)  # as another process would
        change(other)
        other.close()
        before = len(asked)
        assert store.trust("key", find) == store.read(lambda c: tokens.find(c, secret, 2))
        return len(asked) > before

    found = store.trust("key", find)
    assert found is not None
    token_id = found[0].id
    assert not looked_up(lambda c: devices.upsert(c, ann, devices.DeviceReport("d", "Libra"), 3))
    store.write_now(lambda c: events.acknowledge(c, ann, "e", "position", 3))
    store.trust("key", find)
    assert len(asked) == 1
    assert looked_up(lambda c: tokens.bind_device(c, token_id, device))
    assert looked_up(lambda c: tokens.rename(c, ann, token_id, "Libra"))
    assert looked_up(lambda c: c.execute("DELETE FROM devices"))
    assert looked_up(lambda c: c.execute("UPDATE users SET is_admin = 1"))
    assert looked_up(lambda c: tokens.revoke(c, ann, token_id, 4))
    assert store.trust("key", find) is None
    assert looked_up(lambda c: c.execute("UPDATE tokens SET revoked_at = NULL"))
    assert looked_up(lambda c: users.delete(c, ann))


async def test_a_job_that_fails_alone_leaves_nothing(store: Store):
    """With no other in its commit there is no savepoint: the transaction itself takes everything back."""

    def half_done(connection: apsw.Connection) -> None:
        users.create(connection, "half", None, now=1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.write(half_done)
    await store.write(lambda c: users.create(c, "next", None, now=1))
    assert [user.name for user in store.read(users.everyone)] == ["next"]


def test_after_many_books_the_writer_is_as_before(tmp_path: Path):
    """A first index takes more memory for pages while it lasts, and no longer."""
    connection = connect(tmp_path / "tomed.db")

    def tuned() -> list[object]:
        return [connection.pragma(name) for name in ("cache_size", "wal_autocheckpoint")]

    before = tuned()
    mirror.tune(connection, bulk=True)
    assert tuned() != before
    mirror.tune(connection, bulk=False)
    assert tuned() == before
    connection.close()
