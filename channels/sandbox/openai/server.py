"""The server: what a script answers it answers at once, what it does not wait for the person on the page, if one plays.

Faults: calls are named by their path with dots (`chat.completions`, `embeddings`, `audio.speech`, ...), each chunk of
a stream is a `chunk`. `spoil` knows `json`, `character`, `early`, `endless`, `empty` and `tool`.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import math
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.ports import Clock
from channels.sandbox.faults import Do, Faults
from channels.sandbox.journal import Journal
from channels.sandbox.openai import answers, requests, sounds
from channels.sandbox.openai.requests import Chat, Refused
from channels.sandbox.openai.script import Call, End, Line, Part, Script, lines
from channels.sandbox.openai.talks import Talk, Talks
from channels.sandbox.server import BadAct, Cut, CutHere, Streamed, left, slowly

KEY = "sk-sandbox"
CHATS = ("gpt-5.1", "gpt-5-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini")
VECTORS = {"text-embedding-3-small": 1_536, "text-embedding-3-large": 3_072, "text-embedding-ada-002": 1_536}
OTHERS = ("whisper-1", "gpt-4o-mini-transcribe", "tts-1", "gpt-4o-mini-tts", "omni-moderation-latest")
HEARD = (".flac", ".mp3", ".mp4", ".mpeg", ".mpga", ".m4a", ".ogg", ".oga", ".opus", ".wav", ".webm")
MOST_HEARD = 25 * 1024 * 1024

_TYPES = {401: "invalid_request_error", 429: "requests", 500: "server_error", 503: "server_error"}
_WORDS = {
    401: ("Incorrect API key provided.", "invalid_api_key"),
    429: ("Rate limit reached. Please try again later.", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request. Sorry about that!", ""),
    503: ("That model is currently overloaded with other requests.", ""),
}


class OpenAISandbox:
    name = "openai"

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 0,
        script: Sequence[Line] = (),
        person: bool = False,
        models: Sequence[str] = (),
        key: str = KEY,
    ) -> None:
        """`person`: whether somebody answers what the script does not; `models`: known beside OpenAI's own."""
        self.journal, self.faults = Journal(clock), Faults(seed)
        self._clock, self._key = clock, key
        self._script, self._person = Script(script), person
        self._chats = (*CHATS, *models)
        self._talks = Talks(clock, self.journal)
        self._count = 0

    # The platform's own paths

    def routes(self) -> Sequence[BaseRoute]:
        posts: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/chat/completions": self._chat,
            "/embeddings": self._embeddings,
            "/audio/transcriptions": self._transcription,
            "/audio/speech": self._speech,
            "/moderations": self._moderation,
        }
        return [
            *(Route(f"/v1{path}", self._guarded(path, answer), methods=["POST"]) for path, answer in posts.items()),
            Route("/v1/models", self._guarded("/models", self._models)),
            Route("/v1/models/{name:path}", self._guarded("/models", self._model)),
            Route("/v1/{path:path}", self._unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    def _guarded(
        self, path: str, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The key first, then what was scripted to go wrong, then the call itself."""
        name = path.strip("/").replace("/", ".")

        async def guarded(request: Request) -> Response:
            try:
                self._admit(request)
                fault = self.faults.next(name) or Do()
                await self._clock.sleep(fault.delay)
                if fault.cut:
                    self.journal.add("refused", name, {"cut": True})
                    return Cut()
                if fault.status:
                    raise _scripted(fault)
                request.state.name, request.state.fault = name, fault
                found = await answer(request)
            except Refused as refused:
                self.journal.add("refused", name, {"status": refused.status, **refused.error})
                return _refusal(refused)
            if isinstance(found, Streamed):
                return found
            if fault.accept_then_cut:
                return Cut()
            if fault.spoil == "json":
                found = Response(bytes(found.body)[:-2], media_type="application/json")
            return slowly(found, fault.slow, self._clock) if fault.slow else found

        return guarded

    def _admit(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.casefold() != "bearer" or not key:
            raise Refused("You didn't provide an API key. It goes into the Authorization header.", status=401)
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            raise Refused(
                f"Incorrect API key provided: {key[:3]}***. This stand-in's is {self._key!r}.",
                status=401,
                code="invalid_api_key",
            )

    def _know(self, model: str, known: Sequence[str], what: str) -> None:
        if model in known:
            return
        every = (*self._chats, *VECTORS, *OTHERS)
        message = (
            f"The model `{model}` is no {what}. Here are: {', '.join(known)}."
            if model in every
            else f"The model `{model}` does not exist or you do not have access to it."
        )
        raise Refused(message, status=404, param="model", code="model_not_found")

    async def _unknown(self, request: Request) -> Response:
        refused = Refused(f"Invalid URL ({request.method} {request.url.path})", status=404)
        self.journal.add("refused", request.url.path, refused.error)
        return _refusal(refused)

    async def _models(self, request: Request) -> Response:
        self.journal.add("call", "models", {})
        data = [answers.model(name) for name in (*self._chats, *VECTORS, *OTHERS)]
        return _json({"object": "list", "data": data})

    async def _model(self, request: Request) -> Response:
        name = request.path_params["name"]
        self._know(name, (*self._chats, *VECTORS, *OTHERS), "model")
        self.journal.add("call", "models", {"model": name})
        return _json(answers.model(name))

    async def _chat(self, request: Request) -> Response:
        raw = await request.body()
        chat = requests.read(raw, Chat)
        self._know(chat.model, self._chats, "chat model")
        requests.check(chat)
        self.journal.add("call", "chat.completions", msgspec.json.decode(raw))
        fault: Do = request.state.fault
        talk = self._talks.of(chat)
        parts = self._parts(chat, talk, fault)
        self._count += 1
        id = f"chatcmpl-{self._count}"
        head = {"id": id, "created": int(self._clock.now().timestamp()), "model": chat.model}
        if chat.stream:
            first = await _first(parts, request)
            return Streamed(self._chunks(chat, talk, first, parts, head, fault), "text/event-stream; charset=utf-8")
        found: list[Part] = []
        gathering = asyncio.ensure_future(_gathered(parts, found))
        leaving = asyncio.ensure_future(left(request.receive))
        try:
            await asyncio.wait((gathering, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not gathering.done():
                return Cut()
            gathering.result()
        finally:
            gathering.cancel()
            leaving.cancel()
            await asyncio.gather(gathering, leaving, return_exceptions=True)
        if fault.spoil == "endless":
            found = ["…"] * 10_000
        reply, finish = answers.reply(found, id)
        self._told(talk, found)
        choices = [
            {"index": n, "message": reply, "logprobs": None, "finish_reason": finish} for n in range(chat.n or 1)
        ]
        whole = {**head, "object": "chat.completion", "choices": choices, "usage": answers.usage(chat, found)}
        return _json({**whole, "system_fingerprint": "fp_sandbox", "service_tier": "default"})

    async def _chunks(
        self,
        chat: Chat,
        talk: Talk,
        first: Part,
        parts: AsyncGenerator[Part, None],
        head: Mapping[str, Any],
        fault: Do,
    ) -> AsyncGenerator[bytes, None]:
        """The lines of a stream, one chunk each, and what is scripted to become of them."""
        found: list[Part] = [first]
        async for piece in self._faulty(answers.deltas(chat, first, parts, head, found), fault):
            await self._clock.sleep(len(piece) / fault.slow if fault.slow else 0)
            yield piece
        self._told(talk, found)
        if fault.accept_then_cut:
            raise CutHere
        if fault.spoil == "early":
            return
        if chat.stream_options and chat.stream_options.include_usage:
            yield _line({**head, "object": "chat.completion.chunk", "choices": [], "usage": answers.usage(chat, found)})
        yield b"data: [DONE]\n\n"

    async def _faulty(self, deltas: AsyncGenerator[dict[str, Any], None], fault: Do) -> AsyncIterator[bytes]:
        async with aclosing(deltas):
            async for delta in deltas:
                each = self.faults.next("chunk") or Do()
                await self._clock.sleep(each.delay)
                spoil = each.spoil or fault.spoil
                words = delta["choices"][0]["delta"].get("content")
                ends = delta["choices"][0]["finish_reason"] is not None
                if each.cut or (ends and fault.accept_then_cut):
                    raise CutHere
                if spoil == "early" and ends:
                    return
                if spoil == "json" and (words or each.spoil):
                    yield _line(delta).rstrip()[:-3] + b"\n\n"
                    continue
                if spoil == "character" and (words or each.spoil):
                    delta["choices"][0]["delta"]["content"] = "é"
                    yield _line(delta).partition("é".encode()[1:])[0]
                    raise CutHere
                while spoil == "endless" and words:
                    yield _line(delta)
                    await self._clock.sleep(0)
                if not each.drop:
                    for _ in range(1 + each.duplicate):
                        yield _line(delta)

    # What is answered

    async def _parts(self, chat: Chat, talk: Talk, fault: Do) -> AsyncGenerator[Part, None]:
        """Of the answer, ending with an `End`. Raises `Refused` when the person refuses."""
        if fault.spoil == "empty":
            answer: Sequence[Part] | None = (End("stop"),)
        elif fault.spoil == "tool":
            answer = (Call(name="no_such_tool"), End("tool_calls"))
        else:
            answer = self._script.answer(chat)
        if answer is None and not self._person:
            answer = _at_a_loss(chat)
        if answer is not None:
            for part in _within(answer, chat.longest):
                yield part
            return
        async for part in self._talks.asked(talk, chat):
            yield part

    def _told(self, talk: Talk, parts: Sequence[Part]) -> None:
        self.journal.add("delivered", "answer", talk.told(parts, self._clock.now()))

    async def _embeddings(self, request: Request) -> Response:
        raw = await request.body()
        body = requests.read(raw, requests.Embeddings)
        self._know(body.model, tuple(VECTORS), "embedding model")
        texts, size = requests.inputs(body), VECTORS[body.model]
        if body.dimensions is not None and (body.dimensions > size or body.model.endswith("ada-002")):
            raise Refused(
                f"Invalid value for 'dimensions' = {body.dimensions}. Must be less than or equal to {size}.",
                param="dimensions",
            )
        self.journal.add("call", "embeddings", msgspec.json.decode(raw))
        vectors = [answers.vector(text, body.dimensions or size) for text in texts]
        data = [
            {
                "object": "embedding",
                "index": at,
                "embedding": base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
                if body.encoding_format == "base64"
                else vector,
            }
            for at, vector in enumerate(vectors)
        ]
        count = sum(map(requests.tokens, texts))
        usage = {"prompt_tokens": count, "total_tokens": count}
        return _json({"object": "list", "model": body.model, "data": data, "usage": usage})

    async def _transcription(self, request: Request) -> Response:
        if "multipart/form-data" not in request.headers.get("content-type", ""):
            raise Refused("you must provide a multipart form with 'file' and 'model'", param="file")
        async with request.form() as form:
            file, model, format = form.get("file"), form.get("model"), form.get("response_format", "json")
            if file is None or isinstance(file, str):
                raise Refused("Missing required parameter: 'file'.", param="file", code="missing_required_parameter")
            name, content = file.filename or "", await file.read()
        self._know(str(model), OTHERS[:2], "transcription model")
        if not name.casefold().endswith(HEARD):
            raise Refused(f"Unrecognized file format. Supported formats: {[ending[1:] for ending in HEARD]}")
        if len(content) > MOST_HEARD:
            raise Refused(f"Maximum content size limit ({MOST_HEARD}) exceeded ({len(content)} bytes read)", status=413)
        if not content:
            raise Refused("Audio file is too short. Minimum audio length is 0.1 seconds.", code="audio_too_short")
        if format not in ("json", "text"):
            raise Refused(
                f"response_format {format!r} is not made by this stand-in; json, text", param="response_format"
            )
        self.journal.add("call", "audio.transcriptions", {"name": name, "size": len(content), "model": model})
        heard = self._script.words(name) or f"A voice message of {len(content)} bytes."
        return Response(heard + "\n", media_type="text/plain") if format == "text" else _json({"text": heard})

    async def _speech(self, request: Request) -> Response:
        raw = await request.body()
        body = requests.read(raw, requests.Speech)
        self._know(body.model, OTHERS[2:4], "speech model")
        if body.voice not in requests.VOICES:
            voices = ", ".join(map(repr, requests.VOICES))
            raise Refused(f"Invalid value: '{body.voice}'. Supported values are: {voices}.", param="voice")
        self.journal.add("call", "audio.speech", msgspec.json.decode(raw))
        format = body.response_format or "mp3"
        seconds = min(60, len(body.input) / 15 / (body.speed or 1))
        return Response(sounds.sound(format, seconds), media_type=sounds.TYPES[format])

    async def _moderation(self, request: Request) -> Response:
        raw = await request.body()
        body = requests.read(raw, requests.Moderation)
        model = body.model or OTHERS[4]
        self._know(model, OTHERS[4:], "moderation model")
        self.journal.add("call", "moderations", msgspec.json.decode(raw))
        texts = [body.input] if isinstance(body.input, str) else body.input
        results = [answers.verdict(self._script.flags(text)) for text in texts]
        return _json({"id": f"modr-{len(self.journal.entries)}", "model": model, "results": results})

    # The person who plays the model

    async def act(self, what: str, body: Mapping[str, Any]) -> Any:
        """`say piece call refuse` answer what waits in a chat; `play` says who answers, `script` by what."""
        match what:
            case "play":
                self._person = body.get("by") == "person"
                if not self._person:
                    for waiting in self._talks.waiting():
                        waiting.answer(*_at_a_loss(waiting.chat))
            case "script":
                try:
                    self._script = Script(lines(body.get("lines")))
                except ValueError as error:
                    raise BadAct(f"{error}; a script is [{{when: WORDS, say: TEXT}}]") from error
            case "say" | "piece" | "call" | "refuse":
                self._reply(what, body)
            case _:
                raise BadAct(f"the model cannot {what!r}; say, piece, call, refuse, play, script")
        self.journal.add("person", what, dict(body))
        return {}

    def _reply(self, what: str, body: Mapping[str, Any]) -> None:
        waiting, text = self._talks.waiting_in(str(body.get("chat", ""))), str(body.get("text", ""))
        match what:
            case "say":
                waiting.answer(*([text] if text else []), End("stop"))
            case "piece":
                waiting.answer(text)
            case "call":
                offered = waiting.chat.functions_offered
                if body.get("name") not in offered:
                    raise BadAct(f"the request offers no tool {body.get('name')!r}; {', '.join(offered) or 'none'}")
                call = {"name": body["name"], "arguments": body.get("arguments", {})}
                waiting.answer(msgspec.convert(call, Call), End("tool_calls"))
            case _:
                waiting.answer(_scripted(Do(status=msgspec.convert(body.get("status", 500), int))))

    def seen(self) -> Any:
        return {
            "platform": self.name,
            "bots": [{"id": "client", "name": "Your program"}],
            "people": [{"id": "model", "name": "The model"}],
            "plays": "person" if self._person else "script",
            "chats": self._talks.seen(),
            "modal": None,
            "toast": "",
        }

    def told(self) -> Mapping[str, str]:
        return {"OPENAI_BASE_URL": "{address}/v1", "OPENAI_API_KEY": self._key}

    async def close(self) -> None:
        for waiting in self._talks.waiting():
            waiting.answer(_scripted(Do(status=503)))


def _at_a_loss(chat: Chat) -> tuple[Part, ...]:
    """Nobody plays, and the script has no line: say so, for a developer to read."""
    if chat.response_format and chat.response_format.type != "text":
        return "{}", End("stop")
    if tool := chat.answered_tool:
        return f"{tool} answered: {chat.messages[-1].words}", End("stop")
    return f"(No line of the script fits “{chat.asked}”.)", End("stop")


def _within(parts: Sequence[Part], longest: int | None) -> Sequence[Part]:
    """No more words than were asked for."""
    left, kept = longest, list[Part]()
    for part in parts:
        if left is not None and isinstance(part, str):
            left -= requests.tokens(part)
            if left < 0:
                return (*kept, End("length"))
        kept.append(part)
    return kept


async def _gathered(parts: AsyncGenerator[Part, None], found: list[Part]) -> None:
    async with aclosing(parts):
        async for part in parts:
            found.append(part)


async def _first(parts: AsyncGenerator[Part, None], request: Request) -> Part:
    """The head of an answer comes with its first piece, so that it may still be refused."""
    beginning = asyncio.ensure_future(anext(parts))
    leaving = asyncio.ensure_future(left(request.receive))
    try:
        await asyncio.wait((beginning, leaving), return_when=asyncio.FIRST_COMPLETED)
        if beginning.done():
            return beginning.result()
    finally:
        beginning.cancel()
        leaving.cancel()
        await asyncio.gather(beginning, leaving, return_exceptions=True)
    await parts.aclose()
    return End("stop")  # to nobody


def _scripted(fault: Do) -> Refused:
    message, code = _WORDS.get(fault.status, ("This is scripted.", ""))
    type = _TYPES.get(fault.status, "invalid_request_error")
    return Refused(message, status=fault.status, type=type, code=fault.error or code, after=fault.after)


def _refusal(refused: Refused) -> Response:
    answer = _json({"error": refused.error}, refused.status)
    if refused.after:
        answer.headers["retry-after-ms"] = str(int(refused.after * 1_000))
        answer.headers["retry-after"] = str(math.ceil(refused.after))
    return answer


def _line(chunk: Mapping[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
