"""A library on a share that does not answer: who wants a file of it waits, and nobody else."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from tests.browser import Browser
from tests.libraries import LibraryFixture
from tomed.files import THREADS, File

ANSWER_S = 60
"""What a busy machine may take; the share hangs for as long as the test does."""


async def test_everything_else_goes_on(browser_of, library: LibraryFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """While every thread that looks for files hangs, lists, pages and places are answered; then the files come."""
    browser: Browser = await browser_of(library)
    await browser.add_user("ann", is_admin=True)
    await browser.sign_in("ann")
    book = library.books[0]
    answers, looking, at = threading.Event(), threading.Semaphore(0), File.at

    def hang(path: Path) -> File | None:
        looking.release()
        answers.wait(ANSWER_S * 2)
        return at(path)

    monkeypatch.setattr(File, "at", hang)
    address = f"/api/v1/books/{book.uuid}"
    paths = (f"{address}/formats/EPUB", f"/covers/{book.uuid}/thumb", f"{address}/cover") * THREADS
    locator = {"kind": "cfi", "value": "epubcfi(/6/2!/4/2/1:4)"}
    place = {"event_id": "e1", "at": "2026-05-24T14:30:00Z", "fraction": 0.5, "locator": locator}
    waiting = [asyncio.ensure_future(browser.client.get(path)) for path in paths]
    try:
        for _ in range(THREADS):
            assert await asyncio.to_thread(looking.acquire, timeout=ANSWER_S)
            headers = {"Origin": browser.origin}
        async with asyncio.timeout(ANSWER_S):
            for path in ("/api/v1/health", "/api/v1/books", "/books", f"/books/{book.uuid}", address):
                assert (await browser.client.get(path)).status == 200, path
            kept = await browser.client.put(f"{address}/position", json=place, headers=headers)
            assert kept.status == 200, await kept.text()
            # for the other reader it would be translated from the file: the fraction has to do
            told = await (await browser.client.get(f"{address}/position?kind=xpointer")).json()
            assert (told["position"]["fraction"], "locator" in told["position"]) == (0.5, False)
        assert not any(answer.done() for answer in waiting)
    finally:
        answers.set()
    found = await asyncio.wait_for(asyncio.gather(*waiting), ANSWER_S)
    assert {answer.status for answer in found} <= {200, 404}  # a book may have no cover
    assert found[0].status == 200
