"""What a request may hold, and how the real server refuses what it may not.

https://platform.openai.com/docs/api-reference; the wording of errors as its server has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

MOST_TOOLS, MOST_INPUTS = 128, 2_048
VOICES = (
    "alloy",
    "ash",
    "ballad",
    "cedar",
    "coral",
    "echo",
    "fable",
    "marin",
    "nova",
    "onyx",
    "sage",
    "shimmer",
    "verse",
)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TOKENS_OF_A_WORD = re.compile(r"\w+|[^\w\s]")


class Refused(Exception):
    """The error object of the answer, and its status."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        param: str = "",
        code: str = "",
        after: float = 0,
    ) -> None:
        super().__init__(message)
        self.status, self.after = status, after
        self.error = {"message": message, "type": type, "param": param or None, "code": code or None}


class _Strict(Struct, kw_only=True, forbid_unknown_fields=True):
    pass


Nullable = Any
"""What the stand-in reads nothing of: any JSON."""


class Piece(_Strict):
    """Of a message's content."""

    type: Literal["text", "image_url", "input_audio", "file", "refusal"]
    text: str | None = None
    image_url: dict[str, str] | None = None
    input_audio: dict[str, str] | None = None
    file: dict[str, str] | None = None
    refusal: str | None = None


class CalledFunction(_Strict):
    name: str
    arguments: str


class ToolCall(_Strict):
    id: str
    function: CalledFunction
    type: Literal["function"]


