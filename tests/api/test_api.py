"""The API over real HTTP, against the real daemon and a real library."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from openapi_spec_validator import validate

from tests.daemon import Daemon
from tests.data import ROOT
from tests.libraries import fingerprint, make_library
from tomed.store import tokens, users
from tomed.store.db import Store


def event_id() -> str:
    return str(uuid.uuid4())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for this module; its library is untouched in the end."""
    folder = tmp_path_factory.mktemp("api")
    library = make_library(folder / "library")
    daemon = Daemon(library.folder, folder / "data")
    before = fingerprint(library.folder)
    with daemon:
        daemon.wait_ready()
        yield daemon
    assert fingerprint(library.folder) == before


@pytest.fixture
def person() -> str:
    """A name that no other test has."""
    return f"reader-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def served(running: Daemon, person: str) -> Daemon:
    """The daemon, asked by a person of this test's own: what one test tells, no other sees."""
    store = Store.open(running.data / "tomed.db")
    user_id = store.write_now(lambda c: users.create(c, person, None, now=1))
    running.token = store.write_now(lambda c: tokens.issue(c, user_id, "device", "Kobo", 1))
    store.close()
    return running


@pytest.fixture
def book(served: Daemon) -> dict:
    """A book in a series, with an EPUB."""
    return next(
        b for b in served.get("/books?per_page=200").json["books"] if b["formats"] and "series" in b and b["has_cover"]
    )


def test_health_needs_no_token(served: Daemon):
    """Anybody may ask whether it is there; the answer names no book and no person."""
    health = served.get("/health", token="").json
    assert (health["service"], health["api"], health["library"]["state"]) == ("tomed", 1, "ready")
    assert health["library"]["books"] == served.get("/books").json["total"]
    assert health["library"]["indexed_at"].endswith("Z")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("DELETE", "/books", 405, "method_not_allowed"),
        ("GET", "/books/no-such-uuid", 404, "not_found"),
        ("GET", "/series/999999", 404, "not_found"),
        ("GET", "/series/x", 404, "not_found"),
        ("GET", "/books/no-such-uuid/cover", 404, "not_found"),
        ("GET", "/books?page=x", 400, "invalid"),
        ("GET", "/sessions?from=yesterday", 400, "invalid"),
        ("GET", "/resolve", 400, "invalid"),
    ],
)
def test_every_error_is_a_problem(served: Daemon, method, path, status, code):
    """RFC 9457 on every path, with a word for programs and a sentence for people."""
    answer = served.request(method, path)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json["code"] == code
    assert answer.json["status"] == status
    assert len(answer.json["detail"]) > 10


def test_too_large_is_a_problem(served: Daemon):
    """A body over the limit is refused as one, not by a dropped connection."""
    answer = served.post("/sync", b'{"device":{"id":"' + b"x" * 3_000_000 + b'"}}')
    assert (answer.status, answer.json["code"]) == (413, "too_large")


