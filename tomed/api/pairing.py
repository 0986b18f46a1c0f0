"""``/pair``: a device gets its token by a short code that a person enters."""

from __future__ import annotations

from aiohttp import web

from tomed.api import requests, shapes
from tomed.api.auth import public
from tomed.errors import Invalid
from tomed.pairing import INTERVAL_S, LASTS_MS
from tomed.services import services, signed_in


@public
async def begin(request: web.Request) -> web.Response:
    """Offer a code to show, and a secret to poll with. Needs no token; limited by address."""
    data = await requests.body(request)
    device = data.get("device")
    name = device.get("name") or device.get("model") if isinstance(device, dict) else ""
    offer = services(request).pairing.begin(requests.clean(str(name or ""), 200), request.remote or "")
    return shapes.answer(
        {
            "code": offer.code,
            "poll_token": offer.poll_token,
            "interval_s": INTERVAL_S,
            "expires_in_s": LASTS_MS // 1000,
        }
    )


@public
async def poll(request: web.Request) -> web.Response:
    """Ask whether somebody has entered the code; the token is given once."""
    poll_token = (await requests.body(request)).get("poll_token")
    if not isinstance(poll_token, str):
        raise Invalid("poll_token: must be the text that POST /pair answered.")
    found = await services(request).pairing.poll(poll_token)
    if found is None:
        return shapes.answer({"state": "waiting"})
    token, user = found
    return shapes.answer({"state": "paired", "token": token, "user": user.name})


async def approve(request: web.Request) -> web.Response:
    """Let the device that shows ``code`` in, as the person who asks."""
    code = (await requests.body(request)).get("code")
    if not isinstance(code, str) or len(code) > 32:
        raise Invalid("code: must be the six signs that the e-reader shows.")
    return shapes.answer({"device": services(request).pairing.approve(signed_in(request), code)})
