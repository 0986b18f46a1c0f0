"""Authors and tags: names with the number of their books."""

from __future__ import annotations

from aiohttp import web

from tomed import catalog
from tomed.pages.layout import LAYOUT, page
from tomed.pages.links import url
from tomed.pages.paging import page_number, pager
from tomed.pages.routes import Route
from tomed.services import services

PER_PAGE = 120


async def show_authors(request: web.Request) -> web.StreamResponse:
    """All authors, by the name they are sorted under."""
    return await _names(request, "authors", "author")


async def show_tags(request: web.Request) -> web.StreamResponse:
    """All tags."""
    return await _names(request, "tags", "tag")


async def _names(request: web.Request, word: str, field: str) -> web.StreamResponse:
    number = page_number(request)
    listed = catalog.authors if word == "authors" else catalog.tags
    found = services(request).store.read(lambda c: listed(c, page=number, per_page=PER_PAGE))
    names = [
        {"name": one.name, "books": one.books, "href": url(request, "/books", **{field: one.name})}
        for one in found.items
    ]
    return page(
        request,
        "names.html",
        here=word,
        heading=request.config_dict[LAYOUT].say(f"nav.{word}"),
        names=names,
        pager=pager(found.page, found.total, PER_PAGE, lambda n: url(request, f"/{word}", page=n)),
    )


ROUTES = (
    Route("GET", "/authors", show_authors),
    Route("GET", "/tags", show_tags),
)
