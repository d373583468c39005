"""A channel for an application of one's own: signed webhooks both ways.

In: the application posts events to `/hooks/webhook/{account}`. Out: the channel posts messages to the application's
address. Both sign what they send with the account's secret: `X-Signature: t=SECONDS,v1=HEX`, an HMAC-SHA256 of
`SECONDS.` and the body.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import aiohttp
import msgspec
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, HttpUrl, SecretStr

from bot.errors import Forbidden, NotSent, SettingsError, StoreDown, TryLater, Unreachable, Unshowable
from bot.fit import options_of, plain
from bot.model import Address, Deleted, Edited, Incoming, Media, Message, Opened, Pressed, Said, Text, text
from bot.model import Choices as ChoicesPart
from bot.ports import (
    ASGI,
    Arrival,
    Attachments,
    Buttons,
    Capabilities,
    Clock,
    FileStore,
    Finding,
    Limit,
    Random,
    Receipt,
    Receive,
    Shown,
    Vault,
)

NAME = "webhook"
FRESH = timedelta(minutes=5)
"""How far the clocks of both sides may be apart, and how long a signature can be used."""
LARGEST = 256 * 1024
PATIENCE = aiohttp.ClientTimeout(total=20)
CAN = Capabilities(
    text=Limit(4000),
    marks=frozenset(),
    parts=frozenset((Text, ChoicesPart, Media)),
    buttons=Buttons(rows=10, per_row=1, label=80),
    files=Attachments(per_message=1),
    can=frozenset(("thread",)),
    resend="safe",
)


class Settings(BaseModel):
    """What an account says in frontdesk.yaml; the secret comes from `FRONTDESK_<ACCOUNT>_SECRET`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: HttpUrl
    """Where the application takes our messages."""
    secret: SecretStr


def build(account: str, settings: Settings, *, clock: Clock, random: Random, vault: Vault, files: FileStore) -> Webhook:
    if len(settings.secret.get_secret_value()) < 32:
        raise SettingsError(
            f"account {account!r}: `secret` has fewer than 32 characters; `openssl rand -hex 32` makes one"
        )
    return Webhook(account, settings, clock)


async def check(account: str, settings: Settings, *, vault: Vault) -> tuple[Finding, ...]:
    """`frontdesk channel check`: whether the application answers."""
    try:
        async with aiohttp.ClientSession(timeout=PATIENCE) as client, client.get(str(settings.url)) as answer:
            status = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        return (Finding(False, f"{settings.url} does not answer ({type(error).__name__})", "look at `url`"),)
    return (Finding(True, f"{settings.url} answers ({status})"),)


# What comes in


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the application posts."""

    id: str
    """Its own, the same when it is sent again."""
    chat: str
    person: str
    at: float
    """Seconds since 1970."""
    what: Literal["said", "pressed", "edited", "deleted", "opened"]
    text: str = ""
    """What was said, the payload of `opened`, or the label of what was pressed."""
    token: str = ""
    """Of what was pressed."""
    ref: str = ""
    """The application's id of the message."""
    thread: str = ""
    name: str = ""
    language: str = ""
    bot: bool = False
    """Said by us or by another program: it is ignored, or two bots would talk for ever."""


def parse(raw: bytes, account: str, now: datetime) -> Arrival:
    """Total: what cannot be read is an arrival that says why, and is kept."""
    try:
        event = msgspec.json.decode(raw, type=Event)
        at = datetime.fromtimestamp(event.at, UTC)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, ValueError, OSError) as error:
        nowhere = Address(NAME, account, "")
        key = hashlib.sha256(raw).hexdigest()
        return Arrival(
            account=account,
            key=key,
            raw=raw,
            to=nowhere,
            by="",
            at=now,
            bodies=(),
            unreadable=str(error) or type(error).__name__,
        )
    return Arrival(
        account=account,
        key=event.id,
        raw=raw,
        to=Address(NAME, account, event.chat, event.thread),
        by=event.person,
        at=at,
        bodies=() if event.bot else (_body(event),),
        name=event.name,
        language=event.language,
    )


def _body(event: Event) -> Incoming:
    match event.what:
        case "said":
            return Said(text(event.text), event.ref)
        case "pressed":
            return Pressed(event.token, event.text, event.ref)
        case "edited":
            return Edited(text(event.text), event.ref)
        case "deleted":
            return Deleted(event.ref)
        case "opened":
            return Opened(event.text)


# What goes out


