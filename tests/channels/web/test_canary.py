"""What is private stays private: looked for in every byte that leaves, on both carriers."""

from __future__ import annotations

import uuid

from bot.model import (
    BOT,
    Acted,
    Acting,
    Applied,
    Author,
    Choices,
    Control,
    Controlled,
    Discarded,
    Filled,
    Message,
    Noted,
    Notice,
    Option,
    Returned,
    Said,
    Set,
    Settled,
    Span,
    Text,
    Turned,
    text,
)
from tests.channels.web.house import MARA, House, Visitor

CANARY = "canary-7f3a"
AGENT = Author("agent", CANARY, "Mara")


async def test_no_byte_tells_what_is_private(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    await reader.say("Hello")
    conversation = await house.conversation(visitor.identity, reader.thread)
    spoken = Message(
        (
            Text((Span("Which one?"),)),
            Choices((Option("This one", CANARY, "tok-1"),)),
            Notice("joined", "Mara joined", {"agent": CANARY}),
        )
    )
    human = Control("human", 1, holder=CANARY, holder_name="Mara", reason=CANARY, handoff=CANARY)

    async def live(*, told: bool) -> None:
        for body in (
            Noted(CANARY),
            Turned("in_flow", (Filled("order", CANARY), Applied(Set("order", CANARY), "model"))),
            Acting(CANARY, CANARY, {"order": CANARY}),
            Acted(CANARY, CANARY),
            Discarded((text(CANARY),)),
            Returned("resume", "Mara", CANARY),
            Settled("resolved", CANARY),
        ):
            await house.write(conversation, body, by=AGENT, public=False, told=told)
            await house.write(conversation, Said(spoken, ref=CANARY), by=AGENT, told=told)
        await house.write(conversation, Controlled(human, "bot", AGENT, CANARY), by=AGENT, told=told)

    await live(told=True)
    await reader.holds(9)
    await live(told=False)
    await house.say(conversation, "The end", by=BOT)
    await reader.holds(18)
    again = await visitor.read(carrier, reader.thread)
    older = await again.send({"frame": "older", "before": 10**6})
    polled = await visitor.frames({"frame": "hello", "token": visitor.token}, "")
    heard = "".join((*reader.raw, *again.raw, str(older), polled.text))
    assert "tok-1" in heard
    assert "Mara joined" in heard
    assert CANARY not in heard
    for secret in (visitor.secret, visitor.identity, conversation, MARA.id):
        assert secret not in heard
    await again.close()
    await reader.close()


async def test_a_refusal_repeats_nothing_it_was_sent(house: House, visitor: Visitor, carrier: str) -> None:
    reader = await visitor.read(carrier)
    id = str(uuid.uuid4())
    for frame in (
        {"frame": CANARY},
        {"frame": "say", "id": CANARY, "text": "x"},
        {"frame": "say", "id": id, "text": CANARY * 1000},
        {"frame": "press", "id": id, "token": CANARY * 10},
        {"frame": "say", "id": id, "text": "x", CANARY: 1},
    ):
        if carrier == "socket":
            await reader.post(frame)  # type: ignore[attr-defined]  # a socket's
        else:
            reader.raw.append((await visitor.frames(frame, reader.thread)).text)
    if carrier == "socket":
        await reader.next("refused", 5)
    assert CANARY not in "".join(reader.raw)
    await reader.close()
