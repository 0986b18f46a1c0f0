"""``tomed import-statistics FILE --user NAME``: take KOReader's statistics.sqlite3 in."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tomed import history
from tomed.clock import now_ms
from tomed.commands import add_data_arguments, open_store
from tomed.errors import NotFound
from tomed.resolving import resolve
from tomed.store import users


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command understands."""
    parser.add_argument("file", type=Path, metavar="FILE", help="statistics.sqlite3; a -wal beside it is read, too")
    parser.add_argument("--user", required=True, metavar="NAME", help="whose reading it is")
    parser.add_argument(
        "--device", default="", metavar="NAME", help="the device it comes from; without it the file may be any device's"
    )
    parser.add_argument("--preview", action="store_true", help="say what would happen and keep nothing")
    add_data_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do it; 0 when all went well. Raises TomedError with a sentence for the person."""
    console = Console()
    store = open_store(arguments)
    try:
        user = store.read(lambda c: users.by_name(c, arguments.user))
        if user is None:
            raise NotFound(f"There is no user named {arguments.user}.")
        with history.opened(arguments.file) as file:
            seen = store.read(lambda c: history.preview(file, c, resolve, user.id, 0))
            _tell(console, seen)
            if arguments.preview:
                return 0
            with _bar(console) as bar:
                task = bar.add_task("page rows", total=seen.rows)
                taken = history.take_in(
                    store,
                    resolve,
                    user.id,
                    arguments.device,
                    file,
                    now_ms(),
                    lambda done, total: bar.update(task, completed=done, total=total),
                )
        console.print(f"{taken.new} new page rows of {taken.rows}; {taken.rejected} could not be.", highlight=False)
        if taken.waiting:
            console.print(f"{taken.waiting} books wait to be placed: see the waiting files in the web page.")
        return 0
    finally:
        store.close()


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )


def _tell(console: Console, seen: history.Preview) -> None:
    console.print(f"{seen.rows} page rows in {len(seen.books)} books.", highlight=False)
    for found in seen.books:
        where = f"is in the library (by {found.matched_by})" if found.book_id is not None else "waits to be placed"
        console.print(f"  {found.book.title or found.book.partial_md5} - {where}", highlight=False, markup=False)
