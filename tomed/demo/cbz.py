"""Writes comics: pictures in a ZIP, in the order of their names, with the ``ComicInfo.xml`` that readers know."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tomed.demo.epub import zipped


def cbz_bytes(
    pages: Sequence[bytes],
    *,
    title: str = "",
    author: str = "",
    series: str = "",
    number: str = "",
    extension: str = "jpg",
) -> bytes:
    """A CBZ file of ``pages``, which are pictures already."""
    told = {"Title": title, "Series": series, "Number": number, "Writer": author, "PageCount": str(len(pages))}
    elements = "".join(f"  <{name}>{escape(value)}</{name}>\n" for name, value in told.items() if value)
    info = f'<?xml version="1.0" encoding="utf-8"?>\n<ComicInfo>\n{elements}</ComicInfo>\n'
    named = {f"page-{n:03}.{extension}": page for n, page in enumerate(pages, 1)}
    return zipped(named | {"ComicInfo.xml": info.encode()}, stored=(f".{extension}",))
