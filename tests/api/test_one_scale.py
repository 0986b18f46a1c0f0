"""Two readers that count differently, and one daemon that says the same of both."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.daemon import Daemon, wait_for
from tests.libraries import BookSpec, make_library
from tests.locators.books import chapter, epub

WORDS = "".join(f"<p>Sentence number {number} of this chapter stands here.</p>" for number in range(200))
NOISE = f'<div class="{"x" * 200}"></div>' * 400
SENTENCE = "Sentence number 149 of this chapter stands here."
CFI = {"kind": "cfi", "value": "epubcfi(/6/4!/4/300/1:0)"}
NAVIGATION = '<nav><ol><li><a href="c0.xhtml">Plates</a></li><li><a href="c1.xhtml">The Whole Story</a></li></ol></nav>'
PACKAGE = """<package><metadata/><manifest><item id="c0" href="c0.xhtml" media-type="application/xhtml+xml"/>
<item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/>
<item id="n" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="c0"/><itemref idref="c1"/></spine></package>"""


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_how_far_is_the_same_for_every_reader(daemon_of: Callable[..., Daemon], tmp_path: Any) -> None:
    """foliate's 97 % of the bytes are three quarters of the text: in the list and in the answer alike."""
    files = {"OEBPS/nav.xhtml": NAVIGATION, "OEBPS/content.opf": PACKAGE}
    book = epub(chapter("<p>few</p>" + NOISE), chapter(WORDS), files=files)
    library = make_library(tmp_path / "library", [BookSpec("Uneven", files={"EPUB": book})])
    daemon = daemon_of(library.folder)
    daemon.wait_ready()
    (listed,) = daemon.get("/books").json["books"]
    path = f"/books/{listed['book_uuid']}"
    told = {"event_id": str(uuid.uuid4()), "at": "2026-05-02T10:00:00Z", "fraction": 0.97, "locator": CFI}
    first = daemon.put(f"{path}/position", told | {"text": SENTENCE}).json["current"]
    assert first["canonical"] == {"fraction": 0.97, "precision": "fraction"}

    deadline = time.monotonic() + 60
    while (found := daemon.get(f"{path}/position").json["position"])["canonical"]["precision"] == "fraction":
        assert time.monotonic() < deadline, "nobody measures the place"
        time.sleep(0.1)
    assert found["canonical"] == {"fraction": pytest.approx(0.745, abs=0.005), "precision": "exact"}
    assert found["fraction"] == 0.97
    assert daemon.get(f"{path}/position?kind=cfi").json["position"]["fraction"] == 0.97
    device = daemon.get(f"{path}/position?kind=xpointer").json["position"]
    assert device["fraction"] == pytest.approx(found["canonical"]["fraction"], abs=0.001)
    assert device["locator"]["value"].endswith("/p[150]/text()[1].0")
    assert daemon.get(path).json["book"]["fraction"] == found["canonical"]["fraction"]

    end = {"event_id": str(uuid.uuid4()), "at": "2026-05-02T11:00:00Z", "fraction": 0.995}
    last = daemon.put(f"{path}/position", end).json["current"]
    assert (last["fraction"], last["canonical"]["fraction"], last["status"]) == (0.995, 1.0, "complete")


@pytest.mark.calibre
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_text_that_calibre_replaced_is_measured_again(daemon_of: Callable[..., Daemon], tmp_path: Any) -> None:
    """As much text before the place as after it was not there before: by itself, without anybody reading on."""
    files = {"OEBPS/nav.xhtml": NAVIGATION, "OEBPS/content.opf": PACKAGE}
    before = epub(chapter("<p>few</p>" + NOISE), chapter(WORDS), files=files)
    library = make_library(tmp_path / "library", [BookSpec("Uneven", files={"EPUB": before})])
    daemon = daemon_of(library.folder)
    daemon.wait_ready()
    path = f"/books/{daemon.get('/books').json['books'][0]['book_uuid']}"
    told = {"event_id": str(uuid.uuid4()), "at": "2026-05-02T10:00:00Z", "fraction": 0.97, "locator": CFI}
    assert daemon.put(f"{path}/position", told | {"text": SENTENCE}).json["accepted"]

    def canonical() -> float:
        return float(daemon.get(f"{path}/position").json["position"]["canonical"]["fraction"])

    wait_for(lambda: canonical() == pytest.approx(0.745, abs=0.005), 60)
    longer = tmp_path / "longer.epub"
    longer.write_bytes(epub(chapter(WORDS + NOISE), chapter(WORDS), files=files))
    library.calibredb("add_format", "1", str(longer))
    wait_for(lambda: canonical() == pytest.approx((1 + 0.745) / 2, abs=0.005), 60)
    wait_for(lambda: daemon.get(path).json["book"]["fraction"] == canonical(), 60)
