"""Several accounts in one process, each with its own assistant, all on one store."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs

import channels
from bot.errors import SettingsError
from bot.flow.book import PATTERN
from bot.flow.read import read
from bot.model import Address, Echoed, text
from bot.ports import Store, Unit
from bot.store import open_store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.units import Commit, Documents, Find, Published, PutAgent
from config.app import App
from config.doors import Account
from config.metrics import page
from config.settings import DeskFile, Settings, StaffSection
from config.wiring import Parts, running
from tests import pigeon
from tests.bot.flow.script import project
from tests.config.test_operation import samples
from tests.journeys.stage import agent

R = TypeVar("R")

BOOK = """
flow: book
about: Books it.
examples: [book it]
slots: {order: {type: order_id}}
steps:
  - {ask: order, say: "QUESTION"}
  - {say: "Done."}
"""


@pytest.fixture(autouse=True)
def loft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(channels.BUILT_IN, "pigeon", "tests.pigeon")


def folder(at: Path, question: str, knows: str) -> Path:
    at.mkdir(exist_ok=True)
    made = project(at, BOOK.replace("QUESTION", question))
    (made / "knowledge").mkdir(exist_ok=True)
    (made / "knowledge" / "hours.md").write_text(f"# Opening hours\n\nOpening hours: we are open {knows}.\n")
    return made


def account(name: str, flows: Path, *, settings: BaseModel | None = None, team: str = "") -> Account:
    made = settings or pigeon.Settings(token="x", hook=f"/hooks/pigeon/{name}")  # type: ignore[arg-type]
    return Account(name=name, channel="pigeon", flows=flows, team=team, settings=made)


@asynccontextmanager
async def desk(
    tmp_path: Path,
    *accounts: Account,
    clock: SettableClock,
    store: Store | None = None,
    staff: tuple[StaffSection, ...] = (),
) -> AsyncIterator[Parts]:
    flows = tmp_path / "own"
    with capture_logs():
        async with running(
            Settings(data=tmp_path, config=tmp_path / "frontdesk.yaml", secret_key="k" * 32),  # type: ignore[arg-type]
            DeskFile(flows=flows, quiet_ms=0, staff=staff),
            read(flows),
            store=store or open_store("sqlite://", clock),
            clock=clock,
            random=SeededRandom(1),
            accounts=accounts,
        ) as parts:
            await clock.advance(0)
            yield parts


async def published(parts: Parts) -> list[str]:
    """Flows, patterns aside."""
    return [name for name, _ in await parts.store.read(Published()) if PATTERN not in name]


async def test_each_account_has_its_assistant_its_flows_and_its_knowledge(tmp_path: Path) -> None:
    clock = SettableClock()
    own, other = folder(tmp_path / "own", "Which order?", "at nine"), folder(tmp_path / "b", "Quel numéro?", "at noon")
    async with desk(tmp_path, account("north", own), account("south", other), clock=clock) as parts:
        north, south = pigeon.BUILT["north"], pigeon.BUILT["south"]
        for bird in (north, south):
            await bird.hear("book it")
        await clock.advance(2)
        assert (north.seen(), south.seen()) == (["Which order?"], ["Quel numéro?"])
        for bird in (north, south):
            await bird.hear("when are your opening hours?", "ben")
        await clock.advance(2)
        assert "at nine" in "".join(north.seen("ben"))
        assert "at noon" not in "".join(north.seen("ben"))
        assert "at noon" in "".join(south.seen("ben"))
        assert "at nine" not in "".join(south.seen("ben"))
        assert await published(parts) == ["//b//book", "book"]
        assert [found.name for found in await parts.store.read(Documents(""))] == ["hours.md"]


async def test_who_stands_in_a_flow_of_another_assistant_goes_on_there_after_it_was_published_anew(
    tmp_path: Path,
) -> None:
    clock = SettableClock()
    own, other = folder(tmp_path / "own", "Which order?", "at nine"), folder(tmp_path / "b", "Which parcel?", "at noon")
    async with desk(tmp_path, account("north", own), account("south", other), clock=clock) as parts:
        south = pigeon.BUILT["south"]
        await south.hear("book it")
        await clock.advance(2)
        project(other, BOOK.replace("QUESTION", "Which box?").replace("flow: book", "flow: book\nversion: 2"))
        await parts.shelves[other].publish(read(other))
        await south.hear("A-17")
        await clock.advance(2)
        assert south.seen() == ["Which parcel?", "Done."]


async def test_what_is_known_by_one_folder_alone_is_named_as_before(tmp_path: Path) -> None:
    own = folder(tmp_path / "own", "Which order?", "at nine")
    async with desk(tmp_path, account("north", own), clock=SettableClock()) as parts:
        assert await published(parts) == ["book"]


async def test_platforms_call_at_the_paths_of_their_accounts_and_the_page_of_numbers_tells_of_them(
    tmp_path: Path,
) -> None:
    clock, own = SettableClock(), folder(tmp_path / "own", "Which order?", "at nine")
    async with desk(tmp_path, account("north", own), account("south", own), clock=clock) as parts:
        app = App([], console=lambda: None, hosts=("desk",), hooks=parts.connections.routes())  # type: ignore[arg-type, return-value]
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://desk") as client:
            assert (await client.post("/hooks/pigeon/south")).text == "coo south"
            assert (await client.get("/hooks/pigeon/west")).status_code == 404
        await pigeon.BUILT["north"].hear("book it")
        await clock.advance(5)
        found = samples(bytes((await page(parts, Counter())).body).decode())
    assert found["frontdesk_account_connected['north', 'pigeon']"] == 1
    assert found["frontdesk_account_silent_seconds['north', 'pigeon']"] == 5
    assert found["frontdesk_account_unsent['north', 'pigeon']"] == 0
    assert "frontdesk_account_silent_seconds['south', 'pigeon']" not in found


async def test_settings_that_do_not_go_together_name_their_account(tmp_path: Path) -> None:
    own = folder(tmp_path / "own", "Which order?", "at nine")
    wrong = pigeon.Settings(token="x", birds=12)  # type: ignore[arg-type]  # pydantic makes it a secret
    with pytest.raises(SettingsError, match=r"accounts\.north: so many birds need a bigger loft"):
        async with desk(tmp_path, account("north", own, settings=wrong), clock=SettableClock()):
            pass


async def test_what_an_account_keeps_is_there_at_the_next_start(tmp_path: Path) -> None:
    own = folder(tmp_path / "own", "Which order?", "at nine")
    async with desk(tmp_path, account("north", own), account("south", own), clock=SettableClock()):
        north, south = pigeon.BUILT["north"], pigeon.BUILT["south"]
        await north.vault.put("offset", b"17")
        assert (await north.vault.get("offset"), await south.vault.get("offset")) == (b"17", None)


class Watched:
    """A store, and what is written into it."""

    def __init__(self, store: Store) -> None:
        self.store, self.read, self.close = store, store.read, store.close
        self.written: list[Unit[Any]] = []

    def write(self, unit: Unit[R], /) -> Awaitable[R]:
        self.written.append(unit)
        return self.store.write(unit)


async def test_a_request_for_a_human_goes_to_the_team_of_its_account(tmp_path: Path) -> None:
    clock, own = SettableClock(), folder(tmp_path / "own", "Which order?", "at nine")
    watched = Watched(open_store("sqlite://", clock))
    async with desk(tmp_path, account("north", own, team="sales"), clock=clock, store=watched):
        await pigeon.BUILT["north"].hear("I want to talk to a human")
        await clock.advance(2)
    handoffs = [unit.handoff for unit in watched.written if isinstance(unit, Commit) and unit.handoff]
    assert [handoff.queue for handoff in handoffs] == ["sales"]


async def test_who_speaks_elsewhere_and_is_known_to_the_desk_has_it_as_that_agent(tmp_path: Path) -> None:
    clock, own = SettableClock(), folder(tmp_path / "own", "Which order?", "at nine")
    staff = (StaffSection(account="north", chat="room", people={"U7": "mara@shop.example"}),)
    async with desk(tmp_path, account("north", own), clock=clock, staff=staff) as parts:
        await parts.store.write(PutAgent(agent("Mara")))
        north = pigeon.BUILT["north"]
        await north.hear("book it")
        await clock.advance(1)
        await north.hear(Echoed(text("I do it."), "r", by="U7", name="M."))
        found = await parts.store.read(Find(address=Address("pigeon", "north", "ana")))
        assert found is not None
        assert (found.conversation.control.holder, found.conversation.control.holder_name) == ("mara", "Mara")
