"""The nouns of tomed: frozen values without I/O.

Units, everywhere below: ``*_at`` is integer milliseconds since the epoch (UTC), ``*_s`` whole
seconds, ``fraction`` a share of the whole book from 0.0 to 1.0. On the wire the same times are
RFC 3339 with a ``Z`` (see ``tomed/clock.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, NewType, TypeVar

T = TypeVar("T")

BookId = NewType("BookId", int)
"""The sidecar's own key of a book; never leaves the process."""
UserId = NewType("UserId", int)
DeviceId = NewType("DeviceId", int)
DocumentId = NewType("DocumentId", int)
LibraryId = NewType("LibraryId", int)


class Status(StrEnum):
    """Reading state of a book, in KOReader's words (``summary.status``) plus ``new``."""

    NEW = "new"
    READING = "reading"
    COMPLETE = "complete"
    ABANDONED = "abandoned"


class LibraryState(StrEnum):
    """What can be said of a Calibre library right now."""

    READY = "ready"
    INDEXING = "indexing"
    MISSING = "missing"
    LOCKED = "locked"


class LocatorKind(StrEnum):
    """Who understands a locator: KOReader's engine, an EPUB reader in a browser, or anyone who counts pages."""

    XPOINTER = "xpointer"
    CFI = "cfi"
    PAGE = "page"


class Precision(StrEnum):
    """How sure a translated place is, best first."""

    EXACT = "exact"
    ELEMENT = "element"
    SECTION = "section"
    FRACTION = "fraction"


@dataclass(frozen=True, slots=True)
class Locator:
    """A place in one file of a book. The kind is stored, never guessed from the string."""

    kind: LocatorKind
    value: str


@dataclass(frozen=True, slots=True)
class Format:
    """A file of a book: ``format`` in upper case (``EPUB``), ``name`` its file name without extension."""

    format: str
    name: str
    size: int
    """Bytes as Calibre noted them; the file itself has the last word."""


@dataclass(frozen=True, slots=True)
class Book:
    """A book of the mirrored catalogue."""

    id: BookId
    uuid: str
    title: str
    authors: tuple[str, ...]
    series: str | None = None
    series_id: int | None = None
    series_index: float | None = None
    formats: tuple[Format, ...] = ()
    has_cover: bool = False
    last_modified_at: int = 0
    gone: bool = False
    """True when Calibre no longer lists it; its history stays."""


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of a file on a device, enough or not to name its book. Empty strings and tuples mean unknown."""

    book_uuid: str = ""
    filename: str = ""
    """Base name or path as the device has it; data, never a path of ours."""
    partial_md5: str = ""
    identifiers: str = ""
    """As KOReader gives them: ``scheme:value`` lines, in any order."""
    title: str = ""
    authors: tuple[str, ...] = ()
    series: str = ""
    series_index: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A book that a file might be, with the reason in words."""

    book_id: BookId
    reason: str
    score: float = 0.0
    """0..1, for ranking only; no score is ever high enough to become a match by itself."""


@dataclass(frozen=True, slots=True)
class Match:
    """The book that a file certainly is, and the rule that says so."""

    book_id: BookId
    matched_by: str


@dataclass(frozen=True, slots=True)
class Device:
    """A reader that reports: a KOReader, or a browser."""

    id: DeviceId
    name: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class PositionEntry:
    """One line of a book's position log. Order of arrival carries no meaning; ``at`` does."""

    event_id: str
    at: int
    """When it was read, ms, corrected by the device's clock offset."""
    fraction: float
    locator: Locator | None = None
    text: str = ""
    """About 40 characters that follow the place."""
    source: str = "position"
    """``position``, ``session`` (end of a sitting) or ``restore`` (a person went back to an entry)."""
    device: str | None = None
    precision: Precision = Precision.FRACTION


@dataclass(frozen=True, slots=True)
class Session:
    """One sitting with one book on one device."""

    id: int
    started_at: int
    ended_at: int
    active_s: int
    pages_turned: int
    start_fraction: float | None
    end_fraction: float | None
    device: str | None = None
    book_id: BookId | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list: ``items`` of ``total``; ``page`` counts from 1."""

    items: tuple[T, ...]
    total: int
    page: int = 1
    per_page: int = 50


@dataclass(frozen=True, slots=True)
class User:
    """A person of the household."""

    id: UserId
    name: str
    is_admin: bool = False
    time_zone: str = "UTC"
    day_start_minute: int = 240
    """Minute of the day at which a reading day begins; 240 is 4:00."""
    idle_cap_s: int = 600
    week_start: int = 1
    """ISO weekday on which a week begins; 1 is Monday."""
    settings: dict[str, object] = field(default_factory=dict)
