"""A browser without JavaScript, in front of the application: follows links, sends forms as they stand in the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import lxml.html
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

from tomed.clock import now_ms
from tomed.passwords import hash_password
from tomed.services import Services
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
