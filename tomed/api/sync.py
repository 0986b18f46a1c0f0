"""``POST /sync``: the device's one routine call. Events in, positions back."""

from __future__ import annotations

import re
from typing import Any

import apsw
from aiohttp import web

from tomed import MIN_PLUGIN, catalog, reading
from tomed.api import requests, shapes
from tomed.api.positions import offered
from tomed.clock import format_at
from tomed.errors import TomedError
from tomed.model import Book, Clues, LocatorKind, Match
from tomed.services import TOKEN, Services, services, signed_in
from tomed.store import devices, readings, tokens

FEW = 20
"""Events that are recorded on the event loop; more would keep other requests waiting."""


async def sync(request: web.Request) -> web.Response:
    """Record a batch durably, then say where the user stands in the wanted books."""
    at_hand, user = services(request), signed_in(request)
    report, client_now, batch, wanted = requests.sync(await requests.body(request))
    check_plugin(report.plugin)
    now = at_hand.clock()
    offset = reading.clock_offset(client_now, now)
    token_id = request[TOKEN].id

    def work(connection: apsw.Connection) -> list[reading.Result]:
        device_id = devices.upsert(connection, user.id, report, now, offset)
        tokens.bind_device(connection, token_id, device_id)
        reporter = reading.Reporter(user.id, device_id, offset)
        return reading.record(connection, at_hand.resolve, reporter, batch, now)

    write = at_hand.store.write if len(batch) <= FEW else at_hand.store.write_long
    results = await write(work)
    at_hand.scaling.wake()
    return shapes.answer(
        {
            "service": "tomed",
            "now": format_at(at_hand.clock()),
            "results": [_result(result) for result in results],
            "positions": await _positions(at_hand, user.id, wanted),
            "min_plugin": MIN_PLUGIN,
        }
    )


def check_plugin(version: str) -> None:
    """Refuse a plugin that is too old to be understood; anything that is no version is let through.

    Raises:
        TomedError: with code ``plugin_too_old``.
    """
    if re.fullmatch(r"\d+(\.\d+)*", version) and _numbers(version) < _numbers(MIN_PLUGIN):
        raise TomedError(
            f"This plugin ({version}) is too old: tomed needs {MIN_PLUGIN} or newer. Update it from the devices page.",
            code="plugin_too_old",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _result(result: reading.Result) -> dict[str, str]:
    shape = {"id": result.id, "result": result.result}
    return shape | {"reason": result.reason} if result.reason else shape


async def _positions(at_hand: Services, user_id: int, wanted: list[Clues | None]) -> list[dict[str, Any]]:
    if not wanted:
        return []

    def work(connection: apsw.Connection) -> list[tuple[Match | None, Book | None, readings.Reading | None, str]]:
        told = [clues or Clues() for clues in wanted]
        return [
            (match, catalog.book_by_id(connection, match.book_id) if match else None, found, code)
            for match, found, code in reading.where(connection, at_hand.resolve, user_id, told)
        ]

    shapes_: list[dict[str, Any]] = []
    for number, (match, book, found, code) in enumerate(at_hand.store.read(work)):
        if match is None or book is None or found is None:
            shapes_.append({"want": number, "code": code})
            continue
        position = await offered(at_hand, found, _kind_for_device(found), book)
        shapes_.append(
            {
                "want": number,
                "book_uuid": book.uuid,
                "title": book.title,
                "matched_by": match.matched_by,
                "status": found.status,
                "rating": found.rating or 0,
                "position": position,
            }
        )
    return shapes_


def _kind_for_device(found: readings.Reading) -> LocatorKind | None:
    """A device reads XPointers and pages; a browser's CFI has to become an XPointer first."""
    locator = found.position.locator if found.position else None
    return LocatorKind.XPOINTER if locator is not None and locator.kind is LocatorKind.CFI else None
