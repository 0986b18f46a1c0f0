"""A mirror filled without a library: entries as a library would tell them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tomed import catalog
from tomed.kinds import KindRule, kind_of
from tomed.model import Book, BookId, BookQuery, Entry, Format, Page
from tomed.store import mirror
from tomed.store.db import Store
from tomed.store.searches import Searches

USER = 1


def entry(number: int, title: str, *authors: str, **more: Any) -> Entry:
    """A book as a library tells it; ``number`` is its Calibre id."""
    values: dict[str, Any] = {
        "calibre_id": number,
        "uuid": str(uuid5(NAMESPACE_URL, f"{title}{number}")),
        "title": title,
        "sort": title,
        "author_sort": authors[0] if authors else "",
        "path": f"{authors[0] if authors else 'Unknown'}/{title} ({number})",
        "has_cover": False,
        "last_modified": f"2026-01-01 00:00:{number % 60:02}+00:00",
        "last_modified_at": 1_700_000_000_000 + number,
        "added_at": 1_600_000_000_000 + number,
        "published_at": None,
        "authors": tuple((name, name) for name in authors),
        "formats": (Format("EPUB", title, 10),),
    }
    return Entry(**(values | more))


class Shelf:
    """An open store with one library at ``folder``."""

    def __init__(self, folder: Path, rule: KindRule | None = None) -> None:
        self.store = Store.open(folder / "data" / "tomed.db")
        self.rule = rule or KindRule()
        self.searches = Searches()
        self.library = self.store.write_now(
            lambda c: mirror.register(c, str(folder / "Library"), "Library", "lib-uuid", [])
        )
        sql = "INSERT INTO users (id, name, created_at) VALUES (1, 'ann', 1)"
        self.store.write_now(lambda c: c.execute(sql).fetchall())

    def put(self, *entries: Entry) -> None:
        items = [mirror.Item(one, kind := kind_of(one, self.rule), mirror.digest(one, kind)) for one in entries]
        self.store.write_now(lambda c: mirror.put(c, self.library.id, items, 1))

    def lose(self, *numbers: int) -> None:
        """The library no longer lists these Calibre ids."""
        lost = self.store.write_now(lambda c: mirror.drop(c, self.library.id, numbers))
        self.store.write_now(lambda c: mirror.settle(c, lost, 99))

    def books(self, **query: Any) -> Page[Book]:
        return self.store.read(lambda c: catalog.books(c, BookQuery(user_id=USER, **query), self.searches))

    def titles(self, **query: Any) -> list[str]:
        return [book.title for book in self.books(**query).items]

    def id_of(self, title: str) -> BookId:
        (found,) = [book for book in self.books(per_page=200).items if book.title == title]
        return found.id

    def mark(self, title: str, status: str, at: int = 1) -> None:
        """What the user has done with a book."""
        book_id = self.id_of(title)
        sql = "INSERT OR REPLACE INTO readings (user_id, book_id, status, fraction, updated_at) VALUES (?, ?, ?, ?, ?)"
        self.store.write_now(lambda c: c.execute(sql, (USER, book_id, status, 0.5, at)).fetchall())

    def rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        return self.store.read(lambda c: c.execute(sql).fetchall())
