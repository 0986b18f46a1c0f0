"""Small covers for the pages; their address changes with the book, so a browser may keep them."""

from __future__ import annotations

from aiohttp import web

from tomed import catalog
from tomed.covers import SIZES, SVG, SVG_POLICY
from tomed.errors import NotFound
from tomed.pages.routes import Route
from tomed.services import services

KEEP = "private, max-age=2592000, immutable"


async def show(request: web.Request) -> web.StreamResponse:
    """The cover in one of the known sizes; a typographic one when the book has none that can be shown."""
    uuid, size = request.match_info["book_uuid"], request.match_info["size"]
    if size not in SIZES:
        raise NotFound("There is no such size.")
    at_hand = services(request)
    book = at_hand.store.read(lambda c: catalog.book(c, uuid))
    file = await at_hand.files.cover(book)
    cover = await at_hand.covers.get(book.uuid, file, size, title=book.title, authors=book.authors)
    headers = {
        "Cache-Control": KEEP if "v" in request.query else "private, no-cache",
        "Content-Type": cover.content_type,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Security-Policy": SVG_POLICY if cover.content_type == SVG else "default-src 'none'",
    }
    return web.FileResponse(cover.path, headers=headers)


ROUTES = (Route("GET", "/covers/{book_uuid}/{size}", show),)
