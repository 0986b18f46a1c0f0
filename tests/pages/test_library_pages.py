"""The library's pages: complete without JavaScript, in order, paged, and deaf to markup in titles."""

from __future__ import annotations

import asyncio
import uuid
import zipfile
from urllib.parse import urlsplit

import pytest

from tests.libraries import BookSpec, make_library
from tomed import reading
from tomed.model import Clues
from tomed.pages.layout import LAYOUT


def titles(page) -> list[str]:
    return page.texts("//ul[@class='shelf']//span[@class='title']")


def places(log) -> list[str]:
    """The percents of a position log, as they stand."""
    return [cell.text_content().split()[0] for cell in log.xpath(".//tbody/tr/td[2]")]


async def read_to(browser, book, fraction: float, at: int = 1_767_300_000_000, text: str = "Call me") -> None:
    """Let a device have told of a place."""
    user_id = browser.services.store.read(lambda c: c.execute("SELECT id FROM users WHERE name = 'ann'").get)
    told = reading.PositionTold(
        id=str(uuid.uuid4()), at=at, clues=Clues(book_uuid=book.uuid), fraction=fraction, text=text
    )
    await browser.services.store.write(
        lambda c: reading.record(c, browser.services.resolve, reading.Reporter(user_id), [told], at)
    )


async def test_the_front_page_shows_what_is_read_and_what_is_new(browser, library):
    """Continue reading stands first, then the newest books; without a device it says how to add one."""
    fresh = await browser.get("/")
    assert "Continue reading" not in fresh.said
    assert "Put the plugin on your e-reader" in fresh.said
    await read_to(browser, library.book("Second Light"), 0.41)
    page = await browser.get("/")
    (shelf,) = page.tree.xpath("//section[@aria-labelledby='continue']")
    assert "Second Light" in shelf.text_content()
    assert "41 %" in shelf.text_content()
    assert shelf.xpath(".//progress/@value") == ["41"]
    assert "The Lamplighters" in page.said
    assert len(titles(page)) == 1 + len(library.books)


async def test_the_whole_library_can_be_walked_without_javascript(browser, library):
    """Every link of every page leads to a page that is whole, under the same policy, and without a script."""
    seen, ahead = set(), ["/"]
    while ahead:
        path = ahead.pop()
        if path in seen:
            continue
        seen.add(path)
        page = await browser.get(path)
        where = urlsplit(path).path
        if where.startswith(("/api/", "/read/")):
            assert page.status < 500
            continue
        assert page.status == 200, (path, page.said if "html" in page.headers["Content-Type"] else page.text)
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        if not page.headers["Content-Type"].startswith("text/html"):
            continue
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        scripts = page.tree.xpath("//script")
        assert page.tree.xpath("//script/@src") == scripts_of(browser, page), path
        assert all(not one.text and one.get("type") == "module" for one in scripts), path
        sources = f"script-src {browser.origin}/assets/;" if scripts else "script-src 'none';"
        assert sources in policy
        assert not page.tree.xpath("//@style | //style"), path
        assert not [name for element in page.tree.iter() for name in element.attrib if name.startswith("on")]
        assert page.tree.xpath("count(//main)") == 1
        assert page.tree.xpath("//title")[0].text.strip()
        assert len(page.tree.xpath("//h1")) == 1, path
        assert len(page.text) < 60_000
        for link in page.links:
            assert link.startswith(("/", "#")), link
            if link.startswith("/"):
                ahead.append(link.partition("#")[0])
    assert len([path for path in seen if path.startswith("/books/")]) == len(library.books)


async def test_titles_are_text_whatever_they_hold(browser_of, tmp_path):
    """A title, an author, a tag, a series that are markup stay words, and a description loses its scripts."""
    evil = "<img src=x onerror=alert(1)>"
    library = make_library(
        tmp_path / "evil",
        [
            BookSpec(
                evil,
                (evil,),
                series="</title><script>alert(2)</script>",
                tags=("<b>tag</b>",),
                comments='<p onclick="x()">Fine <script>alert(3)</script><a href="javascript:x()">a</a>'
                '<img src="http://elsewhere.example/x"><i>words</i></p>',
            )
        ],
    )
    browser = await browser_of(library)
    await browser.add_user("ann", is_admin=True)
    await browser.sign_in()
    for path in (
        "/",
        "/books",
        f"/books/{library.books[0].uuid}",
        "/series",
        "/authors",
        "/tags",
        "/search?q=<script>",
    ):
        page = await browser.get(path)
        assert page.status == 200
        assert not page.tree.xpath("//script[not(@src)] | //img[@onerror] | //img[@src='x'] | //@onclick"), path
        assert page.tree.xpath("//script/@src") == scripts_of(browser, page)
        assert not [link for link in page.links if link.startswith("javascript")], path
    page = await browser.get(f"/books/{library.books[0].uuid}")
    assert evil in page.texts("//h1")
    (blurb,) = page.tree.xpath("//section[@class='blurb']")
    assert "Fine" in blurb.text_content()
    assert "alert" not in blurb.text_content()
    assert "elsewhere.example" not in page.text


async def test_books_are_sorted_filtered_and_paged(browser_of, tmp_path):
    """A hundred books come in pages; order and filter stay while one turns them."""
    library = make_library(
        tmp_path / "many",
        [BookSpec(f"Book {n:03}", (f"Writer {n % 3}",), (), cover=False, tags=("Odd",) * (n % 2)) for n in range(100)],
    )
    browser = await browser_of(library)
    await browser.add_user("ann")
    await browser.sign_in()
    first = await browser.get("/books")
    assert "100 books" in first.said
    assert titles(first) == [f"Book {n:03}" for n in range(48)]
    (following,) = first.tree.xpath("//a[@rel='next']/@href")
    second = await browser.get(following)
    assert titles(second) == [f"Book {n:03}" for n in range(48, 96)]
    assert second.tree.xpath("//a[@rel='prev']")
    odd = await browser.get("/books?tag=Odd&sort=title")
    assert "50 books" in odd.said
    (following,) = odd.tree.xpath("//a[@rel='next']/@href")
    assert titles(await browser.get(following)) == ["Book 097", "Book 099"]
    assert "34 books" in (await browser.get("/books?author=Writer+0")).said
    for nonsense in ("page=0", "page=-1", "page=x", "page=99999999999", "sort=drop", "status=?", "page=²"):
        assert (await browser.get(f"/books?{nonsense}")).status == 200, nonsense
    assert len(first.text) < 60_000


async def test_comics_can_be_asked_for_alone(browser):
    """Where there is more than one kind, the list can be narrowed to one, and stays so while one sorts."""
    page = await browser.get("/books")
    assert page.tree.xpath("//select[@name='kind']/option/text()") == ["Any", "book", "comic"]
    comics = await browser.get("/books?kind=comic&sort=author")
    assert titles(comics) == ["The Travelling Book"]
    assert comics.tree.xpath("//select[@name='kind']/option[@selected]/text()") == ["comic"]


@pytest.mark.parametrize("words, title", [("lamplighters tenth", "Tenth Light"), ("strasse aero", "Straße nach Ærø")])
async def test_search_finds_by_words(browser, words, title):
    """Search works by a plain form, in any script, accents or none."""
    page = await browser.get(f"/search?q={words}")
    assert title in titles(page)


async def test_search_for_nothing_and_for_nonsense(browser):
    """No hit is a page like any other, and signs of a query language are only signs."""
    for words in ("", "zzzzqqq", '"', "a AND (", "NEAR/3", "%", "\u0000", "x" * 5000):
        page = await browser.client.get("/search", params={"q": words})
        assert page.status == 200, words


async def test_a_series_stands_in_its_order(browser, library):
    """1, 1.5, 2, 10: numbers, not letters. The book's page names its neighbours."""
    listed = await browser.get("/series")
    (path,) = [link for link in listed.links if "Lamplighters" in link or link.startswith("/series/")][:1]
    page = await browser.get(path)
    assert titles(page) == ["1 · First Light", "1.5 · Between Lights", "2 · Second Light", "10 · Tenth Light"]
    book = await browser.get(f"/books/{library.book('Second Light').uuid}")
    assert book.texts("//a[@rel='prev']") == ["Between Lights"]
    assert book.texts("//a[@rel='next']") == ["Tenth Light"]


