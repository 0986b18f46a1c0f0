"""Reading a form that was posted: only from our own pages, only with the session's own proof."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from tomed.api.bodies import arrived
from tomed.errors import Forbidden, Invalid
from tomed.pages.layout import CSRF_FIELD, form_token
from tomed.pages.links import origins

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
FORM_BYTES_MAX = 64 << 10


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The text fields of a posted form.

    Raises:
        Forbidden: another site sent it, or its page belongs to another session.
        Invalid: no form, or an absurdly long one.
    """
    check_origin(request)
    if request.content_type not in FORM_TYPES:
        raise Invalid("A form is wanted here.", code="invalid")
    if request.content_length is None or request.content_length > FORM_BYTES_MAX:
        raise Invalid("This form is too long.", code="too_large")
    posted = await arrived(request.post())
    fields = {name: value for name, value in posted.items() if isinstance(value, str)}
    told, right = fields.pop(CSRF_FIELD, ""), form_token(request)
    if not right or not hmac.compare_digest(told.encode("utf-8", "replace"), right.encode()):
        raise Forbidden("This page was opened in an earlier session. Go back, reload it and try again.")
    return fields


def check_origin(request: web.Request) -> None:
    """Refuse a request that another site's page made. An old browser without Origin is known by its Referer."""
    site = request.headers.get("Sec-Fetch-Site")
    if site not in (None, "same-origin", "none"):
        raise Forbidden("This form was sent by another site.")
    said = request.headers.get(hdrs.ORIGIN) or ""
    if not said:
        parts = urlsplit(request.headers.get(hdrs.REFERER, ""))
        said = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    known = origins(request)
    if said.lower() not in tuple(origin.lower() for origin in known):
        raise Forbidden(
            f"Your browser says that this page is at {said[:200] or 'no address'}, tomed thinks it is at"
            f" {known[0] if known else 'no address that it knows'}. Behind a proxy, set public_url, or trusted_proxies"
            " and let the proxy send X-Forwarded-Host and X-Forwarded-Proto."
        )
