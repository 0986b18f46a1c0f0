"""Every address that a page writes is made here, so that a path prefix or a proxy changes one place."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode, urlsplit

from aiohttp import web

from tomed.proxies import HOST
from tomed.services import services


def join(base_path: str, path: str, *parts: object, **query: object) -> str:
    """``base_path`` + ``path`` + quoted ``parts`` as further segments + the ``query`` values that are not empty."""
    address = base_path + path + "".join("/" + quote(str(part), safe="") for part in parts)
    asked = {name: value for name, value in query.items() if value not in (None, "", False)}
    return f"{address}?{urlencode(asked)}" if asked else address


def url(request: web.Request, path: str, *parts: object, **query: object) -> str:
    """``join`` under the prefix that this daemon is served at."""
    return join(services(request).config.base_path, path, *parts, **query)


def origins(request: web.Request) -> tuple[str, ...]:
    """The origins that are this daemon's own: the configured one first, then the one the browser named."""
    found = []
    public = urlsplit(services(request).config.public_url)
    if public.netloc:
        found.append(f"{public.scheme}://{public.netloc}")
    if HOST.fullmatch(request.host or ""):
        found.append(f"{request.scheme}://{request.host}")
    return tuple(dict.fromkeys(found))


def scripts(request: web.Request) -> str:
    """Where scripts may come from, for a policy: ``/assets/`` alone, for a book's own bytes lie in the same origin."""
    base_path = services(request).config.base_path
    return " ".join(origin + join(base_path, "/assets/") for origin in origins(request)) or "'none'"


def address(request: web.Request) -> str:
    """The daemon's address as a device should be told: the configured one, else the checked one of the browser.

    Empty when neither is known (a Host header that is no host name).
    """
    config = services(request).config
    if config.public_url:
        return str(config.public_url)
    known = origins(request)
    return known[0] + config.base_path if known else ""


def inside(target: str) -> bool:
    """Whether ``target`` is a path of ours, fit to be returned to after signing in."""
    return bool(re.fullmatch(r"/(?![/\\])[!-~]*", target)) and "\\" not in target
