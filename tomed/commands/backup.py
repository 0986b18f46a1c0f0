"""``tomed backup DEST`` and ``tomed restore FILE``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tomed.clock import format_compact, now_ms
from tomed.commands import add_data_arguments, load_config
from tomed.errors import Conflict
from tomed.progress import show_copying
from tomed.store.backups import Contents, back_up, restore
from tomed.store.folder import only_one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``backup DEST``."""
    parser.add_argument("target", type=Path, metavar="DEST", help="a file, or a folder that is there already")
    parser.add_argument("--replace", action="store_true", help="a file of that name may be overwritten")
    add_data_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Copy the database; prints the path of the copy alone on standard output."""
    config = load_config(arguments)
    target: Path = arguments.target
    if target.is_dir():
        target = target / f"tomed-{format_compact(now_ms())}.db"
    library = next((folder for folder in target.absolute().parents if (folder / "metadata.db").exists()), None)
    if library is not None:
        raise Conflict(f"{library} is a Calibre library, where tomed writes nothing. Choose another place.")
    with show_copying("Copying") as on_step:
        contents = back_up(config.database, target, replace=arguments.replace, on_step=on_step)
    print(target)
    print(f"{target.stat().st_size / 1e6:,.1f} MB: {_told(contents)}", file=sys.stderr)
    return 0


def add_restore_arguments(parser: argparse.ArgumentParser) -> None:
    """``restore FILE``."""
    parser.add_argument("file", type=Path, metavar="FILE", help="made by tomed backup, or by an upgrade")
    add_data_arguments(parser)


def run_restore(arguments: argparse.Namespace) -> int:
    """Put a backup in the database's place, and say where the replaced one is kept."""
    config = load_config(arguments)
    with only_one(config.data), show_copying("Copying") as on_step:
        contents, kept = restore(arguments.file, config.database, now_ms(), on_step)
    print(f"{config.database} is {arguments.file} now: {_told(contents)}", file=sys.stderr)
    if kept is not None:
        print(f"What was there is kept as {kept}", file=sys.stderr)
    return 0


def _told(contents: Contents) -> str:
    return (
        f"{contents.people} people, {contents.sessions:,} sittings, {contents.positions:,} positions, "
        f"schema {contents.schema}."
    )
