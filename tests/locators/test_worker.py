"""Translations in worker processes: warm, versioned, bounded, and gone with the daemon."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.locators.books import chapter, epub
from tomed.errors import Invalid
from tomed.locators import worker
from tomed.locators.translate import Place
from tomed.locators.worker import Places, Question
from tomed.model import Locator, LocatorKind, Precision

GIVEN = Locator(LocatorKind.XPOINTER, "/body/DocFragment/body/p/text().4")


@pytest.fixture
async def places() -> AsyncIterator[Places]:
    """Two workers."""
    places = Places(2)
    yield places
    await places.close()


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of one sentence."""
    path = tmp_path / "book.epub"
    path.write_bytes(epub(chapter("<p>one two three</p>")))
    return path


@pytest.mark.parametrize("processes", [0, 1])
async def test_a_place_from_a_worker(processes: int, book: Path) -> None:
    """What comes back is the place; errors come back as ours."""
    places = Places(processes)
    try:
        place = await places.translate(book, Question(GIVEN, want=LocatorKind.CFI))
        assert (place.cfi, place.precision) == ("epubcfi(/6/2!/4/2/1:4)", Precision.EXACT)
        with pytest.raises(Invalid, match="no DocFragment"):
            await places.translate(book, Question(Locator(LocatorKind.XPOINTER, "/body/DocFragment[9]")))
        with pytest.raises(Invalid, match="can't be read"):
            await places.translate(book.with_name("gone.epub"), Question(GIVEN))
    finally:
        await places.close()


async def test_many_at_once(places: Places, book: Path) -> None:
    """Several ask at the same time and each gets its own answer."""
    pointers = [Locator(LocatorKind.XPOINTER, f"/body/DocFragment/body/p/text().{n}") for n in range(12)]
    found = await asyncio.gather(*(places.translate(book, Question(pointer)) for pointer in pointers))
    assert [place.cfi for place in found] == [f"epubcfi(/6/2!/4/2/1:{n})" for n in range(12)]


def test_a_changed_file_is_read_anew(book: Path) -> None:
    """The model belongs to a version of the file: path, size and time."""
    (first,) = worker._translate(str(book), [Question(GIVEN)])
    book.write_bytes(epub(chapter("<p>one and two and three</p>")))
    (second,) = worker._translate(str(book), [Question(GIVEN)])
    assert isinstance(first, Place) and isinstance(second, Place)
    assert (first.text, second.text) == ("two three", "and two and three")
    assert len([version for version in worker._models if version[0] == str(book)]) == 1


async def test_what_takes_too_long_is_given_up(book: Path) -> None:
    """A stuck worker is killed and the next translation has another."""
    places = Places(1, timeout_s=0.000_001)
    try:
        with pytest.raises(Invalid, match="seconds"):
            await places.translate(book, Question(GIVEN))
        places._timeout_s = 60.0
        assert (await places.translate(book, Question(GIVEN))).text == "two three"
    finally:
        await places.close()


async def test_a_dead_worker_is_replaced(places: Places, book: Path) -> None:
    """A worker that dies (out of memory) costs nobody a place."""
    await places.translate(book, Question(GIVEN))
    assert places._executor is not None
    for process in list(places._executor._processes.values()):
        process.kill()
        process.join()
    assert (await places.translate(book, Question(GIVEN))).text == "two three"


def test_workers_end_with_a_killed_daemon(book: Path) -> None:
    """kill -9 of the daemon leaves no worker behind."""
    script = textwrap.dedent(
        """
        import asyncio, os, sys
        from pathlib import Path
        from tomed.locators.worker import Places, Question

        async def main():
            places = Places(1)
            await places.translate(Path(sys.argv[1]), Question(fraction=0.5))
            print(*places._executor._processes, flush=True)
            os.kill(os.getpid(), 9)

        if __name__ == "__main__":
            asyncio.run(main())
        """
    )
    path = book.with_name("daemon.py")
    path.write_text(script)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, str(path), str(book)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout.strip(), done.stderr
    workers = [int(word) for word in done.stdout.split()]
    deadline = time.monotonic() + 60
    while any(map(_alive, workers)):
        assert time.monotonic() < deadline, "a worker outlives its daemon"
        time.sleep(0.05)


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
