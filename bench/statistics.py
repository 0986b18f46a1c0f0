"""Statistics of a long reading life: ``python -m bench.statistics [--sittings N] [--rows N]``.

Ten years of sittings in a library of ten thousand books, page rows on top. CPU time of this process is what
counts (pages are made in a thread beside the event loop); a gauge looks up a book every few milliseconds
meanwhile, as a device would. "Cold" is an answer made anew over tables that are up to date; how long bringing
them up to date takes after everything changed at once (a first import, another zone) is told apart.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import apsw
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import async_playwright

from bench.catalog import Gauge
from bench.figures import say
from tests.chromium import ARGUMENTS, executable
from tomed import history, reporting
from tomed.app import build_app
from tomed.config import Config
from tomed.errors import NoMatch
from tomed.model import Clues, Match, User
from tomed.reporting import Query, Reporting
from tomed.services import SERVICES
from tomed.statistics.heatmap import heatmap
from tomed.store import statistics, statistics_file, tokens, users
from tomed.store.db import Store, connect, transaction
from tomed.store.statistics_file import HistoryBook, HistoryRow

NOW = 1_790_000_000_000
YEARS_MS = 10 * 365 * 86_400_000


@dataclass(frozen=True, slots=True)
class Life:
    """How much somebody read."""

    books: int
    sittings: int
    rows: int = 0

    @property
    def goal_ms(self) -> float:
        """What the overview page may cost, CPU ms: asked for of a usual life and of a long one."""
        return 15.0 if self.sittings <= 16_000 else 80.0


class Requests(Gauge):
    """What a device's sync costs a server least: a look-up and a write that is on disk when it returns."""

    async def _run(self) -> None:
        number = 0
        while True:
            due = time.perf_counter() + 0.004
            await asyncio.sleep(0.004)
            number += 1
            self._store.read(lambda c: c.execute("SELECT title FROM books WHERE uuid = 'uuid-7'").fetchall())
            await self._store.write(
                lambda c, n=number: c.execute("UPDATE devices SET last_seen_at = ? WHERE id = 2", (n,)).fetchall()  # type: ignore[misc]
            )
            self.waits_ms.append((time.perf_counter() - due) * 1000)

    def __str__(self) -> str:
        return super().__str__().replace("look-ups", "look-ups with a write")


