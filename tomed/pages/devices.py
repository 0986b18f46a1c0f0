"""Devices: name one, take its plugin, see when it was last heard of, rename it, remove it.

A key is shown to nobody: it is inside the plugin's zip. The zip can be fetched for half an hour, also by
the device's own browser through a short link, and is kept in memory only until then.
"""

from __future__ import annotations

import io
import ipaddress
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from markupsafe import Markup

from tomed import bundle
from tomed.errors import Invalid, NotFound, TomedError
from tomed.pages.forms import read_form
from tomed.pages.layout import page
from tomed.pages.links import address, url
from tomed.pages.routes import Route, see_other
from tomed.services import services, signed_in
from tomed.store import tokens

NAME_MAX = 64
LINK_MS = 30 * 60 * 1000
LINKS_MAX = 64
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""No letters or digits that an e-reader's screen confuses."""
CODE_LENGTH = 9
"""31^9: forty-four bits that live for half an hour."""

SAID = ("renamed", "revoked")


@dataclass(frozen=True, slots=True)
class Offer:
    """A plugin that waits to be fetched."""

    name: str
    server: str
    token: str
    until: int


class Offers:
    """The plugins that may be fetched by their short link."""

    def __init__(self) -> None:
        self._offers: OrderedDict[str, Offer] = OrderedDict()

    def add(self, offer: Offer) -> str:
        """Keep an offer; its code."""
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        self._offers[code] = offer
        while len(self._offers) > LINKS_MAX:
            self._offers.popitem(last=False)
        return code

    def find(self, code: str, now: int) -> Offer | None:
        """The offer of a code that has not expired."""
        for old in [known for known, offer in self._offers.items() if offer.until <= now]:
            del self._offers[old]
        return self._offers.get(code.lower())


OFFERS = web.AppKey("tomed_plugin_offers", Offers)


async def show(request: web.Request) -> web.StreamResponse:
    """The list, and the form that adds one."""
    return _page(request)


def _page(
    request: web.Request,
    *,
    fault: str = "",
    name: str = "",
    server: str | None = None,
    paired: str = "",
    status: int = 200,
) -> web.Response:
    user, said = signed_in(request), request.query.get("said", "")
    server = address(request) if server is None else server
    return page(
        request,
        "devices.html",
        here="devices",
        http_status=status,
        fault=fault,
        name=name,
        paired=paired,
        address=server,
        loopback=_is_loopback(server),
        devices=services(request).store.read(lambda c: tokens.of_user(c, user.id, "device")),
        version=_newest(),
        said=said if said in SAID else "",
    )


def _newest() -> str:
    try:
        return bundle.plugin_version(bundle.plugin_folder())
    except (TomedError, OSError):
        return ""


async def add(request: web.Request) -> web.StreamResponse:
    """Make a key for a new device and show where its plugin is."""
    form = await read_form(request)
    user, now = signed_in(request), services(request).clock()
    try:
        name, server = read_name(form.get("name", "")), read_server(form.get("address", ""))
    except TomedError as err:
        sent = form.get("address", "")[:300]
        return _page(request, fault=err.message, name=form.get("name", "")[:NAME_MAX], server=sent, status=400)
    token = await services(request).store.write(lambda c: tokens.issue(c, user.id, "device", name, now))
    code = request.config_dict[OFFERS].add(Offer(name, server, token, now + LINK_MS))
    raise see_other(request, "/devices/added", code)


async def pair(request: web.Request) -> web.StreamResponse:
    """Let the e-reader in that shows the code."""
    form = await read_form(request)
    try:
        name = services(request).pairing.approve(signed_in(request), form.get("code", "")[:32])
    except TomedError as err:
        return _page(request, fault=err.message, status=400)
    return _page(request, paired=name)


async def added(request: web.Request) -> web.StreamResponse:
    """The plugin, how to put it on the device, and the short link."""
    code, offer = _offer(request)
    short = f"{offer.server}/get/{code}"
    return page(
        request,
        "device-added.html",
        secret=True,
        here="devices",
        name=offer.name,
        zip=url(request, "/get", code, "tomesync.koplugin.zip"),
        short=short,
        qr=square(short),
        minutes=LINK_MS // 60_000,
    )


