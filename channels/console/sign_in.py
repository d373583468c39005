"""Who is signed in: a random token in a cookie, its hash in the store. It ends when idle, when old, or when told."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from bot.errors import SettingsError
from bot.ports import Clock, Random, Store
from bot.units import Agent, DropSignIns, FindAgent, FindSignIn, PutAgent, PutSignIn, SignIn
from channels.console.accounts import plain_email
from channels.console.passwords import Passwords
from channels.console.problems import Denied
from channels.console.throttle import Throttle

IDLE_AFTER = timedelta(hours=12)
ENDS_AFTER = timedelta(days=7)
_SEEN_EVERY = timedelta(minutes=5)
"""How exactly idleness is kept: not every request is worth a write."""


@dataclass(frozen=True, slots=True)
class Present:
    """An agent, and the sign-in by which we know."""

    agent: Agent
    sign_in: SignIn


class SignIns:
    def __init__(self, store: Store, clock: Clock, random: Random, passwords: Passwords) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._passwords = passwords
        self._throttle = Throttle()

    async def begin(self, email: str, password: str, address: str) -> tuple[str, Present]:
        """The new cookie's value, and who it stands for. Raises `Denied`: the same for every wrong pair."""
        try:
            account = plain_email(email)
        except SettingsError:
            account = email[:254]
        if wait := self._throttle.wait(account, address, self._clock.monotonic()):
            raise Denied(429, "rate", "Too many tries. Wait, then try again.", wait=wait)
        self._throttle.count(account, address, self._clock.monotonic())
        agent = await self._store.read(FindAgent(email=account))
        fits = await self._passwords.fits(password, agent.password if agent else None)
        if not fits or agent is None or agent.disabled:
            raise Denied(401, "wrong_sign_in", "The e-mail address or the password is wrong.")
        self._throttle.forgive(account, address)
        if self._passwords.is_outdated(agent.password):
            agent = msgspec.structs.replace(agent, password=await self._passwords.hash(password))
            await self._store.write(PutAgent(agent))
        token = self._random.token() + self._random.token()
        now = self._clock.now()
        sign_in = SignIn(digest=digest(token), agent=agent.id, csrf=self._random.token(), created_at=now, seen_at=now)
        await self._store.write(PutSignIn(sign_in))
        return token, Present(agent, sign_in)

    async def find(self, token: str, *, seen: bool = True) -> Present | None:
        """Whom the cookie stands for, if anyone. `seen`: this counts as a sign of life."""
        present = await self.check(digest(token)) if token else None
        if present is None or not seen:
            return present
        now = self._clock.now()
        if now - present.sign_in.seen_at < _SEEN_EVERY:
            return present
        sign_in = msgspec.structs.replace(present.sign_in, seen_at=now)
        await self._store.write(PutSignIn(sign_in))
        return Present(present.agent, sign_in)

    async def check(self, digest: bytes) -> Present | None:
        """Whether the sign-in still holds; one that has ended is dropped."""
        found = await self._store.read(FindSignIn(digest))
        if found is None:
            return None
        sign_in, agent = found
        if agent.disabled or _is_over(sign_in, self._clock.now()):
            await self.end(digest)
            return None
        return Present(agent, sign_in)

    async def end(self, digest: bytes) -> None:
        await self._store.write(DropSignIns(digest=digest))


def digest(token: str) -> bytes:
    """Of a random token: there is nothing to guess, so a fast hash will do."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _is_over(sign_in: SignIn, now: datetime) -> bool:
    return now - sign_in.seen_at >= IDLE_AFTER or now - sign_in.created_at >= ENDS_AFTER
