"""``/books``: the mirrored catalogue, and the library's own files."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import apsw
from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

from tomed import catalog
from tomed.api import requests, shapes
from tomed.covers import SIZES, SVG_POLICY
from tomed.errors import Invalid, NotFound, TomedError
from tomed.files import File
from tomed.model import Book, BookQuery, Status
from tomed.services import TOKEN, Services, services, signed_in
from tomed.store import aliases, fingerprints

MAX_PER_PAGE = 200

SORTS = ("", "title", "author", "series", "added", "read")

TYPES = {
    "EPUB": "application/epub+zip",
    "KEPUB": "application/epub+zip",
    "PDF": "application/pdf",
    "CBZ": "application/vnd.comicbook+zip",
    "CBR": "application/vnd.comicbook-rar",
    "CB7": "application/x-cb7",
    "MOBI": "application/x-mobipocket-ebook",
    "AZW3": "application/vnd.amazon.mobi8-ebook",
    "FB2": "application/x-fictionbook+xml",
    "FBZ": "application/x-zip-compressed-fb2",
    "DJVU": "image/vnd.djvu",
    "TXT": "text/plain",
}
"""Media types of formats; everything else is plain bytes."""

COVER_HEADERS = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


async def list_books(request: web.Request) -> web.Response:
    """A page of books: searched, filtered, sorted."""
    at_hand, query = services(request), _query(request)
    found = await at_hand.store.query(lambda c: catalog.books(c, query, at_hand.searches))
    return shapes.answer(
        {
            "books": [shapes.of_book(book) for book in found.items],
            "total": found.total,
            "page": found.page,
            "per_page": found.per_page,
        }
    )


def _query(request: web.Request) -> BookQuery:
    asked = request.query
    status, sort = asked.get("status", ""), asked.get("sort", "")
    if status and status not in list(Status):
        raise Invalid(f"status: must be one of {', '.join(Status)}.")
    if sort not in SORTS:
        raise Invalid(f"sort: must be one of {', '.join(SORTS[1:])}.")
    return BookQuery(
        **{name: requests.clean(asked.get(name, ""), 512) for name in ("q", "author", "series", "tag", "kind")},
        status=status,
        sort=sort,
        page=requests.number(request, "page", 1),
        per_page=requests.number(request, "per_page", 50, high=MAX_PER_PAGE),
        user_id=signed_in(request).id,
    )


async def get_book(request: web.Request) -> web.Response:
    """One book, with its description."""
    at_hand, user = services(request), signed_in(request)

    def work(connection: apsw.Connection) -> dict[str, Any]:
        book = catalog.book(connection, request.match_info["book_uuid"], user.id)
        description = catalog.description(connection, book.id)
        return shapes.of_book(book) | ({"description": description} if description else {})

    return shapes.answer({"book": at_hand.store.read(work)})


async def get_cover(request: web.Request) -> web.StreamResponse:
    """The cover as Calibre keeps it, or with ``?size=thumb`` or ``large`` a smaller one."""
    at_hand, book = services(request), _book(request)
    file = await at_hand.files.cover(book)
    if file is None:
        raise NotFound("This book has no cover.")
    size = request.query.get("size", "")
    if size not in SIZES:
        return LibraryFile(file, "image/jpeg", headers=COVER_HEADERS)
    small = await at_hand.covers.get(book.uuid, file, size, title=book.title, authors=book.authors)
    return web.FileResponse(
        small.path,
        headers={**COVER_HEADERS, "Content-Security-Policy": SVG_POLICY, hdrs.CONTENT_TYPE: small.content_type},
    )


async def get_format(request: web.Request) -> web.StreamResponse:
    """The library's own bytes of a format, whole or in ranges, under the file's real name."""
    book, name = _book(request), request.match_info["format"].upper()
    at_hand = services(request)
    file = await at_hand.files.format(book, name)
    check_unchanged(request, file)
    if request[TOKEN].kind == "device" and request.method == "GET":
        await _note_download(at_hand, signed_in(request).id, file.path.name, book)
    disposition = f"attachment; filename*=UTF-8''{quote(file.path.name, safe='')}"
    return LibraryFile(
        file,
        TYPES.get(name, "application/octet-stream"),
        headers={
            "Content-Disposition": disposition,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-cache",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            **_fingerprint(at_hand, book, file),
        },
    )


async def _note_download(at_hand: Services, user_id: int, file_name: str, book: Book) -> None:
    """What a device took from us under a name is that book, whatever else is called so."""
    now = at_hand.clock()
    await at_hand.store.write(lambda c: aliases.remember_download(c, user_id, file_name, book.id, now))


def _fingerprint(at_hand: Services, book: Book, file: File) -> dict[str, str]:
    md5 = at_hand.store.look(lambda c: fingerprints.of_file(c, book.id, file.path.name, file.size, file.modified_ns))
    return {"X-Partial-MD5": md5} if md5 else {}


def check_unchanged(request: web.Request, file: File) -> None:
    """Refuse a range of a file that is not the one that the client began with.

    Raises:
        TomedError: ``precondition_failed``.
    """
    wanted = request.headers.get(hdrs.IF_MATCH, "*").strip()
    if wanted != "*" and file.etag not in [one.strip() for one in wanted.split(",")]:
        raise TomedError("This file changed in the library. Load it again.", code="precondition_failed")


class LibraryFile(web.FileResponse):
    """A file of the library: bytes as they lie there, with ETag and ranges.

    aiohttp reads ``If-Range`` as a date only and would serve a part of a *changed* file to who holds an older
    ETag: two files silently mixed. So a range whose ETag no longer fits is answered with the whole file.
    """

    def __init__(self, file: File, media: str, headers: dict[str, str]) -> None:
        super().__init__(file.path, headers={**headers, hdrs.CONTENT_TYPE: media})
        self._etag = file.etag

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it, or the part that is asked for."""
        condition = request.headers.get(hdrs.IF_RANGE)
        if condition is not None and condition.strip() != self._etag:
            headers = request.headers.copy()
            headers.popall(hdrs.RANGE, None)
            headers.popall(hdrs.IF_RANGE, None)
            request = request.clone(headers=headers)
        return await super().prepare(request)


def _book(request: web.Request) -> Book:
    uuid = request.match_info["book_uuid"]
    return services(request).store.read(lambda c: catalog.book(c, uuid))
