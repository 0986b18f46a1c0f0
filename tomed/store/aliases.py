"""SQL of everything a file may be known by: names, hashes, uuids, volumes. Names never expire.

``aliases`` holds one row for each ``(kind, value, book)``:

=========  ==============================================  ===========================================
kind       value                                           comes from
=========  ==============================================  ===========================================
name       ``key/extension`` (``names.name_key``)          the roads of ``tomed/names.py``
title      ``names.title_keys`` of title and title sort    the catalogue
volume     ``names.volume_key``: ``earthsea/1.5``          the catalogue
md5        partial MD5, lower case                         ``library`` files, or what a ``device`` sent
uuid       a uuid that has become this book's              books merged away
path       path on a device, folded                        ``metadata.calibre`` on a device
=========  ==============================================  ===========================================

Every look-up is one descent into an index, bounded by ``MANY`` rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from tomed import names
from tomed.evidence import Facts, Hits, path_key
from tomed.matching import teaches
from tomed.model import BookId, Clues, Entry
from tomed.store import mirror

MANY = 1000
"""Rows looked at for one question. What more rows share tells no book from another, and is nobody's."""

FEW = 64
"""Rows looked at for candidates, which are not certain anyway."""


# Remembering ------------------------------------------------------------------------------------


LONGEST = 1000
"""Characters of a title or name that can reach any file name."""

MOST_PEOPLE = 50


def _rows(book_id: BookId, entry: Entry) -> Iterable[tuple[str, str, int, str]]:
    named = names.Named(
        title=entry.title[:LONGEST],
        sort=(entry.sort or entry.title)[:LONGEST],
        authors=tuple(name[:LONGEST] for name, _ in entry.authors[:MOST_PEOPLE]),
        author_sort=entry.author_sort[:LONGEST],
        files=tuple((f.format, f.name) for f in entry.formats),
        path=entry.path,
        calibre_id=entry.calibre_id,
    )
    for road, key, extension in names.roads(named):
        yield "name", f"{key}/{extension}", book_id, road
    for key in names.title_keys(named.title, named.sort):
        yield "title", key, book_id, ""
    if entry.series and entry.series_index is not None:
        key = names.volume_key(entry.series[:LONGEST], entry.series_index)
        if key:
            yield "volume", key, book_id, ""


def _names(books: Iterable[tuple[BookId, Entry]]) -> list[mirror.DerivedRow]:
    return [row for book_id, entry in books for row in _rows(book_id, entry)]


def _remember_rows(connection: apsw.Connection, rows: Sequence[mirror.DerivedRow]) -> None:
    """``rows`` in order: neighbours in the index lie on one page, which is then touched once."""
    connection.executemany("INSERT OR IGNORE INTO aliases (kind, value, book_id, source) VALUES (?, ?, ?, ?)", rows)


remember_names = mirror.Derived(_names, _remember_rows, book=2)
"""Remember every name and title these books have now, beside those they had. For each new or changed book."""


def remember(connection: apsw.Connection, kind: str, value: str, book_id: BookId, source: str) -> None:
    """Remember one more alias. A hash of the library's own bytes outranks one that a device taught."""
    connection.execute(
        "INSERT INTO aliases (kind, value, book_id, source) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET source = excluded.source WHERE excluded.source = 'library'",
        (kind, value, book_id, source),
    )


def forget(connection: apsw.Connection, kind: str, value: str, book_id: BookId, source: str) -> None:
    """Take back an alias that this source taught; what another source says stays."""
    connection.execute(
        "DELETE FROM aliases WHERE kind = ? AND value = ? AND book_id = ? AND source = ?",
        (kind, value, book_id, source),
    )


def learn_hash(connection: apsw.Connection, partial_md5: str, book_id: BookId, matched_by: str) -> None:
    """Remember the hash of a file that a rule placed, when that rule is one that teaches."""
    if partial_md5 and teaches(matched_by):
        remember(connection, "md5", partial_md5.lower(), book_id, "device")


def remember_download(connection: apsw.Connection, user_id: int, file_name: str, book_id: BookId, now: int) -> None:
    """Note that a user's device took this book from us under ``file_name``. ``now`` in ms."""
    connection.execute(
        "INSERT INTO downloads (user_id, name_key, book_id, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET at = excluded.at",
        (user_id, file_key(file_name), book_id, now),
    )


