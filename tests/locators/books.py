"""Small EPUBs made on the spot."""

from __future__ import annotations

import io
import zipfile

CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    "</container>"
)
HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
)


def chapter(body: str, head: str = "<title>t</title>") -> str:
    """A chapter file around the content of its body."""
    return f"{HEAD}<head>{head}</head><body>{body}</body></html>"


def epub(*chapters: str | bytes, files: dict[str, str | bytes] | None = None, spine: str | None = None) -> bytes:
    """An EPUB of whole chapter files ``c0.xhtml``, ``c1.xhtml`` …; ``spine`` replaces the list of itemrefs."""
    items = "".join(
        f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(chapters))
    )
    references = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters))) if spine is None else spine
    package = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="u">'
        f"<metadata/><manifest>{items}</manifest><spine>{references}</spine></package>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OEBPS/content.opf", package)
        for number, source in enumerate(chapters):
            archive.writestr(f"OEBPS/c{number}.xhtml", source)
        for name, data in (files or {}).items():
            archive.writestr(name, data)
    return buffer.getvalue()
