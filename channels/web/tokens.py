"""Who a visitor is: a secret kept by the browser, its hash in our log, and between the two a signed token of an hour.

Nothing is stored for it. The token says whose it is; whoever holds it may read and write that visitor's conversations.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

import msgspec

from bot.ports import Clock, Random

TOKEN_SECONDS = 3600
_SECRET_BYTES = 32
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Visitor:
    """What a token says. `identity` is the hash of the visitor's secret, as 64 hexadecimal digits."""

    identity: str
    language: str
    ends_at: float
    """Seconds since 1970."""
    zone: str = ""


class _Claim(msgspec.Struct, frozen=True, array_like=True):
    account: str
    identity: str
    language: str
    ends_at: int
    zone: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Claim).decode


class Tokens:
    """Makes and reads the tokens of one account."""

    def __init__(self, secret: bytes, account: str, clock: Clock) -> None:
        self._key = hmac.digest(secret, b"frontdesk widget token", "sha256")
        self._account, self._clock = account, clock

    def grant(self, identity: str, language: str, zone: str = "") -> str:
        ends_at = int(self._clock.now().timestamp()) + TOKEN_SECONDS
        signed = _base64(_encode(_Claim(self._account, identity, language, ends_at, zone)))
        return f"{signed}.{self._signature(signed.encode())}"

    def verify(self, token: str) -> Visitor | None:
        """None for everything that is not a token of this account, unchanged and of the last hour."""
        try:
            return self._verify(token)
        except Exception:
            return None

    def has_ended(self, visitor: Visitor) -> bool:
        return self._clock.now().timestamp() >= visitor.ends_at

    def _verify(self, token: str) -> Visitor | None:
        if len(token) > _LONGEST:
            return None
        signed, _, signature = token.encode("ascii").rpartition(b".")
        if not hmac.compare_digest(signature, self._signature(signed).encode()):
            return None
        claim = _decode(base64.urlsafe_b64decode(signed + b"=="))
        visitor = Visitor(claim.identity, claim.language, claim.ends_at, claim.zone)
        return None if claim.account != self._account or self.has_ended(visitor) else visitor

    def _signature(self, signed: bytes) -> str:
        return _base64(hmac.digest(self._key, signed, "sha256"))


def new_secret(random: Random) -> str:
    """256 bits, as 43 characters of base64url."""
    return _base64(hashlib.sha256(f"{random.token()}{random.token()}".encode()).digest())


def identity_of(secret: str) -> str | None:
    """The hash a visitor is known by; None: this is no visitor's secret."""
    try:
        held = base64.urlsafe_b64decode(secret + "=")
    except ValueError:
        return None
    if len(held) != _SECRET_BYTES or _base64(held) != secret:
        return None
    return hashlib.sha256(held).hexdigest()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
