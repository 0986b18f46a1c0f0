"""A database of every earlier version, with data in it, is brought up to date and loses nothing."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from tests.libraries import make_library
from tests.store.rows import DERIVED, contents, earlier_sidecar, tables
from tomed import catalog
from tomed.errors import StoreError
from tomed.model import BookId
from tomed.store import scales
from tomed.store.db import Store, connect
from tomed.store.migrations import KEPT_COPIES, available

EARLIER = [number for number, _, _ in available()][:-1]
NEWEST = available()[-1][0]


def read(path: Path) -> dict[str, list[dict[str, object]]]:
    connection = connect(path, readonly=True)
    try:
        return contents(connection)
    finally:
        connection.close()


def shape(path: Path) -> dict[str, object]:
    """Columns of every table, and the names of all indexes and triggers."""
    connection = connect(path, readonly=True)
    try:
        columns = {t: connection.execute(f"PRAGMA table_xinfo({t})").fetchall() for t in sorted(tables(connection))}
        made = connection.execute("SELECT type, name, tbl_name FROM sqlite_schema ORDER BY 1, 2").fetchall()
        return {"columns": columns, "made": made}
    finally:
        connection.close()


@pytest.mark.parametrize("last", [*EARLIER, NEWEST])
def test_every_table_has_rows_before_it_is_upgraded(tmp_path: Path, last: int):
    """What nobody filled would be lost unseen: a new table needs its rows in ``earlier/NNNN.sql``."""
    earlier_sidecar(tmp_path / "tomed.db", last)
    empty = {name for name, rows in read(tmp_path / "tomed.db").items() if not rows}
    assert not {name for name in empty - DERIVED if not name.startswith("book_search")}


@pytest.mark.parametrize("last", EARLIER)
def test_no_row_is_lost_by_an_upgrade(tmp_path: Path, last: int):
    """Every value of every earlier version's row is there afterwards, and the shape is that of a new database."""
    path = tmp_path / "tomed.db"
    earlier_sidecar(path, last)
    before = read(path)
    Store.open(path).close()
    after = read(path)
    for table, rows in before.items():
        if table in DERIVED:
            continue
        kept = [{key: row[key] for key in rows[0]} for row in after[table]] if rows else []
        assert kept == rows, table
    Store.open(tmp_path / "new.db").close()
    assert shape(path) == shape(tmp_path / "new.db")
    connection = connect(path, readonly=True)
    assert connection.execute("PRAGMA integrity_check").get == "ok"
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.pragma("user_version") == NEWEST
    connection.close()
    assert read(tmp_path / f"tomed.db.before-{last + 1:04}") == before


@pytest.mark.parametrize("last", [number for number in EARLIER if number < 7])  # the seventh counts them
def test_names_are_counted_by_the_upgrade(tmp_path: Path, last: int):
    """Authors and tags of an upgraded sidecar are listed with their living books, before any library is read."""
    path = tmp_path / "tomed.db"
    earlier_sidecar(path, last)
    connection = connect(path)
    for sql in (
        "INSERT INTO authors (id, name, sort) VALUES (2, 'Bo Wick', 'Wick, Bo'), (3, 'Cy', 'Cy')",
        "INSERT INTO book_authors (book_id, ordinal, author_id) VALUES (1, 1, 2), (2, 0, 1), (2, 1, 3), (2, 2, 3)",
        "INSERT INTO book_tags (book_id, tag_id) VALUES (2, 1)",
        "UPDATE books SET gone_at = 1 WHERE id = 1",
    ):
        connection.execute(sql).fetchall()
    connection.close()
    store = Store.open(path)
    for listed, rows in ((catalog.authors, [("Cy", 1), ("Ada Lantern", 1)]), (catalog.tags, [("Fantasy", 1)])):
        found = store.read(lambda c, listed=listed: listed(c, 1, 200))
        assert ([(one.name, one.books) for one in found.items], found.total) == (rows, len(rows))
    store.close()


