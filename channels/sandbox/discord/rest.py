"""The HTTP interface, `/api/v10/…`: what a bot may ask of Discord, and exactly how it is refused.

Operations bear the names of Discord's own OpenAPI description (`create_message`, ...); scripts of faults and the
journal use them.
"""

from __future__ import annotations

import inspect
import json
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from bot.ports import Clock
from channels.sandbox.discord import forms
from channels.sandbox.discord.gateway import DIRECT_REACTIONS, GUILD_REACTIONS, GUILDS, Gateway, Rules
from channels.sandbox.discord.interactions import Interactions, announce, change, withdraw
from channels.sandbox.discord.pace import Pace
from channels.sandbox.discord.refusals import Refused, invalid, refused, usual
from channels.sandbox.discord.world import (
    DM,
    FORUM,
    PUBLIC_THREAD,
    TEXT,
    THREADS,
    VOICE,
    File,
    Line,
    Place,
    Wire,
    World,
)
from channels.sandbox.faults import Do, Faults
from channels.sandbox.journal import Journal
from channels.sandbox.server import Cut, slowly

MOST_BYTES = 10 * 1024 * 1024
"""Of one file, on a server without boosts."""
NONCES_LAST = timedelta(minutes=3)
""" "The past few minutes", as the documentation has it."""
_EMOJI = re.compile(r"[^\w\s]{1,16}|\w{2,32}:\d{1,20}|[0-9#*]\ufe0f?\u20e3")


@dataclass(slots=True)
class Call:
    name: str
    ids: dict[str, str]
    query: Mapping[str, str]
    body: Any = None
    files: list[File] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [file.name for file in self.files]

    @property
    def told(self) -> Wire:
        """For the journal: files as name, type and size."""
        told: Wire = dict(self.ids)
        if self.query:
            told["query"] = dict(self.query)
        if self.body is not None:
            told["body"] = self.body
        if self.files:
            told["files"] = [{"name": one.name, "type": one.type, "size": len(one.content)} for one in self.files]
        return told


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    method: str
    path: re.Pattern[str]
    do: Callable[[Call], Any]
    open: bool = False
    """Needs no bot token: the one of its interaction is in the path."""


