"""Reading requests: bytes and query strings become typed values, or an ``Invalid`` that names the field.

Lenient where clients differ in form (Lua writes an empty list as ``{}``, ``null`` means absent, unknown
fields are ignored) and strict where a wrong value would be kept: numbers are finite and in range, times
carry a zone.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from tomed.api import bodies
from tomed.clock import parse_at
from tomed.errors import Invalid, TomedError
from tomed.model import Clues, Locator, LocatorKind, Status
from tomed.reading import AnyTold, PositionTold, Result, SessionTold, StatusTold
from tomed.store.devices import DeviceReport

MAX_EVENTS = 500
MAX_WANT = 50
MAX_NAME = 8192
"""Characters of a file name, title or identifier list that are kept; longer is cut, not refused."""
MAX_TEXT = 400
MAX_PAGE_TIMES = 2000
MAX_CLOCK_SET_S = 100 * 366 * 86_400
"""A clock without a battery wakes up in 1970 or 2000, and is put right by decades."""

EventId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class LocatorIn(msgspec.Struct):
    """A locator as it comes."""

    kind: Literal["xpointer", "cfi", "page"]
    value: str | int


class BookIn(msgspec.Struct):
    """What is known of a file: any of these may be missing."""

    book_uuid: str = ""
    filename: str = ""
    partial_md5: str = ""
    identifiers: str | list[str] | dict[str, str] = ""
    title: str = ""
    authors: str | list[str] = ""
    series: str = ""
    series_index: float | None = None


class PositionIn(msgspec.Struct):
    """The part of an event that is a place."""

    fraction: float
    locator: LocatorIn | None = None
    text: str = ""


class PutPositionIn(PositionIn):
    """The body of ``PUT …/position``."""

    event_id: EventId = ""
    at: str = ""
    now: str = ""


_PUT_POSITION = msgspec.json.Decoder(PutPositionIn)


class SessionIn(msgspec.Struct):
    """The part of an event that is a sitting."""

    started_at: str
    ended_at: str
    active_s: float
    pages_turned: Count = 0
    start_fraction: float | None = None
    end_fraction: float | None = None
    locator: LocatorIn | None = None
    text: str = ""
    total_pages: Count = 0
    page_times: Any = ()


class StatusIn(msgspec.Struct):
    """The part of an event that is a verdict."""

    status: Literal["new", "reading", "complete", "abandoned"] | None = None
    rating: Annotated[int, msgspec.Meta(ge=0, le=10)] | None = None


class DeviceIn(msgspec.Struct):
    """Who syncs."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    name: str = ""
    model: str = ""
    koreader: str = ""
    plugin: str = ""


class SyncIn(msgspec.Struct):
    """The body of ``POST /sync``; its events are read one by one, so that a bad one spoils no other."""

    device: DeviceIn
    now: str = ""
    events: list[Any] = []
    want: list[Any] = []


