"""What one scripted turn costs by itself: words are understood, the flow moves and speaks, the log gives the state."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from bot.flow.book import Book
from bot.flow.fold import fold_event
from bot.flow.interpreter.advance import advance, begin
from bot.flow.interpreter.given import Ordered
from bot.flow.read import read
from bot.flow.understand import understand
from bot.model import (
    BOT,
    Address,
    Author,
    ContactId,
    Control,
    Conversation,
    ConversationId,
    Declined,
    Event,
    Said,
    State,
    Turn,
    Turned,
    text,
)
from config.wiring import facts_of

ALLOWED = 100.0
"""Microseconds of CPU that interpreting a scripted step may take."""

_NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
_SAID = Event(1, _NOW, Author("customer", "visitor"), Said(text("my order")))
_CONVERSATION = Conversation(
    id=ConversationId("0" * 32),
    contact=ContactId("visitor"),
    address=Address("widget", "bench", "visitor"),
    control=Control(),
    created_at=_NOW,
    updated_at=_NOW,
)


async def allowed() -> float:
    return ALLOWED


async def step(seconds: float) -> float:
    """Microseconds of CPU per turn, over turns that ask and turns that answer."""
    book = read(Path(__file__).parent / "desk" / "flows")
    state, turns = begin(book), 0
    since, until = time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < until:
        for _ in range(100):
            state = _after_one(book, state)
        turns += 100
    return (time.process_time() - since) / turns * 1e6


def _after_one(book: Book, state: State) -> State:
    turn = Turn(conversation=_CONVERSATION, state=state, inputs=(_SAID,), attempt=1, now=_NOW)
    facts = facts_of(turn)
    found = understand(book, state, turn, facts)
    if isinstance(found, Declined):
        raise LookupError(f"the desk for measuring does not understand its customer: {found.why}")
    orders = [Ordered(command, source) for command, source in found.commands]
    moved = advance(book, state, orders, facts, epoch=0)
    return fold_event(state, Event(2, _NOW, BOT, Turned("in_flow", moved.moves)))
