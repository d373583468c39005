"""What the page shows: requests that go on from the same first words are one chat, and some wait for the person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.ports import Clock
from channels.sandbox.journal import Journal
from channels.sandbox.openai import answers, requests
from channels.sandbox.openai.requests import Chat, Message, Refused
from channels.sandbox.openai.script import End, Part
from channels.sandbox.server import BadAct


@dataclass(slots=True, eq=False)
class Waiting:
    """A request that the person has yet to answer."""

    chat: Chat
    written: str = ""
    """What they wrote of it so far."""
    _parts: asyncio.Queue[Part | Refused] = field(default_factory=asyncio.Queue)

    def answer(self, *parts: Part | Refused) -> None:
        for part in parts:
            self.written += part if isinstance(part, str) else ""
            self._parts.put_nowait(part)

    async def parts(self) -> AsyncGenerator[Part, None]:
        """Up to an `End`. Raises `Refused` when the person refuses."""
        while True:
            part = await self._parts.get()
            if isinstance(part, Refused):
                raise part
            yield part
            if isinstance(part, End):
                return


@dataclass(frozen=True, slots=True)
class Said:
    at: datetime
    message: Message


@dataclass(slots=True)
class Talk:
    id: str
    title: str
    said: list[Said] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)

    def told(self, parts: Sequence[Part], at: datetime) -> dict[str, Any]:
        """What was answered becomes part of it."""
        reply, finish = answers.reply(parts, str(len(self.said)))
        calls = [
            requests.ToolCall(id=call["id"], type="function", function=requests.CalledFunction(**call["function"]))
            for call in reply.get("tool_calls", ())
        ]
        message = Message(role="assistant", content=reply["content"], tool_calls=calls or None)
        self.said.append(Said(at, message))
        return {"text": reply["content"], "calls": [call.function.name for call in calls], "finish": finish}


class Talks:
    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock, self._journal = clock, journal
        self._talks: dict[str, Talk] = {}

    def of(self, chat: Chat) -> Talk:
        """The talk it goes on with, holding its messages; the newest is the last of all."""
        first = next((each.words for each in chat.messages if each.role == "user"), chat.messages[0].words)
        talk = self._talks.pop(first, None) or Talk(str(len(self._talks) + 1), " ".join(first.split())[:60] or "…")
        self._talks[first] = talk
        kept = zip(talk.said, chat.messages, strict=False)
        same = [old if old.message == message else Said(self._clock.now(), message) for old, message in kept]
        talk.said = [*same, *(Said(self._clock.now(), message) for message in chat.messages[len(same) :])]
        return talk

    async def asked(self, talk: Talk, chat: Chat) -> AsyncGenerator[Part, None]:
        """What the person answers."""
        waiting = Waiting(chat)
        talk.waiting.append(waiting)
        self._journal.touch()
        try:
            async for part in waiting.parts():
                yield part
        finally:
            talk.waiting.remove(waiting)
            self._journal.touch()

    def waiting(self) -> list[Waiting]:
        return [waiting for talk in self._talks.values() for waiting in talk.waiting]

    def waiting_in(self, chat: str) -> Waiting:
        """Raises `BadAct`."""
        for talk in self._talks.values():
            if talk.id == chat and talk.waiting:
                return talk.waiting[0]
        raise BadAct(f"nothing waits for an answer in chat {chat!r}")

    def seen(self) -> list[dict[str, Any]]:
        return [_chat_seen(talk) for talk in reversed(self._talks.values())]


def _chat_seen(talk: Talk) -> dict[str, Any]:
    waiting = talk.waiting[0] if talk.waiting else None
    messages = [_message_seen(at, said) for at, said in enumerate(talk.said)]
    if waiting is not None and waiting.written:
        draft = Said(talk.said[-1].at, Message(role="assistant", content=waiting.written))
        messages.append({**_message_seen(len(messages), draft), "draft": True})
    return {
        "id": talk.id,
        "title": talk.title,
        "kind": "private",
        "parent": None,
        "blocked": False,
        "typing": "waits for your answer" if waiting else "",
        "messages": messages,
        "keyboard": None,
        "commands": [],
        "can": ["say"] if waiting else [],
        "waiting": waiting
        and {
            "model": waiting.chat.model,
            "stream": bool(waiting.chat.stream),
            "tools": [
                {"name": each.name, "about": each.description, "parameters": each.parameters}
                for each in waiting.chat.functions_offered.values()
            ],
        },
    }


def _message_seen(at: int, said: Said) -> dict[str, Any]:
    message = said.message
    by, name = {
        "assistant": ("person", "The model"),
        "user": ("bot", message.name or "User"),
        "tool": ("system", f"Result of {message.tool_call_id}"),
    }.get(message.role, ("system", "Instructions"))
    marks = ["code"] if message.role == "tool" else []
    return {
        "id": str(at),
        "by": by,
        "name": name,
        "at": said.at,
        "spans": [{"text": message.words, "marks": marks, "link": ""}] if message.words else [],
        "cards": [
            {"title": f"Calls {call.function.name}", "body": call.function.arguments, "fields": []}
            for call in message.tool_calls or ()
        ],
    }
