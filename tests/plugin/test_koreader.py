"""The plugin in KOReader's real frontend: KOREADER_DIR and KOREADER_BASE_DIR name checkouts (``make
test-koreader``)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.data import ROOT
from tests.libraries import BookSpec, LibraryFixture, make_library
from tests.plugin import koreader
from tests.plugin.faultproxy import FaultProxy
from tomed import bundle

pytestmark = [pytest.mark.koreader, pytest.mark.timeout(300)]

OURS = Path(__file__).parent / "scenarios"
HIS = [
    "00-smoke",
    "01-life-up",
    "01-life-down",
    "01-life-slow",
    "01-life-hang",
    "01-life-garbage",
    "01-life-nulls",
    "02-events",
    "03-exit",
    "04-modes",
    "06-loss",
    "06-loss-suspend",
    "07-stats",
    "08-suspend-nowifimgr",
    "09-scalar",
    "10-drip",
    "11-endofbook",
    "13-userorder",
    "14-annot",
    "15-server500",
    "16-lanonly",
    "18-fontsize",
    "19-comic",
    "20-old-xpointers",
    "21-scroll",
]
"""All of kolite's but ``05-menu``: it builds KOReader's menu twice, which versions up to v2026.07.2 can't do.
``scenarios/menu.lua`` stands for it."""
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


def table() -> list[tuple[str, str]]:
    """Files of KOReader and what must be in them: the table of ``docs/koreader-apis.md``."""
    text = (ROOT / "docs" / "koreader-apis.md").read_text("utf-8")
    return re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", text, re.MULTILINE)


def test_what_we_call_is_there() -> None:
    """Every function of KOReader that the plugin calls exists in this version (tried from v2024.04 on)."""
    folder, base = os.environ.get("KOREADER_DIR"), os.environ.get("KOREADER_BASE_DIR")
    if not folder or not base:
        pytest.skip("KOREADER_DIR and KOREADER_BASE_DIR are not set")
    missing = []
    for name, wanted in table():
        path = Path(base) / name.removeprefix("base/") if name.startswith("base/") else Path(folder) / name
        if wanted not in path.read_text("utf-8"):
            missing.append((name, wanted))
    assert len(table()) > 60
    assert set(missing) <= {("frontend/readcollection.lua", "function ReadCollection:addCollection(")}


@pytest.fixture
def server() -> Iterator[FaultProxy]:
    koreader.tools()
    with FaultProxy() as proxy:
        yield proxy


MOST_MS = 5.0
"""The longest that a handler or task of ours may keep KOReader's own thread, in processor time."""
PAGE_MS = 60.0
"""The same where KOReader itself draws another page or list on our behalf: as long as its own."""


def healthy(report: koreader.Report, record: object, most_ms: float = MOST_MS) -> None:
    """No Lua error, no request, no waiting and no long work in KOReader's own process; the figures are printed."""
    assert report.errors == []
    assert report.requests_in_parent() == []
    assert report.waited() == []
    assert report.is_metered or record == "00-smoke"
    longest = report.longest("handler", "task", "plugin_init")
    assert longest[0] <= most_ms, longest
    kinds = ("handler", "task", "plugin_init", "fork")
    told = {k: (report.longest(k, clock="ms")[0], *report.longest(k)) for k in kinds}
    print("FIGURES", json.dumps({"scenario": str(record), **told}))


@pytest.mark.parametrize("scenario", HIS)
def test_every_scenario(tmp_path: Path, server: FaultProxy, scenario: str) -> None:
    """Kolite's scenarios pass without an error and without a moment of waiting."""
    plugins = ("statistics",) if scenario == "07-stats" else ()
    healthy(koreader.run(tmp_path, scenario, server.url, plugins=plugins), scenario)


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
    healthy(report, "pull", PAGE_MS)
    book, comic = report.of("info")
    assert book["page"] > 10 and "DocFragment[3]" in book["xp"]
    assert comic["page"] == 12


