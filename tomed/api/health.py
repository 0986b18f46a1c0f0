"""``GET /health``: is it there, and how is the library?"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tomed import API_VERSION, __version__
from tomed.api import shapes
from tomed.api.auth import public
from tomed.clock import format_at
from tomed.indexing import LibraryView
from tomed.services import services


@public
async def health(request: web.Request) -> web.Response:
    """Needs no token and tells nothing about people or books but their number."""
    views = [_library(view) for view in services(request).indexer.views()]
    first = (
        {key: value for key, value in views[0].items() if key != "name"}
        if views
        else {"state": "missing", "books": 0, "indexed_at": None}
    )
    return shapes.answer(
        {"service": "tomed", "version": __version__, "api": API_VERSION, "library": first, "libraries": views}
    )


def _library(view: LibraryView) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "name": view.name,
        "state": view.state,
        "books": view.books,
        "indexed_at": format_at(view.indexed_at) if view.indexed_at is not None else None,
    }
    if view.progress is not None:
        shape["progress"] = round(view.progress, 3)
    return shape
