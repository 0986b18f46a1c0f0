"""KOReader's history in and out, and travels."""

from __future__ import annotations

import asyncio
import hmac
import tempfile
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web

from tomed.api.history import look, take
from tomed.api.statistics import reporting_of
from tomed.errors import Forbidden, Invalid, TomedError
from tomed.pages.forms import check_origin, read_form
from tomed.pages.layout import CSRF_FIELD, form_token
from tomed.pages.period import show
from tomed.pages.routes import Route, see_other
from tomed.pages.sittings import typed
from tomed.services import services, signed_in
from tomed.statistics.days import Calendar, Stay
from tomed.store import statistics_derived, statistics_rows

FILE_MAX = 512 * 1024 * 1024


async def history_page(request: web.Request) -> web.StreamResponse:
    """Take a KOReader's statistics.sqlite3 in, take one's own out, and travels."""
    return _history(request)


def _history(request: web.Request, **more: Any) -> web.Response:
    user = signed_in(request)
    stays = services(request).store.read(lambda c: statistics_rows.stays(c, user.id))
    names = services(request).store.read(
        lambda c: [
            str(row[0]) for row in c.execute("SELECT name FROM devices WHERE user_id = ? ORDER BY name", (user.id,))
        ]
    )
    local = services(request).store.read(lambda c: statistics_derived.calendar_of(c, user.id)).local
    context: dict[str, Any] = {"seen": None, "taken": None, "stays": stays, "names": names, "local": local}
    return show(request, "history", "history", **(context | more))


async def post_history(request: web.Request) -> web.StreamResponse:
    """Preview or take in what was uploaded: the file, and its -wal if there is one."""
    check_origin(request)
    at_hand, user = services(request), signed_in(request)
    with tempfile.TemporaryDirectory(prefix="tomed-upload-") as folder:
        path = Path(folder) / "statistics.sqlite3"
        fields = await _uploaded(request, path)
        if not path.exists() or not path.stat().st_size:
            raise Invalid("Choose the file statistics.sqlite3 first.")
        if fields.get("do") == "preview":
            return _history(request, seen=await look(at_hand, user, path))
        taken = await asyncio.to_thread(take, at_hand, user, path, fields.get("device", ""))
    await reporting_of(at_hand).refresh(user.id)  # one who imports waits anyway; the next page need not
    return _history(request, taken=taken)


async def _uploaded(request: web.Request, path: Path) -> dict[str, str]:
    """Read a multipart form as a stream. Its proof must come before any file is kept."""
    if request.content_type != "multipart/form-data":
        raise Invalid("This form sends a file.")
    fields: dict[str, str] = {}
    proven, size = False, 0
    parts = await request.multipart()
    while (part := await parts.next()) is not None:
        if not isinstance(part, BodyPartReader):
            continue
        name = part.name or ""
        if name == CSRF_FIELD:
            told = (await part.read(decode=False))[:200]
            proven = hmac.compare_digest(told, form_token(request).encode())
        if not proven:
            raise Forbidden("This page was opened in an earlier session. Go back, reload it and try again.")
        if name in ("file", "wal"):
            target = path if name == "file" else path.with_name(path.name + "-wal")
            with target.open("wb") as file:
                while piece := await part.read_chunk(1 << 18):
                    size += len(piece)
                    if size > FILE_MAX:
                        raise TomedError("This file is larger than any statistics.sqlite3.", code="too_large")
                    file.write(piece)
        elif name != CSRF_FIELD:
            fields[name] = (await part.read(decode=False))[:500].decode("utf-8", "replace")
    return fields


async def add_stay(request: web.Request) -> web.StreamResponse:
    """Note a time spent in another zone."""
    form = await read_form(request)
    try:
        there = Calendar(form.get("time_zone", "").strip())
        stay = Stay(
            there.instant(typed(form.get("from", ""))), there.instant(typed(form.get("to", ""))), there.time_zone
        )
    except (ValueError, OverflowError) as err:
        raise Invalid("Give the days as 2026-05-24, or with the time as 2026-05-24 21:30.") from err
    await reporting_of(services(request)).add_stay(signed_in(request), stay)
    raise see_other(request, "/statistics/history", said="saved")


async def remove_stay(request: web.Request) -> web.StreamResponse:
    """Forget a time in another zone."""
    await read_form(request)
    await reporting_of(services(request)).remove_stay(signed_in(request), int(request.match_info["stay_id"]))
    raise see_other(request, "/statistics/history", said="removed")


ROUTES = (
    Route("GET", "/statistics/history", history_page),
    Route("POST", "/statistics/history", post_history),
    Route("POST", "/statistics/stays", add_stay),
    Route("POST", r"/statistics/stays/{stay_id:\d{1,12}}/remove", remove_stay),
)
