"""foliate-js's own CFI code in a real Chromium, told to resolve and to make CFIs in chapters that it parses itself."""

from __future__ import annotations

import http.server
import os
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.data import ROOT

SCRIPT = ROOT / "web" / "node_modules" / "foliate-js" / "epubcfi.js"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

PAGE = r"""<!doctype html><meta charset=utf-8><script type=module>
import * as CFI from '/epubcfi.js'
const unseen = el => ['script', 'style', 'title', 'template', 'case', 'rp'].includes(el.localName)
    || el.hasAttribute('hidden') || el.getAttribute('epub:type') === 'pagebreak' || el.classList.contains('hidden')
// As foliate-js reads a chapter: XML, and HTML when that fails.
const read = source => {
    const doc = new DOMParser().parseFromString(source, 'application/xhtml+xml')
    const broken = doc.querySelector('parsererror') || !doc.documentElement?.namespaceURI
    return { doc: broken ? new DOMParser().parseFromString(source, 'text/html') : doc, xml: !broken }
}
const texts = doc => {
    const filter = node => node.nodeType === 1 ? (unseen(node) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP)
        : NodeFilter.FILTER_ACCEPT
    const walker = doc.createTreeWalker(doc.body ?? doc.documentElement,
        NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT | NodeFilter.SHOW_CDATA_SECTION, filter)
    const found = []
    while (walker.nextNode()) found.push(walker.currentNode)
    return found
}
const following = (doc, nodes, range, length = 400) => {
    let text = ''
    for (const node of nodes) {
        const whole = doc.createRange()
        whole.selectNodeContents(node)
        if (whole.compareBoundaryPoints(Range.START_TO_END, range) < 0 && node !== range.startContainer) continue
        if (node === range.startContainer) text += node.nodeValue.slice(range.startOffset)
        else if (whole.compareBoundaryPoints(Range.START_TO_START, range) >= 0) text += node.nodeValue
        if (text.replace(/\s/g, '').length >= 60 || text.length > length) break
    }
    return text
}
window.resolved = ({ source, cfis }) => {
    const { doc, xml } = read(source)
    const nodes = texts(doc)
    return { xml, texts: cfis.map(cfi => {
        try {
            const parts = CFI.parse(cfi)
            ;(parts.parent ?? parts).shift()
            const range = CFI.toRange(doc, parts)
            return following(doc, nodes, range)
        } catch (error) {
            return null
        }
    }) }
}
// CFIs of evenly spread places: points in text, ranges of about a page, and elements.
window.made = ({ source, base, count }) => {
    const { doc, xml } = read(source)
    const nodes = texts(doc)
    const full = nodes.filter(node => node.nodeValue.trim())
    const found = []
    for (let i = 0; i < count && full.length; i++) {
        const at = Math.floor(i * full.length / count)
        const node = full[at]
        const range = doc.createRange()
        range.setStart(node, Math.floor(node.length * ((i * 7) % 10) / 10))
        const end = full[Math.min(full.length - 1, at + 5)]
        if (i % 2) range.setEnd(end, end.length)
        else range.collapse(true)
        if (i % 5 === 4) {
            range.setStart(node.parentNode, 0)
            if (node.parentNode === doc.body) continue
        }
        const start = range.cloneRange()
        start.collapse(true)
        found.push({ cfi: CFI.joinIndir(base, CFI.fromRange(range)), text: following(doc, nodes,
            i % 5 === 4 ? (start.selectNode(node.parentNode), start.collapse(true), start) : start) })
    }
    return { xml, found }
}
document.title = 'ready'
</script>"""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        script = self.path == "/epubcfi.js"
        body = SCRIPT.read_bytes() if script else PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def told(function: str, jobs: Sequence[dict[str, Any]]) -> list[Any]:
    """Call ``resolved`` or ``made`` of the page above for each job, in one browser."""
    _wanted(SCRIPT.exists(), "foliate-js is not installed: run `npm ci` in web/")
    chromium = os.environ.get("TOMED_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
    _wanted(bool(chromium), "Chromium is not installed (Debian: apt install chromium)")
    # In a thread of its own: Playwright's loop must not meet that of an async test.
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(_told, chromium, function, jobs).result()


def _told(chromium: str, function: str, jobs: Sequence[dict[str, Any]]) -> list[Any]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(Path(chromium)), args=ARGUMENTS)
            page = browser.new_page()
            page.set_default_timeout(60_000)
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            page.wait_for_function("document.title === 'ready'")
            answers = [page.evaluate(f"job => window.{function}(job)", job) for job in jobs]
            browser.close()
            return answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _wanted(there: bool, reason: str) -> None:
    if there:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
