"""The measuring itself: what it counts is what happened. No test here looks at how fast anything was."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from bench.floors import ROWS, name
from bench.load import Figures, Request, measure, put_json
from bench.process import Server, free_port, serving
from bench.report import Report, alternating

_ODD_SERVER = """
import sys
from aiohttp import web

async def chunked(request):
    answer = web.StreamResponse()
    await answer.prepare(request)
    for part in (b"0\\r\\n\\r\\n", b"x" * 100_000):
        await answer.write(part)
    return answer

async def large(_request):
    return web.Response(body=b"x" * 3_000_000)

async def missing(_request):
    raise web.HTTPNotFound

async def nothing(_request):
    return web.Response(status=204)

app = web.Application()
app.add_routes([web.get("/" + f.__name__, f) for f in (chunked, large, missing, nothing)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    folder, port = tmp_path_factory.mktemp("floor"), free_port()
    with serving([sys.executable, "-m", "bench.floors", str(port), str(folder)], port, "/empty") as server:
        yield server, folder


def some(name: str, per_second: float = 100.0) -> Figures:
    return Figures(name, 10, per_second, 1.0, 2.0, 0.5, 40.0, 0, 0.0)


def test_each_floor_answers(floor: tuple[Server, Path]) -> None:
    """Look-ups find, inserts are kept, and processor time and memory of the server are seen."""
    server, folder = floor
    for request in (
        lambda _: Request("/empty"),
        lambda n: Request(f"/lookup?name={name(n % ROWS).replace(' ', '%20')}"),
        lambda n: put_json("/insert", {"n": n}),
    ):
        figures = measure("floor", server, request, connections=4, seconds=0.5, warm_up=0.1)
        assert figures.requests > 0
        assert figures.failures == 0
        assert 0 < figures.p50_ms <= figures.p99_ms
        assert figures.memory_mb > 5
    kept = apsw.Connection(str(folder / "floor.db"), flags=apsw.SQLITE_OPEN_READONLY)
    bodies = kept.execute("SELECT body FROM events ORDER BY id").fetchall()
    kept.close()
    numbers = {json.loads(str(body))["n"] for (body,) in bodies}
    assert len(bodies) == len(numbers) >= figures.requests


def test_failures_are_counted(floor: tuple[Server, Path]) -> None:
    """A fast 404 is no success."""
    figures = measure("miss", floor[0], lambda _: Request("/lookup?name=none"), seconds=0.3, warm_up=0.1)
    assert figures.failures == figures.requests > 0


def test_answers_of_every_form_are_read_to_their_end(tmp_path: Path) -> None:
    """Chunked ones (also with a false end inside), large ones, and ones without a body."""
    script, port = tmp_path / "odd.py", free_port()
    script.write_text(_ODD_SERVER)
    with serving([sys.executable, str(script), str(port)], port, "/nothing") as server:
        for path, fails in (("/nothing", False), ("/chunked", False), ("/large", False), ("/missing", True)):
            figures = measure(path, server, lambda _, path=path: Request(path), connections=2, seconds=0.4, warm_up=0)  # type: ignore[misc]
            assert figures.requests > 0
            assert (figures.failures > 0) == fails


def test_a_server_that_ends_is_told(tmp_path: Path) -> None:
    """Not waited for in vain."""
    with pytest.raises(RuntimeError, match="exit code 3"), serving([sys.executable, "-c", "exit(3)"], free_port()):
        pass


def test_ratios_and_goals() -> None:
    """Twice the floor's speed is 2; a goal is met when the ratio reaches it."""
    report = Report("title")
    good = report.add(some("good", 80), some("floor"), goal=0.6)
    bad = report.add(some("bad", 50), some("floor"), goal=0.6)
    alone = report.add(some("alone"))
    assert (good.ratio, good.met) == (0.8, True)
    assert (bad.ratio, bad.met) == (0.5, False)
    assert (alone.ratio, alone.met, alone.cpu_ratio) == (None, None, None)
    told = json.loads(json.dumps(report.as_dict()))
    assert [row["met"] for row in told["rows"]] == [True, False, None]


def test_rounds_alternate_and_the_middle_one_is_kept() -> None:
    """One lucky or unlucky round decides nothing."""
    speeds = {"a": [1.0, 100.0, 3.0], "b": [9.0, 2.0, 5.0]}
    order: list[str] = []

    def run(key: str) -> Figures:
        order.append(key)
        return some(key, speeds[key].pop(0))

    middle = alternating({key: lambda key=key: run(key) for key in speeds}, rounds=3)  # type: ignore[misc]
    assert order == ["a", "b"] * 3
    assert {key: figures.per_second for key, figures in middle.items()} == {"a": 3.0, "b": 5.0}