def test_a_series_is_downloaded(tmp_path: Path, server: FaultProxy) -> None:
    """From the real menu through the real lists to the files."""
    for n in range(1, 6):
        server.tomed.books.append(
            {
                "book_uuid": f"uuid-{n}",
                "title": f"Part {n}",
                "authors": ["A"],
                "kind": "comic",
                "series": "Saga",
                "series_id": 1,
                "series_index": float(n),
                "status": "new",
                "fraction": 0.0,
                "formats": [{"format": "CBZ", "size": 5000}],
            }
        )
        server.tomed.files[f"uuid-{n}/CBZ"] = bytes([n]) * 5000
    books = tmp_path / "books"
    books.mkdir()
    healthy(koreader.run(tmp_path, OURS / "browse.lua", server.url, KOLITE_BOOKS=str(books)), "browse", PAGE_MS)
    assert sorted(p.name for p in books.rglob("*.cbz")) == [f"0{n} - Part {n}.cbz" for n in range(1, 6)]


@pytest.fixture
def his_books(tmp_path: Path) -> Path:
    """Kolite's own three books."""
    folder = tmp_path / "books"
    subprocess.run([sys.executable, str(koreader.tools() / "makebooks.py"), str(folder)], check=True)
    return folder


def made_library(folder: Path, books: Path) -> LibraryFixture:
    """A Calibre library that holds kolite's book, and a series."""
    (story,) = books.rglob("A Long Story*.epub")
    specs = [BookSpec("A Long Story", ("Author A",), files={"EPUB": story.read_bytes()})]
    specs += [BookSpec(f"Part {n}", ("Ann",), series="Saga", series_index=float(n)) for n in range(1, 4)]
    return make_library(folder, specs)


def test_a_series_of_the_daemon(tmp_path: Path, daemon_of: Callable[..., Daemon], his_books: Path) -> None:
    """Cover, files with KOReader's own fingerprint checked, and a collection, from the real daemon."""
    library = made_library(tmp_path / "library", his_books)
    daemon = daemon_of(library.folder)
    daemon.wait_ready()
    report = koreader.run(
        tmp_path, OURS / "download.lua", daemon.url, daemon.token, KOLITE_BOOKS=str(his_books), KOLITE_TIMEOUT="60"
    )
    healthy(report, "download", PAGE_MS)
    cover, collected = report.of("info")
    assert cover["cover"] == "ImageViewer" or cover["file"], cover
    assert collected["collected"] == 3
    written = (tmp_path / "ko" / "settings" / "collection.lua").read_text("utf-8")
    assert '["Saga"]' in written and written.count("Part ") == 3
    for n in range(1, 4):
        (got,) = his_books.rglob(f"0{n} - Part {n}.epub")
        assert got.read_bytes() == library.book(f"Part {n}").files["EPUB"].read_bytes()


def test_two_devices(tmp_path: Path, daemon_of: Callable[..., Daemon], his_books: Path) -> None:
    """Each is taken to where the other stopped, and has the other's status and stars."""
    daemon = daemon_of(made_library(tmp_path / "library", his_books).folder)
    daemon.wait_ready()
    seen: list[tuple[object, ...]] = []
    for number, mark in enumerate(("abandoned 4", "reading 5", "")):
        report = koreader.run(
            tmp_path / f"device{number % 2}",
            OURS / "reader.lua",
            daemon.url,
            daemon.token,
            KOLITE_BOOKS=str(his_books),
            KOLITE_TURNS="6",
            KOLITE_CLOCK_OFFSET=str(number * 600),
            **({"KOLITE_MARK": mark} if mark else {}),
        )
        healthy(report, f"device {number}", PAGE_MS)
        opened, closed = report.of("info")
        seen.append((opened["page"], closed["page"], opened.get("status"), opened.get("rating")))
    assert [closed - opened for opened, closed, *_ in seen] == [6, 6, 6]
    assert [opened for opened, *_ in seen[1:]] == [closed for _, closed, *_ in seen[:2]]
    assert [stars for *_, stars in seen] == [None, 4, 5]
    assert [status for *_, status, _ in seen[1:]] == ["abandoned", "reading"]
    assert daemon.get("/sessions").json["total"] == 3


