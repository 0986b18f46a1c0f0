"""``page``: a template of ``web/templates`` becomes an answer with the layout's words and a strict policy.

Every template extends ``base.html`` and fills its block ``content`` (and ``title``). What it may use:

=================  ==========================================================================
``t(key, …)``      a sentence of ``web/strings/en.toml``
``url(path, …)``   an address under our prefix: ``url("/books", book.uuid, page=2)``
``asset(name)``    the address of a hashed file: ``asset("site.css")``
``csrf``           the hidden form field, ready made: every ``<form method="post">`` needs it
``user``           the signed-in ``model.User`` or None
``day(at)``        integer ms -> ``22 Nov 2026`` in the user's zone; ``moment(at)`` adds the time
``iso(at)``        the same for ``<time datetime>``
``percent(f)``     0.414 -> ``41 %``
``span(seconds)``  4000 -> ``1 h 7 min``
``here``           the word of the navigation that this page belongs to: pass ``here="books"``
=================  ==========================================================================
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from aiohttp import web
from markupsafe import Markup

from tomed.clock import format_at
from tomed.model import User
from tomed.pages import links
from tomed.pages.assets import Assets
from tomed.pages.strings import Say, counted
from tomed.services import USER, services

SESSION_COOKIE = "tomed_session"
VISIT_COOKIE = "tomed_visit"
"""Binds the forms of somebody who is not signed in yet (sign-in, welcome) to their browser."""

CSRF_FIELD = "form_token"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Layout:
    """What every page needs, made once at the start."""

    environment: jinja2.Environment
    assets: Assets
    say: Say


LAYOUT = web.AppKey("tomed_layout", Layout)


def environment(templates: Path) -> jinja2.Environment:
    """Jinja as the templates expect it: everything is escaped, a forgotten name is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
    )
    made.globals.update(percent=percent, span=span, iso=format_at)
    made.filters.update(size=size, number=number, counted=counted)
    return made


def page(
    request: web.Request, template: str, *, http_status: int = 200, secret: bool = False, **context: Any
) -> web.Response:
    """Render ``template`` for this request. The answer carries the policy for a page of ours.

    With ``secret`` no browser keeps it: a link or a key is on it.
    """
    layout = request.config_dict[LAYOUT]
    user: User | None = request.get(USER)
    zone = zone_of(user)
    base_path = services(request).config.base_path
    visit = request.cookies.get(VISIT_COOKIE) or secrets.token_urlsafe(18)
    words: dict[str, Any] = {
        "t": layout.say,
        "url": lambda path, *parts, **query: links.join(base_path, path, *parts, **query),
        "asset": lambda name: base_path + layout.assets.path(name),
        "csrf": Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, form_token(request, visit)),
        "user": user,
        "base": base_path,
        "script": base_path + layout.assets.path("site.js") if user and layout.assets.has("site.js") else "",
        "day": lambda at: day(at, zone),
        "moment": lambda at: moment(at, zone),
        "here": "",
    }
    text = layout.environment.get_template(template).render(words | context)
    answer = web.Response(text=text, content_type="text/html", status=http_status)
    protect(answer, policy(scripts=links.scripts(request) if words["script"] else "'none'"))
    if secret or request.method not in ("GET", "HEAD"):
        answer.headers["Cache-Control"] = "no-store"
    if VISIT_COOKIE not in request.cookies and SESSION_COOKIE not in request.cookies:
        set_cookie(request, answer, VISIT_COOKIE, visit)
    return answer


def policy(*, scripts: str = "'none'") -> str:
    """The Content-Security-Policy of our pages: our own style and pictures, forms to ourselves only.

    The one script of those who are signed in sends what was read to ourselves; it never touches the page.
    """
    connect = "" if scripts == "'none'" else "connect-src 'self'; "
    return (
        f"default-src 'none'; script-src {scripts}; {connect}style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    )


def protect(answer: web.StreamResponse, content_policy: str) -> None:
    """The headers of every page. The referrer stays inside: with ``no-referrer`` a form's Origin would be ``null``."""
    answer.headers.update(
        {
            "Content-Security-Policy": content_policy,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-cache",
        }
    )


def set_cookie(request: web.Request, answer: web.StreamResponse, name: str, value: str, **more: Any) -> None:
    """A cookie for our prefix alone that no script reads and no other site's request carries."""
    path = services(request).config.base_path + "/"
    answer.set_cookie(
        name, value, path=path, httponly=True, samesite="Strict", secure=request.scheme == "https", **more
    )


def form_token(request: web.Request, visit: str = "") -> str:
    """Proof that a form came from a page of this very session: made from the cookie, which no other site can read.

    ``visit`` is the cookie that a page is about to set for somebody who has none yet. Empty when there is no cookie.
    """
    secret = request.cookies.get(SESSION_COOKIE) or request.cookies.get(VISIT_COOKIE) or visit
    if not secret:
        return ""
    return hmac.new(secret.encode("utf-8", "replace"), b"tomed form", hashlib.sha256).hexdigest()


def zone_of(user: User | None) -> ZoneInfo:
    """The zone that a user's times are shown in."""
    try:
        return ZoneInfo(user.time_zone if user else "UTC")
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")


def _local(at: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)


def day(at: int | None, zone: ZoneInfo) -> str:
    """``22 Nov 2026``; empty for None."""
    if at is None:
        return ""
    local = _local(at, zone)
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def moment(at: int | None, zone: ZoneInfo) -> str:
    """``22 Nov 2026, 21:05``; empty for None."""
    return "" if at is None else f"{day(at, zone)}, {_local(at, zone):%H:%M}"


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def percent(fraction: float | None) -> str:
    """``41 %``. Only the very end is 100 %."""
    if fraction is None:
        return ""
    return f"{int(fraction * 100 + 1e-6)} %"


def span(seconds: int) -> str:
    """``1 h 7 min``, ``12 min``, ``40 s``."""
    minutes = seconds // 60
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def size(count: int) -> str:
    """``482 kB``."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB"
    return f"{count / 1_000_000:.1f} MB" if count < 1_000_000_000 else f"{count / 1_000_000_000:.1f} GB"


def number(value: float | None) -> str:
    """A place in a series as a person writes it: 1, 1.5, 10."""
    return "" if value is None else f"{value:g}"
