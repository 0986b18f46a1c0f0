"""The plugin in KOReader's real frontend. Give checkouts by KOREADER_DIR and KOREADER_BASE_DIR (``make test-koreader``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin import koreader
from tests.plugin.faultproxy import FaultProxy

pytestmark = [pytest.mark.koreader, pytest.mark.timeout(300)]

OURS = Path(__file__).parent / "scenarios"
HIS = [
    "00-smoke", "01-life-up", "02-events", "03-exit", "04-modes", "06-loss", "06-loss-suspend", "08-suspend-nowifimgr", "09-scalar", "10-drip",
    "11-endofbook", "13-userorder", "14-annot", "15-server500", "16-lanonly", "18-fontsize", "19-comic", "20-old-xpointers", "21-scroll",
]  # fmt: skip
FAULTS = [
    "slow",
    "drip",
    "hang",
    "reset",
    "garbage",
    "nulls",
    "number",
    "truncated",
    "lost",
    "half",
    "401",
    "413",
    "426",
    "500",
]


@pytest.fixture
def server() -> Iterator[FaultProxy]:
    koreader.tools()
    with FaultProxy() as proxy:
        yield proxy


def healthy(report: koreader.Report, record: object) -> None:
    """No Lua error, no request and no waiting in KOReader's own process; the figures go into the report."""
    assert report.errors == []
    assert report.requests_in_parent() == []
    assert report.waited() == []
    print(record, "handler", report.longest("handler"), "task", report.longest("task"))


@pytest.mark.parametrize("scenario", HIS)
def test_every_scenario(tmp_path: Path, server: FaultProxy, scenario: str) -> None:
    """Kolite's scenarios pass without an error and without a moment of waiting."""
    healthy(koreader.run(tmp_path, scenario, server.url), scenario)


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(tmp_path: Path, server: FaultProxy, fault: str) -> None:
    """Each sitting and the last place exactly once, after every fault."""
    healthy(koreader.run(tmp_path, OURS / "faults.lua", server.url, KOLITE_FAULT=fault), fault)
    assert [s["pages_turned"] for s in server.tomed.sessions] == [3, 2]
    assert server.tomed.sessions[-1]["end_fraction"] == pytest.approx(0.075, abs=0.02)


def test_power_loss_and_a_second_boot(tmp_path: Path, server: FaultProxy) -> None:
    """Killed in the middle of a sitting: the next boot tells it."""
    koreader.run(tmp_path, OURS / "powerloss.lua", server.url, dies=True)
    healthy(koreader.run(tmp_path, OURS / "boot.lua", server.url, KOLITE_CLOCK_OFFSET="3600"), "boot")
    (session,) = server.tomed.sessions
    assert session["pages_turned"] == 4


@pytest.mark.parametrize("dialect", ["20240114", ""])
def test_a_place_from_elsewhere(tmp_path: Path, server: FaultProxy, dialect: str) -> None:
    """An XPointer in the old dialect is gone to in both, and a comic goes to its page."""
    place = {"fraction": 0.5, "at": "2026-11-22T20:00:00Z", "device": "Browser", "status": "reading"}
    xpointer = {"kind": "xpointer", "value": "/body/DocFragment[3]/body/p[4]/text().0"}
    server.tomed.positions["A Long Story (12).epub"] = {
        "book_uuid": "5a",
        "matched_by": "name",
        "position": place | {"locator": xpointer},
    }
    page = {"locator": {"kind": "page", "value": "12"}}
    server.tomed.positions["Comic (14).cbz"] = {"book_uuid": "5b", "matched_by": "name", "position": place | page}
    report = koreader.run(
        tmp_path, OURS / "pull.lua", server.url, **({"KOLITE_DOM_VERSION": dialect} if dialect else {})
    )
    healthy(report, "pull")
    book, comic = report.of("info")
    assert book["page"] > 10 and "DocFragment[3]" in book["xp"]
    assert comic["page"] == 12


def test_a_series_is_downloaded(tmp_path: Path, server: FaultProxy) -> None:
    """From the real menu through the real lists to the files."""
    for n in range(1, 6):
        server.tomed.books.append({
            "book_uuid": f"uuid-{n}", "title": f"Part {n}", "authors": ["A"], "kind": "comic", "series": "Saga", "series_id": 1,
            "series_index": float(n), "status": "new", "fraction": 0.0, "formats": [{"format": "CBZ", "size": 5000}],
        })  # fmt: skip
        server.tomed.files[f"uuid-{n}/CBZ"] = bytes([n]) * 5000
    books = tmp_path / "books"
    books.mkdir()
    healthy(koreader.run(tmp_path, OURS / "browse.lua", server.url, KOLITE_BOOKS=str(books)), "browse")
    assert sorted(p.name for p in books.rglob("*.cbz")) == [f"0{n} - Part {n}.cbz" for n in range(1, 6)]


@pytest.mark.parametrize("where", ["fm", "reader"])
def test_the_menu(tmp_path: Path, server: FaultProxy, where: str) -> None:
    """Right after Calibre under Tools, and every entry can be shown."""
    report = koreader.run(tmp_path, OURS / "menu.lua", server.url, plugins=("calibre",), KOLITE_WHERE=where)
    healthy(report, where)
    (menu,) = report.of("menu")
    (entry,) = menu["items"]
    assert menu["tab"] in ("tools", "appbar.tools")
    assert "alibre" in entry["prev"]
    assert not report.of("menu_missing")
    assert "<error" not in str(menu)


def test_history_arrives_once_and_goes_on(tmp_path: Path, server: FaultProxy) -> None:
    """What KOReader's statistics wrote is sent by the child; a second day sends only what is new."""
    koreader.run(tmp_path, OURS / "history.lua", server.url, plugins=("statistics",))
    first = dict(server.tomed.history)
    assert len(first) >= 4
    assert all(0 < row[3] <= 120 for row in first.values())
    (book,) = {row[0] for row in first}
    assert book == "A Long Story"
    sent = len(server.requests("/history"))
    report = koreader.run(
        tmp_path, OURS / "history.lua", server.url, plugins=("statistics",), KOLITE_CLOCK_OFFSET="90000"
    )
    healthy(report, "history")
    assert set(first) < set(server.tomed.history)
    assert len(server.requests("/history")) == sent + 1
