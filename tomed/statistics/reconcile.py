"""One truth for reading time: what several sources tell of the same reading, counted once.

The sources of one book: sittings a device told of, page times KOReader kept, sittings in the
browser, sittings entered by hand, and the corrections their owner made. The rule, per sitting
and per device and never per book:

* The same page row told by two files (KOReader merges its databases) is one row; the longer
  duration wins.
* A device's sitting and the page rows of the same device are the same reading where they meet.
  The rows give the time there, the sitting keeps what sticks out, and the whole is one sitting,
  never shorter than its rows and never longer than the sitting says plus what rows add outside.
* Two sittings of one device that overlap are the same reading where they do.
* What another device, the browser or a hand tells is other reading, even at the same time.
  It is kept; ``overlaps`` names it, for a person to judge.

Everything is sorted before it is looked at, so the order of arrival has no say, and the same thing
told again changes nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tomed.statistics.paging import Coverage, PageRow

PAUSE_MS = 1_800_000
"""Page rows further apart than this are two sittings."""

SLACK_MS = 120_000
"""Two sources may disagree this much about when a sitting began or ended (KOReader drops pages under 5 s)."""

UNKNOWN = 0
"""The device of an uploaded file that nobody named: it may be any."""


class Told(NamedTuple):
    """A sitting as one source tells it. ``device`` is ``UNKNOWN`` when there is none."""

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
    started_at: int = field(init=False)
    ended_at: int = field(init=False)
    active_s: int = field(init=False)
    pages: int = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = min(piece.started_at for piece in self.pieces)
        self.ended_at = max(piece.ended_at for piece in self.pieces)
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
    active_s = _credible(told)
    pages = told.pages
    if told.source != "manual" and units.get(told.document) and None not in (told.start_fraction, told.end_fraction):
        moved = (told.end_fraction or 0.0) - (told.start_fraction or 0.0)
        pages = round(moved * units[told.document]) if moved > 0 else pages
    return Sitting(
        key=key or f"s{told.id}",
        source=told.source,
        device=told.device,
        document=told.document,
        pieces=[Piece(told.started_at, told.ended_at, active_s, pages)],
        session_ids=(told.id,) if not key else (),
        start_fraction=told.start_fraction,
        end_fraction=told.end_fraction,
    )


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
    wall = told.ended_at - told.started_at
    active_s = _credible(told)
    if not rows:
        whole = _alone(told, units)
        if free != [(told.started_at, told.ended_at)]:
            whole = _parts(told, free, active_s, whole.pages, wall)
        return whole
    cover = _covered(rows)
    gaps = [(a, b) for span in free for a, b in _minus(span, cover) if b - a > SLACK_MS]
    read_s = sum(row.duration for row in rows)
    due = sum(active_s * (b - a) // wall for a, b in gaps) if wall else 0
    rest = max(0, min(due, active_s - read_s))
    pieces = _pieces(rows, units)
    length = sum(b - a for a, b in gaps)
    given = past = 0
    for a, b in gaps:
        past += b - a
        share = rest * past // length - given
        given += share
        if share:
            pieces.append(Piece(a, b, share, 0))
    return Sitting(
        key=f"s{told.id}",
        source="device",
        device=told.device or rows[0].device,
        document=told.document or rows[0].document,
        pieces=sorted(pieces),
        session_ids=(told.id,),
        start_fraction=told.start_fraction,
        end_fraction=told.end_fraction,
    )


def _parts(told: Told, free: list[tuple[int, int]], active_s: int, pages: int, wall: int) -> Sitting:
    pieces = [Piece(a, b, active_s * (b - a) // wall, pages * (b - a) // wall) for a, b in free]
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
