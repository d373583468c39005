from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from channels.web.tokens import TOKEN_SECONDS, Tokens, Visitor, identity_of, new_secret

IDENTITY = "5f" * 32


def tokens(account: str = "shop", secret: bytes = b"secret") -> tuple[Tokens, SettableClock]:
    clock = SettableClock()
    return Tokens(secret, account, clock), clock


def test_a_token_tells_who_asked_for_it() -> None:
    maker, clock = tokens()
    ends_at = clock.now().timestamp() + TOKEN_SECONDS
    assert maker.verify(maker.grant(IDENTITY, "fr")) == Visitor(IDENTITY, "fr", ends_at)
    assert maker.verify(maker.grant(IDENTITY, "fr", "Asia/Tokyo")) == Visitor(IDENTITY, "fr", ends_at, "Asia/Tokyo")


async def test_a_token_ends_after_an_hour() -> None:
    maker, clock = tokens()
    token = maker.grant(IDENTITY, "")
    await clock.advance(TOKEN_SECONDS - 1)
    assert maker.verify(token) is not None
    await clock.advance(1)
    assert maker.verify(token) is None


@pytest.mark.parametrize(("account", "secret"), [("other", b"secret"), ("shop", b"other")])
def test_another_accounts_or_servers_token_is_none(account: str, secret: bytes) -> None:
    foreign, _ = tokens(account, secret)
    assert tokens()[0].verify(foreign.grant(IDENTITY, "")) is None


def test_another_accounts_claim_under_our_key_is_none() -> None:
    # Accounts share the server's secret, so the signature alone does not tell them apart.
    assert tokens("other")[0].verify(tokens("shop")[0].grant(IDENTITY, "")) is None


def test_no_changed_character_passes() -> None:
    maker, _ = tokens()
    token = maker.grant(IDENTITY, "en")
    for at in range(len(token)):
        for other in "A_9.":
            changed = token[:at] + other + token[at + 1 :]
            assert changed == token or maker.verify(changed) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: ".",
        lambda token: token[:-1],
        lambda token: token[1:],
        lambda token: token + "A",
        lambda token: token + "=",
        lambda token: " " + token,
        lambda token: token.swapcase(),
        lambda token: token.partition(".")[0],
        lambda token: token.partition(".")[0] + ".",
        lambda token: "." + token.partition(".")[2],
        lambda token: token * 200,
        lambda token: "é" + token,
        lambda token: "\ud800" + token,
        lambda token: token + "\x00",
    ],
)
def test_what_is_no_token_is_none(change: object) -> None:
    maker, _ = tokens()
    assert maker.verify(change(maker.grant(IDENTITY, "")) if callable(change) else "") is None


@given(st.text())
def test_nothing_raises(given: str) -> None:
    assert tokens()[0].verify(given) is None
    assert identity_of(given) is None


def test_a_secret_has_256_bits_and_is_known_by_its_hash() -> None:
    secret = new_secret(SeededRandom(3))
    held = base64.urlsafe_b64decode(secret + "=")
    assert (len(secret), len(held)) == (43, 32)
    assert identity_of(secret) == hashlib.sha256(held).hexdigest()


def test_no_two_secrets_are_alike() -> None:
    random = SeededRandom(3)
    assert len({new_secret(random) for _ in range(100)}) == 100


@pytest.mark.parametrize("secret", ["", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 42 + "=", "A" * 42 + "\n", "é" * 43])
def test_what_is_no_secret_has_no_identity(secret: str) -> None:
    assert identity_of(secret) is None
