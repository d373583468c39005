"""The channel of tests: deterministic, every capability and every fault settable; records what a customer would see."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bot.fit import plain
from bot.model import Address, Card, Choices, Incoming, Message, Notice, Opened, Pressed, Said, Sources, Text, text
from bot.ports import Accepted, Arrival, Buttons, Capabilities, Clock, Limit, Receipt, Receive

EVERYTHING = Capabilities(
    text=Limit(4096),
    marks=frozenset(("bold", "italic", "strike", "code", "fence", "quote", "item", "heading")),
    parts=frozenset((Text, Choices, Card, Sources, Notice)),
    buttons=Buttons(rows=8, per_row=4, label=40),
    resend="safe",
)


@dataclass(frozen=True, slots=True)
class Sent:
    to: Address
    message: Message
    key: str
    again: bool

    @property
    def text(self) -> str:
        return "\n".join(filter(None, map(plain, self.message.parts)))


@dataclass(slots=True)
class Memory:
    """Implements `Channel` and `Sending`. `faults` are raised by the next calls of `send`, one each; None: no fault.

    With `resend` other than `safe` what is sent again under a key that arrived before is shown once more.
    """

    clock: Clock
    account: str = "memory"
    can: Capabilities = EVERYTHING
    name: str = field(default="memory", init=False)
    sent: list[Sent] = field(default_factory=list)
    """What customers see, oldest first."""
    calls: list[Sent] = field(default_factory=list)
    """Every call of `send`, whatever became of it."""
    faults: list[Exception | None] = field(default_factory=list)
    lost_receipts: int = 0
    """So many sends arrive although the sender sees a fault: outcome unknown."""
    _receive: Receive | None = field(default=None, init=False)
    _running: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _keys: int = field(default=0, init=False)

    def capabilities(self, to: Address) -> Capabilities:
        return self.can

    async def run(self, receive: Receive) -> None:
        self._receive = receive
        self._running.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._running.clear()

    async def send(self, to: Address, message: Message, *, key: str, again: bool = False) -> Receipt:
        sent = Sent(to, message, key, again)
        self.calls.append(sent)
        fault = self.faults.pop(0) if self.faults else None
        arrives = fault is None or self.lost_receipts > 0
        known = self.can.resend == "safe" and any(earlier.key == key for earlier in self.sent)
        if arrives and not known:
            self.sent.append(sent)
        if fault is None:
            return Receipt((key,), self.clock.now())
        self.lost_receipts -= arrives
        raise fault

    async def say(self, chat: str, words: str, *, key: str = "", language: str = "en") -> Accepted:
        return await self.hear(chat, Said(text(words)), key=key, language=language)

    async def press(self, chat: str, label: str) -> Accepted:
        """Press the latest button with this label. Raises `LookupError` when none was shown."""
        for sent in reversed(self.sent):
            for part in sent.message.parts if sent.to.chat == chat else ():
                for option in part.options if isinstance(part, Choices | Card) else ():
                    if option.label == label:
                        return await self.hear(chat, Pressed(option.token, label))
        raise LookupError(f"no button {label!r} was shown in chat {chat!r}")

    async def open(self, chat: str, payload: str = "") -> Accepted:
        return await self.hear(chat, Opened(payload))

    async def hear(self, chat: str, body: Incoming, *, key: str = "", language: str = "en") -> Accepted:
        await self._running.wait()
        assert self._receive is not None
        self._keys += 1
        arrival = Arrival(
            account=self.account,
            key=key or f"{chat}.{self._keys}",
            raw=b"",
            to=self.address(chat),
            by=chat,
            at=self.clock.now(),
            bodies=(body,),
            language=language,
        )
        return await self._receive(arrival)

    def address(self, chat: str) -> Address:
        return Address("memory", self.account, chat)

    def seen(self, chat: str) -> list[str]:
        """What the customer of this chat has read, oldest first."""
        return [sent.text for sent in self.sent if sent.to.chat == chat]
