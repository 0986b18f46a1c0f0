"""Lists of books with words, filters and an order; one book's page with its reading history."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import apsw
from aiohttp import web
from markupsafe import Markup

from tomed import catalog, reading
from tomed.errors import Invalid, NotFound
from tomed.model import Book, BookQuery, Clues, Page, PositionEntry, Session, Status
from tomed.pages.forms import read_form
from tomed.pages.inbox import file_name
from tomed.pages.layout import LAYOUT, day, page, zone_of
from tomed.pages.links import url
from tomed.pages.paging import page_number, pager
from tomed.pages.reader import readable
from tomed.pages.routes import Route, see_other
from tomed.pages.shelf import cover_url, short, tiles
from tomed.positions import canonical
from tomed.services import services, signed_in
from tomed.store import documents, events, readings

PER_PAGE = 48
WORDS_MAX = 200
LOG_MAX = 50
SESSIONS_MAX = 50
SORTS = ("title", "author", "series", "added", "read")
SAID = ("saved", "restored", "moved")


async def show_all(request: web.Request) -> web.StreamResponse:
    """Every book, or those of an author, a tag or a status."""
    return await _list(request, "/books")


async def search(request: web.Request) -> web.StreamResponse:
    """The same list, asked by words; the best fit first."""
    return await _list(request, "/search")


async def _list(request: web.Request, path: str) -> web.StreamResponse:
    asked = request.query
    q, author, tag, kind = (short(asked.get(name, "").strip(), WORDS_MAX) for name in ("q", "author", "tag", "kind"))
    status = asked.get("status", "") if asked.get("status") in tuple(Status) else ""
    orders = ("relevance", *SORTS) if q else SORTS
    sort = asked.get("sort", "") if asked.get("sort") in orders else orders[0]
    query = BookQuery(
        q=q,
        author=author,
        tag=tag,
        kind=kind,
        status=status,
        sort="" if sort == "relevance" else sort,
        page=page_number(request),
        per_page=PER_PAGE,
        user_id=signed_in(request).id,
    )
    store, searches = services(request).store, services(request).searches
    # words and tags may fit very many books: such a walk must not hold up everybody else's requests
    if q or tag or author:
        found = await store.query(lambda c: catalog.books(c, query, searches))
    else:
        found = store.read(lambda c: catalog.books(c, query))
    kinds = store.read(catalog.kinds)
    kept = {"author": author, "tag": tag}
    chosen = kept | {"kind": kind, "q": q, "status": status, "sort": sort if sort != orders[0] else ""}
    say = request.config_dict[LAYOUT].say
    heading = say("books.all")
    if q or path == "/search":
        heading = say("books.searched", words=q) if q else say("books.search")
    elif author:
        heading = say("books.by", name=author)
    elif tag:
        heading = say("books.tagged", name=tag)
    return page(
        request,
        "books.html",
        here="books",
        heading=heading,
        action=path,
        kept=[(name, value) for name, value in kept.items() if value],
        q=q,
        kind=kind,
        kinds=kinds if len(kinds) > 1 or kind else [],
        status=status,
        statuses=tuple(Status),
        sort=sort,
        sorts=orders,
        total=found.total,
        books=tiles(request, found.items),
        pager=pager(
            found.page,
            found.total,
            PER_PAGE,
            lambda number: url(request, path, **chosen, page=number if number > 1 else None),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look at the store tells of a book."""

    book: Book
    reading: readings.Reading
    description: str
    before: Book | None
    after: Book | None
    log: list[tuple[int, PositionEntry]]
    sessions: Page[Session]
    files: list[documents.Document]


