"""Three businesses with long flows, to be corrected, interrupted and called off: a hotel, a bank, a router's help."""

from __future__ import annotations

from pathlib import Path

from bot.flow.interpreter.advance import begin
from bot.flow.read import read
from bot.model import Json
from tests.bot.flow.script import Talk, project

ACTIONS = """
from bot.flow.declare import action, slot_type


def of(letter: str, words: str) -> str | None:
    found = {word.strip(".,!?").upper() for word in words.split() if word[:2].upper() == letter + "-"}
    return found.pop() if len(found) == 1 else None


@slot_type("order_id", error="@not_an_order")
def order_id(words: str) -> str | None:
    return of("A", words)


@slot_type("account", error="@not_understood")
def account(words: str) -> str | None:
    return of("K", words)


@action(effect="read")
async def find_rooms(city: str, nights: int, guests: int) -> dict[str, int]: ...


@action(effect="read")
async def price_of(room: str, nights: int) -> int: ...


@action(effect="write", undo="release")
async def reserve(room: str, city: str, nights: int, mail: str) -> str: ...


@action(effect="write")
async def release(booking: str) -> None: ...


@action(effect="read")
async def balance_of(account: str) -> dict[str, int]: ...


@action(effect="money", undo="recall")
async def send_money(source: str, target: str, amount: int) -> str: ...


@action(effect="money")
async def recall(sent: str, amount: int) -> None: ...


@action(effect="write")
async def block(card: str) -> None: ...


@action(effect="read")
async def line_of(customer: str) -> dict[str, bool]: ...


@action(effect="write")
async def book_visit(customer: str, day: str) -> str: ...
"""
RESULTS: dict[str, Json] = {
    "find_rooms": {"count": 3},
    "price_of": 240,
    "reserve": "B-1",
    "balance_of": {"euros": 900},
    "send_money": "T-1",
    "line_of": {"outage": False},
    "book_visit": "V-1",
}
TEXTS = {
    "en": """
    not_an_order: No order.
    done_reserve: "a room in {{ city }} for {{ nights }} nights"
    done_send_money: "{{ amount }} sent to {{ target }}"
    """
}


def opened(folder: Path, name: str, results: dict[str, Json] | None = None, *, more: str = "") -> Talk:
    """A conversation with one of them; `more` are flows and patterns of its own."""
    flows = Path(__file__).with_name(f"{name}.yaml").read_text()
    made = read(project(folder, f"{flows}\n---\n{more}" if more else flows, actions=ACTIONS, texts=TEXTS))
    return Talk(made, {**RESULTS, **(results or {})}, state=begin(made))
