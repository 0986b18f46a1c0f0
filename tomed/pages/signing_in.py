"""Sign-in, sign-out, and the one-time link that makes an account."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from aiohttp import web

from tomed.api.problem import STATUS
from tomed.errors import TomedError
from tomed.pages.forms import read_form
from tomed.pages.layout import SESSION_COOKIE, VISIT_COOKIE, page, set_cookie
from tomed.pages.links import inside, url
from tomed.pages.routes import Route, see_other
from tomed.services import TOKEN, USER, services
from tomed.signing_in import SignedIn
from tomed.store import tokens, users


async def show_sign_in(request: web.Request) -> web.StreamResponse:
    """The form, or on to the library for somebody who is signed in already."""
    if USER in request:
        raise see_other(request, "/")
    return _form(request, next_path=request.query.get("next", ""))


def _form(
    request: web.Request, *, status: int = 200, fault: str = "", name: str = "", next_path: str = ""
) -> web.Response:
    nobody = services(request).store.read(users.count) == 0
    return page(
        request, "sign-in.html", http_status=status, fault=fault, name=name[:64], next=_next(next_path), nobody=nobody
    )


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Check name and password; a wrong pair shows the form again."""
    form = await read_form(request)
    name, next_path = form.get("name", ""), _next(form.get("next", ""))
    try:
        signed_in = await services(request).sign_in.sign_in(name, form.get("password", ""), request.remote or "")
    except TomedError as err:
        if err.code not in ("unauthorized", "too_many_requests"):
            raise
        return _form(request, status=STATUS[err.code], fault=err.message, name=name, next_path=next_path)
    raise _begin(request, signed_in, next_path or url(request, "/"))


async def sign_out(request: web.Request) -> web.StreamResponse:
    """End this browser's session."""
    await read_form(request)
    user, token, now = request[USER], request[TOKEN], services(request).clock()
    await services(request).store.write(lambda c: tokens.revoke(c, user.id, token.id, now))
    answer = see_other(request, "/sign-in")
    answer.del_cookie(SESSION_COOKIE, path=services(request).config.base_path + "/")
    raise answer


async def show_welcome(request: web.Request) -> web.StreamResponse:
    """What a one-time link opens. Looking does not use it up: mail programs and browsers look ahead."""
    return _welcome(request)


def _welcome(request: web.Request, *, status: int = 200, fault: str = "", name: str = "") -> web.Response:
    secret, now = request.match_info["secret"], services(request).clock()
    purpose = services(request).store.read(lambda c: tokens.invitation(c, secret, now))
    if purpose is None:
        return page(request, "welcome-used.html", http_status=404)
    libraries = services(request).indexer.views()
    return page(
        request,
        "welcome.html",
        http_status=status,
        fault=fault,
        name=name[:64],
        first=purpose == "first",
        libraries=libraries,
    )


async def accept(request: web.Request) -> web.StreamResponse:
    """Make the account and go on to "put the plugin on your e-reader"."""
    form = await read_form(request)
    name = form.get("name", "")
    try:
        signed_in = await services(request).sign_in.accept_invitation(
            request.match_info["secret"], name, form.get("password", "")
        )
    except TomedError as err:
        if err.code not in ("invalid", "conflict", "unauthorized"):
            raise
        return _welcome(request, status=STATUS[err.code], fault=err.message, name=name)
    user, zone = signed_in.user, local_zone()
    if zone != user.time_zone:
        await services(request).store.write(
            lambda c: users.update_settings(
                c,
                user.id,
                time_zone=zone,
                day_start_minute=user.day_start_minute,
                week_start=user.week_start,
                idle_cap_s=user.idle_cap_s,
            )
        )
    raise _begin(request, signed_in, url(request, "/devices"))


def _begin(request: web.Request, signed_in: SignedIn, where: str) -> web.HTTPSeeOther:
    answer = web.HTTPSeeOther(where)
    set_cookie(request, answer, SESSION_COOKIE, signed_in.token, max_age=tokens.WEB_SESSION_MS // 1000)
    answer.del_cookie(VISIT_COOKIE, path=services(request).config.base_path + "/")
    return answer


def _next(path: str) -> str:
    return path if inside(path) else ""


def local_zone() -> str:
    """The machine's time zone by name: a household's daemon stands where its people read. UTC when it can't be told."""
    candidates = [os.environ.get("TZ", "").removeprefix(":")]
    with contextlib.suppress(OSError):
        candidates.append(Path("/etc/timezone").read_text("ascii", "replace").strip())
    with contextlib.suppress(OSError):
        candidates.append(str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2])
    for name in candidates:
        if name and name in available_timezones():
            return ZoneInfo(name).key
    return "UTC"


ROUTES = (
    Route("GET", "/sign-in", show_sign_in, "anyone"),
    Route("POST", "/sign-in", sign_in, "anyone"),
    Route("POST", "/sign-out", sign_out),
    Route("GET", "/welcome/{secret}", show_welcome, "anyone"),
    Route("POST", "/welcome/{secret}", accept, "anyone"),
)