class Rest:
    def __init__(
        self,
        world: World,
        gateway: Gateway,
        interactions: Interactions,
        rules: Rules,
        pace: Pace,
        journal: Journal,
        faults: Faults,
        clock: Clock,
    ) -> None:
        self._world, self._gateway, self._interactions, self._rules = world, gateway, interactions, rules
        self._pace, self._journal, self._faults, self._clock = pace, journal, faults, clock
        self._nonces: dict[tuple[int, str], tuple[datetime, Line]] = {}
        self.commands: dict[int, list[Wire]] = {0: []}
        """Application commands by server; 0: everywhere."""
        self._operations = tuple(self._all())

    async def __call__(self, request: Request) -> Response:
        self._world.base = str(request.base_url).rstrip("/")
        path = request.url.path.removeprefix("/api/v10")
        found = [(one, met) for one in self._operations if (met := one.path.fullmatch(path))]
        chosen = next(((one, met) for one, met in found if one.method == request.method), None)
        if chosen is None:
            return self._refusal(f"{request.method} {path}", refused("bad_method" if found else "not_found"))
        operation, met = chosen
        call = Call(
            operation.name, {name: unquote(value) for name, value in met.groupdict().items()}, request.query_params
        )
        do = self._faults.next(operation.name) or Do()
        headers: dict[str, str] = {}
        try:
            if not operation.open and request.headers.get("authorization") != f"Bot {self._rules.token}":
                raise refused("unauthorized")
            if self._pace.banned:
                return Response("error code: 1015", 429, {"Retry-After": "600"}, "text/plain")
            major = next((call.ids[name] for name in ("channel", "guild", "token") if name in call.ids), "")
            headers, wait = self._pace.take(operation.name, major)
            if wait or do.status == 429:
                return self._too_fast(operation.name, headers, do.after or wait or 1, limited=bool(wait))
            if do.delay:
                await self._clock.sleep(do.delay)
            if do.cut or do.drop:
                return Cut()
            if do.hold:
                await self._faults.replaced()
            if do.status:
                raise usual(do.status, do.error)
            await self._read(request, call)
            for _ in range(1 + do.duplicate):
                told = operation.do(call)
                told = await told if inspect.isawaitable(told) else told
        except Refused as refusal:
            return self._refusal(operation.name, refusal, headers, call)
        if operation.name != "create_interaction_response":
            self._journal.add("call", operation.name, call.told | _made(told))
        if do.disconnect:
            self._gateway.disconnect(do.disconnect)
        if do.accept_then_cut:
            return Cut()
        answer = Response(status_code=204, headers=headers) if told is None else _json(told, 200, headers)
        return slowly(answer, do.slow, self._clock) if do.slow else answer

    async def _read(self, request: Request, call: Call) -> None:
        kind = request.headers.get("content-type", "")
        if "multipart/form-data" in kind:
            async with request.form(max_part_size=MOST_BYTES * 11) as form:
                parts = [(name, part) for name, part in form.multi_items() if not isinstance(part, str)]
                files = {name: (part.filename or "file", part.content_type, await part.read()) for name, part in parts}
                call.body = _decode(str(form.get("payload_json", "{}")).encode())
            self._attach(call, files)
            return
        raw = await request.body()
        if not raw:
            return
        if kind.partition(";")[0] != "application/json":
            why = "Expected \"Content-Type\" header to be one of {'application/json'}."
            raise invalid((), "CONTENT_TYPE_INVALID", why)
        call.body = _decode(raw)

    def _attach(self, call: Call, files: Mapping[str, tuple[str, str | None, bytes]]) -> None:
        if any(len(content) > MOST_BYTES for _, _, content in files.values()):
            raise refused("too_large")
        body = call.body.get("data") if "data" in call.body and "type" in call.body else call.body
        told = {str(one.get("id")): one for one in (body or {}).get("attachments") or ()}
        for name, (filename, kind, content) in files.items():
            met = re.fullmatch(r"files\[(\d+)\]", name)
            if met is None:
                continue
            about = told.get(met[1], {}).get("description") or ""
            call.files.append(self._world.file(filename, _type(filename, kind), content, about))

    def _too_fast(self, name: str, headers: dict[str, str], after: float, *, limited: bool) -> Response:
        self._pace.refused()
        self._journal.add("refused", name, {"status": 429, "retry_after": after})
        headers |= {"Retry-After": f"{after:g}", "Via": "1.1 sandbox", "X-RateLimit-Scope": "user"}
        headers |= {} if limited else {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": f"{after:g}"}
        return _json({"message": "You are being rate limited.", "retry_after": after, "global": False}, 429, headers)

    def _refusal(
        self, name: str, refusal: Refused, headers: Mapping[str, str] | None = None, call: Call | None = None
    ) -> Response:
        if refusal.status in (401, 403):
            self._pace.refused()
        self._journal.add("refused", name, refusal.body | {"status": refusal.status} | (call.told if call else {}))
        return _json(refusal.body, refusal.status, dict(headers or {}))

    def _all(self) -> Any:
        message, reaction = "/channels/{channel}/messages", "/channels/{channel}/messages/{message}/reactions/{emoji}"
        hook = "/webhooks/{application}/{token}"
        for method, path, do in (
            ("GET", "/gateway", self.get_gateway),
            ("GET", "/gateway/bot", self.get_bot_gateway),
            ("GET", "/users/@me", self.get_my_user),
            ("GET", "/users/@me/guilds", self.list_my_guilds),
            ("POST", "/users/@me/channels", self.create_dm),
            ("GET", "/users/{user}", self.get_user),
            ("GET", "/oauth2/applications/@me", self.get_my_application),
            ("GET", "/applications/@me", self.get_my_application),
            ("PATCH", "/applications/@me", self.update_my_application),
            ("GET", "/guilds/{guild}", self.get_guild),
            ("GET", "/guilds/{guild}/channels", self.list_guild_channels),
            ("GET", "/guilds/{guild}/members/{user}", self.get_guild_member),
            ("GET", "/guilds/{guild}/threads/active", self.get_active_guild_threads),
            ("GET", "/channels/{channel}", self.get_channel),
            ("PATCH", "/channels/{channel}", self.update_channel),
            ("POST", "/channels/{channel}/typing", self.trigger_typing_indicator),
            ("GET", message, self.list_messages),
            ("POST", message, self.create_message),
            ("GET", message + "/{message}", self.get_message),
            ("PATCH", message + "/{message}", self.update_message),
            ("DELETE", message + "/{message}", self.delete_message),
            ("PUT", reaction + "/@me", self.add_my_message_reaction),
            ("DELETE", reaction + "/@me", self.delete_my_message_reaction),
            ("POST", message + "/{message}/threads", self.create_thread_from_message),
            ("POST", "/channels/{channel}/threads", self.create_thread),
            ("PUT", "/channels/{channel}/thread-members/@me", self.join_thread),
            ("GET", "/applications/{application}/commands", self.list_application_commands),
            ("PUT", "/applications/{application}/commands", self.bulk_set_application_commands),
            ("GET", "/applications/{application}/guilds/{guild}/commands", self.list_application_commands),
            ("PUT", "/applications/{application}/guilds/{guild}/commands", self.bulk_set_application_commands),
        ):
            yield Operation(do.__name__, method, _pattern(path), do)
        for method, path, do in (
            ("POST", "/interactions/{interaction}/{token}/callback", self.create_interaction_response),
            ("POST", hook, self.execute_webhook),
            ("GET", hook + "/messages/{message}", self.get_webhook_message),
            ("PATCH", hook + "/messages/{message}", self.update_webhook_message),
            ("DELETE", hook + "/messages/{message}", self.delete_webhook_message),
        ):
            yield Operation(do.__name__, method, _pattern(path), do, open=True)

    # Who and where

    def get_gateway(self, call: Call) -> Wire:
        return {"url": self._world.base.replace("http", "ws", 1) + "/gateway"}

    def get_bot_gateway(self, call: Call) -> Wire:
        now = self._clock.now()
        limit = {"total": self._rules.identifies, "remaining": self._rules.remaining(now)}
        limit |= {"reset_after": 86_400_000, "max_concurrency": 1}
        return self.get_gateway(call) | {"shards": 1, "session_start_limit": limit}

    def get_my_user(self, call: Call) -> Wire:
        return self._world.user(self._world.bot) | {"verified": True, "mfa_enabled": False, "locale": "en-US"}

    def get_my_application(self, call: Call) -> Wire:
        world, granted = self._world, self._rules.granted
        flags = (1 << 19 if granted & 1 << 15 else 0) | (1 << 15 if granted & 1 << 1 else 0)
        told: Wire = {"id": str(world.bot.id), "name": world.bot.name, "icon": None, "description": "", "flags": flags}
        told |= {"bot_public": True, "bot_require_code_grant": False, "verify_key": self._interactions.public_key}
        told |= {"owner": world.user(world.owner), "team": None, "summary": "", "tags": []}
        return told | {"interactions_endpoint_url": self._interactions.endpoint or None, "approximate_guild_count": 1}

    async def update_my_application(self, call: Call) -> Wire:
        if "interactions_endpoint_url" in (body := call.body or {}):
            await self._interactions.connect(body["interactions_endpoint_url"] or "")
        return self.get_my_application(call)

    def list_my_guilds(self, call: Call) -> Any:
        world = self._world
        return [{"id": str(world.guild), "name": world.guild_name, "icon": None, "owner": False, "permissions": "0"}]

    def get_user(self, call: Call) -> Wire:
        person = self._world.people.get(_id(call.ids["user"], "user"))
        if person is None:
            raise refused("unknown_user")
        return self._world.user(person)

    def create_dm(self, call: Call) -> Wire:
        given = (call.body or {}).get("recipient_id")
        person = self._world.people.get(_id(str(given), "recipient_id"))
        if person is None or person.is_bot:
            raise refused("cannot_dm" if person else "unknown_user")
        return self._world.channel(self._world.direct(person))

    def get_guild(self, call: Call) -> Wire:
        self._guild(call)
        return self._world.guild_whole()

    def list_guild_channels(self, call: Call) -> Any:
        self._guild(call)
        seen = (one for one in self._world.places.values() if one.kind not in (DM, *THREADS) and not one.hidden)
        return [self._world.channel(place) for place in seen]

    def get_guild_member(self, call: Call) -> Wire:
        self._guild(call)
        person = self._world.people.get(_id(call.ids["user"], "user"))
        if person is None or not person.member:
            raise refused("unknown_member")
        return self._world.member(person) | {"user": self._world.user(person)}

    def get_active_guild_threads(self, call: Call) -> Wire:
        self._guild(call)
        places = self._world.places.values()
        seen = [one for one in places if one.kind in THREADS and not (one.archived or one.hidden)]
        return {"threads": [self._world.channel(place) for place in seen], "members": []}

    def get_channel(self, call: Call) -> Wire:
        return self._world.channel(self._place(call))

    def update_channel(self, call: Call) -> Wire:
        place, body = self._place(call), call.body or {}
        if place.kind not in THREADS:
            raise refused("missing_permissions")
        if place.archived and body.get("archived") is not False:
            raise refused("archived")
        if "archived" in body:
            place.archived = bool(body["archived"])
        if "locked" in body:
            place.locked = bool(body["locked"])
        if body.get("name"):
            place.name = str(body["name"])[:100]
        self._gateway.tell("THREAD_UPDATE", self._world.channel(place), intent=GUILDS, guild=self._world.guild)
        return self._world.channel(place)

    def trigger_typing_indicator(self, call: Call) -> None:
        self._world.types(self._writable(call), self._world.bot)

    # Messages

    def list_messages(self, call: Call) -> Any:
        lines, query = list(self._place(call).said()), call.query
        limit = query.get("limit", "50")
        if not limit.isdigit() or not 1 <= int(limit) <= 100:
            raise invalid(("limit",), "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.")
        if "after" in query:
            chosen = [line for line in lines if line.id > _id(query["after"], "after")][: int(limit)]
        elif "before" in query:
            chosen = [line for line in lines if line.id < _id(query["before"], "before")][-int(limit) :]
        elif "around" in query:
            near = sorted(lines, key=lambda line: abs(line.id - _id(query["around"], "around")))[: int(limit)]
            chosen = sorted(near, key=lambda line: line.id)
        else:
            chosen = lines[-int(limit) :]
        return [self._world.message(line) for line in reversed(chosen)]

    def create_message(self, call: Call) -> Wire:
        place = self._writable(call)
        body = call.body if call.body is not None else {}
        forms.created(body, call.names)
        nonce = body.get("nonce")
        if nonce is not None and body.get("enforce_nonce") and (known := self._known(place, str(nonce))):
            return self._world.message(known)
        line = self._world.line(place, self._world.bot, "", nonce=nonce)
        self._refer(place, line, body.get("message_reference"))
        change(self._world, line, body, call.files)
        if nonce is not None:
            self._nonces[place.id, str(nonce)] = (line.at, line)
        announce(self._world, self._gateway, line, "MESSAGE_CREATE")
        return self._world.message(line)

    def _known(self, place: Place, nonce: str) -> Line | None:
        at, line = self._nonces.get((place.id, nonce), (None, None))
        return line if at and self._clock.now() - at < NONCES_LAST else None

    def _refer(self, place: Place, line: Line, reference: Any) -> None:
        if not reference:
            return
        there = self._world.places.get(int(reference.get("channel_id") or place.id), place)
        met = there.lines.get(int(reference.get("message_id") or 0))
        if met is None or met.deleted:
            if reference.get("fail_if_not_exists", True):
                del place.lines[line.id]
                raise invalid(("message_reference",), "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
        elif reference.get("type") == 1:
            line.forwarded = met
        else:
            line.reply_to, line.kind = met.id, 19

    def get_message(self, call: Call) -> Wire:
        return self._world.message(self._line(call))

    def update_message(self, call: Call) -> Wire:
        self._writable(call)
        line = self._line(call)
        if line.by is not self._world.bot:
            raise refused("foreign_message")
        return self._rewrite(line, call)

    def _rewrite(self, line: Line, call: Call) -> Wire:
        body = call.body or {}
        forms.edited(body, [*call.names, *(file.name for file in line.files)], line.flags & forms.COMPONENTS_V2)
        kept = {"content": line.text, "embeds": line.embeds, "components": line.components, "attachments": line.files}
        if not (any((kept | body)[name] for name in kept) or call.files):
            raise refused("empty_message")
        line.edited_at = self._clock.now()
        self._interactions.write(line, body, call.files)
        return self._world.message(line)

    def delete_message(self, call: Call) -> None:
        line = self._line(call)
        if line.by is not self._world.bot and self._place(call).kind == DM:
            raise refused("missing_permissions")
        self._remove(line)

    def _remove(self, line: Line) -> None:
        line.deleted = True
        if not line.only_for:
            withdraw(self._world, self._gateway, line)
        self._journal.touch()

    def add_my_message_reaction(self, call: Call) -> None:
        line, emoji = self._line(call), call.ids["emoji"]
        if not _EMOJI.fullmatch(emoji):
            raise refused("unknown_emoji")
        line.reactions.setdefault(emoji, set()).add(self._world.bot.id)
        self._reacted("MESSAGE_REACTION_ADD", line, emoji)

    def delete_my_message_reaction(self, call: Call) -> None:
        line, emoji = self._line(call), call.ids["emoji"]
        by = line.reactions.get(emoji, set())
        if self._world.bot.id not in by:
            raise refused("unknown_emoji")
        by.discard(self._world.bot.id)
        if not by:
            del line.reactions[emoji]
        self._reacted("MESSAGE_REACTION_REMOVE", line, emoji)

    def _reacted(self, event: str, line: Line, emoji: str) -> None:
        direct = self._world.places[line.place].kind == DM
        told: Wire = {"user_id": str(self._world.bot.id), "channel_id": str(line.place), "message_id": str(line.id)}
        told |= {"emoji": {"id": None, "name": emoji}, "burst": False, "type": 0}
        told |= {} if direct else {"guild_id": str(self._world.guild)}
        intent = DIRECT_REACTIONS if direct else GUILD_REACTIONS
        self._gateway.tell(event, told, intent=intent, guild=0 if direct else self._world.guild)

    # Threads

    def create_thread_from_message(self, call: Call) -> Wire:
        place, line = self._place(call), self._line(call)
        if place.kind != TEXT:
            raise refused("wrong_kind")
        if line.id in self._world.places:
            raise refused("has_thread")
        return self._thread(place, call, line.id)

    def create_thread(self, call: Call) -> Wire:
        place = self._place(call)
        if place.kind not in (TEXT, FORUM):
            raise refused("wrong_kind")
        if place.kind == TEXT:
            return self._thread(place, call)
        opening = (call.body or {}).get("message")
        if not isinstance(opening, dict):
            raise invalid(("message",), "BASE_TYPE_REQUIRED", "This field is required")
        forms.created(opening, call.names)
        told = self._thread(place, call)
        thread = self._world.places[int(told["id"])]
        line = self._world.line(thread, self._world.bot, "")
        change(self._world, line, opening, call.files)
        announce(self._world, self._gateway, line, "MESSAGE_CREATE")
        return self._world.channel(thread) | {"message": self._world.message(line)}

    def _thread(self, place: Place, call: Call, id: int = 0) -> Wire:
        name = (call.body or {}).get("name")
        if not isinstance(name, str) or not 1 <= len(name) <= 100:
            raise invalid(("name",), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
        kind = int((call.body or {}).get("type") or PUBLIC_THREAD)
        thread = self._world.thread(place, name, self._world.bot, kind=kind, id=id)
        told = self._world.channel(thread)
        self._gateway.tell("THREAD_CREATE", told | {"newly_created": True}, intent=GUILDS, guild=self._world.guild)
        return told

    def join_thread(self, call: Call) -> None:
        place = self._place(call)
        if place.kind not in THREADS:
            raise refused("wrong_kind")
        if place.archived:
            raise refused("archived")
        if self._world.bot.id not in place.people:
            place.people.append(self._world.bot.id)

    # Commands

    def list_application_commands(self, call: Call) -> Any:
        return self.commands.get(int(call.ids.get("guild", 0)), [])

    def bulk_set_application_commands(self, call: Call) -> Any:
        if call.ids["application"] != str(self._world.bot.id):
            raise refused("missing_access")
        forms.commands(call.body)
        guild = int(call.ids.get("guild", 0))
        base: Wire = {"application_id": str(self._world.bot.id), "guild_id": str(guild) if guild else None}
        base |= {"default_member_permissions": None, "nsfw": False, "type": 1, "options": []}
        made = [
            base | one | {"id": str(self._world.snowflake()), "version": str(self._world.snowflake())}
            for one in call.body
        ]
        self.commands[guild] = made
        return made

    # Interactions

    def create_interaction_response(self, call: Call) -> Any:
        interaction = self._interactions.find(call.ids["interaction"], call.ids["token"])
        line = self._interactions.answer(interaction, call.body, call.files)
        if call.query.get("with_response", "").lower() not in ("1", "true"):
            return None
        kind = call.body["type"]
        told: Wire = {"interaction": {"id": str(interaction.id), "type": interaction.kind}, "resource": {"type": kind}}
        if line is not None:
            ephemeral = bool(line.only_for)
            told["interaction"] |= {"response_message_id": str(line.id), "response_message_ephemeral": ephemeral}
            told["interaction"]["response_message_loading"] = line.waiting
            told["resource"]["message"] = self._world.message(line)
        return told

    def execute_webhook(self, call: Call) -> Any:
        interaction = self._interactions.by_token(call.ids["token"])
        forms.created(call.body if call.body is not None else {}, call.names, follow_up=True)
        line = self._interactions.follow_up(interaction, call.body, call.files)
        return self._world.message(line)

    def get_webhook_message(self, call: Call) -> Wire:
        return self._world.message(self._answered(call))

    def update_webhook_message(self, call: Call) -> Wire:
        return self._rewrite(self._answered(call), call)

    def delete_webhook_message(self, call: Call) -> None:
        self._remove(self._answered(call))

    def _answered(self, call: Call) -> Line:
        interaction, wanted = self._interactions.by_token(call.ids["token"]), call.ids["message"]
        if wanted == "@original":
            line = interaction.original
        else:
            line = interaction.place.lines.get(_id(wanted, "message"))
        if line is None or line.deleted or line.by is not self._world.bot:
            raise refused("unknown_message")
        return line

    # What a path names

    def _guild(self, call: Call) -> None:
        if _id(call.ids["guild"], "guild") != self._world.guild:
            raise refused("unknown_guild")

    def _place(self, call: Call) -> Place:
        place = self._world.places.get(_id(call.ids["channel"], "channel_id"))
        if place is None:
            raise refused("unknown_channel")
        if place.hidden:
            raise refused("missing_access")
        return place

    def _writable(self, call: Call) -> Place:
        place = self._place(call)
        if place.kind in (FORUM, VOICE):
            raise refused("non_text")
        if place.kind == DM and any(self._world.people[one].blocks for one in place.people):
            raise refused("cannot_dm")
        if place.archived and place.locked:
            raise refused("archived")
        return place

    def _line(self, call: Call) -> Line:
        line = self._place(call).lines.get(_id(call.ids["message"], "message_id"))
        if line is None or line.deleted or line.only_for:
            raise refused("unknown_message")
        return line


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def _id(given: str, name: str) -> int:
    if not re.fullmatch(r"\d{1,20}", given):
        raise invalid((name,), "NUMBER_TYPE_COERCE", f'Value "{given}" is not snowflake.')
    return int(given)


def _decode(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise refused("bad_json") from error


def _json(value: Any, status: int, headers: Mapping[str, str]) -> Response:
    """Its type stands there bare: with a charset discord.py takes the body for text."""
    return Response(json.dumps(value).encode(), status, dict(headers), "application/json")


def _made(told: Any) -> Wire:
    return {"made": told["id"]} if isinstance(told, dict) and "id" in told else {}


def _type(name: str, given: str | None) -> str:
    guessed, _ = mimetypes.guess_type(name)
    return guessed or given or "application/octet-stream"
