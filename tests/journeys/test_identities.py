"""One customer on two channels: a code asked for in one and typed in the other makes them one person."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.model import ContactId
from bot.units import Identities
from channels.memory import EVERYTHING
from tests.journeys.stage import Stage, agent, stage

CODE = re.compile(r"[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        yield made


async def contact(desk: Stage, chat: str) -> ContactId:
    return (await desk.found(chat)).conversation.contact


async def asked(desk: Stage, words: str = "Link my account", chat: str = "ana") -> str:
    answer = "".join(await desk.say(words, chat=chat))
    code = CODE.search(answer)
    assert code, answer
    return code[0]


async def test_a_code_typed_on_the_other_channel_makes_two_contacts_one(desk: Stage) -> None:
    code = await asked(desk)
    await desk.say("hello", chat="ana-elsewhere")
    before = await desk.lines("ana-elsewhere")
    assert await desk.say(f" {code.lower()} ", chat="ana-elsewhere") == ["Done: we know you here as well now."]
    first = await contact(desk, "ana")
    assert await contact(desk, "ana-elsewhere") == first
    found = await desk.parts.store.read(Identities(first))
    assert [(each.external, each.merged) for each in found] == [("ana", False), ("ana-elsewhere", True)]
    assert (await desk.lines("ana-elsewhere"))[: len(before)] == before


async def test_the_command_works_where_slash_commands_are_off_and_in_the_customers_language(desk: Stage) -> None:
    await desk.memory.say("bo", "/link", language="fr")
    await desk.settle()
    assert "dix minutes" in "".join(desk.memory.seen("bo"))


async def test_a_code_is_good_once_for_ten_minutes_and_for_somebody_else(desk: Stage) -> None:
    code = await asked(desk)
    assert await desk.say(code) == ["That is your own code: write it to us on the other channel."]
    await desk.say(code, chat="ben")
    unknown = "I do not know that code. It may have been used, or be older than ten minutes."
    assert await desk.say(code, chat="carl") == [unknown]
    late = await asked(desk)
    await desk.clock.advance(601)
    assert await desk.say(late, chat="dora") == [unknown]
    assert await contact(desk, "dora") != await contact(desk, "ana")


async def test_who_guesses_is_stopped_even_with_the_right_code(desk: Stage) -> None:
    code = await asked(desk)
    for guess in ("AAAA-AAA2", "AAAA-AAA3", "AAAA-AAA4", "AAAA-AAA5", "AAAA-AAA6"):
        await desk.say(guess, chat="eve")
    assert await desk.say(code, chat="eve") == ["That were too many wrong codes. Please try again in an hour."]
    assert await contact(desk, "eve") != await contact(desk, "ana")


GROUP = replace(EVERYTHING, shared=True)


async def test_in_a_group_nobody_sees_somebody_elses_code(desk: Stage) -> None:
    desk.memory.can = replace(GROUP, can=frozenset(("private_note",)))
    await desk.say("/link")
    assert CODE.search("".join(desk.memory.seen("ana")))
    assert desk.memory.seen("ana", by="ben") == []


async def test_where_only_all_can_see_it_the_person_is_asked_to_write_directly(desk: Stage) -> None:
    desk.memory.can = GROUP
    answer = "".join(await desk.say("/link"))
    assert not CODE.search(answer)
    assert "write to me directly" in answer


async def test_a_question_that_waits_is_asked_again_after_the_digression(desk: Stage) -> None:
    await desk.say("where is my order?")
    waiting = (await desk.found()).state.stack[-1].asking
    answers = await desk.say("link my account")
    assert CODE.search(answers[0])
    assert (await desk.found()).state.stack[-1].asking == waiting


async def test_while_a_human_has_the_floor_a_code_is_theirs_to_read(desk: Stage) -> None:
    await desk.say("hello")
    await desk.take_over(agent("Mara"))
    await desk.settle()
    assert await desk.say("/link") == []
