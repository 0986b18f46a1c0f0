"""``/sittings``: what one's numbers rest on, to look through and to correct."""

from __future__ import annotations

import msgspec
from aiohttp import web

from tomed import catalog
from tomed.api import requests, shapes
from tomed.api.statistics import reporting_of, span_days
from tomed.api.statistics_shapes import of_sitting
from tomed.clock import parse_at
from tomed.reporting import Sat
from tomed.services import services, signed_in
from tomed.statistics.periods import Span
from tomed.store.statistics import SittingQuery


async def list_sittings(request: web.Request) -> web.Response:
    """The sittings that count, newest first, with what each rests on."""
    at_hand, user = services(request), signed_in(request)
    ours = reporting_of(at_hand)
    first, last = span_days(dict(request.query), await ours.calendar(user))
    book_uuid = request.query.get("book_uuid", "")
    book_id = at_hand.store.read(lambda c: catalog.book(c, book_uuid).id) if book_uuid else None
    page, per_page = requests.number(request, "page", 1), requests.number(request, "per_page", 50, high=500)
    span = Span(first or 1, last or 1 << 30) if first is not None or last is not None else None
    listed, total = await ours.sittings(user, SittingQuery(span, book_id, None, page, per_page))
    return shapes.answer(
        {"sittings": [of_sitting(s) for s in listed], "total": total, "page": page, "per_page": per_page}
    )


class SittingIn(msgspec.Struct):
    """A sitting as a person says it was."""

    started_at: str
    ended_at: str
    active_s: int | None = None
    pages: int = 0
    book_uuid: str = ""


def _sat(told: SittingIn) -> Sat:
    started_at, ended_at = parse_at(told.started_at, "started_at"), parse_at(told.ended_at, "ended_at")
    active_s = told.active_s if told.active_s is not None else (ended_at - started_at) // 1000
    return Sat(started_at, ended_at, active_s, told.pages)


async def add_sitting(request: web.Request) -> web.Response:
    """Enter a sitting by hand."""
    at_hand, user = services(request), signed_in(request)
    told = await requests.told(request, SittingIn)
    book = at_hand.store.read(lambda c: catalog.book(c, told.book_uuid))
    ours = reporting_of(at_hand)
    key = f"s{await ours.add(user, book.id, _sat(told))}"
    return shapes.answer({"sitting": of_sitting(await ours.sitting(user, key))}, 201)


async def change_sitting(request: web.Request) -> web.Response:
    """Say that a sitting was another one. It stays so when the device tells it again."""
    told = await requests.told(request, SittingIn)
    await reporting_of(services(request)).correct(signed_in(request), request.match_info["key"], _sat(told))
    return shapes.answer({"corrected": True})


async def delete_sitting(request: web.Request) -> web.Response:
    """Say that there was no such sitting. It stays so when the device tells it again."""
    await reporting_of(services(request)).correct(signed_in(request), request.match_info["key"], None)
    return shapes.answer({"deleted": True})
