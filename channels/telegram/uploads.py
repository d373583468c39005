"""Files of ours on their way to Telegram: uploaded once, and known there by their id from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.errors import TooLarge
from bot.mime import clean_name
from bot.model import Media
from bot.ports import KEPT, FileStore
from channels.telegram.client import upload
from channels.telegram.recent import Recent
from channels.telegram.render import MEGABYTE, Call

LONGEST_UPLOAD = 50 * MEGABYTE
LONGEST_LOCAL = 2000 * MEGABYTE
"""Through a Bot API server of one's own."""


class Uploads:
    def __init__(self, files: FileStore, *, local: bool) -> None:
        self._files, self._most = files, LONGEST_LOCAL if local else LONGEST_UPLOAD
        self._known: Recent[tuple[str, str], str] = Recent()
        """By the file and what it is shown as: the platform's id of it."""

    async def told(self, call: Call) -> dict[str, Any]:
        """What the call says, with an upload in the place of each file of ours that the platform has not.

        Raises `FileGone`, `TooLarge`, `StoreDown`.
        """
        files = {media.ref: media for media in call.files}
        told = dict(call.payload)
        if "media" in told:
            told["media"] = [
                {**item, "media": await self._source(item["type"], item["media"], files)} for item in told["media"]
            ]
            return told
        for kind, ref in call.payload.items():
            if isinstance(ref, str) and ref in files:
                told[kind] = await self._source(kind, ref, files)
        return told

    async def _source(self, kind: str, ref: str, files: Mapping[str, Media]) -> Any:
        if ref not in files:
            return ref
        if known := self._known.get((ref, kind)):
            return known
        kept = await self._files.look(ref, name=files[ref].name)
        if kept.size > self._most:
            raise TooLarge(f"Telegram takes files of up to {self._most // MEGABYTE} MB from bots", most=self._most)
        return upload(clean_name(files[ref].name, kept.type), lambda: self._files.open(ref))

    def learn(self, call: Call, made: Any) -> None:
        """Remember the ids that the platform gave them."""
        for kind, ref, one in self._shown(call, made):
            told = one.get(kind)
            last = told[-1] if isinstance(told, list) and told else told  # a photo comes in sizes, the largest last
            if isinstance(last, dict) and "file_id" in last:
                self._known.put((ref, kind), str(last["file_id"]))

    def forget(self, call: Call) -> bool:
        """Whether the call named files by ids that were known; they are not any more."""
        found = False
        for kind, ref, _ in self._shown(call, {}):
            found |= self._known.pop((ref, kind), None) is not None
        return found

    def _shown(self, call: Call, made: Any) -> list[tuple[str, str, Any]]:
        """Each file of ours in it: what it is shown as, its reference, and the message it became."""
        if "media" in call.payload:
            items = call.payload["media"]
            each = made if isinstance(made, list) else [{}] * len(items)
            found = [(str(item["type"]), str(item["media"]), one) for item, one in zip(items, each, strict=False)]
        else:
            refs = {media.ref for media in call.files}
            named = [(kind, ref) for kind, ref in call.payload.items() if isinstance(ref, str) and ref in refs]
            found = [(kind, ref, made) for kind, ref in named]
        return [(kind, ref, one) for kind, ref, one in found if ref.startswith(KEPT)]
