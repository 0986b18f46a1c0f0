"""Behind a reverse proxy: who asked, under which scheme and host, as told by a proxy that the owner trusts.

Only a request that comes from one of the configured networks is believed; from anybody else the headers
``X-Forwarded-For``, ``-Proto`` and ``-Host`` are words of a stranger and ignored.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HOST = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
"""What may be a host in an address: nothing that could end up as markup, a path or a second header."""


def believe(networks: Sequence[str]) -> Middleware:
    """A middleware that gives a request the client, scheme and host that a proxy of ``networks`` tells of."""
    trusted = tuple(ipaddress.ip_network(network) for network in networks)

    def is_trusted(address: str | None) -> bool:
        try:
            found = ipaddress.ip_address((address or "").partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped.version == network.version and mapped in network for network in trusted)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not trusted or not is_trusted(request.remote):
            return await handler(request)
        told: dict[str, str] = {}
        scheme = _first(request, "X-Forwarded-Proto").lower()
        if scheme in ("http", "https"):
            told["scheme"] = scheme
        host = _first(request, "X-Forwarded-Host")
        if HOST.fullmatch(host):
            told["host"] = host
        chain = [part.strip() for part in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")]
        for address in reversed([part for part in chain if part]):
            told["remote"] = address
            if not is_trusted(address):
                break
        return await handler(request.clone(**told) if told else request)  # type: ignore[arg-type]

    return middleware


def _first(request: web.Request, name: str) -> str:
    return request.headers.get(name, "").split(",")[0].strip()
