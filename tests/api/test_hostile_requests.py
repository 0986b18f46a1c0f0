"""Requests that nobody means well with: a sentence for each, nothing in the log, no waiting for what never comes."""

from __future__ import annotations

import gzip
import json
import socket
import urllib.parse
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.libraries import make_library

PATIENCE_S = 30


@pytest.fixture
def running(daemon_of, tmp_path: Path) -> Daemon:
    daemon = daemon_of(make_library(tmp_path / "library").folder)
    daemon.wait_ready()
    return daemon


def raw(daemon: Daemon, request: bytes) -> bytes:
    """Send bytes and read the first of the answer; the connection stays open meanwhile."""
    where = urllib.parse.urlsplit(daemon.url)
    with socket.create_connection((str(where.hostname), int(where.port or 80)), timeout=PATIENCE_S) as one:
        one.sendall(request)
        answer = one.recv(65_536)
        while answer and b"\r\n\r\n{" not in answer and (more := one.recv(65_536)):  # head and body may come apart
            answer += more
        return answer


def test_a_body_that_says_how_large_it_is_is_refused_at_once(running: Daemon):
    """413 comes before the gigabyte does, which may never come."""
    head = f"POST /api/v1/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {running.token}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n{"
    assert raw(running, head.encode()).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_body_that_is_not_packed_as_it_says_is_the_clients_fault(running: Daemon, encoding: str):
    """A broken gzip, or what only calls itself deflate, is 400 with a sentence."""
    body = gzip.compress(b"{}")[:-9] + b"\xff" * 9
    answer = running.request("POST", "/sync", body, headers={"Content-Encoding": encoding})
    assert 400 <= answer.status < 500, answer.body
    assert "Traceback" not in running.log.read_text()


def test_a_packed_body_counts_as_what_it_unpacks_to(running: Daemon):
    """Three megabytes of spaces in three kilobytes are too large all the same; a small packed body is welcome."""
    large = gzip.compress(b" " * 3_000_000)
    assert running.request("POST", "/sync", large, headers={"Content-Encoding": "gzip"}).status == 413
    small = gzip.compress(json.dumps({"device": {"id": "d1", "name": "Kobo"}, "events": []}).encode())
    assert running.request("POST", "/sync", small, headers={"Content-Encoding": "gzip"}).status == 200


HOST = b"Host: x\r\nAuthorization: Bearer tomed_secret\r\n"
CHUNKED = b"POST /api/v1/sync HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        pytest.param(b"tomed_secret tomed_secret\r\n\r\n", 400, "invalid", id="no HTTP"),
        pytest.param(b"GET /tomed_secret HTTP/9.9\r\n" + HOST + b"\r\n", 400, "invalid", id="no such version"),
        pytest.param(b"GET / HTTP/1.1\r\n" + HOST + b"tomed_secret\x00: 1\r\n\r\n", 400, "invalid", id="a bad header"),
        pytest.param(b"GET / HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 300 + b"\r\n", 400, "invalid", id="many headers"),
        pytest.param(CHUNKED + b"tomed_secret\r\n\r\n", 400, "invalid", id="bad chunks"),
        pytest.param(b"GET http://[tomed_secret HTTP/1.1\r\n" + HOST + b"\r\n", 400, "invalid", id="a bad address"),
        pytest.param(b"GET /tomed_secret" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 431, "too_large", id="a long address"),
        pytest.param(
            b"GET / HTTP/1.1\r\nAccept: text/html\r\nCookie: tomed_secret" + b"a" * 9000 + b"\r\n\r\n",
            431,
            "too_large",
            id="a long header",
        ),
        pytest.param(b"GET / HTTP/1.1\r\n" + HOST + b"Expect: tea\r\n\r\n", 417, "invalid", id="a wrong expectation"),
    ],
)
def test_what_is_no_request_is_answered_by_a_problem(running: Daemon, request_: bytes, status: int, code: str):
    """What never reaches a handler is refused as everything else is, and neither the answer nor the log quotes it."""
    head, _, body = raw(running, request_).partition(b"\r\n\r\n")
    told = json.loads(body)
    assert head.split(b" ")[1] == str(status).encode()
    assert b"content-type: application/problem+json" in head.lower()
    assert (told["status"], told["code"]) == (status, code)
    assert len(told["detail"]) > 20
    assert "tomed_secret" not in str(told) + running.log.read_text()
    assert "Traceback" not in running.log.read_text()


def test_noise_leaves_no_trace_in_the_log(running: Daemon):
    """A scanner does not fill the disk, and a token beside a broken byte is not written down."""
    for noise in (b"\x16\x03\x01\x02", b"GET / HTTP/1.1\r\nAuthorization: Bearer tomed_secret\x00\r\n", b"* * *\r\n"):
        raw(running, noise + b"\r\n\r\n")
    told = running.log.read_text()
    assert "Traceback" not in told
    assert "tomed_secret" not in told
    assert running.get("/health").status == 200


def test_hanging_up_in_an_upload_leaves_no_trace_in_the_log(running: Daemon):
    """That happens on every way home from the train; it is no error of anybody's."""
    where = urllib.parse.urlsplit(running.url)
    for path in ("/api/v1/history/file", "/api/v1/sync"):
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {running.token}\r\n"
        head += "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
        with socket.create_connection((str(where.hostname), int(where.port or 80)), timeout=PATIENCE_S) as one:
            one.sendall(head.encode())
            running.get("/health")  # until the daemon has begun to read
    assert running.get("/health").status == 200
    running.stop()
    assert "Traceback" not in running.log.read_text()
