"""What other programs, crashes and other Calibres leave behind: each a state with a sentence, the mirror serving."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from tests.calibre.world import PRELUDE, copy_file, other_program, world_of
from tests.libraries import BookSpec, LibraryFixture, make_library
from tomed.calibre import rows
from tomed.calibre.library import Library
from tomed.errors import LibraryLocked, LibraryUnreadable
from tomed.model import LibraryState

_moments = itertools.count(1)


def retitle(title: str, book_id: int) -> str:
    """Code for ``other_program``: another title, and the date bumped as every Calibre does."""
    moment = f"2030-01-01 00:00:{next(_moments):02}+00:00"
    return f"c.execute(\"UPDATE books SET title = '{title}', last_modified = '{moment}' WHERE id = {book_id}\")"


async def test_wal_left_by_another_program(library: LibraryFixture, tmp_path: Path) -> None:
    """A library that another program put into WAL mode: read at rest and in use, and no -wal or -shm is ever ours."""
    first, second = library.book("First Light"), library.book("Between Lights")
    async with world_of(tmp_path / "data", library.folder) as world:
        await world.after(
            lambda: other_program(
                library.folder, "c.execute('PRAGMA journal_mode=WAL')\n" + retitle("At Rest", first.id)
            )
        )
        assert world.book(first.uuid).title == "At Rest"
        assert sorted(path.name for path in library.folder.glob("metadata.db*")) == ["metadata.db"]

        await world.after(lambda: other_program(library.folder, retitle("At Rest Again", first.id)))
        assert world.book(first.uuid).title == "At Rest Again"

        ends = "\nprint('done', flush=True)\nsys.stdin.read()\nc.close()"
        user = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "-c", PRELUDE + retitle("In Use", second.id) + ends, str(library.metadata_db)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert user.stdout is not None
            await asyncio.to_thread(user.stdout.readline)
            assert (library.folder / "metadata.db-wal").exists()
            await world.until(lambda: world.book(second.uuid).title == "In Use")
            await asyncio.wait_for(world.indexer.settled(), 60)
            assert world.view.state is LibraryState.READY
        finally:
            await asyncio.to_thread(user.communicate, "")
        await world.settled()
        assert sorted(path.name for path in library.folder.glob("metadata.db*")) == ["metadata.db"]
        assert world.book(second.uuid).title == "In Use"


async def test_wal_in_a_folder_that_cannot_be_written(library: LibraryFixture, tmp_path: Path) -> None:
    """WAL mode on a read-only medium, which plain mode=ro can't open, is read all the same."""
    other_program(library.folder, "c.execute('PRAGMA journal_mode=WAL')")
    library.metadata_db.chmod(0o444)
    library.folder.chmod(0o555)
    try:
        async with world_of(tmp_path / "data", library.folder) as world:
            assert world.books().total == len(library.books)
    finally:
        library.folder.chmod(0o755)


CRASH = """
c.execute("PRAGMA cache_size = 1")
c.execute("PRAGMA cache_spill = 1")
c.execute("BEGIN IMMEDIATE")
c.execute("UPDATE books SET title = 'half done ' || id || hex(zeroblob(600))")
c.execute("UPDATE data SET name = name || hex(zeroblob(600))")
os.kill(os.getpid(), 9)
"""


@pytest.mark.calibre
async def test_a_hot_journal_after_a_crash(library: LibraryFixture, tmp_path: Path) -> None:
    """Killed in mid-transaction: locked, with the cure in words; the mirror serves until Calibre mends the library."""
    book = library.book("First Light")
    async with world_of(tmp_path / "data", library.folder) as world:
        await asyncio.to_thread(other_program, library.folder, CRASH, check=False)
        assert (library.folder / "metadata.db-journal").stat().st_size > 0
        await world.until(lambda: world.view.state is LibraryState.LOCKED)
        await world.settled()
        assert "in Calibre" in world.view.problem
        assert world.book(book.uuid).title == "First Light"
        assert world.view.books == len(library.books)

        await asyncio.to_thread(library.calibredb, "list")
        await world.until(lambda: world.view.state is LibraryState.READY)
        await world.settled()
        assert not (library.folder / "metadata.db-journal").exists()
        assert world.book(book.uuid).title == "First Light"


