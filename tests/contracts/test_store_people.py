"""One person on several channels, in every store."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

from msgspec.structs import replace

from bot.model import WITH_CUSTOMER, ContactId, ConversationId, Filled
from bot.testing.store import Scene, spoken
from bot.units import CustomerSlots, FindPeople, Identities, IssueLink, Linked, Merge, PutIdentity, RedeemLink, Unmerge


async def writes(
    scene: Scene, words: str, channel: str, by: str, *, chat: str = "", language: str = ""
) -> ConversationId:
    unit = scene.accept(words, channel=channel, by=by, chat=chat or by, language=language)
    return (await scene.store.write(unit)).conversation


async def contact(scene: Scene, conversation: ConversationId) -> ContactId:
    return (await scene.found(conversation)).conversation.contact


async def who(scene: Scene, of: ContactId) -> list[tuple[str, str, bool]]:
    return [(each.channel, each.external, each.merged) for each in await scene.store.read(Identities(of))]


async def test_merged_contacts_are_one_person_and_both_logs_are_as_they_were(scene: Scene) -> None:
    here, there = await writes(scene, "hello", "memory", "ana"), await writes(scene, "hi", "mail", "ana@x")
    first, second = await contact(scene, here), await contact(scene, there)
    assert await scene.store.write(Merge(first, second))
    assert await contact(scene, here) == await contact(scene, there) == first
    assert await who(scene, first) == [("mail", "ana@x", True), ("memory", "ana", False)]
    assert spoken(await scene.log(here)) == [("customer", "hello")]
    assert spoken(await scene.log(there)) == [("customer", "hi")]
    new = await writes(scene, "once more", "mail", "ana@x", chat="another")
    assert await contact(scene, new) == first


async def test_people_are_found_by_name_and_by_their_ids(scene: Scene) -> None:
    for name, channel, by in (
        ("Ana Silva", "memory", "u_1"),
        ("Ben", "mail", "BEN@x.example"),
        ("Anatol", "mail", "z@x"),
    ):
        await scene.store.write(scene.accept("hello", channel=channel, by=by, chat=by, name=name))

    async def found(search: str, most: int = 20) -> list[str]:
        return [each.name for each in await scene.store.read(FindPeople(search=search, most=most))]

    assert await found("ana") == ["Anatol", "Ana Silva"]
    assert await found("ana", most=1) == ["Anatol"]
    assert await found("ben@X") == ["Ben"]
    assert await found("u_") == ["Ana Silva"]
    assert await found("%") == []
    nobody = await contact(scene, await writes(scene, "hi", "memory", "stranger"))
    assert [each.contact for each in await scene.store.read(FindPeople(search=f"Visitor {nobody[-4:]}"))] == [nobody]
    silva, anatol = [(await scene.store.read(FindPeople(search=each)))[0] for each in ("silva", "anatol")]
    assert (silva.identities, silva.conversations) == ((("memory", "u_1"),), 1)
    assert await scene.store.write(Merge(silva.contact, anatol.contact))
    assert await found("ana") == ["Ana Silva"]
    assert (await scene.store.read(FindPeople(search="z@x")))[0].conversations == 2


async def test_an_identity_goes_back_with_the_conversations_it_began(scene: Scene) -> None:
    here, there = await writes(scene, "hello", "memory", "ana"), await writes(scene, "hi", "mail", "ana@x")
    first, second = await contact(scene, here), await contact(scene, there)
    await scene.store.write(Merge(first, second))
    later = await writes(scene, "once more", "mail", "ana@x", chat="another")
    assert await scene.store.write(Unmerge("mail", "ana@x")) == second
    assert [await contact(scene, each) for each in (here, there, later)] == [first, second, second]
    assert await who(scene, first) == [("memory", "ana", False)]
    assert await who(scene, second) == [("mail", "ana@x", False)]
    assert await scene.store.write(Unmerge("mail", "ana@x")) is None
    assert await scene.store.write(Unmerge("mail", "nobody")) is None


async def test_nobody_is_merged_with_themselves_or_with_nobody(scene: Scene) -> None:
    first = await contact(scene, await writes(scene, "hello", "memory", "ana"))
    assert not await scene.store.write(Merge(first, first))
    assert not await scene.store.write(Merge(first, ContactId("0" * 32)))
    assert await who(scene, first) == [("memory", "ana", False)]


async def test_what_is_known_of_both_is_known_and_the_firsts_counts(scene: Scene) -> None:
    async def knows(channel: str, **slots: str) -> ContactId:
        await writes(scene, "hello", channel, "ana")
        (claimed,) = await scene.claims()
        learnt = tuple(Filled(name, value, WITH_CUSTOMER) for name, value in slots.items())
        await scene.store.write(replace(scene.commit(claimed, "Hi."), learnt=learnt))
        return claimed.conversation.contact

    first, second = await knows("memory", name="Ana"), await knows("mail", name="A.", city="Oslo")
    await scene.store.write(Merge(first, second))
    assert await scene.store.read(CustomerSlots(first)) == {"name": "Ana", "city": "Oslo"}
    assert await scene.store.read(CustomerSlots(second)) == {"name": "A.", "city": "Oslo"}


async def test_every_identity_has_its_language_and_time_zone(scene: Scene) -> None:
    first = await contact(scene, await writes(scene, "hei", "memory", "ana", language="nb"))
    assert await scene.store.write(PutIdentity(channel="memory", external="ana", zone="Europe/Oslo"))
    assert not await scene.store.write(PutIdentity(channel="memory", external="ben", zone="Europe/Oslo"))
    (found,) = await scene.store.read(Identities(first))
    assert (found.language, found.zone) == ("nb", "Europe/Oslo")


# Codes


def digest(code: str) -> bytes:
    return hashlib.blake2b(code.encode()).digest()


async def issue(scene: Scene, code: str, of: ContactId) -> None:
    now = scene.clock.now()
    await scene.store.write(IssueLink(digest=digest(code), contact=of, at=now, until=now + timedelta(minutes=10)))


async def redeem(scene: Scene, code: str, external: str = "ana@x") -> Linked:
    unit = RedeemLink(digest=digest(code), channel="mail", external=external, at=scene.clock.now())
    return await scene.store.write(unit)


async def test_who_types_the_code_is_who_asked_for_it(scene: Scene) -> None:
    here, there = await writes(scene, "hello", "memory", "ana"), await writes(scene, "hi", "mail", "ana@x")
    await writes(scene, "hi", "mail", "thief")
    first = await contact(scene, here)
    await issue(scene, "code", first)
    assert await redeem(scene, "code") == "linked"
    assert await contact(scene, there) == first
    assert await redeem(scene, "code") == "linked"  # the same turn once more
    assert await redeem(scene, "code", "thief") == "unknown"


async def test_two_who_type_one_code_at_once_are_not_both_taken_for_its_owner(scene: Scene) -> None:
    first = await contact(scene, await writes(scene, "hello", "memory", "ana"))
    for external in ("one", "two"):
        await writes(scene, "hi", "mail", external)
    await issue(scene, "code", first)
    done = await asyncio.gather(*(redeem(scene, "code", external) for external in ("one", "two")))
    assert sorted(done) == ["linked", "unknown"]


async def test_a_code_grows_old_and_guessing_comes_to_an_end(scene: Scene) -> None:
    first = await contact(scene, await writes(scene, "hello", "memory", "ana"))
    await writes(scene, "hi", "mail", "ana@x")
    await issue(scene, "old", first)
    await scene.clock.advance(601)
    assert await redeem(scene, "old") == "unknown"
    await issue(scene, "new", first)
    assert [await redeem(scene, "guess") for _ in range(5)] == ["unknown"] * 4 + ["too_many"]
    assert await redeem(scene, "new") == "too_many"
    await scene.clock.advance(3601)
    await issue(scene, "newer", first)
    assert await redeem(scene, "newer") == "linked"


async def test_ones_own_code_links_nobody(scene: Scene) -> None:
    there = await contact(scene, await writes(scene, "hi", "mail", "ana@x"))
    await issue(scene, "code", there)
    assert await redeem(scene, "code") == "same"
    assert await redeem(scene, "code", "nobody") == "unknown"
