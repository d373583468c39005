"""What a customer sends: read, checked, handed to the inbox, and only then acknowledged. The same on both carriers."""

from __future__ import annotations

import re

import msgspec
import structlog

from bot.clean import clean
from bot.model import Address, Media, Message, Pressed, Said, Submitted, text
from bot.ports import Accepted, Arrival, Clock, FormErrors, Receive
from channels.web.frames import Ack, ClientFrame, Press, RefusedFrame, Say, Submit
from channels.web.limits import Pace
from channels.web.refusals import refused, unavailable
from channels.web.settings import WebLimits
from channels.web.tokens import Visitor

log = structlog.get_logger()

CHANNEL = "web"

_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_ID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_TOKEN = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_NAME = re.compile(r"[\w.-]{1,64}")
_LABEL = 200
_FIELDS = 50


def read_frame(raw: str | bytes, most_bytes: int) -> ClientFrame | RefusedFrame:
    """What a frame says. Total: whatever comes, it is a frame or a refusal."""
    if is_longer(raw, most_bytes):
        return refused("too_large")
    try:
        return _decoder.decode(raw)
    except (ValueError, RecursionError):  # The second from nesting, of which no frame has any.
        return refused("bad_frame")


def is_longer(given: str | bytes, most_bytes: int) -> bool:
    """Whether it has more bytes, as UTF-8. Only what is near the limit is counted."""
    if len(given) > most_bytes or isinstance(given, bytes):
        return len(given) > most_bytes
    return len(given) * 4 > most_bytes and len(given.encode("utf-8", "surrogatepass")) > most_bytes


def is_id(given: str) -> bool:
    return _ID.fullmatch(given) is not None


class Intake:
    """Takes what visitors of one account say, press and fill in."""

    def __init__(self, *, account: str, receive: Receive, clock: Clock, limits: WebLimits) -> None:
        self._account, self._receive, self._clock = account, receive, clock
        self._text_bytes = limits.text_bytes
        self._of_visitor = Pace(limits.messages_per_minute, clock)
        self._of_address = Pace(limits.messages_per_address, clock)

    async def take(
        self, frame: Say | Press | Submit, *, raw: bytes, visitor: Visitor, thread: str, address: str
    ) -> tuple[Ack, Accepted] | RefusedFrame:
        """Returns after the commit. A repeat under the same id gives the first `Ack` again."""
        body = self._body(frame)
        return await self._accept(frame.id, body, raw=raw, visitor=visitor, thread=thread, address=address)

    async def take_file(
        self, media: Media, id: str, *, raw: bytes, visitor: Visitor, thread: str, address: str
    ) -> tuple[Ack, Accepted] | RefusedFrame:
        """The same for a file of ours."""
        body = Said(Message((media,)), id)
        return await self._accept(id, body, raw=raw, visitor=visitor, thread=thread, address=address)

    async def _accept(
        self,
        id: str,
        body: Said | Pressed | Submitted | RefusedFrame,
        *,
        raw: bytes,
        visitor: Visitor,
        thread: str,
        address: str,
    ) -> tuple[Ack, Accepted] | RefusedFrame:
        if not is_id(id):
            return refused("bad_frame", "Every message needs a UUID as its id.")
        if isinstance(body, RefusedFrame):
            return body
        wait = self._of_visitor.take(visitor.identity) or self._of_address.take(address)
        if wait:
            return refused("rate", id=id, wait=round(wait + 0.05, 1))
        arrival = Arrival(
            account=self._account,
            # Ids are made by browsers: one visitor's can never stand for another's.
            key=f"{visitor.identity[:16]}.{id}",
            raw=raw,
            to=Address(CHANNEL, self._account, visitor.identity, thread),
            by=visitor.identity,
            at=self._clock.now(),
            bodies=(body,),
            language=visitor.language,
            zone=visitor.zone,
        )
        try:
            accepted = await self._receive(arrival)
        except Exception as error:  # The port says so: whatever it raises, it is not acknowledged.
            log.warning("web.not_accepted", account=self._account, why=error)
            return unavailable(id)
        if accepted.differs:
            return refused("conflict", id=id)
        if isinstance(accepted.now, FormErrors):
            return refused("invalid", id=id, errors=dict(accepted.now.errors))
        return Ack(id, accepted.seq or 0), accepted

    def _body(self, frame: Say | Press | Submit) -> Said | Pressed | Submitted | RefusedFrame:
        if isinstance(frame, Press):
            if not _TOKEN.fullmatch(frame.token):
                return refused("bad_frame", "This choice is not one of ours.", id=frame.id)
            return Pressed(frame.token, clean(frame.label)[:_LABEL], frame.id)
        if isinstance(frame, Submit):
            return self._filled(frame)
        words = clean(frame.text)
        if not words.strip():
            return refused("empty", id=frame.id)
        if is_longer(frame.text, self._text_bytes) or is_longer(words, self._text_bytes):
            return refused("too_large", id=frame.id)
        return Said(text(words), frame.id)

    def _filled(self, frame: Submit) -> Submitted | RefusedFrame:
        if not _TOKEN.fullmatch(frame.token) or len(frame.values) > _FIELDS:
            return refused("bad_frame", "This form is not one of ours.", id=frame.id)
        if not all(map(_NAME.fullmatch, frame.values)):
            return refused("bad_frame", "This form is not one of ours.", id=frame.id)
        if is_longer("".join(frame.values.values()), self._text_bytes):
            return refused("too_large", id=frame.id)
        return Submitted(frame.token, {name: clean(value) for name, value in frame.values.items()}, frame.id)