@pytest.mark.parametrize("schema", [25, 26, 27])
async def test_every_schema_that_calibre_6_to_9_writes(schema: int, tmp_path: Path) -> None:
    """Books, series, tags and custom columns of schema 25, 26 and 27 read alike."""
    library = make_library(tmp_path / "Library", schema_version=schema)
    async with world_of(tmp_path / "data", library.folder) as world:
        assert world.books().total == len(library.books)
        assert world.view.problem == ""
        tenth = world.book(library.book("Tenth Light").uuid)
        assert (tenth.series, tenth.series_index, tenth.authors) == ("The Lamplighters", 10, ("Ada Lantern", "Bo Wick"))
        comic = world.book(library.book("The Travelling Book").uuid)
        assert comic.custom == {"pages": 4, "kind": "comic"}


async def test_a_newer_calibre(library: LibraryFixture, tmp_path: Path) -> None:
    """A schema that did not exist when this was written: read while it has what we know, else said in words."""
    book = library.book("First Light")
    async with world_of(tmp_path / "data", library.folder) as world:
        await world.after(
            lambda: other_program(library.folder, "c.execute('PRAGMA user_version = 31')\n" + retitle("Newer", book.id))
        )
        assert world.view.state is LibraryState.READY
        assert "newer Calibre (schema 31)" in world.view.problem
        assert world.book(book.uuid).title == "Newer"

        await world.after(
            lambda: other_program(library.folder, "c.execute('ALTER TABLE data RENAME COLUMN name TO file')")
        )
        assert world.view.state is LibraryState.LOCKED
        assert "update tomed" in world.view.problem
        assert world.books().total == len(library.books)

        await world.after(
            lambda: other_program(library.folder, "c.execute('ALTER TABLE data RENAME COLUMN file TO name')")
        )
        assert world.view.state is LibraryState.READY


async def test_an_old_calibre(library: LibraryFixture, tmp_path: Path) -> None:
    """A schema from before Calibre 6 is not guessed at."""
    other_program(library.folder, "c.execute('PRAGMA user_version = 24')")
    async with world_of(tmp_path / "data", library.folder, ready=False) as world:
        assert world.view.state is LibraryState.LOCKED
        assert "Calibre 6 or newer" in world.view.problem
        await world.after(lambda: other_program(library.folder, "c.execute('PRAGMA user_version = 25')"))
        assert (world.view.state, world.view.problem) == (LibraryState.READY, "")


@pytest.mark.parametrize("damage", ["nonsense", "empty", "cut"])
async def test_a_damaged_database(damage: str, library: LibraryFixture, tmp_path: Path) -> None:
    """A damaged metadata.db is said to be so, purges nothing, and is read again when it is whole."""
    spare, bad = tmp_path / "spare.db", tmp_path / "bad.db"
    whole = library.metadata_db.read_bytes()
    bad.write_bytes({"nonsense": os.urandom(50_000), "empty": b"", "cut": whole[:20_000]}[damage])
    async with world_of(tmp_path / "data", library.folder) as world:
        await asyncio.to_thread(copy_file, library.metadata_db, spare)
        await asyncio.to_thread(copy_file, bad, library.metadata_db)
        await world.until(lambda: world.view.state is LibraryState.LOCKED)
        await world.settled()
        assert world.view.problem
        assert world.books().total == len(library.books)
        await asyncio.to_thread(copy_file, spare, library.metadata_db)
        await world.until(lambda: world.view.state is LibraryState.READY)
        assert world.books().total == len(library.books)


