"""More of a library's life, done by Calibre itself, as a household sees it: in the API, on the pages, on the device.

``Home.after`` asserts each time that reading left every byte and every time stamp of the library as it was.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from tests.calibre.home import home_of
from tests.calibredb import run_calibre
from tests.libraries import BookSpec, LibraryFixture, make_library

pytestmark = [pytest.mark.calibre, pytest.mark.timeout(600)]

MERGE = """
for format in db.formats(SOURCE):
    if format not in db.formats(TARGET):
        db.add_format(TARGET, format, db.format_abspath(SOURCE, format), replace=False)
db.set_field("tags", {TARGET: tuple(db.field_for("tags", TARGET)) + tuple(db.field_for("tags", SOURCE))})
db.remove_books((SOURCE,))
"""
"""What Calibre's "Merge book records" does: formats and metadata go over, the second book is removed."""

UNDELETE = """
if hasattr(db, "move_book_from_trash"):
    db.move_book_from_trash(BOOK)
else:  # before Calibre 6.17 files lay in the system's own bin; this is what the later one does with them
    from calibre.ebooks.metadata.opf2 import OPF
    with open(FOLDER + "/metadata.opf", "rb") as stream:
        metadata = OPF(stream).to_book_metadata()
    db.create_book_entry(
        metadata, add_duplicates=True, force_id=BOOK, apply_import_tags=False, preserve_uuid=True
    )
    db.add_format(BOOK, "EPUB", EPUB, run_hooks=False)
"""


def told(code: str, **names: object) -> str:
    """Code for ``calibre_api`` after the values of its names."""
    return "".join(f"{name} = {value!r}\n" for name, value in names.items()) + dedent(code)


async def test_metadata_written_into_the_file(library: LibraryFixture, tmp_path: Path) -> None:
    """New bytes, by Calibre's embedding and by its polishing: all bytes the file ever had go on naming the book."""
    book = library.book("First Light")
    file, polished = book.files["EPUB"], tmp_path / "polished.epub"
    others = [
        one
        for one in library.books
        if one != book and set(one.files) == {"EPUB"} and (one.files["EPUB"].parent / "cover.jpg").exists()
    ]
    async with home_of(tmp_path / "data", library) as home:
        old = {one.uuid: await home.knows(one.files["EPUB"], one.uuid) for one in others}
        hashes = [await home.knows(file, book.uuid)]
        await home.reads(0.4, partial_md5=hashes[0], filename="scan.epub")

        await home.after(
            lambda: (
                library.calibredb("set_metadata", "-f", "title:First Light, Polished", str(book.id)),
                library.calibredb("embed_metadata", *(str(one.id) for one in (book, *others))),
            )
        )
        for one in others:
            assert await home.knows(one.files["EPUB"], one.uuid) != old[one.uuid]
            assert await home.resolved(partial_md5=old[one.uuid], filename="x.epub") == ("md5", one.uuid)
        (file,) = library.folder.glob(f"*/*({book.id})/*.epub")
        hashes.append(await home.knows(file, book.uuid))
        shown = await home.book(book.uuid)
        assert (shown["title"], shown["fraction"]) == ("First Light, Polished", 0.4)
        assert [one["size"] for one in shown["formats"]] == [file.stat().st_size], "embedding bumps no date in Calibre"
        assert await home.file(book.uuid) == (200, file.read_bytes())

        await home.after(
            lambda: (
                run_calibre("ebook-polish", "--jacket", str(file), str(polished)),
                library.calibredb("add_format", str(book.id), str(polished)),
            )
        )
        hashes.append(await home.knows(file, book.uuid))
        assert len(set(hashes)) == 3, "each time the bytes were others"
        for md5 in hashes:
            assert await home.resolved(partial_md5=md5, filename="x.epub") == ("md5", book.uuid)
        assert (await home.book(book.uuid))["fraction"] == 0.4
        assert "40 %" in (await home.page(f"/books/{book.uuid}")).said


async def test_a_converted_format(library: LibraryFixture, tmp_path: Path) -> None:
    """What Calibre converts is one more format of the same book, found under its own name, with the same history."""
    book, text = library.book("Between Lights"), tmp_path / "converted.txt"
    async with home_of(tmp_path / "data", library) as home:
        await home.reads(0.3, book_uuid=book.uuid)
        await home.after(
            lambda: (
                run_calibre("ebook-convert", str(book.files["EPUB"]), str(text)),
                library.calibredb("add_format", str(book.id), str(text)),
            )
        )
        shown = await home.book(book.uuid)
        assert [one["format"] for one in shown["formats"]] == ["EPUB", "TXT"]
        assert shown["fraction"] == 0.3
        assert await home.resolved(filename="Between Lights - Ada Lantern.txt") == ("name", book.uuid)
        assert await home.file(book.uuid, "TXT") == (200, text.read_bytes())
        (made,) = library.folder.glob(f"*/*({book.id})/*.txt")
        await home.knows(made, book.uuid)


