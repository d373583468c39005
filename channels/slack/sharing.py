"""Files of ours: uploaded in Slack's three steps, and shared once.

What is shared bears no key. The vault keeps the ids of the files before Slack is told to share them; after an attempt
whose outcome is unknown Slack is asked what became of those. https://docs.slack.dev/messaging/working-with-files
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from bot.errors import NotSent, Unshowable
from bot.model import Address, Media
from bot.ports import Clock, FileStore, Vault
from channels.slack.client import Workspaces
from channels.slack.place import place
from channels.slack.refusals import code_of
from channels.slack.render import Call

log = structlog.get_logger()
LOOKED_BACK = timedelta(hours=25)
"""How far a message is searched whose outcome is unknown: longer than the outbox tries."""
LARGEST = 1024 * 1024 * 1024
_TOLD_AFTER = (0.0, 0.5, 1.0, 2.0)
"""Seconds between two questions where a file was shared."""


class _Uploads(Struct, frozen=True):
    """Of one post: Slack's ids of its files."""

    at: datetime
    files: tuple[str, ...]


class Sharing:
    def __init__(self, account: str, workspaces: Workspaces, *, clock: Clock, vault: Vault, files: FileStore) -> None:
        self._account, self._workspaces = account, workspaces
        self._clock, self._vault, self._files = clock, vault, files

    async def share(self, to: Address, call: Call, key: str, *, again: bool) -> list[str]:
        """The ts of what it became; empty: Slack has it, and did not say where. Raises `NotSent`."""
        name = f"upload/{key}"
        if again and (before := await self._shared(to, name)) is not None:
            return before
        ids = tuple([await self._upload(to, file) for file in call.files])
        await self._vault.put(name, msgspec.json.encode(_Uploads(self._clock.now(), ids)))
        titled = [{"id": id, "title": file.name or id} for id, file in zip(ids, call.files, strict=True)]
        await self._workspaces.at(to, call.method, json=call.payload | {"files": titled})
        return await self._placed(to, ids[0])

    async def _shared(self, to: Address, name: str) -> list[str] | None:
        """None: an earlier attempt did not come so far."""
        kept = await self._vault.get(name)
        if kept is None:
            return None
        id = msgspec.json.decode(kept, type=_Uploads).files[0]
        try:
            await self._about(to, id)
        except Unshowable as error:
            if code_of(error) in ("file_not_found", "file_deleted"):
                return None
            raise
        return await self._placed(to, id)

    async def _placed(self, to: Address, id: str) -> list[str]:
        """Slack shares a file a moment after it has said yes. Whatever happens here, it is shared."""
        for seconds in _TOLD_AFTER:
            await self._clock.sleep(seconds)
            try:
                if found := _where(await self._about(to, id), place(to.chat)[1]):
                    return [found]
            except NotSent as error:
                log.info("slack.file_not_asked_for", account=self._account, why=error)
        log.warning("slack.file_not_placed", account=self._account, file=id)
        return []

    async def _about(self, to: Address, id: str) -> dict[str, Any]:
        file = (await self._workspaces.at(to, "files.info", params={"file": id})).get("file")
        return file if isinstance(file, dict) else {}

    async def _upload(self, to: Address, file: Media) -> str:
        kept = await self._files.look(file.ref)
        if kept.size > LARGEST:
            raise Unshowable(f"{file.name or file.kind} has {kept.size} bytes, and Slack takes {LARGEST}")
        team, _ = place(to.chat)
        named = file.name or f"{file.kind}{mimetypes.guess_extension(file.type or kept.type) or ''}"
        return await self._workspaces.upload(team, named, self._files.open(file.ref), size=kept.size, alt=file.alt)

    async def forget_old(self) -> None:
        """Ids of files whose messages nobody looks for any more."""
        for name in await self._vault.names("upload/"):
            kept = await self._vault.get(name)
            if kept and msgspec.json.decode(kept, type=_Uploads).at < self._clock.now() - LOOKED_BACK:
                await self._vault.put(name, None)


def _where(file: Mapping[str, Any], channel: str) -> str | None:
    """The ts of the message in which it stands there."""
    shares = file.get("shares")
    for chats in shares.values() if isinstance(shares, dict) else ():
        for share in chats.get(channel, ()):
            return str(share["ts"])
    return None
