"""A staff room on each platform, through its real client: a customer asks for a human, who answers from the thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace as changed
from structlog.testing import capture_logs

from bot.flow.read import read
from bot.store import open_store
from bot.units import PutAgent
from config.doors import Account
from config.machine import SystemClock, SystemRandom
from config.settings import DeskFile, Settings, StaffSection
from config.stands import LIBRARIES, standing
from config.wiring import running
from tests.journeys.stage import SHOP, agent

STUCK = 90
Wire = dict[str, Any]


class Site:
    """The customer's side of a stand-in."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def act(self, what: str, **body: Any) -> Wire:
        answer = await self._client.post(f"/_/{what}", json=body)
        assert answer.status_code == 200, answer.text
        found: Wire = answer.json()
        return found

    async def chats(self) -> list[Wire]:
        found: list[Wire] = (await self._client.get("/_/seen")).json()["chats"]
        return found

    async def person(self) -> str:
        return str((await self._client.get("/_/seen")).json()["people"][0]["id"])

    async def listened_to(self) -> None:
        """What is said before a gateway has let the bot in is told to nobody."""
        async with asyncio.timeout(STUCK):
            while True:
                log = (await self._client.get("/_/log")).json()
                if any(entry["name"] in ("getUpdates", "opened", "GUILD_CREATE") for entry in log):
                    return
                await asyncio.sleep(0.05)

    async def until(self, holds: Callable[[list[Wire]], Any]) -> Any:
        """What it gives, once that is something."""
        async with asyncio.timeout(STUCK):
            while True:
                if found := holds(await self.chats()):
                    return found
                await asyncio.sleep(0.05)


def words(chat: Wire) -> str:
    return "\n".join("".join(span["text"] for span in message["spans"]) for message in chat["messages"])


def thread_of(chats: list[Wire], team: str) -> Wire | None:
    return next((chat for chat in chats if chat["parent"] == team and "I want to talk" in words(chat)), None)


async def the_room(platform: str, site: Site, account: Account) -> tuple[Account, str]:
    """The account as a room needs it, and the room's chat."""
    match platform:
        case "telegram":
            team = str((await site.act("chat", kind="forum", title="Team", admin=True))["chat"])
            settings = account.settings.model_copy(update={"hears": "all"})
        case "discord":
            team = next(str(chat["id"]) for chat in await site.chats() if chat["title"] == "general")
            settings = account.settings.model_copy(update={"channels": (team,)})
        case _:
            team = next(str(chat["id"]) for chat in await site.chats() if chat["title"] == "general")
            settings = account.settings
    made = Account(
        name=account.name, channel=account.channel, flows=account.flows, team=account.team, settings=settings
    )
    return made, team


@pytest.mark.parametrize("platform", ["telegram", "slack", "discord"])
async def test_a_human_answers_from_the_thread_and_hands_back(platform: str, tmp_path: Path) -> None:
    clock, mara = SystemClock(), changed(agent("Mara"), email="mara@desk.example")
    libraries = {platform: LIBRARIES[platform]}
    with capture_logs():
        async with standing(SHOP, clock, libraries=libraries) as (stand,):
            assert stand.account is not None
            async with httpx2.AsyncClient(base_url=stand.address) as client:
                site = Site(client)
                account, team = await the_room(platform, site, stand.account)
                person = await site.person()
                room = StaffSection(account=account.name, chat=team, people={person: mara.email})
                file = DeskFile(flows=SHOP, quiet_ms=0, staff=(room,))
                async with running(
                    Settings(data=tmp_path, config=tmp_path / "frontdesk.yaml", secret_key="k" * 32),  # type: ignore[arg-type]
                    file,
                    read(SHOP),
                    store=open_store("sqlite://", clock),
                    clock=clock,
                    random=SystemRandom(),
                    accounts=(account,),
                ) as parts:
                    await parts.store.write(PutAgent(mara))
                    await site.listened_to()
                    direct = next(str(each["id"]) for each in await site.chats() if each["kind"] == "private")
                    await site.act("say", chat=direct, text="I want to talk to a human")
                    thread = await site.until(lambda chats: thread_of(chats, team))
                    await site.act("say", chat=thread["id"], text="she has called before")
                    await site.act("say", chat=thread["id"], text="!Hello, **Mara** here.")
                    await site.until(
                        lambda chats: any(each["id"] == direct and "Hello, Mara here." in words(each) for each in chats)
                    )
                    assert "called before" not in "".join(
                        words(each) for each in await site.chats() if each["id"] == direct
                    )
                    found = await site.until(
                        lambda chats: next(
                            (
                                (message, button)
                                for each in chats
                                if each["id"] == thread["id"]
                                for message in each["messages"]
                                for row in message["rows"]
                                for button in row
                                if button["label"] == "Hand back"
                            ),
                            None,
                        )
                    )
                    message, button = found
                    await site.act("press", chat=thread["id"], message=message["id"], id=button["id"])
                    await site.until(
                        lambda chats: any(
                            each["id"] == direct and "The assistant is back" in words(each) for each in chats
                        )
                    )
