"""One bot of Telegram: hears its updates by polling or webhook, and sends what it is given. It decides nothing."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
import structlog
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from bot.errors import Forbidden, NotSent, SettingsError, StoreDown, TryLater, Unreachable, Unshowable
from bot.model import Address, Media, Message, Migrated, Pressed, Said
from bot.ports import ASGI, Accepted, Arrival, Capabilities, Clock, Random, Receipt, Receive, Shown, Toast, Vault
from channels.telegram import wire
from channels.telegram.client import Client, Conflict, Moved, Unchanged
from channels.telegram.hooks import hook, menus, unhook
from channels.telegram.parse import Me, parse, query_of, too_large
from channels.telegram.place import Place, place_of
from channels.telegram.render import MEGABYTE, Call, capabilities_of, draft, render
from channels.telegram.settings import Settings

log = structlog.get_logger()

LONGEST_UPDATE = MEGABYTE
LONGEST_DOWNLOAD = 20 * MEGABYTE
WAIT = 30
"""Seconds one question for updates may stay open."""
RESTED = 30.0
"""Seconds to wait when somebody else polls."""
LONGEST_PAUSE = 60.0
PATIENT = 3
"""So often a batch is tried as a whole before what spoils it is looked for."""
REMEMBERED = 1000
SECRET_HEADER = "x-telegram-bot-api-secret-token"

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V]):
    """The latest few, by their key."""

    def put(self, key: K, value: V) -> None:
        self[key] = value
        self.move_to_end(key)
        while len(self) > REMEMBERED:
            self.popitem(last=False)


class Telegram:
    """Implements `Channel`, `Sending`, `Routes`, `Typing`, `Streaming`, `Files` and `Editing`."""

    name = "telegram"

    def __init__(self, account: str, settings: Settings, *, clock: Clock, random: Random, vault: Vault) -> None:
        self.account = account
        self._settings, self._clock, self._random, self._vault = settings, clock, random, vault
        self._client = Client(settings.token.get_secret_value(), settings.api)
        self._secret = settings.secret.get_secret_value().encode()
        self._me: Me | None = None
        self._receive: Receive | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        # What a restart may forget: none of it is a promise.
        self._albums: Recent[str, bool] = Recent()
        self._keyboards: Recent[int, bool] = Recent()
        """Chats with a reply keyboard below them."""
        self._last: Recent[Address, str] = Recent()
        """In groups: the message of theirs that is answered next."""
        self._failing: Recent[str, bool] = Recent()
        """Drafts that the platform does not take."""

    def __repr__(self) -> str:
        return f"Telegram({self.account!r}, {self._client!r})"

    def capabilities(self, to: Address) -> Capabilities:
        place = place_of(to)
        can = capabilities_of(place)
        if can.stream == "native" and self._settings.stream != "native":
            can = replace(can, stream=self._settings.stream)
        elif can.stream == "edit" and self._settings.stream == "whole":
            can = replace(can, stream="whole")
        return can

    # Hearing

    async def run(self, receive: Receive) -> None:
        self._receive = receive
        try:
            me = await self._patiently(self._who_we_are)
            await self._patiently(self._commands)
            if self._settings.public:
                await self._patiently(self._hook)
                await asyncio.Event().wait()
            await self._patiently(self._unhook)
            await self._poll(receive, me)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._client.close()

    async def _patiently(self, step: Any) -> Any:
        """Until it succeeds. Raises `SettingsError` for what waiting does not mend."""
        pause = 1.0
        while True:
            try:
                return await step()
            except Forbidden as error:
                raise SettingsError(
                    f"account {self.account!r}: {error}; set FRONTDESK_{_variable(self.account)}_TOKEN to the token "
                    "that @BotFather shows for this bot"
                ) from error
            except Unshowable as error:
                raise SettingsError(f"account {self.account!r}: Telegram refuses its settings: {error}") from error
            except NotSent as error:
                log.warning("telegram.not_ready", account=self.account, why=error)
                await self._clock.sleep(_told_pause(error) or self._random.between(pause / 2, pause))
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _who_we_are(self) -> Me:
        if self._me is None:
            told = await self._client.call("getMe", {})
            self._me = self._named(str(told.get("username", "")))
            await self._vault.put("username", self._me.username.encode())
        return self._me

    def _named(self, username: str) -> Me:
        return Me(self._client.number, username, self._settings.groups, self._settings.hears)

    async def _known(self) -> Me | None:
        """Who we are, without asking Telegram; None: it was never asked."""
        if self._me is None and (username := await self._vault.get("username")) is not None:
            self._me = self._named(username.decode())
        return self._me

    async def _commands(self) -> None:
        for language, commands in menus(self._settings).items():
            scope = {"language_code": language} if language else {}
            if await self._client.call("getMyCommands", scope) != commands:
                await self._client.call("setMyCommands", {"commands": commands, **scope})

    async def _hook(self) -> None:
        await hook(self._client, self._settings, self.account)

    async def _unhook(self) -> None:
        await unhook(self._client)

    async def _poll(self, receive: Receive, me: Me) -> None:
        offset, pause, failures = 0, 1.0, 0
        while True:
            try:
                updates = await self._client.updates(offset, wait=WAIT, allowed=wire.UNDERSTOOD)
            except Conflict as conflict:
                log.error("telegram.other_poller", account=self.account, why=conflict)
                await self._clock.sleep(RESTED)
                continue
            except Forbidden as error:
                raise SettingsError(f"account {self.account!r}: {error}") from error
            except NotSent as error:
                log.warning("telegram.no_updates", account=self.account, why=error)
                await self._clock.sleep(_told_pause(error) or self._random.between(pause / 2, pause))
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = 1.0
            if not updates:
                continue
            arrivals = [self.heard(raw_of(update), me) for update in updates]
            try:
                await self.accept(receive, arrivals, singly=failures >= PATIENT)
            except Exception as error:
                failures += not isinstance(error, StoreDown)
                told = log.error if isinstance(error, StoreDown) else log.exception
                told("telegram.not_accepted", account=self.account, why=type(error).__name__)
                await self._clock.sleep(self._random.between(0.5, 1.5))
                continue
            failures = 0
            offset = max(offset, *(_number(update) + 1 for update in updates))

    async def accept(self, receive: Receive, arrivals: Sequence[Arrival], *, singly: bool = False) -> None:
        """Hand a batch over, and do what the platform waits for. `singly`: what spoils it is set aside."""
        if not singly:
            for arrival, accepted in zip(arrivals, await receive.many(arrivals), strict=True):
                self._after(arrival, accepted)
            return
        for arrival in arrivals:  # one of them is more than the store can take: the others are not lost for it
            try:
                self._after(arrival, await receive(arrival))
            except StoreDown:
                raise
            except Exception as error:
                log.exception("telegram.not_taken", account=self.account, key=arrival.key)
                why = f"it could not be accepted: {type(error).__name__}"
                await receive(replace(arrival, bodies=(), unreadable=why))

    def heard(self, raw: bytes, me: Me) -> Arrival:
        """What an update says, with what was heard before it in mind."""
        arrival = parse(raw, self.account, me, albums=self._albums.__contains__)
        for body in arrival.bodies:
            if isinstance(body, Said):
                if body.group:
                    self._albums.put(body.group, True)
                if arrival.to.thread.startswith("member "):
                    self._last.put(arrival.to, body.ref)
        if arrival.unreadable:
            log.warning("telegram.unreadable", account=self.account, key=arrival.key)
        return arrival

    def _after(self, arrival: Arrival, accepted: Accepted) -> None:
        """What the platform waits for, once it is committed. Nothing here can undo that."""
        if query := query_of(arrival.raw) if _is_press(arrival) else "":
            now = accepted.now
            self._spawn(self._answer(query, now.text if isinstance(now, Toast) else ""))
            body = arrival.bodies[0] if arrival.bodies else None
            if accepted.fresh and now is None and isinstance(body, Pressed) and body.ref not in ("", "0"):
                self._spawn(self._mark(arrival.to, body))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, query: str, toast: str) -> None:
        """Ends the spinner on the button."""
        try:
            told = {"text": toast[:200]} if toast else {}
            await self._client.call("answerCallbackQuery", {"callback_query_id": query, **told})
        except NotSent as error:  # too late, or answered before a restart
            log.info("telegram.press_not_answered", account=self.account, why=error)

    async def _mark(self, to: Address, pressed: Pressed) -> None:
        """The buttons of a message that was used give way to the one that was chosen."""
        place = place_of(to)
        chosen = [[{"text": f"✓ {pressed.label}", "disabled": {}}]] if pressed.label else []
        told = {**_without_thread(place), "message_id": int(pressed.ref)}
        try:
            await self._client.call("editMessageReplyMarkup", {**told, "reply_markup": {"inline_keyboard": chosen}})
        except Unshowable:  # a server that knows no such button
            try:
                await self._client.call("editMessageReplyMarkup", told)
            except NotSent as error:
                log.info("telegram.not_marked", account=self.account, why=error)
        except NotSent as error:
            log.info("telegram.not_marked", account=self.account, why=error)

    # Webhook

    def routes(self, receive: Receive) -> Mapping[str, ASGI]:
        async def hook(scope: Any, receive_body: Any, send: Any) -> None:
            answer = await self._hooked(Request(scope, receive_body), receive)
            await answer(scope, receive_body, send)

        return {f"/hooks/telegram/{self.account}": hook}

    async def _hooked(self, request: Request, receive: Receive) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        given = request.headers.get(SECRET_HEADER, "").encode("latin-1", "replace")
        if not self._secret or not hmac.compare_digest(given, self._secret):
            return Response(status_code=401)
        try:
            raw, whole = await _body(request)
            me = await self._known()
            if me is None:
                return _later()  # the first start is not over
            arrival = self.heard(raw, me) if whole else too_large(raw, self.account)
            self._after(arrival, await receive(arrival))
        except StoreDown as error:
            log.error("telegram.not_accepted", account=self.account, why=type(error).__name__)
            return _later()
        except Exception:
            log.exception("telegram.not_accepted", account=self.account)
            return _later()
        return Response()

    # Sending

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
        for call in calls:
            refs += _refs(await self._do(to, place, self._addressed(to, call)))
        return Receipt(tuple(refs), self._clock.now())

    def _addressed(self, to: Address, call: Call) -> Call:
        """In a group that all members share an answer shows whose it is."""
        ref = self._last.pop(to, None)
        if ref is None:
            return call
        return call.of(call.method, reply_parameters={"message_id": int(ref), "allow_sending_without_reply": True})

    async def _do(self, to: Address, place: Place, call: Call) -> Any:
        try:
            made = await self._client.call(call.method, call.payload)
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
        if call.method != "sendMessage" or (markup and "inline_keyboard" not in markup):
            await self._gone(place, shown.ref)
            return ""
        told = {name: value for name, value in call.payload.items() if name in _EDITABLE}
        told |= {**_without_thread(place), "message_id": int(shown.ref)}
        try:
            await self._do(to, place, Call("editMessageText", told))
        except Unchanged:
            pass
        except Unshowable as error:
            if "message to edit not found" not in str(error) and "can't be edited" not in str(error):
                raise
            return ""
        return shown.ref

    async def _gone(self, place: Place, ref: str) -> None:
        try:
            await self._client.call("deleteMessage", {**_without_thread(place), "message_id": int(ref)})
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
                await self._client.call("sendMessageDraft", draft(place, text, number).payload)
                return Shown(f"{_DRAFT}{number}", text, shown.since if shown else self._clock.now())
            return await self._show_by_edit(to, place, text, shown)
        except (Unshowable, Unreachable):
            self._failing.put(key, True)
            raise

    async def _show_by_edit(self, to: Address, place: Place, text: str, shown: Shown | None) -> Shown:
        call = draft(place, text, 0)
        told = {name: value for name, value in call.payload.items() if name != "draft_id"}
        if shown is None:
            made = await self._do(to, place, self._addressed(to, Call("sendMessage", told)))
            return Shown(_refs(made)[0], text, self._clock.now())
        told = {name: value for name, value in told.items() if name in _EDITABLE}
        try:
            await self._do(
                to, place, Call("editMessageText", {**_without_thread(place), "message_id": int(shown.ref), **told})
            )
        except Unchanged:
            pass
        return Shown(shown.ref, text, shown.since)

    async def drop(self, to: Address, shown: Shown, *, say: str | None) -> None:
        place = place_of(to)
        native = shown.ref.startswith(_DRAFT)
        try:
            if say is None and native:  # it fades by itself; an empty one would say that we are thinking
                return
            if say is None:
                await self._client.call("deleteMessage", {**_without_thread(place), "message_id": int(shown.ref)})
            elif native:
                await self._client.call("sendMessage", {**place.arguments(), "text": say})
            else:
                told = {**_without_thread(place), "message_id": int(shown.ref), "text": say}
                await self._client.call("editMessageText", told)
        except Unchanged:
            pass

    # Changing what was said

    async def edit(self, to: Address, ref: str, message: Message, *, key: str) -> Receipt:
        place = place_of(to)
        call = render(place, message)[0]
        if call.method != "sendMessage":
            raise Unshowable("only a message of text can be written anew")
        told = {name: value for name, value in call.payload.items() if name in _EDITABLE}
        try:
            await self._do(
                to, place, Call("editMessageText", {**_without_thread(place), "message_id": int(ref), **told})
            )
        except Unchanged:
            pass
        return Receipt((ref,), self._clock.now())

    async def delete(self, to: Address, ref: str) -> None:
        await self._client.call("deleteMessage", {**_without_thread(place_of(to)), "message_id": int(ref)})

    async def react(self, to: Address, ref: str, emoji: str | None) -> None:
        reaction = [{"type": "emoji", "emoji": emoji}] if emoji else []
        told = {"chat_id": place_of(to).chat, "message_id": int(ref), "reaction": reaction}
        await self._client.call("setMessageReaction", told)

    # Files

    async def fetch(self, media: Media) -> AsyncIterator[bytes]:
        if media.size > LONGEST_DOWNLOAD and not self._settings.local:
            raise Unshowable(_TOO_LARGE)
        try:
            file = await self._client.call("getFile", {"file_id": media.ref})
        except Unshowable as error:
            raise Unshowable(_TOO_LARGE if "too big" in str(error) else str(error)) from error
        async for piece in self._client.download(str(file.get("file_path", ""))):
            yield piece


_DRAFT = "draft "
_EDITABLE = frozenset(("text", "entities", "link_preview_options", "reply_markup"))
_TOO_LARGE = "Telegram lets bots fetch files of up to 20 MB; a Bot API server of one's own has no such limit"


def _variable(account: str) -> str:
    return account.upper().replace("-", "_")


def _told_pause(error: NotSent) -> float:
    return error.after.total_seconds() if isinstance(error, TryLater) and error.after else 0.0


def raw_of(update: dict[str, Any]) -> bytes:
    """As it was received, or as near to it as can be told."""
    try:
        return msgspec.json.encode(update)
    except (ValueError, TypeError):  # half a surrogate pair
        return json.dumps(update).encode()


def _number(update: dict[str, Any]) -> int:
    number = update.get("update_id")
    return number if isinstance(number, int) else -1


def _is_press(arrival: Arrival) -> bool:
    return b'"callback_query"' in arrival.raw


def _refs(made: Any) -> list[str]:
    each = made if isinstance(made, list) else [made]
    return [str(one["message_id"]) for one in each if isinstance(one, dict) and "message_id" in one]


def _without_thread(place: Place) -> dict[str, Any]:
    """What is told of the place where a message is named by its id."""
    told = {"chat_id": place.chat}
    return {**told, "business_connection_id": place.business} if place.business else told


def _draft_id(key: str) -> int:
    """Not zero, and the same for every show of one draft."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest(), "big") % (2**31 - 1) + 1


async def _body(request: Request) -> tuple[bytes, bool]:
    """The update, and whether that is all of it: what is larger than any update is not kept."""
    body, size = bytearray(), 0
    async for piece in request.stream():
        size += len(piece)
        body += piece[: max(0, LONGEST_UPDATE - len(body))]
    return bytes(body), size <= LONGEST_UPDATE


def _later() -> Response:
    return Response(status_code=503, headers={"Retry-After": "5"})