@pytest.mark.parametrize("path", ["/books", "/series", "/sessions", "/resolve?filename=x", "/books/x/position"])
def test_nothing_without_a_token(served: Daemon, path):
    """No token and a wrong token are both refused, as problems."""
    for token in ("", "tomed_wrong"):
        answer = served.get(path, token=token)
        assert (answer.status, answer.json["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_book_comes_with_everything(served: Daemon, book):
    """One book by its uuid is the book of the list, with its description."""
    one = served.get(f"/books/{book['book_uuid']}").json["book"]
    assert {key: one[key] for key in book} == book
    assert one["formats"][0]["format"].isupper()


def test_a_device_with_a_wrong_clock_is_put_right(served: Daemon):
    """Its own "now" tells how far it is off; what it read a minute ago was a minute ago."""
    book = served.get("/books?sort=title&per_page=200").json["books"][0]
    told = {"id": event_id(), "type": "position", "book": {"book_uuid": book["book_uuid"]}, "fraction": 0.4}
    answer = sync(served, told | {"at": "2001-01-01T00:00:00Z"}, now="2001-01-01T00:01:00Z")
    assert answer["results"][0]["result"] == "accepted"
    at = served.get(f"/books/{book['book_uuid']}/position").json["position"]["at"]
    assert at[:16] <= answer["now"][:16]
    assert at[:4] == answer["now"][:4]


def test_an_event_tells_that_the_clock_was_set_since(served: Daemon):
    """It is put right by that; what is no number of seconds is refused, and spoils no other."""
    book = served.get("/books?sort=title&per_page=200").json["books"][1]
    told = {"type": "position", "book": {"book_uuid": book["book_uuid"]}, "at": "2001-01-01T00:00:00Z", "fraction": 0.4}
    good = told | {"id": event_id(), "clock_set_s": 86_400}
    bad = [told | {"id": event_id(), "clock_set_s": wrong} for wrong in ("1", True, 0.5, 10**12)]
    results = sync(served, *bad, good)["results"]
    assert [one["result"] for one in results] == ["rejected"] * 4 + ["accepted"]
    assert all("clock_set_s" in one["reason"] for one in results[:4])
    at = served.get(f"/books/{book['book_uuid']}/position").json["position"]["at"]
    assert at == "2001-01-02T00:00:00Z"


def test_a_format_is_the_librarys_own_bytes(served: Daemon, book):
    """The file as it lies in the library, with its real name, ranges, and a 412 once it changed."""
    name = book["formats"][0]["format"]
    path = f"/books/{book['book_uuid']}/formats/{name}"
    whole = served.get(path)
    on_disk = next(served.library.rglob(book["formats"][0]["file_name"]))
    assert whole.body == on_disk.read_bytes()
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["content-disposition"].startswith("attachment")
    assert quote(book["formats"][0]["file_name"], safe="") in whole.headers["content-disposition"]
    etag = whole.headers["etag"]

    part = served.get(path, headers={"Range": "bytes=10-19", "If-Match": etag})
    assert (part.status, part.body) == (206, whole.body[10:20])
    assert served.get(path, headers={"If-None-Match": etag}).status == 304
    changed = served.get(path, headers={"Range": "bytes=10-19", "If-Match": '"other"'})
    assert (changed.status, changed.json["code"]) == (412, "precondition_failed")
    stale = served.get(path, headers={"Range": "bytes=10-19", "If-Range": '"other"'})
    assert (stale.status, stale.body) == (200, whole.body), "a part of another file must never be mixed in"
    assert served.get(path, headers={"Range": "bytes=0-1,5-6"}).status in (200, 416)
    assert served.get(path, headers={"Range": "bytes=999999999-"}).status == 416
    head = served.request("HEAD", path)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(whole.body)))
    assert served.get(f"/books/{book['book_uuid']}/formats/NOPE").status == 404
    assert served.get(f"/books/{book['book_uuid']}/formats/..%2F..%2Fmetadata.db").status == 404


def test_a_cover_is_a_picture(served: Daemon, book):
    """Covers come as they are, or small."""
    assert served.get(f"/books/{book['book_uuid']}/cover").body[:3] == b"\xff\xd8\xff"
    small = served.get(f"/books/{book['book_uuid']}/cover?size=thumb")
    assert small.status == 200
    assert small.headers["content-type"].startswith("image/")


def test_series_are_in_their_own_order(served: Daemon):
    """1, 1.5, 2, 10: by number, not by letters."""
    listed = served.get("/series?per_page=200").json["series"]
    assert listed
    for series in listed:
        books = served.get(f"/series/{series['series_id']}").json["books"]
        assert len(books) == series["books"]
        indexes = [b["series_index"] for b in books]
        assert indexes == sorted(indexes)