async def test_a_person_says_status_and_rating(browser, library):
    """What is said shows on the page, in the filter and in the count of its series; the same again says nothing new."""
    book = library.book("First Light")
    page = await browser.get(f"/books/{book.uuid}")
    said = await browser.send(page, "/verdict", status="complete", rating="7")
    assert "Saved." in said.said
    assert said.tree.xpath("//select[@name='status']/option[@selected]/@value") == ["complete"]
    assert said.tree.xpath("//select[@name='rating']/option[@selected]/@value") == ["7"]
    assert titles(await browser.get("/books?status=complete")) == ["First Light"]
    assert "1 of 4 read" in (await browser.get("/series")).said
    before = browser.services.store.read(lambda c: c.execute("SELECT count(*) FROM verdicts").get)
    await browser.send(said, "/verdict")
    assert browser.services.store.read(lambda c: c.execute("SELECT count(*) FROM verdicts").get) == before
    refused = await browser.send(said, "/verdict", rating="11")
    assert refused.status == 400


async def test_the_log_is_shown_and_one_can_go_back(browser, library):
    """Every place that was told stands in the log; going back makes an old one current and takes nothing away."""
    book = library.book("Second Light")
    for number, fraction in enumerate((0.1, 0.2, 0.9)):
        await read_to(browser, book, fraction, 1_767_300_000_000 + number * 3_600_000, f"text <{number}>")
    page = await browser.get(f"/books/{book.uuid}")
    (log,) = page.tree.xpath("//section[@aria-labelledby='log']")
    assert places(log) == ["90", "20", "10"]
    assert "text <1>" in log.text_content()
    position_id = log.xpath(".//tbody/tr[3]//input[@name='position_id']/@value")[0]
    back = await browser.send(page, "/restore", position_id=position_id)
    assert "Back at the place" in back.said
    (log,) = back.tree.xpath("//section[@aria-labelledby='log']")
    assert places(log) == [
        "10",
        "90",
        "20",
        "10",
    ]
    for nonsense in ("", "x", "999999", "²"):
        assert (await browser.send(back, "/restore", position_id=nonsense)).status == 404


async def test_the_log_names_the_chapter(browser, library):
    """Soon after a place was told, the log says in which chapter of the book's own contents it is."""
    book = library.book("Second Light")
    await read_to(browser, book, 0.4)
    browser.services.scaling.wake()
    async with asyncio.timeout(60):
        while True:
            (log,) = (await browser.get(f"/books/{book.uuid}")).tree.xpath("//section[@aria-labelledby='log']")
            if chapter := log.xpath("string(.//tbody/tr/td[3])"):
                break
            await asyncio.sleep(0.1)
    with zipfile.ZipFile(book.files["EPUB"]) as archive:
        contents = "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith("nav.xhtml"))
    assert f">{chapter}<" in contents
    assert places(log) == ["40"]


async def test_history_moves_to_another_book(browser, library):
    """For a book merged away or added again: the other book has the history then, this one none."""
    one, other = library.book("First Light"), library.book("Second Light")
    await read_to(browser, one, 0.5)
    page = await browser.get(f"/books/{one.uuid}")
    moved = await browser.send(page, "/move", to=f"http://somewhere/books/{other.uuid}")
    assert moved.texts("//h1") == ["Second Light"]
    assert "50 %" in moved.said
    assert "50 %" not in (await browser.get(f"/books/{one.uuid}")).said
    assert (await browser.send(page, "/move", to="no-such-book")).status == 404


def scripts_of(browser, page):
    """The one script of a signed-in person's pages, where the assets are built; the person is named for it."""
    layout = browser.client.app[LAYOUT]
    if not layout.assets.has("site.js"):
        return []
    assert page.tree.xpath("//body/@data-user")
    return [layout.assets.path("site.js")]


async def test_what_is_not_there_is_a_page_that_says_so(browser):
    """Unknown books, series and addresses answer 404 with a sentence, as a page."""
    for path in ("/books/none", "/series/999999", "/series/99999999999999999999", "/nowhere", "/covers/x/thumb"):
        page = await browser.get(path)
        assert page.status == 404, path
        assert page.texts("//h1") == ["Not found"]
        assert "Signed in as ann" in page.text  # and keeps the way to everything else
        assert page.tree.xpath("//script/@src") == scripts_of(browser, page)


async def test_a_page_without_a_person_has_no_script(browser_of, library):
    """Who is not signed in has read nothing here: their pages run no script at all."""
    page = await (await browser_of(library)).get("/sign-in")
    assert not page.tree.xpath("//script")
    assert "script-src 'none'" in page.headers["Content-Security-Policy"]


