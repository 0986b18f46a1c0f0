"""Books made on the spot, for tests that need to know every letter of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from PIL import Image, ImageDraw

CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/p.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
WORDS = "the quiet river ran past an old mill and turned north under grey willows while nobody counted hours"


def paragraph(chapter: int, number: int) -> str:
    """Text that occurs once in the book."""
    all_words = WORDS.split()
    words = [all_words[(chapter * 7 + number * 3 + k * (number % 5 + 1)) % len(all_words)] for k in range(60)]
    return f"Paragraph {number} of chapter {chapter} says that {' '.join(words)}."


def chapter(number: int, paragraphs: int = 30, more: str = "") -> str:
    """The body of a chapter."""
    text = "".join(f"<p>{paragraph(number, k)}</p>" for k in range(1, paragraphs + 1))
    return f"<h1>Chapter {number}</h1>{text}{more}"


def make_epub(
    path: Path,
    bodies: list[str],
    *,
    head: str = "",
    extra: dict[str, tuple[str, str | bytes]] | None = None,
    direction: str = "default",
) -> Path:
    """An EPUB 3 of these chapter bodies. ``extra``: file name to (media type, content); ``direction``: of its pages."""
    extra = extra or {}
    names = [f"c{k}.xhtml" for k in range(1, len(bodies) + 1)]
    items = "".join(f'<item id="i{k}" href="{n}" media-type="application/xhtml+xml"/>' for k, n in enumerate(names))
    items += "".join(f'<item id="x{k}" href="{n}" media-type="{t}"/>' for k, (n, (t, _)) in enumerate(extra.items()))
    refs = "".join(f'<itemref idref="i{k}"/>' for k in range(len(names)))
    toc = "".join(f'<li><a href="{n}">Chapter {k}</a></li>' for k, n in enumerate(names, 1))
    opf = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="u">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="u">x</dc:identifier>'
        "<dc:title>Made</dc:title>"
        '<dc:language>en</dc:language></metadata><manifest><item id="nav" href="nav.xhtml" properties="nav" '
        f'media-type="application/xhtml+xml"/>{items}</manifest>'
        f'<spine page-progression-direction="{direction}">{refs}</spine></package>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OPS/p.opf", opf)
        archive.writestr("OPS/nav.xhtml", _page("Contents", f'<nav epub:type="toc"><ol>{toc}</ol></nav>', ""))
        for name, body in zip(names, bodies, strict=True):
            archive.writestr(f"OPS/{name}", _page(name, body, head))
        for name, (_, content) in extra.items():
            archive.writestr(f"OPS/{name}", content)
    return path


def plain_epub(path: Path, chapters: int = 4) -> Path:
    """A book of some chapters of thirty paragraphs each."""
    return make_epub(path, [chapter(k) for k in range(1, chapters + 1)])


def make_comic(path: Path, names: list[str], size: tuple[int, int] = (300, 450), noise: bool = False) -> Path:
    """A CBZ whose pages bear their place in ``names``; with ``noise`` they can't be packed and the file is large."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(names, 1):
            image = Image.effect_noise(size, 90) if noise else Image.new("RGB", size, (240, 235, 220))
            ImageDraw.Draw(image).text((20, 20), str(number), fill=0)
            buffer = io.BytesIO()
            image.save(buffer, "PNG")
            archive.writestr(name, buffer.getvalue())
    return path


def _page(title: str, body: str, head: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>{title}</title>{head}</head><body>{body}</body></html>'
    )
