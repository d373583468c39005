"""What a project's `actions.py` imports: decorators that mark a function and do nothing else.

Whoever reads the project collects the marked ones. Nothing is registered by importing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

Effect = Literal["read", "write", "money"]

ACTION, SLOT_TYPE = "__frontdesk_action__", "__frontdesk_slot_type__"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionMark:
    effect: Effect
    timeout: str
    undo: str
    scopes: tuple[str, ...]
    check: Callable[[str], Awaitable[Any]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotTypeMark:
    name: str
    error: str


def action(
    *,
    effect: Effect,
    timeout: str = "10s",
    undo: str = "",
    scopes: tuple[str, ...] = (),
    check: Callable[[str], Awaitable[Any]] | None = None,
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Mark a typed async function that flows may run with `do`.

    Its parameters and its result are checked against their annotations. A parameter named `key` is not an input: it
    receives the idempotency key of the call. `check(key)` says what a call under that key gave, or None when there was
    none; without it an interrupted call of a `write` or `money` action goes to a human. To say that the action failed,
    raise `ActionFailed`. `scopes` name what not every assistant may do: assistant.yaml lists them under `needs`, and
    frontdesk.yaml under `grants`.
    """
    mark = ActionMark(effect=effect, timeout=timeout, undo=undo, scopes=scopes, check=check)

    def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        setattr(function, ACTION, mark)
        return function

    return decorate


Parser = TypeVar("Parser", bound=Callable[[str], "str | None"])


def slot_type(name: str, *, error: str) -> Callable[[Parser], Parser]:
    """Mark a function that reads a slot type out of what was typed.

    It gives the value in its normal form, or None when the words hold none, and it accepts its own normal form. It must
    be quick and depend on nothing but the words. `error` is the key of the text that is said instead.
    """
    mark = SlotTypeMark(name=name, error=error)

    def decorate(parser: Parser) -> Parser:
        setattr(parser, SLOT_TYPE, mark)
        return parser

    return decorate
