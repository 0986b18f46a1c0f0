"""Bodies that stop in the middle: a train in a tunnel, a laptop that is closed. They are not waited for for ever."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from tests.browser import Browser
from tests.data import ROOT
from tomed.api import bodies
from tomed.app import build_app
from tomed.config import Config
from tomed.services import SERVICES
from tomed.store import tokens

PATIENCE_S = 3
ANSWER_S = 60
"""What a busy machine may take on top."""


@pytest.fixture
async def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Browser]:
    """Ann's, in front of a daemon of little patience, whose temporary files are all below ``tmp_path``."""
    monkeypatch.setattr(bodies, "PATIENCE_S", PATIENCE_S)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = build_app(Config(data=tmp_path / "data"))
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as client:
        made = Browser(client, "", app[SERVICES])
        await made.add_user("ann", is_admin=True)
        await made.sign_in()
        yield made


async def token(browser: Browser) -> str:
    return await browser.services.store.write(lambda c: tokens.issue(c, 1, "device", "Kobo", 1))


async def begun(browser: Browser, path: str, headers: dict[str, str], *parts: bytes, each_s: float = 0) -> bytes:
    """Send a request of a megabyte but only its first parts, keep the connection, and read the whole answer."""
    where = browser.client.make_url("/")
    reader, writer = await asyncio.open_connection(where.host, where.port)
    told = {"Host": f"{where.host}:{where.port}", "Content-Length": "1000000"} | headers
    writer.write(
        f"POST {path} HTTP/1.1\r\n{''.join(f'{k}: {v}{chr(13)}{chr(10)}' for k, v in told.items())}\r\n".encode()
    )
    for part in parts:
        await asyncio.sleep(each_s)
        writer.write(part)
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), ANSWER_S)
        length = int(re.findall(rb"(?i)content-length: (\d+)", head)[0])
        return head + await asyncio.wait_for(reader.readexactly(length), ANSWER_S)
    finally:
        writer.close()


def received(folder: Path) -> list[Path]:
    """Files of an upload that are anywhere below a folder."""
    return [path for path in folder.rglob("*statistics.sqlite3*") if path.is_file()]


@pytest.mark.parametrize("path", ["/api/v1/history/file", "/api/v1/sync", "/api/v1/pair"])
async def test_a_body_that_stops_is_answered_and_leaves_nothing(browser: Browser, path: str, tmp_path: Path):
    """408 with a sentence, and its temporary file is gone with it."""
    headers = {"Authorization": f"Bearer {await token(browser)}", "Content-Type": "application/json"}
    answer = asyncio.ensure_future(begun(browser, path, headers, b"{", b'"device"'))
    if path.endswith("file"):
        while not (answer.done() or received(tmp_path)):
            await asyncio.sleep(0.01)
    head, _, body = (await answer).partition(b"\r\n\r\n")
    assert b" 408 " in head.split(b"\r\n")[0]
    assert b"connection: close" in head.lower()
    assert json.loads(body)["code"] == "timed_out"
    assert "Send it again" in json.loads(body)["detail"]
    assert not received(tmp_path)


async def test_an_upload_in_the_page_that_stops_leaves_nothing(browser: Browser, tmp_path: Path):
    """The person reads a sentence, and the half file is gone."""
    page = await browser.get("/statistics/history")
    form = next(one for one in page.tree.xpath("//form") if one.xpath(".//input[@name='file']"))
    (proof,) = form.xpath(".//input[@type='hidden']")
    part = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}'
    told = (
        part.format(proof.get("name"), "", proof.get("value"))
        + "\r\n"
        + part.format("file", '; filename="s"', "SQL" * 100_000)
    )
    cookies = browser.client.session.cookie_jar.filter_cookies(browser.client.make_url("/"))
    headers = {
        "Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items()),
        "Content-Type": "multipart/form-data; boundary=b",
        "Origin": browser.origin,
        "Accept": "text/html",
    }
    answer = asyncio.ensure_future(begun(browser, "/statistics/history", headers, told.encode()))
    while not (answer.done() or received(tmp_path)):
        await asyncio.sleep(0.01)
    assert not answer.done()
    said = await answer
    assert b" 408 " in said.split(b"\r\n")[0]
    assert b"connection: close" in said.lower()
    assert b"<h1" in said
    assert b"Send it again" in said
    assert not received(tmp_path)
    assert list((tmp_path / "data" / "uploads").iterdir()) == []


async def test_a_slow_body_is_waited_for_as_long_as_it_comes(browser: Browser):
    """What takes longer than the patience as a whole, but goes on, arrives."""
    body = json.dumps({"device": {"id": "d1", "name": "Kobo"}, "events": []}).encode()
    parts = [body[i : i + 5] for i in range(0, len(body), 5)]
    headers = {
        "Authorization": f"Bearer {await token(browser)}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    assert len(parts) * 0.35 > PATIENCE_S
    answer = await begun(browser, "/api/v1/sync", headers, *parts, each_s=0.35)
    assert b" 200 " in answer.split(b"\r\n")[0], answer


def test_only_one_module_waits_for_bodies():
    """Whoever reads a request otherwise would wait for ever again."""
    waits = re.compile(r"\.content\.(read|iter)|request\.(read|post|multipart|json|text)\(\)|\.(next|read_chunk)\(.*\)")
    for path in [*(ROOT / "tomed" / "api").glob("*.py"), *(ROOT / "tomed" / "pages").glob("*.py")]:
        for line in path.read_text().splitlines():
            if path.name != "bodies.py" and "await" in line and waits.search(line):
                assert "arrived(" in line, f"{path.name}: {line.strip()}"
