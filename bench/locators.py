"""How often places survive the way between KOReader and the browser, and what it costs.

    python -m bench.locators [BOOK ...]

takes the positions that KOReader's own engine recorded (test data folder ``xpointers``, both dialects) and prints, book
by book: how many XPointers lead to the right text, come back unchanged over a CFI, are called exact, and how many
exact ones are wrong (there must be none). Then the time of a first and of a further locator, and the memory of a model.
"""

from __future__ import annotations

import gc
import gzip
import json
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.figures import say
from tests.data import folder
from tomed.locators import BookModel, locate
from tomed.locators.passage import plain
from tomed.locators.resolve import resolve
from tomed.model import Locator, LocatorKind, Precision

COMPARED = 15
"""Plain characters of recorded text that must be found at the place."""
BIG_BOOK = "tolstoy-war-and-peace"
MIDDLE_BOOK = "austen-pride-and-prejudice"


def recordings() -> Iterator[tuple[Path, Path]]:
    """Every file of records in the test data, with its book."""
    data = folder()
    for path in sorted((data / "xpointers").rglob("*.jsonl.gz")):
        book = data / "epub" / (path.name.removesuffix(".jsonl.gz") + ".epub")
        if book.exists():
            yield path, book


def records(path: Path) -> list[dict[str, Any]]:
    """The records of one book that lie in visible text or on a visible element.

    Left out, as the reference says: anonymous boxes, hidden nodes, spine items that are no chapters, the whole book.
    """
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        next(lines)
        found = [json.loads(line) for line in lines]
    return [
        record
        for record in found
        if record["kind"] != "boxelem" and record["visible"] and record["fragment"] and not record["frag_type"]
    ]


def judged(model: BookModel, record: dict[str, Any], *, with_text: bool = False) -> Counter[str]:
    """What became of one record: ``text``, ``same``, ``exact``, ``wrong exact``, each 1 or missing."""
    given = Locator(LocatorKind.XPOINTER, record["xpointer"])
    place = locate(model, given, text=record["text"] if with_text else "")
    back = locate(model, Locator(LocatorKind.CFI, place.cfi))
    text = starts_alike(place.text, record["text"])
    same = stands(model, place.xpointer) == stands(model, back.xpointer)
    exact = place.precision is Precision.EXACT
    return Counter(
        {
            "records": 1,
            "text": text,
            "same": same,
            "exact": exact,
            "wrong exact": exact and not (text and same),
            # An answer that knows that it is not sure, and isn't right, is no lie.
            "honest": not exact and not (text and same),
        }
    )


def starts_alike(shown: str, recorded: str) -> bool:
    """True when both texts begin with the same plain characters."""
    wanted = plain(recorded)[:COMPARED]
    got = plain(shown)[:COMPARED]
    length = min(len(wanted), len(got))
    return wanted[:length] == got[:length] and length >= min(4, len(wanted))


def stands(model: BookModel, xpointer: str) -> tuple[int, int]:
    """Section and place in its text of an XPointer of ours."""
    found = resolve(model, Locator(LocatorKind.XPOINTER, xpointer))
    section = model.section(found.number)
    return found.number, section.place(found.spot) if section and found.spot else 0


def score(path: Path, book: Path, *, every: int = 1, with_text: bool = False) -> Counter[str]:
    """Judge the records of one book; ``every`` n-th of them."""
    model = BookModel.open(book)
    total: Counter[str] = Counter()
    for record in records(path)[::every]:
        total += judged(model, record, with_text=with_text)
    return total


def speed(book: Path, path: Path) -> dict[str, float]:
    """Milliseconds of the first locator in a book (opening it included) and of a further one, on average."""
    pointers = [Locator(LocatorKind.XPOINTER, record["xpointer"]) for record in records(path)]
    begin = time.process_time()
    model = BookModel.open(book)
    locate(model, pointers[len(pointers) // 2])
    first = time.process_time() - begin
    for pointer in pointers:
        locate(model, pointer)
    begin = time.process_time()
    for pointer in pointers:
        locate(model, pointer)
    further = (time.process_time() - begin) / len(pointers)
    return {"first_ms": round(first * 1000, 1), "further_ms": round(further * 1000, 3)}


def memory(book: Path, path: Path) -> dict[str, float]:
    """MiB of a model at its highest and once every chapter was asked for."""
    pointers = [Locator(LocatorKind.XPOINTER, record["xpointer"]) for record in records(path)[::10]]
    gc.collect()
    tracemalloc.start()
    model = BookModel.open(book)
    for pointer in pointers:
        locate(model, pointer)
    gc.collect()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del model
    return {"peak_mib": round(peak / 2**20, 2), "kept_mib": round(kept / 2**20, 2)}


def measured() -> dict[str, float]:
    """The figures of the speed rows: a book of about 600 KB of text, and War and Peace."""
    data = folder()
    figures = speed(data / "epub" / f"{MIDDLE_BOOK}.epub", data / "xpointers" / f"{MIDDLE_BOOK}.jsonl.gz")
    return figures | memory(data / "epub" / f"{BIG_BOOK}.epub", data / "xpointers" / f"{BIG_BOOK}.jsonl.gz")


def main(names: list[str]) -> int:
    """Print everything; 1 when an exact answer was wrong."""
    columns = ("records", "text", "same", "exact", "wrong exact", "honest")
    print(f"{'':52}" + "".join(f"{column:>13}" for column in columns))
    total: Counter[str] = Counter()
    for path, book in recordings():
        if names and book.stem not in names:
            continue
        row = score(path, book)
        total += row
        label = f"{path.parent.name}/{book.stem}" if path.parent.name.startswith("dom") else book.stem
        print(f"{label:52}" + "".join(f"{row[column]:13}" for column in columns))
    print(f"{'total':52}" + "".join(f"{total[column]:13}" for column in columns))
    if total["records"]:
        for column, goal in (("text", 99.9), ("same", 99.9), ("exact", None)):
            share = 100 * total[column] / total["records"]
            say(f"recorded positions: {column}", share, "%", goal, at_least=True)
        say("recorded positions: wrong exact", total["wrong exact"], "of them", 0)
    if not names:
        told = measured()
        say("first locator in an EPUB of 600 KB of text", told["first_ms"], "ms", 150)
        say("a further one in the same book", told["further_ms"], "ms", 1)
        say("War and Peace's model while it is built", told["peak_mib"], "MiB", 40)
        say("the same, kept", told["kept_mib"], "MiB", 2)
    return 1 if total["wrong exact"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
