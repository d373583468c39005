"""A small history of the real product, journaled by hand: nothing is held against it, until a row is tampered with."""

from __future__ import annotations

import ast
import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from bot.errors import Unreachable
from tests.bot.flow import script
from tests.faults import journal
from tests.faults.checker import check, summary
from tests.faults.dump import Dump, dump
from tests.faults.journal import Record
from tests.journeys.crossings import Bookings
from tests.journeys.stage import Stage, agent, stage

FLOWS = """
flow: book
about: Books it.
examples: [book it]
slots: {order: {type: text}}
steps:
  - {ask: order, say: Which order?}
  - {do: book_it, with: {order: order}, into: number}
  - {say: "Booked {{ order }}."}
"""
MARA = agent("Mara")
PATIENCE = 25 * 1_000_000_000


def project(folder: Path) -> Path:
    flows = script.project(folder, FLOWS)
    (flows / "knowledge").mkdir()
    return flows


class Journaled:
    """The stage, with what customers, agents and the platform saw written down as a process of theirs would."""

    def __init__(self, desk: Stage) -> None:
        self._desk, self.records = desk, list[Record]()
        self._called = 0

    @property
    def _at(self) -> int:
        return round(self._desk.clock.monotonic() * 1e9)

    async def say(self, words: str, uid: str, key: str, *, attempt: int = 1) -> None:
        self.records.append(journal.Sent(at=self._at, chat="ana", key=key, uid=uid, attempt=attempt))
        await self._desk.memory.say("ana", f"{words} {uid}", key=key)
        self.records.append(journal.Answered(at=self._at, chat="ana", key=key, status=200))
        await self._desk.found()  # makes the stage wait for this chat
        await self.settle()

    async def take_over(self) -> None:
        self.records.append(journal.Commanded(at=self._at, agent="mara", id="c1", chat="ana", command="take_over"))
        done = await self._desk.take_over(MARA)
        epoch, in_flight = done.conversation.control.epoch, done.in_flight or ""
        self.records.append(journal.Decided(at=self._at, id="c1", status=200, epoch=epoch, in_flight=in_flight))
        await self.settle()

    async def settle(self, seconds: float = 2) -> None:
        await self._desk.settle(seconds)
        for call in self._desk.memory.calls[self._called :]:
            got = journal.Received(at=self._at, chat=call.to.chat, key=call.key, text=call.text, again=call.again)
            self.records.append(got)
        self._called = len(self._desk.memory.calls)


async def history(folder: Path, database: str) -> tuple[list[Record], Dump]:
    """A burst of one, a repeat, an action, a lost receipt, a human and the hand back."""
    bookings = Bookings()
    actions = {"book_it": bookings.action()}
    async with stage(folder, flows=project(folder), actions=actions, database=database) as desk:
        told = Journaled(desk)
        await told.say("book it", "u1n1", "m1")
        await told.say("book it", "u1n1", "m1", attempt=2)
        desk.memory.faults, desk.memory.lost_receipts = [Unreachable("cut")], 1
        await told.say("A-17", "u1n2", "m2")
        await told.settle(5)
        await told.take_over()
        await told.say("hello", "u1n3", "m3")
        await desk.hand_back(MARA)
        await told.settle()
        (key,) = bookings.made
        told.records.append(journal.Done(at=0, key=key, uid="u1n2"))
        found = dump(database, whole=True)
    healed = told.records[-2].at
    return [*told.records, journal.Finished(at=healed, healed=healed, patience=PATIENCE)], found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Record], Dump, Path]:
    """Journal, dump, and the file that it came from."""
    folder = tmp_path_factory.mktemp("kept")
    file = folder / "frontdesk.db"
    return *asyncio.run(history(folder, f"sqlite:///{file}")), file


def test_nothing_is_held_against_an_honest_history(kept: tuple[list[Record], Dump, Path]) -> None:
    records, found, _ = kept
    assert check(records, found) == []
    told = summary(records, found)
    assert (told.messages, told.accepted, told.deliveries, told.unknown, told.kills) == (3, 3, 4, 1, 0)


def test_a_whole_dump_holds_every_byte(kept: tuple[list[Record], Dump, Path]) -> None:
    _, found, _ = kept
    assert found.whole is not None
    holding = {name for name, content in found.whole.items() if b"book it u1n1" in content}
    assert "event" in holding
    assert holding & {"frontdesk.db", "frontdesk.db-wal"}
    assert {"contact", "identity", "alembic_version", "frontdesk.db"} <= found.whole.keys()


async def test_the_same_history_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    records, found = await history(tmp_path, postgres_database)
    assert (check(records, found), len(found.conversations), len(found.deliveries)) == ([], 1, 4)
    assert found.whole is not None
    assert b"book it u1n1" in found.whole["event"]


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("DELETE FROM event WHERE kind = 'said' AND seq = 1", {"I1", "I11"}),
        ("UPDATE conversation SET heard = 0", {"I7", "I11"}),
        ('UPDATE conversation SET state = \'{"language":"xx"}\'', {"I11"}),
        ("UPDATE delivery SET state = 'waiting' WHERE seq = 3", {"I7"}),
        ("UPDATE delivery SET done = 2 WHERE seq = 3", {"I5"}),
        ("UPDATE event SET fence = 9 WHERE kind = 'turned' AND turn = 0", {"I2", "I9"}),
        ("UPDATE event SET epoch = 7 WHERE kind = 'turned'", {"I9"}),
        ("DELETE FROM event WHERE kind = 'acted'", {"I2", "I11"}),
        ("UPDATE event SET public = 1 WHERE kind = 'returned'", {"I11", "I13"}),
    ],
    ids=lambda given: given if isinstance(given, str) else "-".join(sorted(given)),
)
def test_a_row_that_was_tampered_with_is_found(
    kept: tuple[list[Record], Dump, Path], tmp_path: Path, statement: str, broken: set[str]
) -> None:
    records, _, file = kept
    connection = sqlite3.connect(shutil.copy(file, tmp_path), isolation_level=None)
    connection.execute(statement)
    found = dump(connection)
    connection.close()
    assert {violation.invariant for violation in check(records, found)} == broken


def test_the_checker_imports_nothing_of_the_product() -> None:
    folder = Path(__file__).parent
    names = {
        name
        for file in ("checker.py", "dump.py", "second_fold.py", "journal.py")
        for node in ast.walk(ast.parse((folder / file).read_bytes()))
        for name in _imported(node)
    }
    ours = {name for name in names if name.partition(".")[0] in ("bot", "channels", "config", "flows", "tests")}
    checked = {"checker", "dump", "second_fold", "journal"}
    assert {name.partition("tests.faults.")[2].partition(".")[0] for name in ours} <= checked


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), names=names):
            return [f"{module}.{alias.name}" for alias in names]
        case _:
            return []
