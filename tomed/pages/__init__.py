"""The pages: the same use cases as the API, as plain HTML that is complete without JavaScript.

One module a noun; each names its addresses in ``ROUTES``. A page of another room is added the same way:
handlers that call ``layout.page``, a ``ROUTES`` tuple, and its name in ``setup`` below.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from tomed.api.auth import find_token, public
from tomed.api.refusals import ERROR_PAGE
from tomed.pages import (
    authors,
    books,
    covers,
    devices,
    export,
    history,
    home,
    inbox,
    reader,
    series,
    settings,
    signing_in,
    sittings,
    statistics,
    users,
)
from tomed.pages.assets import Assets
from tomed.pages.layout import LAYOUT, Layout, environment, page
from tomed.pages.routes import Route, guard
from tomed.pages.strings import load
from tomed.services import SERVICES, USER, services

MODULES = (
    signing_in,
    home,
    books,
    series,
    authors,
    covers,
    reader,
    devices,
    inbox,
    settings,
    users,
    export,
    statistics,
    sittings,
    history,
)

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="5" fill="#7a2e1d"/>'
    '<path d="M7 8h8v16H7zM17 8h3v16h-3zM22 10l3-1 4 15-3 1z" fill="#fbfaf6"/></svg>'
)


def setup(app: web.Application, *, templates_dir: Path, static_dir: Path) -> None:
    """Add every page. Beside ``templates_dir`` lie ``strings`` and ``css``; ``static_dir`` may not be built."""
    beside = templates_dir.parent
    assets = Assets(static_dir, (beside / "css" / "site.css",))
    app[LAYOUT] = Layout(environment(templates_dir), assets, load(beside / "strings"))
    app[devices.OFFERS] = devices.Offers()
    app[history.UPLOADS] = history.open_uploads(app[SERVICES])
    app[ERROR_PAGE] = error_page
    for module in MODULES:
        for route in module.ROUTES:
            add(app, route)
    app.router.add_get("/assets/{path:.+}", public(_asset))
    app.router.add_get("/icon.svg", public(_icon))


def add(app: web.Application, route: Route) -> None:
    """Add one address; GET answers HEAD too."""
    app.router.add_route(route.method, route.path, guard(route))
    if route.method == "GET":
        app.router.add_route("HEAD", route.path, guard(route))


async def error_page(request: web.Request, status: int, sentence: str) -> web.StreamResponse:
    """What went wrong, for a person: used for every path outside the API.

    An address that does not exist has not been asked who it is; whoever is signed in keeps the navigation.
    """
    if USER not in request and "Authorization" not in request.headers:
        found = find_token(request, services(request))
        if found is not None and found[0].kind == "web":
            request[USER] = found[1]
    say = request.config_dict[LAYOUT].say
    heading = {404: "error.not_found", 403: "error.forbidden", 400: "error.invalid"}.get(status, "error.other")
    return page(request, "error.html", http_status=status, heading=say(heading), sentence=sentence)


async def _asset(request: web.Request) -> web.StreamResponse:
    return request.config_dict[LAYOUT].assets.answer(request, request.match_info["path"])


async def _icon(_: web.Request) -> web.StreamResponse:
    headers = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return web.Response(text=ICON, content_type="image/svg+xml", headers=headers)
