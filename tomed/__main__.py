"""The command line. Only parses; every command lives in ``tomed/commands/``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from tomed import __version__
from tomed.errors import TomedError

COMMANDS = {
    "serve": ("serve a Calibre library", "tomed.commands.serve", "add_arguments", "run"),
    "demo": ("serve a small library that tomed makes itself", "tomed.commands.serve", "add_demo_arguments", "run_demo"),
    "user": ("people of the household", "tomed.commands.people", "add_user_arguments", "run_user"),
    "token": ("tokens of devices", "tomed.commands.people", "add_token_arguments", "run_token"),
    "plugin": ("the KOReader plugin", "tomed.commands.plugin", "add_arguments", "run"),
    "check": ("say what is wrong, and how to mend it", "tomed.commands.check", "add_arguments", "run"),
    "backup": ("copy tomed's database, also while it runs", "tomed.commands.backup", "add_arguments", "run"),
    "restore": ("put a backup in its place", "tomed.commands.backup", "add_restore_arguments", "run_restore"),
    "locate": ("translate places of an EPUB", "tomed.commands.locate", "add_arguments", "run"),
    "import-statistics": (
        "read a KOReader statistics.sqlite3",
        "tomed.commands.import_statistics",
        "add_arguments",
        "run",
    ),
}
"""Name: (help, module, its function for the arguments, its function that runs). Imported only when named."""


def parser(named: str | None = None) -> argparse.ArgumentParser:
    """The parser, with the arguments of the command ``named`` or, with None, of all."""
    main_parser = argparse.ArgumentParser(
        prog="tomed", description="Reading on KOReader, in the browser and out of a Calibre library, as one thing."
    )
    main_parser.add_argument("--version", action="version", version=f"tomed {__version__}")
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (summary, module, add_arguments, _) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if named in (None, name):
            getattr(import_module(module), add_arguments)(command)
    return main_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit status. Errors that were foreseen are a sentence on standard error and status 1."""
    argv = sys.argv[1:] if argv is None else list(argv)
    named = next((word for word in argv if word in COMMANDS), "")
    arguments = parser(named).parse_args(argv)
    _, module, _, run_name = COMMANDS[arguments.command]
    run: Callable[[argparse.Namespace], int] = getattr(import_module(module), run_name)
    try:
        return run(arguments)
    except TomedError as err:
        print(f"tomed: {err.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
