"""One bot of Telegram: hears its updates by polling or webhook, and says what it is given. It decides nothing."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from bot.errors import FileGone, Forbidden, NotSent, SettingsError, StoreDown, TooLarge, TryLater, Unshowable
from bot.model import Address, Media, Pressed, Said
from bot.ports import ASGI, Accepted, Arrival, Clock, FileStore, Random, Receive, Toast, Vault
from channels.telegram import wire
from channels.telegram.client import Conflict
from channels.telegram.hooks import hook, offer, unhook
from channels.telegram.parse import Me, parse, query_of, too_large
from channels.telegram.place import Place, place_of
from channels.telegram.recent import Recent
from channels.telegram.render import MEGABYTE
from channels.telegram.settings import Settings
from channels.telegram.speaking import Speaking

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
SECRET_HEADER = "x-telegram-bot-api-secret-token"


class Telegram(Speaking):
    """Implements `Channel`, `Routes`, `Files`, and what `Speaking` does."""

    name = "telegram"

    def __init__(
        self, account: str, settings: Settings, *, clock: Clock, random: Random, vault: Vault, files: FileStore
    ) -> None:
        super().__init__(account, settings, clock=clock, files=files)
        self._random, self._vault = random, vault
        self._secret = settings.secret.get_secret_value().encode()
        self._me: Me | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        # What a restart may forget: none of it is a promise.
        self._albums: Recent[str, bool] = Recent()
        self._unread: Recent[str, bool] = Recent()
        """Business connections that do not let us mark as read."""

    def __repr__(self) -> str:
        return f"Telegram({self.account!r}, {self._client!r})"

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
        settings = self._settings
        largest = 0 if settings.local else LONGEST_DOWNLOAD
        return Me(self._client.number, username, settings.groups, settings.hears, largest)

    async def _known(self) -> Me | None:
        """Who we are, without asking Telegram; None: it was never asked."""
        if self._me is None and (username := await self._vault.get("username")) is not None:
            self._me = self._named(username.decode())
        return self._me

    async def _commands(self) -> None:
        await offer(self._client, self._settings)

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
        if accepted.fresh and arrival.to.thread.startswith("business "):
            for said in arrival.bodies:
                if isinstance(said, Said):
                    self._spawn(self._read(place_of(arrival.to), said.ref))

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
        marked = {"reply_markup": {"inline_keyboard": chosen}}
        try:
            await self._change("editMessageReplyMarkup", place, pressed.ref, marked)
        except Unshowable:  # a server that knows no such button
            try:
                await self._change("editMessageReplyMarkup", place, pressed.ref, {})
            except NotSent as error:
                log.info("telegram.not_marked", account=self.account, why=error)
        except NotSent as error:
            log.info("telegram.not_marked", account=self.account, why=error)

    async def _read(self, place: Place, ref: str) -> None:
        """Whoever writes to a business sees that it was read, where its owner lets us."""
        if place.business in self._unread:
            return
        told = {"business_connection_id": place.business, "chat_id": place.chat, "message_id": int(ref)}
        try:
            await self._client.call("readBusinessMessage", told)
        except NotSent as error:
            if isinstance(error, Forbidden | Unshowable):
                self._unread.put(place.business, True)
            log.info("telegram.not_read", account=self.account, why=error)

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

    # Files

    async def fetch(self, media: Media) -> AsyncIterator[bytes]:
        if media.size > LONGEST_DOWNLOAD and not self._settings.local:
            raise TooLarge(_TOO_LARGE, most=LONGEST_DOWNLOAD)
        try:
            file = await self._client.call("getFile", {"file_id": media.ref})
        except Unshowable as error:
            if "too big" in str(error):
                raise TooLarge(_TOO_LARGE, most=LONGEST_DOWNLOAD) from error
            raise FileGone(str(error)) from error
        async for piece in self._client.download(str(file.get("file_path", ""))):
            yield piece


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


async def _body(request: Request) -> tuple[bytes, bool]:
    """The update, and whether that is all of it: what is larger than any update is not kept."""
    body, size = bytearray(), 0
    async for piece in request.stream():
        size += len(piece)
        body += piece[: max(0, LONGEST_UPDATE - len(body))]
    return bytes(body), size <= LONGEST_UPDATE


def _later() -> Response:
    return Response(status_code=503, headers={"Retry-After": "5"})
