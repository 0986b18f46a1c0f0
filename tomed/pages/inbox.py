"""The inbox: files that found no book, and books that left the library. One click places; another takes it back."""

from __future__ import annotations

from dataclasses import dataclass, field

import apsw
from aiohttp import web

from tomed import catalog, inbox
from tomed.errors import NotFound
from tomed.model import Book, BookId, BookQuery, Candidate, Clues
from tomed.pages.forms import read_form
from tomed.pages.layout import page
from tomed.pages.links import url
from tomed.pages.paging import page_number, pager
from tomed.pages.routes import Route, see_other
from tomed.pages.shelf import short
from tomed.services import services, signed_in
from tomed.store import documents

PER_PAGE = 10
FOUND_MAX = 8
SILENCED_MAX = 50
WORDS_MAX = 200
NAME_MAX = 160
SAID = ("placed", "displaced", "ignored", "heard", "moved")


@dataclass(frozen=True, slots=True)
class Guess:
    """A book that a file may be, and why."""

    book: Book
    reason: str


@dataclass(frozen=True, slots=True)
class File:
    """A file without a book as the page shows it: ``q`` are the words looked for, ``found`` the books with them."""

    id: int
    name: str
    about: str
    waiting: inbox.Waiting
    candidates: list[Guess]
    q: str = ""
    found: tuple[Book, ...] = ()


@dataclass(slots=True)
class _Seen:
    """What one look at the store tells."""

    total: int = 0
    files: list[File] = field(default_factory=list)
    silenced: list[tuple[int, str]] = field(default_factory=list)
    placed: list[tuple[int, str, Book]] = field(default_factory=list)
    orphans: list[tuple[Book, list[Guess]]] = field(default_factory=list)


async def show(request: web.Request) -> web.StreamResponse:
    """The files that wait, each with its candidates; words of a search belong to one of them."""
    user_id, number, resolve = signed_in(request).id, page_number(request), services(request).resolve
    asked, q = request.query.get("file", ""), short(request.query.get("q", "").strip(), WORDS_MAX)

    def look(connection: apsw.Connection) -> _Seen:
        waiting = inbox.unmatched(connection, user_id, page=number, per_page=PER_PAGE)
        seen = _Seen(waiting.total)
        for one in waiting.items:
            guesses = _guesses(connection, inbox.candidates(connection, resolve, user_id, one))
            words = q if asked == str(one.id) else ""
            found = catalog.books(connection, BookQuery(q=words, per_page=FOUND_MAX)).items if words else ()
            seen.files.append(File(one.id, file_name(one.clues), _about(one.clues), one, guesses, words, found))
        for one in inbox.unmatched(connection, user_id, silenced=True, per_page=SILENCED_MAX).items:
            seen.silenced.append((one.id, file_name(one.clues)))
        for document in documents.linked(connection, user_id):
            if document.book_id is not None:
                book = catalog.book_by_id(connection, document.book_id)
                seen.placed.append((document.id, file_name(document.clues), book))
        for orphan in inbox.orphans(connection, user_id):
            guesses = _guesses(connection, orphan.successors)
            seen.orphans.append((catalog.book_by_id(connection, orphan.book_id), guesses))
        return seen

    seen = await services(request).store.query(look)
    said = request.query.get("said", "")
    return page(
        request,
        "inbox.html",
        here="settings",
        said=said if said in SAID else "",
        files=seen.files,
        silenced=seen.silenced,
        placed=seen.placed,
        orphans=seen.orphans,
        pager=pager(number, seen.total, PER_PAGE, lambda n: url(request, "/inbox", page=n)),
    )


def _guesses(connection: apsw.Connection, candidates: list[Candidate] | tuple[Candidate, ...]) -> list[Guess]:
    known = catalog.books_by_id(connection, [candidate.book_id for candidate in candidates])
    return [Guess(known[one.book_id], one.reason) for one in candidates if one.book_id in known]


def file_name(clues: Clues) -> str:
    """What to call a file: its name without the device's folders, or whatever else is known of it."""
    name = clues.filename.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return short(name or clues.title or clues.partial_md5 or clues.book_uuid or "?", NAME_MAX)


def _about(clues: Clues) -> str:
    return short(", ".join(part for part in (clues.title, *clues.authors) if part), NAME_MAX)


async def place(request: web.Request) -> web.StreamResponse:
    """Say which book a file is."""
    form = await read_form(request)
    user_id, document_id, now = signed_in(request).id, _document_id(request), services(request).clock()
    uuid = form.get("book_uuid", "")
    await services(request).store.write(lambda c: inbox.link(c, user_id, document_id, catalog.book(c, uuid).id, now))
    services(request).scaling.wake()
    raise see_other(request, "/inbox", said="placed")


async def undo(request: web.Request) -> web.StreamResponse:
    """Take a placing back."""
    await read_form(request)
    user_id, document_id, now = signed_in(request).id, _document_id(request), services(request).clock()
    await services(request).store.write(lambda c: inbox.unlink(c, user_id, document_id, now))
    raise see_other(request, "/inbox", said="displaced")


async def ignore(request: web.Request) -> web.StreamResponse:
    """ "Not from this library"."""
    await read_form(request)
    user_id, document_id, now = signed_in(request).id, _document_id(request), services(request).clock()
    await services(request).store.write(lambda c: inbox.silence(c, user_id, document_id, now))
    raise see_other(request, "/inbox", said="ignored")


async def hear(request: web.Request) -> web.StreamResponse:
    """Let a silenced file be heard of again."""
    await read_form(request)
    user_id, document_id = signed_in(request).id, _document_id(request)
    await services(request).store.write(lambda c: inbox.silence(c, user_id, document_id, None))
    raise see_other(request, "/inbox", said="heard")


async def move(request: web.Request) -> web.StreamResponse:
    """Move one's history with a book to another one (merged in Calibre, or deleted and added again)."""
    form = await read_form(request)
    user_id, uuid, now = signed_in(request).id, request.match_info["book_uuid"], services(request).clock()
    target_uuid = form.get("to", "").strip().rstrip("/").rpartition("/")[2]

    def work(connection: apsw.Connection) -> None:
        source: BookId = catalog.book(connection, uuid).id
        inbox.move_history(connection, user_id, source, catalog.book(connection, target_uuid).id, now)

    await services(request).store.write(work)
    services(request).scaling.wake()
    raise see_other(request, "/books", target_uuid, said="moved")


def _document_id(request: web.Request) -> int:
    text = request.match_info["document_id"]
    if len(text) > 15:
        raise NotFound("There is no such file.")
    return int(text)


ROUTES = (
    Route("GET", "/inbox", show),
    Route("POST", r"/inbox/{document_id:\d+}/place", place),
    Route("POST", r"/inbox/{document_id:\d+}/undo", undo),
    Route("POST", r"/inbox/{document_id:\d+}/ignore", ignore),
    Route("POST", r"/inbox/{document_id:\d+}/hear", hear),
    Route("POST", "/books/{book_uuid}/move", move),
)
