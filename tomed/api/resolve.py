"""``GET /resolve``: which book is this file?"""

from __future__ import annotations

from typing import Any

import apsw
from aiohttp import web

from tomed import catalog
from tomed.api import requests, shapes
from tomed.errors import Ambiguous, NoMatch
from tomed.model import BookId
from tomed.services import services, signed_in


async def resolve(request: web.Request) -> web.Response:
    """The one book that a file certainly is, and the rule that says so; else the candidates, never a guess."""
    at_hand, user = services(request), signed_in(request)
    told = requests.query_clues(request)

    def work(connection: apsw.Connection) -> bytes:
        try:
            match = at_hand.resolve(connection, told, user_id=user.id)
        except (NoMatch, Ambiguous) as err:
            err.details["wire"] = {"candidates": _candidates(connection, user.id, err)}
            raise
        return shapes.encode({"book": _book(connection, user.id, match.book_id), "matched_by": match.matched_by})

    return shapes.encoded(at_hand.store.recall(("resolve", user.id, told), work))


def _book(connection: apsw.Connection, user_id: int, book_id: BookId) -> dict[str, Any]:
    return shapes.of_book(catalog.book_by_id(connection, book_id, user_id))


def _candidates(connection: apsw.Connection, user_id: int, err: NoMatch | Ambiguous) -> list[dict[str, Any]]:
    candidates = err.details.get("candidates", [])
    return [{"book": _book(connection, user_id, c.book_id), "reason": c.reason} for c in candidates]
