"""Which time a statistics page speaks of, and the frame that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from aiohttp import web

from tomed.api.statistics import reporting_of, span_days
from tomed.errors import NotFound
from tomed.model import User
from tomed.pages.charts import WEEKDAYS, clock, period_name, short_day
from tomed.pages.layout import page
from tomed.reporting import Query
from tomed.services import services, signed_in
from tomed.statistics import periods
from tomed.store import users

PERIODS = ("all", "year", "month", "week", "day")
SAID = ("saved", "removed")


@dataclass(frozen=True, slots=True)
class Asked:
    """The period that a page shows: its word, its days, and the query string that asks for it again."""

    word: str
    query: Query
    again: dict[str, str]


def _household(request: web.Request) -> list[User]:
    """Oneself, and all who let the others look."""
    me = signed_in(request)
    everybody = services(request).store.read(users.everyone)
    return [person for person in everybody if person.id == me.id or person.settings.get("shows_statistics") is True]


def whose(request: web.Request) -> User:
    """Whose reading a page shows: one's own, or that of the user named ``of``.

    Raises:
        NotFound: there is no such user, or they let nobody look. The two look alike.
    """
    name = request.query.get("of", "")
    if not name:
        return signed_in(request)
    for person in _household(request):
        if person.name.casefold() == name.casefold():
            return person
    raise NotFound("Nobody of that name lets others look at their statistics.")


async def asked(request: web.Request, user: User, *, full: bool = False) -> Asked:
    """Read the period chooser: a word, or ``from`` and ``to``."""
    days = await reporting_of(services(request)).calendar(user)
    given = dict(request.query)
    of = {"of": user.name} if user.id != signed_in(request).id else {}
    first, last = span_days(given, days)
    if first is not None or last is not None:
        again = {name: given[name] for name in ("from", "to") if given.get(name)} | of
        return Asked("span", Query(first, last, full=full), again)
    word = given.get("period", "all")
    if word not in PERIODS or word == "all":
        return Asked("all", Query(full=full), of)
    span = periods.current(word, days.day(services(request).clock()), user.week_start)
    return Asked(word, Query(span.first, span.last, full=full), {"period": word} | of)


def show(request: web.Request, template: str, tab: str, **context: Any) -> web.Response:
    """A page of the statistics, with the tabs and with the people one may look at."""
    me = signed_in(request)
    person = me if tab in ("sittings", "history") else whose(request)
    said = request.query.get("said", "")
    return page(
        request,
        f"statistics/{template}.html",
        here="statistics",
        tab=tab,
        household=_household(request),
        whose=person,
        own=person.id == me.id,
        of={} if person.id == me.id else {"of": person.name},
        said=said if said in SAID else "",
        clock=clock,
        short_day=short_day,
        period_name=period_name,
        iso_day=lambda day: date.fromordinal(day).isoformat(),
        weekdays=WEEKDAYS,
        **context,
    )