def shelve(connection: apsw.Connection, books: int) -> None:
    """A reader in Berlin, with books in series by authors, in files with hashes."""
    users.create(connection, "ann", None, now=1)
    connection.execute("UPDATE users SET time_zone = 'Europe/Berlin'")
    numbers = range(1, books + 1)
    for table, each in (("series", 5), ("authors", 3)):
        connection.executemany(
            f"INSERT INTO {table} (id, name, sort) VALUES (?1, ?1 || ' ', ?1)",
            [(n,) for n in range(1, books // each + 2)],
        )
    connection.executemany(
        "INSERT INTO books (id, uuid, title, sort, seen_at, series_id, series_index, languages)"
        " VALUES (?1, 'uuid-' || ?1, 'Book ' || ?1, ?1, 1, ?2, ?3, 'eng')",
        [(n, n // 5 + 1 if n % 2 else None, n % 5) for n in numbers],
    )
    connection.executemany("INSERT INTO book_authors VALUES (?, 0, ?)", [(n, n // 3 + 1) for n in numbers])
    connection.executemany(
        "INSERT INTO devices (id, user_id, client_id, name, last_seen_at) VALUES (?1, 1, ?1, 'Device ' || ?1, 1)",
        [(1,), (2,)],
    )
    connection.executemany(
        "INSERT INTO documents (id, user_id, fingerprint, filename, partial_md5, book_id, first_at, last_at)"
        " VALUES (?1, 1, ?1, ?1 || '.epub', 'md5-' || ?1, ?1, 1, 1)",
        [(n,) for n in numbers],
    )


def sittings(connection: apsw.Connection, life: Life, dice: random.Random) -> list[tuple[int, int, int]]:
    """Write the sittings; as (book, start, end in ms)."""
    told = []
    step = YEARS_MS // life.sittings
    for number in range(life.sittings):
        start = NOW - YEARS_MS + number * step + dice.randrange(step)
        told.append((dice.randrange(1, life.books + 1), start, start + dice.randrange(60, 3000) * 1000))
    connection.executemany(
        "INSERT INTO sessions (user_id, event_id, book_id, document_id, device_id, started_at, ended_at, received_at,"
        " active_s, pages_turned, start_fraction, end_fraction)"
        " VALUES (1, ?1, ?2, ?2, ?3, ?4, ?5, 1, ?6, ?7, 0.1, 0.12)",
        [(f"e{i}", b, 1 + i % 2, s, e, (e - s) // 1000, (e - s) // 50_000) for i, (b, s, e) in enumerate(told)],
    )
    return told


def nothing(connection: apsw.Connection, clues: Clues, *, user_id: int | None = None) -> Match:
    """Every file is placed already: nothing is left to resolve."""
    raise NoMatch("nothing")


def history_of(folder: Path, life: Life, told: list[tuple[int, int, int]], dice: random.Random) -> Path:
    """A statistics.sqlite3 whose rows lie in the sittings."""
    rows: dict[int, list[tuple[int, int, int, int, int]]] = {}
    for _ in range(life.rows):
        book, start, end = told[dice.randrange(len(told))]
        at = start // 1000 + dice.randrange((end - start) // 1000)
        rows.setdefault(book, []).append((book, dice.randrange(1, 300), at, dice.randrange(5, 120), 300))
    path = folder / "statistics.sqlite3"
    statistics_file.write(path, [(HistoryBook(b, f"md5-{b}", f"Book {b}"), found) for b, found in rows.items()])
    return path


async def cpu_ms(work: Callable[[], Awaitable[object]]) -> float:
    """CPU milliseconds of this process while it works."""
    started = time.process_time()
    await work()
    return (time.process_time() - started) * 1000


async def pages(data: Path, life: Life) -> None:
    """The overview page over HTTP, made anew and kept."""
    app = build_app(Config(data=data), clock=lambda: NOW)
    store = app[SERVICES].store
    async with TestClient(TestServer(app)) as client:
        secret = await store.write_long(lambda c: tokens.issue(c, users.by_name(c, "ann").id, "web", "bench", NOW))  # type: ignore[union-attr]
        headers = {"Cookie": f"tomed_session={secret}", "Accept": "text/html"}

        async def fetch() -> None:
            async with client.get("/statistics", headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()

        await fetch()  # templates, pages of the database
        cold, warm = [], []
        for _ in range(7):
            await _forget(store)
            cold.append(await cpu_ms(fetch))
            warm.append(await cpu_ms(fetch))
        gauge = Gauge(store, [f"uuid-{n}" for n in range(1, 500)])
        async with gauge.running():
            for _ in range(20):
                await _forget(store)
                await fetch()
        what = f"{life.sittings:,} sittings, {life.rows:,} page rows"
        say(f"overview page, {what}", sorted(cold)[3], "ms CPU", life.goal_ms, str(gauge))
        say("the same when nothing changed", sorted(warm)[3], "ms CPU", 5)
        say("the same in Chromium, made anew, until it is drawn", await shown(client, store, secret), "ms", 500)


async def shown(client: TestClient, store: Store, secret: str) -> float:
    """Milliseconds from the click to the drawn page with all its files; the middle of seven."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        context = await browser.new_context(viewport={"width": 1120, "height": 760})
        await context.add_cookies([{"name": "tomed_session", "value": secret, "url": str(client.make_url("/"))}])
        page = await context.new_page()
        took = []
        for _ in range(7):
            await _forget(store)
            await page.goto(str(client.make_url("/statistics")), wait_until="load")
            took.append(
                await page.evaluate(
                    "() => Math.max(performance.getEntriesByType('navigation')[0].loadEventStart,"
                    " ...performance.getEntriesByType('paint').map((entry) => entry.startTime))"
                )
            )
        await browser.close()
    return float(sorted(took)[3])


async def _forget(store: Store) -> None:
    """Let every kept answer be made anew."""
    await store.write(lambda c: c.execute("UPDATE statistics_versions SET version = version + 1").fetchall())


async def one(folder: Path, life: Life) -> None:
    """Everything of one life."""
    dice = random.Random(1)
    data = folder / f"data{life.sittings}"
    store = Store.open(data / "tomed.db")
    try:
        await store.write_long(lambda c: shelve(c, life.books))
        told = await store.write_long(lambda c: sittings(c, life, dice))
        gauge = Gauge(store, [f"uuid-{n}" for n in range(1, 500)])
        if life.rows:
            await _import(store, history_of(folder, life, told, dice), life, gauge)
        await _reports(store, life, gauge)
    finally:
        store.close()
    await pages(data, life)


async def _import(store: Store, path: Path, life: Life, gauge: Gauge) -> None:
    with history.opened(path) as file:
        found = [row for _, window in statistics_file.windows(file) for row in window]
    floor = await asyncio.to_thread(bare_floor, path.with_name("floor.db"), found)

    def work() -> tuple[float, float]:
        with history.opened(path) as file:
            wall, cpu = time.perf_counter(), time.thread_time()
            history.take_in(store, nothing, 1, "Device 1", file, NOW)
            return time.perf_counter() - wall, time.thread_time() - cpu

    async with gauge.running():
        wall, cpu = await asyncio.to_thread(work)
    rate = len(found) / cpu
    say("page rows taken in, durable", rate, "rows/s CPU", 50_000, str(gauge), at_least=True)
    floor_wall, floor_cpu = floor
    beside = (
        f"a bare insert of them: {len(found) / floor_wall:.0f} by the clock, {len(found) / floor_cpu:.0f} CPU;"
        f" {cpu / floor_cpu:.1f} times that floor"
    )
    say("the same by the clock", len(found) / wall, "rows/s", None, beside)


def bare_floor(path: Path, rows: list[HistoryRow]) -> tuple[float, float]:
    """Seconds by the clock and of CPU that SQLite alone needs to keep these rows, as durable and in slices as large."""
    connection = connect(path)
    connection.execute(
        "CREATE TABLE rows (document INTEGER, device INTEGER, start INTEGER, page INTEGER, duration INTEGER,"
        " total INTEGER, PRIMARY KEY (document, device, start, page)) WITHOUT ROWID"
    )
    wall, cpu = time.perf_counter(), time.thread_time()
    for start in range(0, len(rows), history.SLICE):
        with transaction(connection):
            connection.executemany(
                "INSERT INTO rows VALUES (?, 1, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [(row[0], row[2], row[1], row[3], row[4]) for row in rows[start : start + history.SLICE]],
            )
    took = time.perf_counter() - wall, time.thread_time() - cpu
    connection.close()
    return took


async def _reports(store: Store, life: Life, gauge: Gauge) -> None:
    ours: Reporting = reporting.of(store, lambda: NOW)
    user: User | None = store.read(lambda c: users.by_name(c, "ann"))
    assert user is not None
    requests = Requests(store, [])
    async with requests.running():
        await asyncio.sleep(3)
    say(
        "requests while nothing else is done",
        sorted(requests.waits_ms)[len(requests.waits_ms) // 2],
        "ms",
        None,
        str(requests),
    )
    async with requests.running():
        made = await cpu_ms(lambda: ours.refresh(user.id))
    say(f"all of {life.sittings:,} sittings reconciled anew", made / 1000, "s CPU", None, str(requests))
    await store.write(
        lambda c: c.execute(
            "INSERT INTO sessions (user_id, event_id, book_id, started_at, ended_at, received_at, active_s)"
            f" VALUES (1, 'one more', 7, {NOW - 3_600_000}, {NOW}, 1, 600)"
        ).fetchall()
    )
    say("one more sitting reconciled", await cpu_ms(lambda: ours.refresh(user.id)), "ms CPU", None)

    def heat_of(connection: apsw.Connection) -> None:
        days = statistics.days(connection, 1)
        heatmap(zip(days.on, days.hours, strict=True))

    async def heat() -> None:
        await store.query(heat_of)

    say("heat map, all time", sorted([await cpu_ms(heat) for _ in range(5)])[2], "ms CPU", 50)
    for by in ("author", "series", "device"):
        query = Query(group=by)
        async with gauge.running():
            took = await cpu_ms(lambda query=query: ours.report(user, query))  # type: ignore[misc]
        say(f"report grouped by {by}, all time", took, "ms CPU", None, str(gauge))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.statistics", description=__doc__)
    parser.add_argument("--sittings", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=300_000, help="page rows of a device's own statistics")
    parser.add_argument("--books", type=int, default=10_000)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tomed-bench-") as folder:
        asyncio.run(one(Path(folder), Life(told.books, told.sittings, told.rows)))


if __name__ == "__main__":
    main()
