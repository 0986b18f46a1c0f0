"""Writing answers: values become the JSON that docs/protocol.md describes. Unknown things are left out."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from tomed.clock import format_at
from tomed.model import Book, PositionEntry, Session, Status
from tomed.store.readings import Reading


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer. Its type is exactly ``application/json``: some clients compare it with that."""
    return web.Response(body=msgspec.json.encode(data), status=status, content_type="application/json", headers=headers)


def of_book(book: Book, state: tuple[Status, float] | None = None) -> dict[str, Any]:
    """A book as devices and browsers see it; ``state`` is the asking user's own status and fraction."""
    status, fraction = state or (Status.NEW, 0.0)
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
        "status": status,
        "fraction": fraction,
    }
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
