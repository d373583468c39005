"""Events with something wrong in them, through the real client and over HTTP: neighbours arrive, nothing ends.

As many each way as through `parse`: 3,000 in CI.
"""

from __future__ import annotations

import asyncio
import json
import random

import httpx2
import pytest

from bot.testing.channel import Bench, Inbox
from tests.channels.discord.mutations import mutated
from tests.channels.discord.room import Room, room
from tests.channels.discord.test_parse import MUTATIONS, RECORDED
from tests.channels.harness.discord import gateway
from tests.channels.sandbox.listening import serving_app
from tests.faults import scale

HEARD = [raw for name, raw in RECORDED.items() if name not in ("guild_create", "presence")]
AT_ONCE = 25


def of_the_gateway(raw: bytes, chance: random.Random) -> str:
    """Only what an event holds is wrong: its number and its operation are the connection's."""
    event = json.loads(raw)
    broken = mutated(json.dumps(event["d"]).encode(), chance).decode("utf-8", "replace")
    return f'{{"t":"{event["t"]}","s":null,"op":0,"d":{broken}}}'


@pytest.mark.timeout(600)
async def test_no_event_ends_the_connection_or_costs_a_neighbour() -> None:
    chance = random.Random(scale.SEED)
    async with room() as here:
        said = list[str]()
        [session] = here.sandbox.gateway.sessions.values()
        for number in range(MUTATIONS):
            assert session.connection is not None, f"FAULTS_SEED={scale.SEED}"
            session.connection.frame(of_the_gateway(chance.choice(HEARD), chance))
            if number % 50 == 0:
                said.append(await here.say(f"neighbour {number}"))
                await here.until(lambda: said[-1] in {one.key for one in here.inbox.fresh}, said[-1])

        keys = [one.key for one in here.inbox.fresh]
        assert [key for key in keys if key in said] == said
        assert here.entries("connection", "closed") == []
        assert len(here.inbox.dead) > MUTATIONS // 20


@pytest.mark.timeout(600)
async def test_over_http_forged_is_401_and_signed_is_never_500() -> None:
    chance = random.Random(scale.SEED)
    async with gateway() as harness:
        harness.settings |= {"interactions": "http", "public_key": harness.sandbox.interactions.public_key}
        bench = Bench(harness, Inbox())
        await bench.start()
        here = Room(harness, bench)
        [(_, app)] = here.channel.routes(bench.inbox).items()
        events = [json.dumps(json.loads(RECORDED[name])["d"]).encode() for name in ("press", "command", "submitted")]
        forged, signed = set[int](), set[int]()
        async with serving_app(app) as base, httpx2.AsyncClient(base_url=base) as client:

            async def post(number: int) -> None:
                raw = mutated(chance.choice(events), chance)
                at = str(int(here.clock.now().timestamp()))
                headers = harness.sandbox.interactions.sign(raw, at)
                if number % 3 == 0:
                    signature = bytearray(bytes.fromhex(headers["X-Signature-Ed25519"]))
                    signature[chance.randrange(64)] ^= 1 << chance.randrange(8)
                    headers["X-Signature-Ed25519"] = signature.hex()
                answer = await client.post("/", content=raw, headers=headers)
                (forged if number % 3 == 0 else signed).add(answer.status_code)

            for first in range(0, MUTATIONS, AT_ONCE):
                await asyncio.gather(*map(post, range(first, first + AT_ONCE)))
        await bench.stop()

        assert forged == {401}, f"FAULTS_SEED={scale.SEED}"
        assert signed == {200}, f"FAULTS_SEED={scale.SEED}"
