"""What a page's module says of its addresses, and who may open them."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from tomed.errors import Forbidden, Unauthorized
from tomed.pages.links import url
from tomed.services import TOKEN, USER

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Access = Literal["anyone", "user", "admin"]


@dataclass(frozen=True, slots=True)
class Route:
    """One address. ``GET`` never changes anything; what changes something is a ``POST`` that reads its form."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    access: Access = "user"


def guard(route: Route) -> Handler:
    """The handler behind its door: who is not signed in is led to the sign-in page and back."""

    @functools.wraps(route.handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        token = request.get(TOKEN)
        if token is not None and token.kind != "web":  # a device's key opens no page: it could add people or keys there
            del request[USER]
        if route.access != "anyone":
            check(request, route.access)
        return await route.handler(request)

    return guarded


def check(request: web.Request, access: Access) -> None:
    """Raise a redirect to sign-in, or Forbidden."""
    user = request.get(USER)
    if user is None:
        if request.method not in ("GET", "HEAD"):
            raise Unauthorized("Your session has ended. Sign in again.")
        raise web.HTTPSeeOther(url(request, "/sign-in", next=back_to(request)))
    if access == "admin" and not user.is_admin:
        raise Forbidden("Only the household's admin may do this.")


def back_to(request: web.Request) -> str:
    """The path to come back to, under our prefix; nothing for the start page."""
    asked = request.rel_url.raw_path_qs
    return "" if asked == "/" else asked


def see_other(request: web.Request, path: str, *parts: object, **query: object) -> web.HTTPSeeOther:
    """The answer to a form that was done: look there (so that reloading repeats nothing)."""
    return web.HTTPSeeOther(url(request, path, *parts, **query))
