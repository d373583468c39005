"""The model over the wire: what it says, what it wants, and every way in which an answer can fail to come."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import replace

import msgspec
import openai
import pytest

from bot.errors import ModelDown
from bot.llm.openai import OpenAIModel, OpenAISettings, longest
from bot.model import Cancel, Human, Lookup, Passage, Set, Start
from bot.ports import Answer, Ask, Called, Cited, Tool, Usage, Wanted, Words
from bot.testing.clock import SettableClock
from tests.bot.llm.stand_in import DONE, Reply, StandIn, call, calls, delta, event, stand_in, words

REFUNDS = Passage(document="refunds.md", title="Refunds", heading="", text="Three days.")
FEES = Passage(document="fees.md", title="Fees", heading="", text="None.")
ASK = Ask(instructions="Be kind.", words="How long?", history=(), language="en", passages=(REFUNDS, FEES))


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with stand_in() as here:
        yield here


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def model(server: StandIn, clock: SettableClock) -> AsyncIterator[OpenAIModel]:
    made = OpenAIModel(settings(server), clock)
    yield made
    await made.close()


def settings(server: StandIn) -> OpenAISettings:
    return OpenAISettings(model="m", api_key="secret", base_url=server.address, retries=1, line_bytes=20_000)


async def _last(answer: AsyncIterator[Answer]) -> None:
    async for _ in answer:
        pass


async def heard(model: OpenAIModel, ask: Ask = ASK) -> list[Answer]:
    """Everything, with words joined."""
    every = [item async for item in model.answer(ask)]
    said = "".join(item.text for item in every if isinstance(item, Words))
    return [*([Words(said)] if said else []), *(item for item in every if not isinstance(item, Words))]


async def test_words_come_as_they_are_written(server: StandIn, model: OpenAIModel) -> None:
    hold = asyncio.Event()
    server.replies.append(Reply(pieces=[delta(content="Three "), delta(content="days.")], hold=hold))
    async with asyncio.timeout(20), aclosing(model.answer(ASK)) as answer:  # type: ignore[type-var]
        assert [await anext(answer), await anext(answer)] == [Words("Three"), Words(" days.")]


async def test_sources_are_named_by_number_and_the_numbers_taken_out(server: StandIn, model: OpenAIModel) -> None:
    server.streams(words("Three days [", "1", "]. Free [2", ",1] and [x](https://a.example)", "[9]"))
    assert await heard(model) == [
        Words("Three days. Free and [x](https://a.example)[9]"),
        Cited(REFUNDS),
        Cited(FEES),
    ]


async def test_usage_is_told(server: StandIn, model: OpenAIModel) -> None:
    usage = event({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}})
    server.streams([*words("Hi")[:-1], usage, DONE])
    assert await heard(model) == [Words("Hi"), Usage(7, 2)]


async def test_what_is_sent(server: StandIn, model: OpenAIModel) -> None:
    server.streams(words("Hi"))
    await heard(model, msgspec.structs.replace(ASK, words="Grüße \U0001f600"))
    (body,) = server.bodies
    assert (body["model"], body["stream"], body["max_tokens"]) == ("m", True, 1_000)
    messages = body["messages"]
    assert isinstance(messages, list)
    assert messages[-1] == {"role": "user", "content": "Grüße \U0001f600"}


async def test_a_model_without_tools_is_offered_none(server: StandIn, clock: SettableClock) -> None:
    server.streams(words("Hi"))
    model = OpenAIModel(replace(settings(server), tools=False), clock)
    await heard(model)
    await model.close()
    assert "tools" not in server.bodies[0]


@pytest.mark.parametrize(
    ("base_url", "limit"),
    [
        (None, "max_completion_tokens"),
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://shop.openai.azure.com/openai/v1/", "max_completion_tokens"),
        ("http://127.0.0.1:11434/v1", "max_tokens"),
    ],
)
def test_the_longest_answer_is_named_as_the_server_knows_it(base_url: str | None, limit: str) -> None:
    assert longest(base_url) == limit


# Tool calls


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        pytest.param(
            [
                call("start_flow", ""),
                call("", '{"flow": "ret'),
                call("", 'urn", "slots": [{"name": "order", '),
                call("", '"value": "A-17"}]}'),
            ],
            [Start("return", {"order": "A-17"})],
            id="in pieces",
        ),
        pytest.param(
            [
                call("cancel", "{}", 0),
                call("start_flow", '{"flow": "a"}', 1),
                call("set_slot", '{"slot": "s",', 2),
                call("", '"value": 3}', 2),
            ],
            [Cancel(), Start("a"), Set("s", 3)],
            id="several, in order",
        ),
        pytest.param(
            [call("cancel", "", None), call("lookup", '{"question": "fees?"}', None)],
            [Cancel(), Lookup("fees?")],
            id="whole, without index",
        ),
        pytest.param(
            [call("human", '{"reason": "stuck", "note": "Angry."}')], [Human("stuck", "Angry.")], id="a person"
        ),
        pytest.param([call("delete_everything", "{}"), call("cancel", "{}", 1)], [Cancel()], id="unknown tool"),
        pytest.param([call("start_flow", '{"flow": 3}')], [], id="arguments of another type"),
        pytest.param([call("start_flow", '{"flow": "a"')], [], id="arguments cut off"),
        pytest.param([call("human", '{"reason": "policy"}')], [], id="a reason it may not give"),
        pytest.param([call("set_slot", '{"slot":"a","value":' + "[" * 2000 + "]" * 2000 + "}")], [], id="deep"),
        pytest.param([call("cancel", "{}", n) for n in range(20)], [Cancel()] * 8, id="too many"),
    ],
)
async def test_tool_calls_become_commands(
    server: StandIn, model: OpenAIModel, pieces: list[bytes], wanted: list[object]
) -> None:
    server.streams(calls(*pieces))
    assert await heard(model) == [Wanted(command) for command in wanted]  # type: ignore[arg-type]


async def test_a_granted_tool_is_called_and_another_is_not(server: StandIn, model: OpenAIModel) -> None:
    server.streams(calls(call("action_price", '{"item": "boots"}', 0), call("action_refund", "{}", 1)))
    asked = msgspec.structs.replace(ASK, tools=(Tool(name="price"),))
    assert await heard(model, asked) == [Called("price", {"item": "boots"})]


# Failures


def _endless(piece: bytes) -> Iterable[bytes]:
    return itertools.repeat(piece)


HALF = delta(content="é").partition("é".encode()[1:])[0]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param(Reply(status=500, headers=(("x-should-retry", "false"),)), "InternalServerError 500", id="500"),
        pytest.param(Reply(status=401), "AuthenticationError 401", id="wrong key"),
        pytest.param(
            Reply(status=429, headers=(("retry-after", "3600"),)), "RateLimitError 429", id="limited for long"
        ),
        pytest.param(Reply(pieces=words("Three days")[:2], cut=True), "Error|cut off", id="cut"),
        pytest.param(Reply(pieces=words("Three days")[:2]), "cut off", id="ended early"),
        pytest.param(Reply(pieces=[HALF], cut=True), "Error|cut off", id="cut within a character"),
        pytest.param(Reply(pieces=[HALF]), "unreadable|cut off", id="ended within a character"),
        pytest.param(Reply(pieces=[b"data: {nonsense}\n\n"]), "unreadable", id="no JSON"),
        pytest.param(Reply(pieces=[b"data: " + b"[" * 5_000 + b"\n\n"]), "unreadable", id="deep"),
        pytest.param(Reply(pieces=[b"data: \xff\xfe\n\n"]), "unreadable", id="no UTF-8"),
        pytest.param(Reply(pieces=[event({"choices": "none"})]), "unreadable", id="another shape"),
        pytest.param(
            Reply(pieces=[event({"error": {"message": "overloaded"}})]), "reports an error", id="error within"
        ),
        pytest.param(Reply(pieces=[delta("content_filter")]), "content filter", id="filtered"),
        pytest.param(Reply(pieces=_endless(b"data: a")), "too large", id="a line without end"),
        pytest.param(Reply(), "cut off", id="nothing at all"),
    ],
)
async def test_an_answer_that_does_not_come_whole_is_none(
    server: StandIn, model: OpenAIModel, reply: Reply, why: str
) -> None:
    server.replies.append(reply)
    with pytest.raises(ModelDown, match=why) as raised:
        await heard(model)
    assert "secret" not in str(raised.value)


async def test_a_server_that_is_not_there(clock: SettableClock) -> None:
    model = OpenAIModel(OpenAISettings(model="m", api_key="x", base_url="http://127.0.0.1:1/v1", retries=0), clock)
    with pytest.raises(ModelDown, match=r"API(Connection|Timeout)Error"):
        await heard(model)
    await model.close()


async def test_a_limited_request_is_repeated(server: StandIn, model: OpenAIModel) -> None:
    server.replies.append(Reply(status=429, headers=(("retry-after-ms", "1"),)))
    server.streams(words("Hi"))
    assert (await heard(model), len(server.bodies)) == ([Words("Hi")], 2)


async def test_an_answer_without_words_is_empty(server: StandIn, model: OpenAIModel) -> None:
    server.streams(words())
    assert await heard(model) == []


async def test_a_stream_without_end_is_capped(server: StandIn, clock: SettableClock) -> None:
    server.replies.append(Reply(pieces=_endless(b": still here\n\n")))
    model = OpenAIModel(replace(settings(server), wire_bytes=100_000), clock)
    with pytest.raises(ModelDown, match="too large"):
        await heard(model)
    async with asyncio.timeout(20):
        await server.closed.wait()
    await model.close()


async def test_an_answer_has_its_time(server: StandIn, model: OpenAIModel, clock: SettableClock) -> None:
    server.replies.append(Reply(pieces=_endless(delta(content="a"))))
    answer = model.answer(ASK)
    await anext(answer)
    await clock.advance(61)
    with pytest.raises(ModelDown, match="no end after 60 s"):
        await _last(answer)


async def test_a_silent_server_has_less(server: StandIn, clock: SettableClock) -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as other:
        host, port = other.sockets[0].getsockname()
        model = OpenAIModel(replace(settings(server), base_url=f"http://{host}:{port}/v1"), clock)
        answer = asyncio.ensure_future(heard(model))
        async with asyncio.timeout(20):
            await asked.wait()
            await clock.advance(21)
            with pytest.raises(ModelDown, match="no answer within 20 s"):
                await answer
        await model.close()


async def test_closing_the_answer_ends_the_request(server: StandIn, model: OpenAIModel) -> None:
    server.replies.append(Reply(pieces=[delta(content="a")], hold=asyncio.Event()))
    async with asyncio.timeout(20):
        async with aclosing(model.answer(ASK)) as answer:  # type: ignore[type-var]
            await anext(answer)
        await server.closed.wait()


async def test_answers_do_not_mix(server: StandIn, model: OpenAIModel) -> None:
    for text in ("one", "two", "three"):
        server.streams(words(text, "!"))
    every = await asyncio.gather(*(heard(model) for _ in range(3)))
    assert sorted(str(answer) for answer in every) == sorted(
        str([Words(f"{text}!")]) for text in ("one", "two", "three")
    )


def test_every_error_of_the_client_is_translated() -> None:
    named = [getattr(openai, name) for name in openai.__all__]
    errors = {error for error in named if isinstance(error, type) and issubclass(error, Exception)}
    assert openai.APIConnectionError in errors
    assert {error for error in errors if not issubclass(error, openai.OpenAIError)} <= {
        openai.InvalidWebhookSignatureError,  # of a call this program does not make
    }


def test_the_client_is_imported_when_it_is_needed() -> None:
    program = "import sys, bot.llm.openai; sys.exit('openai' in sys.modules or 'httpx2' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_settings_do_not_show_the_key() -> None:
    assert "secret" not in repr(OpenAISettings(model="m", api_key="secret"))
