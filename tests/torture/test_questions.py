"""Torture's own instruments: they see a lost event, a changed byte and a torn log, or their silence means nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.libraries import LibraryFixture
from tests.store.rows import earlier_sidecar
from tomed.store.db import connect
from tomed.store.migrations import available
from torture import questions
from torture.devices import event
from torture.powercut import FRAME_HEADER, HEADER, frames
from torture.targets import TARGETS, Broken, bounded


@pytest.fixture
def database(tmp_path: Path) -> Path:
    earlier_sidecar(tmp_path / "tomed.db", available()[-1][0])
    return tmp_path / "tomed.db"


def test_a_lost_event_is_seen(database: Path):
    """An event counts as kept when its receipt is there and the row that it stands for: either alone is a loss."""
    assert questions.lost(database, {"e1", "e2"}) == []
    assert questions.lost(database, {"e1", "never"}) == ["never"]
    connection = connect(database)
    connection.execute("DELETE FROM sessions WHERE event_id = 'e1'")
    connection.close()
    assert questions.lost(database, {"e1", "e2"}) == ["e1"]


def test_a_changed_library_is_seen(library: LibraryFixture):
    """One byte, one file more, one time of change."""
    before = questions.fingerprint(library.folder)
    assert questions.changed(library.folder, before) == []
    file = library.books[0].files["EPUB"]
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"?")
    assert file.relative_to(library.folder).as_posix() in questions.changed(library.folder, before)
    (library.folder / "metadata.db-wal").touch()
    assert "metadata.db-wal" in questions.changed(library.folder, before)


def test_an_unsound_database_is_seen(database: Path):
    """A row that refers to nothing is a fault, as a torn page is."""
    assert questions.unsound(database) == ""
    connection = connect(database)
    connection.pragma("foreign_keys", 0)
    connection.execute("DELETE FROM users WHERE id = 1")
    connection.close()
    assert "refer to nothing" in questions.unsound(database)


def test_the_frames_of_a_log_are_read_as_sqlite_writes_them(database: Path):
    """As many frames as SQLite itself counts, every transaction ends with a commit frame, remnants are left out."""
    connection = connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    for number in range(3):
        connection.execute("UPDATE users SET name = ? WHERE id = 1", (f"ann {number}",))
    log = database.with_name("tomed.db-wal").read_bytes()
    found = frames(log)
    counted = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()[0][1]
    connection.close()
    assert len(found) == counted
    assert sum(frame.commit for frame in found) == 3
    assert found[-1].end == len(log)
    assert frames(log[: found[-1].start] + bytes(len(log) - found[-1].start)) == found[:-1]
    assert found[0].start == HEADER
    assert found[0].end - found[0].start > FRAME_HEADER


def test_a_seed_makes_the_same_events_again():
    """That is what replaying rests on."""
    first, again = ([event(random.Random("7"), "b") for _ in range(3)] for _ in range(2))
    assert first == again
    assert first != [event(random.Random("8"), "b") for _ in range(3)]


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_kept_corpora_keep_their_contracts(name: str):
    """What fuzzing begins with, and what it has found before."""
    corpus = sorted((Path(questions.__file__).parent / "corpus" / name).iterdir())
    assert corpus
    for file in corpus:
        bounded(TARGETS[name], file.read_bytes())


def test_a_broken_contract_is_told(monkeypatch: pytest.MonkeyPatch):
    """A target that takes too much of the processor is one that is broken."""
    monkeypatch.setattr("torture.targets.CPU_S", -1.0)
    with pytest.raises(Broken, match="processor time"):
        bounded(TARGETS["cfi"], b"epubcfi(/6/2)")
