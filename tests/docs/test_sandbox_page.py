"""What docs/reference/sandbox.md shows is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from channels.sandbox.faults import Do, Rule
from channels.sandbox.openai.script import Line, read
from tests.channels.sandbox.test_seen import Seen

PAGE = (Path(__file__).parents[2] / "docs/reference/sandbox.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


async def test_the_test_of_an_aiogram_bot_passes() -> None:
    pytest.importorskip("aiogram")
    (source,) = blocks("python")
    shown: dict[str, Any] = {}
    exec(compile(source, "sandbox.md", "exec"), shown)
    await shown["test_the_bot_greets"]()


def test_what_is_seen_has_that_shape() -> None:
    seen = msgspec.json.decode(blocks("json")[0], type=Seen)
    assert [one.label for row in seen.chats[0].messages[0].rows for one in row if hasattr(one, "label")] == ["Track"]


def test_the_script_of_faults_is_one() -> None:
    rules = msgspec.json.decode(blocks("json")[1], type=list[Rule])
    assert rules[0] == Rule(on="sendMessage", nth=2, do=Do(status=429, after=3))


def test_every_fault_is_told() -> None:
    table = PAGE.partition("| `do` | |")[2].partition("\n\n")[0]
    names = {field.name for field in msgspec.structs.fields(Do)}
    assert (
        set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if "|" in line))) == names
    )


def test_the_models_script_is_one(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(blocks("yaml")[0])
    assert read(path)[-1] == Line(say="I do not know.")
