"""The sandbox of Telegram: bots, the people around them, and the Bot API between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.ports import Clock
from channels.sandbox.faults import Do, Faults
from channels.sandbox.journal import Journal
from channels.sandbox.server import BadAct, Cut, slowly
from channels.sandbox.telegram import arguments, rich, text
from channels.sandbox.telegram.arguments import Refused, Upload
from channels.sandbox.telegram.methods import Methods
from channels.sandbox.telegram.people import People, message_id, page_id
from channels.sandbox.telegram.updates import Lost, Updates
from channels.sandbox.telegram.world import Chat, Object, Said, World

TOKEN = "42:TEST"
_MEDIA = ("photo", "voice", "audio", "video", "animation", "video_note", "sticker", "document")


class _Bot:
    def __init__(self, sandbox: TelegramSandbox, token: str, number: int) -> None:
        chance = sandbox.chance
        self.world = World(sandbox.clock, token, chance=chance, number=number)
        self.updates = Updates(sandbox.clock, sandbox.journal, sandbox.faults, chance, str(self.world.bot_id))
        self.methods = Methods(self.world, self.updates)
        self.people = People(self.world, self.updates)
        self.prefix = "" if number == 0 else f"{self.world.bot_id}!"


class TelegramSandbox:
    """Implements `Sandbox`. Each token is a bot with people and chats of its own; in the ids of a chat, all but the
    first are told apart by `BOT!CHAT`."""

    name = "telegram"

    def __init__(
        self, clock: Clock, *, seed: int = 0, tokens: Sequence[str] = (TOKEN,), people: Sequence[str] = ("Ada",)
    ) -> None:
        self.clock, self.chance = clock, random.Random(seed)
        self.journal = Journal(clock)
        self.bots: dict[str, _Bot] = {}
        self.faults = Faults(seed)
        for number, token in enumerate(tokens):
            self.bots[token] = bot = _Bot(self, token, number)
            for name in people:
                bot.world.person(name)

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/bot{token}/{method}", self._method, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", self._file),
        ]

    async def act(self, what: str, body: Mapping[str, Any]) -> Any:
        bot, body = self._bot_of(body)
        made = bot.people.act(what, body)
        told = {name: _told(value) for name, value in body.items()}
        self.journal.add("person", what, {"bot": str(bot.world.bot_id), **told, "made": made})
        return {name: bot.prefix + value if name == "chat" else value for name, value in made.items()}

    def _bot_of(self, body: Mapping[str, Any]) -> tuple[_Bot, Mapping[str, Any]]:
        for bot in self.bots.values():
            if bot.prefix and str(body.get("chat", "")).startswith(bot.prefix):
                return bot, {**body, "chat": str(body["chat"]).removeprefix(bot.prefix)}
            if "bot" in body and str(body["bot"]) == str(bot.world.bot_id):
                return bot, body
        if "!" in str(body.get("chat", "")):
            raise BadAct(f"there is no chat {body['chat']!r}")
        return next(iter(self.bots.values())), body

    def seen(self) -> Any:
        first = next(iter(self.bots.values())).world
        return {
            "platform": self.name,
            "bots": [{"id": str(bot.world.bot_id), "name": bot.world.bot["first_name"]} for bot in self.bots.values()],
            "people": [{"id": str(person.id), "name": person.name} for person in first.people.values()],
            "chats": [chat for bot in self.bots.values() for chat in _Seen(bot).chats()],
            "modal": None,
            "toast": first.toast,
        }

    def told(self) -> Mapping[str, str]:
        tokens = {f"token {number}" if number else "token": token for number, token in enumerate(self.bots)}
        return {"api": "{address}", **tokens}

    async def close(self) -> None:
        await asyncio.gather(*(bot.updates.close() for bot in self.bots.values()))

    # HTTP

    async def _method(self, request: Request) -> Response:
        given = request.path_params["method"]
        try:
            bot = self.bots.get(request.path_params["token"])
            if bot is None:
                raise Refused("Unauthorized", 401)
            method = arguments.method_named(given)
            a, uploads = await arguments.read(request, method)
        except Refused as refused:
            return self._refused(given, {}, refused)
        if method == "getUpdates":
            return await self._updates(bot, a)
        fault = self.faults.next(method) or Do()
        if fault.delay:
            await self.clock.sleep(fault.delay)
        if fault.cut or fault.drop:
            return Cut()
        if fault.status or fault.spoil:
            return self._by_script(method, a, fault)
        try:
            for _ in range(1 + fault.duplicate):
                result = await bot.methods.call(method, a, uploads)
        except Refused as refused:
            return self._refused(method, a, refused)
        self.journal.add("call", method, _data(bot, a, uploads, result))
        if fault.accept_then_cut:
            return Cut()
        return self._answer({"ok": True, "result": result}, slow=fault.slow)

    async def _updates(self, bot: _Bot, a: Mapping[str, Any]) -> Response:
        """Whether something goes wrong is found when there is something to answer."""
        try:
            result = await bot.methods.call("getUpdates", dict(a), {})
        except Lost:
            return Cut()
        except Refused as refused:
            return self._refused("getUpdates", a, refused)
        self.journal.touch()
        fault = self.faults.next("getUpdates") or Do()
        if fault.delay:
            await self.clock.sleep(fault.delay)
        if fault.status or fault.spoil:
            return self._by_script("getUpdates", a, fault)
        if fault.cut or fault.drop or fault.accept_then_cut:
            return Cut()
        return self._answer({"ok": True, "result": result}, slow=fault.slow)

    def _by_script(self, method: str, a: Mapping[str, Any], fault: Do) -> Response:
        """`spoil: html` is a page of some server in between."""
        if fault.spoil:
            return Response("<h1>Bad Gateway</h1>", fault.status or 502, media_type="text/html")
        return self._refused(method, a, _scripted(fault))

    def _refused(self, method: str, a: Mapping[str, Any], refused: Refused) -> Response:
        self.journal.add("refused", method, {**a, "error_code": refused.code, "description": refused.description})
        after = refused.parameters.get("retry_after")
        return self._answer(refused.body(), refused.code, headers={"Retry-After": str(after)} if after else {})

    def _answer(
        self, body: Any, status: int = 200, *, slow: float = 0, headers: Mapping[str, str] | None = None
    ) -> Response:
        raw = msgspec.json.encode(body)
        answer = Response(raw, status, headers, "application/json")
        return slowly(answer, slow, self.clock) if slow else answer

    async def _file(self, request: Request) -> Response:
        bot = self.bots.get(request.path_params["token"])
        files = bot.world.files.values() if bot else ()
        file = next((file for file in files if file.path == request.path_params["path"]), None)
        fault = self.faults.next("file") or Do()
        if fault.cut or fault.accept_then_cut:
            return Cut()
        if file is None or file.link or fault.status:
            return self._answer(Refused("Not Found", fault.status or 404).body(), fault.status or 404)
        return Response(file.content, media_type="application/octet-stream")


def _scripted(fault: Do) -> Refused:
    texts = {
        400: "the sandbox was told to refuse this",
        401: "Unauthorized",
        403: "bot was blocked by the user",
        404: "Not Found",
        413: "Request Entity Too Large",
        429: f"Too Many Requests: retry after {int(fault.after)}",
        500: "Internal Server Error",
        502: "Bad Gateway",
        504: "Gateway Timeout",
    }
    parameters = {"retry_after": int(fault.after)} if fault.status == 429 else {}
    return Refused(fault.error or texts.get(fault.status, "Internal Server Error"), fault.status, **parameters)


def _data(bot: _Bot, a: Mapping[str, Any], uploads: Mapping[str, Upload], result: Any) -> Object:
    """What the journal keeps of a call: its arguments, its files as name, type and size, and what it made."""
    data: Object = {"bot": str(bot.world.bot_id), **a}
    if uploads:
        data["uploads"] = [
            {"name": upload.name, "type": upload.type, "size": len(upload.content)} for upload in uploads.values()
        ]
    if isinstance(result, dict) and "message_id" in result:
        data["result"] = result["message_id"]
    elif isinstance(result, list):
        data["result"] = [item.get("message_id") for item in result if isinstance(item, dict)]
    return data


def _told(value: Any) -> Any:
    match value:
        case (name, kind, bytes() as content):
            return {"name": name, "type": kind, "size": len(content)}
        case _:
            return value


class _Seen:
    """What a person sees of one bot's chats."""

    def __init__(self, bot: _Bot) -> None:
        self._bot, self._world = bot, bot.world

    def chats(self) -> list[Object]:
        every = [*self._world.chats.values(), *self._world.business_chats.values()]
        return [seen for chat in every for seen in self._chat(chat)]

    def _chat(self, chat: Chat) -> list[Object]:
        here = self._bot.prefix + page_id(chat)
        kind = {"private": "private", "channel": "channel"}.get(chat.type, "group")
        seen = [self._one(chat, here, chat.title, kind, 0) | {"parent": None}]
        for topic in chat.topics.values():
            seen.append(self._one(chat, f"{here}/{topic.id}", topic.name, "topic", topic.id) | {"parent": here})
        return seen

    def _one(self, chat: Chat, here: str, title: str, kind: str, thread: int) -> Object:
        now = self._world.clock.now()
        action, until = chat.typing.get(thread, ("", now))
        messages = [self._message(said) for said in chat.messages() if said.thread == thread]
        draft = chat.draft
        if draft is not None and draft.until > now and draft.thread == thread:
            messages.append(
                _blank(f"d{draft.id}", now.isoformat())
                | {"by": "bot", "name": self._world.bot["first_name"], "draft": True, "can_stop": draft.can_stop}
                | (_rich(draft.rich) if draft.rich else {"spans": text.spans(draft.text, draft.entities)})
            )
        asks = {"request_contact": "contact", "request_location": "location"}
        keyboard = chat.keyboard if thread == 0 else None
        return {
            "id": here,
            "title": title,
            "kind": kind,
            "blocked": chat.blocked,
            "typing": "bot is typing…" if until > now and action else "",
            "messages": messages,
            "keyboard": keyboard
            and [
                [
                    {"label": button["text"], "ask": next((asks[ask] for ask in asks if button.get(ask)), "")}
                    for button in row
                ]
                for row in keyboard
            ],
            "commands": [
                {"name": command["command"], "about": command["description"]}
                for command in next(iter(self._world.commands.values()), ())
            ],
            "can": ["say", "upload", "edit", "delete", "react", "block", "voice", "location"],
        }

    def _message(self, said: Said) -> Object:
        told = said.told
        by = "bot" if said.by == self._world.bot_id else "person"
        words = told.get("text") or told.get("caption", "")
        spans = text.spans(words, told.get("entities") or told.get("caption_entities", [])) if words else []
        at = self._world.clock.now().fromtimestamp(told["date"], self._world.clock.now().tzinfo).isoformat()
        return _blank(message_id(said), at) | {
            "by": by,
            "name": self._world.sender(said.by)["first_name"],
            "reply_to": str(told["reply_to_message"]["message_id"]) if "reply_to_message" in told else None,
            "spans": spans,
            **(_rich(told["rich_message"]) if "rich_message" in told else {}),
            "edited": "edit_date" in told,
            "deleted": said.deleted,
            "ephemeral": bool(said.to),
            "to": str(said.to) if said.to else None,
            "album": told.get("media_group_id", ""),
            "reactions": _counted(said),
            "files": [self._file(kind, told[kind]) for kind in _MEDIA if kind in told][:1],
            "location": _place(told),
            "contact": {"name": told["contact"]["first_name"], "phone": told["contact"]["phone_number"]}
            if "contact" in told
            else None,
            "rows": [
                [
                    {
                        "kind": "button",
                        "id": f"{row}.{column}",
                        "label": button["text"],
                        "style": button.get("style", ""),
                        "link": button.get("url", "") or button.get("web_app", {}).get("url", ""),
                        "copy": button.get("copy_text", {}).get("text", ""),
                        "disabled": "disabled" in button,
                    }
                    for column, button in enumerate(buttons)
                ]
                for row, buttons in enumerate(told.get("reply_markup", {}).get("inline_keyboard", []))
            ],
        }

    def _file(self, kind: str, told: Any) -> Object:
        one = told[-1] if isinstance(told, list) else told
        file = self._world.files[one["file_id"]]
        shown = {"photo": "image", "animation": "video", "video_note": "video", "document": "file"}.get(kind, kind)
        return {
            "kind": shown,
            "name": file.name,
            "type": file.type,
            "size": file.size,
            "href": file.link or f"/file/bot{self._world.token}/{file.path}",
            "alt": "",
        }


def _blank(number: str, at: str) -> Object:
    return {
        "id": number,
        "by": "system",
        "name": "",
        "at": at,
        "reply_to": None,
        "spans": [],
        "edited": False,
        "deleted": False,
        "draft": False,
        "ephemeral": False,
        "to": None,
        "reactions": [],
        "files": [],
        "cards": [],
        "table": None,
        "location": None,
        "contact": None,
        "rows": [],
    }


def _rich(message: Object) -> Object:
    return {"spans": rich.spans(message), "blocks": rich.shown(message)}


def _counted(said: Said) -> list[Object]:
    counts = dict[str, int]()
    for given in said.reactions.values():
        for each in given:
            counts[str(each.get("emoji", "★"))] = counts.get(str(each.get("emoji", "★")), 0) + 1
    return [{"emoji": emoji, "count": count} for emoji, count in counts.items()]


def _place(told: Object) -> Object | None:
    if "location" not in told:
        return None
    venue = told.get("venue", {})
    return {
        "latitude": told["location"]["latitude"],
        "longitude": told["location"]["longitude"],
        "label": ", ".join(filter(None, (venue.get("title"), venue.get("address")))),
    }
