"""Part of a library's life each, done by the real calibredb beside a running indexer: what the user sees afterwards.

``World.settled`` asserts each time that reading left every byte and every time stamp of the library as it was.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.calibre.world import copy_file, other_program, world_of
from tests.libraries import LibraryFixture
from tomed import catalog
from tomed.errors import LibraryMissing, NotFound
from tomed.model import LibraryState, Status

pytestmark = [pytest.mark.calibre, pytest.mark.timeout(600)]


async def test_title_author_and_metadata_changes_keep_the_book(library: LibraryFixture, tmp_path: Path) -> None:
    """A renamed book is the same book with the same history, and its file is found where Calibre moved it."""
    light, ink = library.book("First Light"), library.book("Dracula & Co")
    async with world_of(tmp_path / "data", library.folder) as world:
        first = world.book(light.uuid)
        await world.read_in(light.uuid, 0.4)
        assert world.book(ink.uuid).authors == ("Stoker, Bram, Jr.",)

        await world.after(lambda: library.calibredb("set_metadata", "-f", "title:Dawn, Retold", str(light.id)))
        assert world.book(light.uuid).title == "Dawn, Retold"
        assert world.file(light.uuid).name.startswith("Dawn, Retold")

        await world.after(
            lambda: library.calibredb(
                "set_metadata", "-f", "authors:Zoë Quill & Bo Wick", "-f", "tags:Sagas,Été", "-f",
                "series:Other Lamps", "-f", "series_index:3.5", "-f", "comments:<p>New</p>", str(light.id),
            )
        )  # fmt: skip
        now = world.book(light.uuid)
        assert now.id == first.id
        assert now.authors == ("Zoë Quill", "Bo Wick")
        assert (now.series, now.series_index, now.tags) == ("Other Lamps", 3.5, ("Sagas", "Été"))
        assert (now.status, now.fraction) == (Status.READING, 0.4)
        assert world.file(light.uuid).parent.parent.name.startswith("Zoe Quill")
        assert world.titles(author="zoe quill") == ["Dawn, Retold"]
        assert world.titles(q="ete sagas") == ["Dawn, Retold"]
        assert world.titles(q="First Light") == []
        assert world.store.read(lambda c: catalog.description(c, now.id)) == "<p>New</p>"


async def test_formats_come_change_and_go(library: LibraryFixture, tmp_path: Path) -> None:
    """A format added, replaced and removed in Calibre is offered, offered with its new bytes, and offered no more."""
    book = library.book("First Light")
    added, other = tmp_path / "added.txt", tmp_path / "other.epub"
    added.write_text("plain words")
    shutil.copy(library.book("Between Lights").files["EPUB"], other)
    async with world_of(tmp_path / "data", library.folder) as world:
        old_bytes = world.file(book.uuid).read_bytes()
        await world.after(lambda: library.calibredb("add_format", str(book.id), str(added)))
        assert [f.format for f in world.book(book.uuid).formats] == ["EPUB", "TXT"]
        assert world.file(book.uuid, "TXT").read_text() == "plain words"

        before = world.book(book.uuid).last_modified_at
        await world.after(lambda: library.calibredb("add_format", str(book.id), str(other)))
        assert world.file(book.uuid).read_bytes() == other.read_bytes() != old_bytes
        assert world.book(book.uuid).last_modified_at > before

        await world.after(lambda: library.calibredb("remove_format", str(book.id), "TXT"))
        assert [f.format for f in world.book(book.uuid).formats] == ["EPUB"]
        with pytest.raises(NotFound):
            world.file(book.uuid, "TXT")


async def test_a_new_custom_column_touches_all_and_rewrites_none(library: LibraryFixture, tmp_path: Path) -> None:
    """add_custom_column bumps every book's date: nothing is written anew; a value set afterwards is seen."""
    book = library.book("First Light")
    async with world_of(tmp_path / "data", library.folder) as world:
        dates = {b.uuid: b.last_modified_at for b in world.books().items}
        world.written.clear()
        await world.after(lambda: library.calibredb("add_custom_column", "mood", "Mood", "text"))
        assert world.written == []
        assert all(world.book(uuid).last_modified_at > date for uuid, date in dates.items())

        await world.after(lambda: library.calibredb("set_custom", "mood", str(book.id), "wistful"))
        assert world.book(book.uuid).custom["mood"] == "wistful"
        assert {entry.uuid for _, entry in world.written} == {book.uuid}


