"""What answers look like on the wire, and what vectors and verdicts are made of."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, assert_never

from channels.sandbox.openai import requests
from channels.sandbox.openai.requests import Chat
from channels.sandbox.openai.script import Call, End, Part

CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


async def deltas(
    chat: Chat, first: Part, parts: AsyncGenerator[Part, None], head: Mapping[str, Any], found: list[Part]
) -> AsyncGenerator[dict[str, Any], None]:
    """The chunks of an answer; what it was made of is added to `found`."""
    calls = 0

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        choices = [
            {"index": n, "delta": dict(delta), "logprobs": None, "finish_reason": finish} for n in range(chat.n or 1)
        ]
        told = {"usage": None} if chat.stream_options and chat.stream_options.include_usage else {}
        return {**head, "object": "chat.completion.chunk", "choices": choices, **told}

    yield chunk({"role": "assistant", "content": None if isinstance(first, Call) else "", "refusal": None})
    async with aclosing(parts):
        part = first
        while True:
            match part:
                case str():
                    yield chunk({"content": part})
                case Call():
                    place = {"index": calls}
                    begin = {"id": _call_id(head["id"], calls), "type": "function"}
                    yield chunk({"tool_calls": [{**place, **begin, "function": {"name": part.name, "arguments": ""}}]})
                    for piece in re.findall(r".{1,8}", part.text, re.DOTALL):
                        yield chunk({"tool_calls": [{**place, "function": {"arguments": piece}}]})
                    calls += 1
                case End(finish):
                    yield chunk({}, finish)
                    return
            part = await anext(parts)
            found.append(part)


def reply(parts: Sequence[Part], id: str) -> tuple[dict[str, Any], str]:
    words = "".join(part for part in parts if isinstance(part, str))
    calls = [
        {"id": _call_id(id, at), "type": "function", "function": {"name": call.name, "arguments": call.text}}
        for at, call in enumerate(part for part in parts if isinstance(part, Call))
    ]
    finish = next((part.finish for part in parts if isinstance(part, End)), "stop")
    message = {"role": "assistant", "content": None if calls and not words else words, "refusal": None}
    return {**message, "annotations": [], **({"tool_calls": calls} if calls else {})}, finish


def _call_id(answer: str, at: int) -> str:
    return f"call_{answer.rpartition('-')[2] or '0'}_{at}"


def usage(chat: Chat, parts: Sequence[Part]) -> dict[str, Any]:
    asked = sum(4 + requests.tokens(message.words) for message in chat.messages)
    said = sum(requests.tokens(_written(part)) for part in parts)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _written(part: Part) -> str:
    match part:
        case str():
            return part
        case Call():
            return part.text
        case End():
            return ""
        case _:
            assert_never(part)


def model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "sandbox"}


def vector(text: str, size: int) -> list[float]:
    """Texts that share words point the same way; of length 1, and the same for the same text."""
    found = [0.0] * size
    for word in [*re.findall(r"\w+", text.casefold()), ""]:
        digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
        for at in range(0, 8, 2):
            place, sign = int.from_bytes(digest[at : at + 2], "big"), digest[at] % 2
            found[place % size] += 1.0 if sign else -1.0
    length = math.sqrt(sum(value * value for value in found)) or 1.0
    return [value / length for value in found]


def verdict(flags: Sequence[str]) -> dict[str, Any]:
    return {
        "flagged": bool(flags),
        "categories": {name: name in flags for name in CATEGORIES},
        "category_scores": {name: 0.98 if name in flags else 0.0001 for name in CATEGORIES},
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }
