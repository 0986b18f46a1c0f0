"""One truth for reading time: what several sources tell of the same reading, counted once.

The sources of one book: sittings a device told of, page times KOReader kept, sittings in the
browser, sittings entered by hand, and the corrections their owner made. The rule, per sitting
and per device and never per book:

* The same page row told by two files (KOReader merges its databases) is one row; the longer
  duration wins.
* A device's sitting and the page rows of the same device are the same reading where they meet.
  The rows give the time there, the sitting keeps what sticks out, and the whole is one sitting,
  never shorter than its rows and never longer than the sitting says plus what rows add outside.
  What sticks out is told page by page where the sitting has page times (``stretches.py``): a page
  that KOReader tells too is KOReader's, any other counts whole. Without them it is the stretches
  of more than half an hour that no row speaks for, in proportion.
* Two sittings of one device that overlap are the same reading where they do.
* What another device, the browser or a hand tells is other reading, even at the same time.
  It is kept; ``overlaps`` names it, for a person to judge.

Everything is sorted before it is looked at, so the order of arrival has no say, and the same thing
told again changes nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tomed.statistics.days import shares
from tomed.statistics.paging import Coverage, PageRow
from tomed.statistics.stretches import PageTime, Stretch, stretches

PAUSE_MS = 1_800_000
"""Page rows further apart than this are two sittings."""

SLACK_MS = 120_000
"""Two sources may disagree this much about when a sitting began or ended (KOReader drops pages under 5 s)."""

SAME_PAGE_MS = 5_000
"""A page row that begins this shortly before a page of a sitting is that page."""

UNKNOWN = 0
"""The device of an uploaded file that nobody named: it may be any."""


class Told(NamedTuple):
    """A sitting as one source tells it. ``device`` is ``UNKNOWN`` when there is none.

    ``total`` is the pages of the layout that the ``times`` count in, 0 while unknown.
    """

    id: int
    source: str
    device: int
    document: int
    started_at: int
    ended_at: int
    active_s: int
    pages: int
    start_fraction: float | None = None
    end_fraction: float | None = None
    total: int = 0
    times: tuple[PageTime, ...] = ()


class Correction(NamedTuple):
    """What the owner said about the reading of one device between two instants: it was this sitting, or none."""

    id: int
    device: int
    source: str
    from_at: int
    to_at: int
    replacement: Told | None


class Piece(NamedTuple):
    """A stretch of a sitting with its own share of time and pages."""

    started_at: int
    ended_at: int
    active_s: int
    pages: int


@dataclass(slots=True)
class Sitting:
    """A sitting that counts. Its pieces sum to ``active_s`` and ``pages`` exactly."""

    key: str
    """The same for the same sitting in every run: ``s`` + session, ``h`` + first page row, ``c`` + correction."""
    source: str
    """``device``, ``history`` (page rows alone), ``web``, ``manual``."""
    device: int
    document: int
    pieces: list[Piece]
    session_ids: tuple[int, ...] = ()
    start_fraction: float | None = None
    end_fraction: float | None = None
    told: tuple[int, int] | None = None
    """From when to when its source says that it went, ms; the pieces may leave out idle time at its ends."""
    started_at: int = field(init=False)
    ended_at: int = field(init=False)
    active_s: int = field(init=False)
    pages: int = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = min(piece.started_at for piece in self.pieces)
        self.ended_at = max(piece.ended_at for piece in self.pieces)
        if self.told is not None:
            self.started_at, self.ended_at = min(self.started_at, self.told[0]), max(self.ended_at, self.told[1])
        self.active_s = sum(piece.active_s for piece in self.pieces)
        self.pages = sum(piece.pages for piece in self.pieces)


def reconcile(
    told: Iterable[Told],
    rows: Iterable[PageRow],
    corrections: Iterable[Correction] = (),
    units: Mapping[int, int] | None = None,
) -> list[Sitting]:
    """The sittings of one book, in order of time. ``units`` has the pages of each document in its own unit."""
    units = units or {}
    corrections = sorted(corrections)
    sessions = sorted(set(told), key=lambda t: (-t.active_s, t.started_at, t.ended_at, t.id))
    sessions = [t for t in sessions if not _corrected_told(t, corrections)]
    devices = [t for t in sessions if t.source == "device"]
    attributed = _once(rows, devices)
    kept = [row for row in attributed if not _corrected_row(row, corrections)]
    sittings = [_alone(t, units) for t in sessions if t.source != "device"]
    sittings += _devices(devices, kept, units)
    sittings += [_alone(c.replacement, {}, key=f"c{c.id}") for c in corrections if c.replacement is not None]
    return sorted(sittings, key=lambda s: (s.started_at, s.key))


def overlaps(sittings: Iterable[Sitting]) -> set[str]:
    """The keys of sittings that lie at the same time as another one, by more than the slack."""
    found: set[str] = set()
    open_: list[Sitting] = []
    for sitting in sorted(sittings, key=lambda s: (s.started_at, s.key)):
        open_ = [other for other in open_ if other.ended_at > sitting.started_at]
        for other in open_:
            if min(other.ended_at, sitting.ended_at) - sitting.started_at > SLACK_MS:
                found |= {other.key, sitting.key}
        open_.append(sitting)
    return found


def _same_device(one: int, other: int) -> bool:
    return one == other or UNKNOWN in (one, other)


def _corrected_told(told: Told, corrections: list[Correction]) -> bool:
    middle = (told.started_at + told.ended_at) // 2
    return any(
        c.from_at <= middle <= c.to_at
        and (c.source == told.source or (c.source, told.source) == ("history", "device"))
        and _same_device(c.device, told.device)
        for c in corrections
    )


def _corrected_row(row: PageRow, corrections: list[Correction]) -> bool:
    at = row.start * 1000
    return any(
        c.from_at <= at <= c.to_at and c.source in ("device", "history") and _same_device(c.device, row.device)
        for c in corrections
    )


def _once(rows: Iterable[PageRow], devices: list[Told]) -> list[PageRow]:
    """Each row once: the longest, on the device whose own sitting it lies in, else on the first that tells it."""
    best: dict[tuple[int, int, int], PageRow] = {}
    tellers: dict[tuple[int, int, int], set[int]] = defaultdict(set)
    shared = False
    for row in rows:
        key = (row.start, row.page, row.document)
        tellers[key].add(row.device)
        other = best.get(key)
        if other is None:
            best[key] = row
        else:
            shared = True
            best[key] = max(other, row, key=lambda r: (r.duration, r.total, -r.device))
    ordered = [best[key] for key in sorted(best)]
    if not shared:
        return ordered
    return [row._replace(device=_teller(row, tellers[(row.start, row.page, row.document)], devices)) for row in ordered]


def _teller(row: PageRow, devices: set[int], sessions: list[Told]) -> int:
    at = row.start * 1000
    named = sorted(devices - {UNKNOWN}) or [UNKNOWN]
    own = [d for d in named if any(t.device == d and t.started_at <= at <= t.ended_at for t in sessions)]
    return (own or named)[0]


def _alone(told: Told, units: Mapping[int, int], key: str = "") -> Sitting:
    return Sitting(
        key=key or f"s{told.id}",
        source=told.source,
        device=told.device,
        document=told.document,
        pieces=_by_page(told, _stretches(told), units)
        or [Piece(told.started_at, told.ended_at, _credible(told), _pages(told, units))],
        session_ids=(told.id,) if not key else (),
        start_fraction=told.start_fraction,
        end_fraction=told.end_fraction,
        told=(told.started_at, told.ended_at),
    )


def _pages(told: Told, units: Mapping[int, int]) -> int:
    """The pages of a whole sitting without page times: those turned, or how far it moved where the unit is known."""
    if told.source == "manual" or not units.get(told.document) or None in (told.start_fraction, told.end_fraction):
        return told.pages
    moved = (told.end_fraction or 0.0) - (told.start_fraction or 0.0)
    return round(moved * units[told.document]) if moved > 0 else told.pages


def _stretches(told: Told) -> list[Stretch]:
    return stretches(told.started_at, told.ended_at, _credible(told), told.times) if told.times else []


def _by_page(told: Told, pages: list[Stretch], units: Mapping[int, int]) -> list[Piece]:
    """Stretches of a sitting as pieces. Their pages are counted like those of page rows, if their layout is known."""
    if told.total > 0:
        counted = [piece.pages for piece in _pieces(_rows_of(told, pages), units)]
    else:
        counted = shares(0, len(pages), range(1, len(pages) + 1), _pages(told, units))
    return [
        Piece(page.started_at, page.read_until, page.active_s, count)
        for page, count in zip(pages, counted, strict=True)
    ]


def _rows_of(told: Told, pages: list[Stretch]) -> list[PageRow]:
    """Stretches as the page rows that KOReader would have kept of them."""
    return [
        PageRow(told.document, told.device, max(page.page, 1), page.started_at // 1000, page.active_s, told.total)
        for page in pages
    ]


def _credible(told: Told) -> int:
    """Nobody reads longer than the clock runs."""
    return min(told.active_s, math.ceil((told.ended_at - told.started_at) / 1000))


def _devices(sessions: list[Told], rows: list[PageRow], units: Mapping[int, int]) -> list[Sitting]:
    """Device sittings and page rows of one book: rows join the sitting they lie in, the others cluster by pauses."""
    spans: list[tuple[Told, list[tuple[int, int]]]] = []
    taken: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for told in sessions:
        free = _minus((told.started_at, told.ended_at), _of(taken, told.device))
        if free != [(told.started_at, told.ended_at)]:
            free = [(a, b) for a, b in free if b - a > SLACK_MS]
        if free:
            spans.append((told, free))
            taken[told.device] += free
    inside, loose = _assign(rows, spans)
    sittings = []
    for index, (told, free) in enumerate(spans):
        sittings.append(_joined(told, free, inside.get(index, []), units))
    sittings += [_cluster(group, units) for group in _groups(loose)]
    return sittings


def _of(taken: dict[int, list[tuple[int, int]]], device: int) -> list[tuple[int, int]]:
    if device == UNKNOWN:
        return [span for spans in taken.values() for span in spans]
    return taken[device] + taken.get(UNKNOWN, [])


def _minus(span: tuple[int, int], others: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What of a span no other covers."""
    free, at = [], span[0]
    for begin, end in sorted(others):
        if end <= at or begin >= span[1]:
            continue
        if begin > at:
            free.append((at, begin))
        at = max(at, end)
    if at < span[1] or (at == span[0] and span[0] == span[1]):
        free.append((at, span[1]))
    return free


def _assign(
    rows: list[PageRow], spans: list[tuple[Told, list[tuple[int, int]]]]
) -> tuple[dict[int, list[PageRow]], list[PageRow]]:
    """Rows by the sitting they lie in (with some slack), and those that lie in none. Rows come sorted by time."""
    inside: dict[int, list[PageRow]] = defaultdict(list)
    loose: list[PageRow] = []
    edges = sorted((a, b, i) for i, (_, free) in enumerate(spans) for a, b in free)
    reach = max((b - a for a, b, _ in edges), default=0) + 2 * SLACK_MS
    low = 0
    for row in rows:
        at = row.start * 1000
        while low < len(edges) and edges[low][0] < at - reach:
            low += 1
        best: tuple[int, int] | None = None
        for a, b, index in edges[low:]:
            if a - SLACK_MS > at:
                break
            if at <= b + SLACK_MS and _same_device(spans[index][0].device, row.device):
                away = max(a - at, at - b, 0)
                best = min(best, (away, index)) if best else (away, index)
        if best:
            inside[best[1]].append(row)
        else:
            loose.append(row)
    return inside, loose


def _joined(told: Told, free: list[tuple[int, int]], rows: list[PageRow], units: Mapping[int, int]) -> Sitting:
    """A sitting with its page rows: the rows, and the sitting's own time where they tell nothing."""
    whole = free == [(told.started_at, told.ended_at)]
    if not rows and whole:
        return _alone(told, units)
    pages = [page for page in _stretches(told) if any(a <= page.started_at < b for a, b in free)]
    if not rows:
        return _parts(told, free, pages, units)
    rest = max(0, _credible(told) - sum(row.duration for row in rows))
    pieces = _pieces(rows, units)
    if told.times and pages:
        pieces += _beside(told, pages, rows, rest, units)
    else:
        pieces += _unspoken(told, free, rows, rest)
    return Sitting(
        key=f"s{told.id}",
        source="device",
        device=told.device or rows[0].device,
        document=told.document or rows[0].document,
        pieces=sorted(pieces),
        session_ids=(told.id,),
        start_fraction=told.start_fraction,
        end_fraction=told.end_fraction,
        told=(told.started_at, told.ended_at) if whole else None,
    )


