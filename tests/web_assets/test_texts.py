"""The words of both front ends, in every language they speak."""

import json
from pathlib import Path

import pytest

from bot.flow.read import rules_of
from bot.flow.rules import hear
from bot.flow.words import tokens

FOLDER = Path(__file__).parents[2] / "web" / "shared" / "texts"
TEXTS: dict[str, dict[str, str]] = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_every_text_is_there(language: str) -> None:
    assert TEXTS[language].keys() == TEXTS["en"].keys()
    assert [key for key, text in TEXTS[language].items() if not text.strip()] == []


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_the_way_to_a_person_is_a_rule_not_a_guess(language: str) -> None:
    assert hear(tokens(TEXTS[language]["widget.person.say"]), [rules_of(language)]) == "human"
