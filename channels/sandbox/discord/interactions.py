"""Presses, chosen options, filled forms and slash commands: handed to the bot over the gateway or to its HTTP address,
and what it may answer, once, in time.

Source: Discord's documentation, "Receiving and responding to interactions". A first answer within 3 s, further ones
with the token for 15 min.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.ports import Clock
from channels.sandbox.discord import forms
from channels.sandbox.discord.gateway import DIRECT_MESSAGES, GUILD_MESSAGES, Gateway
from channels.sandbox.discord.refusals import Refused, invalid, refused
from channels.sandbox.discord.world import DM, Line, Person, Place, Wire, World
from channels.sandbox.faults import Do, Faults
from channels.sandbox.journal import Journal

PING, COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 1, 2, 3, 4, 5
PONG, MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, CHOICES, OPEN_MODAL = 1, 4, 5, 6, 7, 8, 9

ANSWERED_WITHIN = timedelta(seconds=3)
TOKEN_LASTS = timedelta(minutes=15)
_MAY: dict[int, frozenset[int]] = {
    COMMAND: frozenset((MESSAGE, DEFERRED_MESSAGE, OPEN_MODAL)),
    COMPONENT: frozenset((MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, OPEN_MODAL)),
    AUTOCOMPLETE: frozenset((CHOICES,)),
    MODAL: frozenset((MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE)),
}


@dataclass(slots=True)
class Interaction:
    id: int
    token: str
    kind: int
    by: Person
    place: Place
    at: datetime
    data: Wire
    message: Line | None
    state: Literal["waiting", "deferred", "answered", "failed"] = "waiting"
    original: Line | None = None
    """The message that answers it, or the one it came from where that is updated."""
    choices: list[Wire] = field(default_factory=list)
    modal: Wire | None = None


class Interactions:
    def __init__(
        self, world: World, gateway: Gateway, journal: Journal, faults: Faults, clock: Clock, *, seed: int
    ) -> None:
        self._world, self._gateway, self._journal, self._faults = world, gateway, journal, faults
        self._clock = clock
        self._key = Ed25519PrivateKey.from_private_bytes(sha256(str(seed).encode()).digest())
        self.endpoint = ""
        """Where interactions are posted; empty: they come over the gateway."""
        self.all: dict[int, Interaction] = {}
        self._posting: set[asyncio.Task[None]] = set()
        self.failed: Callable[[Interaction], None] = lambda interaction: None
        """The person is told that the application did not respond."""
        self.opened: Callable[[Interaction], None] = lambda interaction: None
        """A modal is to be shown."""

    @property
    def public_key(self) -> str:
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, raw: bytes, at: str) -> dict[str, str]:
        signature = self._key.sign(at.encode() + raw).hex()
        return {"X-Signature-Ed25519": signature, "X-Signature-Timestamp": at, "Content-Type": "application/json"}

    # To the bot

    def begin(self, kind: int, by: Person, place: Place, data: Wire, message: Line | None = None) -> Interaction:
        id = self._world.snowflake()
        made = Interaction(id, f"aW50ZXJhY3Rpb24:{id}:{id:x}", kind, by, place, self._clock.now(), data, message)
        self.all[id] = made
        self._clock.alarm(made.at + ANSWERED_WITHIN, lambda: self._expire(made))
        wire = self._wire(made)
        if self.endpoint:
            self._later(self._post(made, wire))
        else:
            guild = 0 if place.kind == DM else self._world.guild
            self._gateway.tell("INTERACTION_CREATE", wire, guild=guild)
        return made

    def _wire(self, of: Interaction) -> Wire:
        world, place = self._world, of.place
        told: Wire = {"id": str(of.id), "application_id": str(world.bot.id), "type": of.kind, "token": of.token}
        told |= {"version": 1, "locale": "en-US", "data": of.data, "channel_id": str(place.id), "entitlements": []}
        told |= {"channel": world.channel(place) | {"permissions": "0"}, "attachment_size_limit": 10 * 1024 * 1024}
        told |= {"app_permissions": "0", "entitlement_sku_ids": []}
        if place.kind == DM:
            told |= {"user": world.user(of.by), "context": 1, "authorizing_integration_owners": {"0": "0"}}
        else:
            member = world.member(of.by) | {"user": world.user(of.by), "permissions": "0", "pending": False}
            told |= {"member": member, "guild_id": str(world.guild), "guild_locale": "en-US", "context": 0}
            told |= {"guild": {"id": str(world.guild), "locale": "en-US", "features": []}}
            told |= {"authorizing_integration_owners": {"0": str(world.guild)}}
        return told | ({"message": world.message(of.message)} if of.message else {})

    def _expire(self, interaction: Interaction) -> None:
        if interaction.state == "waiting":
            interaction.state = "failed"
            told = {"id": str(interaction.id), "type": interaction.kind, "why": "did not respond within 3 s"}
            self._journal.add("refused", "interaction", told)
            self.failed(interaction)

    # Over HTTP

    async def connect(self, endpoint: str) -> None:
        """Post interactions there from now on. Raises `Refused` unless it answers a PING and refuses bad signatures."""
        if endpoint and not await self._verifies(endpoint):
            why = "The specified interactions endpoint url could not be verified."
            raise invalid(("interactions_endpoint_url",), "APPLICATION_INTERACTIONS_ENDPOINT_URL_INVALID", why)
        self.endpoint = endpoint
        self._journal.add("call", "interactions_endpoint_url", {"url": endpoint})

    async def probe(self) -> bool:
        """What Discord does now and then: the address is removed when it lets a bad signature pass."""
        if not self.endpoint:
            return False
        if await self._verifies(self.endpoint):
            return True
        self._journal.add("refused", "interactions_endpoint_url", {"url": self.endpoint, "why": "failed a probe"})
        self.endpoint = ""
        return False

    async def _verifies(self, endpoint: str) -> bool:
        ping = json.dumps({"type": PING, "id": str(self._world.snowflake()), "application_id": str(self._world.bot.id)})
        raw = ping.encode()
        good = self.sign(raw, str(int(self._clock.now().timestamp())))
        bad = [
            good | {"X-Signature-Ed25519": "00" * 64},
            good | {"X-Signature-Ed25519": good["X-Signature-Ed25519"][::-1]},
            {name: value for name, value in good.items() if name != "X-Signature-Ed25519"},
        ]
        async with httpx2.AsyncClient(timeout=3) as client:
            try:
                answer = await client.post(endpoint, content=raw, headers=good)
                pong = answer.status_code == 200 and answer.json() == {"type": PONG}
                statuses = [(await client.post(endpoint, content=raw, headers=headers)).status_code for headers in bad]
            except (httpx2.HTTPError, ValueError):
                return False
        self._journal.add("delivered", "PING", {"pong": pong, "bad_signatures": statuses})
        return pong and statuses == [401] * len(bad)

    async def _post(self, interaction: Interaction, wire: Wire) -> None:
        do = self._faults.next("INTERACTION_CREATE") or Do()
        if do.drop:
            return
        if do.hold:
            await self._faults.replaced()
        if do.delay:
            await self._clock.sleep(do.delay)
        raw = json.dumps(wire).encode()
        headers = self.sign(raw, str(int(self._clock.now().timestamp())))
        for _ in range(1 + do.duplicate):
            self._journal.add("delivered", "INTERACTION_CREATE", {"id": str(interaction.id), "over": "http"})
            try:
                async with httpx2.AsyncClient(timeout=10) as client:
                    answer = await client.post(self.endpoint, content=raw, headers=headers)
            except httpx2.HTTPError as error:
                self._journal.add("refused", "interaction", {"id": str(interaction.id), "why": repr(error)})
                continue
            if answer.status_code == 202:
                continue
            try:
                if answer.status_code != 200:
                    raise Refused(answer.status_code, 0, answer.text[:200])
                self.answer(interaction, answer.json(), [])
            except (Refused, ValueError) as error:
                self._journal.add("refused", "interaction", {"id": str(interaction.id), "why": str(error)})

    def _later(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    async def close(self) -> None:
        for task in list(self._posting):
            task.cancel()

    # From the bot

    def find(self, id: str, token: str) -> Interaction:
        found = self.all.get(int(id)) if id.isdigit() else None
        if found is None or found.token != token:
            raise refused("unknown_interaction")
        return found

    def by_token(self, token: str) -> Interaction:
        """For follow-ups. Raises `Refused` when it is over, or was not answered yet."""
        found = next((one for one in self.all.values() if one.token == token), None)
        if found is None:
            raise refused("unknown_webhook")
        if self._clock.now() - found.at > TOKEN_LASTS:
            raise refused("bad_token")
        if found.state in ("waiting", "failed"):
            raise refused("unknown_webhook")
        return found

    def answer(self, interaction: Interaction, body: Any, files: list[Any]) -> Line | None:
        """The one first answer; gives the message that came of it."""
        if interaction.state in ("deferred", "answered"):
            raise refused("answered")
        if interaction.state == "failed" or self._clock.now() - interaction.at > ANSWERED_WITHIN:
            raise refused("unknown_interaction")
        kind, data = self._checked(interaction, body, files)
        self._journal.add(
            "call", "create_interaction_response", {"id": str(interaction.id), "type": kind, "data": data}
        )
        interaction.state = "answered"
        match kind:
            case 4:
                interaction.original = self._say(interaction, data, files)
            case 5:
                interaction.state = "deferred"
                flags = (data or {}).get("flags") or 0
                line = self._world.line(interaction.place, self._world.bot, "", waiting=True, flags=flags)
                line.only_for = interaction.by.id if flags & forms.EPHEMERAL else 0
                interaction.original = line
            case 6:
                interaction.state, interaction.original = "deferred", interaction.message
            case 7:
                interaction.original = interaction.message
                assert interaction.message is not None
                self.write(interaction.message, data, files)
            case 8:
                interaction.choices = data["choices"]
            case _:
                interaction.modal = data
                self.opened(interaction)
        self._journal.touch()
        return interaction.original

    def _checked(self, interaction: Interaction, body: Any, files: list[Any]) -> tuple[int, Any]:
        if not isinstance(body, dict) or not isinstance(body.get("type"), int):
            raise invalid(("type",), "BASE_TYPE_REQUIRED", "This field is required")
        kind, data = body["type"], body.get("data")
        if kind not in _MAY[interaction.kind] or (kind in (6, 7) and interaction.message is None):
            told = ", ".join(map(str, sorted(_MAY[interaction.kind])))
            raise invalid(("type",), "BASE_TYPE_CHOICES", f"Value must be one of {{{told}}}.")
        match kind:
            case 4:
                forms.created(data or {}, [file.name for file in files])
            case 7:
                assert interaction.message is not None
                names = [file.name for file in (*files, *interaction.message.files)]
                forms.edited(data or {}, names, interaction.message.flags & forms.COMPONENTS_V2)
            case 8 if not isinstance(data, dict) or len(data.get("choices") or ()) > 25:
                raise invalid(("data", "choices"), "BASE_TYPE_BAD_LENGTH", "Must be 25 or fewer in length.")
            case 9:
                forms.modal(data)
        return kind, data if kind == OPEN_MODAL else data or {}

    def _say(self, interaction: Interaction, data: Wire, files: list[Any]) -> Line:
        line = self._world.line(interaction.place, self._world.bot, "")
        line.flags = data.get("flags") or 0
        line.only_for = interaction.by.id if line.flags & forms.EPHEMERAL else 0
        if interaction.kind == COMMAND:
            line.kind = 20
        line.interaction = {"id": str(interaction.id), "type": interaction.kind}
        line.interaction |= {"user": self._world.user(interaction.by), "authorizing_integration_owners": {}}
        self.write(line, data, files, "MESSAGE_CREATE")
        return line

    def follow_up(self, interaction: Interaction, body: Wire, files: list[Any]) -> Line:
        """A further message; the first after "is thinking" takes its place."""
        waiting = interaction.original
        if interaction.state == "deferred" and waiting is not None and waiting.waiting:
            interaction.state = "answered"
            self.write(waiting, body, files)
            return waiting
        return self._say(interaction, body, files)

    def write(self, line: Line, body: Wire, files: list[Any], event: str = "MESSAGE_UPDATE") -> None:
        """Put what the bot wrote into a message; nobody else hears of an ephemeral one."""
        change(self._world, line, body, files)
        if line.waiting:
            line.waiting, event = False, "MESSAGE_CREATE"
        if not line.only_for:
            announce(self._world, self._gateway, line, event)
        self._journal.touch()


def change(world: World, line: Line, body: Wire, files: list[Any]) -> None:
    """What the body names; the rest stays. A message in Components v2 stays one."""
    if "content" in body:
        line.text = body["content"] or ""
    if "attachments" in body or files:
        told = body.get("attachments") or []
        kept = {str(one.get("id")) for one in told}
        line.files = [file for file in line.files if str(file.id) in kept] + files
    attached = {f"attachment://{told['filename']}": told for told in world.attachments(line)}
    if "embeds" in body:
        line.embeds = [{"type": "rich"} | placed(embed, attached) for embed in body["embeds"] or ()]
    if "components" in body:
        line.components = placed(numbered(body["components"] or []), attached)
    if "flags" in body and body["flags"] is not None:
        line.flags = (line.flags & (forms.EPHEMERAL | forms.COMPONENTS_V2)) | body["flags"]
    world.ping(line, body.get("allowed_mentions"))


def placed(value: Any, attached: Mapping[str, Wire]) -> Any:
    """With the addresses of files that came with the message in the place of their names."""
    if isinstance(value, list):
        return [placed(one, attached) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: placed(one, attached) for name, one in value.items()}
    if file := attached.get(str(made.get("url"))):
        made |= {"url": file["url"], "proxy_url": file["url"], "content_type": file["content_type"]}
        made["attachment_id"] = file["id"]
    if made.get("type") == forms.FILE and (file := attached.get(str(value["file"]["url"]))):
        made |= {"name": file["filename"], "size": file["size"]}
    return made


def numbered(components: list[Wire]) -> list[Wire]:
    """Each with its id, as Discord gives them."""
    count = 0

    def number(one: Any) -> Any:
        nonlocal count
        if isinstance(one, list):
            return [number(item) for item in one]
        if not isinstance(one, dict):
            return one
        made = dict(one)
        if "type" in made and made.get("id") is None and not {"name", "animated"} & made.keys():
            count += 1
            made["id"] = count
        return {
            name: number(item) if name in ("components", "accessory", "component") else item
            for name, item in made.items()
        }

    listed: list[Wire] = number(components)
    return listed


def announce(world: World, gateway: Gateway, line: Line, name: str) -> None:
    """Tell the bot, as Discord tells everybody who can see it."""
    direct = world.places[line.place].kind == DM
    intent = DIRECT_MESSAGES if direct else GUILD_MESSAGES
    gateway.tell(name, world.message(line, event=True), intent=intent, guild=0 if direct else world.guild)


def withdraw(world: World, gateway: Gateway, line: Line) -> None:
    direct = world.places[line.place].kind == DM
    told = {"id": str(line.id), "channel_id": str(line.place)} | ({} if direct else {"guild_id": str(world.guild)})
    intent = DIRECT_MESSAGES if direct else GUILD_MESSAGES
    gateway.tell("MESSAGE_DELETE", told, intent=intent, guild=0 if direct else world.guild)
