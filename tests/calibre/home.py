"""A household's whole application over a library that Calibre goes on working on: what its people see."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from tests.browser import Browser, Sheet
from tests.calibredb import fingerprint
from tests.libraries import LibraryFixture
from tomed import catalog
from tomed.app import build_app
from tomed.clock import now_ms
from tomed.config import Config, LibraryConfig
from tomed.fingerprints import partial_md5
from tomed.services import SERVICES
from tomed.store import tokens


class Home:
    """Ann's browser and her device, in front of one daemon."""

    def __init__(self, browser: Browser, folders: tuple[Path, ...], token: str) -> None:
        self.browser = browser
        self._folders = folders
        self._minutes = itertools.count()
        self._token = {"Authorization": f"Bearer {token}"}

    async def api(self, path: str, **query: str) -> Any:
        """The JSON that a device gets."""
        address = f"/api/v1{path}"
        async with self.browser.client.get(address, params=query, headers=self._token) as answer:
            return await answer.json(content_type=None)

    async def file(self, book_uuid: str, form: str = "EPUB") -> tuple[int, bytes]:
        """What a device gets that asks for a file: status and body."""
        address = f"/api/v1/books/{book_uuid}/formats/{form}"
        async with self.browser.client.get(address, headers=self._token) as answer:
            return answer.status, await answer.read()

    async def book(self, book_uuid: str) -> Any:
        """A book as the API tells it; its fraction in hundredths, as the daemon measures places anew by the text."""
        return _rounded((await self.api(f"/books/{book_uuid}"))["book"])

    async def books(self, **query: str) -> dict[str, Any]:
        """The books that a list has, by their uuid."""
        found = (await self.api("/books", per_page="100", **query))["books"]
        return {one["book_uuid"]: _rounded(one) for one in found}

    def calibre_id(self, book_uuid: str) -> int | None:
        """The number that Calibre has given the book."""
        return self.browser.services.store.read(lambda c: catalog.book(c, book_uuid)).calibre_id

    async def resolved(self, **clues: str) -> tuple[str, str]:
        """``(matched_by, book_uuid)``, or ``(code, "")`` where the answer is not certain."""
        answer = await self.api("/resolve", **clues)
        return (answer["matched_by"], answer["book"]["book_uuid"]) if "book" in answer else (answer["code"], "")

    async def reads(self, fraction: float, **file: Any) -> None:
        """The device tells where it is in a file."""
        event = {
            "type": "position", "id": str(uuid.uuid4()), "at": f"2026-05-01T20:{next(self._minutes):02}:00Z",
            "book": file, "fraction": fraction,
        }  # fmt: skip
        told = {"device": {"id": "kobo", "name": "Kobo"}, "events": [event]}
        async with self.browser.client.post("/api/v1/sync", json=told, headers=self._token) as answer:
            results = (await answer.json())["results"]
        assert [one["result"] for one in results] == ["accepted"], results

    async def page(self, path: str) -> Sheet:
        """A page as Ann's browser shows it."""
        sheet = await self.browser.get(path)
        assert sheet.status == 200, sheet.text
        return sheet

    async def after(self, work: Callable[[], object]) -> None:
        """Calibre does something; then everything is read, and reading has not changed a byte or a time stamp."""
        await asyncio.to_thread(work)
        await self.settled()

    async def settled(self) -> None:
        """Until the mirror has what Calibre has; asserts that the libraries are untouched by that."""
        before = await asyncio.to_thread(self._seen)
        await asyncio.wait_for(self.browser.services.indexer.settled(), 60)
        assert await asyncio.to_thread(self._seen) == before, "reading touched the library"

    async def knows(self, file: Path, book_uuid: str) -> str:
        """Waits until the bytes of ``file`` alone name this book; answers their hash."""
        with file.open("rb") as stream:
            md5 = partial_md5(stream)
        async with asyncio.timeout(30):
            while await self.resolved(partial_md5=md5, filename="renamed by the device.bin") != ("md5", book_uuid):
                await asyncio.sleep(0.05)
        return md5

    def _seen(self) -> list[dict[str, str]]:
        return [fingerprint(folder) for folder in self._folders]


def _rounded(book: dict[str, Any]) -> dict[str, Any]:
    return book | {"fraction": round(book["fraction"], 2)}


@asynccontextmanager
async def home_of(data: Path, *libraries: LibraryFixture) -> AsyncIterator[Home]:
    """The running application over ``libraries`` with its sidecar in ``data``."""
    named = tuple(LibraryConfig(library.folder, library.folder.name) for library in libraries)
    app = build_app(Config(libraries=named, data=data, poll_s=0.2))
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as client:
        browser = Browser(client, "", app[SERVICES])
        user_id = await browser.add_user("ann", is_admin=True)
        await browser.sign_in()
        token = await browser.services.store.write(lambda c: tokens.issue(c, user_id, "device", "Kobo", now_ms()))
        home = Home(browser, tuple(library.folder for library in libraries), token)
        await home.settled()
        yield home
