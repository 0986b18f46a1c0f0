"""Books as a shelf shows them: what a tile needs and nothing more, because a page has dozens of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from tomed.model import Book, Status
from tomed.pages.layout import LAYOUT, number, percent
from tomed.pages.links import join, url
from tomed.services import services

TITLE_MAX = 120
BY_MAX = 80


@dataclass(frozen=True, slots=True)
class Tile:
    """One book on a shelf. ``fraction`` is whole percent, None when it shows no bar."""

    title: str
    by: str
    href: str
    cover: str
    mark: str
    fraction: int | None


def tiles(request: web.Request, books: Iterable[Book], *, numbered: bool = False) -> list[Tile]:
    """Tiles of these books; ``numbered`` shows their place in the series instead of its name."""
    base_path = services(request).config.base_path
    say = request.config_dict[LAYOUT].say
    marks = {status: say(f"status.{status}") for status in Status}
    made = []
    for book in books:
        status, fraction = book.status, book.fraction
        place = f"{number(book.series_index)} · " if numbered and book.series_index is not None else ""
        mark, bar = "", None
        if status is Status.READING:
            bar = int((fraction or 0) * 100 + 1e-6)
            mark = percent(fraction or 0)
        elif status is not None and status is not Status.NEW:
            mark = marks[status]
        if not numbered and not mark and book.series:
            mark = f"{short(book.series, BY_MAX)} {number(book.series_index)}"
        made.append(
            Tile(
                place + short(book.title, TITLE_MAX),
                short(", ".join(book.authors[:3]), BY_MAX),
                join(base_path, "/books", book.uuid),
                cover_url(base_path, book),
                mark,
                bar,
            )
        )
    return made


def cover_url(base_path: str, book: Book, size: str = "thumb") -> str:
    """Where a book's small cover is; empty when it has none and the page draws its title instead."""
    if not book.has_cover or book.gone:
        return ""
    return join(base_path, "/covers", book.uuid, size, v=book.last_modified_at % 10**9 or None)


def book_url(request: web.Request, book: Book) -> str:
    """The address of a book's page."""
    return url(request, "/books", book.uuid)


def short(text: str, most: int) -> str:
    """The text, cut with an ellipsis when it is longer than ``most``."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
