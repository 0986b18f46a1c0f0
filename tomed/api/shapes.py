"""Writing answers: values become the JSON that docs/protocol.md describes. Unknown things are left out."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from tomed.clock import format_at
from tomed.model import Book, PositionEntry, Precision, Session, Status
from tomed.store.readings import Reading


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer. Its type is exactly ``application/json``: some clients compare it with that."""
    return encoded(encode(data), status, headers)


encode = msgspec.json.Encoder().encode
"""Data to JSON bytes."""


def encoded(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """``answer`` for JSON that is bytes already."""
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def of_book(book: Book) -> dict[str, Any]:
    """A book as devices and browsers see it; status and fraction are those of the user it was fetched for."""
    shape: dict[str, Any] = {
        "book_uuid": book.uuid,
        "title": book.title,
        "authors": book.authors,
        "kind": book.kind,
        "languages": book.languages,
        "tags": book.tags,
        "identifiers": book.identifiers,
        "has_cover": book.has_cover,
        "added_at": format_at(book.added_at),
        "formats": [
            {"format": f.format, "size": f.size, "file_name": f"{f.name}.{f.format.lower()}"} for f in book.formats
        ],
        "status": book.status or Status.NEW,
        "fraction": book.fraction or 0.0,
    }
    if book.publisher:
        shape["publisher"] = book.publisher
    if book.published_at is not None:
        shape["published_at"] = format_at(book.published_at)
    if book.custom:
        shape["custom"] = book.custom
    if book.series is not None:
        shape |= {"series": book.series, "series_id": book.series_id, "series_index": book.series_index}
    if book.gone:
        shape["gone"] = True
    return shape


def of_position(reading: Reading, entry: PositionEntry | None) -> dict[str, Any] | None:
    """Where a user stands, or None when nothing was read. ``entry`` is what the asking reader can use."""
    if entry is None:
        return None
    shape: dict[str, Any] = {
        "fraction": entry.fraction,
        "canonical": {
            "fraction": reading.fraction,
            "precision": entry.scaled.precision if entry.scaled else Precision.FRACTION,
        },
        "precision": entry.precision,
        "at": format_at(entry.at),
        "device": entry.device,
        "status": reading.status,
    }
    if entry.locator is not None:
        shape["locator"] = {"kind": entry.locator.kind, "value": entry.locator.value}
    if entry.text:
        shape["text"] = entry.text
    return shape


def of_session(session: Session, book: dict[str, Any] | None) -> dict[str, Any]:
    """A sitting; ``book`` is None while its file waits to be placed."""
    return {
        "id": session.id,
        "book": book,
        "started_at": format_at(session.started_at),
        "ended_at": format_at(session.ended_at),
        "active_s": session.active_s,
        "pages_turned": session.pages_turned,
        "start_fraction": session.start_fraction,
        "end_fraction": session.end_fraction,
        "device": session.device,
    }
