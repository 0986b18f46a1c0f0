"""A signed-in browser without JavaScript, in front of the whole application on a library made here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import lxml.html
import pytest
from aiohttp import ClientResponse, CookieJar
from aiohttp.test_utils import TestClient, TestServer

from tests.libraries import LibraryFixture
from tomed.app import build_app
from tomed.clock import now_ms
from tomed.config import Config, LibraryConfig
from tomed.passwords import hash_password
from tomed.services import SERVICES, Services
from tomed.store import users

PASSWORD = "correct horse"
HASH = hash_password(PASSWORD)


@dataclass
class Sheet:
    """A page as a browser got it."""

    status: int
    headers: Any
    text: str
    url: str

    @property
    def tree(self) -> lxml.html.HtmlElement:
        return lxml.html.document_fromstring(self.text)

    def texts(self, selector: str) -> list[str]:
        """The text of the elements that a CSS-like XPath finds, blanks folded."""
        return [" ".join(element.text_content().split()) for element in self.tree.xpath(selector)]

    @property
    def said(self) -> str:
        """Everything a person reads in the main part."""
        (main,) = self.tree.xpath("//main")
        return " ".join(main.text_content().split())

    @property
    def links(self) -> list[str]:
        return self.tree.xpath("//a/@href")


@dataclass
class Browser:
    """A browser of the simple kind: follows links and sends forms as they stand in the page."""

    client: TestClient
    prefix: str = ""
    services: Services = field(repr=False, default=None)  # type: ignore[assignment]

    @property
    def origin(self) -> str:
        return str(self.client.make_url("/")).rstrip("/")

    async def get(self, path: str, **more: Any) -> Sheet:
        async with self.client.get(self.prefix + path, headers={"Accept": "text/html"} | more) as answer:
            return await _sheet(answer)

    async def send(
        self,
        page: Sheet,
        action: str,
        *,
        headers: dict[str, str | None] | None = None,
        follow: bool = True,
        **said: str,
    ) -> Sheet:
        """Send the page's first form whose action ends in ``action``, with these fields changed."""
        forms = page.tree.xpath("//form[@method='post']")
        form = next(one for one in forms if (one.get("action") or page.url).endswith(action))
        sent = {"Origin": self.origin, "Accept": "text/html"} | (headers or {})
        told = {name: value for name, value in sent.items() if value is not None}
        return await self.post(form.get("action") or page.url, dict(form.form_values()) | said, told, follow)

    async def post(self, path: str, fields: Any, headers: dict[str, str], follow: bool = True) -> Sheet:
        async with self.client.post(path, data=fields, headers=headers, allow_redirects=follow) as answer:
            return await _sheet(answer)

    async def sign_in(self, name: str = "ann", password: str = PASSWORD) -> Sheet:
        return await self.send(await self.get("/sign-in"), "/sign-in", name=name, password=password)

    async def add_user(self, name: str, *, is_admin: bool = False) -> int:
        return await self.services.store.write(lambda c: users.create(c, name, HASH, is_admin=is_admin, now=now_ms()))


async def _sheet(answer: ClientResponse) -> Sheet:
    return Sheet(answer.status, answer.headers, await answer.text(errors="replace"), answer.url.raw_path_qs)


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
