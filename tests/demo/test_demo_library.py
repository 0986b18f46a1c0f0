"""The demo library: made without any download, valid for Calibre, and not made twice."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from tests.calibredb import calibredb, fingerprint, run_calibre
from tests.libraries import BookSpec, make_library
from tomed.demo import handbook, library, markdown
from tomed.demo.library import build_demo_library
from tomed.errors import Conflict

_OPF = "{http://www.idpf.org/2007/opf}"
_XHTML = "{http://www.w3.org/1999/xhtml}"
_NCX = "{http://www.daisy.org/z3986/2005/ncx/}"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One demo library for the tests that only look at it."""
    return build_demo_library(tmp_path_factory.mktemp("demo") / "Demo Library")


def epubs(demo: Path) -> list[Path]:
    return sorted(demo.glob("*/*/*.epub"), key=lambda path: int(path.parent.name.rpartition("(")[2][:-1]))


@pytest.mark.calibre
def test_calibre_knows_the_handbook_as_a_series(demo: Path, tmp_path: Path) -> None:
    """Five volumes in order and a comic; nothing for check_library to find."""
    folder = tmp_path / "copy"
    shutil.copytree(demo, folder)
    books = json.loads(calibredb(folder, "list", "--for-machine", "--fields", "title,series,series_index").stdout)
    volumes = [(b["series_index"], b["title"]) for b in books if b.get("series") == "The tomed Handbook"]
    assert sorted(volumes) == [
        (1, "First Evening"),
        (2, "Your E-Reader"),
        (3, "Reading in the Browser"),
        (4, "What the Numbers Mean"),
        (5, "When Something Is Wrong"),
    ]
    assert [b["title"] for b in books if "series" not in b] == ["From Lamp to Window"]
    checked = calibredb(folder, "check_library", "--csv").stdout
    assert [line for line in checked.splitlines() if line and "Vacuuming" not in line] == []


@pytest.mark.calibre
def test_calibre_reads_every_epub(demo: Path, tmp_path: Path) -> None:
    """ebook-meta tells title, author and series; ebook-convert finds the text of the last chapter."""
    found = epubs(demo)
    assert len(found) == 5
    for path in found:
        told = run_calibre("ebook-meta", str(path)).stdout
        assert "The tomed Project" in told
        assert "The tomed Handbook #" in told
    for path in (found[0], found[-1]):
        text = tmp_path / "out.txt"
        converted = run_calibre("ebook-convert", str(path), str(text))
        assert "Traceback" not in converted.stderr
        assert "tomed" in text.read_text()
    assert "Asking for help" in text.read_text()


def test_each_epub_is_in_order(demo: Path) -> None:
    """mimetype first and stored; manifest, spine, nav and ncx name the same parts, all there, all well-formed."""
    for path in epubs(demo):
        with zipfile.ZipFile(path) as archive:
            first = archive.infolist()[0]
            assert (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
            assert archive.read("mimetype") == b"application/epub+zip"
            package = ElementTree.fromstring(archive.read("EPUB/package.opf"))
            manifest = {item.attrib["id"]: item.attrib["href"] for item in package.iter(f"{_OPF}item")}
            on_disk = {name.removeprefix("EPUB/") for name in archive.namelist() if name.startswith("EPUB/")}
            assert set(manifest.values()) == on_disk - {"package.opf"}
            spine = [manifest[ref.attrib["idref"]] for ref in package.iter(f"{_OPF}itemref")]
            chapters = [name for name in spine if name.startswith("chapter-")]
            assert len(chapters) >= 4
            nav = ElementTree.fromstring(archive.read("EPUB/nav.xhtml"))
            ncx = ElementTree.fromstring(archive.read("EPUB/toc.ncx"))
            assert [a.attrib["href"] for a in nav.iter(f"{_XHTML}a")] == chapters
            assert [p.attrib["src"] for p in ncx.iter(f"{_NCX}content")] == chapters
            for name in spine:
                page = ElementTree.fromstring(archive.read(f"EPUB/{name}"))
                assert page.find(f"{_XHTML}head/{_XHTML}title") is not None
            assert package.attrib["unique-identifier"] in {i.attrib.get("id") for i in package.iter()}


def test_the_comic_has_its_pages(demo: Path) -> None:
    """A dozen pages and more, in the order of their names, each a picture and no two alike."""
    (path,) = demo.glob("*/*/*.cbz")
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        pages = [archive.read(name) for name in names]
    assert len(pages) >= 12
    assert names == sorted(names)
    assert len(set(pages)) == len(pages)
    assert {Image.open(io.BytesIO(page)).size for page in pages} == {(800, 1200)}


def test_it_is_made_once(tmp_path: Path) -> None:
    """A second call tells no progress and touches nothing."""
    told: list[tuple[int, int]] = []
    folder = build_demo_library(tmp_path / "demo", lambda done, of: told.append((done, of)))
    assert told == [(n, 6) for n in range(1, 7)]
    before = fingerprint(folder)
    told.clear()
    assert build_demo_library(folder, lambda done, of: told.append((done, of))) == folder
    assert told == []
    assert fingerprint(folder) == before


def test_it_is_the_same_everywhere(demo: Path, tmp_path: Path) -> None:
    """Uuids, dates and bytes are fixed, so that what was read in one demo is known in the next."""
    again = build_demo_library(tmp_path / "again")
    first, second = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in (demo, again))
    assert first == second


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    """Neither a real library nor any other folder is ever taken for a demo."""
    real = make_library(tmp_path / "real", [BookSpec("Mine")]).folder
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("dear")
    for folder in (real, other):
        before = fingerprint(folder)
        with pytest.raises(Conflict):
            build_demo_library(folder)
        assert fingerprint(folder) == before


def test_an_interrupted_build_is_begun_again(tmp_path: Path) -> None:
    """After a crash in the middle no library is there, and the next call makes a whole one."""

    def stop(done: int, _of: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    folder = tmp_path / "demo"
    with pytest.raises(KeyboardInterrupt):
        build_demo_library(folder, stop)
    assert not folder.exists()
    build_demo_library(folder)
    assert len(epubs(folder)) == 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["demo"]


def test_an_older_demo_is_kept_beside_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner may have put books of their own into it."""
    folder = build_demo_library(tmp_path / "demo")
    (folder / "mine.txt").write_text("mine")
    monkeypatch.setattr(library, "VERSION", library.VERSION + 1)
    build_demo_library(folder)
    assert not (folder / "mine.txt").exists()
    kept = tmp_path / f"demo (before {library.VERSION})"
    assert (kept / "mine.txt").read_text() == "mine"


def _sources() -> Iterator[Path]:
    return handbook.SOURCES.glob("*/*.md")


@pytest.mark.parametrize("path", sorted(_sources()), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_source_is_a_chapter_of_a_volume(path: Path) -> None:
    """No chapter is forgotten by ``volumes.toml``, none is empty, none has marks that were not understood."""
    title, body = markdown.chapter(path.read_text(encoding="utf-8"))
    assert title
    assert len(body) > 600
    text = "".join(ElementTree.fromstring(f"<body>{body}</body>").itertext())
    assert "**" not in text
    assert "`" not in text
    assert path.parent.name in (handbook.SOURCES / "volumes.toml").read_text()
