"""``tomed backup`` and ``tomed restore``: what was promised is in the copy, and nothing is replaced unseen."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.api.test_kill import Stream
from tests.daemon import wait_for
from tests.libraries import fingerprint, make_library
from tests.store.rows import contents, earlier_sidecar
from tests.test_command_line import tomed
from tomed.errors import Conflict, Invalid, StoreError
from tomed.store import users
from tomed.store.backups import back_up, examine, restore
from tomed.store.db import Store, connect
from tomed.store.migrations import available

NEWEST = available()[-1][0]


def receipts(path: Path) -> set[str]:
    connection = connect(path, readonly=True)
    try:
        return {event for (event,) in connection.execute("SELECT event_id FROM receipts")}
    finally:
        connection.close()


def test_a_backup_under_a_stream_of_writes_holds_all_that_was_acknowledged(daemon_of, tmp_path: Path):
    """Five copies while four devices sync without end: each is sound and holds every event acknowledged before it."""
    library = make_library(tmp_path / "library")
    before = fingerprint(library.folder)
    daemon = daemon_of(library.folder)
    daemon.wait_ready()
    book = daemon.get("/books").json["books"][0]["book_uuid"]
    streams = [Stream(daemon, number, book) for number in range(4)]
    for stream in streams:
        stream.start()
    sizes = []
    for number in range(5):
        seen = sum(len(stream.acknowledged) for stream in streams)
        wait_for(lambda seen=seen: sum(len(stream.acknowledged) for stream in streams) > seen + 20)
        promised = {event for stream in streams for event in list(stream.acknowledged)}
        made = tmp_path / f"backup-{number}.db"
        done = tomed("backup", made, "--data", daemon.data)
        assert (done.returncode, done.stdout) == (0, f"{made}\n"), done.stderr
        assert promised <= receipts(made)
        assert examine(made).sessions >= len(promised)
        sizes.append(len(promised))
    assert sizes == sorted(set(sizes)), "the stream went on between the copies"
    daemon.stop()
    for stream in streams:
        stream.join(30)
    assert fingerprint(library.folder) == before


def test_a_copy_in_many_steps_is_of_one_instant(tmp_path: Path):
    """What another process writes between two steps is not in the copy, and does not make it begin anew."""
    path = tmp_path / "tomed.db"
    store = Store.open(path)
    store.write_now(lambda c: [users.create(c, f"{n}", "x" * 2000, now=1) for n in range(4000)])
    steps: list[int] = []

    def write_meanwhile(done: int, _: int) -> None:
        steps.append(done)
        store.write_now(lambda c: users.create(c, f"late {done}", None, now=1))

    made = back_up(path, tmp_path / "copy.db", on_step=write_meanwhile)
    assert len(steps) > 1
    assert steps == sorted(steps)
    assert made.people == 4000
    assert store.read(users.count) == 4000 + len(steps)
    store.close()


def test_a_backup_is_one_file_for_its_owner_alone(tmp_path: Path):
    """It holds password hashes; and it needs no log beside it."""
    earlier_sidecar(tmp_path / "tomed.db", NEWEST)
    made = tmp_path / "copy.db"
    back_up(tmp_path / "tomed.db", made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert made.read_bytes()[18:20] == b"\1\1"
    assert sorted(p.name for p in tmp_path.glob("copy*")) == ["copy.db"]


def test_a_backup_overwrites_nothing_unasked(tmp_path: Path):
    """A name that is taken is refused, ``--replace`` allows it, and the database itself is never the target."""
    data = tmp_path / "data"
    data.mkdir()
    earlier_sidecar(data / "tomed.db", NEWEST)
    taken = tmp_path / "letter.txt"
    taken.write_text("Dear Ann")
    refused = tomed("backup", taken, "--data", data)
    assert (refused.returncode, "there already" in refused.stderr) == (1, True)
    assert taken.read_text() == "Dear Ann"
    assert tomed("backup", taken, "--replace", "--data", data).returncode == 0
    assert examine(taken).people == 2
    with pytest.raises(Conflict):
        back_up(data / "tomed.db", data / "tomed.db", replace=True)


def test_a_folder_gets_copies_with_names_of_their_own(tmp_path: Path):
    """What a nightly job wants: a folder, and no name to think of; but never inside a library."""
    data, folder = tmp_path / "data", tmp_path / "copies"
    data.mkdir()
    folder.mkdir()
    earlier_sidecar(data / "tomed.db", NEWEST)
    for _ in range(2):
        assert tomed("backup", folder, "--data", data).returncode == 0
    assert len(list(folder.iterdir())) == 2
    library = make_library(tmp_path / "library")
    before = fingerprint(library.folder)
    refused = tomed("backup", library.folder / "copy.db", "--data", data)
    assert (refused.returncode, "Calibre library" in refused.stderr) == (1, True)
    assert fingerprint(library.folder) == before


def test_nothing_to_back_up_is_said(tmp_path: Path):
    """A mistyped --data makes no empty backup."""
    done = tomed("backup", tmp_path / "copy.db", "--data", tmp_path / "nowhere")
    assert (done.returncode, "nothing to back up" in done.stderr) == (1, True)
    assert not (tmp_path / "copy.db").exists()
    assert not (tmp_path / "nowhere").exists()


def test_a_damaged_database_makes_no_backup(tmp_path: Path):
    """A copy that could not be put back is worse than none: it is not kept, and the older one stays."""
    path, target = tmp_path / "tomed.db", tmp_path / "copy.db"
    store = Store.open(path)
    store.write_now(lambda c: [users.create(c, f"{n}", "x" * 200, now=1) for n in range(500)])
    store.close()
    back_up(path, target)
    older = target.read_bytes()
    damage(path)
    with pytest.raises(StoreError, match=r"damaged|can't be read"):
        back_up(path, target, replace=True)
    assert target.read_bytes() == older
    assert not list(tmp_path.glob("copy.db.*"))


def damage(path: Path) -> None:
    """Overwrite the middle of the file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 20_000)


