"""What kind of book a book is (book, comic, manga, light novel …), by a rule that the owner can set.

Pure. The first answer counts: the configured custom column, then the tags, then the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tomed.folding import fold
from tomed.model import Entry

BOOK = "book"

DEFAULT_TAGS: Mapping[str, str] = MappingProxyType(
    {
        "comic": "comic",
        "comics": "comic",
        "graphic novel": "comic",
        "graphic novels": "comic",
        "manga": "manga",
        "manhwa": "manga",
        "manhua": "manga",
        "light novel": "light novel",
        "light novels": "light novel",
        "ranobe": "light novel",
    }
)
"""Tags that name a kind, folded."""

_COMIC_FILES = frozenset({"CBZ", "CBR", "CB7", "CBT", "CBC"})
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class KindRule:
    """``column`` is the label of a text column of Calibre (``#kind``); ``tags`` maps a tag to a kind."""

    column: str = ""
    tags: Mapping[str, str] = field(default_factory=lambda: DEFAULT_TAGS)

    def __str__(self) -> str:
        """Another text means that books must be read again."""
        return f"{self.column}|{sorted(self.tags.items())}"


def kind_of(entry: Entry, rule: KindRule) -> str:
    """The kind of one book, in lower case; ``book`` when nothing says otherwise."""
    if label := rule.column.lstrip("#"):
        value = dict(entry.custom).get(label)
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, str) and value.strip():
            return fold(value.strip())[:_LONGEST]
    for tag in entry.tags:
        if kind := rule.tags.get(fold(tag)):
            return kind
    if entry.formats and all(f.format in _COMIC_FILES for f in entry.formats):
        return "comic"
    return BOOK