async def test_covers_are_small_kept_and_safe(browser, library):
    """A cover is a small JPEG that a browser may keep; a book without one gets its title, never an error."""
    page = await browser.get("/books")
    sources = page.tree.xpath("//ul[@class='shelf']//img/@src")
    assert len(sources) == len(library.books) - 2
    assert all(image.get("loading") == "lazy" for image in page.tree.xpath("//ul[@class='shelf']//img"))
    answer = await browser.client.get(sources[0])
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert "immutable" in answer.headers["Cache-Control"]
    assert "private" in answer.headers["Cache-Control"]
    assert len(await answer.read()) < 60_000
    again = await browser.client.get(sources[0], headers={"If-None-Match": answer.headers["Etag"]})
    assert again.status == 304
    none = await browser.client.get(f"/covers/{library.book('Paper Only').uuid}/thumb")
    assert none.headers["Content-Type"] == "image/svg+xml"
    assert "default-src 'none'" in none.headers["Content-Security-Policy"]
    assert "Paper" in await none.text()


async def test_the_style_sheet_is_kept_for_ever_and_compressed(browser):
    """Its name tells its content; nothing outside the assets can be reached through its address."""
    page = await browser.get("/")
    (href,) = page.tree.xpath("//link[@rel='stylesheet']/@href")
    answer = await browser.client.get(href)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    for path in ("../manifest.json", "..%2f..%2fapp.py", "%2e%2e/app.py", "x.css", "a%00b", "%2fetc%2fpasswd"):
        assert (await browser.client.get(f"/assets/{path}")).status == 404, path


def test_the_style_sheet_speaks_the_words_of_2014():
    """No flex, no grid, no variables, no motion: a Kobo's browser knows none of them."""
    from tests.data import ROOT

    style = (ROOT / "web" / "css" / "site.css").read_text("utf-8").partition("*/")[2]
    for word in ("flex", "grid", "var(", "inset:", "calc(", "animation", "transition", "url(", "@import", "clamp("):
        assert word not in style, word


async def test_a_long_history_is_paged(browser, library):
    """A book read for years stays a page that an old browser can show; older places are a link away."""
    book = library.book("First Light")
    user_id = browser.services.store.read(lambda c: c.execute("SELECT id FROM users").get)
    told = [
        reading.SessionTold(
            id=f"s{number}",
            at=1_700_000_000_000 + number * 3_600_000,
            clues=Clues(book_uuid=book.uuid),
            started_at=1_700_000_000_000 + number * 3_600_000 - 60_000,
            ended_at=1_700_000_000_000 + number * 3_600_000,
            active_s=60,
            start_fraction=number / 200,
            end_fraction=number / 200,
        )
        for number in range(120)
    ]
    await browser.services.store.write(
        lambda c: reading.record(c, browser.services.resolve, reading.Reporter(user_id), told, 1_767_300_000_000)
    )
    page = await browser.get(f"/books/{book.uuid}")
    assert len(page.text) < 60_000
    assert "59 %" in page.said
    (earlier,) = page.tree.xpath("//section[@aria-labelledby='log']//p[@class='pages']/a/@href")
    second = await browser.get(earlier.partition("#")[0])
    (log,) = second.tree.xpath("//section[@aria-labelledby='log']")
    assert places(log)[0] == "34"
    assert len(places(log)) == 50
    assert log.xpath("count(.//form)") == 50  # none of them is "you are here"
    (following,) = page.tree.xpath("//section[@aria-labelledby='sessions']//a[@rel='next']/@href")
    later = await browser.get(following)
    assert len(later.tree.xpath("//section[@aria-labelledby='sessions']//tbody/tr")) == 50


async def test_a_library_that_is_not_there_is_said_and_still_browses(browser_of, library):
    """Unplugged: the banner names it, the books and their history stay to be looked at."""
    browser = await browser_of(library)
    await browser.add_user("ann")
    await browser.sign_in()
    library.folder.rename(library.folder.with_name("unplugged"))
    deadline = asyncio.get_running_loop().time() + 30
    while "is not there" not in (page := await browser.get("/")).said:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.1)
    assert "First Light" in page.said
    uuid = library.book("First Light").uuid
    assert (await browser.get(f"/books/{uuid}")).status == 200
    cover = await browser.client.get(f"/covers/{uuid}/large")
    assert cover.status == 200
    gone = await browser.get(f"/api/v1/books/{uuid}/formats/EPUB")
    assert gone.status == 503