async def test_an_old_database_copied_back_reuses_ids(library: LibraryFixture, tmp_path: Path) -> None:
    """Back in time: the newer book is gone, and the next one with its id is another book that inherits nothing."""
    old = tmp_path / "old.db"
    files = [tmp_path / "one.epub", tmp_path / "two.epub"]
    for file, title in zip(files, ("First Light", "Between Lights"), strict=True):
        shutil.copy(library.book(title).files["EPUB"], file)
    async with world_of(tmp_path / "data", library.folder) as world:
        await asyncio.to_thread(copy_file, library.metadata_db, old)
        known = {b.uuid for b in world.books().items}
        await world.after(lambda: library.calibredb("add", "-d", "-t", "The Newer", str(files[0])))
        (newer,) = world.books(q="The Newer").items
        await world.read_in(newer.uuid, 0.9)

        await world.after(lambda: copy_file(old, library.metadata_db))
        assert world.book(newer.uuid).gone
        assert {b.uuid for b in world.books().items} == known

        await world.after(lambda: library.calibredb("add", "-d", "-t", "The Heir", str(files[1])))
        (heir,) = world.books(q="The Heir").items
        assert heir.calibre_id == newer.calibre_id
        assert heir.id != newer.id
        assert heir.status is Status.NEW
        assert (world.book(newer.uuid).gone, world.book(newer.uuid).fraction) == (True, 0.9)


async def test_one_book_replaced_under_its_id_at_once(library: LibraryFixture, tmp_path: Path) -> None:
    """The same id with another uuid between two looks: the one is gone with its history, the other is new."""
    book = library.book("First Light")
    async with world_of(tmp_path / "data", library.folder) as world:
        await world.read_in(book.uuid, 0.3)
        await world.after(
            lambda: other_program(
                library.folder, f"c.execute(\"UPDATE books SET uuid = 'other' WHERE id = {book.id}\")"
            )
        )
        assert (world.book(book.uuid).gone, world.book(book.uuid).fraction) == (True, 0.3)
        assert world.book("other").calibre_id == book.id
        assert world.book("other").status is Status.NEW


async def test_a_moved_folder_is_the_same_library(library: LibraryFixture, tmp_path: Path) -> None:
    """While it is away the mirror serves; configured at its new place it is the same library with the same books."""
    book, moved = library.book("First Light"), tmp_path / "Moved Library"
    async with world_of(tmp_path / "data", library.folder) as world:
        await world.read_in(book.uuid)
        ids = {b.uuid: b.id for b in world.books().items}
        library.folder.rename(moved)
        await world.until(lambda: world.view.state is LibraryState.MISSING)
        assert {b.uuid: b.id for b in world.books().items} == ids
        assert "metadata.db" in world.view.problem
    async with world_of(tmp_path / "data", moved) as world:
        assert {b.uuid: b.id for b in world.books().items} == ids
        assert world.file(book.uuid).is_relative_to(moved)
        assert world.book(book.uuid).status is Status.READING
        assert world.store.read(lambda c: c.execute("SELECT count(*) FROM libraries").fetchall()) == [(1,)]


async def test_a_copied_library_shares_books_not_fate(library: LibraryFixture, tmp_path: Path) -> None:
    """Two libraries with one uuid: each book is one of ours, and it is gone only when both have lost it."""
    twin = tmp_path / "Twin"
    shutil.copytree(library.folder, twin)
    book = library.book("First Light")
    async with world_of(tmp_path / "data", library.folder, twin) as world:
        total = len(library.books)
        assert [view.books for view in world.indexer.views()] == [total, total]
        assert world.books().total == total
        await world.read_in(book.uuid)
        retitled = ("set_metadata", "-f", "title:Twin Light", str(book.id))
        await world.after(lambda: LibraryFixture(twin).calibredb(*retitled))
        assert world.book(book.uuid).title == "First Light"

        await world.after(lambda: library.calibredb("remove", str(book.id)))
        await world.settled()
        assert not world.book(book.uuid).gone
        assert world.book(book.uuid).title == "Twin Light"
        assert world.file(book.uuid).is_relative_to(twin)
        assert world.book(book.uuid).status is Status.READING

        await world.after(lambda: LibraryFixture(twin).calibredb("remove", str(book.id)))
        assert world.book(book.uuid).gone


async def test_a_mount_that_comes_and_goes(library: LibraryFixture, tmp_path: Path) -> None:
    """Unplugged: said so, everything still listed, nothing purged. An empty mount point too. Back: as before."""
    book, away = library.book("First Light"), tmp_path / "unplugged"
    async with world_of(tmp_path / "data", library.folder) as world:
        total = world.books().total
        for leave_empty in (False, True):
            library.folder.rename(away)
            if leave_empty:
                library.folder.mkdir()
            await world.until(lambda: world.view.state is LibraryState.MISSING)
            assert world.books().total == total == world.view.books
            with pytest.raises((LibraryMissing, NotFound)):
                world.file(book.uuid)
            if leave_empty:
                library.folder.rmdir()
            away.rename(library.folder)
            await world.until(lambda: world.view.state is LibraryState.READY)
            assert world.view.problem == ""
            assert world.file(book.uuid).is_file()
        await world.after(lambda: library.calibredb("set_metadata", "-f", "title:Back Again", str(book.id)))
        assert world.book(book.uuid).title == "Back Again"
    library.folder.rename(away)
    async with world_of(tmp_path / "data", library.folder, ready=False) as world:
        assert world.view.state is LibraryState.MISSING
        assert world.books().total == total
        assert world.view.books == total
