"""``/authors`` and ``/tags``: names that books can be asked for by."""

from __future__ import annotations

from collections.abc import Callable

import apsw
from aiohttp import web

from tomed import catalog
from tomed.api import requests, shapes
from tomed.model import NameView, Page
from tomed.services import services


async def list_authors(request: web.Request) -> web.Response:
    """A page of authors with the number of their books."""
    return await _list(request, "authors", catalog.authors)


async def list_tags(request: web.Request) -> web.Response:
    """A page of tags with the number of their books."""
    return await _list(request, "tags", catalog.tags)


async def _list(
    request: web.Request, key: str, names: Callable[[apsw.Connection, int, int], Page[NameView]]
) -> web.Response:
    page, per_page = requests.number(request, "page", 1), requests.number(request, "per_page", 50, high=200)
    found = services(request).store.read(lambda c: names(c, page, per_page))
    listed = [{"name": view.name, "books": view.books} for view in found.items]
    return shapes.answer({key: listed, "total": found.total, "page": found.page, "per_page": found.per_page})
