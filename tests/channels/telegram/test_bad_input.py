"""Point 12: recorded updates, mutated: none is lost with its neighbours, none stops anything."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from bot.model import Said, written
from bot.ports import Arrival
from channels.telegram.parse import Me, parse, query_of
from tests.channels.harness.telegram import Site
from tests.channels.telegram.stand import SECRET, Stand, hooks, standing
from tests.faults.scale import SEED, TIER

RECORDED = sorted((Path(__file__).parents[2] / "platforms" / "telegram").glob("*.json"))
MUTATED = {"test": 3_000, "ci": 3_000, "nightly": 10_000}[TIER]
AT_ONCE = {"test": 300, "ci": 1_000, "nightly": 3_000}[TIER]
"""Of them through polling, and by webhook, beside words that must arrive."""
ME = Me(42, "sandbox_bot")
WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, -(2**63), 2**70, 1.5, 1e300),
    *("", "x", "\x00", "😀" * 50, "9" * 400, [], [[]], {}, {"id": 1}, [None], "2026-01-01"),
)


def mutated(update: Any, chance: random.Random) -> Any:
    """A few things in it are missing, of another type, huge, or unknown."""
    update = copy.deepcopy(update)
    for _ in range(chance.randint(1, 4)):
        places = list(_places(update))
        if not places:
            break
        holder, key = chance.choice(places)
        match chance.randrange(5):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[f"new_{chance.randrange(9)}"] = holder.pop(key)
            case 2:
                value = holder[key]
                for _ in range(chance.choice((3, 90))):
                    value = {"reply_to_message": value} if chance.random() < 0.5 else [value]
                holder[key] = value
            case 3:
                holder[key] = "y" * chance.choice((10, 100_000))
            case _:
                holder[key] = copy.deepcopy(chance.choice(WRONG))
    return update


def _places(value: Any) -> Any:
    """Every place in it: what holds it, and its name there."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)


@pytest.fixture(scope="module")
def recorded() -> list[Any]:
    assert RECORDED
    return [json.loads(path.read_text()) for path in RECORDED]


def test_no_mutated_update_stops_the_parser(recorded: list[Any]) -> None:
    chance, readable = random.Random(SEED), 0
    for _ in range(MUTATED):
        update = mutated(chance.choice(recorded), chance)
        raw = json.dumps(update).encode()
        raw = raw[: chance.randrange(len(raw))] if chance.random() < 0.05 else raw
        arrival = parse(raw, "shop", ME)
        assert isinstance(arrival, Arrival)
        assert arrival.key
        assert not (arrival.unreadable and arrival.bodies)
        assert isinstance(query_of(raw), str)
        readable += not arrival.unreadable
    assert MUTATED // 10 < readable < MUTATED  # it reads what is left, and not everything


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\x00", b"[]", b"null", b"1", b'"x"', b"[" * 100_000, b'{"update_id":1}']
)
def test_what_is_no_update_is_unreadable(raw: bytes) -> None:
    arrival = parse(raw, "shop", ME)
    assert arrival.unreadable
    assert arrival.key


def test_half_a_surrogate_pair_is_unreadable_and_known_by_its_number() -> None:
    raw = b'{"update_id":7,"message":{"message_id":1,"date":1,"chat":{"id":1,"type":"private"},"text":"\\ud800"}}'
    arrival = parse(raw, "shop", ME)
    assert (arrival.key, bool(arrival.unreadable), arrival.to.chat) == ("7", True, "1")


async def test_polling_goes_on_among_mutated_updates_and_loses_no_neighbour(recorded: list[Any]) -> None:
    async with standing() as stand:
        said = await _told(stand, recorded, random.Random(SEED + 1))
        assert _neighbours(stand) == said


async def test_a_webhook_takes_mutated_updates_at_once_and_loses_no_neighbour(recorded: list[Any]) -> None:
    site = Site()
    async with hooks(site) as public, standing(public=public) as stand:
        site.routes = stand.channel.routes(stand.inbox)
        said = await _told(stand, recorded, random.Random(SEED + 2))
        assert _neighbours(stand) == said
        assert set(site.answers) == {200}


async def test_a_webhook_takes_what_is_no_update_at_all(recorded: list[Any]) -> None:
    site, chance = Site(), random.Random(SEED + 3)
    async with hooks(site) as public, standing(public=public) as stand, httpx2.AsyncClient(trust_env=False) as http:
        site.routes = stand.channel.routes(stand.inbox)
        address, secret = f"{public}/hooks/telegram/shop", {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        for _ in range(AT_ONCE // 3):
            raw = json.dumps(mutated(chance.choice(recorded), chance)).encode()
            raw = raw[: chance.randrange(len(raw))] + chance.randbytes(chance.randrange(5))
            assert (await http.post(address, content=raw, headers=secret)).status_code == 200
        await stand.act("say", text="and a neighbour")
        await stand.caught_up()
        assert written(stand.all(Said)[-1].message) == "and a neighbour"


async def _told(stand: Stand, recorded: list[Any], chance: random.Random) -> list[str]:
    """Mutated updates come, and words among them, of a chat that was never recorded; gives the words, once all was
    taken."""
    said, ben = [], (await stand.act("person", name="Ben"))["chat"]
    for number in range(AT_ONCE):
        update = mutated(chance.choice(recorded), chance)
        update.pop("update_id", None) if isinstance(update, dict) else None
        try:
            msgspec.json.encode(update)
        except (ValueError, OverflowError):  # the sandbox cannot send it, nor could the platform
            continue
        if isinstance(update, dict) and update:
            await stand.act("update", update=update)
        if number % 10 == 0:
            said.append(f"neighbour {number}")
            await stand.act("say", ben, text=said[-1])
    await stand.caught_up()
    return said


def _neighbours(stand: Stand) -> list[str]:
    heard = [written(each.message) for each in stand.all(Said)]
    return [words for words in heard if words.startswith("neighbour")]
