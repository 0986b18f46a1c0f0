"""The OpenAPI document against answers of a life that was lived: nothing is promised wrongly."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.daemon import Daemon
from tests.libraries import make_library


def test_a_lived_life_fits_the_schemas(tmp_path: Path, daemon_of):
    """Reading of two books, one finished, a goal, a sitting by hand, a correction: every answer is as promised."""
    library = make_library(tmp_path / "library")
    daemon: Daemon = daemon_of(library.folder)
    daemon.wait_ready()
    document = daemon.get("/openapi.json").json
    asked: list[str] = []

    def ask(method: str, path: str, template: str, body: Any = None, status: int = 200) -> Any:
        answer = daemon.request(method, path, body)
        assert answer.status == status, answer.body
        operation = document["paths"]["/api/v1" + template][method.lower()]
        if "requestBody" in operation:
            check(operation["requestBody"]["content"]["application/json"]["schema"], body)
        check(operation["responses"][str(status)]["content"]["application/json"]["schema"], answer.json)
        asked.append(f"{method} {template}")
        return answer.json

    def check(schema: dict[str, Any], value: Any) -> None:
        rooted = {**schema, "components": document["components"]}
        Draft202012Validator(rooted).validate(json.loads(json.dumps(value)))

    ask("GET", "/statistics", "/statistics")  # nothing was read yet
    books = daemon.get("/books?per_page=200").json["books"]
    one, two = (book["book_uuid"] for book in books[:2])
    events = []
    for number in range(12):
        day = f"2026-03-{number + 1:02}"
        told = {"id": str(uuid.uuid4()), "type": "session", "book": {"book_uuid": one if number % 2 else two}}
        told |= {"at": f"{day}T20:40:00Z", "started_at": f"{day}T20:00:00Z", "ended_at": f"{day}T20:40:00Z"}
        told |= {"active_s": 2300, "pages_turned": 40, "start_fraction": number / 13, "end_fraction": (number + 1) / 13}
        events.append(told)
    events.append({"id": str(uuid.uuid4()), "type": "status", "at": "2026-03-13T20:00:00Z", "book": {"book_uuid": one}})
    events[-1] |= {"status": "complete", "rating": 8}
    ask("POST", "/sync", "/sync", {"device": {"id": "kobo", "name": "Kobo"}, "events": events})
    goal = {"measure": "minutes", "period": "day", "target": 30}
    assert ask("PUT", "/statistics/goals", "/statistics/goals", goal)["goals"]
    by_hand = {"book_uuid": one, "started_at": "2026-03-20T20:00:00Z", "ended_at": "2026-03-20T21:00:00Z", "pages": 9}
    key = ask("POST", "/sittings", "/sittings", by_hand, 201)["sitting"]["key"]
    ask("PUT", f"/sittings/{key}", "/sittings/{key}", by_hand | {"pages": 11})
    listed = ask("GET", f"/sittings?book_uuid={one}", "/sittings")["sittings"]
    assert len(listed) == 7
    ask("DELETE", f"/sittings/{listed[-1]['key']}", "/sittings/{key}")
    for group in ("", "author", "device"):
        report = ask("GET", f"/statistics?group={group}", "/statistics")
        assert report["totals"]["sessions"] == 12
        assert report["finished"]
    ask("GET", "/statistics?from=2026-03-05&to=2026-03-10", "/statistics")
    assert ask("GET", f"/books/{one}/statistics", "/books/{book_uuid}/statistics")["sessions"] == 6
    rows = [[1, page, 1_772_000_000 + 60 * page, 50, 300] for page in range(1, 30)]
    told = {"device": {"id": "kobo"}, "books": [{"key": 1, "partial_md5": "a" * 32, "title": "Other"}], "rows": rows}
    assert ask("POST", "/history", "/history", told)["new"] == 29
    assert ask("GET", "/history?device=kobo", "/history")["rows"] == 29
    exported = daemon.get("/statistics/export?format=sqlite3").body
    for preview in ("?preview=1", "?device=kobo"):
        answer = daemon.post("/history/file" + preview, exported)
        assert answer.status == 200, answer.body
        schema = document["paths"]["/api/v1/history/file"]["post"]["responses"]["200"]["content"]["application/json"]
        check(schema["schema"], answer.json)
    waiting = ask("GET", "/documents", "/documents")["documents"]
    assert "GET /statistics" in asked
    assert isinstance(waiting, list)


def test_nothing_but_the_document_itself_is_anything():
    """Every other answer has a shape that is told."""
    from tomed.api.routes import ROUTES

    assert [r.path for r in ROUTES if "Any" in (r.answer, r.body)] == ["/openapi.json"]
