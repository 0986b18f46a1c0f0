"""A sidecar with a catalogue made up by the test, written as the indexer writes it."""

from __future__ import annotations

from pathlib import Path

import apsw

from tomed.errors import Ambiguous, NoMatch
from tomed.model import BookId, Candidate, Clues, Entry, Format
from tomed.names import ascii_name
from tomed.resolving import resolve
from tomed.store import aliases, mirror
from tomed.store.db import connect, transaction
from tomed.store.migrations import migrate

NOW = 1_780_000_000_000


def entry(
    title: str,
    *authors: str,
    calibre_id: int = 1,
    uuid: str = "",
    sort: str = "",
    author_sort: str = "",
    path: str | None = None,
    file: str | None = None,
    formats: tuple[str, ...] = ("EPUB",),
    series: str | None = None,
    series_index: float | None = None,
) -> Entry:
    """A book as Calibre would have it; what is not told is made up the way Calibre does."""
    authors = authors or ("Ada Quill",)
    name = f"{ascii_name(title)[:42].rstrip()} - {ascii_name(authors[0])[:42]}".rstrip(".")
    return Entry(
        calibre_id=calibre_id,
        uuid=uuid or f"00000000-0000-4000-8000-{calibre_id:012x}",
        title=title,
        sort=sort or title,
        author_sort=author_sort or " & ".join(authors),
        path=f"{ascii_name(authors[0])[:90]}/{ascii_name(title)[:90]} ({calibre_id})" if path is None else path,
        has_cover=False,
        last_modified="",
        last_modified_at=0,
        added_at=0,
        published_at=None,
        series=series,
        series_index=series_index,
        authors=tuple((author, author) for author in authors),
        formats=tuple(Format(format_, file or name, 1000) for format_ in formats),
    )


class Sidecar:
    """The store of one made-up library, and questions to it."""

    def __init__(self, folder: Path) -> None:
        path = folder / "tomed.db"
        self.connection: apsw.Connection = connect(path)
        self.connection.pragma("synchronous", 0)
        migrate(self.connection, path)
        self.connection.execute(
            "INSERT INTO libraries (id, path, name) VALUES (1, ?, 'Library')", (str(folder / "lib"),)
        )

    def put(self, *entries: Entry, library_id: int = 1) -> list[BookId]:
        """Write these books, new or changed, with all their names; their keys."""
        items = [mirror.Item(one, "book", mirror.digest(one, "book")) for one in entries]
        with transaction(self.connection):
            written, _ = mirror.put(self.connection, library_id, items, NOW)
            aliases.remember_names(self.connection, written, NOW)
        return [book_id for book_id, _ in written]

    def lose(self, *book_ids: BookId) -> None:
        """Calibre no longer lists these."""
        for book_id in book_ids:
            self.connection.execute("UPDATE books SET gone_at = ? WHERE id = ?", (NOW, book_id))

    def person(self, name: str = "ann") -> int:
        """A user."""
        self.connection.execute("INSERT INTO users (name, created_at) VALUES (?, 0)", (name,))
        return self.connection.last_insert_rowid()

    def ask(self, filename: str = "", *, user_id: int | None = None, **clues: object) -> tuple[str, object]:
        """``("name", book)`` for a match, else ``("ambiguous", {books})`` or ``("no_match", [books])``."""
        try:
            match = resolve(self.connection, Clues(filename=filename, **clues), user_id=user_id)  # type: ignore[arg-type]
        except Ambiguous as err:
            return err.code, {candidate.book_id for candidate in err.details["candidates"]}
        except NoMatch as err:
            return err.code, [candidate.book_id for candidate in err.details["candidates"]]
        return match.matched_by, match.book_id

    def candidates(self, filename: str = "", **clues: object) -> list[Candidate]:
        """What an answer without certainty names."""
        try:
            resolve(self.connection, Clues(filename=filename, **clues))  # type: ignore[arg-type]
        except (Ambiguous, NoMatch) as err:
            found: list[Candidate] = err.details["candidates"]
            return found
        raise AssertionError("this is certain")
