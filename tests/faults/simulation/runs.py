"""One whole run of a seed: people at work, trouble, then peace; and what was seen of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.simulation.house import House, judged, opened
from tests.faults.simulation.loop import Stuck
from tests.faults.simulation.people import Customer, Person
from tests.faults.simulation.trouble import Trouble, weather

CHATS = 7
ACTS = 25
"""Of each customer: with what comes of them some 400 to 500 events."""


RINGING = 10
"""Seconds in which the last timers ring; those of a clock that was set may be due in a day."""


@dataclass(frozen=True, slots=True)
class Run:
    seed: int
    broken: tuple[str, ...]
    events: int
    history: str
    """Of all that happened: equal runs have equal ones."""


def run(seed: int) -> Run:
    with opened(seed, workers=2 + seed % 2, weather=weather(seed)) as house:
        try:
            quiet = house.loop.run(_play(house))
            broken = [*judged(house), *([] if quiet else ["I7: it never came to rest"])]
        except Stuck as stuck:
            broken = [f"I7: {stuck}"]
        ((events,),) = house.rows("SELECT count(*) FROM event")
        assert isinstance(events, int)
        return Run(seed, tuple(broken), events, house.history())


async def _play(house: House) -> bool:
    await house.start()
    customers = [Customer(house, number) for number in range(1, CHATS + 1)]
    people = [Person(house, name, number) for number, name in enumerate(("ann", "bob"))]
    chats: Sequence[str] = [customer.chat for customer in customers]
    trouble = Trouble(house)
    house.begin(trouble.live())
    if house.is_changing:
        house.begin(trouble.deploy())
    await asyncio.gather(
        *(customer.live(ACTS, pause=3) for customer in customers),
        *(person.live(chats, acts=15, pause=4) for person in people),
    )
    trouble.end()
    if house.is_changing:
        await house.until(house.is_awake, RINGING)
    return await house.settle()