async def test_deleted_and_undeleted(library: LibraryFixture, tmp_path: Path) -> None:
    """Deleted, the book's page says so and keeps the history; taken out of Calibre's bin it is the same book again."""
    book, kept = library.book("Straße nach Ærø"), tmp_path / "kept"
    shutil.copytree(library.folder / book.folder, kept)
    epub = str(kept / book.files["EPUB"].name)
    async with home_of(tmp_path / "data", library) as home:
        await home.reads(0.6, book_uuid=book.uuid)
        await home.after(lambda: library.calibredb("remove", str(book.id)))
        gone = await home.page(f"/books/{book.uuid}")
        assert "Calibre no longer lists this book" in gone.said
        assert "60 %" in gone.said
        assert (await home.file(book.uuid))[0] == 404
        assert "Books that left the library" in (await home.page("/inbox")).said
        assert await home.resolved(filename="Strasse nach AEro - Emile Zizek-Angstrom.epub") == ("name", book.uuid)

        await home.after(lambda: library.calibre_api(told(UNDELETE, BOOK=book.id, FOLDER=str(kept), EPUB=epub)))
        shown = await home.book(book.uuid)
        assert (home.calibre_id(book.uuid), shown["fraction"], shown.get("gone")) == (book.id, 0.6, None)
        assert "no longer lists" not in (await home.page(f"/books/{book.uuid}")).said
        assert "Books that left the library" not in (await home.page("/inbox")).said
        assert (await home.file(book.uuid))[0] == 200


async def test_deleted_and_added_again(library: LibraryFixture, tmp_path: Path) -> None:
    """Another book with the same bytes: the file on the device is the new one's, the history is offered to it."""
    book, kept = library.book("First Light"), tmp_path / "kept.epub"
    shutil.copy(book.files["EPUB"], kept)
    async with home_of(tmp_path / "data", library) as home:
        md5 = await home.knows(kept, book.uuid)
        await home.reads(0.7, partial_md5=md5, filename="First Light - Ada Lantern.epub")
        total = (await home.api("/books"))["total"]
        await home.after(
            lambda: (
                library.calibredb("remove", str(book.id)),
                library.calibredb("add", "-d", "-t", "A Title Of Another Edition", str(kept)),
            )
        )
        (again,) = (await home.api("/books", q="Another Edition"))["books"]
        assert again["book_uuid"] != book.uuid
        assert (await home.api("/books"))["total"] == total
        assert (await home.api("/books", q="First Light"))["total"] == 0
        await home.knows(kept, again["book_uuid"])
        assert again["status"] == "new"

        inbox = await home.page("/inbox")
        assert "Go on in “A Title Of Another Edition”" in inbox.said, "titles differ, but the bytes are the same"
        moved = await home.browser.send(inbox, f"/books/{book.uuid}/move")
        assert "Your history belongs to this book now." in moved.said
        assert (await home.book(again["book_uuid"]))["fraction"] == 0.7
        assert "Books that left the library" not in (await home.page("/inbox")).said
        assert await home.resolved(book_uuid=book.uuid) == ("book_uuid", again["book_uuid"])


async def test_merged(library: LibraryFixture, tmp_path: Path) -> None:
    """Of two books one: the file of the one that went is the other's now, and its history is offered to that one."""
    target, source = library.book("Dracula & Co"), library.book("The Travelling Book")
    comic = tmp_path / "on the device.cbz"
    shutil.copy(source.files["CBZ"], comic)
    async with home_of(tmp_path / "data", library) as home:
        md5 = await home.knows(comic, source.uuid)
        await home.reads(0.2, book_uuid=target.uuid)
        await home.reads(0.8, partial_md5=md5, filename="on the device.cbz")
        await home.after(lambda: library.calibre_api(told(MERGE, SOURCE=source.id, TARGET=target.id)))
        shown = await home.book(target.uuid)
        assert [one["format"] for one in shown["formats"]] == ["CBZ", "EPUB"]
        assert (shown["fraction"], shown["tags"]) == (0.2, ["Comic"])
        await home.knows(comic, target.uuid)
        gone = await home.page(f"/books/{source.uuid}")
        assert "Calibre no longer lists this book" in gone.said
        assert "80 %" in gone.said, "nothing is lost, and nothing moved by itself"

        inbox = await home.page("/inbox")
        assert "Go on in “Dracula & Co”" in inbox.said
        await home.browser.send(inbox, f"/books/{source.uuid}/move")
        assert (await home.book(target.uuid))["fraction"] == 0.8
        assert await home.resolved(book_uuid=source.uuid) == ("book_uuid", target.uuid)