def test_restore_refuses_while_a_daemon_runs(daemon_of, tmp_path: Path):
    """Its database is not taken from under it."""
    daemon = daemon_of(make_library(tmp_path / "library").folder)
    made = tmp_path / "copy.db"
    assert tomed("backup", made, "--data", daemon.data).returncode == 0
    refused = tomed("restore", made, "--data", daemon.data)
    assert (refused.returncode, "Another tomed" in refused.stderr) == (1, True)
    assert daemon.get("/sessions").status == 200
    daemon.stop()
    assert tomed("restore", made, "--data", daemon.data).returncode == 0


def test_what_is_restored_is_the_backup_and_what_was_there_is_kept(tmp_path: Path):
    """After a restore the database is what it was; the replaced one, its unfolded log included, is beside it."""
    path, made = tmp_path / "data" / "tomed.db", tmp_path / "copy.db"
    store = Store.open(path)
    store.write_now(lambda c: users.create(c, "ann", None, now=1))
    back_up(path, made)
    leave_a_log(path)
    store.close()
    told, kept = restore(made, path, 1_767_225_600_250)
    assert told.people == 1
    assert kept == path.with_name("tomed.db.replaced-20260101T000000.250Z")
    assert names(path) == {"ann"}
    assert names(kept) == {"ann", "in the log alone"}
    assert Store.open(path).read(users.count) == 1


def names(path: Path) -> set[str]:
    connection = connect(path, readonly=True)
    try:
        return {name for (name,) in connection.execute("SELECT name FROM users")}
    finally:
        connection.close()


def leave_a_log(path: Path) -> None:
    """Write a user and end as ``kill -9`` does: the row is in the write-ahead log and nowhere else."""
    child = os.fork()
    if child == 0:
        try:
            connection = connect(path)
            users.create(connection, "in the log alone", None, now=1)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert path.with_name("tomed.db-wal").stat().st_size > 0


@pytest.mark.parametrize("kind", ["garbage", "other", "newer", "damaged", "empty", "cut", "absent"])
def test_a_bad_backup_changes_nothing(tmp_path: Path, kind: str):
    """Each is refused with a sentence of its own before anything is touched."""
    data, bad = tmp_path / "data", tmp_path / "bad.db"
    data.mkdir()
    earlier_sidecar(data / "tomed.db", NEWEST)
    before = (data / "tomed.db").read_bytes()
    spoil(bad, kind)
    done = tomed("restore", bad, "--data", data)
    says = {"newer": "newer tomed", "absent": "no file", "other": "no database of tomed's", "empty": "no database"}
    assert done.returncode == 1
    assert says.get(kind, "damaged") in done.stderr
    assert "Traceback" not in done.stderr
    assert (data / "tomed.db").read_bytes() == before
    assert not list(data.glob("tomed.db.*"))


def spoil(bad: Path, kind: str) -> None:
    if kind == "absent":
        return
    if kind in ("garbage", "empty"):
        bad.write_bytes(b"no database" * 1000 if kind == "garbage" else b"")
        return
    if kind == "other":
        connection = connect(bad)
        connection.execute("CREATE TABLE books (id INTEGER PRIMARY KEY)")
        connection.close()
        return
    earlier_sidecar(bad, NEWEST)
    connection = connect(bad)
    connection.pragma("journal_mode", "delete")
    if kind == "newer":
        connection.execute("PRAGMA user_version = 9999").fetchall()
    connection.close()
    if kind == "damaged":
        damage(bad)
    if kind == "cut":
        os.truncate(bad, bad.stat().st_size // 2)


def test_a_damaged_database_can_be_replaced(tmp_path: Path):
    """That is what a backup is for; the damaged one is kept all the same, with its log."""
    path, made = tmp_path / "tomed.db", tmp_path / "copy.db"
    earlier_sidecar(path, NEWEST)
    back_up(path, made)
    path.write_bytes(b"\0" * 5000)
    path.with_name("tomed.db-wal").write_bytes(b"a log")
    _, kept = restore(made, path, 0)
    assert kept is not None
    assert kept.read_bytes() == b"\0" * 5000
    assert not path.with_name("tomed.db-wal").exists()
    assert names(path) == {"ann", "bo"}


def test_an_older_backup_is_upgraded_after_it_is_restored(tmp_path: Path):
    """A backup of the first version is taken, and the next start brings it up to date."""
    old, path = tmp_path / "old.db", tmp_path / "data" / "tomed.db"
    earlier_sidecar(old, 1)
    path.parent.mkdir()
    told, kept = restore(old, path, 0)
    assert (told.schema, kept) == (1, None)
    store = Store.open(path)
    assert store.read(lambda c: c.pragma("user_version")) == NEWEST
    assert store.read(lambda c: len(contents(c)["sessions"])) == 2
    store.close()


def test_what_is_no_database_is_told_apart_from_a_damaged_one(tmp_path: Path):
    """The sentences of ``examine`` are for a person who chose the wrong file."""
    wrong = tmp_path / "book.epub"
    wrong.write_bytes(b"PK" + os.urandom(4000))
    with pytest.raises(Invalid, match="no database at all"):
        examine(wrong)
