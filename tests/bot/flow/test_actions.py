"""A project's own functions: what goes in and out is checked, and whatever they raise is one kind of failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ActionFailed
from bot.flow.actions import LARGEST_LIST, Action, actions_of, load, slot_types_of, span
from bot.flow.slots import Hearing

CODE = f"""
from __future__ import annotations
from dataclasses import dataclass
from datetime import date, timedelta
from bot.errors import ActionFailed
from bot.flow.declare import action, slot_type


@dataclass
class Window:
    until: date
    tags: list[str]


@action(effect="read", timeout="250ms")
async def window(order: str, days: int = 30) -> Window:
    return Window(date(2026, 3, 2) + timedelta(days=days), [order])


async def happened(key: str) -> str | None:
    return "R-1" if key == "known" else None


@action(effect="write", undo="window", check=happened)
async def write(key: str) -> str:
    return key


@action(effect="read")
async def wrong() -> int:
    return "many"  # type: ignore


@action(effect="read")
async def failing(how: str) -> int:
    raise (ActionFailed("the shop is closed") if how == "politely" else ZeroDivisionError("oh"))


@action(effect="read")
async def long() -> list[int]:
    return [1] * {LARGEST_LIST + 1}


@action(effect="read")
async def large() -> str:
    return "x" * 100_000


@slot_type("colour", error="@not_a_colour")
def colour(words: str) -> str | None:
    if words == "raise":
        raise ValueError
    return words.lower() if words.lower() in ("red", "blue") else None
"""


@pytest.fixture
def actions(tmp_path: Path) -> dict[str, Action]:
    (tmp_path / "actions.py").write_text(CODE)
    return actions_of(load(tmp_path / "actions.py"))


async def test_inputs_and_results_have_the_declared_types(actions: dict[str, Action]) -> None:
    assert await actions["window"].call({"order": "A", "days": "2"}, "k") == {"until": "2026-03-04", "tags": ["A"]}
    inputs, required = actions["window"].inputs, actions["window"].required
    assert (set(inputs), set(required)) == ({"order", "days"}, {"order"})


async def test_the_key_is_no_input_and_reaches_who_asks_for_it(actions: dict[str, Action]) -> None:
    write = actions["write"]
    assert (await write.call({}, "c:1.do.2"), write.inputs, write.undo) == ("c:1.do.2", frozenset(), "window")


async def test_a_check_says_what_happened_under_a_key(actions: dict[str, Action]) -> None:
    check = actions["write"].check
    assert check is not None
    assert (await check("known"), await check("other"), actions["window"].check) == ("R-1", None, None)


@pytest.mark.parametrize(
    ("name", "args", "why"),
    [
        ("window", {"order": "A", "days": "few"}, "window: days: Input should be a valid integer"),
        ("window", {}, "window: order: Missing required argument"),
        ("wrong", {}, "wrong: result: Input should be a valid integer"),
        ("failing", {"how": "politely"}, "the shop is closed"),
        ("failing", {"how": "badly"}, "failing: ZeroDivisionError: oh"),
        ("long", {}, "holds a list of more than 1000 items"),
        ("large", {}, "is larger than 64 kB"),
    ],
)
async def test_every_failure_is_of_one_kind(
    actions: dict[str, Action], name: str, args: dict[str, str], why: str
) -> None:
    with pytest.raises(ActionFailed, match=why):
        await actions[name].call(args, "k")


def test_a_slot_type_is_its_parser(tmp_path: Path) -> None:
    (tmp_path / "actions.py").write_text(CODE)
    colour = slot_types_of(load(tmp_path / "actions.py"))["colour"]
    words = ("RED", "green", "raise", "red " * 1000)
    assert [colour.parse(each, Hearing()) for each in words] == ["red", None, None, None]
    assert colour.error == "not_a_colour"


@pytest.mark.parametrize(("text", "seconds"), [("250ms", 0.25), ("10s", 10), ("5m", 300), ("2h", 7200), ("1d", 86400)])
def test_a_span_of_time(text: str, seconds: float) -> None:
    assert span(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "10", "s", "1.5s", "-1s", "1w", "ten s", "9999999s"])
def test_what_is_no_span_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="is no span of time"):
        span(text)
