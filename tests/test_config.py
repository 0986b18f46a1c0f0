"""Configuration: one file, every fault told at once, every key documented."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.data import ROOT
from tomed import config
from tomed.errors import ConfigError


def test_the_example_names_every_key_and_is_valid():
    """``config.example.toml`` documents all keys, no unknown one, and loads as it stands."""
    example = ROOT / "config.example.toml"
    assert set(tomllib.loads(example.read_text())) == set(config.KEYS)
    loaded = config.load(example, environ={})
    assert loaded.base_path == "/tomed"


def test_nothing_has_to_be_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without a file everything has its default, and only this machine is let in."""
    monkeypatch.setattr(config, "default_config_file", lambda: tmp_path / "none.toml")
    loaded = config.load(environ={})
    assert (loaded.host, loaded.port, loaded.base_path) == ("127.0.0.1", config.DEFAULT_PORT, "")


def test_all_faults_are_told_at_once(tmp_path: Path):
    """A person mends a file in one go: each fault names its key and what it should be."""
    file = tmp_path / "config.toml"
    file.write_text(
        'port = 99999\nhots = "x"\npublic_url = "books"\npoll_s = "often"\ntrusted_proxies = ["x"]\nlibrary = 5\n'
    )
    with pytest.raises(ConfigError) as caught:
        config.load(file, environ={})
    for word in ("port", "hots", "public_url", "poll_s", "trusted_proxies", "library"):
        assert word in caught.value.message


@pytest.mark.parametrize("text", ["port = ", "\x00", "[[[["])
def test_what_is_no_toml_is_told(tmp_path: Path, text: str):
    """A broken file is a sentence, not a traceback."""
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="not readable"):
        config.load(file, environ={})


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path):
    """In a container variables are handy; what is typed counts most."""
    file = tmp_path / "config.toml"
    file.write_text('host = "10.0.0.1"\nport = 1\n')
    loaded = config.load(file, environ={"TOMED_PORT": "2", "TOMED_LIBRARY": "/a:/b"}, port=None)
    assert (loaded.host, loaded.port, [x.path.name for x in loaded.libraries]) == ("10.0.0.1", 2, ["a", "b"])
    assert config.load(file, environ={"TOMED_PORT": "2"}, port=3).port == 3


def test_a_missing_file_that_was_asked_for_is_an_error(tmp_path: Path):
    """``--config`` with a typo must not fall back to the defaults silently."""
    with pytest.raises(ConfigError, match="does not exist"):
        config.load(tmp_path / "no.toml", environ={})
