"""``/documents``: files that no rule placed, and what their reader says of them."""

from __future__ import annotations

from typing import Any

import apsw
from aiohttp import web

from tomed import catalog, inbox
from tomed.api import requests, shapes
from tomed.clock import format_at
from tomed.errors import Invalid, NotFound
from tomed.model import Candidate
from tomed.services import services, signed_in
from tomed.store.inbox import Waiting


async def list_documents(request: web.Request) -> web.Response:
    """A page of one's own files that wait for their book, with what they may be; ``?silenced=1`` the silenced ones."""
    at_hand, user = services(request), signed_in(request)
    page, per_page = requests.number(request, "page", 1), requests.number(request, "per_page", 50, high=200)
    silenced = request.query.get("silenced", "") not in ("", "0")

    def work(connection: apsw.Connection) -> dict[str, Any]:
        found = inbox.unmatched(connection, user.id, silenced=silenced, page=page, per_page=per_page)
        documents = [
            _document(waiting)
            | {
                "candidates": [
                    _candidate(connection, user.id, one)
                    for one in inbox.candidates(connection, at_hand.resolve, user.id, waiting)
                ]
            }
            for waiting in found.items
        ]
        return {"documents": documents, "total": found.total, "page": found.page, "per_page": found.per_page}

    return shapes.answer(await at_hand.store.query(work))


async def link(request: web.Request) -> web.Response:
    """Say which book a file is: its whole waiting history moves there."""
    at_hand, user, key = services(request), signed_in(request), _key(request)
    book_uuid = (await requests.body(request)).get("book_uuid")
    if not isinstance(book_uuid, str):
        raise Invalid("book_uuid: say which book this file is.")
    now = at_hand.clock()

    def work(connection: apsw.Connection) -> dict[str, Any]:
        book = catalog.book(connection, book_uuid)
        inbox.link(connection, user.id, key, book.id, now)
        return {"book": shapes.of_book(catalog.book_by_id(connection, book.id, user.id))}

    linked = await at_hand.store.write_long(work)
    at_hand.scaling.wake()
    return shapes.answer(linked)


async def unlink(request: web.Request) -> web.Response:
    """Take a placing back: the history moves out again and waits."""
    at_hand, user, key, now = services(request), signed_in(request), _key(request), services(request).clock()
    await at_hand.store.write_long(lambda c: inbox.unlink(c, user.id, key, now))
    return shapes.answer({"waiting": True})


async def silence(request: web.Request) -> web.Response:
    """Leave a file alone ("not from this library"), or with ``{"silenced": false}`` hear it again."""
    at_hand, user, key = services(request), signed_in(request), _key(request)
    silenced = (await requests.body(request)).get("silenced", True) is not False
    until = at_hand.clock() if silenced else None
    await at_hand.store.write(lambda c: inbox.silence(c, user.id, key, until))
    return shapes.answer({"silenced": silenced})


def _key(request: web.Request) -> int:
    key = request.match_info["document_id"]
    if not key.isdecimal() or len(key) > 12:
        raise NotFound("There is no such file.")
    return int(key)


def _document(waiting: Waiting) -> dict[str, Any]:
    clues = waiting.clues
    told = {
        "filename": clues.filename,
        "partial_md5": clues.partial_md5,
        "identifiers": clues.identifiers,
        "title": clues.title,
        "authors": clues.authors,
    }
    return {
        "document_id": waiting.id,
        "file": {name: value for name, value in told.items() if value},
        "first_at": format_at(waiting.first_at),
        "last_at": format_at(waiting.last_at),
        "sessions": waiting.sessions,
        "positions": waiting.positions,
    }


def _candidate(connection: apsw.Connection, user_id: int, candidate: Candidate) -> dict[str, Any]:
    return {
        "book": shapes.of_book(catalog.book_by_id(connection, candidate.book_id, user_id)),
        "reason": candidate.reason,
    }
