"""KOReader's partial MD5, and the background task that keeps it of every file of the library."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data import shared
from tests.matching.sidecar import NOW, entry
from tomed import catalog
from tomed.fingerprints import Fingerprints, partial_md5
from tomed.matching import successors
from tomed.model import BookId, Clues
from tomed.resolving import resolve
from tomed.store import aliases, mirror
from tomed.store.db import Store


def md5(*parts: bytes) -> str:
    return hashlib.md5(b"".join(parts), usedforsecurity=False).hexdigest()


class TestPartialMd5:
    @pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 2048, 4096, 4097, 5000, 16384, 70_000, 300_000])
    def test_samples(self, size: int) -> None:
        """Twelve samples of at most 1 KiB, each four times as far as the one before; one beyond the end ends it."""
        data = bytes(i * 7 % 251 for i in range(size))
        offsets = [0, 1024, 4096, 16384, 65536, 262144]
        assert partial_md5(io.BytesIO(data)) == md5(*(data[o : o + 1024] for o in offsets if o < size))

    def test_empty_file_is_nobodys(self) -> None:
        """Nothing has no fingerprint: it would be everybody's."""
        assert partial_md5(io.BytesIO(b"")) == ""

    def test_far_samples(self, tmp_path: Path) -> None:
        """The last sample lies at 1 GiB."""
        path = tmp_path / "sparse"
        with path.open("wb") as file:
            file.truncate((1 << 30) + 1500)
            file.seek(1 << 30)
            file.write(b"far")
        with path.open("rb") as file:
            found = partial_md5(file)
        zeros = bytes(1024)
        assert found == md5(*[zeros] * 11, b"far" + bytes(1021))

    @pytest.mark.shared
    def test_as_koreader_computed_them(self) -> None:
        """The hashes that KOReader gave real books of every kind."""
        manifest = json.loads(shared("MANIFEST.json").read_text("utf-8"))
        seen = 0
        for file in manifest["files"]:
            path = shared("MANIFEST.json").parent / file["path"]
            if file.get("koreader_partial_md5") and path.is_file():
                with path.open("rb") as stream:
                    assert partial_md5(stream) == (file["koreader_partial_md5"] if file["size"] else ""), file["path"]
                seen += 1
        assert seen > 20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "data" / "tomed.db")
    yield store
    store.close()


async def put(store: Store, library: Path, *entries: mirror.Entry) -> list[BookId]:
    """Index these books of the library at this folder."""

    def work(connection: object) -> list[BookId]:
        row = mirror.register(connection, str(library), "Library", None, [str(library)])  # type: ignore[arg-type]
        items = [mirror.Item(one, "book", mirror.digest(one, "book")) for one in entries]
        written, _ = mirror.put(connection, row.id, items, NOW)  # type: ignore[arg-type]
        aliases.remember_names(connection, written, NOW)  # type: ignore[arg-type]
        return [book_id for book_id, _ in written]

    return await store.write_long(work)  # type: ignore[arg-type]


def write(library: Path, one: mirror.Entry, data: bytes) -> Path:
    path = library / one.path / f"{one.formats[0].name}.{one.formats[0].format.lower()}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def ask(store: Store, data: bytes) -> tuple[str, int]:
    match = store.read(lambda c: resolve(c, Clues(filename="x.epub", partial_md5=partial_md5(io.BytesIO(data)))))
    return match.matched_by, match.book_id


async def test_old_bytes_stay_known(store: Store, tmp_path: Path) -> None:
    """Metadata written into the file makes new bytes: they are read, the old ones go on naming the book."""
    library = tmp_path / "library"
    one = entry("Salt Roads", "Ada Quill")
    (book,) = await put(store, library, one)
    path = write(library, one, b"first bytes" * 500)
    keeper = Fingerprints(store, lambda: NOW)
    assert await keeper.catch_up(rest=0) == 1
    assert await keeper.catch_up(rest=0) == 0, "a known file is not read again"
    assert ask(store, b"first bytes" * 500) == ("md5", book)
    path.write_bytes(b"other bytes" * 600)
    assert await keeper.catch_up(rest=0) == 1
    assert ask(store, b"first bytes" * 500) == ("md5", book)
    assert ask(store, b"other bytes" * 600) == ("md5", book)


