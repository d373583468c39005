"""Brings home what customers sent on platforms: fetched once through the channel it came by, then it is ours.

A platform's own address of a file ends after minutes or days; who reads the conversation later finds it all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import msgspec

from bot.errors import FileGone, Forbidden, NotSent, TooLarge, Unreachable, Unshowable
from bot.model import Address, Media
from bot.ports import KEPT, Channel, Clock, Files, FileStore, Kept
from bot.waiting import within

MOST = 25 * 1024 * 1024
"""Bytes of one file."""
_AT_ONCE = 8
_PATIENCE = timedelta(minutes=1)


class Fetcher:
    def __init__(self, channels: Sequence[Channel], files: FileStore, clock: Clock, *, most: int = MOST) -> None:
        self._channels = {(channel.name, channel.account): channel for channel in channels}
        self._files, self._clock, self._most = files, clock, most
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def bring(self, address: Address, media: Media) -> Kept:
        """The file of a part, wherever it is as yet. `address`: of the conversation that it was said in.

        Raises `FileGone` when it can no longer be had, `TooLarge`, `Unreachable` when it may be had later, `StoreDown`.
        """
        if media.ref.startswith(KEPT):
            return await self._files.look(media.ref, name=media.name)
        source = msgspec.json.encode((address.channel, address.account, media.ref)).decode()
        if ref := await self._files.remembered(source):
            try:
                return await self._files.look(ref, name=media.name)
            except FileGone:  # somebody tidied the folder: it may still be had where it was
                pass
        kept = await self._fetched(address, media)
        await self._files.remember(source, kept.ref)
        return kept

    async def _fetched(self, address: Address, media: Media) -> Kept:
        channel = self._channels.get((address.channel, address.account))
        if channel is None or not isinstance(channel, Files):
            raise FileGone(f"nothing fetches files of {address.channel!r}, account {address.account!r}")
        can = channel.capabilities(address).files
        most = min(self._most, can.bytes_in) if can else self._most
        if media.size > most:
            raise TooLarge(f"a file of {media.size} bytes", most=most)
        try:
            async with self._free:
                keeping = self._files.keep(_whole(channel.fetch(media)), most=most, name=media.name)
                return await within(self._clock, _PATIENCE, keeping)
        except TimeoutError as error:
            raise Unreachable("the file did not come") from error
        except (TooLarge, FileGone, Unreachable):
            raise
        except Forbidden as error:
            raise _gone_or_later(error) from error
        except Unshowable as error:
            raise FileGone(str(error)) from error
        except NotSent as error:
            raise Unreachable(str(error)) from error


async def _whole(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Nothing at all is no file."""
    empty = True
    async for piece in pieces:
        empty = empty and not piece
        yield piece
    if empty:
        raise FileGone("the platform gave an empty file")


def _gone_or_later(error: Forbidden) -> NotSent:
    """An account that is refused now may be let in again; a file that is refused is not ours to have."""
    return Unreachable(str(error)) if error.scope == "account" else FileGone(str(error))
