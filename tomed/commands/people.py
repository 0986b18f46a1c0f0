"""``tomed user add``, ``tomed user password`` and ``tomed token create``."""

from __future__ import annotations

import argparse
import getpass
import sys

import apsw

from tomed.clock import now_ms
from tomed.commands import add_data_arguments, open_store
from tomed.errors import Invalid, NotFound
from tomed.model import User
from tomed.passwords import hash_password
from tomed.signing_in import replace_password
from tomed.store import tokens, users


def add_user_arguments(parser: argparse.ArgumentParser) -> None:
    """``user add NAME`` and ``user password NAME``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a person of the household")
    add.add_argument("--admin", action="store_true", help="may add people (the first person always may)")
    password = actions.add_parser("password", help="give somebody a new password, who forgot theirs")
    for action, work in ((add, _add), (password, _change_password)):
        action.add_argument("name", metavar="NAME")
        action.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        action.set_defaults(work=work)
        add_data_arguments(action)


def run_user(arguments: argparse.Namespace) -> int:
    """Add a person or change a password, which is asked for twice, or read from standard input."""
    hashed = hash_password(_password(from_stdin=arguments.password_stdin))
    store = open_store(arguments)
    try:
        store.write_now(lambda c: arguments.work(c, arguments, hashed))
    finally:
        store.close()
    print(f"{arguments.name} can sign in now.", file=sys.stderr)
    return 0


def _add(connection: apsw.Connection, arguments: argparse.Namespace, hashed: str) -> None:
    is_admin = arguments.admin or users.count(connection) == 0
    users.create(connection, arguments.name, hashed, is_admin=is_admin, now=now_ms())


def _change_password(connection: apsw.Connection, arguments: argparse.Namespace, hashed: str) -> None:
    replace_password(connection, _user(connection, arguments.name).id, hashed, now_ms())


def _user(connection: apsw.Connection, name: str) -> User:
    user = users.by_name(connection, name)
    if user is None:
        raise NotFound(f"There is no user named {name}. Add one with: tomed user add NAME")
    return user


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise Invalid("The two passwords are not the same.")
    return password


def add_token_arguments(parser: argparse.ArgumentParser) -> None:
    """``token create USER --name DEVICE``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a token for a device and print it")
    create.add_argument("user", metavar="USER")
    create.add_argument("--name", required=True, metavar="DEVICE", help="what the device is called in lists")
    add_data_arguments(create)


def run_token(arguments: argparse.Namespace) -> int:
    """Make a device's token and print it alone on standard output: it can't be shown again."""
    store = open_store(arguments)
    try:

        def work(connection: apsw.Connection) -> str:
            user = _user(connection, arguments.user)
            return tokens.issue(connection, user.id, "device", arguments.name, now_ms())

        print(store.write_now(work))
    finally:
        store.close()
    return 0
