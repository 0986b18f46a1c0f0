"""Who asks: a bearer token, or a browser's session cookie. Used by the API and by the pages."""

from __future__ import annotations

import asyncio
import logging
from typing import TypeVar
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from tomed.clock import Clock
from tomed.errors import Forbidden, TomedError, Unauthorized
from tomed.model import User
from tomed.services import SERVICES, TOKEN, USER, Services
from tomed.store import tokens
from tomed.store.db import Store
from tomed.store.tokens import Token

log = logging.getLogger(__name__)

COOKIE = "tomed_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

H = TypeVar("H")


def is_api(request: web.Request) -> bool:
    """Whether a request speaks the API, with or without the path prefix of a reverse proxy."""
    base = request.app[SERVICES].config.base_path
    return request.path.removeprefix(base).startswith("/api/")


def find_token(request: web.Request, services: Services) -> tuple[Token, User] | None:
    """The token of a request and its user. A wrong bearer token is an error, a stale cookie is nobody.

    Raises:
        Unauthorized: the Authorization header holds no valid token.
    """
    now = services.clock()
    header = request.headers.get("Authorization", "")
    if header:
        scheme, _, secret = header.partition(" ")
        found = _find(services, secret.strip(), now) if scheme.lower() == "bearer" else None
        if found is None:
            raise Unauthorized("This token is unknown or was revoked. Make a new one on the devices page.")
        return found
    secret = request.cookies.get(COOKIE, "")
    return _find(services, secret, now) if secret else None


def _find(services: Services, secret: str, now: int) -> tuple[Token, User] | None:
    secret_hash = tokens.digest(secret)
    found = services.store.trust(secret_hash, lambda c: tokens.find(c, secret, now))
    if found is None or (found[0].expires_at is not None and found[0].expires_at <= now):
        return None
    return found


def own_origins(request: web.Request, services: Services) -> set[str]:
    """Hosts (with port) under which this daemon is being used."""
    hosts = {request.host.lower()}
    if services.config.public_url:
        hosts.add(urlsplit(services.config.public_url).netloc.lower())
    return hosts


def check_origin(request: web.Request, services: Services) -> None:
    """Refuse a cookie's request that another site caused.

    Raises:
        Forbidden: it comes from elsewhere.
    """
    origin = request.headers.get("Origin")
    if origin is not None:
        if urlsplit(origin).netloc.lower() not in own_origins(request, services):
            raise Forbidden("This request comes from another site. Behind a reverse proxy, set public_url.")
    elif request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("This request comes from another site.")


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Put the token and its user on the request; refuse API calls without one."""
    services = request.app[SERVICES]
    if request.match_info.http_exception is not None:  # no such route: nothing to protect, and 404 says more than 401
        return await handler(request)
    api = is_api(request)
    public = getattr(request.match_info.handler, "public", False)
    found = None if public else find_token(request, services)
    if found is not None:
        request[TOKEN], request[USER] = found
        request.app[USES].note(found[0])
    if api and not public:
        if USER not in request:
            raise Unauthorized("Send a token: Authorization: Bearer TOKEN.")
        if request.method not in SAFE_METHODS and "Authorization" not in request.headers:
            if request.content_type != "application/json":
                raise TomedError("Send JSON, with Content-Type: application/json.", code="unsupported_type")
            check_origin(request, services)
    return await handler(request)


def public(handler: H) -> H:
    """Mark a handler that needs no token."""
    handler.public = True  # type: ignore[attr-defined]
    return handler


class TokenUses:
    """Notes the last use of tokens now and then, in the background: for people to look at, never waited for."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._noted: dict[int, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, token: Token) -> None:
        """A token was used just now."""
        now = self._clock()
        last = max(self._noted.get(token.id, 0), token.last_used_at or 0)
        if now - last < tokens.TOUCH_MS:
            return
        self._noted[token.id] = now
        task = asyncio.ensure_future(self._write(token.id, now))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, token_id: int, now: int) -> None:
        try:
            await self._store.write(lambda c: tokens.touch(c, token_id, now))
        except TomedError as err:
            log.warning("The last use of a token was not noted: %s", err.message)

    async def settle(self) -> None:
        """Wait for what is still being written."""
        await asyncio.gather(*self._tasks)


USES: web.AppKey[TokenUses] = web.AppKey("token_uses", TokenUses)
