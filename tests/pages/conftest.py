"""A signed-in browser without JavaScript, in front of the whole application on a library made here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from tests.browser import Browser
from tests.libraries import LibraryFixture
from tomed.app import build_app
from tomed.config import Config, LibraryConfig
from tomed.services import SERVICES


@pytest.fixture
async def browser_of(tmp_path) -> AsyncIterator[Callable[..., Any]]:
    """Makes browsers in front of a fresh daemon; call it again with ``beside=`` for a second browser."""
    clients: list[TestClient] = []

    async def make(
        library: LibraryFixture | None = None,
        *,
        beside: Browser | None = None,
        public_url: str = "",
        trusted_proxies: tuple[str, ...] = (),
    ) -> Browser:
        if beside is not None:
            client = TestClient(beside.client.server, cookie_jar=CookieJar(unsafe=True))
            clients.append(client)
            return Browser(client, beside.prefix, beside.services)
        libraries = (LibraryConfig(library.folder, "Books"),) if library else ()
        data = tmp_path / f"data{len(clients)}"
        config = Config(libraries=libraries, data=data, public_url=public_url, trusted_proxies=trusted_proxies)
        app = build_app(config)
        client = TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True))
        clients.append(client)
        await client.start_server()
        browser = Browser(client, config.base_path, app[SERVICES])
        await browser.services.indexer.settled()
        return browser

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
async def browser(browser_of, library) -> Browser:
    """Ann's browser, signed in; she is the household's admin."""
    made = await browser_of(library)
    await made.add_user("ann", is_admin=True)
    page = await made.sign_in()
    assert page.status == 200, page.text
    return made
