"""How one's reading is counted, the password, and the way out: sign out everywhere, take one's data, delete it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from zoneinfo import available_timezones

import apsw
from aiohttp import web

from tomed.api.problem import STATUS
from tomed.errors import Conflict, Forbidden, Invalid, TomedError, Unauthorized
from tomed.model import User
from tomed.pages.forms import read_form
from tomed.pages.layout import SESSION_COOKIE, page, set_cookie
from tomed.pages.routes import Route, see_other
from tomed.services import services, signed_in
from tomed.store import tokens, users

DAY_STARTS = tuple(range(0, 12 * 60 + 1, 30))
IDLE_CAP_MAX_MIN = 60
WEEK_STARTS = (1, 6, 7)

SAID = ("saved", "password", "everywhere", "deleted")


async def show(request: web.Request) -> web.StreamResponse:
    """The settings page."""
    return _page(request)


def _page(request: web.Request, *, fault: str = "", status: int = 200) -> web.Response:
    said = request.query.get("said", "")
    return page(
        request,
        "settings.html",
        here="settings",
        http_status=status,
        fault=fault,
        said=said if said in SAID else "",
        zones=_zones(),
        day_starts=sorted({*DAY_STARTS, signed_in(request).day_start_minute}),
    )


@lru_cache(maxsize=1)
def _zones() -> tuple[str, ...]:
    """The zones a person chooses from; finding them walks many files."""
    return (*sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")), "UTC")


async def keep(request: web.Request) -> web.StreamResponse:
    """Keep zone, day, week and idle cap."""
    form = await read_form(request)
    user = signed_in(request)
    try:
        zone, day_start, week_start, idle_cap_s = _read(form)
    except Invalid as err:
        return _page(request, fault=err.message, status=400)
    await services(request).store.write(
        lambda c: users.update_settings(
            c, user.id, time_zone=zone, day_start_minute=day_start, week_start=week_start, idle_cap_s=idle_cap_s
        )
    )
    raise see_other(request, "/settings", said="saved")


def _read(form: Mapping[str, str]) -> tuple[str, int, int, int]:
    zone = form.get("time_zone", "").strip()
    if zone not in available_timezones():
        raise Invalid(f"{zone[:64] or 'Nothing'} is no time zone. Choose one like Europe/Vienna.")
    day_start = _whole(form, "day_start_minute", 0, 1439, "The day's beginning must be a time of day.")
    week_start = _whole(form, "week_start", 1, 7, "A week begins on a day of the week.")
    idle_cap = _whole(form, "idle_cap_min", 1, IDLE_CAP_MAX_MIN, f"A page counts 1 to {IDLE_CAP_MAX_MIN} minutes.")
    return zone, day_start, week_start, idle_cap * 60


def _whole(form: Mapping[str, str], name: str, least: int, most: int, sentence: str) -> int:
    said = form.get(name, "")
    if not (said.isascii() and said.isdecimal() and len(said) < 6 and least <= int(said) <= most):
        raise Invalid(sentence)
    return int(said)


async def share(request: web.Request) -> web.StreamResponse:
    """Let the household look at one's statistics, or no longer."""
    form = await read_form(request)
    user, shows = signed_in(request), form.get("shows_statistics") == "yes"
    await services(request).store.write(lambda c: users.show_statistics(c, user.id, shows))
    raise see_other(request, "/settings", said="saved")


async def change_password(request: web.Request) -> web.StreamResponse:
    """A new password, proved by the present one; this browser goes on with a new session."""
    form = await read_form(request)
    user = signed_in(request)
    try:
        await prove(request, user, form.get("current", ""))
        await services(request).sign_in.change_password(user.id, form.get("new", ""))
    except TomedError as err:
        return _page(request, fault=err.message, status=STATUS[err.code])
    raise await _stay(request, user, "password")


async def sign_out_everywhere(request: web.Request) -> web.StreamResponse:
    """End every browser's session; this one goes on with a new one."""
    await read_form(request)
    user, now = signed_in(request), services(request).clock()
    await services(request).store.write(lambda c: tokens.revoke_kind(c, user.id, "web", now))
    raise await _stay(request, user, "everywhere")


async def _stay(request: web.Request, user: User, said: str) -> web.HTTPSeeOther:
    token = await services(request).sign_in.web_token(user.id)
    answer = see_other(request, "/settings", said=said)
    set_cookie(request, answer, SESSION_COOKIE, token, max_age=tokens.WEB_SESSION_MS // 1000)
    return answer


async def delete(request: web.Request) -> web.StreamResponse:
    """Delete one's reading, or oneself. The password is asked again: this can't be undone."""
    form = await read_form(request)
    user = signed_in(request)
    try:
        await prove(request, user, form.get("password", ""))
        if form.get("what") == "account":
            await services(request).store.write(lambda c: _delete_account(c, user))
        elif form.get("what") == "reading":
            await services(request).store.write(lambda c: users.delete_reading(c, user.id))
            raise see_other(request, "/settings", said="deleted")
        else:
            raise Invalid("Say what shall be deleted.")
    except TomedError as err:
        return _page(request, fault=err.message, status=STATUS[err.code])
    answer = see_other(request, "/sign-in")
    answer.del_cookie(SESSION_COOKIE, path=services(request).config.base_path + "/")
    raise answer


def _delete_account(connection: apsw.Connection, user: User) -> None:
    others = [person for person in users.everyone(connection) if person.id != user.id]
    if user.is_admin and others and not any(person.is_admin for person in others):
        raise Conflict("You are the only one who may add people. Remove the others first.")
    users.delete(connection, user.id)


async def prove(request: web.Request, user: User, password: str) -> None:
    """Ask for the password again. Guesses are slowed down like at sign-in.

    Raises:
        Forbidden: it is wrong; TooManyTries: wait first.
    """
    try:
        again = await services(request).sign_in.sign_in(user.name, password, request.remote or "")
    except Unauthorized as err:
        raise Forbidden("The password is not right.") from err
    now = services(request).clock()

    def end(connection: apsw.Connection) -> None:  # it was a sign-in only to be checked
        found = tokens.find(connection, again.token, now)
        if found is not None:
            tokens.revoke(connection, user.id, found[0].id, now)

    await services(request).store.write(end)


ROUTES = (
    Route("GET", "/settings", show),
    Route("POST", "/settings", keep),
    Route("POST", "/settings/sharing", share),
    Route("POST", "/settings/password", change_password),
    Route("POST", "/settings/everywhere", sign_out_everywhere),
    Route("POST", "/settings/delete", delete),
)
