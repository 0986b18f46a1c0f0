"""Series: all of them, and one with its books in order."""

from __future__ import annotations

import apsw
from aiohttp import web

from tomed import catalog
from tomed.errors import NotFound
from tomed.model import Book, BookQuery, Page, SeriesView
from tomed.pages.layout import page
from tomed.pages.links import url
from tomed.pages.paging import page_number, pager
from tomed.pages.routes import Route
from tomed.pages.shelf import tiles
from tomed.services import services, signed_in

PER_PAGE = 60
BOOKS_PER_PAGE = 60


async def show_all(request: web.Request) -> web.StreamResponse:
    """All series by name, with how much of each is read and what is next."""
    user_id, number = signed_in(request).id, page_number(request)
    found = services(request).store.read(lambda c: catalog.series_list(c, user_id, page=number, per_page=PER_PAGE))
    return page(
        request,
        "series-list.html",
        here="series",
        series=found.items,
        total=found.total,
        pager=pager(found.page, found.total, PER_PAGE, lambda n: url(request, "/series", page=n)),
    )


async def show(request: web.Request) -> web.StreamResponse:
    """One series."""
    text, user_id = request.match_info["series_id"], signed_in(request).id
    if len(text) > 15:
        raise NotFound("There is no such series.")
    number = page_number(request)

    def look(connection: apsw.Connection) -> tuple[SeriesView, Page[Book]]:
        query = BookQuery(series=text, sort="series", page=number, per_page=BOOKS_PER_PAGE, user_id=user_id)
        return catalog.series_view(connection, int(text), user_id), catalog.books(connection, query)

    view, found = services(request).store.read(look)
    return page(
        request,
        "series.html",
        here="series",
        view=view,
        books=tiles(request, found.items, numbered=True),
        pager=pager(found.page, found.total, BOOKS_PER_PAGE, lambda n: url(request, "/series", text, page=n)),
    )


ROUTES = (
    Route("GET", "/series", show_all),
    Route("GET", r"/series/{series_id:\d+}", show),
)
