"""The reader's page: a frame with the strict policy; everything in it is ``web/src``."""

from __future__ import annotations

from aiohttp import web

from tomed import catalog
from tomed.errors import NotFound
from tomed.model import Book
from tomed.pages.layout import LAYOUT, page, protect
from tomed.pages.links import join, origins, scripts, url
from tomed.pages.routes import Route
from tomed.services import services, signed_in

READABLE = (
    "EPUB",
    "KEPUB",
    "AZW3",
    "KF8",
    "MOBI",
    "FB2",
    "FB2.ZIP",
    "FBZ",
    "CBZ",
    "CBC",
    "PDF",
    "AZW",
    "PRC",
    "CBR",
    "CB7",
)
"""Formats that a browser can show, the one that keeps places best first."""

COMICS = ("CBZ", "CBC", "CBR", "CB7")


def readable(book: Book) -> list[str]:
    """The book's formats that can be read here, the best first."""
    return sorted((one.format for one in book.formats if one.format in READABLE), key=READABLE.index)


async def read(request: web.Request) -> web.StreamResponse:
    """Open a book, in the format asked for or its best one."""
    uuid, user = request.match_info["book_uuid"], signed_in(request)
    book = services(request).store.read(lambda c: catalog.book(c, uuid))
    layout, base_path = request.config_dict[LAYOUT], services(request).config.base_path
    formats = readable(book)
    if not formats:
        sentence = layout.say("reader.unreadable")
        return page(request, "error.html", http_status=404, heading=book.title, sentence=sentence)
    if not layout.assets.has("reader.js"):
        heading, sentence = layout.say("reader.missing_title"), layout.say("reader.missing")
        return page(request, "error.html", http_status=503, heading=heading, sentence=sentence)
    wanted = request.query.get("format", "").upper()
    form = wanted if wanted in formats else formats[0]
    here = url(request, "/read", uuid, format=wanted if wanted in formats else None)
    answer = page(
        request,
        "reader.html",
        base=base_path,
        assets=layout.assets.manifest,
        book_uuid=book.uuid,
        format=form,
        title=book.title,
        kind="comic" if form in COMICS else book.kind,
        idle_cap_s=user.idle_cap_s,
        back_url=url(request, "/books", book.uuid),
        download_url=url(request, "/api/v1/books", book.uuid, "formats", form),
        signin_url=url(request, "/sign-in", next=here),
        offline=(layout.assets.static / "sw.js").is_file(),
        user=user.id,
    )
    protect(answer, reader_policy(request))
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


async def worker(request: web.Request) -> web.StreamResponse:
    """The offline reader's service worker; it must lie above everything that it serves."""
    path = request.config_dict[LAYOUT].assets.static / "sw.js"
    if not path.is_file():
        raise NotFound("This installation has no offline reader.")
    headers = {"Content-Type": "text/javascript", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return web.FileResponse(path, headers=headers)


async def webmanifest(request: web.Request) -> web.StreamResponse:
    """What a browser wants to know before it offers to install the reader."""
    body = {
        "name": request.config_dict[LAYOUT].say("site.name"),
        "start_url": url(request, "/"),
        "scope": url(request, "/"),
        "display": "standalone",
        "background_color": "#fbfaf6",
        "theme_color": "#fbfaf6",
        "icons": [{"src": url(request, "/icon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return web.json_response(body, content_type="application/manifest+json", headers=headers)


def reader_policy(request: web.Request) -> str:
    """The policy under which a book, whoever made it, can do nothing but be shown."""
    base_path, assets = services(request).config.base_path, scripts(request)
    worker = " ".join(origin + join(base_path, "/sw.js") for origin in origins(request))
    return (
        f"default-src 'none'; script-src {assets}; style-src {assets} 'unsafe-inline' blob:; img-src blob: data:; "
        f"font-src {assets} blob: data:; media-src blob:; connect-src 'self'; frame-src blob:; "
        f"worker-src {assets} {worker}; manifest-src 'self'; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; object-src 'none'"
    )


ROUTES = (
    Route("GET", "/read/{book_uuid}", read),
    Route("GET", "/sw.js", worker, "anyone"),
    Route("GET", "/manifest.webmanifest", webmanifest, "anyone"),
)
