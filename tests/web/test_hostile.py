"""A book can do nothing but be read: no script, no request, no way out without a click."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.data import shared
from tests.web.books import chapter, make_epub
from tests.web.serving import Server
from tests.web.steps import cfi, open_book, quiet, reload, saved, settled, shown, turn, until

pytestmark = pytest.mark.browser

HEAD = """<script>top.PWNED = 1; fetch('/api/v1/canary?inline')</script><script src="evil.js"></script>
<base href="http://127.0.0.1:9/"/><meta http-equiv="refresh" content="0;url=/api/v1/canary?refresh"/>
<link rel="prefetch" href="/api/v1/canary?prefetch"/><link rel="preload" as="image" href="/api/v1/canary?preload"/>
<link rel="stylesheet" href="/api/v1/canary?css"/><link rel="dns-prefetch" href="//beacon.example"/>
<style>@import "/api/v1/canary?import"; body { background: url(/api/v1/canary?background) }</style>"""
BODY = """<img src="x" onerror="top.PWNED = 2"/><img src="/api/v1/canary?img" srcset="/api/v1/canary?srcset 2x"/>
<iframe src="/api/v1/canary?frame"></iframe><iframe srcdoc="&lt;script&gt;top.PWNED=3&lt;/script&gt;"></iframe>
<object data="/api/v1/canary?object"></object><embed src="/api/v1/canary?embed"/>
<video poster="/api/v1/canary?poster" src="/api/v1/canary?video" autoplay="autoplay"></video>
<svg xmlns="http://www.w3.org/2000/svg" onload="top.PWNED = 4" xmlns:xlink="http://www.w3.org/1999/xlink">
<script>top.PWNED = 5</script><image xlink:href="/api/v1/canary?svg"/><use href="/api/v1/canary?use#x"/>
<a xlink:href="javascript:top.PWNED=6"><text y="20">svg link</text></a>
<set attributeName="onclick" to="top.PWNED=7"/></svg>
<form action="/api/v1/canary?form" method="post"><button id="send">Send</button></form>
<p><a id="js" href="javascript:top.PWNED = 8">script</a>
<a id="out" href="https://example.org/x" ping="/api/v1/canary?ping">out</a></p>
<p style="background: url('/api/v1/canary?style')" onclick="top.PWNED = 9">text</p>"""

CFI_OF_NINE = """() => {
    const view = document.querySelector('foliate-view'), { doc, index } = view.renderer.getContents()[0]
    const paragraph = [...doc.querySelectorAll('p')].find(p => p.textContent.startsWith('Paragraph 9 of'))
    const range = doc.createRange()
    range.setStart(paragraph.firstChild, 3)
    range.collapse(true)
    return view.getCFI(index, range)
}"""
OUR_OWN = ("/read/", "/assets/", "/api/v1/books/", "/api/v1/sessions", "/favicon")


@pytest.mark.parametrize("policy", [True, False])
def test_nothing_runs_and_nothing_is_asked(page: Page, server: Server, tmp_path: Path, policy: bool) -> None:
    """No script and no request of the book's own, with the policy and, by the other two layers, even without."""
    server.policy = policy
    picture = "<svg xmlns='http://www.w3.org/2000/svg'><script>top.PWNED=11</script></svg>"
    extra = {"evil.js": ("text/javascript", "top.PWNED = 10"), "pic.svg": ("image/svg+xml", picture)}
    path = make_epub(tmp_path / "evil.epub", [BODY + chapter(1), chapter(2)], head=HEAD, extra=extra)
    uuid = server.add(path)
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url))
    open_book(page, server, uuid)
    frame = next(f for f in page.frames if f.parent_frame is not None)
    frame.evaluate("document.getElementById('js').click()")
    frame.evaluate("document.getElementById('send').click()")
    turn(page, times=2)
    page.wait_for_timeout(500)
    assert page.evaluate("window.PWNED") is None
    assert not [r for r in server.requests if "canary" in r]
    assert [u for u in outside if not u.startswith((server.origin, "blob:", "data:", "about:"))] == []
    assert page.frame_locator("foliate-view iframe").first is not None
    assert page.evaluate("location.pathname").startswith("/read/")