async def show(request: web.Request) -> web.StreamResponse:
    """One book: cover, description, files, series, status and rating, sessions and the position log."""
    user, uuid = signed_in(request), request.match_info["book_uuid"]
    session_page, log_page = page_number(request, "sessions"), page_number(request, "log")

    def look(connection: apsw.Connection) -> _Seen:
        book = catalog.book(connection, uuid)
        before, after = _neighbours(connection, book)
        asked = events.SessionQuery(user.id, book.id, page=session_page, per_page=SESSIONS_MAX)
        return _Seen(
            book,
            readings.find(connection, user.id, book.id),
            catalog.description(connection, book.id),
            before,
            after,
            events.position_log(connection, user.id, book.id, LOG_MAX + 1, (log_page - 1) * LOG_MAX),
            events.sessions(connection, asked),
            documents.of_book(connection, user.id, book.id),
        )

    seen = services(request).store.read(look)
    said, book = request.query.get("said", ""), seen.book
    return page(
        request,
        "book.html",
        here="books",
        said=said if said in SAID else "",
        book=book,
        cover=cover_url(services(request).config.base_path, book, "large"),
        status=seen.reading.status,
        statuses=tuple(Status),
        fraction=seen.reading.fraction if seen.reading.position or seen.reading.status is not Status.NEW else None,
        rating=seen.reading.rating or 0,
        readable=[] if book.gone else readable(book),
        tags=book.tags,
        description=Markup(seen.description),  # noqa: S704  cleaned by catalog.description
        before=seen.before,
        after=seen.after,
        sessions=seen.sessions.items,
        pager=pager(
            session_page, seen.sessions.total, SESSIONS_MAX, lambda n: url(request, "/books", uuid, sessions=n)
        ),
        log=seen.log[:LOG_MAX],
        canonical=canonical,
        log_page=log_page,
        later=url(request, "/books", uuid, log=log_page - 1) if log_page > 1 else "",
        earlier=url(request, "/books", uuid, log=log_page + 1) if len(seen.log) > LOG_MAX else "",
        files=[(one.id, file_name(one.clues)) for one in seen.files],
        facts=list(_facts(request, seen)),
    )


def _neighbours(connection: apsw.Connection, book: Book) -> tuple[Book | None, Book | None]:
    if book.series_id is None:
        return None, None
    row = catalog.books(connection, BookQuery(series=str(book.series_id), sort="series", per_page=200)).items
    places = [number for number, other in enumerate(row) if other.id == book.id]
    if not places:
        return None, None
    place = places[0]
    return (row[place - 1] if place else None), (row[place + 1] if place + 1 < len(row) else None)


def _facts(request: web.Request, seen: _Seen) -> Iterator[tuple[str, Any]]:
    zone, book = zone_of(signed_in(request)), seen.book
    for name, at in (("started", seen.reading.started_at), ("finished", seen.reading.finished_at)):
        if at is not None:
            yield name, day(at, zone)
    if book.published_at is not None and book.published_at > -59_000_000_000_000:  # Calibre's "unknown" is the year 101
        yield "published", day(book.published_at, zone)
    if book.added_at:
        yield "added", day(book.added_at, zone)
    if book.languages:
        yield "languages", ", ".join(book.languages)
    if book.kind != "book":
        yield "kind", book.kind
    if book.identifiers:
        yield "identifiers", ", ".join(f"{scheme}: {value}" for scheme, value in book.identifiers.items())
    if book.formats:
        yield "file", ", ".join(f"{one.name}.{one.format.lower()}" for one in book.formats)


async def keep_verdict(request: web.Request) -> web.StreamResponse:
    """Keep what a person says of a book: its status, its rating. What did not change is not said again."""
    form = await read_form(request)
    user, uuid = signed_in(request), request.match_info["book_uuid"]
    at_hand, now = services(request), services(request).clock()
    status, rating = form.get("status", ""), form.get("rating", "0")
    if status not in tuple(Status) or not (rating.isascii() and rating.isdecimal() and len(rating) < 3):
        raise Invalid("This is no status or no rating.")
    if int(rating) > 10:
        raise Invalid("A rating has at most five stars.")

    def work(connection: apsw.Connection) -> None:
        book = catalog.book(connection, uuid)
        before = readings.find(connection, user.id, book.id)
        told = reading.StatusTold(
            id=str(uuids.uuid4()),
            at=now,
            clues=Clues(book_uuid=book.uuid),
            status=Status(status) if status != before.status else None,
            rating=int(rating) if int(rating) != (before.rating or 0) else None,
        )
        if told.status is not None or told.rating is not None:
            reading.record(connection, at_hand.resolve, reading.Reporter(user.id), [told], now)

    await at_hand.store.write(work)
    raise see_other(request, "/books", uuid, said="saved")


async def restore(request: web.Request) -> web.StreamResponse:
    """Go back to an entry of the position log."""
    form = await read_form(request)
    user, uuid, now = signed_in(request), request.match_info["book_uuid"], services(request).clock()
    position_id = _row_id(form.get("position_id", ""))
    event_id = str(uuids.uuid4())
    await services(request).store.write(lambda c: reading.restore(c, user.id, position_id, event_id, now))
    services(request).scaling.wake()
    raise see_other(request, "/books", uuid, said="restored")


def _row_id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise NotFound("There is no such entry.")
    return int(text)


ROUTES = (
    Route("GET", "/books", show_all),
    Route("GET", "/search", search),
    Route("GET", "/books/{book_uuid}", show),
    Route("POST", "/books/{book_uuid}/verdict", keep_verdict),
    Route("POST", "/books/{book_uuid}/restore", restore),
)
