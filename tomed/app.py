"""The wiring: the only place that knows everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from importlib import resources
from pathlib import Path

from aiohttp import web

from tomed import api, pages
from tomed.api.auth import USES, TokenUses, authenticate
from tomed.api.problem import problem
from tomed.api.refusals import refuse
from tomed.clock import Clock, now_ms
from tomed.config import Config
from tomed.covers import Covers
from tomed.files import Files
from tomed.fingerprints import Fingerprints
from tomed.indexing import Indexer, LibrarySource
from tomed.model import LibraryView
from tomed.pairing import Pairing
from tomed.places import Places
from tomed.proxies import believe
from tomed.resolving import resolve
from tomed.scaling import Scaling
from tomed.services import SERVICES, Services
from tomed.signing_in import SignIn
from tomed.store.aliases import remember_names
from tomed.store.db import Store
from tomed.store.searches import Searches
from tomed.waiting import Waiting

BACKGROUND: web.AppKey[tuple[Fingerprints, Waiting, Scaling]] = web.AppKey("background", tuple)
"""What goes on beside the requests, in the order in which it is ended."""

MAX_BODY = 2 * 1024 * 1024
"""Bytes of a request; uploads that may be larger read their stream themselves."""


def build_app(config: Config, clock: Clock = now_ms) -> web.Application:
    """The application, with everything opened that it needs; it is closed again when the runner cleans up.

    With a path prefix in ``config.public_url`` everything lies below that, and the root says so.

    Raises:
        StoreError: the data folder can't be used.
    """
    store = Store.open(config.database)
    proxied = [believe(config.trusted_proxies)] if config.trusted_proxies else []
    app = web.Application(middlewares=[refuse, *proxied, authenticate], client_max_size=MAX_BODY)
    places = Places()
    files = Files(store)
    scaling = Scaling(store, places, files.epub_of)
    waiting = Waiting(store, resolve, clock, on_placed=scaling.wake)
    fingerprints = Fingerprints(store, clock, on_found=waiting.again)

    def on_changed(view: LibraryView) -> None:
        waiting.look(view)
        fingerprints.look(view)
        scaling.look(view)

    app[SERVICES] = _open(config, clock, store, files, places, scaling, on_changed)
    app[USES] = TokenUses(store, clock)
    app[BACKGROUND] = (fingerprints, waiting, scaling)
    app.cleanup_ctx.append(_run)
    app.on_response_prepare.append(_as_it_says)
    api.setup(app)
    pages.setup(app, templates_dir=_shipped("templates"), static_dir=_shipped("static"))
    if not config.base_path:
        return app
    root = web.Application(middlewares=[refuse], client_max_size=MAX_BODY)
    root[SERVICES] = app[SERVICES]
    root.add_subapp(config.base_path, app)
    root.router.add_route("*", "/{path:.*}", _wrong_prefix)
    return root


def _open(
    config: Config,
    clock: Clock,
    store: Store,
    files: Files,
    places: Places,
    scaling: Scaling,
    on_changed: Callable[[LibraryView], None],
) -> Services:
    sources = [LibrarySource(library.path, library.name) for library in config.libraries]
    return Services(
        config=config,
        clock=clock,
        store=store,
        indexer=Indexer(
            store,
            sources,
            clock,
            rule=config.kinds,
            written=[remember_names],
            on_changed=on_changed,
            poll_s=config.poll_s,
        ),
        resolve=resolve,
        sign_in=SignIn(store, clock),
        files=files,
        covers=Covers(config.data / "covers"),
        places=places,
        scaling=scaling,
        searches=Searches(),
        pairing=Pairing(store, clock),
    )


async def _run(app: web.Application) -> AsyncIterator[None]:
    services = app[SERVICES]
    await services.indexer.start()
    yield
    await services.indexer.stop()
    for task in app[BACKGROUND]:
        await task.close()
    await services.places.close()
    services.covers.close()
    services.files.close()
    await app[USES].settle()
    await services.store.settle()
    services.store.close()


async def _as_it_says(_: web.Request, answer: web.StreamResponse) -> None:
    """No browser guesses what an answer is: JSON with a title in it must not become a page."""
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")


async def _wrong_prefix(request: web.Request) -> web.Response:
    prefix = request.config_dict[SERVICES].config.base_path
    sentence = (
        f"tomed is set up (public_url) to be at {prefix}/. Let the reverse proxy keep that path, or open it there."
    )
    return problem(404, "not_found", sentence)


def _shipped(name: str) -> Path:
    """A folder of the web assets: inside an installed package, or beside it in a checkout."""
    package = Path(str(resources.files("tomed")))
    inside = package / name
    return inside if inside.is_dir() or name == "static" else package.parent / "web" / name
