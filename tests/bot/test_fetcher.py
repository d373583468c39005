from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.errors import FileGone, TooLarge
from bot.fetcher import Fetcher
from bot.model import Address, Media
from bot.ports import Attachments, Capabilities, Limit, Receive
from bot.testing.clock import SettableClock
from bot.testing.files import MemoryFiles

ANA = Address("platform", "shop", "ana")


@dataclass
class Platform:
    """Its file has so many pieces of a kilobyte."""

    pieces: int
    name: str = "platform"
    account: str = "shop"
    given: int = 0

    def capabilities(self, to: Address) -> Capabilities:
        files = Attachments(bytes_in=10 * 1024)
        return Capabilities(text=Limit(1), marks=frozenset(), parts=frozenset(), buttons=None, files=files)

    async def run(self, receive: Receive) -> None: ...

    async def fetch(self, media: Media) -> AsyncIterator[bytes]:
        while self.given < self.pieces:
            self.given += 1
            yield b"x" * 1024


async def test_no_more_is_read_than_may_be_kept() -> None:
    """Whatever the platform said of its size."""
    platform, files = Platform(1_000_000), MemoryFiles()
    with pytest.raises(TooLarge) as refused:
        await Fetcher((platform,), files, SettableClock()).bring(ANA, Media("file", "f", size=1))
    assert (platform.given, refused.value.most, files.kept) == (11, 10 * 1024, {})


async def test_an_empty_file_is_none() -> None:
    files = MemoryFiles()
    with pytest.raises(FileGone):
        await Fetcher((Platform(0),), files, SettableClock()).bring(ANA, Media("file", "f"))
    assert files.kept == {}


async def test_where_nobody_fetches_a_file_cannot_be_had() -> None:
    for address in (Address("platform", "north", "ana"), Address("other", "shop", "ana")):
        with pytest.raises(FileGone):
            await Fetcher((Platform(1),), MemoryFiles(), SettableClock()).bring(address, Media("file", "f"))