def _offer(request: web.Request) -> tuple[str, Offer]:
    code = request.match_info["code"]
    offer = request.config_dict[OFFERS].find(code, services(request).clock())
    if offer is None:
        raise NotFound("This link has expired. Make a new one on the devices page.")
    return code.lower(), offer


async def get(request: web.Request) -> web.StreamResponse:
    """What the short link shows, on any device: the plugin and how to install it."""
    code, offer = _offer(request)
    return page(
        request, "get.html", secret=True, name=offer.name, zip=url(request, "/get", code, "tomesync.koplugin.zip")
    )


async def get_zip(request: web.Request) -> web.StreamResponse:
    """The plugin itself."""
    _, offer = _offer(request)
    body = bundle.build(bundle.plugin_folder(), offer.server, offer.token, offer.name)
    return web.Response(
        body=body,
        content_type="application/zip",
        headers={
            "Content-Disposition": 'attachment; filename="tomesync.koplugin.zip"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


async def rename(request: web.Request) -> web.StreamResponse:
    """Another name for one's device."""
    form = await read_form(request)
    user, token_id = signed_in(request), _token_id(request)
    try:
        name = read_name(form.get("name", ""))
    except TomedError as err:
        return _page(request, fault=err.message, status=400)
    if not await services(request).store.write(lambda c: tokens.rename(c, user.id, token_id, name)):
        raise NotFound("There is no such device.")
    raise see_other(request, "/devices", said="renamed")


async def revoke(request: web.Request) -> web.StreamResponse:
    """End a device's key; what was read with it stays."""
    await read_form(request)
    user, token_id, now = signed_in(request), _token_id(request), services(request).clock()
    if not await services(request).store.write(lambda c: tokens.revoke(c, user.id, token_id, now)):
        raise NotFound("There is no such device.")
    raise see_other(request, "/devices", said="revoked")


def _token_id(request: web.Request) -> int:
    text = request.match_info["token_id"]
    return int(text) if len(text) < 16 else 0


def read_name(text: str) -> str:
    """A device's name. Raises Invalid when it is none."""
    name = text.strip()
    if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
        raise Invalid(f"A device's name has 1 to {NAME_MAX} ordinary characters.")
    return name


def read_server(text: str) -> str:
    """The address a device will use, without a slash at its end. Raises Invalid when it is none."""
    server = text.strip().rstrip("/")
    try:
        parts = urlsplit(server)
        port_ok = parts.port is None or parts.port > 0
    except ValueError as err:
        raise Invalid("This is no address. It looks like http://192.168.1.20:8788") from err
    plain = server.isascii() and server.isprintable() and " " not in server and len(server) <= 300
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or not port_ok:
        raise Invalid("This is no address. It looks like http://192.168.1.20:8788")
    if parts.query or parts.fragment or parts.username is not None:
        raise Invalid("The address ends after the path: no ?, # or @ in it.")
    return server


def _is_loopback(server: str) -> bool:
    try:
        host = urlsplit(server).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def square(text: str) -> Markup:
    """A QR code as inline SVG, without any style attribute."""
    out = io.BytesIO()
    import segno  # when somebody first adds a device

    segno.make(text, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=2, dark="#000", light="#fff"
    )
    return Markup(out.getvalue().decode())  # noqa: S704  drawn by segno: numbers only, no text of anybody


ROUTES = (
    Route("GET", "/devices", show),
    Route("POST", "/devices", add),
    Route("POST", "/devices/pair", pair),
    Route("GET", "/devices/added/{code}", added),
    Route("POST", r"/devices/{token_id:\d+}/rename", rename),
    Route("POST", r"/devices/{token_id:\d+}/revoke", revoke),
    Route("GET", "/get/{code}", get, "anyone"),
    Route("GET", "/get/{code}/tomesync.koplugin.zip", get_zip, "anyone"),
)