async def test_a_writer_in_mid_commit_is_waited_for(library: LibraryFixture, tmp_path: Path) -> None:
    """An exclusive lock for a while: the look waits, says locked when it lasts, and is ready again by itself."""
    hold = "c.execute('BEGIN EXCLUSIVE')\nprint('held', flush=True)\nsys.stdin.read()\nc.execute('ROLLBACK')"
    holder = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, "-c", PRELUDE + hold, str(library.metadata_db)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    await asyncio.to_thread(holder.stdout.readline)
    try:
        async with world_of(tmp_path / "data", library.folder, ready=False) as world:
            await world.until(lambda: world.view.state is LibraryState.LOCKED)
            assert "Another program is writing" in world.view.problem
            await asyncio.to_thread(holder.communicate, "")
            await world.until(lambda: world.view.state is LibraryState.READY)
            assert world.view.books == len(library.books)
    finally:
        holder.kill()
        holder.wait()


def test_no_lock_outlives_a_read(library: LibraryFixture) -> None:
    """After each question another program can take the exclusive lock at once, though the file stays open."""
    reader = Library(library.folder)
    taker = "c.execute('PRAGMA busy_timeout = 0')\nc.execute('BEGIN EXCLUSIVE')\nc.execute('ROLLBACK')"
    for question in (reader.facts, lambda: reader.scan(0, 10), lambda: reader.entries([1, 2, 3])):
        assert question()
        other_program(library.folder, taker)
    reader.close()


def test_a_read_that_takes_too_long_is_ended_and_split(
    library: LibraryFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hard stop ends a read; its books are read in smaller parts, and one that can't be read is left out."""
    monkeypatch.setattr("tomed.calibre.library.HARD_STOP_S", 0.05)
    monkeypatch.setattr("tomed.calibre.library._PROGRESS_STEPS", 100)
    reader, asked = Library(library.folder), list[int]()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

    gather = rows.gather

    def slow(connection: apsw.Connection, ids: list[int]) -> rows.Gathered:
        asked.append(len(ids))
        if len(ids) > 2:
            connection.execute(endless).fetchall()
        return gather(connection, ids)

    monkeypatch.setattr("tomed.calibre.rows.gather", slow)
    started = time.monotonic()
    assert len(reader.entries([1, 2, 3, 4, 5])) == 5
    assert asked[0] == 5
    assert time.monotonic() - started < 60
    reader.close()


async def test_hostile_values(tmp_path: Path) -> None:
    """What SQLite lets anybody store in any column is data: shown as text or left out, and nothing falls over."""
    library = make_library(tmp_path / "Library", [BookSpec(f"Book {n}") for n in range(1, 7)])
    other_program(
        library.folder,
        "c.execute('DROP TRIGGER books_update_trg')\n"
        "for change in ["
        "\"title = X'FF4E', series_index = 'x', timestamp = 5, pubdate = 'never' WHERE id = 1\","
        "\"title = CAST(X'FFFE' AS TEXT) WHERE id = 2\","
        "\"uuid = NULL, last_modified = 12 WHERE id = 3\","
        "\"uuid = (SELECT uuid FROM books WHERE id = 5) WHERE id = 4\","
        "\"path = '../../../etc', title = 'a' || char(0) || 'b', series_index = 9e999 WHERE id = 6\"]:\n"
        "    c.execute('UPDATE books SET ' + change)\n"
        "c.execute(\"UPDATE data SET name = '../passwd' WHERE book = 6\")\n",
    )  # fmt: skip
    async with world_of(tmp_path / "data", library.folder) as world:
        assert world.view.state is LibraryState.READY
        titles = world.titles(sort="added")
        assert "\ufffdN" in titles
        assert "a\0b" in titles
        assert sum(title in ("Book 4", "Book 5") for title in titles) == 1
        escaped = next(book for book in world.books().items if book.calibre_id == 6)
        with pytest.raises(Exception, match="no longer has"):
            world.file(escaped.uuid)
        again = len(world.written)
        world.indexer.poke()
        await world.settled()
        assert len(world.written) == again


def test_reasons_carry_their_kind(library: LibraryFixture, tmp_path: Path) -> None:
    """Adapters turn SQLite's errors into ours, by code and not by text."""
    other_program(library.folder, CRASH, check=False)
    with pytest.raises(LibraryLocked, match="interrupted"):
        Library(library.folder).facts()
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    (nothing / "metadata.db").touch()
    with pytest.raises(LibraryUnreadable, match="no Calibre library"):
        Library(nothing).facts()
