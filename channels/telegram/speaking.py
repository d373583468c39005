"""How a bot of Telegram says things: messages, drafts, changes of what was said. One call is one attempt."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from bot import markup
from bot.errors import FileGone, NotSent, TooLarge, TryLater, Unreachable, Unshowable
from bot.fit import fit
from bot.model import Address, Message, Migrated, Text
from bot.ports import Arrival, Capabilities, Clock, FileStore, Receipt, Receive, Shown
from channels.telegram.client import Client, Conflict, Moved, Unchanged
from channels.telegram.place import PRIVATELY, Place, place_of
from channels.telegram.recent import Recent
from channels.telegram.render import Call, capabilities_of, draft, render
from channels.telegram.settings import Settings
from channels.telegram.uploads import LONGEST_LOCAL, Uploads

log = structlog.get_logger()

_DRAFT = "draft "
_OF_DRAFTS = frozenset(("draft_id", "can_stop", "keep_on_stop"))
_TEXTS = frozenset(("sendMessage", "sendRichMessage"))
_CAPTIONED = frozenset(("sendPhoto", "sendAnimation", "sendVideo", "sendAudio", "sendVoice", "sendDocument"))
_REWRITTEN = dict.fromkeys(_TEXTS, "editMessageText")
_EDITABLE = {
    "editMessageText": frozenset(("text", "entities", "link_preview_options", "rich_message", "reply_markup")),
    "editMessageCaption": frozenset(("caption", "caption_entities", "reply_markup")),
}


class Speaking:
    """Implements `Sending`, `Threads`, `Typing`, `Streaming` and `Editing`."""

    def __init__(self, account: str, settings: Settings, *, clock: Clock, files: FileStore) -> None:
        self.account = account
        self._settings, self._clock = settings, clock
        self._client = Client(settings.token.get_secret_value(), settings.api)
        self._receive: Receive | None = None
        # What a restart may forget: none of it is a promise.
        self._uploads = Uploads(files, local=settings.local)
        self._unknown: set[str] = set()
        """Methods that the server does not have."""
        self._keyboards: Recent[int, bool] = Recent()
        """Chats with a reply keyboard below them."""
        self._last: Recent[Address, str] = Recent()
        """In groups: the message of theirs that is answered next."""
        self._failing: Recent[str, bool] = Recent()
        """Drafts that the platform does not take."""

    def capabilities(self, to: Address) -> Capabilities:
        place = place_of(to)
        can = capabilities_of(place)
        if can.stream == "native" and self._settings.stream != "native":
            can = replace(can, stream=self._settings.stream)
        elif can.stream == "edit" and self._settings.stream == "whole":
            can = replace(can, stream="whole")
        if self._settings.local and can.files:
            can = replace(can, files=replace(can.files, bytes_in=LONGEST_LOCAL, bytes_out=LONGEST_LOCAL))
        return can

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
        place = place_of(to)
        if place.guest:
            return await self._answer_guest(place, message)
        clear = place.is_private and place.chat in self._keyboards
        calls = list(render(place, message, clear=clear))
        refs: list[str] = []
        if shown is not None and not shown.ref.startswith(_DRAFT) and calls:
            settled = await self._settle(to, place, shown, calls[0])
            if settled:
                refs.append(settled)
                del calls[0]
        if calls and not refs and not message.only_for:
            calls[0] = self._addressed(to, calls[0], reply_to)
        for call in calls:
            refs += _refs(await self._say(to, place, call))
        return Receipt(tuple(refs), self._clock.now())

    def _addressed(self, to: Address, call: Call, reply_to: str = "") -> Call:
        """What it answers; in a group that all members share, every answer shows whose it is."""
        ref = self._last.pop(to, "")
        ref = reply_to if reply_to.isdigit() else ref
        if not ref:
            return call
        return call.of(reply_parameters={"message_id": int(ref), "allow_sending_without_reply": True})

    async def _say(self, to: Address, place: Place, call: Call) -> Any:
        """The call, or what says the same with less where the platform refuses it: then nothing was sent yet."""
        if call.instead is None:
            return await self._do(to, place, call)
        if call.method not in self._unknown:
            try:
                return await self._do(to, place, call)
            except (FileGone, TooLarge):
                raise
            except Unshowable as error:
                log.info("telegram.with_less", account=self.account, method=call.method, why=error)
                if "method not found" in str(error).lower():
                    self._unknown.add(call.method)
        return await self._say(to, place, call.instead)

    async def _call(self, call: Call) -> Any:
        if not call.files:
            return await self._client.call(call.method, call.payload)
        try:
            made = await self._client.call(call.method, await self._uploads.told(call))
        except Unshowable:
            if not self._uploads.forget(call):
                raise
            made = await self._client.call(call.method, await self._uploads.told(call))
        self._uploads.learn(call, made)
        return made

    async def _do(self, to: Address, place: Place, call: Call) -> Any:
        try:
            made = await self._call(call)
        except Moved as moved:
            await self._moved(to, place, moved)
            raise TryLater(str(moved), after=timedelta(0)) from moved
        except Conflict as conflict:
            raise TryLater(str(conflict)) from conflict
        keyboard = call.payload.get("reply_markup") or {}
        if "keyboard" in keyboard:
            self._keyboards.put(place.chat, True)
        elif "remove_keyboard" in keyboard:
            self._keyboards.pop(place.chat, None)
        return made

    async def _moved(self, to: Address, place: Place, moved: Moved) -> None:
        """The conversation goes on at the new address before anything is sent again."""
        new = msgspec.structs.replace(place, chat=moved.chat).address(self.account)
        assert self._receive is not None, "it has not run yet"
        await self._receive(
            Arrival(
                account=self.account,
                key=f"moved {to.chat} {to.thread}",
                raw=b"",
                to=to,
                by=str(place.member or place.chat),
                at=self._clock.now(),
                bodies=(Migrated(new),),
            )
        )

    async def _settle(self, to: Address, place: Place, shown: Shown, call: Call) -> str:
        """Write the full text over the draft; empty: it has to be sent."""
        markup = call.payload.get("reply_markup", {})
        if call.method not in _TEXTS or (markup and "inline_keyboard" not in markup):
            await self._gone(place, shown.ref)
            return ""
        try:
            await self._rewrite(to, place, shown.ref, call)
        except Unshowable as error:
            if "message to edit not found" not in str(error) and "can't be edited" not in str(error):
                raise
            return ""
        return shown.ref

    async def _rewrite(self, to: Address, place: Place, ref: str, call: Call) -> None:
        """Write a message anew, as the call would say it. Where it stands there already, that is a success."""
        method = _REWRITTEN.get(call.method, "editMessageCaption")
        told = {name: value for name, value in call.payload.items() if name in _EDITABLE[method]}
        edit = self._changing(method, place, ref, told)
        if call.instead is not None and call.instead.method in _TEXTS:
            told = {name: value for name, value in call.instead.payload.items() if name in _EDITABLE[method]}
            edit = msgspec.structs.replace(edit, instead=self._changing(method, place, ref, told))
        try:
            await self._say(to, place, edit)
        except Unchanged:
            pass

    def _changing(self, method: str, place: Place, ref: str, told: Mapping[str, Any]) -> Call:
        """What is done to a message that stands there, in the platform's words for that kind of message."""
        kind, *ids = ref.split(" ")
        if kind == PRIVATELY:
            who, number = map(int, ids)
            there = {"chat_id": place.chat, "receiver_user_id": who, "ephemeral_message_id": number}
            return Call(method.replace("Message", "EphemeralMessage"), {**there, **told})
        if method == "deleteMessage" and place.business:
            return Call("deleteBusinessMessages", {"business_connection_id": place.business, "message_ids": [int(ref)]})
        there = {"chat_id": place.chat, "message_id": int(ref)}
        business = {"business_connection_id": place.business} if place.business else {}
        return Call(method, {**there, **business, **told})

    async def _change(self, method: str, place: Place, ref: str, told: Mapping[str, Any]) -> None:
        call = self._changing(method, place, ref, told)
        await self._client.call(call.method, call.payload)

    async def _gone(self, place: Place, ref: str) -> None:
        try:
            await self._change("deleteMessage", place, ref, {})
        except NotSent as error:
            log.info("telegram.not_deleted", account=self.account, why=error)

    async def _answer_guest(self, place: Place, message: Message) -> Receipt:
        call = render(place, message)[0]
        content = {"message_text": call.payload["text"]}
        if "entities" in call.payload:
            content["entities"] = call.payload["entities"]
        result = {"type": "article", "id": "1", "title": "…", "input_message_content": content}
        made = await self._client.call("answerGuestQuery", {"guest_query_id": place.guest, "result": result})
        return Receipt((str(made.get("inline_message_id", "")),), self._clock.now())

    async def open_thread(self, to: Address, title: str, *, key: str) -> Address:
        """A topic of a group that has topics; the bot needs the right to manage them."""
        place = Place(place_of(to).chat)
        made = await self._do(to, place, Call("createForumTopic", {**place.arguments(), "name": title[:128]}))
        return msgspec.structs.replace(place, topic=int(made["message_thread_id"])).address(self.account)

    async def typing(self, to: Address) -> None:
        place = place_of(to)
        try:
            told = place.arguments()
            told.pop("direct_messages_topic_id", None)
            await self._client.call("sendChatAction", {**told, "action": "typing"})
        except Exception as error:
            log.info("telegram.typing_failed", account=self.account, why=type(error).__name__)

    # Streaming

    async def show(self, to: Address, text: str, *, key: str, shown: Shown | None) -> Shown:
        place = place_of(to)
        if key in self._failing:  # not every answer's draft is refused: this one is not tried again
            raise Unshowable("the platform does not take this draft")
        try:
            if self.capabilities(to).stream == "native":
                number = _draft_id(key)
                await self._say(to, place, draft(place, text, number))
                return Shown(f"{_DRAFT}{number}", text, shown.since if shown else self._clock.now())
            return await self._show_by_edit(to, place, text, shown)
        except (Unshowable, Unreachable):
            self._failing.put(key, True)
            raise

    async def _show_by_edit(self, to: Address, place: Place, text: str, shown: Shown | None) -> Shown:
        call = draft(place, text, 0)
        begun = call.instead or call
        said = Call("sendMessage", {name: value for name, value in begun.payload.items() if name not in _OF_DRAFTS})
        if shown is None:
            made = await self._do(to, place, self._addressed(to, said))
            return Shown(_refs(made)[0], text, self._clock.now())
        await self._rewrite(to, place, shown.ref, said)
        return Shown(shown.ref, text, shown.since)

    async def drop(self, to: Address, shown: Shown, *, say: str | None) -> None:
        place = place_of(to)
        native = shown.ref.startswith(_DRAFT)
        if say is None:
            if not native:  # the other fades by itself; an empty one would say that we are thinking
                await self._change("deleteMessage", place, shown.ref, {})
            return
        words = Message((Text(markup.parse(markup.healed(say))),))
        calls = [call for piece in fit(words, self.capabilities(to)).pieces for call in render(place, piece)]
        if calls and not native:
            await self._rewrite(to, place, shown.ref, calls.pop(0))
        for call in calls:
            await self._say(to, place, call)

    # Changing what was said

    async def edit(self, to: Address, ref: str, message: Message, *, key: str) -> Receipt:
        place = place_of(to)
        call = render(place, message)[0]
        if "media" in call.payload:  # an album's words are those of its first file
            call = Call("sendPhoto", call.payload["media"][0])
        elif call.method not in _TEXTS and call.method not in _CAPTIONED:
            raise Unshowable("only text can be written anew, and the words of files")
        await self._rewrite(to, place, ref, call)
        return Receipt((ref,), self._clock.now())

    async def delete(self, to: Address, ref: str) -> None:
        try:
            await self._change("deleteMessage", place_of(to), ref, {})
        except Unshowable as error:
            if "not found" not in str(error):  # it is gone already
                raise

    async def react(self, to: Address, ref: str, emoji: str | None) -> None:
        reaction = [{"type": "emoji", "emoji": emoji}] if emoji else []
        told = {"chat_id": place_of(to).chat, "message_id": int(ref), "reaction": reaction}
        await self._client.call("setMessageReaction", told)


def _refs(made: Any) -> list[str]:
    each = made if isinstance(made, list) else [made]
    return [ref_of(one) for one in each if isinstance(one, dict) and "message_id" in one]


def ref_of(told: Mapping[str, Any]) -> str:
    """How a message is named from then on; what one person alone sees has a number of its own."""
    if number := told.get("ephemeral_message_id"):
        return f"{PRIVATELY} {told.get('receiver_user', {}).get('id', 0)} {number}"
    return str(told["message_id"])


def _draft_id(key: str) -> int:
    """Not zero, and the same for every show of one draft."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest(), "big") % (2**31 - 1) + 1
