"""What hearing costs on Telegram beside the core: an update to an arrival, and the same through aiogram's dispatcher.

`python -m bench.telegram parse|dispatch SECONDS` prints the microseconds of CPU of one update.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

UPDATE: dict[str, Any] = {
    "update_id": 700000001,
    "message": {
        "message_id": 51,
        "from": {"id": 7001, "is_bot": False, "first_name": "Ada", "username": "ada", "language_code": "en"},
        "chat": {"id": 7001, "type": "private", "first_name": "Ada", "username": "ada"},
        "date": 1767225600,
        "text": "Where is my order? See https://shop.example/orders/7",
        "entities": [{"type": "url", "offset": 23, "length": 29}],
    },
}
BATCH = 500


async def channel(seconds: float) -> float:
    """Through the channel as it polls, to a receiver that does nothing."""
    from pydantic import SecretStr

    from bot.ports import Accepted
    from bot.testing.chance import SeededRandom
    from bot.testing.clock import SettableClock
    from bot.testing.files import MemoryFiles
    from channels.telegram import Settings, build
    from channels.telegram.channel import raw_of
    from channels.telegram.parse import Me

    class Nowhere:
        async def __call__(self, arrival: Any, /) -> Accepted:
            return Accepted(True, None, 1)

        async def many(self, arrivals: Any, /) -> Any:
            return [await self(each) for each in arrivals]

    made: Any = build(
        "bench",
        Settings(token=SecretStr("42:TEST")),
        clock=SettableClock(),
        random=SeededRandom(),
        vault=None,  # type: ignore[arg-type]
        files=MemoryFiles(),
    )
    me, receive = Me(42, "bench_bot"), Nowhere()

    async def one() -> None:
        await made.accept(receive, [made.heard(raw_of(UPDATE), me)])

    return await _cpu(one, seconds)


async def dispatch(seconds: float) -> float:
    """aiogram alone: the same update, already decoded, to a function that does nothing."""
    from aiogram import Bot, Dispatcher, F

    dispatcher, bot = Dispatcher(), Bot("42:TEST")

    @dispatcher.message(F.text)
    async def heard(message: Any) -> None: ...

    async def one() -> None:
        await dispatcher.feed_raw_update(bot, UPDATE)

    try:
        return await _cpu(one, seconds)
    finally:
        await bot.session.close()


async def _cpu(one: Any, seconds: float) -> float:
    for _ in range(BATCH):
        await one()
    count, began, end = 0, time.process_time(), time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(BATCH):
            await one()
        count += BATCH
    return (time.process_time() - began) / count * 1e6


if __name__ == "__main__":
    side = {"parse": channel, "dispatch": dispatch}[sys.argv[1]]
    print(json.dumps(asyncio.run(side(float(sys.argv[2])))))
