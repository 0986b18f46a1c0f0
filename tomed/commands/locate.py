"""``tomed locate``: where a locator points in an EPUB, as JSON, one object a line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tomed.errors import Invalid, TomedError
from tomed.locators.book import BookModel
from tomed.locators.translate import Place, locate
from tomed.model import Locator, LocatorKind

LONGEST_LINE = 64 << 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Tell ``parser`` what the command takes."""
    parser.add_argument("book", metavar="BOOK.epub", help="the EPUB to look in")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--xpointer", metavar="X", help="a place as KOReader writes it")
    which.add_argument("--cfi", metavar="C", help="a place as an EPUB reader in a browser writes it")
    which.add_argument("--fraction", metavar="F", type=float, help="a share of the whole book, from 0 to 1")
    which.add_argument("--stdin", action="store_true", help="read one JSON object with a locator per line")
    parser.add_argument("--text", default="", metavar="TEXT", help="what follows the place, to check or find it by")


def run(args: argparse.Namespace) -> int:
    """Answer on standard output; 0 when every answer is a place, 1 when one is an error."""
    try:
        model = BookModel.open(Path(args.book))
    except TomedError as err:
        sys.stdout.write(_line({"error": err.message}))
        return 1
    told = {"xpointer": args.xpointer, "cfi": args.cfi, "fraction": args.fraction, "text": args.text}
    one = {name: value for name, value in told.items() if value is not None}
    wishes = _wishes(sys.stdin) if args.stdin else [one]
    failed = False
    for wish in wishes:
        answer = answered(model, wish)
        failed = failed or "error" in answer
        sys.stdout.write(_line(answer))
        sys.stdout.flush()
    return 1 if failed else 0


def answered(model: BookModel, wish: object) -> dict[str, Any]:
    """The answer to one wish: a place, or ``error`` with a sentence."""
    try:
        place = locate(model, *_read(wish))
    except TomedError as err:
        return {"error": err.message}
    return _shaped(place)


def _wishes(lines: Iterable[str]) -> Iterable[object]:
    for line in lines:
        if not line.strip():
            continue
        try:
            yield json.loads(line) if len(line) <= LONGEST_LINE else None
        except (ValueError, RecursionError):
            yield None


def _read(wish: object) -> tuple[Locator | None, float | None, str]:
    """Locator, fraction and text of a wish.

    Raises:
        Invalid: it is no object that names any of them.
    """
    if not isinstance(wish, dict):
        raise Invalid(
            'Each line must be a JSON object such as {"xpointer": "/body/DocFragment[4]/body/p[2]/text().10"}.'
        )
    if isinstance(wish.get("kind"), str):
        wish = {**wish, wish["kind"]: wish.get("value")}
    locator = None
    for kind in (LocatorKind.XPOINTER, LocatorKind.CFI, LocatorKind.PAGE):
        value = wish.get(kind.value)
        if isinstance(value, str):
            locator = Locator(kind, value)
            break
    fraction, text = wish.get("fraction"), wish.get("text", "")
    if isinstance(fraction, bool) or not isinstance(fraction, int | float | None):
        raise Invalid("fraction must be a number from 0 to 1.")
    if not isinstance(text, str):
        raise Invalid("text must be a string.")
    if locator is None and fraction is None and not text:
        raise Invalid("The object names no xpointer, cfi, fraction or text.")
    return locator, fraction, text


def _shaped(place: Place) -> dict[str, Any]:
    return {
        "xpointer": place.xpointer,
        "cfi": place.cfi,
        "fraction": round(place.fraction, 6),
        "section": place.section,
        "text": place.text,
        "precision": place.precision.value,
    }


def _line(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False) + "\n"
