"""What the pages show is true: their files are read, their commands run, their conversations held."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest
from msgspec import convert
from typer.testing import CliRunner

from bot.flow.interpreter.given import Back
from bot.flow.read import read
from bot.model import State
from config.flow_reference import PAGE, page
from config.main import app
from tests.bot.flow.script import Talk

ROOT = Path(__file__).parents[2]
RUN = ("docs/tutorial/first_flow.md", "docs/how-to/repair.md")
DAYS = {"A-17": 2, "A-18": 0}


@dataclass(frozen=True)
class Block:
    kind: str
    lines: tuple[str, ...]
    at: int


def blocks(path: Path) -> Iterator[Block]:
    lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), 1))
    for at, line in lines:
        if line.startswith("```"):
            yield Block(line[3:], tuple(inner for _, inner in takewhile(lambda each: each[1] != "```", lines)), at)


@pytest.mark.parametrize("name", RUN)
def test_a_page_can_be_followed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks(ROOT / name):
        where = f"{name}:{block.at}"
        match block.kind:
            case "yaml" | "python":
                write(block)
            case "console":
                assert told(block) == list(block.lines), where
            case "chat":
                assert matches(list(block.lines), held(block)), f"{where}: {held(block)}"
            case other:
                raise AssertionError(f"{where}: nobody tries out what is written in {other!r}")


def write(block: Block) -> None:
    """The first line names the file; a line alone shows only what a file begins with."""
    if len(block.lines) > 1:
        path = Path(block.lines[0].removeprefix("# "))
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(block.lines[1:]) + "\n")


def told(block: Block) -> list[str]:
    """The commands with what they print; a line `…` stands for any lines."""
    found: list[str] = []
    expected = list(block.lines)
    while expected:
        command = expected.pop(0)
        wanted = list(takewhile(lambda line: not line.startswith("$ "), expected))
        del expected[: len(wanted)]
        printed = run(command.removeprefix("$ "))
        found += [command, *(wanted if matches(wanted, printed) else printed)]
    return found


def run(command: str) -> list[str]:
    program, *arguments = shlex.split(command)
    if program == "sed":  # only what the pages need of it
        _, wrong, right, _ = arguments[1].split("/")
        path = Path(arguments[2])
        path.write_text(re.sub(wrong, right.replace(".", " "), path.read_text()))
        return []
    assert program == "frontdesk"
    return CliRunner().invoke(app, arguments).output.splitlines()


def held(block: Block) -> list[str]:
    """What becomes of it when the customer's lines are said to the project as it now stands."""
    made = read(Path("flows"))
    talk = Talk(made, state=State())
    found: list[str] = []
    for line in block.lines:
        if line.startswith("agent: "):
            how, _, step = line.removeprefix("agent: hands back: ").partition(" ")
            back = convert({"how": how, "step": step}, Back)
            found += [line, *(f"bot: {said}" for said in talk.back(back))]
        if not line.startswith("you: "):
            continue
        words = line.removeprefix("you: ")
        order = next((name for name in DAYS if name in words), "")
        talk.results = {"days_left": DAYS.get(order)}
        answer = talk.hear(words)
        found += [line, *(f"bot: {said}" for said in (talk.miss() if answer is None else answer))]
    return found


def matches(expected: list[str], found: list[str]) -> bool:
    pattern = "".join(r"(?:.*\n)*" if line == "…" else re.escape(line) + r"\n" for line in expected)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in found)) is not None


def test_the_reference_is_made_from_the_grammar() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m config.flow_reference`"


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.stem)
def test_a_link_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (path.parent / link).exists()] == []
