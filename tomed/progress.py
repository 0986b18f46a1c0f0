"""Progress bars in the terminal: a library read for the first time, a database copied."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tomed.indexing import Indexer
from tomed.model import LibraryState

STEP_S = 0.1


async def show_indexing(indexer: Indexer) -> None:
    """Show how far the first pass over each library is, until none is being read."""
    from rich.console import Console  # loaded only where somebody looks: it is 10 MB of memory
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ExitStack() as stack:
        progress: Progress | None = None
        tasks: dict[str, TaskID] = {}
        await asyncio.sleep(STEP_S)
        while any(view.state is LibraryState.INDEXING for view in indexer.views()):
            if progress is None:
                progress = stack.enter_context(Progress(*columns, console=Console(file=sys.stderr), transient=True))
            for view in indexer.views():
                if view.name not in tasks:
                    tasks[view.name] = progress.add_task(f"Reading {view.name}", total=100)
                progress.update(tasks[view.name], completed=round(100 * (view.progress or 0)))
            await asyncio.sleep(STEP_S)


@contextmanager
def show_copying(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function that takes (pages copied, pages in all) and shows them; None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
