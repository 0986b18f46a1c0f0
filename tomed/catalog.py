"""The use cases over the mirrored catalogue: one book, lists, series, and the files on disk.

    book(c, uuid, user_id=None) → Book                      NotFound
    book_id(c, uuid) → BookId                               NotFound
    book_by_id(c, book_id, user_id=None) → Book             NotFound
    books_by_id(c, ids, user_id=None) → {BookId: Book}      in the order of ids
    books(c, BookQuery(...), searches) → Page[Book]         searches: what words were found in, remembered
    description(c, book_id) → str                           HTML, cleaned
    series_list(c, user_id, page=1, per_page=50) → Page[SeriesView]
    series_view(c, series_id, user_id) → SeriesView         NotFound
    series(c, series_id, user_id) → (SeriesView, books in series order)
    kinds(c) → list[str]
    authors(c, page=1, per_page=50), tags(...) → Page[NameView]
    format_path(store, book, "EPUB") → Path                 NotFound, LibraryMissing; looks at the disk
    epub_path(store, book) → Path | None, cover_path(store, book) → Path | None

``c`` is a connection of the store (``store.read(lambda c: ...)``). With a ``user_id`` books carry that user's
``status`` and ``fraction``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import apsw

from tomed.errors import LibraryMissing, NotFound
from tomed.model import Book, BookId, BookQuery, NameView, Page, SeriesView
from tomed.store import catalog as sql
from tomed.store.db import Store
from tomed.store.searches import Searches

books_by_id = sql.books_by_id
KEPUB = "KEPUB"
COVER = "cover.jpg"

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "cite", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "i", "ins", "li", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub", "sup", "u", "ul",
}  # fmt: skip


def book(connection: apsw.Connection, uuid: str, user_id: int | None = None) -> Book:
    """The book with this ``book_uuid``, gone ones too. Raises NotFound."""
    found = sql.book(connection, uuid, user_id)
    if found is None:
        raise NotFound("There is no such book.")
    return found


def book_id(connection: apsw.Connection, uuid: str) -> BookId:
    """Our own key of the book with this ``book_uuid``, gone ones too. Raises NotFound."""
    found = sql.book_id(connection, uuid)
    if found is None:
        raise NotFound("There is no such book.")
    return found


def book_by_id(connection: apsw.Connection, book_id: BookId, user_id: int | None = None) -> Book:
    """The book with our own key. Raises NotFound."""
    found = sql.book_by_id(connection, book_id, user_id)
    if found is None:
        raise NotFound("There is no such book.")
    return found


def books(connection: apsw.Connection, query: BookQuery, searches: Searches | None = None) -> Page[Book]:
    """A page of a list; see BookQuery."""
    return sql.books(connection, query, searches)


def description(connection: apsw.Connection, book_id: BookId) -> str:
    """The description as HTML without scripts, pictures, styles or addresses other than links."""
    raw = sql.description(connection, book_id)
    if not raw:
        return ""
    import nh3  # when a page first shows a description: a device never does

    return nh3.clean(raw, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https"})


def series_list(
    connection: apsw.Connection, user_id: int | None, page: int = 1, per_page: int = 50
) -> Page[SeriesView]:
    """All series by name, with how many of their books the user has read and what is next."""
    return sql.series_list(connection, user_id, page, per_page)


def series_view(connection: apsw.Connection, series_id: int, user_id: int | None = None) -> SeriesView:
    """One series. Raises NotFound."""
    found = sql.series_view(connection, series_id, user_id)
    if found is None:
        raise NotFound("There is no such series.")
    return found


def series(
    connection: apsw.Connection, series_id: int, user_id: int | None = None
) -> tuple[SeriesView, tuple[Book, ...]]:
    """One series with its books: 1, 1.5, 2, 10. Raises NotFound."""
    return series_view(connection, series_id, user_id), sql.series_books(connection, series_id, user_id)


def kinds(connection: apsw.Connection) -> list[str]:
    """The kinds of which there are books: ``book``, ``comic`` …"""
    return sql.kinds(connection)


def authors(connection: apsw.Connection, page: int = 1, per_page: int = 50) -> Page[NameView]:
    """Authors with the number of their books."""
    return sql.authors(connection, page, per_page)


def tags(connection: apsw.Connection, page: int = 1, per_page: int = 50) -> Page[NameView]:
    """Tags with the number of their books."""
    return sql.tags(connection, page, per_page)


# -- files ----------------------------------------------------------------------------------------


def format_path(store: Store, book: Book, format: str) -> Path:
    """The file of a book on disk. Looks at the disk: on the event loop only for one file at a time.

    The mirror may be a moment behind a rename, for Calibre moves files before it says so: then a folder
    that ends in the book's id is looked for. A library that is unplugged is stood in for by another that
    holds the book.

    Raises:
        NotFound: the book has no such format, or its file is nowhere.
        LibraryMissing: the library's folder is not there now.
    """
    wanted = format.upper()
    name = next((f.name for f in book.formats if f.format == wanted), None)
    if name is None:
        raise NotFound(f"This book has no {wanted}.")
    places = store.read(lambda connection: sql.places(connection, book.id))
    for place in places:
        for folder in _folders(place):
            path = _inside(folder, f"{name}.{wanted.lower()}")
            if path is not None and path.is_file():
                return path
    if places and not any(Path(place.library).is_dir() for place in places):
        raise LibraryMissing("The library that has this book is not there now. Is its drive plugged in?")
    raise NotFound(f"The library no longer has the {wanted} file of this book.")


def epub_path(store: Store, book: Book) -> Path | None:
    """The book's EPUB, or the KEPUB in its place; None when there is neither."""
    for format in ("EPUB", KEPUB):
        if any(f.format == format for f in book.formats):
            try:
                return format_path(store, book, format)
            except (NotFound, LibraryMissing):
                continue
    return None


def cover_path(store: Store, book: Book) -> Path | None:
    """The book's cover as Calibre keeps it; None when it has none or it can't be found now."""
    if not book.has_cover:
        return None
    for place in store.read(lambda connection: sql.places(connection, book.id)):
        for folder in _folders(place):
            path = _inside(folder, COVER)
            if path is not None and path.is_file():
                return path
    return None


def _folders(place: sql.Place) -> Iterator[Path]:
    """Where the book should be; then, while Calibre renames it, a folder with its id beside that."""
    library = Path(place.library)
    folder = _inside(library, place.path) if place.path else None
    if folder is None:
        return
    yield folder
    try:
        yield from (entry for entry in folder.parent.iterdir() if entry.name.endswith(f" ({place.calibre_id})"))
    except OSError:
        return


def _inside(folder: Path, relative: str) -> Path | None:
    """``folder / relative`` when that stays inside: the database of a library is no reason to leave it."""
    parts = re.split(r"[/\\]", relative)
    if not all(parts) or ".." in parts or "\0" in relative:
        return None
    path = folder / relative
    return path if path.is_relative_to(folder) else None
