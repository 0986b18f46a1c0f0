"""What is derived from books while a library is read for the first time: written later, in order, and never lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.libraries import BookSpec, make_library
from tomed import comparison
from tomed.clock import now_ms
from tomed.indexing import Indexer, LibrarySource
from tomed.model import LibraryState
from tomed.store import mirror
from tomed.store.aliases import remember_names
from tomed.store.db import Store


async def test_names_of_an_interrupted_first_pass_are_complete_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Books are written and their names still wait when the pass fails: the next one writes the names of all."""
    for size, number in {"READ": 20, "WRITE_FIRST": 20, "PILE": 250, "SLICE": 50}.items():
        monkeypatch.setattr(comparison, size, number)
    library = make_library(tmp_path / "Library", [BookSpec(f"Book {n}", formats=(), cover=False) for n in range(300)])
    store = Store.open(tmp_path / "data" / "tomed.db")
    slices: list[list[mirror.DerivedRow]] = []
    fails_at = 3

    def write(connection: mirror.Connection, rows: object) -> None:
        slices.append(list(rows))  # type: ignore[call-overload]
        if len(slices) == fails_at:
            raise RuntimeError("the power went")
        remember_names.write(connection, slices[-1])

    names = mirror.Derived(remember_names.rows, write, book=2)
    indexer = Indexer(store, [LibrarySource(library.folder, "L")], now_ms, written=[names], poll_s=0.05)
    await indexer.start()
    async with asyncio.timeout(60):
        while indexer.views()[0].state is not LibraryState.READY:
            await asyncio.sleep(0.01)
    await indexer.stop()
    held = store.read(lambda c: c.execute("SELECT kind, value, book_id, source FROM aliases").fetchall())
    titles = store.read(lambda c: c.execute("SELECT id, title FROM books").fetchall())
    assert len(titles) == 300
    assert {book_id for book_id, _ in titles} == {book_id for _, _, book_id, _ in held}
    assert {row for rows in slices for row in rows} == set(held)
    assert all(rows == sorted(rows) and len(rows) <= 50 for rows in slices)
    assert len(slices) > fails_at
    await asyncio.to_thread(store.close)
