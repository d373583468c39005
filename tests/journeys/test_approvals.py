"""An action that waits for approval: asked for until somebody decides, or until its time is up."""

from __future__ import annotations

from pathlib import Path

from bot.model import Control, Json
from bot.store import open_store
from bot.testing.clock import SettableClock
from tests.bot.flow.script import project
from tests.journeys.crossings import Bookings, Shared
from tests.journeys.stage import Stage, agent, stage

MARA = agent("Mara")
HOUR = 3600.0


def flows(folder: Path, fails: str = "") -> Path:
    made = project(
        folder,
        f"""
flow: refund
about: Refunds.
examples: [a refund please]
steps:
  - do: book_it
    with: {{order: "'A-17'"}}
    into: number
    approve: {{within: 2h}}
    {fails}
  - {{say: "Done: {{{{ number }}}}."}}
---
flow: hello
about: Says hello.
examples: [say hello]
steps: [{{say: Hello.}}]
""",
    )
    (made / "knowledge").mkdir()
    return made


async def control(desk: Stage) -> tuple[str, str]:
    found: Control = (await desk.found()).conversation.control
    return found.state, found.reason


async def test_nobody_judges_in_time_and_the_bot_goes_on(tmp_path: Path) -> None:
    bookings = Bookings()
    async with stage(tmp_path, flows=flows(tmp_path), actions={"book_it": bookings.action()}) as desk:
        assert await desk.say("a refund please") == ["I am asking a person to join. You can go on writing here."]
        assert await desk.say("say hello") == []  # kept for whoever comes
        await desk.settle(1.9 * HOUR)
        assert await control(desk) == ("queued", "approval")
        await desk.settle(0.2 * HOUR)
        assert await control(desk) == ("bot", "")
        assert [line for _, line in await desk.lines()][-2:] == [
            "The assistant is back.",
            "I am sorry: nobody has looked at it in time, so we cannot do that now.",
        ]
        assert await desk.say("say hello") == ["Hello."]
        assert bookings.calls == 0


async def test_who_else_is_to_look_is_asked_in_its_place(tmp_path: Path) -> None:
    made = flows(tmp_path, "fails: {handoff: service}")
    async with stage(tmp_path, flows=made) as desk:
        await desk.say("a refund please")
        await desk.settle(2.1 * HOUR)
        assert await control(desk) == ("queued", "action_failed")
        assert (await desk.found()).state.timers == ()


async def test_the_time_is_kept_by_whichever_process_is_there(tmp_path: Path) -> None:
    clock = SettableClock()
    store, made = open_store("sqlite://", clock), flows(tmp_path)
    async with stage(tmp_path, flows=made, seen_as=lambda _: Shared(store), clock=clock) as desk:
        await desk.say("a refund please")
        memory = desk.memory
    await clock.advance(3 * HOUR)
    async with stage(
        tmp_path, flows=made, seen_as=lambda _: Shared(store), clock=clock, memory=memory, keys="b"
    ) as desk:
        await desk.settle()
        assert await control(desk) == ("bot", "")


async def test_a_person_who_has_it_is_not_cut_short(tmp_path: Path) -> None:
    bookings = Bookings()
    async with stage(tmp_path, flows=flows(tmp_path), actions={"book_it": bookings.action()}) as desk:
        await desk.say("a refund please")
        await desk.take_over(MARA)
        await desk.settle(3 * HOUR)
        assert (await control(desk))[0] == "human"
        await desk.hand_back(MARA)  # without a word on it
        await desk.settle()
        assert await control(desk) == ("queued", "approval")
        now = (await desk.found()).conversation
        await desk.parts.desk.take_over(now.id, MARA, now.control.epoch)
        now = (await desk.found()).conversation
        await desk.parts.desk.hand_back(now.id, MARA, now.control.epoch, verdict="approve")
        await desk.settle()
        assert (await desk.lines())[-1] == ("bot", "Done: B-1.")
        assert bookings.calls == 1


async def test_who_no_longer_waits_has_stopped_it(tmp_path: Path) -> None:
    bookings = Bookings()
    async with stage(tmp_path, flows=flows(tmp_path), actions={"book_it": bookings.action()}) as desk:
        await desk.say("a refund please")
        said: list[Json] = [*await desk.say("never mind")]
        assert said == ["All right, no person will be called.", "All right, I have stopped."]
        await desk.settle(3 * HOUR)
        assert (await desk.lines())[-1] == ("bot", "All right, I have stopped.")
        assert bookings.calls == 0
