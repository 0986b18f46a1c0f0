"""Translations outside the event loop: in a few processes that keep their book models warm.

A process, because building a tree is pure Python: a thread would hold the interpreter while requests wait. And a
process can be left behind when a hostile book takes it too far.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tomed.children import SPAWN, settle_in
from tomed.errors import Invalid, TomedError
from tomed.locators.book import BookModel
from tomed.locators.translate import Place, locate
from tomed.model import Locator, LocatorKind

TIMEOUT_S = 20.0
KEPT_BOOKS = 8
"""Models that one worker process keeps."""
MEMORY = 1 << 30
"""Bytes of address space that a worker process may take."""

_Answers = list[Place | Invalid]
_Version = tuple[str, int, int]
_models: OrderedDict[_Version, BookModel] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Question:
    """A place to find in a book; see ``locate`` for the first five.

    ``scale`` names the kind of reader on whose scale ``fraction`` is; None is the canonical one.
    """

    locator: Locator | None = None
    fraction: float | None = None
    text: str = ""
    want: LocatorKind | None = None
    foreign: bool = False
    scale: LocatorKind | None = None


class Busy(Invalid):
    """Too many places are being looked for just now; later it will do."""


class Places:
    """Translates locators of book files; one for the whole daemon.

    ``processes`` 0 translates in a thread instead: for tests and for the command line.
    """

    def __init__(self, processes: int = 1, *, timeout_s: float = TIMEOUT_S) -> None:
        self._processes = processes
        self._timeout_s = timeout_s
        self._executor: ProcessPoolExecutor | None = None
        self._room = asyncio.Semaphore(max(1, processes) * 16)

    async def translate(self, path: Path, question: Question) -> Place:
        """Find a place in the EPUB at ``path``.

        Raises:
            Invalid: not a readable EPUB, no such place in it, or it took too long. ``Busy``: not now.
        """
        (found,) = await self.translate_all(path, [question])
        if isinstance(found, Invalid):
            raise found
        return found

    async def translate_all(self, path: Path, questions: Sequence[Question]) -> list[Place | Invalid]:
        """Find places in one EPUB, each for itself, in order: the way to a worker and back costs more than a place.

        Raises:
            Invalid: not a readable EPUB, or it took too long. ``Busy``: not now.
        """
        if self._room.locked():
            raise Busy("Too many places are being looked for; this one has to wait for the next sync.")
        translation = partial(_translate, str(path), tuple(questions))
        async with self._room:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._run(translation)
            except TimeoutError as err:
                self._abandon(self._executor)
                raise Invalid(f"The book took more than {self._timeout_s:g} seconds to read.") from err

    async def _run(self, translation: Callable[[], _Answers]) -> _Answers:
        if self._processes == 0:
            return await asyncio.to_thread(translation)
        loop = asyncio.get_running_loop()
        executor = self._pool()
        try:
            return await loop.run_in_executor(executor, translation)
        except BrokenProcessPool:
            # Perhaps it was another book that broke it.
            self._abandon(executor)
        executor = self._pool()
        try:
            return await loop.run_in_executor(executor, translation)
        except BrokenProcessPool as err:
            self._abandon(executor)
            raise Invalid("The book could not be read: it takes more memory than any book.") from err

    def _pool(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(self._processes, mp_context=SPAWN, initializer=_bounded)
        return self._executor

    def _abandon(self, executor: ProcessPoolExecutor | None) -> None:
        """Give a stuck or broken pool up; the next translation starts another."""
        if executor is None:
            return
        if self._executor is executor:
            self._executor = None
        for process in list((executor._processes or {}).values()):
            process.kill()
        executor.shutdown(wait=False, cancel_futures=True)

    async def close(self) -> None:
        """End the processes."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)


def _bounded() -> None:
    """Make a worker process small, polite, and no longer-lived than the daemon."""
    settle_in()
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # not everywhere

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)


def _translate(path: str, questions: Sequence[Question]) -> _Answers:
    # An error is rebuilt plainly: an exception with a cause does not travel well between processes.
    try:
        model = _model(path)
        return [_find(model, question) for question in questions]
    except TomedError as err:
        raise Invalid(err.message) from None
    except MemoryError:
        _models.clear()
        raise Invalid("The book takes more memory than any book.") from None


def _find(model: BookModel, asked: Question) -> Place | Invalid:
    try:
        fraction = asked.fraction if asked.fraction is None else model.canonical(asked.scale, asked.fraction)
        return locate(model, asked.locator, fraction, asked.text, foreign=asked.foreign, want=asked.want)
    except TomedError as err:
        return Invalid(err.message)


def _model(path: str) -> BookModel:
    """The model of a file in its present version."""
    try:
        stat = Path(path).stat()
    except OSError as err:
        raise Invalid(f"The book file can't be read: {err.strerror}.") from err
    version = (path, stat.st_size, stat.st_mtime_ns)
    model = _models.get(version)
    if model is None:
        for older in [known for known in _models if known[0] == path]:
            del _models[older]
        model = _models[version] = BookModel.open(path)
        while len(_models) > KEPT_BOOKS:
            _models.popitem(last=False)
    _models.move_to_end(version)
    return model