def test_resolve_says_by_what(served: Daemon, book):
    """By uuid in the identifiers, by file name, by title and author; the rule is told."""
    identifiers = quote("isbn:1\nuuid:" + book["book_uuid"])
    by_uuid = served.get(f"/resolve?identifiers={identifiers}").json
    assert (by_uuid["book"]["book_uuid"], by_uuid["matched_by"]) == (book["book_uuid"], "uuid")
    name = quote(book["formats"][0]["file_name"])
    assert served.get(f"/resolve?filename={name}").json["book"]["book_uuid"] == book["book_uuid"]
    title, authors = quote(book["title"]), quote("\n".join(book["authors"]))
    assert served.get(f"/resolve?title={title}&authors={authors}").json["book"]["book_uuid"] == book["book_uuid"]
    nothing = served.get("/resolve?filename=%25.epub")
    assert (nothing.status, nothing.json["code"]) == (404, "no_match")
    assert isinstance(nothing.json["candidates"], list)


def test_a_position_is_kept_and_an_older_one_does_not_win(served: Daemon, book):
    """PUT says whether the event counts; the history keeps it in any case."""
    path = f"/books/{book['book_uuid']}/position"
    locator = {"kind": "cfi", "value": "epubcfi(/6/4!/4/2/1:10)"}
    new = served.put(path, {"event_id": event_id(), "at": "2026-05-02T10:00:00Z", "fraction": 0.5, "locator": locator})
    assert new.json["accepted"] is True
    assert new.json["current"]["locator"] == locator
    again = {"event_id": event_id(), "at": "2026-05-01T12:00:00+02:00", "fraction": 0.2, "locator": None, "text": "x"}
    old = served.put(path, again).json
    assert (old["accepted"], old["current"]["fraction"]) == (False, 0.5)
    current = served.get(path).json["position"]
    assert (current["fraction"], current["at"], current["precision"]) == (0.5, "2026-05-02T10:00:00Z", "exact")
    assert current["status"] == "reading"
    assert current["device"]


def test_no_position_is_null(served: Daemon):
    """A book that nobody opened has none."""
    other = served.get("/books?sort=title&per_page=200").json["books"][-1]
    assert served.get(f"/books/{other['book_uuid']}/position").json == {"position": None}


@pytest.mark.parametrize(
    "bad",
    [
        {"fraction": 7.5},
        {"fraction": -0.1},
        {"fraction": float("nan")},
        {"fraction": float("inf")},
        {"fraction": "half"},
        {"fraction": None},
        {"at": "2026-05-01T10:00:00"},
        {"at": "2999-01-01T00:00:00Z"},
        {"at": 5},
        {"event_id": ""},
        {"locator": {"kind": "page"}},
        {"locator": {"kind": "epub", "value": "x"}},
    ],
)
def test_a_bad_position_is_refused_with_its_reason(served: Daemon, book, bad):
    """What can't be right is not kept, and the sentence names the field."""
    told = {"event_id": event_id(), "at": "2026-05-01T10:00:00Z", "fraction": 0.5} | bad
    answer = served.put(f"/books/{book['book_uuid']}/position", told)
    assert (answer.status, answer.json["code"]) == (400, "invalid")
    assert next(iter(bad)) in answer.json["detail"]


def sync(served: Daemon, *events: object, **more: object) -> dict:
    answer = served.post(
        "/sync", {"device": {"id": "dev-1", "name": "Kobo", "model": "Nova"}, "events": events, **more}
    )
    assert answer.status == 200, answer.body
    return answer.json