async def test_vacuum_and_check_library(library: LibraryFixture, tmp_path: Path) -> None:
    """VACUUM in place, then Check library's new file in the old one's place: the same books, and edits are seen."""
    book = library.book("First Light")
    async with home_of(tmp_path / "data", library) as home:
        await home.reads(0.5, book_uuid=book.uuid)
        before = await home.books()
        inode = library.metadata_db.stat().st_ino
        await home.after(lambda: library.calibre_api("db.vacuum()"))
        assert library.metadata_db.stat().st_ino == inode
        assert await home.books() == before
        await home.after(lambda: library.calibre_api("db.dump_and_restore()"))
        assert library.metadata_db.stat().st_ino != inode
        assert await home.books() == before
        await home.after(lambda: library.calibredb("set_metadata", "-f", "title:After Check", str(book.id)))
        shown = await home.book(book.uuid)
        assert (shown["title"], shown["fraction"]) == ("After Check", 0.5)
        assert (await home.file(book.uuid))[0] == 200


async def test_the_database_restored_from_the_folders(library: LibraryFixture, tmp_path: Path) -> None:
    """Another file, another library uuid, the same books; a new book takes a deleted one's number, not its history."""
    last = max(library.books, key=lambda one: one.id)
    kept = library.book("First Light")
    file = tmp_path / "new.epub"
    shutil.copy(kept.files["EPUB"], file)
    library.calibredb("backup_metadata", "--all")
    async with home_of(tmp_path / "data", library) as home:
        await home.reads(0.9, book_uuid=last.uuid)
        await home.reads(0.4, book_uuid=kept.uuid)
        library_uuid = home.browser.services.indexer.views()[0].uuid
        await home.after(
            lambda: (
                library.calibredb("remove", str(last.id)),
                library.calibredb("restore_database", "--really-do-it"),
            )
        )
        assert home.browser.services.indexer.views()[0].uuid != library_uuid
        restored = await home.books()
        assert set(restored) == {one.uuid for one in library.books} - {last.uuid}
        assert restored[kept.uuid]["fraction"] == 0.4
        assert home.calibre_id(kept.uuid) == kept.id

        await home.after(lambda: library.calibredb("add", "-d", "-t", "The Heir", str(file)))
        (heir,) = (await home.api("/books", q="The Heir"))["books"]
        assert home.calibre_id(heir["book_uuid"]) == last.id
        assert heir["status"] == "new"
        gone = await home.book(last.uuid)
        assert (gone["gone"], gone["fraction"]) == (True, 0.9)


async def test_moved_to_another_library(tmp_path: Path) -> None:
    """Calibre's own "copy to library" with deletion: the book keeps its uuid, and is ours through and through."""
    one = make_library(tmp_path / "One", [BookSpec("Wanderer"), BookSpec("Stays")])
    two = make_library(
        tmp_path / "Two", [BookSpec("Other"), BookSpec("Third")], library_uuid="22222222-bbbb-4bbb-8bbb-000000000002"
    )
    book = one.book("Wanderer")
    async with home_of(tmp_path / "data", one, two) as home:
        await home.reads(0.6, book_uuid=book.uuid)
        copy = """
            from calibre.db.copy_to_library import copy_one_book
            other = open_library(OTHER)
            copy_one_book(BOOK, this_library, other, preserve_uuid=True)
            other.new_api.close()
            """
        await home.after(lambda: one.calibre_api(told(copy, BOOK=book.id, OTHER=str(two.folder))))
        assert home.calibre_id(book.uuid) == book.id, "two libraries have it: the first is its home"
        await home.after(lambda: one.calibredb("remove", str(book.id)))
        await home.settled()
        moved = await home.book(book.uuid)
        assert (home.calibre_id(book.uuid), moved.get("gone"), moved["fraction"]) == (3, None, 0.6)
        assert (await home.file(book.uuid))[0] == 200
        assert (await home.api("/books", q="Wanderer"))["total"] == 1
        assert "Books that left the library" not in (await home.page("/inbox")).said
