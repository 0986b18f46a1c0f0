"""SQL that reads the mirrored catalogue: books, lists with filters, series, authors, tags, where files lie.

Every function is f(connection, ...) and answers values of ``tomed/model.py``; ``tomed/store/mirror.py`` writes.
A book is one row: the parts that lists show are in its ``card``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import apsw
import msgspec

from tomed.folding import fold, question_words, storable
from tomed.model import Book, BookId, BookQuery, Format, NameView, Page, SeriesView, Status
from tomed.store.cards import Card, unpack
from tomed.store.searches import Hits, Searches, find

PER_PAGE_MAX = 200
AUTHORS_SHOWN = 3
WALK = 1_000
"""Books that are looked at in one step when a page of many hits is gathered; each step is twice the last."""

Row = tuple[Any, ...]

_COLUMNS = (
    "b.id, b.uuid, b.title, b.sort, b.series_id, s.name, b.series_index, b.has_cover, b.last_modified_at, b.gone_at,"
    " b.kind, b.publisher, b.added_at, b.published_at, b.library_id, b.calibre_id, b.path, b.card"
)
_BOOK = f"SELECT {_COLUMNS} FROM books b LEFT JOIN series s ON s.id = b.series_id"
_BOOK_OF_USER = (
    f"SELECT {_COLUMNS}, r.status, r.fraction FROM books b LEFT JOIN series s ON s.id = b.series_id"
    " LEFT JOIN readings r ON r.user_id = ? AND r.book_id = b.id"
)

_ORDERS = {
    "title": "b.sort_key, b.id",
    "author": "b.author_key, b.sort_key, b.id",
    "series": "b.series_key, b.series_index, b.sort_key, b.id",
    "added": "b.added_at DESC, b.id DESC",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that should hold a book's files: the home first. ``path`` is relative to ``library``."""

    library: str
    path: str
    calibre_id: int


# -- single books ---------------------------------------------------------------------------------


def book(connection: apsw.Connection, uuid: str, user_id: int | None = None) -> Book | None:
    """The book with Calibre's ``uuid``, gone or not, with its custom columns; None when there is none."""
    return _single(connection, "b.uuid = ?", storable(uuid), user_id)


def book_id(connection: apsw.Connection, uuid: str) -> BookId | None:
    """Our own key of the book with Calibre's ``uuid``, gone or not; None when there is none."""
    row = connection.execute("SELECT id FROM books WHERE uuid = ?", (storable(uuid),)).fetchone()
    return BookId(row[0]) if row else None


def book_by_id(connection: apsw.Connection, book_id: BookId, user_id: int | None = None) -> Book | None:
    """``book`` by our own key."""
    return _single(connection, "b.id = ?", book_id, user_id)


def books_by_id(connection: apsw.Connection, ids: Iterable[BookId], user_id: int | None = None) -> dict[BookId, Book]:
    """Books by our own keys, as far as they exist, in the order of ``ids``; without custom columns."""
    wanted = list(dict.fromkeys(ids))
    where = " WHERE b.id IN (SELECT value FROM json_each(?))"
    found = {made.id: made for made in _select(connection, where, (json.dumps(wanted),), user_id)}
    return {book_id: found[book_id] for book_id in wanted if book_id in found}


def description(connection: apsw.Connection, book_id: BookId) -> str:
    """The raw HTML of the description, empty when there is none. Somebody else wrote it: clean it."""
    found = _fetch(connection, "SELECT html FROM descriptions WHERE book_id = ?", (book_id,))
    return str(found[0][0]) if found else ""


def places(connection: apsw.Connection, book_id: BookId) -> list[Place]:
    """Where the files of a book may lie: its home, then other libraries that hold it; for a gone book where it was."""
    found = _fetch(
        connection,
        "SELECT l.path, b.path, b.calibre_id, 0 AS distance FROM books b JOIN libraries l ON l.id = b.library_id"
        " WHERE b.id = ?1 UNION ALL"
        " SELECT l.path, h.path, h.calibre_id, 1 FROM holdings h JOIN libraries l ON l.id = h.library_id"
        " JOIN books b ON b.id = h.book_id WHERE h.book_id = ?1"
        " AND (h.library_id, h.calibre_id) IS NOT (b.library_id, b.calibre_id) ORDER BY distance",
        (book_id,),
    )
    return [Place(library, path, calibre_id or 0) for library, path, calibre_id, _ in found]