def test_sync_answers_each_event(served: Daemon, book):
    """Accepted, duplicate and rejected side by side; a bad one spoils nothing, not even a lone surrogate or NaN."""
    known = {"book_uuid": book["book_uuid"]}
    base = {"type": "position", "at": "2026-06-01T10:00:00Z", "book": known, "fraction": 0.6}
    first = event_id()
    session = {
        "id": event_id(),
        "type": "session",
        "at": "2026-06-01T10:30:00Z",
        "book": {"filename": "unknown \ud800\x00%.epub", "partial_md5": "0" * 32, "title": "?", "authors": {}},
        "started_at": "2026-06-01T10:00:00Z",
        "ended_at": "2026-06-01T10:30:00Z",
        "active_s": 1500,
        "pages_turned": 12.0,
        "start_fraction": 0.1,
        "end_fraction": 0.2,
    }
    backwards = {**session, "id": event_id(), "ended_at": "2026-06-01T09:00:00Z"}
    events = [
        {**base, "id": first, "locator": None},
        {**base, "id": first},
        {**base, "id": event_id(), "fraction": float("nan")},
        {**base, "id": event_id(), "fraction": 7.5},
        {**base, "id": event_id(), "at": "2200-01-01T00:00:00Z"},
        {**base, "id": event_id(), "type": "mystery"},
        {**session, "id": event_id(), "active_s": -1},
        backwards,
        session,
        "no object at all",
    ]
    answer = sync(served, *events)
    assert [r["result"] for r in answer["results"]] == [
        "accepted",
        "duplicate",
        *["rejected"] * 6,
        "accepted",
        "rejected",
    ]
    assert all(r["reason"] for r in answer["results"] if r["result"] == "rejected")
    assert (answer["service"], answer["now"][-1]) == ("tomed", "Z")
    waiting = [s for s in served.get("/sessions").json["sessions"] if s["book"] is None]
    assert [(s["active_s"], s["pages_turned"], s["device"]) for s in waiting] == [(1500, 12, "Kobo")]


def test_sync_gives_back_what_is_wanted(served: Daemon, book):
    """By uuid or by what is known of the file; an unplaced file says why it has no position."""
    path = f"/books/{book['book_uuid']}/position"
    served.put(path, {"event_id": event_id(), "at": "2026-07-01T10:00:00Z", "fraction": 0.71})
    wanted = [{"filename": book["formats"][0]["file_name"]}, {"filename": "nobody knows.epub"}, {}]
    positions = sync(served, want=wanted)["positions"]
    assert (positions[0]["book_uuid"], positions[0]["position"]["fraction"]) == (book["book_uuid"], 0.71)
    assert positions[0]["position"]["device"]
    assert [p["code"] for p in positions[1:]] == ["no_match", "no_match"]


def test_an_old_plugin_is_told_to_update(served: Daemon):
    """426 with a sentence, and nothing is recorded; equality is never asked for."""
    answer = served.post("/sync", {"device": {"id": "d", "plugin": "0.0.1"}, "events": []})
    assert (answer.status, answer.json["code"]) == (426, "plugin_too_old")
    assert served.post("/sync", {"device": {"id": "d", "plugin": "99.0"}, "events": {}}).status == 200


def test_a_batch_has_its_limits(served: Daemon):
    """501 events are too many, whatever they are."""
    answer = served.post("/sync", {"device": {"id": "d"}, "events": [{}] * 501})
    assert (answer.status, answer.json["code"]) == (413, "too_large")


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b"{", b'{"device":' + b"[" * 20000, b"\xff\xfe"])
def test_garbage_is_refused_politely(served: Daemon, body):
    """No body can do more than be refused."""
    assert served.post("/sync", body).status == 400


def test_one_never_sees_anothers_reading(served: Daemon, book):
    """A second person of the household starts with nothing and can send the same event ids."""
    served.add_user("bob")
    bobs = served.run("token", "create", "bob", "--name", "Clara").strip()
    path = f"/books/{book['book_uuid']}/position"
    told = {"event_id": "shared-id", "at": "2026-08-01T10:00:00Z", "fraction": 0.8}
    assert served.put(path, told).json["accepted"] is True
    assert served.get(path, token=bobs).json == {"position": None}
    assert served.get("/sessions", token=bobs).json["total"] == 0
    assert served.get(f"/books/{book['book_uuid']}", token=bobs).json["book"]["status"] == "new"
    assert served.put(path, told | {"fraction": 0.1}, token=bobs).json["accepted"] is True
    assert served.get(path).json["position"]["fraction"] == 0.8