def render(to: Address, message: Message, *, key: str) -> dict[str, Any]:
    """One piece as the application takes it. Raises `Unshowable` for a file without a public address."""
    files = [part for part in message.parts if isinstance(part, Media)]
    if any(not media.ref.startswith("https://") for media in files):
        raise Unshowable("a file has no public address that the application could load it from")
    lines = [
        part.prompt if isinstance(part, ChoicesPart) else plain(part) for part in message.parts if part not in files
    ]
    return {
        "key": key,
        "chat": to.chat,
        "thread": to.thread,
        "text": "\n\n".join(filter(None, lines)),
        "buttons": [
            {"label": option.label, "token": option.token} for part in message.parts for option in options_of(part)
        ],
        "files": [{"url": media.ref, "alt": media.alt, "caption": media.caption} for media in files],
    }


class Webhook:
    """Implements `Channel`, `Sending` and `Routes`."""

    name = NAME

    def __init__(self, account: str, settings: Settings, clock: Clock) -> None:
        self.account, self._settings, self._clock = account, settings, clock
        self._client: aiohttp.ClientSession | None = None

    def capabilities(self, to: Address) -> Capabilities:
        return CAN

    async def run(self, receive: Receive) -> None:
        """What comes in needs no connection of ours; what goes out keeps its connections as long as this runs."""
        async with aiohttp.ClientSession(timeout=PATIENCE) as self._client:
            try:
                await asyncio.Event().wait()
            finally:
                self._client = None

    def routes(self, receive: Receive) -> Mapping[str, ASGI]:
        async def hook(scope: MutableMapping[str, Any], read: Any, answer: Any) -> None:
            status = await self._take(scope, read, receive)
            headers = [(b"content-type", b"application/json"), *([(b"retry-after", b"5")] if status == 503 else [])]
            await answer({"type": "http.response.start", "status": status, "headers": headers})
            await answer({"type": "http.response.body", "body": b"{}"})

        return {f"/hooks/{NAME}/{self.account}": hook}

    async def _take(self, scope: MutableMapping[str, Any], read: Any, receive: Receive) -> int:
        """Size, signature, parse, store: in this order, and only then 200."""
        if scope["method"] != "POST":
            return 405
        raw = await _body_of(read)
        if raw is None:
            return 413
        given = dict(scope["headers"]).get(b"x-signature", b"")
        if not verified(self._secret, given, raw, self._clock.now()):
            return 401
        try:
            await receive(parse(raw, self.account, self._clock.now()))
        except StoreDown:
            return 503
        return 200

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
        """The application knows the key: what it has already it answers as before."""
        raw = msgspec.json.encode(render(to, message, key=key))
        if self._client is None:
            raise TryLater("the channel does not run")
        signature = signed(self._secret, raw, self._clock.now())
        try:
            async with self._client.post(
                str(self._settings.url),
                data=raw,
                headers={"X-Signature": signature, "Content-Type": "application/json", "Idempotency-Key": key},
                allow_redirects=False,
            ) as answer:
                said = await answer.read()
        except aiohttp.ClientConnectorError as error:  # nothing was sent
            raise TryLater("the application cannot be reached") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"no answer ({type(error).__name__})") from error
        if answer.status != 200:
            raise _refusal(answer)
        try:
            ref = msgspec.json.decode(said, type=_Taken).id
        except msgspec.MsgspecError as error:
            raise Unreachable("the answer is no JSON with an `id`") from error
        return Receipt((ref,), self._clock.now())

    @property
    def _secret(self) -> bytes:
        return self._settings.secret.get_secret_value().encode()


class _Taken(Struct, frozen=True):
    id: str


def _refusal(answer: aiohttp.ClientResponse) -> NotSent:
    why = f"the application answered {answer.status}"
    match answer.status:
        case 404 | 410:
            return Forbidden(why, scope="address")
        case 401 | 403:
            return Forbidden(why, scope="account")
        case 400 | 413 | 415 | 422:
            return Unshowable(why)
        case 429 | 503:
            after = answer.headers.get("retry-after", "")
            return TryLater(why, after=timedelta(seconds=int(after)) if after.isdecimal() else None)
        case _:
            return Unreachable(why)


# The proof


def signed(secret: bytes, raw: bytes, at: datetime) -> str:
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={hmac.new(secret, f'{seconds}.'.encode() + raw, hashlib.sha256).hexdigest()}"


def verified(secret: bytes, given: bytes, raw: bytes, now: datetime) -> bool:
    """Whether `given` is the signature of exactly these bytes, and of these minutes."""
    seconds = given.partition(b",")[0].removeprefix(b"t=")
    if not seconds.isdigit() or len(seconds) > 12:
        return False
    at = datetime.fromtimestamp(int(seconds), UTC)
    return abs(now - at) <= FRESH and hmac.compare_digest(signed(secret, raw, at).encode(), given)


async def _body_of(read: Any) -> bytes | None:
    """None: it is larger than anything of ours."""
    raw = bytearray()
    more = True
    while more:
        message = await read()
        raw += message.get("body", b"")
        if len(raw) > LARGEST:
            return None
        more = message.get("more_body", False)
    return bytes(raw)
