"""SQL of tokens and one-time links. Only their SHA-256 is kept; they are long and random, so no slow hash is needed."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import apsw

from tomed.model import DeviceId, User, UserId
from tomed.store import users

WEB_SESSION_MS = 90 * 24 * 3600 * 1000
"""How long a browser stays signed in."""

INVITATION_MS = 24 * 3600 * 1000

TOUCH_MS = 60_000
"""A token's last use is noted at most this often: it is for people to look at, not worth a write a request."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a valid token stands for."""

    id: int
    user_id: UserId
    kind: str
    name: str
    device_id: DeviceId | None
    last_used_at: int | None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as its owner sees it in a list; the secret itself can't be shown again."""

    id: int
    kind: str
    name: str
    created_at: int
    last_used_at: int | None
    device_id: DeviceId | None
    device: str | None
    model: str
    koreader: str
    plugin: str
    clock_offset_ms: int = 0
    """How far the device's clock was behind ours when it last reported."""


def digest(secret: str) -> bytes:
    """The form in which a secret is kept and looked up."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def issue(
    connection: apsw.Connection,
    user_id: int,
    kind: str,
    name: str,
    now: int,
    *,
    device_id: int | None = None,
    expires_at: int | None = None,
) -> str:
    """Make a token of ``kind`` ``device`` or ``web`` and return it: the only time that it can be seen."""
    secret = f"tomed_{secrets.token_urlsafe(32)}"
    connection.execute(
        "INSERT INTO tokens (user_id, kind, name, hash, device_id, created_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (user_id, kind, name, digest(secret), device_id, now, expires_at),
    )
    return secret


def find(connection: apsw.Connection, secret: str, now: int) -> tuple[Token, User] | None:
    """What a token stands for, and whose it is; None when it is unknown, revoked or expired."""
    row = connection.execute(
        "SELECT t.id, t.user_id, t.kind, t.name, t.device_id, t.last_used_at, t.expires_at,"
        " u.id, u.name, u.is_admin, u.time_zone, u.day_start_minute, u.idle_cap_s, u.week_start, u.settings"
        " FROM tokens t JOIN users u ON u.id = t.user_id"
        " WHERE t.hash = ? AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > ?)",
        (digest(secret), now),
    ).fetchone()
    return (Token(*row[:7]), users.from_row(row[7:])) if row else None


def touch(connection: apsw.Connection, token_id: int, now: int) -> None:
    """Note that a token was used."""
    connection.execute("UPDATE tokens SET last_used_at = ? WHERE id = ?", (now, token_id))


def bind_device(connection: apsw.Connection, token_id: int, device_id: int) -> None:
    """Note which device uses a token."""
    connection.execute(
        "UPDATE tokens SET device_id = ? WHERE id = ? AND device_id IS NOT ?", (device_id, token_id, device_id)
    )


def rename(connection: apsw.Connection, user_id: int, token_id: int, name: str) -> bool:
    """Give one's own token another name; False when there is none."""
    connection.execute("UPDATE tokens SET name = ? WHERE id = ? AND user_id = ?", (name, token_id, user_id))
    return connection.changes() > 0


def revoke(connection: apsw.Connection, user_id: int, token_id: int, now: int) -> bool:
    """End one's own token; False when there is none that is still valid."""
    connection.execute(
        "UPDATE tokens SET revoked_at = ? WHERE id = ? AND user_id = ? AND revoked_at IS NULL", (now, token_id, user_id)
    )
    return connection.changes() > 0


def revoke_kind(connection: apsw.Connection, user_id: int, kind: str, now: int) -> int:
    """End all of a user's tokens of a kind ("sign out everywhere"); how many there were."""
    connection.execute(
        "UPDATE tokens SET revoked_at = ? WHERE user_id = ? AND kind = ? AND revoked_at IS NULL", (now, user_id, kind)
    )
    return connection.changes()


def of_user(connection: apsw.Connection, user_id: int, kind: str) -> list[TokenView]:
    """A user's valid tokens of a kind, with the device that uses each, newest first."""
    rows = connection.execute(
        "SELECT t.id, t.kind, t.name, t.created_at, t.last_used_at, t.device_id, d.name,"
        " coalesce(d.model, ''), coalesce(d.koreader, ''), coalesce(d.plugin, ''), coalesce(d.clock_offset_ms, 0)"
        " FROM tokens t LEFT JOIN devices d ON d.id = t.device_id"
        " WHERE t.user_id = ? AND t.kind = ? AND t.revoked_at IS NULL ORDER BY t.id DESC",
        (user_id, kind),
    )
    return [TokenView(*row) for row in rows]


def invite(connection: apsw.Connection, purpose: str, now: int) -> str:
    """Make the secret of a link that works once, for a day. ``purpose``: ``first`` (ends older ones) or ``user``."""
    secret = secrets.token_urlsafe(24)
    if purpose == "first":
        connection.execute("DELETE FROM invitations WHERE purpose = 'first'")
    connection.execute(
        "INSERT INTO invitations (hash, purpose, created_at, expires_at) VALUES (?, ?, ?, ?)",
        (digest(secret), purpose, now, now + INVITATION_MS),
    )
    return secret


def invitation(connection: apsw.Connection, secret: str, now: int) -> str | None:
    """What a link's secret is for; None when it was used, has expired or never was."""
    row = connection.execute(
        "SELECT purpose FROM invitations WHERE hash = ? AND used_at IS NULL AND expires_at > ?", (digest(secret), now)
    ).fetchone()
    return str(row[0]) if row else None


def use_invitation(connection: apsw.Connection, secret: str, now: int) -> str | None:
    """Use a link up and say what it was for; None when it is no longer good."""
    purpose = invitation(connection, secret, now)
    if purpose:
        connection.execute("UPDATE invitations SET used_at = ? WHERE hash = ?", (now, digest(secret)))
    return purpose