async def body(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request's body.

    Python's own reader is used because it lets NaN and lone surrogates through: then one event of a batch
    can be refused for them, and not all.

    Raises:
        Invalid: it is not a JSON object.
    """
    return _object(await json_bytes(request))


async def json_bytes(request: web.Request) -> bytes:
    """A request's body as it came, if it says that it is JSON."""
    if request.content_type != "application/json":
        raise TomedError("Send JSON, with Content-Type: application/json.", code="unsupported_type")
    return await bodies.whole(request)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        data = json.loads(raw.decode("utf-8", "replace"), parse_float=_number)
    except (ValueError, RecursionError) as err:
        raise Invalid(f"The body is not JSON: {err}") from err
    if not isinstance(data, dict):
        raise Invalid("The body must be a JSON object.")
    return data


def _number(text: str) -> int | float:
    """A number as JSON writes it; 12.0 is a whole one, for clients that know only floats."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 1 << 53 else value


def _absent_nulls(value: Any) -> Any:
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def _convert(data: Any, shape: Any, what: str = "") -> Any:
    data = _absent_nulls(data)
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as err:
        message, _, path = str(err).partition(" - at `$")
        field = ".".join(part for part in (what, path.strip("`.")) if part)
        raise Invalid(f"{field}: {message}" if field else message) from err


def as_list(value: Any, name: str) -> list[Any]:
    """A JSON list; an empty object is one too, because Lua can't tell them apart."""
    if value is None or value == {}:
        return []
    if not isinstance(value, list):
        raise Invalid(f"{name}: expected a list.")
    return value


def clean(text: str, limit: int = MAX_NAME) -> str:
    """Text as it can be kept: lone surrogates, which no database takes, become U+FFFD; over-long text is cut."""
    return _LONE_SURROGATE.sub("\ufffd", text[:limit])


def fraction(value: float, name: str = "fraction") -> float:
    """A finite share from 0 to 1."""
    if not math.isfinite(value) or not 0 <= value <= 1:
        raise Invalid(f"{name}: must be a number from 0 to 1, not {value}.")
    return float(value)


def locator(told: LocatorIn | None) -> Locator | None:
    """A locator, if one with a value was told."""
    if told is None or told.value == "":
        return None
    value = str(told.value)
    if len(value) > MAX_NAME:
        raise Invalid("locator.value: is too long to be a place in a book.")
    return Locator(LocatorKind(told.kind), clean(value))


def clues(data: Any) -> Clues:
    """What is told of a file. Raises Invalid when it is no object."""
    if not isinstance(data, dict):
        raise Invalid("book: expected an object with book_uuid, or with what is known of the file.")
    data = dict(data)
    for key in ("identifiers", "authors"):
        if data.get(key) == {}:
            del data[key]
    told: BookIn = _convert(data, BookIn, "book")
    identifiers = told.identifiers
    if isinstance(identifiers, dict):
        identifiers = [f"{scheme}:{value}" for scheme, value in identifiers.items()]
    if isinstance(identifiers, list):
        identifiers = "\n".join(identifiers)
    return Clues(
        clean(told.book_uuid, 128).strip().lower(),
        clean(told.filename),
        clean(told.partial_md5, 64).strip().lower(),
        clean(identifiers),
        clean(told.title),
        authors(told.authors),
        clean(told.series),
        told.series_index if told.series_index is not None and math.isfinite(told.series_index) else None,
    )


def authors(told: str | list[str]) -> tuple[str, ...]:
    """Author names: a list, or KOReader's text with one a line."""
    names = [name for text in ([told] if isinstance(told, str) else told) for name in text.splitlines()]
    return tuple(clean(name.strip(), 512) for name in names[:64] if name.strip())


def put_position(raw: bytes, book_uuid: str) -> tuple[PositionTold, int | None]:
    """The body of ``PUT …/position`` as (event, the client's own "now" in ms if told)."""
    try:
        told = _PUT_POSITION.decode(raw)  # what nearly all send, in one go
    except (ValueError, RecursionError):  # forms that only the lenient way knows, or a fault that it can name
        told = _convert(_object(raw), PutPositionIn)
    if not told.event_id:
        raise Invalid("event_id: is missing. Make a new one for each event, and keep it when sending again.")
    event = PositionTold(
        id=clean(told.event_id),
        at=parse_at(told.at),
        clues=Clues(book_uuid=book_uuid),
        fraction=fraction(told.fraction),
        locator=locator(told.locator),
        text=clean(told.text, MAX_TEXT),
    )
    return event, parse_at(told.now, "now") if told.now else None


def sync(data: dict[str, Any]) -> tuple[DeviceReport, int | None, list[AnyTold | Result], list[Clues | None]]:
    """The body of ``POST /sync`` as (device, its "now" in ms, events or refusals in order, wanted files).

    A wanted file that can't be read is None: it keeps its number.
    """
    data = dict(data)
    data["events"] = as_list(data.get("events"), "events")
    data["want"] = as_list(data.get("want"), "want")
    if len(data["events"]) > MAX_EVENTS:
        raise TomedError(f"At most {MAX_EVENTS} events in one call; send the rest in the next.", code="too_large")
    if len(data["want"]) > MAX_WANT:
        raise TomedError(f"At most {MAX_WANT} positions can be wanted in one call.", code="too_large")
    if isinstance(data.get("device"), dict):
        data["device"] = _absent_nulls(data["device"])
    told: SyncIn = _convert(data, SyncIn)
    device = told.device
    report = DeviceReport(
        *(clean(x, 200) for x in (device.id, device.name, device.model, device.koreader, device.plugin))
    )
    now = parse_at(told.now, "now") if told.now else None
    return report, now, [event(item) for item in told.events], [_wanted(item) for item in told.want]


def _wanted(data: Any) -> Clues | None:
    try:
        return clues(data)
    except Invalid:
        return None


def event(data: Any) -> AnyTold | Result:
    """One event of a batch, or its refusal. Never raises for bad data."""
    event_id = data.get("id") if isinstance(data, dict) else None
    if not isinstance(event_id, str) or not 1 <= len(event_id) <= 128:
        return Result(clean(str(event_id or ""), 128), "rejected", "id: must be a text of 1 to 128 characters.")
    try:
        return _event(data, clean(event_id))
    except Invalid as err:
        return Result(clean(event_id), "rejected", err.message)


def _event(data: dict[str, Any], event_id: str) -> AnyTold:
    data = _absent_nulls(data)
    kind = data.get("type")
    book = clues(data.get("book"))
    clock_set_ms = _clock_set_ms(data.get("clock_set_s", 0))
    match kind:
        case "position":
            place: PositionIn = _convert(data, PositionIn)
            return PositionTold(
                id=event_id,
                at=parse_at(data.get("at")),
                clues=book,
                fraction=fraction(place.fraction),
                locator=locator(place.locator),
                text=clean(place.text, MAX_TEXT),
                clock_set_ms=clock_set_ms,
            )
        case "session":
            return replace(_session(data, event_id, book), clock_set_ms=clock_set_ms)
        case "status":
            verdict: StatusIn = _convert(data, StatusIn)
            if verdict.status is None and verdict.rating is None:
                raise Invalid("status: neither a status nor a rating is told.")
            status = Status(verdict.status) if verdict.status else None
            return StatusTold(
                id=event_id,
                at=parse_at(data.get("at")),
                clues=book,
                status=status,
                rating=verdict.rating,
                clock_set_ms=clock_set_ms,
            )
        case _:
            raise Invalid(f"type: {kind!r} is not known. Known are position, session and status.")


def _clock_set_ms(told: Any) -> int:
    if isinstance(told, bool) or not isinstance(told, int) or abs(told) > MAX_CLOCK_SET_S:
        raise Invalid("clock_set_s: must be a whole number of seconds, of less than a hundred years.")
    return told * 1000


def _session(data: dict[str, Any], event_id: str, book: Clues) -> SessionTold:
    told: SessionIn = _convert(data, SessionIn)
    started_at, ended_at = parse_at(told.started_at, "started_at"), parse_at(told.ended_at, "ended_at")
    if ended_at < started_at:
        raise Invalid("ended_at: the sitting ends before it starts.")
    if not math.isfinite(told.active_s) or not 0 <= told.active_s <= 10_000_000:
        raise Invalid(f"active_s: must be a number of seconds from 0 on, not {told.active_s}.")
    return SessionTold(
        id=event_id,
        at=parse_at(data["at"]) if "at" in data else ended_at,
        clues=book,
        started_at=started_at,
        ended_at=ended_at,
        active_s=round(told.active_s),
        pages_turned=told.pages_turned,
        start_fraction=None if told.start_fraction is None else fraction(told.start_fraction, "start_fraction"),
        end_fraction=None if told.end_fraction is None else fraction(told.end_fraction, "end_fraction"),
        locator=locator(told.locator),
        text=clean(told.text, MAX_TEXT),
        total_pages=told.total_pages,
        page_times=page_times(told.page_times),
    )


async def told(request: web.Request, shape: type[Any]) -> Any:
    """The body of a request as a struct. Raises Invalid."""
    try:
        return msgspec.convert(await body(request), shape)
    except msgspec.ValidationError as err:
        raise Invalid(str(err)) from err


def page_times(told: Any) -> tuple[tuple[int, int, int], ...]:
    """Page by page: page number, seconds after the start, active seconds."""
    try:
        rows = msgspec.convert(as_list(told or [], "page_times"), list[tuple[Count, Count, Count]])
    except msgspec.ValidationError as err:
        raise Invalid(f"page_times: {err}") from err
    if len(rows) > MAX_PAGE_TIMES:
        raise Invalid(f"page_times: at most {MAX_PAGE_TIMES} pages a sitting.")
    return tuple(rows)


def number(request: web.Request, name: str, default: int, low: int = 1, high: int = 1_000_000) -> int:
    """A whole number of the query string, held between ``low`` and ``high``."""
    text = request.query.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or len(text) > 12:
        raise Invalid(f"{name}: must be a whole number.")
    return max(low, min(high, int(text)))


def moment(request: web.Request, name: str) -> int | None:
    """A time of the query string, ms; a bare date is its midnight in UTC."""
    text = request.query.get(name, "")
    if not text:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        text += "T00:00:00Z"
    return parse_at(text.replace(" ", "+"), name)  # a plus sign in a query string arrives as a space


def query_clues(request: web.Request) -> Clues:
    """What ``GET /resolve`` is told of a file."""
    query = request.query
    index = query.get("series_index", "")
    try:
        series_index = float(index) if index else None
    except ValueError as err:
        raise Invalid("series_index: must be a number.") from err
    told = {
        key: query.get(key, "") for key in ("book_uuid", "filename", "partial_md5", "identifiers", "title", "series")
    }
    told_clues = clues({**told, "authors": query.getall("authors", []), "series_index": series_index})
    if told_clues == Clues():
        raise Invalid("Say something about the file: filename, partial_md5, identifiers, or title and authors.")
    return told_clues
