"""The inbox: files that no rule placed, and what their reader says of them.

Everything here runs inside one transaction and speaks for one user alone: a link, a refusal or a moved
history of one person never decides for another. A file's whole waiting history follows each word, in
and out again.
"""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from tomed import matching, reading
from tomed.errors import Ambiguous, Conflict, NoMatch, NotFound
from tomed.model import BookId, Candidate, Page
from tomed.store import aliases, documents
from tomed.store import inbox as sql
from tomed.store.inbox import Waiting

__all__ = ["Orphan", "Waiting", "candidates", "link", "move_history", "orphans", "silence", "unlink", "unmatched"]


@dataclass(frozen=True, slots=True)
class Orphan:
    """A book with a user's history that Calibre no longer lists, and the books that may continue it, best first."""

    book_id: BookId
    successors: tuple[Candidate, ...]


def unmatched(
    connection: apsw.Connection, user_id: int, *, silenced: bool = False, page: int = 1, per_page: int = 50
) -> Page[Waiting]:
    """A page of one's own files without a book, the last read first; the silenced ones are a list of their own."""
    return sql.waiting(connection, user_id, silenced=silenced, page=page, per_page=per_page)


def candidates(
    connection: apsw.Connection, resolve: reading.Resolve, user_id: int, waiting: Waiting
) -> list[Candidate]:
    """Books that this file may be, best first, each with its reason."""
    try:
        match = resolve(connection, waiting.clues, user_id=user_id)
    except (NoMatch, Ambiguous) as err:
        found: list[Candidate] = err.details.get("candidates", [])
        return found
    return [Candidate(match.book_id, matching.reason(match.matched_by), 1.0)]


def link(connection: apsw.Connection, user_id: int, document_id: int, book_id: BookId, now: int) -> None:
    """Say which book a file is. Its waiting history moves in, and that of its copies under other names.

    Raises:
        NotFound: no such file of this user, or no such book.
    """
    _own(connection, user_id, document_id)
    if not sql.has_book(connection, book_id):
        raise NotFound("There is no such book in the library.")
    for copy in (document_id, *sql.same_bytes(connection, user_id, document_id, None)):
        sql.accept(connection, copy, book_id)
        reading.place(connection, copy, book_id, "link", now)


def unlink(connection: apsw.Connection, user_id: int, document_id: int, now: int) -> None:
    """Take a placing back, made by a person or by a rule. Its history moves out and waits; no rule makes it again.

    Raises:
        NotFound: no such file of this user.
        Conflict: it has no book.
    """
    waiting, book_id = _own(connection, user_id, document_id)
    if book_id is None:
        raise Conflict("This file is not linked to a book.")
    for copy in (document_id, *sql.same_bytes(connection, user_id, document_id, book_id)):
        sql.refuse(connection, copy, book_id, now)
        reading.displace(connection, copy, now)
    if waiting.clues.partial_md5:
        aliases.forget(connection, "md5", waiting.clues.partial_md5.lower(), book_id, "device")


def silence(connection: apsw.Connection, user_id: int, document_id: int, now: int | None) -> None:
    """ "Not from this library": the file is left alone until ``now`` is None again. Its history stays.

    Raises:
        NotFound: no such file of this user.
        Conflict: it has a book; unlink it first.
    """
    _, book_id = _own(connection, user_id, document_id)
    if book_id is not None:
        raise Conflict("This file is linked to a book. Take the link back first.")
    documents.set_ignored(connection, document_id, now)


def move_history(connection: apsw.Connection, user_id: int, source: BookId, target: BookId, now: int) -> None:
    """Let one's whole history with a book continue in another: merged, or deleted and added again.

    While Calibre does not list ``source``, files that name it are taken for ``target``.

    Raises:
        NotFound: one of the books does not exist.
        Conflict: they are the same.
    """
    if source == target:
        raise Conflict("This is the same book.")
    if not (sql.has_book(connection, source) and sql.has_book(connection, target)):
        raise NotFound("There is no such book in the library.")
    reading.move_history(connection, user_id, source, target, now)
    sql.succeed(connection, user_id, source, target, now)


def orphans(connection: apsw.Connection, user_id: int) -> list[Orphan]:
    """Books with one's history that Calibre no longer lists. The machine can't know what became of them."""
    shelf = aliases.Shelf(connection, user_id)
    return [Orphan(book_id, tuple(matching.successors(shelf, book_id))) for book_id in sql.orphans(connection, user_id)]


def _own(connection: apsw.Connection, user_id: int, document_id: int) -> tuple[Waiting, BookId | None]:
    found = sql.one(connection, user_id, document_id)
    if found is None:
        raise NotFound("There is no such file.")
    return found
