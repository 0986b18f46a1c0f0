"""People of the household: for its admin alone, and never a look at what others read."""

from __future__ import annotations

from aiohttp import web

from tomed.api.problem import STATUS
from tomed.errors import Conflict, NotFound, TomedError
from tomed.model import User
from tomed.pages.forms import read_form
from tomed.pages.layout import page
from tomed.pages.links import address
from tomed.pages.routes import Route, see_other
from tomed.services import services, signed_in
from tomed.store import tokens, users

SAID = ("password", "removed")


async def show(request: web.Request) -> web.StreamResponse:
    """Everybody who has an account."""
    return _page(request)


def _page(request: web.Request, *, link: str = "", fault: str = "", status: int = 200) -> web.Response:
    said = request.query.get("said", "")
    return page(
        request,
        "users.html",
        here="settings",
        http_status=status,
        people=services(request).store.read(users.everyone),
        link=link,
        fault=fault,
        said=said if said in SAID else "",
    )


async def invite(request: web.Request) -> web.StreamResponse:
    """Make a link that works once. It is shown in the answer itself and kept nowhere."""
    await read_form(request)
    now = services(request).clock()
    secret = await services(request).store.write(lambda c: tokens.invite(c, "user", now))
    return _page(request, link=f"{address(request)}/welcome/{secret}")


def _person(request: web.Request) -> User:
    """The user of the address; not oneself, for whom the settings page is."""
    text = request.match_info["user_id"]
    person = services(request).store.read(lambda c: users.by_id(c, int(text))) if len(text) < 16 else None
    if person is None:
        raise NotFound("There is no such person.")
    if person.id == signed_in(request).id:
        raise Conflict("For yourself, use the settings page.")
    return person


async def set_password(request: web.Request) -> web.StreamResponse:
    """A new password for somebody who forgot theirs; their browsers are signed out."""
    form = await read_form(request)
    person = _person(request)
    try:
        await services(request).sign_in.change_password(person.id, form.get("new", ""))
    except TomedError as err:
        return _page(request, fault=err.message, status=STATUS[err.code])
    raise see_other(request, "/users", said="password")


async def remove(request: web.Request) -> web.StreamResponse:
    """Remove a person and everything they have read; their name is typed to be sure."""
    form = await read_form(request)
    person = _person(request)
    if form.get("name", "").strip().casefold() != person.name.casefold():
        return _page(request, fault=f"The name typed is not {person.name}: nobody was removed.", status=400)
    await services(request).store.write(lambda c: users.delete(c, person.id))
    raise see_other(request, "/users", said="removed")


ROUTES = (
    Route("GET", "/users", show, "admin"),
    Route("POST", "/users/invite", invite, "admin"),
    Route("POST", r"/users/{user_id:\d+}/password", set_password, "admin"),
    Route("POST", r"/users/{user_id:\d+}/delete", remove, "admin"),
)
