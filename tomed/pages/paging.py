"""Pages of a long list, as links."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

NEAR = 2
LAST_PAGE = 100_000


@dataclass(frozen=True, slots=True)
class Pager:
    """Where one is in a list: ``near`` are (number, address) of the pages around, the first and the last."""

    page: int
    last: int
    near: tuple[tuple[int, str], ...]
    previous: str = ""
    next: str = ""


def page_number(request: web.Request, name: str = "page") -> int:
    """The page that is asked for; 1 for whatever is no number."""
    said = request.query.get(name, "")
    return min(max(int(said), 1), LAST_PAGE) if said.isascii() and said.isdecimal() and len(said) < 9 else 1


def pager(page: int, total: int, per_page: int, link: Callable[[int], str]) -> Pager:
    """The links of page ``page``; ``link`` makes the address of one."""
    last = max(1, -(-total // per_page))
    page = min(page, last)
    numbers = sorted({1, last, *range(max(1, page - NEAR), min(last, page + NEAR) + 1)})
    return Pager(
        page,
        last,
        tuple((number, link(number)) for number in numbers),
        link(page - 1) if page > 1 else "",
        link(page + 1) if page < last else "",
    )
