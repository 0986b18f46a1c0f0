"""The library's front page: what is being read, what is new, the series one is in."""

from __future__ import annotations

from typing import Any

import apsw
from aiohttp import web

from tomed import catalog
from tomed.model import Book, BookQuery, LibraryState, SeriesView
from tomed.pages.layout import page
from tomed.pages.routes import Route
from tomed.pages.shelf import tiles
from tomed.services import services, signed_in
from tomed.store import documents, readings, tokens

READING_MAX = 12
RECENT_MAX = 18
SERIES_MAX = 12


async def show(request: web.Request) -> web.StreamResponse:
    """The front page. One short look at the store: every part is a handful of indexed rows."""
    user_id = signed_in(request).id

    def look(connection: apsw.Connection) -> dict[str, Any]:
        being_read = [book_id for book_id, _, _ in readings.continue_reading(connection, user_id, READING_MAX)]
        known = catalog.books_by_id(connection, being_read, user_id=user_id)
        reading = [known[book_id] for book_id in being_read if book_id in known]
        recent = catalog.books(connection, BookQuery(sort="added", per_page=RECENT_MAX, user_id=user_id))
        return {
            "reading": reading,
            "recent": recent.items,
            "total": recent.total,
            "series": _series(connection, user_id, reading),
            "unmatched": documents.count_waiting(connection, user_id),
            "devices": bool(tokens.of_user(connection, user_id, "device")),
        }

    found = services(request).store.read(look)
    troubled = [
        {"name": view.name, "state": view.state, "percent": int((view.progress or 0) * 100)}
        for view in services(request).indexer.views()
        if view.state is not LibraryState.READY
    ]
    found["reading"] = tiles(request, found["reading"])
    found["recent"] = tiles(request, found["recent"])
    return page(request, "home.html", here="home", troubled=troubled, **found)


def _series(connection: apsw.Connection, user_id: int, reading: list[Book]) -> list[SeriesView]:
    """The series of the books being read, then others from the list's beginning."""
    wanted = list(dict.fromkeys(book.series_id for book in reading if book.series_id is not None))
    first = [catalog.series_view(connection, series_id, user_id) for series_id in wanted[:SERIES_MAX]]
    rest = catalog.series_list(connection, user_id, page=1, per_page=SERIES_MAX).items
    return [*first, *(one for one in rest if one.id not in wanted)][:SERIES_MAX]


ROUTES = (Route("GET", "/", show),)
