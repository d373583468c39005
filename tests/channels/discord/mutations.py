"""An event with something wrong in it."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

_ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 10**40, "", "x", "\ud800", "0" * 5000, [], {}, [[]], {"id": {}}, "NaN"),
    *("<@" * 2000, "١٢٣", "-5", "1e9", "\x00", " 12 ", ["1", 2, None], {"type": 18, "component": 5}),
)


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """With one to three fields missing, of another type, or doubled; now and then no JSON at all."""
    if chance.random() < 0.15:
        return _broken(raw, chance)
    event = json.loads(raw)
    for _ in range(chance.randint(1, 3)):
        _mutate(event, chance)
    return json.dumps(event).encode()


def _broken(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw))
    match chance.randrange(5):
        case 0:
            return raw[:at]
        case 1:
            return raw[:at] + bytes((chance.randrange(256),)) + raw[at + 1 :]
        case 2:
            return raw[:at] + raw[at // 2 : at] + raw[at:]
        case 3:
            return b"[" * chance.randrange(5000)
        case _:
            return raw.replace(b":", b":[" * chance.randrange(1, 2000), 1)


def _mutate(event: Any, chance: random.Random) -> None:
    holder: Any = event
    for _ in range(chance.randint(0, 6)):
        each = holder.values() if isinstance(holder, dict) else holder
        inside = [value for value in each if value and isinstance(value, dict | list)]
        if not inside:
            break
        holder = chance.choice(inside)
    odd = deepcopy(chance.choice(_ODD))
    if isinstance(holder, list):
        holder[chance.randrange(len(holder))] = odd
        return
    if not holder:
        return
    name = chance.choice(sorted(holder))
    match chance.randrange(4):
        case 0:
            del holder[name]
        case 1:
            holder[chance.choice(sorted(holder))] = deepcopy(holder[name])
        case _:
            holder[name] = odd
