"""Which time a statistics page speaks of, and the frame that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from aiohttp import web

from tomed.api.statistics import reporting_of, span_days
from tomed.model import User
from tomed.pages.charts import WEEKDAYS, clock, period_name, short_day
from tomed.pages.layout import page
from tomed.reporting import Query
from tomed.services import services
from tomed.statistics import periods

PERIODS = ("all", "year", "month", "week", "day")
SAID = ("saved", "removed")


@dataclass(frozen=True, slots=True)
class Asked:
    """The period that a page shows: its word, its days, and the query string that asks for it again."""

    word: str
    query: Query
    again: dict[str, str]


async def asked(request: web.Request, user: User, *, full: bool = False) -> Asked:
    """Read the period chooser: a word, or ``from`` and ``to``."""
    days = await reporting_of(services(request)).calendar(user)
    given = dict(request.query)
    first, last = span_days(given, days)
    if first is not None or last is not None:
        again = {name: given[name] for name in ("from", "to") if given.get(name)}
        return Asked("span", Query(first, last, full=full), again)
    word = given.get("period", "all")
    if word not in PERIODS or word == "all":
        return Asked("all", Query(full=full), {})
    span = periods.current(word, days.day(services(request).clock()), user.week_start)
    return Asked(word, Query(span.first, span.last, full=full), {"period": word})


def show(request: web.Request, template: str, tab: str, **context: Any) -> web.Response:
    said = request.query.get("said", "")
    return page(
        request,
        f"statistics/{template}.html",
        here="statistics",
        tab=tab,
        said=said if said in SAID else "",
        clock=clock,
        short_day=short_day,
        period_name=period_name,
        iso_day=lambda day: date.fromordinal(day).isoformat(),
        weekdays=WEEKDAYS,
        **context,
    )
