"""The JSON of the API as schemas: what docs/protocol.md says in words, for programs."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def _object(required: str, /, **properties: Schema) -> Schema:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
TIME: Schema = {"type": "string", "format": "date-time"}
FRACTION: Schema = {"type": "number", "minimum": 0, "maximum": 1}
STATUS: Schema = {"type": "string", "enum": ["new", "reading", "complete", "abandoned"]}
STATE: Schema = {"type": "string", "enum": ["ready", "indexing", "missing", "locked"]}

_LIBRARY = {"state": STATE, "books": WHOLE, "indexed_at": _or_null(TIME), "progress": FRACTION}

_FILE = {
    "book_uuid": TEXT,
    "filename": TEXT,
    "partial_md5": TEXT,
    "identifiers": TEXT,
    "title": TEXT,
    "authors": _list(TEXT),
    "series": TEXT,
    "series_index": NUMBER,
}

_PLACE = {"fraction": FRACTION, "locator": _ref("Locator"), "text": TEXT}

SCHEMAS: dict[str, Schema] = {
    "Any": {"type": "object"},
    "Problem": _object("type title status detail code", type=TEXT, title=TEXT, status=WHOLE, detail=TEXT, code=TEXT),
    "Health": _object(
        "service version api library libraries",
        service={"const": "tomed"},
        version=TEXT,
        api={"const": 1},
        library=_object("state books indexed_at", **_LIBRARY),
        libraries=_list(_object("name state books indexed_at", name=TEXT, **_LIBRARY)),
    ),
    "Format": _object("format size file_name", format=TEXT, size=WHOLE, file_name=TEXT),
    "Book": _object(
        "book_uuid title authors formats status fraction kind languages tags identifiers has_cover added_at",
        book_uuid=TEXT,
        title=TEXT,
        authors=_list(TEXT),
        series=TEXT,
        series_id=WHOLE,
        series_index=NUMBER,
        kind=TEXT,
        languages=_list(TEXT),
        tags=_list(TEXT),
        identifiers={"type": "object", "additionalProperties": TEXT},
        has_cover={"type": "boolean"},
        added_at=TIME,
        formats=_list(_ref("Format")),
        status=STATUS,
        fraction=FRACTION,
        publisher=TEXT,
        published_at=TIME,
        custom={"type": "object"},
        gone={"type": "boolean"},
        description=TEXT,
    ),
    "OneBook": _object("book", book=_ref("Book")),
    "Books": _object("books total page per_page", books=_list(_ref("Book")), total=WHOLE, page=WHOLE, per_page=WHOLE),
    "Resolved": _object("book matched_by", book=_ref("Book"), matched_by=TEXT),
    "SeriesList": _object(
        "series total page",
        series=_list(
            _object(
                "series_id name books authors read",
                series_id=WHOLE,
                name=TEXT,
                kind=TEXT,
                books=WHOLE,
                authors=_list(TEXT),
                read=WHOLE,
                next=_ref("Book"),
            )
        ),
        total=WHOLE,
        page=WHOLE,
        per_page=WHOLE,
    ),
    "SeriesBooks": _object("series_id name books", series_id=WHOLE, name=TEXT, books=_list(_ref("Book"))),
    "Locator": _object("kind value", kind={"type": "string", "enum": ["xpointer", "cfi", "page"]}, value=TEXT),
    "Position": _object(
        "fraction precision at status",
        **_PLACE,
        precision={"type": "string", "enum": ["exact", "element", "section", "fraction"]},
        at=TIME,
        device=_or_null(TEXT),
        status=STATUS,
    ),
    "OnePosition": _object("position", position=_or_null(_ref("Position"))),
    "PutPosition": _object("event_id at fraction", event_id=TEXT, at=TIME, now=TIME, **_PLACE),
    "PositionKept": _object("accepted current", accepted={"type": "boolean"}, current=_or_null(_ref("Position"))),
    "File": {"type": "object", "properties": _FILE},
    "Event": _object(
        "id type book",
        id=TEXT,
        type={"type": "string", "enum": ["position", "session", "status"]},
        at=TIME,
        book=_ref("File"),
        **_PLACE,
        started_at=TIME,
        ended_at=TIME,
        active_s={"type": "number", "minimum": 0},
        pages_turned=WHOLE,
        start_fraction=FRACTION,
        end_fraction=FRACTION,
        total_pages=WHOLE,
        page_times=_list({"type": "array", "items": WHOLE, "minItems": 3, "maxItems": 3}),
        status=STATUS,
        rating={"type": "integer", "minimum": 0, "maximum": 10},
    ),
    "Sync": _object(
        "device events",
        device=_object("id", id=TEXT, name=TEXT, model=TEXT, koreader=TEXT, plugin=TEXT),
        now=TIME,
        events={**_list(_ref("Event")), "maxItems": 500},
        want={**_list(_ref("File")), "maxItems": 50},
    ),
    "Synced": _object(
        "service now results positions min_plugin",
        service={"const": "tomed"},
        now=TIME,
        results=_list(
            _object(
                "id result",
                id=TEXT,
                result={"type": "string", "enum": ["accepted", "duplicate", "rejected"]},
                reason=TEXT,
            )
        ),
        positions=_list(
            _object(
                "want",
                want=WHOLE,
                book_uuid=TEXT,
                matched_by=TEXT,
                status=TEXT,
                rating={"type": "integer", "minimum": 0, "maximum": 10},
                position=_or_null(_ref("Position")),
                code=TEXT,
            )
        ),
        min_plugin=TEXT,
    ),
    "Documents": _object(
        "documents total page per_page",
        documents=_list(
            _object(
                "document_id file first_at last_at sessions positions candidates",
                document_id=WHOLE,
                file=_ref("File"),
                first_at=TIME,
                last_at=TIME,
                sessions=WHOLE,
                positions=WHOLE,
                candidates=_list(_object("book reason", book=_ref("Book"), reason=TEXT)),
            )
        ),
        total=WHOLE,
        page=WHOLE,
        per_page=WHOLE,
    ),
    "Names": _object(
        "total page per_page",
        authors=_list(_object("name books", name=TEXT, books=WHOLE)),
        tags=_list(_object("name books", name=TEXT, books=WHOLE)),
        total=WHOLE,
        page=WHOLE,
        per_page=WHOLE,
    ),
    "PluginOffer": _object("service version sha256 size", service=TEXT, version=TEXT, sha256=TEXT, size=WHOLE),
    "PluginFiles": _object("version files", version=TEXT, files={"type": "object", "additionalProperties": TEXT}),
    "Link": _object("book_uuid", book_uuid=TEXT),
    "Silence": _object("silenced", silenced={"type": "boolean"}),
    "Statistics": {"type": "object", "required": ["totals"], "properties": {"totals": {"type": "object"}}},
    "History": _object(
        "device books rows",
        device=_object("id", id=TEXT, name=TEXT),
        now=TIME,
        books=_list(_object("key", key=WHOLE, partial_md5=TEXT, title=TEXT, authors=_list(TEXT))),
        rows=_list({"type": "array", "items": {"type": "integer"}, "minItems": 5, "maxItems": 5}),
    ),
    "HistoryTaken": _object("service taken", service={"const": "tomed"}, taken=WHOLE, new=WHOLE, rejected=WHOLE),
    "Pair": {"type": "object", "properties": {"device": _object("", name=TEXT, model=TEXT)}},
    "PairOffer": _object(
        "code poll_token interval_s expires_in_s", code=TEXT, poll_token=TEXT, interval_s=WHOLE, expires_in_s=WHOLE
    ),
    "PairPoll": _object("poll_token", poll_token=TEXT),
    "PairState": _object("state", state={"type": "string", "enum": ["waiting", "paired"]}, token=TEXT, user=TEXT),
    "PairApprove": _object("code", code=TEXT),
    "PairApproved": _object("device", device=TEXT),
    "Session": _object(
        "id book started_at ended_at active_s pages_turned",
        id=WHOLE,
        book=_or_null(_ref("Book")),
        started_at=TIME,
        ended_at=TIME,
        active_s=WHOLE,
        pages_turned=WHOLE,
        start_fraction=_or_null(FRACTION),
        end_fraction=_or_null(FRACTION),
        device=_or_null(TEXT),
    ),
    "Sessions": _object(
        "sessions total page per_page", sessions=_list(_ref("Session")), total=WHOLE, page=WHOLE, per_page=WHOLE
    ),
}
"""Named schemas of ``#/components/schemas``."""
