"""The use cases over the mirrored catalogue: one book, lists, series.

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

``c`` is a connection of the store (``store.read(lambda c: ...)``). With a ``user_id`` books carry that user's
``status`` and ``fraction``.
"""

from __future__ import annotations

import apsw

from tomed.errors import NotFound
from tomed.model import Book, BookId, BookQuery, NameView, Page, SeriesView
from tomed.store import catalog as sql
from tomed.store.searches import Searches

books_by_id = sql.books_by_id

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
