"""Any server that speaks OpenAI's Chat Completions, streamed: OpenAI, Azure, Gemini, DeepSeek, Ollama, vLLM.

The client does authentication, retries and errors; the lines of the stream are decoded here, which costs less.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from bot.errors import ModelDown
from bot.llm.prompt import Citations, called, command, messages, tools
from bot.ports import Answer, Ask, Cited, Clock, Usage, Wanted, Words

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai._response import AsyncAPIResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAISettings:
    model: str
    api_key: str = field(repr=False)
    base_url: str | None = None
    """None: OpenAI's own."""
    tokens: int = 1_000
    """Longest answer."""
    seconds: float = 60.0
    """For the whole answer."""
    silent_seconds: float = 20.0
    """Until the answer begins, retries included, and between two of its pieces."""
    retries: int = 2
    wire_bytes: int = 4_000_000
    """Of one answer, as it comes over the wire."""
    line_bytes: int = 1_000_000
    calls: int = 8
    """Tool calls of one answer; more are dropped."""
    tools: bool = True
    """False for a model without tool calls: it answers in words alone."""


class OpenAIModel:
    """Connects on the first ask and keeps the connection until `close`."""

    name = "openai"

    def __init__(self, settings: OpenAISettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._client: AsyncOpenAI | None = None

    async def answer(self, ask: Ask, /) -> AsyncIterator[Answer]:
        """Words as they come, then what was cited, wanted and used."""
        citations, calls = Citations(ask.passages), _Calls(self._settings.calls)
        usage: _Usage | None = None
        async with aclosing(self._chunks(ask)) as chunks:
            async for chunk in chunks:
                usage = chunk.usage or usage
                for delta in (choice.delta for choice in chunk.choices if choice.index == 0 and choice.delta):
                    calls.add(delta.tool_calls or ())
                    if text := citations.feed(delta.content or delta.refusal or ""):
                        yield Words(text)
        if rest := citations.end():
            yield Words(rest)
        for passage in citations.cited:
            yield Cited(passage)
        for call in calls.whole():
            if wanted := command(call.name, call.arguments):
                yield Wanted(wanted)
            elif tool := called(call.name, call.arguments, ask):
                yield tool
        if usage:
            yield Usage(usage.prompt_tokens, usage.completion_tokens)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client:
            await client.close()

    async def _chunks(self, ask: Ask) -> AsyncGenerator[_Chunk, None]:
        """The chunks of a whole answer: one that does not come to its end is no answer."""
        ended = False
        async with aclosing(self._lines(ask)) as lines:
            async for line in lines:
                if not line.startswith(b"data:"):
                    continue
                data = line.removeprefix(b"data:").strip()
                if data == b"[DONE]":
                    return
                chunk = _decoded(data)
                ended = ended or any(choice.finish_reason for choice in chunk.choices)
                yield chunk
        if not ended:
            raise ModelDown("the answer was cut off")

    async def _lines(self, ask: Ask) -> AsyncGenerator[bytes, None]:
        await asyncio.to_thread(importlib.import_module, "openai")  # a second of work the first time
        import httpx2
        import openai

        until = self._clock.monotonic() + self._settings.seconds
        left, begun = self._settings.wire_bytes, b""
        try:
            async with self._response(ask) as response:
                async for data in response.iter_bytes():
                    left -= len(data)
                    if left < 0 or len(begun) > self._settings.line_bytes:
                        raise ModelDown("the answer is too large")
                    if self._clock.monotonic() > until:
                        raise ModelDown(f"no end after {self._settings.seconds:g} s")
                    *lines, begun = (begun + data).split(b"\n")
                    for line in lines:
                        yield line
        # Raw lines raise the transport's own errors where parsed ones raise the client's.
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ModelDown(f"{type(error).__name__} {getattr(error, 'status_code', '')}".rstrip()) from error
        yield begun

    @asynccontextmanager
    async def _response(self, ask: Ask) -> AsyncIterator[AsyncAPIResponse[Any]]:
        """The response once its head has come, retries included. Raises `ModelDown` when that takes too long."""
        request = self._connected().chat.completions.with_streaming_response.create(**self._body(ask))
        opening = asyncio.ensure_future(request.__aenter__())
        alarm = asyncio.ensure_future(self._clock.sleep(self._settings.silent_seconds))
        try:
            await asyncio.wait((opening, alarm), return_when=asyncio.FIRST_COMPLETED)
            if not opening.done():
                raise ModelDown(f"no answer within {self._settings.silent_seconds:g} s")
            yield opening.result()
        finally:
            alarm.cancel()
            opening.cancel()
            await asyncio.gather(opening, alarm, return_exceptions=True)
            await request.__aexit__(None, None, None)

    def _connected(self) -> AsyncOpenAI:
        import openai

        if self._client is None:
            self._client = openai.AsyncOpenAI(
                api_key=self._settings.api_key,
                base_url=self._settings.base_url,
                max_retries=self._settings.retries,
                timeout=self._settings.silent_seconds,
                http_client=openai.DefaultAioHttpClient(),  # cheaper with many streams
            )
        return self._client

    def _body(self, ask: Ask) -> dict[str, Any]:
        """Arguments of the client's call, which it types as dozens of closed dictionaries."""
        body: dict[str, Any] = {
            "model": self._settings.model,
            "messages": messages(ask),
            "stream": True,
            "stream_options": {"include_usage": True},
            longest(self._settings.base_url): self._settings.tokens,
        }
        granted = tools(ask) if self._settings.tools else []
        return body | ({"tools": granted} if granted else {})


def longest(base_url: str | None) -> str:
    """OpenAI's newer models refuse the old name of this limit, other servers do not know the new one."""
    host = urlsplit(base_url).hostname if base_url else "api.openai.com"
    return "max_completion_tokens" if (host or "").endswith(("openai.com", "openai.azure.com")) else "max_tokens"


# The wire, as much of it as is read


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct):
    index: int | None = None
    function: _Function | None = None


class _Delta(Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(Struct):
    index: int = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: object = None


def _decoded(data: bytes) -> _Chunk:
    try:
        chunk = msgspec.json.decode(data, type=_Chunk)
    except (ValueError, RecursionError) as error:
        raise ModelDown(f"unreadable answer: {error}") from error
    if chunk.error is not None:
        raise ModelDown("the server reports an error within its answer")
    if any(choice.finish_reason == "content_filter" for choice in chunk.choices):
        raise ModelDown("the server's content filter stopped the answer")
    return chunk


@dataclass(slots=True)
class _WholeCall:
    name: str = ""
    arguments: str = ""


class _Calls:
    """Tool calls come in pieces, told apart by their index; servers that send them whole leave it out."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._calls: dict[int, _WholeCall] = {}

    def add(self, pieces: Iterable[_Call]) -> None:
        for piece in pieces:
            function = piece.function or _Function()
            last = max(self._calls, default=-1)
            index = piece.index if piece.index is not None else last + bool(function.name) if self._calls else 0
            call = self._calls.setdefault(index, _WholeCall())
            call.name += function.name or ""
            call.arguments += function.arguments or ""

    def whole(self) -> Iterable[_WholeCall]:
        return [self._calls[index] for index in sorted(self._calls)][: self._most]