@pytest.mark.parametrize("last", [number for number in EARLIER if 5 <= number < 8])
def test_places_that_were_measured_are_measured_again_after_the_upgrade(tmp_path: Path, last: int):
    """Nobody noted in which version of the file, so none is taken for granted; what was found stands until then."""
    path = tmp_path / "tomed.db"
    earlier_sidecar(path, last)
    connection = connect(path)
    connection.execute("UPDATE positions SET canonical = 0.5, canonical_precision = 'exact' WHERE book_id = 1")
    connection.close()
    store = Store.open(path)
    assert store.read(scales.versions) == {1: (-1, -1)}
    store.write_now(lambda c: scales.begin(c, BookId(1), (4096, 1)))
    assert 1 in store.read(scales.waiting_books)
    assert {place.id for place in store.read(lambda c: scales.outdated(c, BookId(1), 9))} == {
        row[0] for row in store.read(lambda c: c.execute("SELECT id FROM positions WHERE canonical = 0.5").fetchall())
    }
    store.close()


@pytest.mark.parametrize("last", EARLIER)
def test_the_daemon_serves_what_an_earlier_one_kept(daemon_of, tmp_path: Path, last: int):
    """Sittings, history and status are shown from an upgraded database, beside a library of today."""
    data = tmp_path / "data"
    data.mkdir()
    earlier_sidecar(data / "tomed.db", last)
    daemon = daemon_of(make_library(tmp_path / "library").folder, data=data, person=False)
    daemon.add_token("ann")
    daemon.wait_ready()
    assert daemon.get("/sessions").json["total"] == 2
    again = {"id": "e1", "type": "position", "at": "2026-01-01T00:00:00Z", "book": {"filename": "x"}, "fraction": 0.1}
    told = daemon.post("/sync", {"device": {"id": "d1", "name": "Kobo"}, "events": [again]}).json["results"]
    assert told[0]["result"] == "duplicate"
    assert daemon.get("/sittings").json["total"] >= 1
    assert daemon.get("/statistics?from=2026-01-01&to=2026-01-03").status == 200


def test_only_the_last_copies_stay(tmp_path: Path):
    """Upgrade after upgrade, the copies of the last few are kept and nothing else of the folder is touched."""
    path = tmp_path / "tomed.db"
    for number in range(KEPT_COPIES + 2):
        (tmp_path / f"tomed.db.before-{number:04}").write_bytes(b"old")
    mine = tmp_path / "tomed.db.before-my-holidays"
    mine.write_bytes(b"mine")
    earlier_sidecar(path, NEWEST - 1)
    Store.open(path).close()
    kept = sorted(p.name for p in tmp_path.glob("tomed.db.before-0*"))
    assert len(kept) == KEPT_COPIES
    assert f"tomed.db.before-{NEWEST:04}" in kept
    assert mine.read_bytes() == b"mine"


def test_a_failed_tries_copy_gives_way_to_the_newer_truth(tmp_path: Path):
    """The copy is what stands there now, not what stood there when an upgrade of the same step failed last year."""
    path = tmp_path / "tomed.db"
    earlier_sidecar(path, NEWEST - 1)
    copy = tmp_path / f"tomed.db.before-{NEWEST:04}"
    copy.write_bytes(b"last year")
    before = read(path)
    Store.open(path).close()
    assert read(copy) == before


def test_without_room_for_a_copy_nothing_is_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A full disk is told in a sentence, and the database is as it was: the old version still works on it."""
    path = tmp_path / "tomed.db"
    earlier_sidecar(path, NEWEST - 1)
    before = read(path)
    fill(monkeypatch)
    with pytest.raises(StoreError, match=r"not begun.*no room for a copy"):
        Store.open(path)
    monkeypatch.undo()
    assert read(path) == before
    assert not list(tmp_path.glob("*.part*"))
    connection = connect(path, readonly=True)
    assert connection.pragma("user_version") == NEWEST - 1
    connection.close()


def fill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every new database of this process finds a disk of four pages, as if the rest were full."""
    real = apsw.Connection

    def small(*arguments: object, **more: object) -> apsw.Connection:
        connection = real(*arguments, **more)  # type: ignore[arg-type]
        if not more:  # write_copy's own connection
            connection.execute("PRAGMA max_page_count = 4").fetchall()
        return connection

    monkeypatch.setattr(apsw, "Connection", small)