def _unspoken(told: Told, free: list[tuple[int, int]], rows: list[PageRow], rest: int) -> list[Piece]:
    """The sitting's time where no row speaks, in proportion to its length, at most ``rest`` seconds."""
    wall = told.ended_at - told.started_at
    cover = _covered(rows)
    gaps = [(a, b) for span in free for a, b in _minus(span, cover) if b - a > SLACK_MS]
    due = sum(_credible(told) * (b - a) // wall for a, b in gaps) if wall else 0
    pieces, past, given = [], 0, 0
    length = sum(b - a for a, b in gaps)
    for a, b in gaps:
        past += b - a
        share = min(due, rest) * past // length - given
        given += share
        if share:
            pieces.append(Piece(a, b, share, 0))
    return pieces


def _beside(told: Told, pages: list[Stretch], rows: list[PageRow], rest: int, units: Mapping[int, int]) -> list[Piece]:
    """The pages of a sitting that no row tells of, at most ``rest`` seconds of them.

    A row tells of a page when it begins while the page is open, or has its number and is not two minutes away.
    In another layout numbers say nothing: there it is enough that rows cover the page's time.
    """
    starts = [row.start * 1000 for row in rows]
    same: dict[int, list[int]] = defaultdict(list)
    spans: list[tuple[int, int]] = []
    for row in rows:
        begin, end = row.start * 1000 - SLACK_MS, (row.start + row.duration) * 1000 + SLACK_MS
        if row.total == told.total:
            same[row.page].append(row.start * 1000)
        elif spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((begin, end))
    begins = [begin for begin, _ in spans]

    def is_told(page: Stretch) -> bool:
        first = bisect_left(starts, page.started_at - SAME_PAGE_MS)
        if first < len(starts) and starts[first] < page.left_at:
            return True
        if any(page.started_at - SLACK_MS <= start <= page.left_at + SLACK_MS for start in same[page.page]):
            return True
        at = bisect_right(begins, page.started_at) - 1
        return at >= 0 and page.read_until <= spans[at][1]

    own = [page for page in pages if not is_told(page)]
    if not own or not rest:
        return []
    cuts, upto = [], 0
    for page in own:
        upto += page.active_s
        cuts.append(upto)
    given = shares(0, upto, cuts, min(upto, rest))
    own = [page._replace(active_s=active_s) for page, active_s in zip(own, given, strict=True)]
    seen = {row.page for row in rows if row.total == told.total}
    return [
        piece if page.page not in seen else piece._replace(pages=0)
        for page, piece in zip(own, _by_page(told, own, units), strict=True)
    ]


def _parts(told: Told, free: list[tuple[int, int]], pages: list[Stretch], units: Mapping[int, int]) -> Sitting:
    """What is left of a sitting that another one of the device overlaps."""
    wall, count, active_s = told.ended_at - told.started_at, _pages(told, units), _credible(told)
    pieces = _by_page(told, pages, units) or [
        Piece(a, b, active_s * (b - a) // wall, count * (b - a) // wall) for a, b in free
    ]
    return Sitting(f"s{told.id}", "device", told.device, told.document, pieces, (told.id,))


def _covered(rows: list[PageRow]) -> list[tuple[int, int]]:
    """The stretches rows speak for: from row to row as long as no pause is between them."""
    spans: list[tuple[int, int]] = []
    for row in rows:
        begin, end = row.start * 1000, (row.start + row.duration) * 1000
        if spans and begin - spans[-1][1] <= PAUSE_MS:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((begin, end))
    return spans


def _groups(rows: list[PageRow]) -> list[list[PageRow]]:
    by_device: dict[int, list[PageRow]] = defaultdict(list)
    for row in rows:
        by_device[row.device].append(row)
    groups: list[list[PageRow]] = []
    for device in sorted(by_device):
        end = None
        for row in by_device[device]:
            if end is None or row.start * 1000 - end > PAUSE_MS:
                groups.append([])
                end = 0
            groups[-1].append(row)
            end = max(end, (row.start + row.duration) * 1000)
    return groups


def _cluster(rows: list[PageRow], units: Mapping[int, int]) -> Sitting:
    first, last = rows[0], rows[-1]
    return Sitting(
        key=f"h{first.document}-{first.device}-{first.start}-{first.page}",
        source="history",
        device=first.device,
        document=first.document,
        pieces=_pieces(rows, units),
        start_fraction=(first.page - 1) / first.layout,
        end_fraction=last.page / last.layout,
    )


def _pieces(rows: list[PageRow], units: Mapping[int, int]) -> list[Piece]:
    """Rows as pieces. A page counts once in a sitting; parts of a unit page add up to whole ones along the way."""
    layouts = {(row.document, row.total) for row in rows}
    if len(layouts) == 1 and all(row.page <= row.total for row in rows):
        return _even(rows, units)
    seen: dict[int, Coverage] = defaultdict(Coverage)
    pieces: list[Piece] = []
    exact, given = 0.0, 0
    for row in rows:
        exact += seen[row.document].add(row.page, row.layout) * (units.get(row.document) or row.layout)
        pages = math.floor(exact + 0.5) - given
        given += pages
        pieces.append(Piece(row.start * 1000, (row.start + row.duration) * 1000, row.duration, pages))
    return pieces


def _even(rows: list[PageRow], units: Mapping[int, int]) -> list[Piece]:
    """``_pieces`` of one layout, as nearly all sittings are: the same sums without looking at stretches."""
    each = (units.get(rows[0].document) or rows[0].total) / rows[0].total
    seen: set[int] = set()
    pieces: list[Piece] = []
    given = 0
    for _, _, page, start, duration, _ in rows:
        seen.add(page)
        due = int(len(seen) * each + 0.5)
        pieces.append(Piece(start * 1000, (start + duration) * 1000, duration, due - given))
        given = due
    return pieces