# -- lists ----------------------------------------------------------------------------------------


def books(connection: apsw.Connection, query: BookQuery, searches: Searches | None = None) -> Page[Book]:
    """A page of the living books that ``query`` asks for. ``searches`` remembers what words were found in."""
    page, per_page = max(1, query.page), min(max(1, query.per_page), PER_PAGE_MAX)
    words = question_words(query.q)
    if query.q.strip() and not words:  # nothing in it but signs
        return Page((), 0, page, per_page)
    hits = (searches.find if searches else find)(connection, words) if words else None
    where, bound = _choose(query, hits)
    offset = (page - 1) * per_page
    total = _count(connection, query, hits, where, bound)
    if query.sort == "read" and query.user_id is not None:
        ids = _by_last_read(connection, query.user_id, where, bound, offset, per_page)
    elif (
        hits is not None
        and not (query.author or query.tag or query.series)
        and (query.sort in _ORDERS or not hits.few)
        and _is_walk_shorter(len(hits.ids), offset + per_page, _counted(connection, "books"))
    ):
        ids = _walked(connection, query, hits, offset, per_page)
    else:
        order, extra = _order(query, hits)
        found = _fetch(
            connection,
            f"SELECT b.id FROM books b WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
            (*bound, *extra, per_page, offset),
        )
        ids = [book_id for (book_id,) in found]
    return Page(tuple(books_by_id(connection, ids, query.user_id).values()), total, page, per_page)


def _is_walk_shorter(hits: int, upto: int, books: int) -> bool:
    """Whether the first ``upto`` of so many hits are sooner met by walking all books in order than by sorting the hits.

    A book walked past costs less than a third of a hit that is looked up and sorted.
    """
    return min(upto * books, books * hits) < 3 * hits * hits


