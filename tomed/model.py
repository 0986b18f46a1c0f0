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
    sort: str = ""
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    """ISO 639 codes, as Calibre keeps them (``eng``)."""
    identifiers: dict[str, str] = field(default_factory=dict)
    """``scheme`` to value, Calibre's own table (``isbn``, ``doi``, …)."""
    kind: str = "book"
    """For folders on a device: ``book``, ``comic``, ``manga``, ``light novel`` … (tomed/kinds.py)."""
    publisher: str | None = None
    added_at: int = 0
    published_at: int | None = None
    custom: dict[str, object] = field(default_factory=dict)
    """Calibre's custom columns by label: text, number, bool, list of texts, or ``[series, index]``."""
    library_id: int | None = None
    calibre_id: int | None = None
    """Calibre's own id in that library, last known. Never an identity: Calibre uses ids again."""
    path: str = ""
    """Folder inside the library, as Calibre keeps it."""
    status: Status | None = None
    """The asking user's own; None when nobody asked for a user."""
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What one library says of one book, as read from Calibre: the mirror's raw material."""

    calibre_id: int
    uuid: str
    title: str
    sort: str
    author_sort: str
    path: str
    has_cover: bool
    last_modified: str
    """Calibre's own text, for comparing only."""
    last_modified_at: int
    added_at: int
    published_at: int | None
    series: str | None = None
    series_sort: str = ""
    series_index: float | None = None
    publisher: str | None = None
    authors: tuple[tuple[str, str], ...] = ()
    """(name, sort), in Calibre's order; a comma inside a name is a comma again here."""
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    formats: tuple[Format, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    description: str = ""
    """Raw HTML of whoever wrote it: clean it before it is shown."""
    custom: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class BookQuery:
    """What a list of books is asked for. Empty text means no such filter."""

    q: str = ""
    """Words of title, authors, series, tags: all must be there; accents and last letters may lack."""
    author: str = ""
    """A name as the mirror has it; case and accents do not count."""
    series: str = ""
    """A name, or the number of a series."""
    tag: str = ""
    kind: str = ""
    status: str = ""
    """A ``Status``; needs ``user_id``."""
    sort: str = ""
    """``title``, ``author``, ``series``, ``added``, ``read``; empty: best hits first with ``q``, else ``title``."""
    page: int = 1
    per_page: int = 50
    user_id: int | None = None
    """Whose status and fraction the books carry."""


@dataclass(frozen=True, slots=True)
class SeriesView:
    """A series with what one user has read of it."""

    id: int
    name: str
    books: int
    authors: tuple[str, ...] = ()
    read: int = 0
    """How many of its books are complete."""
    next: Book | None = None
    """The first book, in order, that is not complete (nor given up); None when all are read."""
    kind: str = "book"


@dataclass(frozen=True, slots=True)
class NameView:
    """An author or a tag in a list."""

    name: str
    books: int


@dataclass(frozen=True, slots=True)
class LibraryView:
    """A configured library as it stands: for ``/health``, pages and ``tomed check``."""

    name: str
    path: str
    uuid: str | None
    state: LibraryState
    books: int
    indexed_at: int | None
    progress: float | None = None
    """0..1 while indexing, else None."""
    problem: str = ""
    """A sentence for a person when something is wrong."""


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
class Scaled:
    """A place on the one scale of all readers: the share of the book's text before it (docs/locators.md)."""

    fraction: float | None
    """None: the book's file can't be read."""
    precision: Precision
    """How sure the place is that was measured; ``fraction``: converted from the reader's own scale."""
    chapter: str = ""
    """Its title in the table of contents."""


@dataclass(frozen=True, slots=True)
class PositionEntry:
    """One line of a book's position log. Order of arrival carries no meaning; ``at`` does."""

    event_id: str
    at: int
    """When it was read, ms, corrected by the device's clock offset."""
    fraction: float
    """On the scale of the reader that told it; ``positions.canonical`` says where that is for everybody."""
    locator: Locator | None = None
    text: str = ""
    """About 40 characters that follow the place."""
    source: str = "position"
    """``position``, ``session`` (end of a sitting) or ``restore`` (a person went back to an entry)."""
    device: str | None = None
    precision: Precision = Precision.FRACTION
    scaled: Scaled | None = None
    """None while nobody looked: the book has no EPUB, or the event has just arrived."""


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
    total_pages: int = 0
    """Pages of the book in the layout that ``page_times`` counts in; 0 while unknown."""
    page_times: tuple[tuple[int, int, int], ...] = ()
    """(page, seconds after ``started_at``, active seconds), in the order of reading."""


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
