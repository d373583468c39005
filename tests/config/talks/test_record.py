"""A test written from a real conversation passes at once, and tells nothing of the person it was with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.errors import NotFound
from bot.flow.read import read as read_flows
from bot.model import Said, text
from bot.ports import Arrival
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.units import Find
from channels.memory import Memory
from config.machine import SystemClock
from config.settings import DeskFile, Settings
from config.talks.record import written
from config.wiring import running
from tests.config.talks.project import made, told

FLOWS = """
flow: complain
about: The customer complains.
examples: [I want to complain]
slots:
  order: {type: order_id}
  email: {type: email}
  home: {type: text, pii: true}
  sure: {type: yes_no, always_ask: true}
steps:
  - ask: order
    say: Which order?
  - do: look
    with: {order: order}
    into: found
  - ask: email
    say: "Hello {{ found.name }}, where do we write to?"
  - ask: home
    say: Where do you live?
  - ask: sure
    say: "We write to {{ email }} about {{ order }}?"
  - when: sure
    then: [{do: book_it, with: {order: order}, into: number}]
  - say: Thank you.
"""

PYTHON = """
@action(effect="read")
async def look(order: str) -> dict[str, object]:
    return {"name": "Karla Brandt", "paid": 12, "contact": {"email": "karla@brandt.example"}}
"""

LINES = (
    "I want to complain",
    "it is a-4711, I think",
    "how long does a refund take?",
    "karla.b@brandt.example, or call +49 171 5550123",
    "Am Weiher 12, 90402 Nuremberg",
    "yes",
    "I want a human",
)


def happened(folder: Path, *lines: str) -> str:
    """The id of the conversation, on the database that is configured."""
    return asyncio.run(_happen(folder, lines))


async def _happen(folder: Path, lines: tuple[str, ...]) -> str:
    clock = SystemClock()
    settings = Settings(data=folder / "data")
    settings.make_data()
    store = await asyncio.to_thread(open_store, settings.database, clock)
    memory = Memory(clock)
    book = read_flows(folder)
    file = DeskFile(flows=folder, quiet_ms=0)
    parts = running(settings, file, book, store=store, clock=clock, random=SeededRandom(5), senders=[memory])
    async with parts as desk:
        for number, line in enumerate(lines):
            arrival = Arrival(
                account="memory",
                key=str(number),
                raw=b"",
                to=memory.address("karla"),
                by="karla",
                name="Karla Brandt",
                at=clock.now(),
                bodies=(Said(text(line)),),
                language="en",
            )
            await desk.inbox(arrival)
            async with asyncio.timeout(30):
                while True:
                    found = await store.read(Find(address=memory.address("karla")))
                    if found and found.conversation.heard == found.conversation.input_seq:
                        break
                    await asyncio.sleep(0.005)
        assert found is not None
        return str(found.conversation.id)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = made(tmp_path / "flows", flows=FLOWS, python=PYTHON)
    monkeypatch.setenv("FRONTDESK_DATA", str(folder / "data"))
    monkeypatch.delenv("FRONTDESK_DATABASE_URL", raising=False)
    return folder


def test_the_written_test_passes_at_once_and_names_nobody(project: Path, tmp_path: Path) -> None:
    test = written(happened(project, *LINES), project)
    for private in ("Karla", "Brandt", "brandt.example", "4711", "5550123", "Weiher", "Nuremberg"):
        assert private not in test, test
    assert told(tmp_path / "again", test, flows=FLOWS, python=PYTHON) == "", test
    assert "cited" in test or "@" in test


def test_the_written_test_fails_once_the_flow_does_something_else(project: Path, tmp_path: Path) -> None:
    test = written(happened(project, *LINES), project)
    flows = FLOWS.replace("Where do you live?", "What is your street?")
    assert "What is your street?" in told(tmp_path / "again", test, flows=flows, python=PYTHON)


def test_an_unknown_conversation_is_told(project: Path) -> None:
    happened(project, "hello")
    with pytest.raises(NotFound, match="no conversation 'nobody'"):
        written("nobody", project)
