"""Finding books: ``python -m bench.matching --library DIR`` (its metadata.db is read, never written).

Indexes the library into a sidecar of its own, asks for files by name, hash, uuid, title and by nothing that is there,
and prints the processor time of each answer beside what it should be. Says too how many answers were right: a fast
wrong one is worth nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

from bench.catalog import made
from bench.figures import say
from tomed import names
from tomed.clock import now_ms
from tomed.errors import Ambiguous, NoMatch
from tomed.indexing import Indexer, LibrarySource
from tomed.model import BookId, Clues
from tomed.resolving import resolve
from tomed.store import aliases
from tomed.store.db import Store

ASKED = 2000
"""Questions of each kind."""

Question = tuple[BookId | None, Clues]


async def index(store: Store, library: Path) -> None:
    indexer = Indexer(store, [LibrarySource(library, "Library")], now_ms, written=[aliases.remember_names])
    started = time.process_time()
    await indexer.start()
    await indexer.settled()
    books = indexer.views()[0].books
    say(f"index of {books} books with all their names", time.process_time() - started, "s cpu", None)
    await indexer.stop()


def questions(connection: apsw.Connection) -> dict[str, tuple[float, list[Question]]]:
    """By kind: the milliseconds an answer may cost, and what is asked."""
    rows: list[Any] = connection.execute(
        "SELECT b.id, b.uuid, b.calibre_id, b.title, f.name || '.' || lower(f.format),"
        " (SELECT group_concat(a.name, char(10)) FROM book_authors ba JOIN authors a ON a.id = ba.author_id"
        "  WHERE ba.book_id = b.id) FROM books b JOIN formats f ON f.book_id = b.id WHERE b.gone_at IS NULL"
    ).fetchall()
    asked: dict[str, tuple[float, list[Question]]] = {
        "by name": (0.4, []),
        "by the content server's name": (0.4, []),
        "by KOReader's OPDS name": (0.4, []),
        "by hash": (0.4, []),
        "by uuid": (0.4, []),
        "by title and author": (1.5, []),
        "miss: name": (1.5, []),
        "miss: every clue": (1.5, []),
    }
    for book, uuid, number, title, file, people in random.Random(1).sample(rows, min(ASKED, len(rows))):
        authors = tuple(people.split("\n"))
        everybody = names.authors_text(authors)
        ending = "." + file.rpartition(".")[2]
        nothing = Clues(
            filename=f"Nobody - {title} of it_{number}.epub", partial_md5="e" * 32, identifiers="uuid:0",
            title=f"{title} Not", authors=("Nobody",), series="None", series_index=3.0,
        )  # fmt: skip
        one: list[Question] = [
            (book, Clues(filename=file)),
            (book, Clues(filename=names.served(title, everybody, number) + ending)),
            (book, Clues(filename=names.opds(everybody, title) + ending)),
            (book, Clues(filename="x.epub", partial_md5=f"{book:032x}")),
            (book, Clues(filename="x.epub", identifiers=f"isbn:1\ncalibre:{uuid}")),
            (book, Clues(filename="x.epub", title=title, authors=authors)),
            (None, Clues(filename=f"{title[:8]} nothing such - {authors[0]} Nobody.epub")),
            (None, nothing),
        ]
        for (_, questions), question in zip(asked.values(), one, strict=True):
            questions.append(question)
    return asked


def ask(store: Store, kind: str, goal: float, asked: list[Question]) -> None:
    """Processor time of one answer, median of five rounds, as a request pays it: snapshot and look-ups."""

    def answer(clues: Clues) -> object:
        try:
            return store.read(lambda c: resolve(c, clues)).book_id
        except Ambiguous:
            return "ambiguous"
        except NoMatch:
            return None

    rounds = [_timed(lambda: [answer(clues) for _, clues in asked]) for _ in range(5)]
    found = [answer(clues) for _, clues in asked]
    right = sum(one == expected for one, (expected, _) in zip(found, asked, strict=True))
    wrong = sum(one not in (expected, None, "ambiguous") for one, (expected, _) in zip(found, asked, strict=True))
    say(
        f"resolve {kind}",
        sorted(rounds)[2] / len(asked) * 1000,
        "ms",
        goal,
        f"{right} of {len(asked)} right, {wrong} wrong",
    )


def _timed(work: Callable[[], object]) -> float:
    started = time.thread_time()
    work()
    return time.thread_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.matching", description=__doc__)
    parser.add_argument("--library", type=Path, help="a Calibre library; without it one is made")
    parser.add_argument("--books", type=int, default=10_000, help="books of the made library")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tomed-matching-") as folder:
        store = Store.open(Path(folder) / "data" / "tomed.db")
        asyncio.run(index(store, told.library or made(Path(folder) / "library", told.books, {"EPUB": b"a file"})))
        store.close()
        connection = apsw.Connection(str(Path(folder) / "data" / "tomed.db"))
        with connection:
            keys: list[Any] = connection.execute("SELECT id FROM books").fetchall()
            for (book_id,) in keys:
                aliases.remember(connection, "md5", f"{book_id:032x}", book_id, "library")
        everything = questions(connection)
        connection.close()
        store = Store.open(Path(folder) / "data" / "tomed.db")
        for kind, (goal, asked) in everything.items():
            ask(store, kind, goal, asked)
        store.close()


if __name__ == "__main__":
    main()
