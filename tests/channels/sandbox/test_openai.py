"""The stand-in of an OpenAI server, under the unmodified client and under our own model."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import openai
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

from bot.errors import ModelDown, SettingsError
from bot.llm.openai import OpenAIModel, OpenAISettings
from bot.model import Human
from bot.ports import Answer, Ask, Usage, Wanted, Words
from bot.testing.clock import SettableClock
from channels.sandbox.faults import Do, Rule
from channels.sandbox.openai.requests import Chat, Embeddings, Moderation, Speech
from channels.sandbox.openai.script import Call, Line, read
from channels.sandbox.openai.server import KEY, OpenAISandbox
from channels.sandbox.server import serving

HI: Any = [{"role": "user", "content": "hi"}]
SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
TOOLS: Any = [{"type": "function", "function": {"name": "order", "parameters": SCHEMA}}]
SCRIPT = (
    Line(after="order", say="It is on its way."),
    Line(when=r"order (?P<id>\d+)", call=[Call(name="order", arguments={"id": "{id}"}), Call(name="order")]),
    Line(when="refund", say='{"topic": "refund", "score": 0.9}'),
    Line(when="pieces", say=["Hel", "lo", " there"]),
    Line(when="once", times=1, say="The first time."),
    Line(when="hurt", flag=["violence"]),
    Line(when=r"voice\.ogg", say="Where is my parcel?"),
    Line(when="hi", say="Hello there"),
)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def sandbox(clock: SettableClock) -> OpenAISandbox:
    return OpenAISandbox(clock, script=SCRIPT)


@pytest.fixture
async def address(sandbox: OpenAISandbox) -> AsyncIterator[str]:
    async with serving(sandbox) as address:
        yield address


@asynccontextmanager
async def connected(address: str, **options: Any) -> AsyncIterator[AsyncOpenAI]:
    given = {"api_key": KEY, "base_url": f"{address}/v1", "max_retries": 0, "timeout": 20}
    async with AsyncOpenAI(**{**given, **options}) as client:
        yield client


@pytest.fixture
async def client(address: str) -> AsyncIterator[AsyncOpenAI]:
    async with connected(address) as client:
        yield client


async def said(client: AsyncOpenAI, words: str, **more: Any) -> Any:
    asked: Any = [{"role": "user", "content": words}]
    return (await client.chat.completions.create(model="gpt-4o-mini", messages=asked, **more)).choices[0].message


async def streamed(client: AsyncOpenAI, words: str, **more: Any) -> list[Any]:
    asked: Any = [{"role": "user", "content": words}]
    return [
        chunk
        async for chunk in await client.chat.completions.create(
            model="gpt-4o-mini", messages=asked, stream=True, **more
        )
    ]


# Answers


async def test_a_script_answers_whole_and_streamed(client: AsyncOpenAI, sandbox: OpenAISandbox) -> None:
    assert (await said(client, "hi")).content == "Hello there"
    chunks = await streamed(client, "pieces", stream_options={"include_usage": True})
    words = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    assert words == ["Hel", "lo", " there"]
    assert chunks[-1].usage.total_tokens == 9
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert [call["messages"][0]["content"] for call in sandbox.journal.calls("chat.completions")] == ["hi", "pieces"]


async def test_usage_comes_only_when_it_is_asked_for(client: AsyncOpenAI) -> None:
    assert all(chunk.choices for chunk in await streamed(client, "hi"))


async def test_tools_are_called_and_their_results_answered(client: AsyncOpenAI) -> None:
    asked = await said(client, "Where is order 17?", tools=TOOLS)
    assert [call.function.arguments for call in asked.tool_calls] == ['{"id":"17"}', "{}"]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "{}"} for call in asked.tool_calls]
    talk: Any = [{"role": "user", "content": "Where is order 17?"}, asked, *results]
    answer = await client.chat.completions.create(model="gpt-4o-mini", messages=talk, tools=TOOLS)
    assert answer.choices[0].message.content == "It is on its way."


async def test_calls_come_in_pieces_when_streamed(client: AsyncOpenAI) -> None:
    found: dict[int, list[str]] = {}
    for chunk in await streamed(client, "Where is order 1234567?", tools=TOOLS):
        for call in chunk.choices[0].delta.tool_calls or []:
            found.setdefault(call.index, []).append(call.function.arguments)
    assert {index: "".join(pieces) for index, pieces in found.items()} == {0: '{"id":"1234567"}', 1: "{}"}
    assert len(found[0]) > 2


class Routing(BaseModel):
    topic: str
    score: float


async def test_structured_output_is_parsed(client: AsyncOpenAI) -> None:
    asked: Any = [{"role": "user", "content": "a refund"}]
    parsed = await client.chat.completions.parse(model="gpt-4o-mini", messages=asked, response_format=Routing)
    assert parsed.choices[0].message.parsed == Routing(topic="refund", score=0.9)


async def test_no_more_words_come_than_were_asked_for(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}], max_tokens=1
    )
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Hello ", "length")


async def test_a_line_may_be_said_once_only(client: AsyncOpenAI) -> None:
    assert (await said(client, "once")).content == "The first time."
    assert "No line of the script" in (await said(client, "once")).content


async def test_every_choice_that_was_asked_for_comes(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="gpt-4o-mini", messages=HI, n=2)
    assert [choice.message.content for choice in answer.choices] == ["Hello there"] * 2


async def test_vectors_of_like_texts_are_near(client: AsyncOpenAI, sandbox: OpenAISandbox) -> None:
    texts = ["return a parcel", "how to return a parcel", "opening hours"]
    found = await client.embeddings.create(model="text-embedding-3-small", input=texts)
    first, near, far = (each.embedding for each in found.data)
    assert len(first) == 1_536
    assert sum(a * b for a, b in zip(first, near, strict=True)) > 0.7
    assert abs(sum(a * b for a, b in zip(first, far, strict=True))) < 0.5
    assert sandbox.journal.calls("embeddings")[0]["encoding_format"] == "base64"
    plain = await client.embeddings.create(
        model="text-embedding-3-large", input="x", dimensions=8, encoding_format="float"
    )
    assert len(plain.data[0].embedding) == 8


async def test_voices_are_heard_and_made(client: AsyncOpenAI) -> None:
    file = ("voice.ogg", b"OggS", "audio/ogg")
    heard = await client.audio.transcriptions.create(model="whisper-1", file=file)
    assert heard.text == "Where is my parcel?"
    made = await client.audio.speech.create(model="tts-1", voice="alloy", input="x" * 30, response_format="wav")
    with wave.open(io.BytesIO(await made.aread())) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(2, abs=0.1)
    opus = await client.audio.speech.create(model="tts-1", voice="alloy", input="Hello", response_format="opus")
    assert (await opus.aread()).startswith(b"OggS")
    mp3 = await client.audio.speech.create(model="tts-1", voice="alloy", input="Hello")
    assert (await mp3.aread()).startswith(b"\xff\xfb")


async def test_texts_are_judged_as_the_script_says(client: AsyncOpenAI) -> None:
    verdict = await client.moderations.create(input=["I will hurt you", "hello"])
    assert [(each.flagged, each.categories.violence) for each in verdict.results] == [(True, True), (False, False)]


async def test_models_are_listed(client: AsyncOpenAI) -> None:
    names = [model.id async for model in client.models.list()]
    assert {"gpt-4o-mini", "text-embedding-3-small", "whisper-1"} <= set(names)
    assert (await client.models.retrieve("gpt-4o-mini")).id == "gpt-4o-mini"


# Refusals


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param({"messages": HI}, "Missing required parameter: 'model'", id="no model"),
        pytest.param({"model": "gpt-9", "messages": HI}, "The model `gpt-9` does not exist", id="unknown model"),
        pytest.param({"model": "whisper-1", "messages": HI}, "is no chat model", id="another kind of model"),
        pytest.param({"messages": []}, "Expected `array` of length >= 1", id="no messages"),
        pytest.param({"temprature": 1}, "Unknown parameter: 'temprature'", id="unknown parameter"),
        pytest.param({"temperature": 3}, "Invalid value for 'temperature'", id="out of range"),
        pytest.param({"stream": "yes"}, "Invalid type for 'stream': expected bool or null, but got string", id="type"),
        pytest.param({"messages": [{"role": "bot", "content": "x"}]}, "Invalid enum value 'bot'", id="role"),
        pytest.param({"messages": [{"role": "user"}]}, "expected a string, got null", id="no content"),
        pytest.param({"stream_options": {"include_usage": True}}, "only allowed when 'stream' is enabled", id="stream"),
        pytest.param({"tool_choice": "auto"}, "only allowed when 'tools' are specified", id="choice without tools"),
        pytest.param({"tools": []}, "Expected `array` of length >= 1", id="tools without any"),
        pytest.param(
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "does not match pattern",
            id="name of a tool",
        ),
        pytest.param(
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "string"}}}]},
            "Invalid schema for function 'a'",
            id="parameters of a tool",
        ),
        pytest.param(
            {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "x"}}},
            "not in 'tools'",
            id="other",
        ),
        pytest.param({"max_tokens": 5, "max_completion_tokens": 5}, "at the same time", id="two limits"),
        pytest.param({"response_format": {"type": "json_object"}}, "must contain the word 'json'", id="json"),
        pytest.param({"response_format": {"type": "json_schema"}}, "'response_format.json_schema'", id="no schema"),
        pytest.param(
            {"messages": [*HI, {"role": "tool", "tool_call_id": "t", "content": "x"}]},
            "must be a response to a preceeding message",
            id="a result of nothing",
        ),
        pytest.param(
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [{"id": "t", "type": "function", "function": {"name": "a", "arguments": "{}"}}],
                    },
                    *HI,
                ]
            },
            "did not have response messages: t",
            id="a call without result",
        ),
    ],
)
async def test_what_the_real_one_refuses_does_not_pass(
    address: str, sandbox: OpenAISandbox, body: dict[str, Any], why: str
) -> None:
    given = body if set(body) == {"messages"} and body["messages"] is HI else {"model": "gpt-4o-mini", **body}
    async with httpx2.AsyncClient(base_url=address, headers={"authorization": f"Bearer {KEY}"}) as client:
        answer = await client.post("/v1/chat/completions", json={"messages": HI, **given})
    error = answer.json()["error"]
    assert why in error["message"]
    assert answer.status_code in (400, 404)
    assert set(error) == {"message", "type", "param", "code"}
    assert [entry.kind for entry in sandbox.journal.entries] == ["refused"]


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("embeddings", {"model": "text-embedding-3-small", "input": ""}, "cannot be an empty string"),
        ("embeddings", {"model": "text-embedding-3-small", "input": ["x"] * 2_049}, "array too long"),
        ("embeddings", {"model": "text-embedding-3-small", "input": "x", "dimensions": 4_000}, "less than or equal"),
        ("embeddings", {"model": "text-embedding-ada-002", "input": "x", "dimensions": 8}, "dimensions"),
        ("embeddings", {"model": "gpt-4o", "input": "x"}, "is no embedding model"),
        ("audio/speech", {"model": "tts-1", "voice": "nobody", "input": "x"}, "Supported values are: 'alloy'"),
        ("audio/speech", {"model": "tts-1", "voice": "alloy", "input": "x" * 4_097}, "length <= 4096"),
        ("audio/transcriptions", {}, "multipart form"),
        ("moderations", {"input": 3}, "Invalid type for 'input'"),
        ("chat/completions", [], "Invalid type"),
        ("images/generations", {}, "Invalid URL (POST /v1/images/generations)"),
    ],
)
async def test_other_calls_are_as_strict(address: str, path: str, body: Any, why: str) -> None:
    async with httpx2.AsyncClient(base_url=address, headers={"authorization": f"Bearer {KEY}"}) as client:
        assert why in (await client.post(f"/v1/{path}", json=body)).json()["error"]["message"]


async def test_a_file_that_is_no_voice_is_refused(client: AsyncOpenAI) -> None:
    for name, content, why in (("a.txt", b"x", "Unrecognized file format"), ("a.ogg", b"", "too short")):
        with pytest.raises(openai.BadRequestError, match=why):
            await client.audio.transcriptions.create(model="whisper-1", file=(name, content))


async def test_a_wrong_key_is_told_apart_from_none(address: str) -> None:
    async with connected(address, api_key="sk-wrong") as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            await client.models.list()
    assert (refused.value.code, "sk-wrong" in str(refused.value)) == ("invalid_api_key", False)
    async with httpx2.AsyncClient(base_url=address) as nobody:
        assert "didn't provide" in (await nobody.get("/v1/models")).json()["error"]["message"]


async def test_no_json_is_no_request(address: str) -> None:
    async with httpx2.AsyncClient(base_url=address, headers={"authorization": f"Bearer {KEY}"}) as client:
        for body in (b"{", b"\xff", b'{"prediction": ' + b"[" * 5_000):
            answer = await client.post("/v1/chat/completions", content=body)
            assert "could not parse the JSON body" in answer.json()["error"]["message"]


def test_every_parameter_of_the_client_is_known() -> None:
    from openai.types import EmbeddingCreateParams, ModerationCreateParams
    from openai.types.audio.speech_create_params import SpeechCreateParams
    from openai.types.chat.completion_create_params import CompletionCreateParamsBase

    pairs: list[tuple[type[msgspec.Struct], Any]] = [
        (Chat, CompletionCreateParamsBase),
        (Embeddings, EmbeddingCreateParams),
        (Speech, SpeechCreateParams),
        (Moderation, ModerationCreateParams),
    ]
    for ours, theirs in pairs:
        known = {field.encode_name for field in msgspec.structs.fields(ours)}
        assert set(theirs.__annotations__) - known == set(), ours.__name__


# Faults


def script(sandbox: OpenAISandbox, on: str = "chat.completions", **do: Any) -> None:
    sandbox.faults.script([Rule(on=on, times=1, do=Do(**do))])


async def test_a_limit_is_waited_out(address: str, sandbox: OpenAISandbox) -> None:
    script(sandbox, status=429, after=0.01)
    async with connected(address, max_retries=1) as client:
        assert (await said(client, "hi")).content == "Hello there"
    script(sandbox, status=429, after=7)
    async with connected(address) as client:
        with pytest.raises(openai.RateLimitError) as limited:
            await said(client, "hi")
    headers = limited.value.response.headers
    assert (limited.value.code, headers["retry-after-ms"], headers["retry-after"]) == (
        "rate_limit_exceeded",
        "7000",
        "7",
    )


@pytest.mark.parametrize(("status", "kind"), [(500, openai.InternalServerError), (503, openai.InternalServerError)])
async def test_it_may_be_down(client: AsyncOpenAI, sandbox: OpenAISandbox, status: int, kind: type[Exception]) -> None:
    script(sandbox, status=status)
    with pytest.raises(kind):
        await said(client, "hi")


@pytest.mark.parametrize("do", [{"cut": True}, {"accept_then_cut": True}], ids=str)
async def test_the_connection_may_end_without_an_answer(
    client: AsyncOpenAI, sandbox: OpenAISandbox, do: dict[str, Any]
) -> None:
    script(sandbox, **do)
    with pytest.raises(openai.APIConnectionError):
        await said(client, "hi")
    assert len(sandbox.journal.calls("chat.completions")) == ("accept_then_cut" in do)


@pytest.mark.parametrize(
    ("on", "do", "kind"),
    [
        pytest.param("chunk", {"cut": True}, openai.APIConnectionError, id="before its first chunk"),
        pytest.param("chat.completions", {"accept_then_cut": True}, openai.APIConnectionError, id="at its end"),
        pytest.param("chat.completions", {"spoil": "json"}, openai.APIResponseValidationError, id="invalid JSON"),
        pytest.param("chat.completions", {"spoil": "character"}, openai.APIConnectionError, id="within a character"),
    ],
)
async def test_a_stream_may_break(
    client: AsyncOpenAI, sandbox: OpenAISandbox, on: str, do: dict[str, Any], kind: type[Exception]
) -> None:
    script(sandbox, on, **do)
    with pytest.raises(Exception) as broken:  # noqa: PT011  what the client makes of it is compared
        await streamed(client, "hi")
    assert isinstance(broken.value, (kind, ValueError))


async def test_an_answer_may_be_empty_or_call_what_nobody_offered(client: AsyncOpenAI, sandbox: OpenAISandbox) -> None:
    script(sandbox, spoil="empty")
    assert (await said(client, "hi")).content == ""
    script(sandbox, spoil="tool")
    assert [call.function.name for call in (await said(client, "hi", tools=TOOLS)).tool_calls] == ["no_such_tool"]


async def test_the_first_byte_may_be_slow(client: AsyncOpenAI, sandbox: OpenAISandbox, clock: SettableClock) -> None:
    script(sandbox, delay=30)
    asking = asyncio.ensure_future(said(client, "hi"))
    async with asyncio.timeout(20):
        while not asking.done():
            await clock.advance(10)
            await asyncio.sleep(0.01)
    assert clock.monotonic() >= 30


async def test_whoever_leaves_an_endless_stream_ends_it(client: AsyncOpenAI, sandbox: OpenAISandbox) -> None:
    script(sandbox, spoil="endless")
    asked: Any = [{"role": "user", "content": "hi"}]
    count = 0
    async with asyncio.timeout(20):
        async with await client.chat.completions.create(model="gpt-4o", messages=asked, stream=True) as stream:
            async for _ in stream:
                count += 1
                if count == 500:
                    break
    assert count == 500


# Our own model over it

ASK = Ask(instructions="Be kind.", words="hi", history=(), language="en", passages=())


@asynccontextmanager
async def ours(address: str, clock: SettableClock) -> AsyncIterator[OpenAIModel]:
    settings = OpenAISettings(
        model="gpt-4o-mini", api_key=KEY, base_url=f"{address}/v1", retries=0, wire_bytes=100_000, line_bytes=20_000
    )
    model = OpenAIModel(settings, clock)
    yield model
    await model.close()


async def heard(model: OpenAIModel, words: str) -> list[Answer]:
    every = [item async for item in model.answer(msgspec.structs.replace(ASK, words=words))]
    said = "".join(item.text for item in every if isinstance(item, Words))
    return [*([Words(said)] if said else []), *(item for item in every if not isinstance(item, (Words, Usage)))]


async def test_our_own_model_is_answered(address: str, sandbox: OpenAISandbox, clock: SettableClock) -> None:
    lines = [{"when": "person", "call": [{"name": "human", "arguments": {"reason": "stuck", "note": "Angry."}}]}]
    await sandbox.act("script", {"lines": [*lines, {"say": "Hello there"}]})
    async with ours(address, clock) as model:
        assert await heard(model, "hi") == [Words("Hello there")]
        assert await heard(model, "a person") == [Wanted(Human("stuck", "Angry."))]
    assert sandbox.journal.calls("chat.completions")[0]["messages"][-1] == {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    "do",
    [
        {"status": 500},
        {"status": 429, "after": 3_600},
        {"cut": True},
        {"accept_then_cut": True},
        {"spoil": "json"},
        {"spoil": "character"},
        {"spoil": "early"},
        {"spoil": "endless"},
    ],
    ids=str,
)
async def test_our_own_model_is_down_when_the_answer_breaks(
    address: str, sandbox: OpenAISandbox, clock: SettableClock, do: dict[str, Any]
) -> None:
    script(sandbox, **do)
    async with asyncio.timeout(20), ours(address, clock) as model:
        with pytest.raises(ModelDown):
            await heard(model, "hi")


@pytest.mark.parametrize("spoil", ["empty", "tool"])
async def test_our_own_model_takes_what_is_empty_or_unknown_for_nothing(
    address: str, sandbox: OpenAISandbox, clock: SettableClock, spoil: str
) -> None:
    script(sandbox, spoil=spoil)
    async with ours(address, clock) as model:
        assert await heard(model, "hi") == []


# A person plays the model


async def waits(address: str) -> dict[str, Any]:
    """The chat that waits for an answer."""
    async with (
        asyncio.timeout(20),
        httpx2.AsyncClient(base_url=address) as page,
        page.stream("GET", "/_/live") as live,
    ):
        async for _ in live.aiter_lines():
            chats = (await page.get("/_/seen")).json()["chats"]
            if chats and chats[0]["waiting"]:
                return dict(chats[0])
    raise AssertionError("the sandbox closed")


async def test_a_person_answers_what_the_script_does_not(
    client: AsyncOpenAI, address: str, sandbox: OpenAISandbox
) -> None:
    await sandbox.act("play", {"by": "person"})
    asking = asyncio.ensure_future(streamed(client, "Anyone there?"))
    chat = await waits(address)
    assert (chat["title"], chat["typing"]) == ("Anyone there?", "waits for your answer")
    await sandbox.act("piece", {"chat": chat["id"], "text": "Yes, "})
    assert (await waits(address))["messages"][-1]["draft"]
    await sandbox.act("say", {"chat": chat["id"], "text": "me."})
    chunks = await asking
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Yes, me."
    (seen,) = sandbox.seen()["chats"]
    assert [(each["by"], each["spans"][0]["text"]) for each in seen["messages"]] == [
        ("bot", "Anyone there?"),
        ("person", "Yes, me."),
    ]


async def test_a_person_calls_a_tool_that_was_offered(
    client: AsyncOpenAI, address: str, sandbox: OpenAISandbox
) -> None:
    await sandbox.act("play", {"by": "person"})
    asking = asyncio.ensure_future(said(client, "Where is it?", tools=TOOLS))
    chat = await waits(address)
    assert [tool["name"] for tool in chat["waiting"]["tools"]] == ["order"]
    async with httpx2.AsyncClient(base_url=address) as page:
        answer = await page.post("/_/call", json={"chat": chat["id"], "name": "refund"})
        assert (answer.status_code, answer.json()["error"]) == (400, "the request offers no tool 'refund'; order")
    await sandbox.act("call", {"chat": chat["id"], "name": "order", "arguments": {"id": 7}})
    assert [call.function.arguments for call in (await asking).tool_calls] == ['{"id":7}']
    (seen,) = sandbox.seen()["chats"]
    assert seen["messages"][-1]["cards"] == [{"title": "Calls order", "body": '{"id":7}', "fields": []}]


async def test_a_person_refuses(client: AsyncOpenAI, address: str, sandbox: OpenAISandbox) -> None:
    await sandbox.act("play", {"by": "person"})
    for asking in (asyncio.ensure_future(said(client, "a")), asyncio.ensure_future(streamed(client, "a"))):
        chat = await waits(address)
        await sandbox.act("refuse", {"chat": chat["id"], "status": 503})
        with pytest.raises(openai.InternalServerError):
            await asking


async def test_who_leaves_no_longer_waits(address: str, sandbox: OpenAISandbox) -> None:
    await sandbox.act("play", {"by": "person"})
    for ask in (said, streamed):
        async with connected(address) as client:
            asking = asyncio.ensure_future(ask(client, "a"))
            await waits(address)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        async with asyncio.timeout(20):
            while sandbox.seen()["chats"][0]["waiting"]:
                await sandbox.journal.changed()


async def test_when_nobody_plays_any_more_nobody_is_left_waiting(
    client: AsyncOpenAI, address: str, sandbox: OpenAISandbox
) -> None:
    await sandbox.act("play", {"by": "person"})
    asking = asyncio.ensure_future(said(client, "a"))
    await waits(address)
    await sandbox.act("play", {"by": "script"})
    assert "No line of the script" in (await asking).content


async def test_questions_that_go_on_are_one_chat(client: AsyncOpenAI, sandbox: OpenAISandbox) -> None:
    await said(client, "hi")
    talk: Any = [*HI, {"role": "assistant", "content": "Hello there"}, {"role": "user", "content": "pieces"}]
    await client.chat.completions.create(model="gpt-4o", messages=talk)
    (chat,) = sandbox.seen()["chats"]
    assert [each["spans"][0]["text"] for each in chat["messages"]] == ["hi", "Hello there", "pieces", "Hello there"]


async def test_a_script_is_read_from_yaml_or_json(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text("- when: hi\n  say: Hello\n- {call: [{name: order, arguments: {id: 7}}]}\n")
    assert read(path) == (
        Line(when="hi", say="Hello"),
        Line(call=[Call(name="order", arguments={"id": 7})]),
    )
    path.write_text('[{"when": "hi", "say": "Hello"}]')
    assert read(path) == (Line(when="hi", say="Hello"),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- {wen: hi}", "unknown field `wen`"),
        ("- {when: '('}", "no regular expression"),
        ("when: hi", "Expected `array`"),
        ("- [", "script.yaml:2:1"),
    ],
)
def test_a_bad_script_is_told(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(text + "\n")
    with pytest.raises(SettingsError) as told:
        read(path)
    assert why in str(told.value)
    assert str(path) in str(told.value)
