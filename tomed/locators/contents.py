"""The table of contents: what the chapter is called in which a place lies.

Read from the navigation document of EPUB 3 or the NCX of EPUB 2, bounded like everything of a hostile book.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

from tomed.locators import markup
from tomed.locators.package import Package, resolved
from tomed.locators.section import Section

MOST_ENTRIES = 5_000
LONGEST_TITLE = 120
LARGEST = 2 << 20
"""Bytes of a table of contents; a larger one is not read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table: the section it leads to, the id inside it (often empty), and its title."""

    section: int
    id: str
    title: str


def read(package: Package) -> tuple[Entry, ...]:
    """The table of contents in its own order; empty when the book has none that can be read."""
    data = package.read(package.contents) if package.contents else None
    if data is None or len(data) > LARGEST:
        return ()
    source = markup.decode(data)[0]
    sections = {item.href: number for number, item in reversed(list(enumerate(package.items)))}
    found: list[Entry] = []
    for title, address in _lines(source):
        number = sections.get(resolved(package.contents, address))
        name = " ".join(title.split())[:LONGEST_TITLE]
        if number is not None and name:
            found.append(Entry(number, urllib.parse.unquote(address.partition("#")[2]), name))
        if len(found) >= MOST_ENTRIES:
            break
    return tuple(found)


def chapter(entries: tuple[Entry, ...], number: int, section: Section | None, place: int) -> str:
    """The title that a place stands under: of the last line that leads to it or before it."""
    title, reached = "", (-1, -1)
    for entry in entries:
        if entry.section > number:
            continue
        node = section.ids.get(entry.id) if section is not None and entry.section == number and entry.id else None
        begins = (entry.section, section.starts[node] if section is not None and node is not None else 0)
        if reached <= begins <= (number, place):
            title, reached = entry.title, begins
    return title


def _lines(source: str) -> Iterator[tuple[str, str]]:
    """(title, address) of every line, of a navigation document or of an NCX."""
    inside = False
    title = address = ""
    reading = False
    for token in markup.tokens(source):
        name = token.name.lower()
        if token.kind is markup.Kind.TEXT or token.kind is markup.Kind.CDATA:
            if reading and len(title) < 8 * LONGEST_TITLE:
                title += markup.unescape(source[token.start : token.end])
        elif token.kind is markup.Kind.OPEN:
            if name in ("nav", "navmap"):
                kind = markup.attributes(source, token).get("type", "toc")
                inside = "toc" in kind.split()
            elif inside and name == "a" and not token.closed:
                title, address, reading = "", markup.attributes(source, token).get("href", ""), True
            elif inside and name == "navpoint":
                title = ""
            elif inside and name == "text":
                reading = not title
            elif inside and name == "content":
                yield title, markup.attributes(source, token).get("src", "")
        elif token.kind is markup.Kind.CLOSE:
            if name in ("nav", "navmap"):
                inside = False
            elif name == "a" and reading:
                reading = False
                yield title, address
            elif name == "text":
                reading = False
