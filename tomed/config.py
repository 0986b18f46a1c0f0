"""Configuration: a TOML file and ``TOMED_*`` variables become one frozen ``Config``.

Everything has a default. All faults are told at once, each with the key and its mend.
``config.example.toml`` documents every key; a test holds the two together.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from tomed.errors import ConfigError
from tomed.folding import fold
from tomed.kinds import DEFAULT_TAGS, KindRule

DEFAULT_PORT = 8788
CONFIG_NAME = "config.toml"
DATABASE_NAME = "tomed.db"


@dataclass(frozen=True, slots=True)
class LibraryConfig:
    """A Calibre library to serve."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a daemon needs to know before it starts."""

    libraries: tuple[LibraryConfig, ...] = ()
    data: Path = field(default_factory=lambda: default_data())
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    public_url: str = ""
    """The address that readers use, with its path prefix; empty: the one that a browser used."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose ``X-Forwarded-*`` headers are believed."""
    kinds: KindRule = field(default_factory=KindRule)
    """What makes a book a comic, manga, light novel …"""
    poll_s: float = 2.0
    """How often ``metadata.db`` is looked at besides the watcher: mounts do not always tell."""
    log_level: str = "info"

    @property
    def base_path(self) -> str:
        """Path prefix of every address, without a slash at its end: ``""`` or ``/books``."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def database(self) -> Path:
        """The sidecar's file."""
        return self.data / DATABASE_NAME


def default_data() -> Path:
    """Where the sidecar lies when nothing else is said."""
    return Path(platformdirs.user_data_dir("tomed", appauthor=False))


def default_config_file() -> Path:
    """The configuration that is read when ``--config`` is not given; it may be absent."""
    return Path(platformdirs.user_config_dir("tomed", appauthor=False)) / CONFIG_NAME


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ, **overrides: Any) -> Config:
    """Read the file (or the default one if there is one), then the environment, then ``overrides`` that are not None.

    Raises:
        ConfigError: with every fault that was found.
    """
    faults: list[str] = []
    table: dict[str, Any] = {}
    file = path or default_config_file()
    if path is not None and not file.is_file():
        faults.append(f"The configuration file {file} does not exist. Create it or leave --config out.")
    elif file.is_file():
        try:
            table = tomllib.loads(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
            faults.append(f"{file} is not readable as TOML: {err}")
    for key in KEYS:
        variable = f"TOMED_{key.upper()}"
        if variable in environ and key in FROM_ENVIRONMENT:
            table[key] = FROM_ENVIRONMENT[key](environ[variable])
    table.update({key: value for key, value in overrides.items() if value is not None})
    faults += [f"{file}: unknown key {key!r}. Known are: {', '.join(KEYS)}." for key in table if key not in KEYS]
    config = _build({key: value for key, value in table.items() if key in KEYS}, faults)
    if faults:
        raise ConfigError("\n".join(faults), faults=faults)
    return config


def _build(table: Mapping[str, Any], faults: list[str]) -> Config:
    config = Config()
    for key, value in table.items():
        try:
            config = replace(config, **{_FIELDS.get(key, key): KEYS[key](value)})
        except (ValueError, TypeError, KeyError) as err:
            faults.append(f"{key}: {err}")
    return config


def _libraries(value: Any) -> tuple[LibraryConfig, ...]:
    entries = value if isinstance(value, list) else [value]
    libraries = []
    for entry in entries:
        table = entry if isinstance(entry, dict) else {"path": entry}
        if not isinstance(table.get("path"), str | Path) or not str(table["path"]).strip():
            raise ValueError('must be the folder of a Calibre library, as in library = "/home/me/Calibre Library"')
        path = Path(table["path"]).expanduser().absolute()
        libraries.append(LibraryConfig(path, str(table.get("name") or path.name or path)))
    if len({library.path for library in libraries}) < len(libraries):
        raise ValueError("names the same folder twice")
    return tuple(libraries)


def _port(value: Any) -> int:
    if isinstance(value, bool) or not str(value).isdecimal() or not 0 <= int(value) <= 65535:
        raise ValueError(f"must be a number from 0 to 65535, not {value!r}")
    return int(value)


def _public_url(value: Any) -> str:
    parts = urlsplit(str(value))
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError(f"must be an address like https://books.example.org/tomed, not {value!r}")
    return str(value).rstrip("/")


def _networks(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError('must be a list of networks, as in ["192.168.1.0/24"]')
    return tuple(str(ipaddress.ip_network(str(entry), strict=False)) for entry in value)


def _kinds(value: Any) -> KindRule:
    if not isinstance(value, dict) or set(value) - {"column", "tags"}:
        raise TypeError('must be a table with column = "#kind" or [kinds.tags] "Manga" = "manga", or both')
    tags = value.get("tags", {})
    if not isinstance(tags, dict) or not all(isinstance(kind, str) and kind for kind in tags.values()):
        raise TypeError('tags must name a kind for each tag, as in "Manga" = "manga"')
    told = {fold(tag): kind for tag, kind in tags.items()}
    return KindRule(str(value.get("column", "")), {**DEFAULT_TAGS, **told})


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a text, not {value!r}")
    return value


def _level(value: Any) -> str:
    if value not in ("debug", "info", "warning", "error"):
        raise ValueError(f"must be debug, info, warning or error, not {value!r}")
    return str(value)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.2 <= value <= 3600:
        raise ValueError(f"must be a number of seconds from 0.2 to 3600, not {value!r}")
    return float(value)


KEYS: dict[str, Callable[[Any], Any]] = {
    "library": _libraries,
    "data": lambda value: Path(_text(str(value))).expanduser().absolute(),
    "host": _text,
    "port": _port,
    "public_url": _public_url,
    "trusted_proxies": _networks,
    "kinds": _kinds,
    "poll_s": _seconds,
    "log_level": _level,
}
"""Every key of the file and how its value is read; the reader raises ValueError with the mend."""

_FIELDS = {"library": "libraries"}

FROM_ENVIRONMENT: dict[str, Callable[[str], Any]] = {
    "library": lambda text: text.split(os.pathsep),
    "data": str,
    "host": str,
    "port": str,
    "public_url": str,
    "trusted_proxies": lambda text: text.split(","),
    "log_level": str,
}
"""Keys that a variable ``TOMED_KEY`` may set, and how its text becomes the value that the file would hold."""
