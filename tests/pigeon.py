"""A channel as another package would bring it: a module with `Settings` and `build`. Its platform is a list."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.responses import PlainTextResponse

from bot.errors import NotSent, SettingsError
from bot.model import Address, Incoming, Message, Pressed, Said, text
from bot.ports import (
    ASGI,
    Accepted,
    Arrival,
    Capabilities,
    Clock,
    FileStore,
    Finding,
    Random,
    Receipt,
    Receive,
    Shown,
    Vault,
)
from channels.memory import EVERYTHING, Sent


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    api: str = ""
    token: SecretStr
    pin: SecretStr | None = None
    birds: int = Field(default=1, ge=1)
    hook: str = ""


@dataclass
class Pigeon:
    account: str
    settings: Settings
    clock: Clock
    vault: Vault
    name: str = "pigeon"
    sent: list[Sent] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    """Raised by the next calls of `run`, one each."""
    refusals: list[NotSent] = field(default_factory=list)
    """Raised by the next calls of `send`, one each."""
    runs: int = 0
    receive: Receive | None = None
    keys: int = 0
    threads: list[str] = field(default_factory=list)
    """Titles, in order; the first thread's id is 1."""
    can: Capabilities = EVERYTHING

    def capabilities(self, to: Address) -> Capabilities:
        return self.can

    async def run(self, receive: Receive) -> None:
        self.runs += 1
        if self.faults:
            raise self.faults.pop(0)
        self.receive = receive
        try:
            await asyncio.Event().wait()
        finally:
            self.receive = None

    async def send(
        self,
        to: Address,
        message: Message,
        *,
        key: str,
        again: bool = False,
        shown: Shown | None = None,
        reply_to: str = "",
    ) -> Receipt:
        if self.refusals:
            raise self.refusals.pop(0)
        self.sent.append(Sent(to, message, key, again))
        return Receipt((key,), self.clock.now())

    async def edit(self, to: Address, ref: str, message: Message, *, key: str) -> Receipt:
        at = next(at for at, sent in enumerate(self.sent) if sent.key == ref)
        self.sent[at] = Sent(to, message, ref, False)
        return Receipt((ref,), self.clock.now())

    async def delete(self, to: Address, ref: str) -> None:
        self.sent = [sent for sent in self.sent if sent.key != ref]

    async def react(self, to: Address, ref: str, emoji: str | None) -> None: ...

    def routes(self, receive: Receive) -> Mapping[str, ASGI]:
        async def answer(scope: object, receive: object, send: object) -> None:
            await PlainTextResponse(f"coo {self.account}")(scope, receive, send)  # type: ignore[arg-type]

        return {self.settings.hook: answer} if self.settings.hook else {}

    async def open_thread(self, to: Address, title: str, *, key: str) -> Address:
        self.threads.append(title)
        return replace(to, thread=str(len(self.threads)))

    async def hear(self, words: str | Incoming, chat: str = "ana", *, thread: str = "", by: str = "") -> Accepted:
        assert self.receive is not None
        self.keys += 1
        to = Address(self.name, self.account, chat, thread)
        arrival = Arrival(
            account=self.account,
            key=str(self.keys),
            raw=b"",
            to=to,
            by=by or chat,
            at=self.clock.now(),
            bodies=(Said(text(words)) if isinstance(words, str) else words,),
            language="en",
        )
        return await self.receive(arrival)

    async def press(self, label: str, chat: str = "ana", *, thread: str = "", by: str = "") -> Accepted:
        """The latest button of that label."""
        buttons = (option for sent in reversed(self.sent) if sent.to.chat == chat for option in sent.options)
        token = next(option.token for option in buttons if option.label == label)
        return await self.hear(Pressed(token, label), chat, thread=thread, by=by)

    def seen(self, chat: str = "ana") -> list[str]:
        return [sent.text for sent in self.sent if sent.to.chat == chat]


BUILT: dict[str, Pigeon] = {}
"""By account, the last of each name."""


def build(account: str, settings: Settings, *, clock: Clock, random: Random, vault: Vault, files: FileStore) -> Pigeon:
    if settings.birds > 9:
        raise SettingsError("so many birds need a bigger loft")
    BUILT[account] = Pigeon(account, settings, clock, vault)
    return BUILT[account]


async def check(account: str, settings: Settings, *, vault: Vault) -> tuple[Finding, ...]:
    fed = await vault.get("fed")
    return Finding(True, "the loft answers"), Finding(bool(fed), "the birds are fed", do="" if fed else "feed them")


async def setup(account: str, settings: Settings, *, vault: Vault) -> tuple[Finding, ...]:
    await vault.put("fed", b"yes")
    return (Finding(True, "the birds were fed"),)
