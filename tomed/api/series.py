"""``/series``: series as a device wants them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tomed import catalog
from tomed.api import requests, shapes
from tomed.errors import NotFound
from tomed.model import SeriesView
from tomed.services import services, signed_in


async def list_series(request: web.Request) -> web.Response:
    """A page of series by name, with how many of their books are read and what is next."""
    at_hand, user = services(request), signed_in(request)
    page, per_page = requests.number(request, "page", 1), requests.number(request, "per_page", 50, high=200)
    found = await at_hand.store.query(lambda c: catalog.series_list(c, user.id, page, per_page))
    return shapes.answer(
        {
            "series": [_series(view) for view in found.items],
            "total": found.total,
            "page": found.page,
            "per_page": found.per_page,
        }
    )


async def get_series(request: web.Request) -> web.Response:
    """One series with its books in the order of ``series_index``: 1, 1.5, 2, 10."""
    at_hand, user = services(request), signed_in(request)
    key = request.match_info["series_id"]
    if not key.isdecimal() or len(key) > 12:
        raise NotFound("There is no such series.")
    view, books = at_hand.store.read(lambda c: catalog.series(c, int(key), user.id))
    return shapes.answer(_series(view) | {"books": [shapes.of_book(book) for book in books]})


def _series(view: SeriesView) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "series_id": view.id,
        "name": view.name,
        "kind": view.kind,
        "books": view.books,
        "authors": view.authors,
        "read": view.read,
    }
    return shape | {"next": shapes.of_book(view.next)} if view.next is not None else shape
