"""KOReader's history in and out, and travels."""

from __future__ import annotations

import hmac
from pathlib import Path

import apsw
from aiohttp import BodyPartReader, web

from tomed.api.bodies import arrived
from tomed.api.statistics import reporting_of
from tomed.errors import Forbidden, Invalid, TomedError
from tomed.pages.forms import check_origin, read_form
from tomed.pages.layout import CSRF_FIELD, form_token
from tomed.pages.period import show
from tomed.pages.routes import Route, see_other
from tomed.pages.sittings import typed
from tomed.services import Services, services, signed_in
from tomed.statistics.days import Calendar, Stay
from tomed.store import statistics_rows
from tomed.uploads import FILE, Uploads

FILE_MAX = 512 * 1024 * 1024


UPLOADS = web.AppKey("tomed_uploads", Uploads)


async def history_page(request: web.Request) -> web.StreamResponse:
    """Take a KOReader's statistics.sqlite3 in, take one's own out, and travels."""
    user, uploads = signed_in(request), _uploads(request)
    state = uploads.state(user)
    seen = await uploads.preview(user) if state is None or state.is_over else None

    def known(connection: apsw.Connection) -> tuple[list[tuple[int, Stay]], list[str]]:
        names = connection.execute("SELECT name FROM devices WHERE user_id = ? ORDER BY name", (user.id,))
        return statistics_rows.stays(connection, user.id), [str(row[0]) for row in names]

    stays, names = services(request).store.read(known)
    local = (await reporting_of(services(request)).calendar(user)).local
    return show(request, "history", "history", state=state, seen=seen, stays=stays, names=names, local=local)


def _uploads(request: web.Request) -> Uploads:
    return request.config_dict[UPLOADS]


def open_uploads(at_hand: Services) -> Uploads:
    """What people sent to this daemon, below its data folder."""
    folder = at_hand.config.data / "uploads"
    return Uploads(folder, at_hand.store, at_hand.resolve, reporting_of(at_hand), at_hand.clock)


async def post_history(request: web.Request) -> web.StreamResponse:
    """Keep what was uploaded, the file and its -wal if there is one, to be looked at before it is taken in."""
    check_origin(request)
    uploads = _uploads(request)
    with uploads.room() as room:
        await _receive(request, room / FILE)
        if not (room / FILE).exists() or not (room / FILE).stat().st_size:
            raise Invalid("Choose the file statistics.sqlite3 first.")
        await uploads.keep(signed_in(request), room)
    raise see_other(request, "/statistics/history")


async def take_history(request: web.Request) -> web.StreamResponse:
    """Take the kept file in, or throw it away."""
    form = await read_form(request)
    user, uploads = signed_in(request), _uploads(request)
    if form.get("do") == "discard":
        uploads.discard(user)
    else:
        await uploads.start(user, form.get("device", ""))
    raise see_other(request, "/statistics/history")


async def _receive(request: web.Request, path: Path) -> None:
    """Read a multipart form as a stream. Its proof must come before any file is kept."""
    if request.content_type != "multipart/form-data":
        raise Invalid("This form sends a file.")
    proven, size = False, 0
    parts = await arrived(request.multipart())
    while (part := await arrived(parts.next())) is not None:
        if not isinstance(part, BodyPartReader):
            continue
        name = part.name or ""
        if name == CSRF_FIELD:
            told = (await arrived(part.read(decode=False)))[:200]
            proven = hmac.compare_digest(told, form_token(request).encode())
        if not proven:
            raise Forbidden("This page was opened in an earlier session. Go back, reload it and try again.")
        if name in ("file", "wal"):
            target = path if name == "file" else path.with_name(path.name + "-wal")
            with target.open("wb") as file:
                while piece := await arrived(part.read_chunk(1 << 18)):
                    size += len(piece)
                    if size > FILE_MAX:
                        raise TomedError("This file is larger than any statistics.sqlite3.", code="too_large")
                    file.write(piece)


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
    Route("POST", "/statistics/history/take", take_history),
    Route("POST", "/statistics/stays", add_stay),
    Route("POST", r"/statistics/stays/{stay_id:\d{1,12}}/remove", remove_stay),
)