def remember_path(connection: apsw.Connection, path: str, book_id: BookId) -> None:
    """Remember where a device's ``metadata.calibre`` says it has this book."""
    remember(connection, "path", path_key(path), book_id, "device")


def remember_uuid(connection: apsw.Connection, uuid: str, book_id: BookId) -> None:
    """Remember that a book with this uuid has become this one."""
    remember(connection, "uuid", uuid.lower(), book_id, "merge")


def file_key(file_name: str) -> str:
    """Key of a file name with its extension, as the kind ``name`` and ``downloads`` hold it."""
    stem, extension = names.split_extension(file_name)
    return f"{names.name_key(stem)}/{extension}"


# Asking -----------------------------------------------------------------------------------------


class Shelf:
    """The look-ups that the rules of ``tomed/matching.py`` ask for, over one connection, for one user."""

    def __init__(self, connection: apsw.Connection, user_id: int | None = None) -> None:
        self._connection = connection
        self._user_id = user_id

    def by_uuid(self, uuid: str) -> Hits:
        """Books with this uuid, or into which a book with this uuid was merged."""
        return self._hits(
            "SELECT id, '' FROM books WHERE uuid = ?1"
            " UNION SELECT book_id, source FROM aliases WHERE kind = 'uuid' AND value = ?1",
            (uuid,),
        )

    def by_md5(self, md5: str) -> Hits:
        """Books that ever had a file with this partial MD5; ``source`` is ``library`` or ``device``."""
        return self._alias("md5", md5)

    def by_path(self, path: str) -> Hits:
        """Books of which a device once told this path, folded."""
        return self._alias("path", path)

    def by_title(self, key: str) -> Hits:
        """Books that have or had this title, in any of its spellings."""
        return self._alias("title", key)

    def authors_by_title(self, key: str) -> dict[BookId, list[str]]:
        """Books that have or had this title, with their authors."""
        rows = self._rows(
            "SELECT a.book_id, authors.name FROM aliases a CROSS JOIN book_authors b ON b.book_id = a.book_id"
            " CROSS JOIN authors ON authors.id = b.author_id WHERE a.kind = 'title' AND a.value = ?"
            " ORDER BY a.book_id, b.ordinal LIMIT ?",
            (key, MANY),
        )
        found: dict[BookId, list[str]] = {}
        for book_id, name in rows if len(rows) < MANY else []:
            found.setdefault(BookId(book_id), []).append(name)
        return found

    def by_volume(self, key: str) -> Hits:
        """Books that are or were this volume of this series."""
        return self._alias("volume", key)

    def by_name(self, stem: str) -> Hits:
        """Books that have or had a file of this name, whatever its extension; ``source`` is the extension."""
        return self._hits(
            "SELECT book_id, substr(value, length(?1) + 2) FROM aliases"
            " WHERE kind = 'name' AND value >= ?1 || '/' AND value < ?1 || '0' LIMIT ?2",
            (stem, MANY),
        )

    def names_from(self, start: str) -> list[tuple[BookId, str]]:
        """``(book, name key)`` of names that begin so. Empty when there are too many to tell apart."""
        rows = self._rows(
            "SELECT book_id, value FROM aliases"
            " WHERE kind = 'name' AND value >= ?1 AND value < ?1 || char(1114111) LIMIT ?2",
            (start, FEW),
        )
        return [] if len(rows) == FEW else [(BookId(book_id), value.rpartition("/")[0]) for book_id, value in rows]

    def by_calibre_id(self, calibre_id: int) -> Hits:
        """Books that have or had this number in one of the libraries."""
        return self._hits(  # CROSS JOIN: the few libraries first, then one descent into an index for each
            "SELECT books.id, '' FROM libraries"
            " CROSS JOIN books ON books.library_id = libraries.id AND books.calibre_id = ?1"
            " UNION SELECT holdings.book_id, '' FROM libraries"
            " CROSS JOIN holdings ON holdings.library_id = libraries.id AND holdings.calibre_id = ?1",
            (calibre_id,),
        )

    def linked(self, clues: Clues) -> Hits:
        """Books a person said this user's file is: by its hash, or by its name where no hash is known."""
        return self._of_documents(clues, "book_id, ''", "documents", "matched_by = 'link' AND book_id IS NOT NULL AND ")

    def refused(self, clues: Clues) -> set[BookId]:
        """Books a person said this user's file is not."""
        tables = "documents JOIN refusals ON refusals.document_id = documents.id"
        return set(self._of_documents(clues, "refusals.book_id, ''", tables, ""))

    def succeeded(self, book_id: BookId) -> BookId:
        """The book that continues this one for this user, if Calibre no longer lists it; else the book itself."""
        if self._user_id is None:
            return book_id
        rows = self._rows(
            "SELECT s.successor_id FROM successions s JOIN books b ON b.id = s.book_id"
            " WHERE s.user_id = ? AND s.book_id = ? AND b.gone_at IS NOT NULL",
            (self._user_id, book_id),
        )
        return BookId(rows[0][0]) if rows else book_id

    def downloaded(self, file_name: str) -> Hits:
        """Books this user took from us under this file name."""
        if self._user_id is None:
            return {}
        return self._hits(
            "SELECT book_id, '' FROM downloads WHERE user_id = ? AND name_key = ?", (self._user_id, file_key(file_name))
        )

    def facts(self, book_ids: Iterable[BookId]) -> dict[BookId, Facts]:
        """What is known of these books now."""
        return {book_id: facts for book_id in book_ids if (facts := self._facts(book_id)) is not None}

    def names_of(self, book_id: BookId, start: str) -> list[str]:
        """Name keys of this book's files, now or ever, that begin so."""
        return [value.rpartition("/")[0] for value in self._of_book("name", book_id, start)]

    def titles_of(self, book_id: BookId, start: str) -> list[str]:
        """Title keys of this book, now or ever, that begin so."""
        return self._of_book("title", book_id, start)

    def same_bytes(self, book_id: BookId) -> set[BookId]:
        """Other books that have or had a file with the bytes of one of this book's."""
        rows = self._rows(
            "SELECT a.book_id FROM fingerprints f CROSS JOIN aliases a ON a.kind = 'md5' AND a.value = f.partial_md5"
            " WHERE f.book_id = ?1 AND f.partial_md5 <> '' AND a.source = 'library' AND a.book_id <> ?1 LIMIT ?2",
            (book_id, FEW),
        )
        return {BookId(other) for (other,) in rows}

    def _of_book(self, kind: str, book_id: BookId, start: str) -> list[str]:
        rows = self._rows(
            "SELECT value FROM aliases WHERE kind = ?1 AND value >= ?2 AND value < ?2 || char(1114111)"
            " AND book_id = ?3 LIMIT ?4",
            (kind, start, book_id, FEW),
        )
        return [value for (value,) in rows]

    def _alias(self, kind: str, value: str) -> Hits:
        return self._hits(
            "SELECT book_id, source FROM aliases WHERE kind = ? AND value = ? LIMIT ?", (kind, value, MANY)
        )

    def _rows(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        rows: list[Any] = self._connection.execute(sql, values).fetchall()
        return rows

    def _hits(self, sql: str, values: tuple[object, ...]) -> Hits:
        hits: Hits = {}
        rows = self._rows(sql, values)
        for book_id, source in rows if len(rows) < MANY else []:
            hits.setdefault(BookId(book_id), set()).add(source)
        return hits

    def _of_documents(self, clues: Clues, columns: str, tables: str, where: str) -> Hits:
        """What was said of this user's files with the same hash, or with the same name when one has no hash."""
        if self._user_id is None:
            return {}
        md5 = clues.partial_md5.lower()
        return self._hits(
            f"SELECT {columns} FROM {tables} WHERE {where} user_id = ?1 AND partial_md5 = ?2 AND partial_md5 <> ''"
            f" UNION SELECT {columns} FROM {tables} WHERE {where} user_id = ?1 AND filename = ?3 AND filename <> ''"
            " AND (partial_md5 = '' OR ?2 = '')",
            (self._user_id, md5, names.mend(clues.filename)),
        )

    def _facts(self, book_id: BookId) -> Facts | None:
        row = self._connection.execute(
            "SELECT books.title, books.sort, series.name, books.series_index, books.gone_at IS NOT NULL, books.path"
            " FROM books LEFT JOIN series ON series.id = books.series_id WHERE books.id = ?",
            (book_id,),
        ).fetchone()
        if row is None:
            return None
        title, sort, series, series_index, gone, path = row
        authors = self._rows(
            "SELECT authors.name FROM book_authors JOIN authors ON authors.id = book_authors.author_id"
            " WHERE book_authors.book_id = ? ORDER BY book_authors.ordinal",
            (book_id,),
        )
        return Facts(title, sort, tuple(name for (name,) in authors), series, series_index, bool(gone), path)
