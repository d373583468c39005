"""What the console's commands carry. Strict: no field that is not named here, no number for a text, nothing huge."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from bot.model import How, Verdict

TEXT_BYTES = 8 * 1024
MOST_FILES = 10
"""Of one reply."""


def _short_enough(text: str) -> str:
    if len(text.encode()) > TEXT_BYTES:
        raise ValueError(f"at most {TEXT_BYTES} bytes")
    return text


Text = Annotated[str, Field(max_length=TEXT_BYTES), AfterValidator(_short_enough)]
Words = Annotated[str, Field(min_length=1, max_length=TEXT_BYTES), AfterValidator(_short_enough)]
Number = Annotated[int, Field(ge=0, le=2**53 - 1)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ConsoleSignIn(_Body):
    email: Annotated[str, Field(min_length=1, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class ConsoleTakeOver(_Body):
    epoch: Number


class ConsoleFile(_Body):
    """One that was uploaded before."""

    ref: Annotated[str, Field(pattern="^kept:[0-9a-f]{64}$")]
    name: Annotated[str, Field(max_length=255)] = ""


class ConsoleReply(_Body):
    text: Text
    seen: Number
    epoch: Number
    claim: bool = False
    reply_to: Annotated[int | None, Field(ge=1, le=2**53 - 1, description="Seq of the message that it answers.")] = None
    files: Annotated[tuple[ConsoleFile, ...], Field(max_length=MOST_FILES, strict=False)] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.text or self.files):
            raise ValueError("neither a text nor a file")
        return self


class ConsoleRevise(_Body):
    text: Words


class ConsoleWithdraw(_Body):
    pass


class ConsoleNote(_Body):
    text: Words


class ConsoleHandBack(_Body):
    epoch: Number
    how: How = "resume"
    instruction: Annotated[str, Field(max_length=2000)] = ""
    verdict: Verdict = ""
    """On the action that waits for approval."""
    step: Annotated[str, Field(max_length=100)] = ""
    """Where the flow goes on, with `how` as `step`."""


class ConsoleMerge(_Body):
    """Who is the same person."""

    contact: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class ConsoleUnmerge(_Body):
    """An identity that goes back to the contact it had."""

    channel: Annotated[str, Field(min_length=1, max_length=40)]
    external: Annotated[str, Field(min_length=1, max_length=512)]


class ConsoleEvent(_Body):
    """Something happened outside that a flow may wait for."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    ref: Annotated[str, Field(min_length=1, max_length=200, description="Names it: a repeat changes nothing.")]
    value: JsonValue = None


class ConsoleResolve(_Body):
    epoch: Number
    reason: Annotated[str, Field(max_length=200)] = ""
