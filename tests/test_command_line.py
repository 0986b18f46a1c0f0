"""The command line, as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.data import ROOT
from tests.libraries import make_library
from tomed.__main__ import COMMANDS, parser
from tomed.passwords import verify_password
from tomed.store import tokens, users
from tomed.store.db import Store


def tomed(*words: object, told: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``tomed`` in a process of its own, with an empty home."""
    return subprocess.run(
        [sys.executable, "-m", "tomed", *map(str, words)],
        input=told,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )


def test_a_token_is_printed_alone(tmp_path: Path):
    """What stands on standard output can be piped into another program."""
    assert tomed("user", "add", "ann", "--password-stdin", "--data", tmp_path, told="long enough\n").returncode == 0
    made = tomed("token", "create", "ann", "--name", "Kobo", "--data", tmp_path)
    assert made.returncode == 0
    assert made.stdout.count("\n") == 1
    assert made.stdout.startswith("tomed_")
    assert made.stdout.strip() not in made.stderr


@pytest.mark.parametrize(
    ("words", "told", "says"),
    [
        (["token", "create", "nobody", "--name", "x"], "", "no user named nobody"),
        (["user", "add", "ann", "--password-stdin"], "short\n", "at least 8"),
        (["user", "password", "nobody", "--password-stdin"], "long enough\n", "no user named nobody"),
        (["user", "add", "", "--password-stdin"], "long enough\n", "name"),
        (["serve", "--library", "/nowhere/at all", "--port", "70000"], "", "port"),
        (["serve", "--config", "/nowhere.toml"], "", "does not exist"),
    ],
)
def test_a_mistake_is_a_sentence(tmp_path: Path, words, told, says):
    """No traceback: the sentence says what is wrong, the status is 1."""
    done = tomed(*words, "--data", tmp_path, told=told)
    assert (done.returncode, done.stdout) == (1, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_same_name_twice_is_a_conflict(tmp_path: Path):
    """Whatever the case of its letters."""
    tomed("user", "add", "ann", "--password-stdin", "--data", tmp_path, told="long enough\n")
    again = tomed("user", "add", "ANN", "--password-stdin", "--data", tmp_path, told="long enough\n")
    assert (again.returncode, "already" in again.stderr) == (1, True)


def test_a_forgotten_password_is_replaced(tmp_path: Path):
    """The only admin of a household has nobody else to ask; every browser that was signed in is out."""
    tomed("user", "add", "ann", "--password-stdin", "--data", tmp_path, told="long enough\n")
    store = Store.open(tmp_path / "tomed.db")
    before = store.read(lambda c: users.password_hash(c, 1))
    secret = store.write_now(lambda c: tokens.issue(c, 1, "web", "Browser", 1))
    assert tomed("user", "password", "ann", "--password-stdin", "--data", tmp_path, told="remembered\n").returncode == 0
    now = store.read(lambda c: users.password_hash(c, 1))
    assert now != before and verify_password(now, "remembered")
    assert store.read(lambda c: tokens.find(c, secret, 2)) is None
    store.close()


def test_a_plugin_is_built_with_address_and_token(tmp_path: Path):
    """The zip has one folder, ready for KOReader's plugins folder."""
    out = tmp_path / "plugin.zip"
    done = tomed("plugin", "build", "--server", "http://nas:8788", "--token", "tomed_x", "-o", out)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(out) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"tomesync.koplugin"}
        text = archive.read("tomesync.koplugin/tomesync_defaults.lua").decode()
    assert "http://nas:8788" in text
    assert "tomed_x" in text


def test_check_says_what_is_wrong_and_how_to_mend_it(tmp_path: Path):
    """A good set-up is all ok; each fault has its line and a mend, and nothing is made or changed."""
    library = make_library(tmp_path / "library")
    data = tmp_path / "data"
    good = tomed("check", "--library", library.folder, "--data", data)
    assert "WRONG" not in good.stdout.replace("WRONG  Web reader", "")
    assert f"{len(library.books)} books" in good.stdout
    assert not data.exists()
    inside = tomed("check", "--library", library.folder, "--data", library.folder / "tomed")
    assert (inside.returncode, "inside the library" in inside.stdout) == (1, True)
    gone = tomed("check", "--library", tmp_path / "gone", "--data", data)
    assert (gone.returncode, "WRONG" in gone.stdout) == (1, True)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "metadata.db").write_bytes(b"no database" * 1000)
    assert tomed("check", "--library", broken, "--data", data).returncode == 1


def test_the_library_of_calibre_itself_is_found(tmp_path: Path, daemon_of):
    """Without ``--library`` the folder that Calibre's own settings name is served."""
    library = make_library(tmp_path / "library")
    settings = tmp_path / "calibre"
    settings.mkdir()
    (settings / "global.py.json").write_text('{"library_path": "' + str(library.folder) + '"}')
    daemon = daemon_of(None, environment={"CALIBRE_CONFIG_DIRECTORY": str(settings)})
    assert daemon.wait_ready()["library"]["books"] == len(library.books)


def test_two_daemons_never_share_a_data_folder(tmp_path: Path, daemon_of):
    """The second one says so and ends; the first goes on."""
    library = make_library(tmp_path / "library")
    daemon = daemon_of(library.folder)
    second = tomed("serve", "--library", library.folder, "--data", daemon.data, "--port", "0")
    assert (second.returncode, "Another tomed" in second.stderr) == (1, True)
    assert daemon.get("/health").status == 200


def test_every_command_is_in_the_readme_and_has_help():
    """Whoever reads the README knows every command; each explains itself."""
    readme = (ROOT / "README.md").read_text()
    for name in COMMANDS:
        assert f"`tomed {name}" in readme, name
    assert parser().format_help()
