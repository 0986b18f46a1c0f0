"""One's own data to take away, as JSON or CSV."""

from __future__ import annotations

import csv
import io

import msgspec
from aiohttp import web

from tomed import __version__
from tomed.clock import format_at
from tomed.errors import NotFound
from tomed.pages.routes import Route
from tomed.services import services, signed_in
from tomed.store import takeout

CSV_TABLES = ("sessions", "positions", "books")

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so would be run by a spreadsheet; titles come from strangers."""


async def as_json(request: web.Request) -> web.StreamResponse:
    """Everything in one file."""
    user, at_hand = signed_in(request), services(request)
    now = at_hand.clock()
    about = {
        "name": user.name,
        "time_zone": user.time_zone,
        "day_start_minute": user.day_start_minute,
        "week_start": user.week_start,
        "idle_cap_s": user.idle_cap_s,
    }
    head = {"made_by": f"tomed {__version__}", "made_at": format_at(now), "user": about}
    body = await at_hand.store.query(lambda c: msgspec.json.encode(head | takeout.everything(c, user.id)))
    return _file(body, "application/json", "tomed.json")


async def as_csv(request: web.Request) -> web.StreamResponse:
    """One table as a spreadsheet reads it."""
    name, user = request.match_info["table"], signed_in(request)
    if name not in CSV_TABLES:
        raise NotFound("There is no such table.")
    body = await services(request).store.query(lambda c: write_csv(takeout.table(c, user.id, name)))
    return _file(body, "text/csv", f"tomed-{name}.csv")


def write_csv(rows: takeout.Rows) -> bytes:
    """Rows as CSV in UTF-8 with a byte order mark (Excel takes it for Latin-1 without)."""
    out = io.StringIO(newline="")
    if rows:
        writer = csv.writer(out)
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return out.getvalue().encode("utf-8-sig", "replace")


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value


def _file(body: bytes, content_type: str, name: str) -> web.Response:
    return web.Response(
        body=body,
        content_type=content_type,
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


ROUTES = (
    Route("GET", "/export/tomed.json", as_json),
    Route("GET", "/export/{table}.csv", as_csv),
)
