"""The wheel as a stranger installs it: an empty environment, no node, no checkout beside it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.data import ROOT
from tests.libraries import make_library

STRANGER = (
    "import sys; root = sys.argv.pop(1); sys.path.remove(root); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
)
"""Pytest without this checkout, which is on the path because it is installed editable."""
BUILT = ROOT / "tomed" / "static" / "manifest.json"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel of this checkout, made from the web files that are built already."""
    if not BUILT.exists():
        reason = "the web files are not built: make setup"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "TOMED_SKIP_WEB": "1"},
        check=True,
        capture_output=True,
    )
    return folder


def test_both_carry_everything(dist: Path):
    """Web files with the licences of what is in them, templates, strings, plugin, migrations; and no test or tool."""
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        licences = wheel.read("tomed/static/assets/licences.txt").decode()
    for needed in (
        "tomed/static/manifest.json",
        "tomed/templates/book.html",
        "tomed/strings/en.toml",
        "tomed/css/site.css",
        "tomed/plugin/tomesync.koplugin/main.lua",
        "tomed/store/migrations/0001_initial.sql",
    ):
        assert needed in names
    assert not [name for name in names if name.startswith(("tests/", "bench/", "web/")) or "node_modules" in name]
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    for bundled in ("foliate-js", "pdfjs-dist", "zip.js", "fflate", "Apache License", "MIT License"):
        assert bundled in licences, bundled
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        kept = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"pyproject.toml", "tomed/static/manifest.json", "web/build.mjs", "tests/test_wheel.py"} <= kept
    assert not [name for name in kept if "node_modules" in name]


def test_the_sdist_is_the_whole_repository(dist: Path):
    """Every file that is kept in version control, and beside them only what was built."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("this is no checkout: nobody knows which files there should be")
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    tracked = {name for name in told.split("\0") if (ROOT / name).is_file()}
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        kept = {one.name.partition("/")[2] for one in sdist.getmembers() if one.isfile()}
    assert tracked <= kept, sorted(tracked - kept)
    assert {name for name in kept - tracked if not name.startswith("tomed/static/")} == {"PKG-INFO"}


def test_who_unpacks_the_sdist_can_run_its_tests(dist: Path, tmp_path: Path):
    """Every test module finds what it imports there, and the tests of the tools themselves pass in that folder."""
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()

    def run(*words: str) -> str:
        command = [sys.executable, "-c", STRANGER, str(ROOT), "-q", "-p", "no:cacheprovider", *words]
        done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
        return done.stdout

    found = set(re.findall(r"^(tests/\S+?\.py)::", run("--collect-only"), re.MULTILINE))
    assert found == {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")}
    assert " passed" in run("tests/bench", "tests/torture", "tests/test_config.py", "tests/test_house.py")


@pytest.mark.timeout(600)
def test_it_does_its_job_where_nothing_else_is(dist: Path, tmp_path: Path):
    """Install, serve a library, take a place in, give the plugin and the reader's page: without node or npm."""
    home = tmp_path / "empty"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    bare = {"PATH": f"{home}/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    assert shutil.which("node", path=bare["PATH"]) is None
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    installed = subprocess.run(
        [home / "bin" / "python", "-m", "pip", "install", "--quiet", str(next(dist.glob("*.whl")))],
        env={**os.environ, **kept},
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode and not os.environ.get("CI"):
        pytest.skip(f"no package registry to install from: {installed.stderr[-300:]}")
    assert installed.returncode == 0, installed.stderr

    library = make_library(tmp_path / "library")
    daemon = Daemon(
        library.folder, tmp_path / "data", environment=bare, program=(str(home / "bin" / "tomed"),), folder=tmp_path
    )
    daemon.add_user()
    daemon.add_token()
    with daemon:
        assert daemon.wait_ready()["library"]["books"] == len(library.books)
        uuid = daemon.get("/books").json["books"][0]["book_uuid"]
        told = {"event_id": "00000000-0000-4000-8000-000000000001", "at": "2026-01-01T00:00:00Z", "fraction": 0.5}
        assert daemon.put(f"/books/{uuid}/position", told).json["accepted"] is True
        assert daemon.get("/plugin").json["version"]
        assert daemon.get(daemon.url + "/sign-in", token="").status == 200
        assert b"foliate-js" in daemon.get(daemon.url + "/assets/licences.txt", token="").body
    made = tmp_path / "tomesync.zip"
    daemon.run_alone("plugin", "build", "--server", "http://nas:8788", "--token", "x", "-o", str(made))
    assert zipfile.is_zipfile(made)
