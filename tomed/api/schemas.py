"""The JSON of the API as schemas: what docs/protocol.md says in words, for programs."""

from __future__ import annotations

from tomed.api import statistics_schemas
from tomed.api.schema_words import FRACTION, NUMBER, TEXT, TIME, WHOLE, Schema, list_of, object_of, or_null, ref

STATUS: Schema = {"type": "string", "enum": ["new", "reading", "complete", "abandoned"]}
STATE: Schema = {"type": "string", "enum": ["ready", "indexing", "missing", "locked"]}

_LIBRARY = {"state": STATE, "books": WHOLE, "indexed_at": or_null(TIME), "progress": FRACTION}

_FILE = {
    "book_uuid": TEXT,
    "filename": TEXT,
    "partial_md5": TEXT,
    "identifiers": TEXT,
    "title": TEXT,
    "authors": list_of(TEXT),
    "series": TEXT,
    "series_index": NUMBER,
}

_PLACE = {"fraction": FRACTION, "locator": ref("Locator"), "text": TEXT}
_PRECISION: Schema = {"type": "string", "enum": ["exact", "element", "section", "fraction"]}

SCHEMAS: dict[str, Schema] = {
    "Any": {"type": "object"},
    "Problem": object_of("type title status detail code", type=TEXT, title=TEXT, status=WHOLE, detail=TEXT, code=TEXT),
    "Health": object_of(
        "service version api library libraries",
        service={"const": "tomed"},
        version=TEXT,
        api={"const": 1},
        library=object_of("state books indexed_at", **_LIBRARY),
        libraries=list_of(object_of("name state books indexed_at", name=TEXT, **_LIBRARY)),
    ),
    "Format": object_of("format size file_name", format=TEXT, size=WHOLE, file_name=TEXT),
    "Book": object_of(
        "book_uuid title authors formats status fraction kind languages tags identifiers has_cover added_at",
        book_uuid=TEXT,
        title=TEXT,
        authors=list_of(TEXT),
        series=TEXT,
        series_id=WHOLE,
        series_index=NUMBER,
        kind=TEXT,
        languages=list_of(TEXT),
        tags=list_of(TEXT),
        identifiers={"type": "object", "additionalProperties": TEXT},
        has_cover={"type": "boolean"},
        added_at=TIME,
        formats=list_of(ref("Format")),
        status=STATUS,
        fraction=FRACTION,
        publisher=TEXT,
        published_at=TIME,
        custom={"type": "object"},
        gone={"type": "boolean"},
        description=TEXT,
    ),
    "OneBook": object_of("book", book=ref("Book")),
    "Books": object_of(
        "books total page per_page", books=list_of(ref("Book")), total=WHOLE, page=WHOLE, per_page=WHOLE
    ),
    "Resolved": object_of("book matched_by", book=ref("Book"), matched_by=TEXT),
    "SeriesList": object_of(
        "series total page",
        series=list_of(
            object_of(
                "series_id name books authors read",
                series_id=WHOLE,
                name=TEXT,
                kind=TEXT,
                books=WHOLE,
                authors=list_of(TEXT),
                read=WHOLE,
                next=ref("Book"),
            )
        ),
        total=WHOLE,
        page=WHOLE,
        per_page=WHOLE,
    ),
    "SeriesBooks": object_of("series_id name books", series_id=WHOLE, name=TEXT, books=list_of(ref("Book"))),
    "Locator": object_of("kind value", kind={"type": "string", "enum": ["xpointer", "cfi", "page"]}, value=TEXT),
    "Position": object_of(
        "fraction canonical precision at status",
        **_PLACE,
        canonical=object_of("fraction precision", fraction=FRACTION, precision=_PRECISION),
        precision=_PRECISION,
        at=TIME,
        device=or_null(TEXT),
        status=STATUS,
    ),
    "OnePosition": object_of("position", position=or_null(ref("Position"))),
    "PutPosition": object_of("event_id at fraction", event_id=TEXT, at=TIME, now=TIME, **_PLACE),
    "PositionKept": object_of("accepted current", accepted={"type": "boolean"}, current=or_null(ref("Position"))),
    "File": {"type": "object", "properties": _FILE},
    "Event": object_of(
        "id type book",
        id=TEXT,
        type={"type": "string", "enum": ["position", "session", "status"]},
        at=TIME,
        clock_set_s={"type": "integer"},
        book=ref("File"),
        **_PLACE,
        started_at=TIME,
        ended_at=TIME,
        active_s={"type": "number", "minimum": 0},
        pages_turned=WHOLE,
        start_fraction=FRACTION,
        end_fraction=FRACTION,
        total_pages=WHOLE,
        page_times=list_of({"type": "array", "items": WHOLE, "minItems": 3, "maxItems": 3}),
        status=STATUS,
        rating={"type": "integer", "minimum": 0, "maximum": 10},
    ),
    "Sync": object_of(
        "device events",
        device=object_of("id", id=TEXT, name=TEXT, model=TEXT, koreader=TEXT, plugin=TEXT),
        now=TIME,
        events={**list_of(ref("Event")), "maxItems": 500},
        want={**list_of(ref("File")), "maxItems": 50},
    ),
    "Synced": object_of(
        "service now results positions min_plugin",
        service={"const": "tomed"},
        now=TIME,
        results=list_of(
            object_of(
                "id result",
                id=TEXT,
                result={"type": "string", "enum": ["accepted", "duplicate", "rejected"]},
                reason=TEXT,
            )
        ),
        positions=list_of(
            object_of(
                "want",
                want=WHOLE,
                book_uuid=TEXT,
                title=TEXT,
                matched_by=TEXT,
                status=TEXT,
                rating={"type": "integer", "minimum": 0, "maximum": 10},
                position=or_null(ref("Position")),
                code=TEXT,
            )
        ),
        min_plugin=TEXT,
    ),
    "Documents": object_of(
        "documents total page per_page",
        documents=list_of(
            object_of(
                "document_id file first_at last_at sessions positions candidates",
                document_id=WHOLE,
                file=ref("File"),
                first_at=TIME,
                last_at=TIME,
                sessions=WHOLE,
                positions=WHOLE,
                candidates=list_of(object_of("book reason", book=ref("Book"), reason=TEXT)),
            )
        ),
        total=WHOLE,
        page=WHOLE,
        per_page=WHOLE,
    ),
    "Names": object_of(
        "total page per_page",
        authors=list_of(object_of("name books", name=TEXT, books=WHOLE)),
        tags=list_of(object_of("name books", name=TEXT, books=WHOLE)),
        total=WHOLE,
        page=WHOLE,
        per_page=WHOLE,
    ),
    "PluginOffer": object_of("service version sha256 size", service=TEXT, version=TEXT, sha256=TEXT, size=WHOLE),
    "PluginFiles": object_of("version files", version=TEXT, files={"type": "object", "additionalProperties": TEXT}),
    "Link": object_of("book_uuid", book_uuid=TEXT),
    "Silence": object_of("silenced", silenced={"type": "boolean"}),
    "History": object_of(
        "device books rows",
        device=object_of("id", id=TEXT, name=TEXT),
        now=TIME,
        books=list_of(object_of("key", key=WHOLE, partial_md5=TEXT, title=TEXT, authors=list_of(TEXT))),
        rows=list_of({"type": "array", "items": {"type": "integer"}, "minItems": 5, "maxItems": 5}),
    ),
    "HistoryTaken": object_of("service taken", service={"const": "tomed"}, taken=WHOLE, new=WHOLE, rejected=WHOLE),
    "Pair": {"type": "object", "properties": {"device": object_of("", name=TEXT, model=TEXT)}},
    "PairOffer": object_of(
        "code poll_token interval_s expires_in_s", code=TEXT, poll_token=TEXT, interval_s=WHOLE, expires_in_s=WHOLE
    ),
    "PairPoll": object_of("poll_token", poll_token=TEXT),
    "PairState": object_of("state", state={"type": "string", "enum": ["waiting", "paired"]}, token=TEXT, user=TEXT),
    "PairApprove": object_of("code", code=TEXT),
    "PairApproved": object_of("device", device=TEXT),
    "Session": object_of(
        "id book started_at ended_at active_s pages_turned",
        id=WHOLE,
        book=or_null(ref("Book")),
        started_at=TIME,
        ended_at=TIME,
        active_s=WHOLE,
        pages_turned=WHOLE,
        start_fraction=or_null(FRACTION),
        end_fraction=or_null(FRACTION),
        device=or_null(TEXT),
    ),
    "Sessions": object_of(
        "sessions total page per_page", sessions=list_of(ref("Session")), total=WHOLE, page=WHOLE, per_page=WHOLE
    ),
    "Empty": {"type": "object", "properties": {}},
    "Waiting": object_of("waiting", waiting={"type": "boolean"}),
}
SCHEMAS |= statistics_schemas.SCHEMAS
"""Named schemas of ``#/components/schemas``."""
