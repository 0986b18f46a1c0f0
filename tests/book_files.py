"""Small valid books for the tests, made of real sentences."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tomed.demo import drawing
from tomed.demo.cbz import cbz_bytes
from tomed.demo.epub import Chapter, Epub, epub_bytes


@functools.cache
def _pages(count: int) -> tuple[bytes, ...]:
    return tuple(drawing.numbered_page(n) for n in range(1, count + 1))


def make_file(form: str, title: str, authors: Sequence[str]) -> bytes:
    """A small valid file of format ``form`` for a book: EPUB, CBZ, TXT, FB2 or PDF."""
    match form:
        case "EPUB":
            return epub_bytes(_epub(title, default_chapters(), authors, ()))
        case "CBZ":
            return cbz_bytes(_pages(4), title=title, author=authors[0])
        case "TXT":
            return f"{title}\n\n{_SENTENCES[0]}\n".encode()
        case "FB2":
            return _FB2.encode()
        case "PDF":
            return drawing.numbered_pdf(3)
    raise ValueError(f"no maker for {form}: give the bytes in files=")


_SENTENCES = (
    "The lamp stood at the window, and whoever passed at night knew by it that somebody was still reading.",
    "She turned the page slowly, because the next one was the last that had come with the post.",
    "“Where were we?” asked the old man, and the boy answered with the very word at which they had stopped.",
    "Rain fell on the roof of the library; below it, forty thousand books kept their places without any help.",
    "Nobody had marked the passage, and yet the book fell open there, as a door does that is often used.",
)
_FB2 = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0">'
    "<description><title-info><book-title>Light</book-title><lang>en</lang></title-info></description>"
    f"<body><section><p>{_SENTENCES[0]}</p></section></body></FictionBook>"
)


def default_chapters(count: int = 3, paragraphs: int = 12) -> list[tuple[str, str]]:
    """Chapters of real sentences, each paragraph with a number of its own so that a place can be told from its text."""
    chapters = []
    for chapter in range(1, count + 1):
        lines = [
            f"<p>{chapter}.{n} {_SENTENCES[(chapter + n) % 5]} {_SENTENCES[(chapter * n) % 5]}</p>"
            for n in range(1, paragraphs + 1)
        ]
        chapters.append((f"Chapter {chapter}", "\n".join(lines)))
    return chapters


def make_epub(
    path: Path,
    title: str,
    *,
    chapters: Sequence[tuple[str, str]] | None = None,
    author: str = "A. Writer",
    identifiers: Sequence[str] = (),
    series: str | None = None,
    series_index: float = 1.0,
    cover: bytes | None = None,
) -> Path:
    """Write a valid EPUB 3. ``chapters``: (title, XHTML after the heading); ``identifiers``: ``scheme:value``."""
    told = default_chapters() if chapters is None else chapters
    book = _epub(title, told, (author,), identifiers, series=series, series_index=series_index, cover=cover)
    path.write_bytes(epub_bytes(book))
    return path


def _epub(
    title: str, chapters: Sequence[tuple[str, str]], authors: Sequence[str], identifiers: Sequence[str], **more: Any
) -> Epub:
    return Epub(title, [Chapter(*chapter) for chapter in chapters], authors, identifiers=identifiers, **more)
