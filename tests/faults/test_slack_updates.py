"""What Slack might send if it went mad, and what others send in its name: nothing raises, nothing is lost beside it."""

from __future__ import annotations

import copy
import json
import random
import urllib.parse
from pathlib import Path
from typing import Any

import httpx2

from channels.slack.parse import parse
from tests.channels.sandbox.serve import until
from tests.channels.slack.desk import desk
from tests.faults import scale

PAYLOADS = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "platforms/slack").glob("*.[jf]*"))]
THROUGH_THE_ROUTE, THROUGH_THE_SOCKET = 5, 2
"""One of so many goes through the real route, or the real socket, as well."""
STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    "\ud800",
    "\x00<!channel>",
    "x" * 70_000,
    [],
    {},
    [[[]]],
    {"type": "message"},
    "1.1",
    "9" * 400,
    "nan",
)


def test_whatever_is_sent_is_read_or_said_to_be_unreadable() -> None:
    chance = random.Random(scale.SEED)
    for _ in range(scale.UPDATES):
        raw = mutated(chance)
        arrival = parse(raw, "acme")
        assert arrival.key, raw[:500]
        assert not (arrival.unreadable and arrival.bodies)


async def test_nothing_strange_ends_in_an_error_or_harms_its_neighbour() -> None:
    chance = random.Random(scale.SEED + 1)
    async with desk() as at, httpx2.AsyncClient(trust_env=False) as http:
        hook, sign = at.harness.box.delivery.hook, at.harness.box.delivery.signed
        for n in range(scale.UPDATES // THROUGH_THE_ROUTE):
            raw = mutated(chance)
            fine = (200, 413) if is_utf8(raw) else (401,)  # what Slack signs is text
            assert (await http.post(hook, content=raw, headers=sign(raw))).status_code in fine, raw[:500]
            forged = sign(raw) | {"x-slack-signature": chance.choice(("v0=", "v0=" + "0" * 64, "0" * 64, "v1=x"))}
            assert (await http.post(hook, content=raw, headers=forged)).status_code in (401, 413), raw[:500]
            if n % 50 == 0:
                await at.act("say", chat=at.direct, text=f"neighbour {n}")
        await at.settled()
        said = [words for words in at.inbox.heard() if words.startswith("neighbour")]
        assert len(said) == -(-(scale.UPDATES // THROUGH_THE_ROUTE) // 50)


async def test_nothing_strange_ends_the_socket_or_harms_its_neighbour() -> None:
    """Bolt's own client reads what comes: an envelope is JSON, whatever is in it."""
    chance, neighbours = random.Random(scale.SEED + 2), []
    async with desk("socket") as at:
        for n in range(scale.UPDATES // THROUGH_THE_SOCKET):
            at.harness.box.delivery.event("strange", strange_payload(chance))
            if n % 20 == 0:
                neighbours.append(f"neighbour {n}")
                await at.act("say", chat=at.direct, text=neighbours[-1])
                await until(lambda: not at.harness.owed())
        await until(lambda: not at.harness.owed())
        await at.settled()
        said = [words for words in at.inbox.heard() if words.startswith("neighbour")]
        assert sorted(said) == sorted(neighbours)
        assert sum(entry.name == "opened" for entry in at.harness.box.journal.entries) == 1


def strange_payload(chance: random.Random) -> dict[str, Any]:
    while True:
        raw = chance.choice(PAYLOADS)
        form = not raw.startswith(b"{")
        if form and b"payload=" not in raw:
            continue
        given: dict[str, Any] = json.loads(urllib.parse.parse_qs(raw.decode())["payload"][0] if form else raw)
        for _ in range(chance.randint(1, 3)):
            strange(given, chance)
        return json.loads(json.dumps(given))  # type: ignore[no-any-return]


def is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def mutated(chance: random.Random) -> bytes:
    raw = chance.choice(PAYLOADS)
    form = not raw.startswith(b"{")
    match chance.randrange(6):
        case 0:
            return cut(raw, chance)
        case 1 if form:
            fields = dict(urllib.parse.parse_qsl(raw.decode()))
            fields[chance.choice([*fields])] = str(chance.choice(STRANGE)).encode(errors="replace").decode()
            return urllib.parse.urlencode(fields).encode()
    if form and b"payload=" not in raw:
        return cut(raw, chance)
    given = json.loads(urllib.parse.parse_qs(raw.decode())["payload"][0] if form else raw)
    for _ in range(chance.randint(1, 3)):
        strange(given, chance)
    whole = json.dumps(given)
    return urllib.parse.urlencode({"payload": whole}).encode() if form else whole.encode()


def cut(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw))
    match chance.randrange(4):
        case 0:
            return raw[:at]
        case 1:
            return raw[:at] + chance.randbytes(3) + raw[at:]
        case 2:
            return raw[:at] + raw[at + chance.randint(1, 20) :]
        case _:
            return raw + raw


def strange(value: Any, chance: random.Random) -> None:
    """Change something somewhere in it."""
    while True:
        keys = [*value] if isinstance(value, dict) else [*range(len(value))]
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(value[key], dict | list) and chance.random() < 0.7:
            value = value[key]
            continue
        match chance.randrange(3):
            case 0:
                del value[key]
            case 1:
                value[key] = copy.deepcopy(chance.choice(STRANGE))
            case _ if isinstance(value, dict):
                value[chance.choice(("type", "event", "subtype", "files", "user", "actions"))] = copy.deepcopy(
                    chance.choice(STRANGE)
                )
        return