class Message(_Strict):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Piece] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    audio: Nullable = None
    function_call: Nullable = None
    annotations: Nullable = None

    @property
    def words(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(piece.text or piece.refusal or f"[{piece.type}]" for piece in self.content or ())


class Function(_Strict):
    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    strict: bool | None = None


class Tool(_Strict):
    type: Literal["function"]
    function: Function


class StreamOptions(_Strict):
    include_usage: bool = False
    include_obfuscation: bool = True


class Schema(_Strict):
    name: str
    schema: dict[str, Any] = {}
    description: str = ""
    strict: bool | None = None


class Format(_Strict):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: Schema | None = None


Penalty = Annotated[float, Meta(ge=-2, le=2)]
Positive = Annotated[int, Meta(ge=1)]


class Chat(_Strict):
    """`POST /v1/chat/completions`."""

    model: str
    messages: Annotated[list[Message], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: Annotated[list[Tool], Meta(min_length=1, max_length=MOST_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: Format | None = None
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    seed: int | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    logit_bias: dict[str, float] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Nullable = None
    prompt_cache_retention: str | None = None
    prediction: Nullable = None
    modalities: list[Literal["text"]] | None = None
    moderation: Nullable = None
    audio: Nullable = None
    web_search_options: Nullable = None
    functions: None = None
    function_call: None = None

    @property
    def asked(self) -> str:
        """The newest words of the user."""
        return next((each.words for each in reversed(self.messages) if each.role == "user"), "")

    @property
    def answered_tool(self) -> str:
        """Name of the tool whose result is the newest message; empty: it is none."""
        last = self.messages[-1]
        calls = (call for each in self.messages for call in each.tool_calls or ())
        names = {call.id: call.function.name for call in calls}
        return names.get(last.tool_call_id or "", "") if last.role == "tool" else ""

    @property
    def functions_offered(self) -> Mapping[str, Function]:
        return {tool.function.name: tool.function for tool in self.tools or ()}

    @property
    def longest(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens


class Embeddings(_Strict):
    """`POST /v1/embeddings`."""

    model: str
    input: str | list[str | int | list[int]]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Positive | None = None
    user: str | None = None


class Speech(_Strict):
    """`POST /v1/audio/speech`."""

    model: str
    input: Annotated[str, Meta(min_length=1, max_length=4_096)]
    voice: str
    response_format: Literal["mp3", "opus", "wav", "pcm"] | None = None
    speed: Annotated[float, Meta(ge=0.25, le=4)] | None = None
    instructions: str | None = None
    stream_format: Literal["audio"] | None = None


class Moderation(_Strict):
    """`POST /v1/moderations`."""

    input: str | list[str]
    model: str | None = None


Body = TypeVar("Body", bound=Struct)


def read(raw: bytes, type: type[Body]) -> Body:
    """Raises `Refused` in the words of the real server."""
    try:
        return msgspec.json.decode(raw, type=type)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
            f"library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON: {error})"
        ) from error


def _refusal(why: str) -> Refused:
    what, _, at = why.partition(" - at `$")
    place = at.rstrip("`").removeprefix(".")
    if found := re.match(r"Object (missing required|contains unknown) field `(.*)`", what):
        param = f"{place}.{found[2]}".removeprefix(".")
        if found[1] == "missing required":
            return Refused(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")
        return Refused(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")
    if found := re.match(r"Expected `(.*)`, got `(.*)`", what):
        wanted = " or ".join(found[1].replace("str", "string").split(" | "))
        got = found[2].replace("str", "string")
        message = f"Invalid type for '{place}': expected {wanted}, but got {got} instead."
        return Refused(message, param=place, code="invalid_type")
    return Refused(f"Invalid value for '{place}': {what}.", param=place, code="invalid_value")


def check(chat: Chat) -> None:
    """What goes beyond the shape. Raises `Refused`."""
    for problem in _problems(chat):
        raise problem


def _problems(chat: Chat) -> Iterator[Refused]:
    if chat.stream_options is not None and not chat.stream:
        yield Refused(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    if chat.max_tokens is not None and chat.max_completion_tokens is not None:
        yield Refused("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
    for name in ("tool_choice", "parallel_tool_calls"):
        if getattr(chat, name) is not None and not chat.tools:
            yield Refused(f"'{name}' is only allowed when 'tools' are specified.", param=name)
    if isinstance(chat.tool_choice, dict):
        wanted = chat.tool_choice.get("function")
        if not isinstance(wanted, dict) or wanted.get("name") not in chat.functions_offered:
            yield Refused("Tool choice names a function that is not in 'tools' parameter.", param="tool_choice")
    for at, tool in enumerate(chat.tools or ()):
        if not _NAME.fullmatch(tool.function.name):
            place = f"tools[{at}].function.name"
            message = f"Invalid '{place}': string does not match pattern. Expected a string that matches the pattern "
            yield Refused(message + "'^[a-zA-Z0-9_-]+$', of 64 characters at most.", param=place, code="invalid_value")
        if tool.function.parameters and tool.function.parameters.get("type") != "object":
            message = f"Invalid schema for function '{tool.function.name}': schema must be a JSON Schema of "
            place = f"tools[{at}].function.parameters"
            yield Refused(message + "'type: \"object\"'.", param=place, code="invalid_function_parameters")
    yield from _misfitting(chat.response_format, chat.messages)
    yield from _out_of_place(chat.messages)


def _misfitting(format: Format | None, messages: Sequence[Message]) -> Iterator[Refused]:
    if format is None:
        return
    if format.type == "json_schema" and format.json_schema is None:
        place = "response_format.json_schema"
        yield Refused(f"Missing required parameter: '{place}'.", param=place, code="missing_required_parameter")
    if format.type == "json_object" and not any("json" in each.words.casefold() for each in messages):
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        )
        yield Refused(message, param="messages")
    schema = format.json_schema
    if schema and schema.strict and schema.schema.get("additionalProperties") is not False:
        message = f"Invalid schema for response_format '{schema.name}': In context=(), 'additionalProperties' is "
        yield Refused(message + "required to be supplied and to be false.", param="response_format")


def _out_of_place(messages: Sequence[Message]) -> Iterator[Refused]:
    """Each call of the model has its result right behind, and no result stands alone."""
    open_calls = set[str]()
    for at, message in enumerate(messages):
        here = f"messages[{at}]"
        if message.role == "tool":
            if message.tool_call_id not in open_calls:
                yield Refused(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.",
                    param=f"{here}.role",
                )
            open_calls.discard(message.tool_call_id or "")
            continue
        if message.content is None and not (message.role == "assistant" and (message.tool_calls or message.refusal)):
            yield Refused(
                f"Invalid value for 'content': expected a string, got null. ({here})", param=f"{here}.content"
            )
        if message.tool_calls is not None and message.role != "assistant":
            yield Refused(f"Unknown parameter: '{here}.tool_calls'.", param=here, code="unknown_parameter")
        open_calls = {call.id for call in message.tool_calls or ()}
        results = takewhile(lambda each: each.role == "tool", messages[at + 1 :])
        if missing := sorted(open_calls - {each.tool_call_id for each in results}):
            yield Refused(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                "'tool_call_id'. The following tool_call_ids did not have response messages: " + ", ".join(missing),
                param=f"messages.[{at}].role",
            )


def inputs(embeddings: Embeddings) -> list[str]:
    """Texts, one for each vector; tokens as their numbers. Raises `Refused`."""
    given = embeddings.input
    texts: list[Any] = [given] if isinstance(given, str) or (given and isinstance(given[0], int)) else list(given)
    if not texts or any(not text for text in texts):
        raise Refused("Invalid 'input': input cannot be an empty string.", param="input", code="invalid_value")
    if len(texts) > MOST_INPUTS:
        message = f"Invalid 'input': array too long. Expected an array with maximum length {MOST_INPUTS}."
        raise Refused(message, param="input", code="array_above_max_length")
    return [text if isinstance(text, str) else " ".join(map(str, text)) for text in texts]


def tokens(text: str) -> int:
    """About as many as the real server counts."""
    return sum(1 + len(word) // 6 for word in _TOKENS_OF_A_WORD.findall(text))
