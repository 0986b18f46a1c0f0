"""The reader's page: the strict policy around a book that anybody may have made; sentences where there is no reader."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from aiohttp import ClientSession
from yarl import URL

from tests.data import ROOT
from tomed import app as wiring
from tomed.pages.layout import environment
from tomed.pages.strings import load


@pytest.fixture
def built(tmp_path, monkeypatch):
    """As if the reader had been built: names and files, no more."""
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    names = {"reader.js": "assets/reader-ABCDEFGH.js", "reader.css": "assets/reader-HGFEDCBA.css"}
    names |= {"opening.js": "assets/opening-ABCDEFGH.js", "too-old.js": "assets/too-old-AAAABBBB.js"}
    (static / "manifest.json").write_text(json.dumps(names))
    for name in names.values():
        (static / name).write_text("plain")
        (static / f"{name}.gz").write_bytes(b"gz")
        (static / f"{name}.br").write_bytes(b"br")
    genuine = wiring._shipped
    monkeypatch.setattr(wiring, "_shipped", lambda name: static if name == "static" else genuine(name))
    return static


def directives(policy: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for words in (part.split() for part in policy.split(";")) if words}


async def test_a_book_is_opened_under_the_strict_policy(built, browser, library):
    """Scripts come from the assets folder alone, by this address; a book's own bytes can never be one."""
    page = await browser.get(f"/read/{library.book('Second Light').uuid}")
    assert page.status == 200
    policy = directives(page.headers["Content-Security-Policy"])
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == [browser.origin + "/assets/"]
    assert policy["connect-src"] == ["'self'"]
    assert policy["frame-src"] == ["blob:"]
    for word in ("form-action", "base-uri", "frame-ancestors", "object-src"):
        assert policy[word] == ["'none'"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    (body,) = page.tree.xpath("//body")
    assert body.get("data-format") == "EPUB"
    assert body.get("data-user") == "1"
    assert page.tree.xpath("//script/@src")[0].startswith("/assets/")
    assert not page.tree.xpath("//script[not(@src)] | //@onclick | //@style")


async def test_the_format_can_be_chosen_and_a_wrong_one_is_not_believed(built, browser, library):
    """The best format first; another of the book's own when asked for."""
    uuid = library.book("Second Light").uuid
    for asked, shown in (("PDF", "PDF"), ("pdf", "PDF"), ("FB2", "FB2"), ("EXE", "EPUB"), ('"><x', "EPUB")):
        page = await browser.get(f"/read/{uuid}?format={asked}")
        assert page.tree.xpath("//body/@data-format") == [shown]
    book = await browser.get(f"/books/{uuid}")
    assert book.tree.xpath("//a[contains(@href, '/read/')]/@href") == [
        f"/read/{uuid}",
        f"/read/{uuid}?format=FB2",
        f"/read/{uuid}?format=PDF",
    ]


async def test_what_cant_be_read_here_says_so(built, browser, library):
    """A book on paper only, and one that is not there."""
    page = await browser.get(f"/read/{library.book('Paper Only').uuid}")
    assert page.status == 404
    assert "no format that can be read" in page.said
    assert (await browser.get("/read/none")).status == 404


async def test_without_the_readers_files_the_page_says_what_to_do(browser_of, library, tmp_path, monkeypatch):
    """A checkout without npm serves its library all the same."""
    genuine = wiring._shipped
    monkeypatch.setattr(wiring, "_shipped", lambda name: tmp_path / "none" if name == "static" else genuine(name))
    browser = await browser_of(library)
    await browser.add_user("ann")
    await browser.sign_in()
    page = await browser.get(f"/read/{library.book('First Light').uuid}")
    assert page.status == 503
    assert "not built" in page.said
    assert (await browser.client.get("/sw.js")).status == 404


async def test_built_files_go_out_compressed_and_for_ever(built, browser):
    """A hashed file is kept for ever and sent as short as the browser takes it; its siblings are no files."""
    path = browser.client.make_url("/assets/reader-ABCDEFGH.js")
    sent = {}
    async with ClientSession(auto_decompress=False) as session:
        for accepted in ("br, gzip", "gzip", "identity"):
            async with session.get(path, headers={"Accept-Encoding": accepted}) as answer:
                sent[accepted] = await answer.read()
                assert "immutable" in answer.headers["Cache-Control"]
                assert answer.headers["Content-Type"].startswith("text/javascript")
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert sent == {"br, gzip": b"br", "gzip": b"gz", "identity": b"plain"}
    assert (await browser.client.get("/assets/reader-ABCDEFGH.js.gz")).status == 404
    for outside in ("manifest.json", "..%2fmanifest.json", "%2e%2e%2fmanifest.json", "x%2f..%2f..%2fmanifest.json"):
        url = URL(f"{browser.origin}/assets/{outside}", encoded=True)
        assert (await browser.client.session.get(url)).status == 404, outside


def test_every_sentence_that_a_template_names_is_there():
    """No page fails for want of a sentence, and no sentence is left behind when its page goes."""
    folder = ROOT / "web" / "templates"
    say = load(ROOT / "web" / "strings")
    tables = tomllib.loads((ROOT / "web" / "strings" / "en.toml").read_text("utf-8"))
    known = {f"{table}.{name}" for table, names in tables.items() for name in names}
    sources = "\n".join(path.read_text("utf-8") for path in [*folder.rglob("*.html"), *(ROOT / "tomed").rglob("*.py")])
    quoted = set(re.findall(r"""['"]([a-z_]+\.[a-z_0-9]+)['"]""", sources))
    named = set(re.findall(r"""\b(?:t|say)\(\s*['"]([a-z_]+\.[a-z_0-9]+)['"](?! ~)""", sources))
    assert named
    assert named - known == set()
    made = tuple(set(re.findall(r"""['"]([a-z_]+\.[a-z_]*)(?:['"] ~|\{)""", sources)))
    assert {key for key in known - quoted if not key.startswith(made)} == set()
    assert say("books.found", count=1) == "One book"
    assert say("books.found", count=0) == "0 books"
    with pytest.raises(KeyError):
        say("books.nonsense")


def test_templates_are_whole():
    """Every template compiles, and what is put into a page is escaped."""
    made = environment(ROOT / "web" / "templates")
    names = made.list_templates()
    assert len(names) > 15
    for name in names:
        made.get_template(name)
    assert made.from_string("{{ x }}").render(x="<b>&") == "&lt;b&gt;&amp;"
    assert not [name for name in names if "|safe" in (ROOT / "web" / "templates" / name).read_text().replace(" ", "")]