def test_pairing(tmp_path: Path, server: FaultProxy) -> None:
    """The code is on screen until a person entered it; then the device reads with its own key."""
    states = [{"state": "waiting"}, {"state": "paired", "token": "secret", "user": "ann"}]
    begun = {"code": "K7M2QX", "poll_token": "long and secret", "interval_s": 2, "expires_in_s": 300}
    server.tomed.extra["POST /api/v1/pair"] = (201, begun)
    server.tomed.extra["POST /api/v1/pair/poll"] = lambda _: (200, states.pop(0))
    report = koreader.run(tmp_path, OURS / "pairing.lua", server.url, token="old and unknown")
    healthy(report, "pairing", PAGE_MS)
    shown = " ".join(str(r.get("text")) for r in report.of("show"))
    assert "K7M2QX" in shown and "for ann" in shown
    assert len(server.tomed.sessions) == 1


def test_years_of_history_arrive_in_windows(tmp_path: Path, server: FaultProxy) -> None:
    """300,000 rows of KOReader's own statistics, read and sent by children while the reader goes on reading."""
    settings = tmp_path / "ko" / "settings"
    settings.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(settings / "statistics.sqlite3")) as database, database:
        database.executescript(
            """CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT, authors TEXT, notes INTEGER, last_open INTEGER,
               highlights INTEGER, pages INTEGER, series TEXT, language TEXT, md5 TEXT, total_read_time INTEGER,
               total_read_pages INTEGER);
               CREATE TABLE page_stat_data (id_book INTEGER, page INTEGER, start_time INTEGER, duration INTEGER,
               total_pages INTEGER, UNIQUE (id_book, page, start_time));"""
        )
        books = [(n, f"Book {n}", "A", 1_600_000_000, 300, f"{n:032x}") for n in range(1, 101)]
        database.executemany("INSERT INTO book (id, title, authors, last_open, pages, md5) VALUES (?,?,?,?,?,?)", books)
        rows = ((n % 100 + 1, n % 300 + 1, 1_500_000_000 + n * 60, 55, 300) for n in range(300_000))
        database.executemany("INSERT INTO page_stat_data VALUES (?,?,?,?,?)", rows)
    report = koreader.run(tmp_path, OURS / "years.lua", server.url, KOLITE_TIMEOUT="240")
    healthy(report, "years")
    assert len(server.tomed.history) == 300_000
    assert len(server.requests("/history")) == 150


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


def test_an_update_comes_in_at_the_next_boot(tmp_path: Path, server: FaultProxy) -> None:
    """Laid ready in the plugin's folder, it is what KOReader runs from then on, with what was read before."""
    koreader.run(tmp_path, OURS / "powerloss.lua", server.url, dies=True)
    update = tmp_path / bundle.FOLDER / "update"
    (update / "tomesync").mkdir(parents=True)
    for name, text in json.loads(bundle.update(bundle.plugin_folder()).files)["files"].items():
        (update / name).write_text(text, "utf-8")
    (update / "tomesync" / "version.lua").write_text('return "9.0.0"')
    (update / "READY").write_text("whole")
    report = koreader.run(tmp_path, OURS / "boot.lua", server.url, install=False, KOLITE_CLOCK_OFFSET="3600")
    healthy(report, "update")
    assert [d["plugin"] for d in server.tomed.devices] == ["9.0.0"]
    assert len(server.tomed.sessions) == 1
    assert not (tmp_path / "ko" / "plugins" / bundle.FOLDER / "update").exists()


def test_taking_the_plugin_off(tmp_path: Path, server: FaultProxy) -> None:
    """By KOReader's plugin manager, where it has one for that: sittings that were not sent stay, and it is said."""
    report = koreader.run(tmp_path, OURS / "removal.lua", server.url)
    assert report.errors == []
    said = [record["said"] for record in report.of("info") if "said" in record]
    assert "2 readings have not reached your server" in str(said)
    settings = tmp_path / "ko" / "settings"
    assert [path.name for path in (settings / "tomesync").iterdir()] == ["queue"]  # no name yet: it never synced
    if any(record.get("by") for record in report.of("info")):
        assert not (settings / "tomesync.lua").exists()
    lines = [
        line for path in (settings / "tomesync" / "queue").iterdir() for line in path.read_text("utf-8").splitlines()
    ]
    assert [json.loads(line)["pages_turned"] for line in lines] == [3, 2]
    assert all(re.fullmatch(r"[0-9a-f-]{36} -?\d+", json.loads(line)["clock"]) for line in lines)
    assert server.tomed.events == {}
