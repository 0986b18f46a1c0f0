"""The whole API on one page. Tests hold it together with ``docs/protocol.md`` and ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from tomed.api import (
    books,
    documents,
    health,
    history,
    names,
    openapi,
    pairing,
    plugin,
    positions,
    resolve,
    series,
    sessions,
    sittings,
    statistics,
    sync,
)

PREFIX = "/api/v1"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its query parameters, and the names of the schemas (``schemas.py``) of body and answer."""

    method: str
    path: str
    handler: Handler
    query: tuple[str, ...] = ()
    body: str = ""
    answer: str = ""
    media: str = "application/json"
    status: int = 200


PAGING = ("page", "per_page")

ROUTES: tuple[Route, ...] = (
    Route("GET", "/health", health.health, answer="Health"),
    Route("GET", "/openapi.json", openapi.document, answer="Any"),
    Route(
        "GET",
        "/resolve",
        resolve.resolve,
        query=("filename", "partial_md5", "identifiers", "title", "authors", "series", "series_index", "book_uuid"),
        answer="Resolved",
    ),
    Route(
        "GET",
        "/books",
        books.list_books,
        query=("q", "author", "series", "tag", "kind", "status", "sort", *PAGING),
        answer="Books",
    ),
    # before its sisters: the router tries them in this order, and this one is asked at every page turn
    Route("GET", "/books/{book_uuid}/position", positions.get_position, query=("kind",), answer="OnePosition"),
    Route("PUT", "/books/{book_uuid}/position", positions.put_position, body="PutPosition", answer="PositionKept"),
    Route("GET", "/books/{book_uuid}", books.get_book, answer="OneBook"),
    Route("GET", "/books/{book_uuid}/cover", books.get_cover, query=("size",), media="image/jpeg"),
    Route("GET", "/books/{book_uuid}/formats/{format}", books.get_format, media="*/*"),
    Route("GET", "/series", series.list_series, query=PAGING, answer="SeriesList"),
    Route("GET", "/series/{series_id}", series.get_series, answer="SeriesBooks"),
    Route("GET", "/authors", names.list_authors, query=PAGING, answer="Names"),
    Route("GET", "/tags", names.list_tags, query=PAGING, answer="Names"),
    Route("GET", "/plugin", plugin.offer, answer="PluginOffer"),
    Route("GET", "/plugin/files", plugin.files, answer="PluginFiles"),
    Route("GET", "/sessions", sessions.list_sessions, query=("book_uuid", "from", "to", *PAGING), answer="Sessions"),
    Route("GET", "/documents", documents.list_documents, query=("silenced", *PAGING), answer="Documents"),
    Route("POST", "/documents/{document_id}/link", documents.link, body="Link", answer="OneBook"),
    Route("POST", "/documents/{document_id}/unlink", documents.unlink, body="Empty", answer="Waiting"),
    Route("POST", "/documents/{document_id}/silence", documents.silence, body="Silence", answer="Silence"),
    Route("GET", "/statistics", statistics.get_statistics, query=("from", "to", "group"), answer="Statistics"),
    Route("GET", "/statistics/export", statistics.export, query=("format", "from", "to"), media="*/*"),
    Route("PUT", "/statistics/goals", statistics.put_goal, body="PutGoal", answer="Goals"),
    Route("GET", "/books/{book_uuid}/statistics", statistics.get_book_statistics, answer="BookStatistics"),
    Route("GET", "/sittings", sittings.list_sittings, query=("book_uuid", "from", "to", *PAGING), answer="Sittings"),
    Route("POST", "/sittings", sittings.add_sitting, body="AddSitting", answer="OneSitting", status=201),
    Route("PUT", "/sittings/{key}", sittings.change_sitting, body="ChangeSitting", answer="Corrected"),
    Route("DELETE", "/sittings/{key}", sittings.delete_sitting, answer="Deleted"),
    Route("GET", "/history", history.get_mark, query=("device",), answer="HistoryMark"),
    Route("POST", "/history", history.post_history, body="History", answer="HistoryTaken"),
    Route("POST", "/history/file", history.post_history_file, query=("device", "preview"), answer="HistoryFile"),
    Route("POST", "/pair", pairing.begin, body="Pair", answer="PairOffer"),
    Route("POST", "/pair/poll", pairing.poll, body="PairPoll", answer="PairState"),
    Route("POST", "/pair/approve", pairing.approve, body="PairApprove", answer="PairApproved"),
    Route("POST", "/sync", sync.sync, body="Sync", answer="Synced"),
)


def setup(app: web.Application) -> None:
    """Add every route to ``app``. HEAD comes with each GET."""
    app[openapi.ROUTES] = ROUTES
    for route in ROUTES:
        app.router.add_route(route.method, PREFIX + route.path, route.handler)
        if route.method == "GET":
            app.router.add_route("HEAD", PREFIX + route.path, route.handler)