async def test_same_size_other_time(store: Store, tmp_path: Path) -> None:
    """A file rewritten with the same length is noticed by its time of change."""
    library = tmp_path / "library"
    one = entry("Salt Roads", "Ada Quill")
    await put(store, library, one)
    path = write(library, one, b"a" * 5000)
    keeper = Fingerprints(store, lambda: NOW)
    await keeper.catch_up(rest=0)
    path.write_bytes(b"b" * 5000)
    os.utime(path, ns=(1, 1))
    assert await keeper.catch_up(rest=0) == 1
    assert ask(store, b"b" * 5000)[0] == "md5"


async def test_what_is_not_read(store: Store, tmp_path: Path) -> None:
    """Missing and empty files, folders, pipes, places outside the library and databases name nothing."""
    library = tmp_path / "library"
    outside = tmp_path / "secret.epub"
    outside.write_bytes(b"not of this library")
    library.mkdir()
    (library / "metadata.db").write_bytes(b"never opened")
    (library / "A").mkdir()
    (library / "A" / "metadata.db.epub").write_bytes(b"nor this")
    (library / "A" / "folder.epub").mkdir()
    (library / "A" / "link.epub").symlink_to(library / "metadata.db")
    os.mkfifo(library / "A" / "pipe.epub")
    await put(
        store,
        library,
        entry("Missing", calibre_id=1),
        entry("Up", calibre_id=2, path="..", file="secret"),
        entry("Up", calibre_id=3, path="A", file="../../secret"),
        entry("Absolute", calibre_id=4, path=str(tmp_path), file="secret"),
        entry("Database", calibre_id=5, path="A", file="metadata.db"),
        entry("Folder", calibre_id=6, path="A", file="folder"),
        entry("Nul", calibre_id=7, path="A", file="nul\0"),
        entry("Link", calibre_id=8, path="A", file="link"),
        entry("Pipe", calibre_id=9, path="A", file="pipe"),
    )
    empty = entry("Empty", calibre_id=10)
    await put(store, library, empty)
    write(library, empty, b"")
    assert await Fingerprints(store, lambda: NOW).catch_up(rest=0) == 1
    known = store.read(lambda c: c.execute("SELECT count(*) FROM aliases WHERE kind = 'md5'").get)
    assert known == 0


async def test_two_books_with_the_same_bytes(store: Store, tmp_path: Path) -> None:
    """Both own them: the hash alone names neither."""
    library = tmp_path / "library"
    a, b = entry("Salt Roads", calibre_id=1), entry("Paper Moons", calibre_id=2)
    await put(store, library, a, b)
    for one in (a, b):
        write(library, one, b"the same" * 999)
    assert await Fingerprints(store, lambda: NOW).catch_up(rest=0) == 2
    with pytest.raises(Exception, match="equal right"):
        ask(store, b"the same" * 999)


async def test_bytes_tell_what_took_a_lost_books_place(store: Store, tmp_path: Path) -> None:
    """A book that has the file of one that is gone comes first among those that may continue it, whatever its title."""
    library = tmp_path / "library"
    old, namesake, new = (
        entry(title, "Ada Quill", calibre_id=number, file=f"file {number}")
        for number, title in enumerate(("Salt Roads", "Salt Roads", "Merged"), 1)
    )
    lost, like, heir = await put(store, library, old, namesake, new)
    for one, data in ((old, b"the same" * 999), (namesake, b"another" * 999), (new, b"the same" * 999)):
        write(library, one, data)
    await Fingerprints(store, lambda: NOW).catch_up(rest=0)
    await store.write(lambda c: c.execute("UPDATE books SET gone_at = 1 WHERE id = ?", (lost,)).fetchall())
    found = store.read(lambda c: successors(aliases.Shelf(c), lost))
    assert [candidate.book_id for candidate in found] == [heir, like]


async def test_the_size_is_the_files(store: Store, tmp_path: Path) -> None:
    """Calibre embeds metadata and touches no date: the size shown follows the file all the same."""
    library = tmp_path / "library"
    one = entry("Salt Roads", formats=("EPUB", "PDF"))
    (book,) = await put(store, library, one)
    write(library, one, b"x" * 1234)
    await Fingerprints(store, lambda: NOW).catch_up(rest=0)
    formats = store.read(lambda c: catalog.book_by_id(c, book)).formats
    assert {f.format: f.size for f in formats} == {"EPUB": 1234, "PDF": 1000}
    rows = store.read(lambda c: c.execute("SELECT format, size FROM formats").fetchall())
    assert sorted(rows) == [("EPUB", 1234), ("PDF", 1000)]