def _walked(connection: apsw.Connection, query: BookQuery, hits: Hits, offset: int, per_page: int) -> list[BookId]:
    """Of many hits those of a page: the index of the order that is asked for is walked until it is full."""
    where, bound = _choose(query, None)
    sort = query.sort if query.sort in _ORDERS else "title"
    sql = (
        f"SELECT json_group_array(id) FROM (SELECT b.id FROM books b INDEXED BY books_by_{sort}"
        f" WHERE {where} ORDER BY {_ORDERS[sort]} LIMIT ? OFFSET ?)"
    )
    found = list[BookId]()
    # Hits lie where they lie: twice as far as they would if they lay evenly is mostly far enough.
    walked, step = 0, max(WALK, 2 * (offset + per_page) * _counted(connection, "books") // len(hits.ids))
    # A set of them all costs as much as looking for a twentieth of them.
    is_hit = hits.has if step * 20 < len(hits.ids) else set(hits.ids).__contains__
    while True:
        ids = msgspec.json.decode(_fetch(connection, sql, (*bound, step, walked))[0][0], type=list[BookId])
        found += filter(is_hit, ids)
        if len(found) >= offset + per_page or len(ids) < step:
            return found[offset : offset + per_page]
        walked, step = walked + step, step * 2


def _choose(query: BookQuery, hits: Hits | None) -> tuple[str, Row]:
    """The condition of a list as SQL, and its values."""
    where, bound = ["b.gone_at IS NULL"], list[Any]()

    def also(condition: str, *values: object) -> None:
        where.append(condition)
        bound.extend(values)

    if hits is not None and hits.many:
        also("b.id IN (SELECT rowid FROM book_search WHERE book_search MATCH ?)", hits.expression)
    elif hits is not None:
        also("b.id IN (SELECT value FROM json_each(?))", json.dumps(hits.ids.tolist()))
    if query.author:
        also(
            "b.id IN (SELECT l.book_id FROM book_authors l JOIN authors a ON a.id = l.author_id WHERE a.key = ?)",
            fold(query.author),
        )
    if query.tag:
        also(
            "b.id IN (SELECT l.book_id FROM book_tags l JOIN tags t ON t.id = l.tag_id WHERE t.key = ?)",
            fold(query.tag),
        )
    if query.series:
        if query.series.isascii() and query.series.isdigit() and len(query.series) < 16:
            also("b.series_id = ?", int(query.series))
        else:
            also("b.series_id IN (SELECT id FROM series WHERE key = ?)", fold(query.series))
    if query.kind:
        also("b.kind = ?", storable(query.kind))
    if query.status == Status.NEW:
        also(
            "NOT EXISTS (SELECT 1 FROM readings r WHERE r.user_id = ? AND r.book_id = b.id AND r.status <> 'new')",
            query.user_id or 0,
        )
    elif query.status:
        also(
            "b.id IN (SELECT book_id FROM readings WHERE user_id = ? AND status = ?)",
            query.user_id or 0,
            storable(query.status),
        )
    return " AND ".join(where), tuple(bound)


def _count(connection: apsw.Connection, query: BookQuery, hits: Hits | None, where: str, bound: Row) -> int:
    """How many there are, without walking them where a count is kept. The search index holds living books only."""
    if not (query.author or query.tag or query.series or query.kind):
        if not query.status:
            return len(hits.ids) if hits else _counted(connection, "books")
        if query.status == Status.NEW and hits is None:
            sql = (
                "SELECT count(*) FROM readings r CROSS JOIN books b ON b.id = r.book_id"
                " WHERE r.user_id = ? AND r.status <> 'new' AND b.gone_at IS NULL"
            )
            return _counted(connection, "books") - int(_fetch(connection, sql, (query.user_id or 0,))[0][0])
    ((count,),) = _fetch(connection, f"SELECT count(*) FROM books b WHERE {where}", bound)
    return int(count)


def _order(query: BookQuery, hits: Hits | None) -> tuple[str, Row]:
    """The order of a list as SQL, and its values. Of few hits those in title and series come first."""
    if query.sort not in _ORDERS and hits is not None and hits.few:
        named = "{title series} : (" + hits.expression + ")"
        return (
            "b.id NOT IN (SELECT rowid FROM book_search WHERE book_search MATCH ?), b.series_key, b.series_index,"
            " b.sort_key, b.id",
            (named,),
        )
    return _ORDERS[query.sort if query.sort in _ORDERS else "series" if query.series else "title"], ()


def _by_last_read(
    connection: apsw.Connection, user_id: int, where: str, bound: Row, offset: int, per_page: int
) -> list[BookId]:
    """Books the user has opened, latest first, then the others by title."""
    opened = [
        book_id
        for (book_id,) in _fetch(
            connection,
            "SELECT b.id FROM readings o CROSS JOIN books b ON b.id = o.book_id"
            f" WHERE o.user_id = ? AND {where} ORDER BY o.updated_at DESC, b.id",
            (user_id, *bound),
        )
    ]
    ids = opened[offset : offset + per_page]
    others = f"{where} AND NOT EXISTS (SELECT 1 FROM readings o WHERE o.user_id = ? AND o.book_id = b.id)"
    if len(ids) < per_page:
        found = _fetch(
            connection,
            f"SELECT b.id FROM books b WHERE {others} ORDER BY b.sort_key, b.id LIMIT ? OFFSET ?",
            (*bound, user_id, per_page - len(ids), max(0, offset - len(opened))),
        )
        ids += [book_id for (book_id,) in found]
    return ids


# -- series, authors, tags ------------------------------------------------------------------------


def series_list(connection: apsw.Connection, user_id: int | None, page: int, per_page: int) -> Page[SeriesView]:
    """Series that have living books, by name."""
    page, per_page = max(1, page), min(max(1, per_page), PER_PAGE_MAX)
    found = _fetch(
        connection,
        "SELECT id, name, books FROM series WHERE books > 0 ORDER BY sort_key, id LIMIT ? OFFSET ?",
        (per_page, (page - 1) * per_page),
    )
    return Page(_series_views(connection, found, user_id), _counted(connection, "series"), page, per_page)


def series_view(connection: apsw.Connection, series_id: int, user_id: int | None) -> SeriesView | None:
    """One series, also one whose books are all gone."""
    found = _fetch(connection, "SELECT id, name, books FROM series WHERE id = ?", (series_id,))
    views = _series_views(connection, found, user_id)
    return views[0] if views else None


def series_books(connection: apsw.Connection, series_id: int, user_id: int | None) -> tuple[Book, ...]:
    """The living books of a series in its order: 1, 1.5, 2, 10."""
    where = " WHERE b.series_id = ? AND b.gone_at IS NULL ORDER BY b.series_index, b.sort_key, b.id"
    return tuple(_select(connection, where, (series_id,), user_id))


def _series_views(connection: apsw.Connection, found: Sequence[Row], user_id: int | None) -> tuple[SeriesView, ...]:
    ids = json.dumps([series_id for series_id, _, _ in found])
    authors: dict[int, list[str]] = defaultdict(list)
    for series_id, name in _fetch(
        connection,
        "SELECT b.series_id, a.name FROM books b JOIN book_authors l ON l.book_id = b.id"
        " JOIN authors a ON a.id = l.author_id"
        " WHERE b.series_id IN (SELECT value FROM json_each(?)) AND b.gone_at IS NULL"
        " GROUP BY b.series_id, a.id ORDER BY b.series_id, count(*) DESC, min(l.ordinal), a.sort",
        (ids,),
    ):
        if len(authors[series_id]) < AUTHORS_SHOWN:
            authors[series_id].append(name)
    rows: dict[int, list[Row]] = defaultdict(list)
    for row in _fetch(
        connection,
        "SELECT b.series_id, b.id, b.kind, r.status FROM books b"
        " LEFT JOIN readings r ON r.user_id = ? AND r.book_id = b.id"
        " WHERE b.series_id IN (SELECT value FROM json_each(?)) AND b.gone_at IS NULL"
        " ORDER BY b.series_id, b.series_index, b.sort_key, b.id",
        (user_id, ids),
    ):
        rows[row[0]].append(row)
    done = (Status.COMPLETE, Status.ABANDONED)
    nexts = {
        series_id: next((row[1] for row in of_series if row[3] not in done), None)
        for series_id, of_series in rows.items()
    }
    known = books_by_id(connection, [book_id for book_id in nexts.values() if book_id is not None], user_id)
    return tuple(
        SeriesView(
            series_id,
            name,
            count,
            tuple(authors[series_id]),
            sum(row[3] == Status.COMPLETE for row in rows[series_id]),
            known.get(nexts.get(series_id) or BookId(0)),
            rows[series_id][0][2] if rows[series_id] else "book",
        )
        for series_id, name, count in found
    )


def kinds(connection: apsw.Connection) -> list[str]:
    """The kinds of which there are living books, by name: one index step each, however many books there are."""
    rows = _fetch(
        connection,
        "WITH RECURSIVE step (kind) AS (SELECT min(kind) FROM books WHERE gone_at IS NULL UNION ALL"
        " SELECT (SELECT min(kind) FROM books WHERE gone_at IS NULL AND kind > step.kind)"
        " FROM step WHERE step.kind IS NOT NULL) SELECT kind FROM step WHERE kind IS NOT NULL",
        (),
    )
    return [kind for (kind,) in rows]


def authors(connection: apsw.Connection, page: int, per_page: int) -> Page[NameView]:
    """Authors of living books with how many, by the name they are sorted under."""
    return _names(connection, "authors", "sort COLLATE NOCASE, id", page, per_page)


def tags(connection: apsw.Connection, page: int, per_page: int) -> Page[NameView]:
    """Tags of living books with how many, by name."""
    return _names(connection, "tags", "key, id", page, per_page)


def _names(connection: apsw.Connection, table: str, order: str, page: int, per_page: int) -> Page[NameView]:
    page, per_page = max(1, page), min(max(1, per_page), PER_PAGE_MAX)
    found = _fetch(
        connection,
        f"SELECT name, books FROM {table} WHERE books > 0 ORDER BY {order} LIMIT ? OFFSET ?",
        (per_page, (page - 1) * per_page),
    )
    return Page(tuple(NameView(*row) for row in found), _counted(connection, table), page, per_page)


# -- rows to books --------------------------------------------------------------------------------


def _single(connection: apsw.Connection, condition: str, value: object, user_id: int | None) -> Book | None:
    found = _select(connection, f" WHERE {condition}", (value,), user_id)
    if not found:
        return None
    custom = _fetch(connection, "SELECT json FROM custom_values WHERE book_id = ?", (found[0].id,))
    return replace(found[0], custom=json.loads(custom[0][0])) if custom else found[0]


def _select(connection: apsw.Connection, where: str, bound: Row, user_id: int | None) -> list[Book]:
    if user_id is None:
        return [_made(connection, (*row, None, None)) for row in _fetch(connection, _BOOK + where, bound)]
    found = _fetch(connection, _BOOK_OF_USER + where, (user_id, *bound))
    return [_made(connection, (*row[:-2], row[-2] or Status.NEW, row[-1])) for row in found]


def _made(connection: apsw.Connection, row: Row) -> Book:
    (
        book_id, uuid, title, sort, series_id, series, series_index, has_cover, last_modified_at, gone_at, kind,
        publisher, added_at, published_at, library_id, calibre_id, path, card_text, status, fraction,
    ) = row  # fmt: skip
    card = unpack(card_text) if card_text else _card_from_tables(connection, book_id)
    return Book(
        BookId(book_id),
        uuid,
        title,
        card.authors,
        series,
        series_id,
        series_index,
        card.made_formats(),
        bool(has_cover),
        last_modified_at,
        gone_at is not None,
        sort,
        card.tags,
        card.languages,
        card.identifiers,
        kind,
        publisher,
        added_at,
        published_at,
        {},
        library_id,
        calibre_id,
        path,
        _STATUSES[status] if status is not None else None,
        fraction,
    )


_STATUSES = {str(status): status for status in Status}


def _card_from_tables(connection: apsw.Connection, book_id: int) -> Card:
    """For a row that was not written by ``mirror.py``."""
    of_book = (book_id,)
    return Card(
        tuple(
            name
            for (name,) in _fetch(
                connection,
                "SELECT a.name FROM book_authors l JOIN authors a ON a.id = l.author_id WHERE l.book_id = ?"
                " ORDER BY l.ordinal",
                of_book,
            )
        ),
        tuple(
            name
            for (name,) in _fetch(
                connection,
                "SELECT t.name FROM book_tags l JOIN tags t ON t.id = l.tag_id WHERE l.book_id = ? ORDER BY t.name",
                of_book,
            )
        ),
        (),
        dict(_fetch(connection, "SELECT scheme, value FROM identifiers WHERE book_id = ?", of_book)),
        tuple(_fetch(connection, "SELECT format, name, size FROM formats WHERE book_id = ? ORDER BY format", of_book)),
    )


def formats(connection: apsw.Connection, book_id: BookId) -> tuple[Format, ...]:
    """The files of a book as the mirror has them."""
    found = _fetch(connection, "SELECT format, name, size FROM formats WHERE book_id = ? ORDER BY format", (book_id,))
    return tuple(Format(*row) for row in found)


def _counted(connection: apsw.Connection, name: str) -> int:
    return int(_fetch(connection, "SELECT value FROM catalog_counts WHERE name = ?", (name,))[0][0])


def _fetch(connection: apsw.Connection, sql: str, bound: Row = ()) -> list[Row]:
    return connection.execute(sql, bound).fetchall()
