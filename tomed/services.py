"""Everything a request handler may need, in one typed place of the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from tomed.clock import Clock
from tomed.config import Config
from tomed.covers import Covers
from tomed.files import Files
from tomed.indexing import Indexer
from tomed.model import User
from tomed.pairing import Pairing
from tomed.places import Places
from tomed.reading import Resolve
from tomed.scaling import Scaling
from tomed.signing_in import SignIn
from tomed.store.db import Store
from tomed.store.searches import Searches
from tomed.store.tokens import Token


@dataclass(frozen=True, slots=True)
class Services:
    """What ``app.py`` has opened for the handlers of ``api/`` and ``pages/``."""

    config: Config
    clock: Clock
    store: Store
    indexer: Indexer
    resolve: Resolve
    sign_in: SignIn
    files: Files
    covers: Covers
    places: Places
    scaling: Scaling
    searches: Searches
    pairing: Pairing


USER: web.RequestKey[User] = web.RequestKey("user", User)
TOKEN: web.RequestKey[Token] = web.RequestKey("token", Token)
"""Who asks, on a request that passed ``tomed/api/auth.py``."""

SERVICES: web.AppKey[Services] = web.AppKey("services", Services)

ErrorPage = Callable[[web.Request, int, str], Awaitable[web.StreamResponse]]
"""Shows a person what went wrong: (request, HTTP status, sentence)."""


def services(request: web.Request) -> Services:
    """The services of the application that a request came to."""
    return request.app[SERVICES]


def signed_in(request: web.Request) -> User:
    """The user of a request that passed ``tomed/api/auth.py``."""
    return request[USER]
