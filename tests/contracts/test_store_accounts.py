"""Accounts of the console and their sign-ins."""

import asyncio
from datetime import timedelta

from msgspec.structs import replace

from bot.model import AgentId
from bot.testing.store import Scene
from bot.units import Agent, Agents, DropSignIns, FindAgent, FindSignIn, PutAgent, PutSignIn, SignIn


def agent(scene: Scene, name: str = "Ann") -> Agent:
    return Agent(
        id=AgentId(name.lower()),
        email=f"{name}@shop.example",
        name=name,
        role="agent",
        password="$argon2id$...",
        disabled=False,
        created_at=scene.clock.now(),
    )


def sign_in(scene: Scene, digest: bytes, name: str = "ann") -> SignIn:
    now = scene.clock.now()
    return SignIn(digest=digest, agent=AgentId(name), csrf="token", created_at=now, seen_at=now)


async def test_an_account_is_found_by_id_and_by_address_in_any_case(scene: Scene) -> None:
    ann = agent(scene)
    assert await scene.store.write(PutAgent(ann))
    assert await scene.store.read(FindAgent(id=ann.id)) == ann
    assert await scene.store.read(FindAgent(email="aNN@SHOP.example")) == ann
    assert await scene.store.read(FindAgent(email="ben@shop.example")) is None
    assert await scene.store.read(FindAgent(id=AgentId("ben"))) is None


async def test_an_account_is_replaced_by_its_id(scene: Scene) -> None:
    await scene.store.write(PutAgent(agent(scene)))
    changed = replace(agent(scene), email="a@b.example", role="admin", disabled=True, password="new", name="Anna")
    assert await scene.store.write(PutAgent(changed))
    assert await scene.store.read(Agents()) == (changed,)
    assert await scene.store.read(FindAgent(email="ann@shop.example")) is None


async def test_an_address_belongs_to_one_account(scene: Scene) -> None:
    await scene.store.write(PutAgent(agent(scene)))
    thief = replace(agent(scene, "Ben"), email="ANN@shop.example")
    assert not await scene.store.write(PutAgent(thief))
    assert await scene.store.read(Agents()) == (agent(scene),)


async def test_of_two_accounts_made_at_once_with_one_address_one_is_made(scene: Scene) -> None:
    twins = [replace(agent(scene, name), email="same@shop.example") for name in ("Ann", "Ben")]
    done = await asyncio.gather(*(scene.store.write(PutAgent(one)) for one in twins))
    assert sorted(done) == [False, True]
    assert len(await scene.store.read(Agents())) == 1


async def test_accounts_are_listed_oldest_first(scene: Scene) -> None:
    made = []
    for name in ("Zoe", "Ann"):
        made.append(agent(scene, name))
        await scene.store.write(PutAgent(made[-1]))
        await scene.clock.advance(1)
    assert await scene.store.read(Agents()) == tuple(made)


async def test_a_sign_in_is_found_with_its_account(scene: Scene) -> None:
    await scene.store.write(PutAgent(agent(scene)))
    made = sign_in(scene, b"digest")
    await scene.store.write(PutSignIn(made))
    assert await scene.store.read(FindSignIn(b"digest")) == (made, agent(scene))
    assert await scene.store.read(FindSignIn(b"other")) is None


async def test_a_sign_in_that_is_seen_again_moves_only_that(scene: Scene) -> None:
    await scene.store.write(PutAgent(agent(scene)))
    made = sign_in(scene, b"digest")
    await scene.store.write(PutSignIn(made))
    later = made.seen_at + timedelta(minutes=5)
    await scene.store.write(PutSignIn(replace(made, seen_at=later, csrf="changed")))
    found = await scene.store.read(FindSignIn(b"digest"))
    assert found is not None
    assert found[0] == replace(made, seen_at=later)


async def test_one_sign_in_or_all_of_an_account_can_be_dropped(scene: Scene) -> None:
    for name in ("Ann", "Ben"):
        await scene.store.write(PutAgent(agent(scene, name)))
    for digest, name in ((b"1", "ann"), (b"2", "ann"), (b"3", "ann"), (b"4", "ben")):
        await scene.store.write(PutSignIn(sign_in(scene, digest, name)))

    async def left() -> list[bytes]:
        return [digest for digest in (b"1", b"2", b"3", b"4") if await scene.store.read(FindSignIn(digest))]

    await scene.store.write(DropSignIns(digest=b"1"))
    assert await left() == [b"2", b"3", b"4"]
    await scene.store.write(DropSignIns(agent=AgentId("ann")))
    assert await left() == [b"4"]
    await scene.store.write(DropSignIns())
    assert await left() == [b"4"]
