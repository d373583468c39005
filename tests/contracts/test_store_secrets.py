"""What accounts keep for themselves, and connections of which there may be one, in every store."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.errors import SettingsError
from bot.ports import Vault
from bot.testing.store import Scene
from bot.testing.vault import MemoryVault
from bot.units import Hold, Lease, LetGo, PutSecret, Secret
from bot.vault import StoredVault

SECRET = b"k" * 32
MINE, THEIRS = Lease("w1", timedelta(seconds=30)), Lease("w2", timedelta(seconds=30))


def vault(scene: Scene, account: str = "shop", secret: bytes = SECRET) -> StoredVault:
    return StoredVault(account, secret, store=scene.store, clock=scene.clock, random=scene.random)


@pytest.fixture(params=["stored", "memory"])
def kept(request: pytest.FixtureRequest, scene: Scene) -> Vault:
    return vault(scene) if request.param == "stored" else MemoryVault()


async def test_a_vault_gives_back_what_was_put_last(kept: Vault) -> None:
    assert await kept.get("token") is None
    await kept.put("token", b"one")
    await kept.put("token", b"two\x00\xff")
    assert await kept.get("token") == b"two\x00\xff"
    await kept.put("token", None)
    assert await kept.get("token") is None
    await kept.put("token", None)


async def test_a_vault_tells_the_names_that_begin_so(kept: Vault) -> None:
    for name in ("team/b", "team/a", "temp", "te%m"):
        await kept.put(name, b"")
    assert await kept.names("team/") == ("team/a", "team/b")
    assert await kept.names("te%") == ("te%m",)
    assert await kept.names() == ("te%m", "team/a", "team/b", "temp")


async def test_accounts_do_not_see_one_another(scene: Scene) -> None:
    await vault(scene).put("token", b"mine")
    assert await vault(scene, "other").get("token") is None
    assert await vault(scene, "other").names() == ()


async def test_nothing_of_it_can_be_read_in_the_database_and_two_alike_look_different(scene: Scene) -> None:
    mine = vault(scene)
    await mine.put("a", b"xoxb-very-secret")
    await mine.put("b", b"xoxb-very-secret")
    first, second = [await scene.store.read(Secret("shop", name)) for name in ("a", "b")]
    assert first is not None
    assert second is not None
    assert b"secret" not in first
    assert first[17:] != second[17:]


async def test_what_was_sealed_under_another_key_or_changed_or_moved_is_refused(scene: Scene) -> None:
    await vault(scene).put("token", b"mine")
    with pytest.raises(SettingsError, match="another FRONTDESK_SECRET_KEY"):
        await vault(scene, secret=b"o" * 32).get("token")
    sealed = await scene.store.read(Secret("shop", "token"))
    assert sealed is not None
    for name, put in (("token", sealed[:-1] + bytes([sealed[-1] ^ 1])), ("moved", sealed)):
        await scene.store.write(PutSecret(account="shop", name=name, sealed=put, at=scene.clock.now()))
        with pytest.raises(SettingsError, match="changed in the database"):
            await vault(scene).get(name)


async def test_one_of_two_holds_a_connection_until_it_lets_go(scene: Scene) -> None:
    fences = await asyncio.gather(*(scene.store.write(Hold(name="tg", lease=lease)) for lease in (MINE, THEIRS)))
    assert sorted(fences, key=str) == [1, None]
    winner, loser = (MINE, THEIRS) if fences[0] else (THEIRS, MINE)
    assert await scene.store.write(Hold(name="tg", lease=winner)) == 1
    assert await scene.store.write(Hold(name="other", lease=loser)) == 1
    assert not await scene.store.write(LetGo(name="tg", worker=loser.worker))
    assert await scene.store.write(LetGo(name="tg", worker=winner.worker))
    assert await scene.store.write(Hold(name="tg", lease=loser)) == 2


async def test_a_connection_whose_holder_is_not_heard_of_goes_to_another(scene: Scene) -> None:
    assert await scene.store.write(Hold(name="tg", lease=Lease("w1", timedelta(0)))) == 1
    assert await scene.store.write(Hold(name="tg", lease=THEIRS)) == 2
    assert await scene.store.write(Hold(name="tg", lease=MINE)) is None
