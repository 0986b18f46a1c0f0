"""The use cases of signing in: by password, by a one-time link, and what a token stands for.

Passwords are guessed slowly here: after a few failures a name and an address must wait, longer each time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

import apsw

from tomed.clock import Clock
from tomed.errors import Invalid, TomedError, Unauthorized
from tomed.model import User, UserId
from tomed.passwords import hash_password, verify_password
from tomed.store import tokens, users
from tomed.store.db import Store

FREE_FAILURES = 5
"""Wrong passwords in a row that cost nothing: people mistype."""

LONGEST_WAIT_MS = 15 * 60 * 1000
KEPT_FAILURES = 10_000


class TooManyTries(TomedError):
    """Wait before the next try; ``details['retry_after_s']`` says how long."""

    code = "too_many_requests"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person, and the token of their browser's session."""

    user: User
    token: str


class SignIn:
    """Signs people in; one object a daemon, because it remembers who failed."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._hashing = asyncio.Semaphore(1)  # 19 MiB each: a burst of guesses must not fill the memory

    async def sign_in(self, name: str, password: str, client: str) -> SignedIn:
        """Sign in by name and password; ``client`` is the address that asks.

        Raises:
            Unauthorized: no such pair; TooManyTries: wait first.
        """
        keys = (f"name:{name.strip().casefold()}", f"client:{client}")
        self._check_wait(keys)
        user = self._store.read(lambda c: users.by_name(c, name))
        stored = self._store.read(lambda c: users.password_hash(c, user.id)) if user else None
        async with self._hashing:
            right = await asyncio.to_thread(verify_password, stored, password)
        if not right or user is None:
            self._note_failure(keys)
            raise Unauthorized("Name and password do not fit together.")
        for key in keys:
            self._failures.pop(key, None)
        return SignedIn(user, await self.web_token(user.id))

    async def accept_invitation(self, secret: str, name: str, password: str) -> SignedIn:
        """Make the account that a one-time link is for, and sign it in. The first person is the household's admin.

        Raises:
            Unauthorized: the link was used or has expired; Invalid, Conflict: name or password won't do.
        """
        hashed = await self._hash(password)
        now = self._clock()

        def work(connection: apsw.Connection) -> UserId:
            purpose = tokens.use_invitation(connection, secret, now)
            if purpose is None or (purpose == "first" and users.count(connection)):
                raise Unauthorized("This link has been used or has expired. Ask for a new one, or sign in.")
            return users.create(connection, name, hashed, is_admin=purpose == "first", now=now)

        user_id = await self._store.write(work)
        user = self._store.read(lambda c: users.by_id(c, user_id))
        if user is None:
            raise Invalid("The account could not be made.")
        return SignedIn(user, await self.web_token(user_id))

    async def change_password(self, user_id: int, password: str) -> None:
        """Give a person a new password, which ends every browser's session: whoever knew the old one is out.

        Raises:
            Invalid: the password won't do.
        """
        hashed, now = await self._hash(password), self._clock()
        await self._store.write(lambda c: replace_password(c, user_id, hashed, now))

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(hash_password, password)

    async def web_token(self, user_id: int) -> str:
        """A new session for a browser. Always a new one at sign-in, so that none can be planted before."""
        now = self._clock()
        return await self._store.write(
            lambda c: tokens.issue(c, user_id, "web", "Browser", now, expires_at=now + tokens.WEB_SESSION_MS)
        )

    def _check_wait(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            count, at = self._failures.get(key, (0, 0))
            if count < FREE_FAILURES:
                continue
            wait_ms = min(1000 * 2 ** (count - FREE_FAILURES), LONGEST_WAIT_MS) - (self._clock() - at)
            if wait_ms > 0:
                seconds = -(-wait_ms // 1000)
                raise TooManyTries(f"Too many wrong passwords. Try again in {seconds} s.", retry_after_s=seconds)

    def _note_failure(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            count, _ = self._failures.pop(key, (0, 0))
            self._failures[key] = (min(count + 1, 40), self._clock())
        while len(self._failures) > KEPT_FAILURES:
            self._failures.popitem(last=False)


def replace_password(connection: apsw.Connection, user_id: int, hashed: str, now: int) -> None:
    """Set the hash of a new password and end every browser's session of that person."""
    users.set_password(connection, user_id, hashed)
    tokens.revoke_kind(connection, user_id, "web", now)


async def first_invitation(store: Store, now: int) -> str | None:
    """The secret of the link that signs the first person in; None when somebody is there already."""
    if store.read(users.count):
        return None
    return await store.write(lambda c: tokens.invite(c, "first", now))
