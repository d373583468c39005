"""In which language a conversation goes on: as the platform says, else as the customer writes, else on request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.flow.script import HEADER, project
from tests.journeys.stage import Stage, stage

FLOW = """
flow: parcel
about: Finds a parcel.
title: '@parcel'
examples: {en: [where is my parcel], fr: [je cherche mon colis]}
slots: {name: {type: text}}
steps:
  - {ask: name, say: '@whose'}
  - {say: '@thanks'}
"""
TEXTS = {
    "en": "not_an_order: No.\nparcel: Parcel\nwhose: Whose parcel?\nthanks: Thank you.",
    "fr": "not_an_order: Non.\nparcel: Colis\nwhose: Le colis de qui ?\nthanks: Merci.",
    "de": "not_an_order: Nein.\nparcel: Paket\nwhose: Wessen Paket?\nthanks: Danke.",
}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Stage]:
    made = project(tmp_path, FLOW, header=HEADER.replace("[en]", "[en, fr, de]"), texts=TEXTS)
    (made / "knowledge").mkdir()
    async with stage(tmp_path, flows=made) as opened:
        yield opened


async def say(desk: Stage, words: str, *, locale: str = "") -> list[str]:
    before = len(desk.memory.seen("ana"))
    await desk.memory.say("ana", words, language=locale)
    await desk.settle()
    return desk.memory.seen("ana")[before:]


async def language(desk: Stage) -> str:
    return (await desk.found()).conversation.language


async def test_the_first_words_decide_where_nothing_else_does(desk: Stage) -> None:
    assert await say(desk, "Bonjour, je cherche mon colis") == ["Le colis de qui ?"]
    assert await language(desk) == "fr"


async def test_a_known_language_does_not_flip_by_a_foreign_word(desk: Stage) -> None:
    await say(desk, "je cherche mon colis")
    assert await say(desk, "thanks") == ["Merci."]
    assert await say(desk, "hello, where is my parcel please") == ["Le colis de qui ?"]
    assert await language(desk) == "fr"


async def test_the_locale_of_the_platform_goes_first(desk: Stage) -> None:
    assert await say(desk, "je cherche mon colis", locale="en") == ["Whose parcel?"]
    assert await language(desk) == "en"


async def test_words_that_are_not_clear_leave_it_open(desk: Stage) -> None:
    await say(desk, "A-17")
    assert await language(desk) == ""
    assert await say(desk, "je cherche mon colis") == ["Le colis de qui ?"]


async def test_a_request_changes_it(desk: Stage) -> None:
    await say(desk, "je cherche mon colis")
    assert (await say(desk, "auf Deutsch bitte"))[-1] == "Wessen Paket?"
    assert await language(desk) == "de"
