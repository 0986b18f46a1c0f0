"""Pairing by a short code, against the use case with a clock of the test's own, and over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.libraries import make_library
from tomed.errors import NotFound
from tomed.model import User, UserId
from tomed.pairing import CODES_PER_CLIENT, LASTS_MS, WRONG_PER_USER, Pairing
from tomed.signing_in import TooManyTries
from tomed.store import tokens, users
from tomed.store.db import Store

ANN = User(UserId(1), "ann")


@pytest.fixture
def now() -> list[int]:
    return [1_000_000]


@pytest.fixture
def pairing(tmp_path: Path, now: list[int]):
    store = Store.open(tmp_path / "tomed.db")
    store.write_now(lambda c: users.create(c, "ann", None, now=1))
    yield Pairing(store, lambda: now[0])
    store.close()


async def test_a_code_gives_one_token_once(pairing: Pairing):
    """The device gets its token once, after a person entered the code; the token is that person's."""
    offer = pairing.begin("Kobo", "10.0.0.5")
    assert await pairing.poll(offer.poll_token) is None
    assert pairing.approve(ANN, f" {offer.code[:3].lower()}-{offer.code[3:]}") == "Kobo"
    token, user = await pairing.poll(offer.poll_token)
    assert user == ANN
    found = pairing.store.read(lambda c: tokens.find(c, token, 1_000_000))
    assert (found[0].kind, found[0].name, found[1].name) == ("device", "Kobo", "ann")
    with pytest.raises(NotFound):
        await pairing.poll(offer.poll_token)


async def test_the_code_is_not_the_secret(pairing: Pairing):
    """Who reads the code off the screen can't fetch the token with it."""
    offer = pairing.begin("Kobo", "10.0.0.5")
    pairing.approve(ANN, offer.code)
    with pytest.raises(NotFound):
        await pairing.poll(offer.code)


async def test_codes_expire(pairing: Pairing, now: list[int]):
    """After five minutes neither side can use it, approved or not."""
    offer, approved = pairing.begin("A", "a"), pairing.begin("B", "a")
    pairing.approve(ANN, approved.code)
    now[0] += LASTS_MS
    with pytest.raises(NotFound):
        pairing.approve(ANN, offer.code)
    for each in (offer, approved):
        with pytest.raises(NotFound):
            await pairing.poll(each.poll_token)


def test_guessing_is_limited(pairing: Pairing, now: list[int]):
    """After some wrong codes a person must wait, even with the right one; another address asks for codes as before."""
    offer = pairing.begin("A", "a")
    for _ in range(WRONG_PER_USER):
        with pytest.raises(NotFound):
            pairing.approve(ANN, "AAAAAA")
    with pytest.raises(TooManyTries):
        pairing.approve(ANN, offer.code)
    for _ in range(CODES_PER_CLIENT - 1):
        pairing.begin("A", "a")
    with pytest.raises(TooManyTries):
        pairing.begin("A", "a")
    assert pairing.begin("B", "b")
    now[0] += LASTS_MS
    assert pairing.approve(ANN, pairing.begin("A", "a").code) == "A"


def test_over_http(tmp_path: Path, daemon_of):
    """The device needs no token to ask; entering the code needs a person."""
    daemon: Daemon = daemon_of(make_library(tmp_path / "library").folder)
    offer = daemon.post("/pair", {"device": {"name": "Clara"}}, token="").json
    assert daemon.post("/pair/poll", {"poll_token": offer["poll_token"]}, token="").json == {"state": "waiting"}
    assert daemon.post("/pair/approve", {"code": offer["code"]}, token="").status == 401
    assert daemon.post("/pair/approve", {"code": offer["code"]}).json == {"device": "Clara"}
    paired = daemon.post("/pair/poll", {"poll_token": offer["poll_token"]}, token="").json
    assert (paired["state"], paired["user"]) == ("paired", "ann")
    assert daemon.get("/books", token=paired["token"]).status == 200
    assert daemon.post("/pair/poll", {"poll_token": offer["poll_token"]}, token="").status == 404
