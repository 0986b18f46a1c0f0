"""SQL of the people who read here."""

from __future__ import annotations

from typing import Any

import apsw
import msgspec

from tomed.errors import Conflict, Invalid
from tomed.model import User, UserId

NAME_MAX = 64

_COLUMNS = "id, name, is_admin, time_zone, day_start_minute, idle_cap_s, week_start, settings"


def create(
    connection: apsw.Connection, name: str, password_hash: str | None, *, is_admin: bool = False, now: int
) -> UserId:
    """Add a person. Raises Invalid for an unusable name, Conflict when somebody has it already (whatever the case)."""
    name = name.strip()
    if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
        raise Invalid(f"A name needs 1 to {NAME_MAX} ordinary characters.")
    if by_name(connection, name) is not None:
        raise Conflict(f"There is a user named {name} already.")
    connection.execute(
        "INSERT INTO users (name, password_hash, is_admin, created_at) VALUES (?, ?, ?, ?)",
        (name, password_hash, int(is_admin), now),
    )
    return UserId(connection.last_insert_rowid())


def from_row(row: tuple[Any, ...]) -> User:
    """A row of the columns ``id, name, is_admin, time_zone, day_start_minute, idle_cap_s, week_start, settings``."""
    user_id, name, is_admin, time_zone, day_start, idle_cap_s, week_start, settings = row
    return User(
        UserId(user_id),
        name,
        bool(is_admin),
        time_zone,
        day_start,
        idle_cap_s,
        week_start,
        msgspec.json.decode(settings) if settings != "{}" else {},
    )


def by_id(connection: apsw.Connection, user_id: int) -> User | None:
    """The user with this id."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM users WHERE id = ?", (user_id,)).fetchone()
    return from_row(row) if row else None


def by_name(connection: apsw.Connection, name: str) -> User | None:
    """The user of this name; case does not matter."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM users WHERE name = ?", (name.strip(),)).fetchone()
    return from_row(row) if row else None


def everyone(connection: apsw.Connection) -> list[User]:
    """All users, by name."""
    return [from_row(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM users ORDER BY name")]


def count(connection: apsw.Connection) -> int:
    """How many users there are; 0 means that nobody has signed in yet."""
    return int(connection.execute("SELECT count(*) FROM users").get)


def password_hash(connection: apsw.Connection, user_id: int) -> str | None:
    """The Argon2 hash of a user's password; None when the user has none and so can't sign in by one."""
    row = connection.execute("SELECT password_hash FROM users WHERE id = ?", (user_id,)).fetchone()
    return row[0] if row else None


def set_password(connection: apsw.Connection, user_id: int, new_hash: str) -> None:
    """Replace a user's password hash."""
    connection.execute("UPDATE users SET password_hash = ? WHERE id = ?", (new_hash, user_id))


def update_settings(
    connection: apsw.Connection,
    user_id: int,
    *,
    time_zone: str,
    day_start_minute: int,
    week_start: int,
    idle_cap_s: int,
) -> None:
    """Keep how a user counts days and sittings; the caller has checked the values."""
    connection.execute(
        "UPDATE users SET time_zone = ?, day_start_minute = ?, week_start = ?, idle_cap_s = ? WHERE id = ?",
        (time_zone, day_start_minute, week_start, idle_cap_s, user_id),
    )


def show_statistics(connection: apsw.Connection, user_id: int, shows: bool) -> None:
    """Keep whether the others of the household may look at a user's statistics."""
    connection.execute(
        "UPDATE users SET settings = json_set(settings, '$.shows_statistics', json(?)) WHERE id = ?",
        ("true" if shows else "false", user_id),
    )


def delete_reading(connection: apsw.Connection, user_id: int) -> None:
    """Remove everything a user has read. Receipts stay: what a device sends again must not come back."""
    for table in ("readings", "positions", "sessions", "verdicts", "documents"):
        connection.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))


def delete(connection: apsw.Connection, user_id: int) -> None:
    """Remove a user and everything that is theirs."""
    delete_reading(connection, user_id)
    connection.execute("DELETE FROM users WHERE id = ?", (user_id,))