def test_links_out_ask_first(page: Page, server: Server, tmp_path: Path) -> None:
    """A link to elsewhere opens by a second click, in a tab that knows nothing of this one."""
    uuid = server.add(
        make_epub(tmp_path / "l.epub", ['<p><a id="out" href="https://example.invalid/x">out</a></p>' + chapter(1)])
    )
    open_book(page, server, uuid)
    frame = next(f for f in page.frames if f.parent_frame is not None)
    frame.locator("#out").click()
    link = page.locator("#leave-address a")
    until(page, link.is_visible)
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert len(page.context.pages) == 1


def test_frames_may_run_no_script(page: Page, server: Server, tmp_path: Path) -> None:
    """The frame of a book lacks the right to scripts, and keys and page turns work all the same."""
    uuid = server.add(make_epub(tmp_path / "f.epub", [chapter(1)]))
    open_book(page, server, uuid)
    frame = next(f for f in page.frames if f.parent_frame is not None)
    assert frame.frame_element().get_attribute("sandbox") == "allow-same-origin"
    frame.locator("body").focus()
    frame.evaluate("document.defaultView.focus()")
    turn(page)


def test_sanitising_keeps_every_cfi(page: Page, server: Server, tmp_path: Path) -> None:
    """What is taken from a document leaves its steps as they were: the same words have the same CFI."""
    clean = make_epub(tmp_path / "clean.epub", ["<div>a</div><div>b</div>" + chapter(1)])
    dirty = make_epub(
        tmp_path / "dirty.epub", ["<script>x</script><object data='/x'>b</object>" + chapter(1)], head=HEAD
    )
    found = []
    for path in (clean, dirty):
        open_book(page, server, server.add(path))
        for _ in range(10):
            if "Paragraph 9 " in page.evaluate("document.querySelector('foliate-view').lastLocation.range.toString()"):
                break
            turn(page)
        page.keyboard.press("/")
        page.fill("#query", "Paragraph 9 of")
        page.keyboard.press("Enter")
        page.locator("#hits button").first.click()
        quiet(page)
        found.append(page.evaluate(CFI_OF_NINE))
    assert found[0] == found[1]


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["epub/idpf-trees-scripted.epub", "malformed/script-injection-title.epub", "malformed/xxe-opf.epub"]
)
def test_the_shared_files(page: Page, server: Server, name: str) -> None:
    """Books with scripts and injections from outside the project."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a script spoke: {dialog.message}"))
    open_book(page, server, server.add(shared(name)))
    page.keyboard.press("ArrowRight")
    quiet(page)
    assert [u for u in asked if not u.startswith((server.origin, "blob:", "data:", "about:"))] == []
    assert not [r for r in server.requests if not r.split()[1].startswith(OUR_OWN)]
    assert page.evaluate("document.title") is not None


def test_works_where_the_context_is_not_secure(
    chromium_insecure: Callable[[], BrowserContext], server: Server, tmp_path: Path
) -> None:
    """On plain http in a home network there is no randomUUID, no subtle, no service worker: nothing of it is needed."""
    page = chromium_insecure().new_page()
    uuid = server.add(make_epub(tmp_path / "p.epub", [chapter(1), chapter(2)]))
    page.goto(server.url(uuid).replace("127.0.0.1", "tomed.test"))
    assert settled(page) == "start"
    assert page.evaluate("[isSecureContext, typeof crypto.randomUUID, typeof crypto.subtle]") == [
        False,
        "undefined",
        "undefined",
    ]
    turn(page, times=2)
    here = shown(page)
    saved(page, server, uuid)
    assert reload(page) == "cfi"
    assert shown(page) == here
    assert cfi(page)


@pytest.mark.shared
def test_hidden_fonts_open_without_a_secure_context(
    chromium_insecure: Callable[[], BrowserContext], server: Server
) -> None:
    """An EPUB with obfuscated fonts opens where the browser has no SHA-1 to lend."""
    page = chromium_insecure().new_page()
    uuid = server.add(shared("epub/w3c-ocf-font_obfuscation.epub"))
    page.goto(server.url(uuid).replace("127.0.0.1", "tomed.test"))
    assert settled(page) == "start"
    assert shown(page)
