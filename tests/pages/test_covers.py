"""Small covers: made once, bounded, and never undone by a hostile picture."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from tomed import thumbnails
from tomed.covers import JPEG, SVG, Covers, placeholder
from tomed.files import File
from tomed.thumbnails import shrink


def picture(path: Path, size: tuple[int, int] = (1200, 1800), kind: str = "JPEG") -> Path:
    Image.new("RGB", size, "teal").save(path, kind)
    return path


def bomb(path: Path) -> Path:
    """A genuine PNG of a few kilobytes that is 9,000 x 9,000 pixels."""
    Image.new("1", (9_000, 9_000)).save(path, "PNG", optimize=True)
    assert path.stat().st_size < 40_000
    return path


@pytest.fixture
def cache(tmp_path):
    made = Covers(tmp_path / "covers")
    yield made
    made.close()


async def test_a_cover_is_made_small_once_and_again_when_the_picture_changes(cache, tmp_path, monkeypatch):
    """The picture fits its box, is decoded once however many ask, and follows the library."""
    made: list[Path] = []
    genuine = thumbnails.shrink
    monkeypatch.setattr(thumbnails, "shrink", lambda source, box: made.append(source) or genuine(source, box))
    source = picture(tmp_path / "cover.jpg")
    first, *others = await asyncio.gather(*(cache.get("u1", File.at(source), "thumb", title="T") for _ in range(5)))
    assert all(other == first for other in others)
    assert len(made) == 1
    assert first.content_type == JPEG
    with Image.open(first.path) as small:
        assert small.size == (240, 360)
    await cache.get("u1", File.at(source), "large")
    assert len(made) == 2
    picture(source, (300, 300))
    again = await cache.get("u1", File.at(source), "thumb")
    assert again.path != first.path
    with Image.open(again.path) as small:
        assert small.size == (240, 240)


async def test_no_picture_is_a_placeholder_with_the_title_as_text(cache, tmp_path):
    """Titles are text in the placeholder, whatever they hold."""
    cover = await cache.get("u2", None, "thumb", title="<img src=x onerror=alert(1)>\x00\ud800", authors=["A & B"])
    assert cover.content_type == SVG
    tree = ElementTree.fromstring(cover.path.read_text("utf-8"))
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert tags == {"svg", "rect", "g", "text"}
    assert "A & B" in "".join(tree.itertext())
    missing = await cache.get("u2", File(tmp_path / "gone.jpg", 1, 1), "thumb", title="Gone")
    assert "Gone" in missing.path.read_text("utf-8")


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"<html>not found</html>", b"GIF89a" + bytes(40)])
async def test_broken_pictures_become_placeholders_and_are_remembered(cache, tmp_path, content, monkeypatch):
    """A broken file is looked at once; the answer is a placeholder, never an error."""
    source = tmp_path / "cover.jpg"
    source.write_bytes(content)
    assert (await cache.get("u3", File.at(source), "thumb", title="Broken")).content_type == SVG
    monkeypatch.setattr(thumbnails, "shrink", lambda *_: pytest.fail("looked again"))
    assert (await cache.get("u3", File.at(source), "thumb", title="Broken")).content_type == SVG


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    """Pixels are counted from the header; nothing is inflated."""
    assert shrink(bomb(tmp_path / "bomb.png"), (240, 360)) is None


@pytest.mark.parametrize("kind, mode", [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("JPEG", "CMYK"), ("WEBP", "RGB")])
def test_every_kind_of_picture_becomes_a_jpeg(tmp_path, kind, mode):
    """Colours and palettes of all kinds are shown, transparency on white."""
    source = tmp_path / "cover.bin"
    colour = {"L": 120, "P": 3, "RGBA": (0, 0, 0, 0), "CMYK": (0, 0, 0, 0), "RGB": "white"}[mode]
    Image.new(mode, (500, 500), colour).save(source, kind)
    small = shrink(source, (240, 360))
    assert small is not None
    with Image.open(io.BytesIO(small)) as opened:
        assert opened.format == "JPEG"
        assert opened.size == (240, 240)
        if mode == "RGBA":
            assert opened.getpixel((5, 5)) == (255, 255, 255)


async def test_the_cache_stays_below_its_limit(tmp_path):
    """The longest unused pictures go, the newest stays."""
    cache = Covers(tmp_path / "covers", limit_bytes=6_000)
    try:
        for number in range(40):
            cover = await cache.get(f"book {number}", None, "thumb", title=f"Title {number}")
            kept = sum(path.stat().st_size for path in (tmp_path / "covers").glob("??/*"))
            assert kept <= 6_000 * 1.2
            assert cover.path.exists()
    finally:
        cache.close()


def test_a_long_title_is_wrapped_and_cut():
    """No line leaves the picture, no title makes a hundred lines."""
    text = placeholder("Pneumonoultramicroscopicsilicovolcanoconiosis " * 20, ["An Author"] * 30)
    assert text.count("<text") <= 8
