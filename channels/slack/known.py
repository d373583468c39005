"""What the channel remembers of where it speaks: bounded; in the vault what a restart must not lose."""

from __future__ import annotations

from bot.model import Address
from bot.ports import Vault
from channels.slack.lately import Lately


class Known:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._threads = Lately[tuple[str, str], bool]()
        """Threads of channels in which we speak."""
        self.asking = Lately[Address, tuple[str, str]]()
        """Workspace and id of whoever spoke last: a stream in a channel is for somebody."""
        self.people = Lately[str, tuple[str, str, str]]()
        """Name, language and time zone, by workspace and id."""
        self.posted = Lately[tuple[str, str], str]()
        """The thread of messages of ours, by chat and ts."""
        self._direct = Lately[str, str]()
        """Direct messages with people, by workspace and id."""

    async def speak_in(self, to: Address) -> None:
        if not self._threads.get((to.chat, to.thread)):
            await self._vault.put(f"thread/{to.chat}/{to.thread}", b"1")
            self._threads.put((to.chat, to.thread), True)

    async def speaks_in(self, to: Address) -> bool:
        if not self._threads.get((to.chat, to.thread)):
            if await self._vault.get(f"thread/{to.chat}/{to.thread}") is None:
                return False
            self._threads.put((to.chat, to.thread), True)
        return True

    def said(self, to: Address, ts: str) -> None:
        """A message of ours stands there."""
        self.posted.put((to.chat, ts), to.thread)
        if to.thread and not to.thread.startswith("@"):
            self._threads.put((to.chat, to.thread), True)

    async def direct(self, person: str) -> str:
        """The direct messages with somebody (workspace and id); empty: not known."""
        if (known := self._direct.get(person)) is None:
            known = (await self._vault.get(f"direct/{person}") or b"").decode()
            if known:
                self._direct.put(person, known)
        return known

    async def met(self, person: str, channel: str) -> None:
        """Those are the direct messages with them."""
        if await self.direct(person) != channel:
            await self._vault.put(f"direct/{person}", channel.encode())
            self._direct.put(person, channel)