def test_sessions_can_be_asked_for_by_book_and_time(served: Daemon, book):
    """Newest first, within a span, paged."""
    base = {"type": "session", "book": {"book_uuid": book["book_uuid"]}, "active_s": 60}
    days = [f"2026-03-{day:02}" for day in (1, 2, 3)]
    sync(
        served,
        *({**base, "id": event_id(), "started_at": f"{day}T10:00:00Z", "ended_at": f"{day}T10:10:00Z"} for day in days),
    )
    asked = f"/sessions?book_uuid={book['book_uuid']}&from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z"
    found = served.get(asked).json
    assert [s["started_at"] for s in found["sessions"]] == ["2026-03-02T10:00:00Z", "2026-03-01T10:00:00Z"]
    assert found["sessions"][0]["book"]["book_uuid"] == book["book_uuid"]
    assert served.get(f"{asked}&per_page=1&page=2").json["sessions"][0]["started_at"] == "2026-03-01T10:00:00Z"
    assert served.get(f"{asked}&per_page=1").json["total"] == 2


def test_json_is_exactly_json(served: Daemon):
    """No charset behind it: some clients compare the type as a string."""
    assert served.get("/health").headers["content-type"] == "application/json"


def test_the_openapi_document_is_valid_and_complete(served: Daemon):
    """It validates, names every route of the protocol page, and the page names every route of it."""
    document = served.get("/openapi.json", token="").json
    validate(document)
    page = (ROOT / "docs" / "protocol.md").read_text()
    for path, operations in document["paths"].items():
        short = path.removeprefix("/api/v1").replace("{series_id}", "{id}").replace("{format}", "{FORMAT}")
        for method in operations:
            told = re.search(rf"{method.upper()}[^`\n]*{re.escape(short)}(?![/\w])", page)
            assert told or short == "/openapi.json", f"docs/protocol.md says nothing of {method.upper()} {short}"


def test_answers_fit_their_schemas(served: Daemon, book):
    """What is sent is what the document promises."""
    from jsonschema import Draft202012Validator

    document = served.get("/openapi.json").json
    uuid_ = book["book_uuid"]
    sitting = {"started_at": "2026-03-01T10:00:00Z", "ended_at": "2026-03-01T10:10:00Z", "active_s": 600}
    told = {"id": event_id(), "type": "session", "book": {"book_uuid": uuid_}, **sitting, "end_fraction": 0.3}
    assert sync(served, told)["results"][0]["result"] == "accepted"
    series = served.get("/series").json["series"][0]["series_id"]
    filled = {"{book_uuid}": uuid_, "{series_id}": str(series)}
    for path, operations in document["paths"].items():
        schema = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "application/json" not in schema:
            continue
        for name, value in filled.items():
            path = path.replace(name, value)
        query = "?filename=" + quote(book["formats"][0]["file_name"]) if path.endswith("/resolve") else ""
        answer = served.get(path.removeprefix("/api/v1") + query)
        assert answer.status == 200, path
        rooted = {**schema["application/json"]["schema"], "components": document["components"]}
        Draft202012Validator(json.loads(json.dumps(rooted))).validate(answer.json)


def test_a_revoked_token_ends_at_once(served: Daemon, person: str):
    """Tokens are revocable one by one; the others go on."""
    other = served.run("token", "create", person, "--name", "Old").strip()
    assert served.get("/books", token=other).status == 200
    store = Store.open(served.data / "tomed.db")
    user = store.read(lambda c: users.by_name(c, person))
    token = next(t for t in store.read(lambda c: tokens.of_user(c, user.id, "device")) if t.name == "Old")
    store.write_now(lambda c: tokens.revoke(c, user.id, token.id, 1))
    store.close()
    assert served.get("/books", token=other).status == 401
    assert served.get("/books").status == 200


def test_tokens_and_passwords_are_not_in_the_database(served: Daemon):
    """Only hashes: whoever reads the file can't sign in with what it holds."""
    served.add_user("carol", "long enough")
    raw = b"".join(file.read_bytes() for file in served.data.glob("tomed.db*"))
    assert served.token.encode() not in raw
    assert b"long enough" not in raw
