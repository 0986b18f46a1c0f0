"""The inbox page: a file without a book is placed by one click, with all that was read in it, and taken back."""

from __future__ import annotations

import uuid

from tests.libraries import LibraryFixture
from tomed import reading
from tomed.model import Clues

AT = 1_767_300_000_000


async def tell(browser, clues: Clues, fraction: float = 0.4, user_id: int = 1) -> None:
    """A device has told of a session in a file."""
    told = reading.SessionTold(
        id=str(uuid.uuid4()),
        at=AT,
        clues=clues,
        started_at=AT - 1_200_000,
        ended_at=AT,
        active_s=1200,
        pages_turned=20,
        start_fraction=0.1,
        end_fraction=fraction,
    )
    await browser.services.store.write(
        lambda c: reading.record(c, browser.services.resolve, reading.Reporter(user_id), [told], AT)
    )


async def test_one_click_places_a_file_and_another_takes_it_back(browser, library: LibraryFixture):
    """The file waits with its sessions; a search finds the book; its history moves in, and out again."""
    book = library.book("First Light")
    await tell(browser, Clues(filename="/mnt/onboard/<b>scan_0042.epub", partial_md5="ab" * 16))
    assert "could not be placed" in (await browser.get("/")).said
    page = await browser.get("/inbox")
    assert "scan_0042" in page.said
    assert "/mnt/onboard" not in page.text
    assert "One session waits (20 min)" in page.said
    document_id = page.tree.xpath("//input[@name='file']/@value")[0]
    found = await browser.get(f"/inbox?file={document_id}&q=first light")
    placed = await browser.send(found, f"/inbox/{document_id}/place", book_uuid=book.uuid)
    assert "Every file has found its book" in placed.said
    shown = await browser.get(f"/books/{book.uuid}")
    assert "40 %" in shown.said
    assert "scan_0042" in shown.said
    assert "could not be placed" not in (await browser.get("/")).said
    back = await browser.send(placed, "/undo")
    assert "One session waits" in back.said
    assert "40 %" not in (await browser.get(f"/books/{book.uuid}")).said


async def test_a_file_is_silenced_and_heard_again(browser):
    """ "Not from this library" takes it out of the way, and it can come back."""
    await tell(browser, Clues(filename="manual.epub"))
    page = await browser.send(await browser.get("/inbox"), "/ignore")
    assert "Every file has found its book" in page.said
    assert "Silenced" in page.said
    assert "could not be placed" not in (await browser.get("/")).said
    page = await browser.send(page, "/hear")
    assert "One session waits" in page.said


async def test_nobody_sees_or_places_anothers_files(browser, browser_of, library):
    """Another's file is not there: not in the list, not by its number."""
    bob = await browser_of(beside=browser)
    bob_id = await bob.add_user("bob")
    await bob.sign_in("bob")
    await tell(browser, Clues(filename="ann's secret.epub"))
    await tell(browser, Clues(filename="bob's.epub"), user_id=bob_id)
    page = await bob.get("/inbox")
    assert "secret" not in page.text
    (token,) = page.tree.xpath("(//input[@name='form_token'])[1]/@value")
    fields = {"form_token": token, "book_uuid": library.books[0].uuid}
    for action in ("place", "undo", "ignore", "hear"):
        answer = await bob.post(f"/inbox/1/{action}", fields, {"Origin": bob.origin, "Accept": "text/html"})
        assert answer.status == 404, action


async def test_an_inbox_of_hundreds_is_paged(browser):
    """Old devices know many files; the page stays a page."""
    for number in range(25):
        await tell(browser, Clues(filename=f"unknown {number}.epub"))
    page = await browser.get("/inbox")
    assert len(page.tree.xpath("//section[.//input[@name='file']]")) == 10
    assert page.tree.xpath("//a[@rel='next']")
    assert len(page.text) < 60_000
