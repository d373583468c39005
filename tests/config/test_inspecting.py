"""`frontdesk chat --inspect` on a terminal and on a pipe, and `frontdesk replay` beside a running program."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import select
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.model import ConversationId
from bot.units import Find
from tests.config.test_main import ROOT, run
from tests.journeys.stage import Stage, stage

STUCK = 60.0


# On a terminal


@dataclass
class Typed:
    """A program on a terminal of its own."""

    terminal: int
    printed: str = ""

    def type(self, line: str) -> None:
        os.write(self.terminal, line.encode() + b"\n")

    def until(self, *words: str) -> str:
        """What was printed since the last time, as soon as all these words stand in it."""
        seen, plain, limit = "", "", time.monotonic() + STUCK
        while not all(word in plain for word in words):
            assert select.select([self.terminal], [], [], max(0.0, limit - time.monotonic()))[0], plain
            seen += os.read(self.terminal, 65536).decode(errors="replace")
            plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
        return plain


@contextmanager
def on_a_terminal(*arguments: str, data: Path) -> Iterator[Typed]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
    apart = ("FRONTDESK_", "OPENAI_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")  # the terminal's own size counts
    kept = {name: value for name, value in os.environ.items() if not name.startswith(apart)}
    process = subprocess.Popen(
        [sys.executable, "-m", "config.main", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**kept, "FRONTDESK_DATA": str(data), "TERM": "xterm"},
        cwd=ROOT,
    )
    os.close(theirs)
    try:
        yield Typed(ours)
    finally:
        process.kill()
        process.wait(STUCK)
        os.close(ours)


def test_panes_stand_beside_the_talk(tmp_path: Path) -> None:
    with on_a_terminal("chat", "--inspect", data=tmp_path) as terminal:
        terminal.until("Opening hours", "you: ", "talk", "flows", "slots", "what happened")
        terminal.type("Return something")
        terminal.until(
            "return_item asks order",
            "Which order is it?",
            "return_item (frame 1) at ask_order",
            "declined: the bot has the floor",
        )
        terminal.type("A-17")
        terminal.until("return_item asks reason", "Why do you want to return it?", 'return_item.order = "A-17"')
        terminal.type("\x04")


# On a pipe


def test_a_pipe_gets_the_same_as_lines(tmp_path: Path) -> None:
    said = "Return something\nA-17\n/set oder=4\n"
    printed = run("chat", "--inspect", data=tmp_path, said=said).stdout
    lines = [line.strip() for line in printed.splitlines()]
    assert "flows: return_item (frame 1) at ask_reason" in lines
    assert "pending: return_item asks reason" in lines
    assert "2  at_desk declined: the bot has the floor" in lines
    assert "5  answer: /set order=A-17" in lines
    assert any("/set oder=4 refused: no flow in progress has a slot 'oder'" in line for line in lines)
    assert any(line.startswith('slots: return_item.order = "A-17"') for line in lines)


# Replay


async def replayed(conversation: str, data: Path, *more: str, database: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"FRONTDESK_DATABASE_URL": database} if database else {}
    return await asyncio.to_thread(run, "replay", conversation, *more, data=data, **environment)


async def talked(desk: Stage) -> ConversationId:
    for words in ("Return something", "A-17", "damaged"):
        await desk.say(words)
    return (await desk.found()).conversation.id


@pytest.fixture(params=["file", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"sqlite:///{tmp_path}/frontdesk.db"
    return str(request.getfixturevalue("postgres_database"))


async def test_a_log_is_folded_again_while_the_program_runs(tmp_path: Path, database: str) -> None:
    async with stage(tmp_path, database=database) as desk:
        conversation = await talked(desk)
        done = await replayed(conversation, tmp_path, database=database)
        stepwise = await replayed(conversation, tmp_path, "--step", database=database)
        found = await desk.parts.store.read(Find(conversation=conversation))
    assert found is not None
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{found.conversation.last_seq} events: the fold is the stored state" in done.stdout
    assert "customer says: Return something" in done.stdout
    assert "asks reason" in done.stdout
    assert (done.stdout.count("stack: "), stepwise.stdout.count("stack: ")) == (1, found.conversation.last_seq + 1)


async def test_a_state_that_is_not_its_log_s_is_told(tmp_path: Path) -> None:
    async with stage(tmp_path, database=f"sqlite:///{tmp_path}/frontdesk.db") as desk:
        conversation = await talked(desk)
    spoil(tmp_path / "frontdesk.db")
    done = await replayed(conversation, tmp_path)
    assert done.returncode == 1
    assert 'stored "A-99", folded "A-17"' in done.stdout
    assert "the fold is NOT the stored state" in done.stdout


async def test_a_conversation_that_is_none_is_told(tmp_path: Path) -> None:
    async with stage(tmp_path, database=f"sqlite:///{tmp_path}/frontdesk.db") as desk:
        await talked(desk)
    done = await replayed("0" * 32, tmp_path)
    assert (done.returncode, done.stderr) == (1, f"frontdesk: there is no conversation {'0' * 32!r}\n")


async def test_looking_makes_no_database(tmp_path: Path) -> None:
    done = await replayed("0" * 32, tmp_path)
    assert (done.returncode, os.listdir(tmp_path)) == (1, [])
    assert "there is no database" in done.stderr


def spoil(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE conversation SET state = CAST(replace(state, 'A-17', 'A-99') AS BLOB)")
