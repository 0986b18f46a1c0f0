"""``tomed check``: what is wrong with library, data folder and configuration, and how to mend it. Changes nothing."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw

from tomed import bundle
from tomed import config as configuration
from tomed.calibre.find import find_library
from tomed.calibre.library import NEWEST_SCHEMA, Library
from tomed.commands import add_data_arguments, load_config
from tomed.config import Config
from tomed.errors import ConfigError, TomedError
from tomed.store import users
from tomed.store.db import connect
from tomed.store.migrations import available

LOW_DISK_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``mend`` says what to do when it is not ``good``."""

    good: bool
    what: str
    mend: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``check``."""
    parser.add_argument("--library", type=Path, action="append", metavar="DIR", help="a Calibre library (repeatable)")
    add_data_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; 1 when any needs mending."""
    findings = list(_everything(arguments))
    for finding in findings:
        print(f"{'ok   ' if finding.good else 'WRONG'}  {finding.what}")
        if finding.mend:
            print(f"       {finding.mend}")
    return 0 if all(finding.good for finding in findings) else 1


def _everything(arguments: argparse.Namespace) -> Iterator[Finding]:
    file = arguments.config or configuration.default_config_file()
    try:
        config = load_config(arguments, library=arguments.library)
    except ConfigError as err:
        for fault in err.details.get("faults", [err.message]):
            yield Finding(False, "Configuration", fault)
        return
    told = "" if file.is_file() else f" (none at {file}: every setting has its default)"
    yield Finding(True, f"Configuration{told}")
    yield from _data(config)
    yield from _libraries(config)
    yield from _shipped()


def _libraries(config: Config) -> Iterator[Finding]:
    folders = [library.path for library in config.libraries]
    if not folders:
        found = find_library()
        if found is None:
            yield Finding(False, "Library", "Calibre's own settings name none. Use --library, or library in the file.")
            return
        yield Finding(True, f"Library taken from Calibre's own settings: {found}")
        folders = [found]
    for folder in folders:
        yield _library(folder)
        if config.data == folder or folder in config.data.parents:
            yield Finding(
                False, f"Data folder {config.data}", "It lies inside the library. Choose another with --data."
            )


def _library(folder: Path) -> Finding:
    library = Library(folder)
    try:
        facts = library.facts()
    except TomedError as err:
        return Finding(False, f"Library {folder}", err.message)
    finally:
        library.close()
    if facts.schema > NEWEST_SCHEMA:
        return Finding(
            True,
            f"Library {folder}: {facts.books} books, schema {facts.schema}",
            f"Calibre is newer than what this tomed was tried with (schema {NEWEST_SCHEMA}); it reads what it knows.",
        )
    return Finding(True, f"Library {folder}: {facts.books} books, schema {facts.schema}")


def _data(config: Config) -> Iterator[Finding]:
    folder = config.data
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Finding(False, f"Data folder {folder}", f"{existing} can't be written by this user. Use --data or chown.")
        return
    free = shutil.disk_usage(existing).free
    yield Finding(
        free >= LOW_DISK_BYTES,
        f"Data folder {folder}: {free // 1024**2:,} MB free",
        "" if free >= LOW_DISK_BYTES else "Make room: a full disk stops the recording of what you read.",
    )
    if config.database.exists():
        yield _database(config.database)
    else:
        yield Finding(True, "Database: none yet, tomed serve makes it")


def _database(path: Path) -> Finding:
    try:
        connection = connect(path, readonly=True)
        try:
            version = connection.pragma("user_version")
            newest = available()[-1][0]
            if version > newest:
                return Finding(
                    False, f"Database {path}: schema {version}", f"This tomed knows {newest}: install a newer one."
                )
            fault = connection.execute("PRAGMA quick_check(1)").get
            people = users.count(connection) if version else 0
        finally:
            connection.close()
    except apsw.Error as err:
        return Finding(
            False,
            f"Database {path}",
            f"It can't be read ({err}). Stop tomed, and put a backup in its place: tomed restore FILE",
        )
    if fault != "ok":
        return Finding(
            False,
            f"Database {path}",
            f"It is damaged ({fault}). Stop tomed, and put a backup in its place: tomed restore FILE",
        )
    return Finding(True, f"Database {path}: schema {version}, {people} people")


def _shipped() -> Iterator[Finding]:
    manifest = Path(__file__).resolve().parent.parent / "static" / "manifest.json"
    yield Finding(
        manifest.is_file(),
        "Web reader",
        "" if manifest.is_file() else "It was not built: run make setup, or install the wheel.",
    )
    try:
        folder = bundle.plugin_folder()
        yield Finding(True, f"KOReader plugin {bundle.plugin_version(folder)}")
    except TomedError as err:
        yield Finding(False, "KOReader plugin", err.message)
