"""Writes EPUB 3 files that old readers open too (``nav.xhtml`` and ``toc.ncx``); the same bytes every time."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape, quoteattr

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_XHTML = "application/xhtml+xml"
_TYPES = {
    "xhtml": _XHTML,
    "css": "text/css",
    "jpg": "image/jpeg",
    "png": "image/png",
    "ncx": "application/x-dtbncx+xml",
}


@dataclass(frozen=True, slots=True)
class Chapter:
    """One spine item. ``body`` is XHTML that follows the heading."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Epub:
    """What goes into an EPUB. ``identifiers``: ``scheme:value``. A missing ``uuid`` is made from title and author."""

    title: str
    chapters: Sequence[Chapter]
    authors: Sequence[str] = ("Unknown",)
    language: str = "en"
    uuid: str | None = None
    identifiers: Sequence[str] = ()
    series: str | None = None
    series_index: float = 1.0
    description: str | None = None
    publisher: str | None = None
    modified: str = "2026-01-01T00:00:00Z"
    css: str = ""
    cover: bytes | None = None
    """JPEG."""
    images: Mapping[str, bytes] = field(default_factory=dict)
    """File name → bytes, beside the chapters."""


def epub_bytes(book: Epub) -> bytes:
    """The whole EPUB file."""
    parts: dict[str, str | bytes] = {
        f"chapter-{n:02}.xhtml": _chapter(book, n) for n in range(1, len(book.chapters) + 1)
    }
    parts |= {"nav.xhtml": _nav(book), "toc.ncx": _ncx(book), "style.css": book.css}
    if book.cover is not None:
        parts |= {"cover.xhtml": _cover(book), "cover.jpg": book.cover}
    parts |= book.images
    return zipped(
        {"mimetype": b"application/epub+zip"}
        | {"META-INF/container.xml": _CONTAINER, "EPUB/package.opf": _package(book, parts)}
        | {f"EPUB/{name}": content for name, content in parts.items()},
        stored=("mimetype", ".jpg", ".png"),
    )


def zipped(files: Mapping[str, str | bytes], stored: tuple[str, ...] = ()) -> bytes:
    """A ZIP of ``files`` in their order, with fixed dates; names that end like one of ``stored`` are not compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.compress_type = zipfile.ZIP_STORED if name.endswith(stored) else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


_CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles>
    <rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/>
  </rootfiles>
</container>
"""


def _uuid(book: Epub) -> str:
    return book.uuid or str(uuid5(NAMESPACE_URL, f"tomed:{book.title}:{':'.join(book.authors)}"))


def _page(book: Epub, title: str, body: str, kind: str) -> str:
    language = quoteattr(book.language)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
  lang={language} xml:lang={language}>
<head>
<title>{escape(title)}</title>
<link rel="stylesheet" type="text/css" href="style.css"/>
</head>
<body epub:type="{kind}">
{body}
</body>
</html>
"""


def _chapter(book: Epub, number: int) -> str:
    chapter = book.chapters[number - 1]
    return _page(book, chapter.title, f"<h1>{escape(chapter.title)}</h1>\n{chapter.body}", "bodymatter chapter")


def _cover(book: Epub) -> str:
    image = f'<div class="cover"><img src="cover.jpg" alt={quoteattr("Cover: " + book.title)}/></div>'
    return _page(book, book.title, image, "cover")


def _nav(book: Epub) -> str:
    items = "\n".join(
        f'<li><a href="chapter-{n:02}.xhtml">{escape(c.title)}</a></li>' for n, c in enumerate(book.chapters, 1)
    )
    return _page(
        book,
        book.title,
        f'<nav epub:type="toc" id="toc">\n<h1>Contents</h1>\n<ol>\n{items}\n</ol>\n</nav>',
        "frontmatter",
    )


def _ncx(book: Epub) -> str:
    points = "\n".join(
        f'<navPoint id="n{n}" playOrder="{n}"><navLabel><text>{escape(c.title)}</text></navLabel>'
        f'<content src="chapter-{n:02}.xhtml"/></navPoint>'
        for n, c in enumerate(book.chapters, 1)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1" xml:lang={quoteattr(book.language)}>
<head>
<meta name="dtb:uid" content="urn:uuid:{_uuid(book)}"/>
<meta name="dtb:depth" content="1"/>
<meta name="dtb:totalPageCount" content="0"/>
<meta name="dtb:maxPageNumber" content="0"/>
</head>
<docTitle><text>{escape(book.title)}</text></docTitle>
<navMap>
{points}
</navMap>
</ncx>
"""


def _package(book: Epub, parts: Iterable[str]) -> str:
    chapters = [f"c{n}" for n in range(1, len(book.chapters) + 1)]
    spine = (["cover-page"] if book.cover is not None else []) + chapters
    items = "\n".join("    " + _item(name) for name in parts)
    refs = "\n".join(f'    <itemref idref="{key}"/>' for key in spine)
    metadata = "\n".join("    " + line for line in _metadata(book))
    language = quoteattr(book.language)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="book-id" xml:lang={language}>
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
{metadata}
  </metadata>
  <manifest>
{items}
  </manifest>
  <spine toc="toc.ncx">
{refs}
  </spine>
</package>
"""


def _item(name: str) -> str:
    key = {"cover.xhtml": "cover-page"}.get(name, name)
    if name.startswith("chapter-"):
        key = f"c{int(name[8:-6])}"
    properties = {"nav.xhtml": ' properties="nav"', "cover.jpg": ' properties="cover-image"'}.get(name, "")
    return f'<item id="{key}" href="{name}" media-type="{_TYPES[name.rpartition(".")[2]]}"{properties}/>'


def _metadata(book: Epub) -> Iterator[str]:
    yield f'<dc:identifier id="book-id">urn:uuid:{_uuid(book)}</dc:identifier>'
    for identifier in book.identifiers:
        yield f"<dc:identifier>{escape(identifier)}</dc:identifier>"
    yield f"<dc:title>{escape(book.title)}</dc:title>"
    for author in book.authors:
        yield f"<dc:creator>{escape(author)}</dc:creator>"
    yield f"<dc:language>{escape(book.language)}</dc:language>"
    if book.publisher is not None:
        yield f"<dc:publisher>{escape(book.publisher)}</dc:publisher>"
    if book.description is not None:
        yield f"<dc:description>{escape(book.description)}</dc:description>"
    yield f'<meta property="dcterms:modified">{book.modified}</meta>'
    if book.series is not None:
        yield f'<meta property="belongs-to-collection" id="series">{escape(book.series)}</meta>'
        yield '<meta refines="#series" property="collection-type">series</meta>'
        yield f'<meta refines="#series" property="group-position">{book.series_index:g}</meta>'
        # KOReader reads a series from Calibre's words alone.
        yield f'<meta name="calibre:series" content={quoteattr(book.series)}/>'
        yield f'<meta name="calibre:series_index" content="{book.series_index:g}"/>'
    if book.cover is not None:
        yield '<meta name="cover" content="cover.jpg"/>'
