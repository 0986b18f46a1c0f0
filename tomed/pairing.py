"""Pairing by a short code: the device shows it, a person who is signed in enters it, the device fetches its token.

What the device polls with is not the code but a long secret of its own, so reading the code off a screen gives nobody
a token. Codes live minutes, in memory only, and both asking for codes and entering wrong ones is limited.
"""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass, field

from tomed.clock import Clock
from tomed.errors import NotFound
from tomed.model import User
from tomed.signing_in import TooManyTries
from tomed.store import tokens
from tomed.store.db import Store

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without I, O, 0 and 1: nobody should have to guess what an e-ink screen shows."""

CODE_LENGTH = 6
LASTS_MS = 5 * 60 * 1000
INTERVAL_S = 3

CODES_PER_CLIENT = 5
CODES_AT_ALL = 200
WRONG_PER_USER = 10
"""Wrong codes a person may enter in ``LASTS_MS``: of 10⁹ codes that is no chance at all."""


@dataclass(slots=True)
class Offer:
    """A device that waits to be let in."""

    code: str
    poll_token: str
    device: str
    expires_at: int
    client: str
    user: User | None = None


@dataclass(slots=True)
class Pairing:
    """The offers of this daemon; one object of it."""

    store: Store
    clock: Clock
    _offers: dict[str, Offer] = field(default_factory=dict)
    _wrong: dict[int, deque[int]] = field(default_factory=dict)

    def begin(self, device: str, client: str) -> Offer:
        """Offer a code to a device; ``client`` is the address that asks.

        Raises:
            TooManyTries: it has asked for too many lately.
        """
        self._forget()
        theirs = sum(1 for offer in self._offers.values() if offer.client == client)
        if theirs >= CODES_PER_CLIENT or len(self._offers) >= CODES_AT_ALL:
            raise TooManyTries("Too many codes were asked for. Wait a few minutes.", retry_after_s=LASTS_MS // 1000)
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        offer = Offer(code, secrets.token_urlsafe(32), device or "E-reader", self.clock() + LASTS_MS, client)
        self._offers[offer.poll_token] = offer
        return offer

    def approve(self, user: User, code: str) -> str:
        """Let the device that shows ``code`` in as ``user``; its name.

        Raises:
            NotFound: no device shows that code now; TooManyTries: too many wrong ones.
        """
        self._forget()
        wrong = self._wrong.setdefault(user.id, deque())
        while wrong and wrong[0] <= self.clock() - LASTS_MS:
            wrong.popleft()
        if len(wrong) >= WRONG_PER_USER:
            raise TooManyTries("Too many wrong codes. Wait a few minutes.", retry_after_s=LASTS_MS // 1000)
        told = code.strip().upper().replace(" ", "").replace("-", "")
        for offer in self._offers.values():
            if offer.user is None and secrets.compare_digest(offer.code.encode(), told.encode()):
                offer.user = user
                return offer.device
        wrong.append(self.clock())
        raise NotFound("No e-reader shows this code now. Codes last five minutes.")

    async def poll(self, poll_token: str) -> tuple[str, User] | None:
        """The device's token and its person, once; None while nobody has entered the code.

        Raises:
            NotFound: the offer has expired, was fetched already or never was.
        """
        self._forget()
        offer = self._offers.get(poll_token)
        if offer is None:
            raise NotFound("This code has expired. Ask for a new one.")
        user = offer.user
        if user is None:
            return None
        del self._offers[poll_token]
        token = await self.store.write(lambda c: tokens.issue(c, user.id, "device", offer.device, self.clock()))
        return token, user

    def _forget(self) -> None:
        now = self.clock()
        for key in [key for key, offer in self._offers.items() if offer.expires_at <= now]:
            del self._offers[key]
