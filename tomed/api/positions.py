"""``/books/{book_uuid}/position``: where the asking user stands in a book."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
from aiohttp import web

from tomed import catalog, reading
from tomed.api import requests, shapes
from tomed.errors import Invalid
from tomed.model import Book, DeviceId, LocatorKind
from tomed.services import TOKEN, Services, services, signed_in
from tomed.store import devices, readings, tokens
from tomed.store.tokens import Token


async def get_position(request: web.Request) -> web.Response:
    """The current position; ``?kind=`` asks for a locator that this reader understands."""
    at_hand, user = services(request), signed_in(request)
    kind = _kind(request.query.get("kind", ""))
    book, found = at_hand.store.read(lambda c: _find(c, request.match_info["book_uuid"], user.id))
    return shapes.answer({"position": await offered(at_hand, found, kind, book)})


async def put_position(request: web.Request) -> web.Response:
    """Record a position; it is on disk when the answer leaves, and tells whether it is the current one now."""
    at_hand, user = services(request), signed_in(request)
    told, client_now = requests.put_position(await requests.json_bytes(request), request.match_info["book_uuid"])
    now = at_hand.clock()

    def work(connection: apsw.Connection) -> readings.Reading:
        book_id = catalog.book_id(connection, told.clues.book_uuid)
        device_id = _device(connection, user.id, request[TOKEN], now)
        reporter = reading.Reporter(user.id, device_id, reading.clock_offset(client_now, now))
        return reading.record_position(connection, at_hand.resolve, reporter, told, book_id, now)

    found = await at_hand.store.write(work)
    at_hand.scaling.wake()
    accepted = found.position is not None and found.position.event_id == told.id
    current = await offered(at_hand, found, told.locator.kind if told.locator else None)
    return shapes.answer({"accepted": accepted, "current": current})


async def offered(
    at_hand: Services, found: readings.Reading, kind: LocatorKind | None, book: Book | None = None
) -> dict[str, Any] | None:
    """Where a user stands, with a locator of ``kind`` if there is one that is good enough.

    ``book`` saves a look-up when it is at hand; only a translation needs it.
    """
    if found.position is None:
        return None

    async def file() -> Path | None:
        epub = await at_hand.files.epub(book) if book else await at_hand.files.epub_of(found.book_id)
        return epub.path if epub else None

    return shapes.of_position(found, await at_hand.places.offer(found.position, kind, file))


def _find(connection: apsw.Connection, book_uuid: str, user_id: int) -> tuple[Book, readings.Reading]:
    book = catalog.book(connection, book_uuid)
    return book, readings.find(connection, user_id, book.id)


def _kind(text: str) -> LocatorKind | None:
    if not text:
        return None
    if text not in list(LocatorKind):
        raise Invalid(f"kind: must be one of {', '.join(LocatorKind)}.")
    return LocatorKind(text)


def _device(connection: apsw.Connection, user_id: int, token: Token, now: int) -> DeviceId:
    if token.device_id is not None:
        return token.device_id
    device_id = devices.of_token(connection, user_id, token.id, token.name, now)
    tokens.bind_device(connection, token.id, device_id)
    return device_id
