"""``GET /sessions``: one's own sittings."""

from __future__ import annotations

from typing import Any

import apsw
from aiohttp import web

from tomed import catalog
from tomed.api import requests, shapes
from tomed.services import services, signed_in
from tomed.store import events


async def list_sessions(request: web.Request) -> web.Response:
    """A page of sittings, newest first, of all books or one, in a span of time."""
    at_hand, user = services(request), signed_in(request)
    book_uuid = request.query.get("book_uuid", "")
    from_at, to_at = requests.moment(request, "from"), requests.moment(request, "to")
    page, per_page = requests.number(request, "page", 1), requests.number(request, "per_page", 50, high=200)

    def work(connection: apsw.Connection) -> dict[str, Any]:
        book_id = catalog.book(connection, book_uuid).id if book_uuid else None
        found = events.sessions(connection, events.SessionQuery(user.id, book_id, from_at, to_at, page, per_page))
        ids = sorted({session.book_id for session in found.items if session.book_id is not None})
        books = {key: shapes.of_book(book) for key, book in catalog.books_by_id(connection, ids, user.id).items()}
        return {
            "sessions": [shapes.of_session(s, books.get(s.book_id) if s.book_id else None) for s in found.items],
            "total": found.total,
            "page": found.page,
            "per_page": found.per_page,
        }

    return shapes.answer(await at_hand.store.query(work))
