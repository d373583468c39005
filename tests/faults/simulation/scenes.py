"""Short scenes, crashed at every step that their worker takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.faults.simulation.house import House, Worker, judged, opened
from tests.faults.simulation.loop import Stuck
from tests.faults.simulation.people import Customer, Person


@dataclass(frozen=True, slots=True)
class Scene:
    before: tuple[str, ...]
    """What the customer has said already."""
    play: Callable[[House, Customer, Person], Awaitable[object]]
    said: tuple[str, ...]
    """What bot and system have said in the end, whatever happened; empty: that depends."""
    check: bool = True
    """The action can tell what became of a call."""


@dataclass(frozen=True, slots=True)
class Played:
    broken: tuple[str, ...]
    steps: tuple[int, ...]
    """What each life took of the scene, the first one's first."""
    history: str


async def _asks(house: House, customer: Customer, person: Person) -> None:
    await customer.say("tell me of tents {uid}")


async def _orders(house: House, customer: Customer, person: Person) -> None:
    await customer.say("A-{uid}")


async def _asks_for_a_human(house: House, customer: Customer, person: Person) -> None:
    await customer.say("I want to talk to a human {uid}")


async def _is_taken_over(house: House, customer: Customer, person: Person) -> None:
    await asyncio.gather(_asks(house, customer, person), _command(house, person, "take_over"))


async def _is_handed_back(house: House, customer: Customer, person: Person) -> None:
    await _command(house, person, "take_over")
    await _command(house, person, "hand_back")


async def _waits(house: House, customer: Customer, person: Person) -> None:
    """Until every timer has rung."""
    await house.until(lambda: house.is_awake() and house.is_quiet(), 60)


async def _is_taken_over_when_it_rings(house: House, customer: Customer, person: Person) -> None:
    await asyncio.sleep(house.chance.uniform(2.4, 3))
    await _command(house, person, "take_over")
    await asyncio.sleep(2)
    await _command(house, person, "hand_back")
    await _waits(house, customer, person)


async def _command(house: House, person: Person, command: str) -> None:
    found = await house.found("1")
    assert found is not None
    await person.command(command, "1", found.conversation)  # type: ignore[arg-type]


SCENES = {
    "turn": Scene(("book it {uid}",), _asks, ("Which order?", "That is so: u1n2. Ask on.", "Which order?")),
    "write": Scene(("book it {uid}",), _orders, ("Which order?", "Booked.")),
    "takeover": Scene(("book it {uid}",), _is_taken_over, ()),
    "hand back": Scene(("book it {uid}",), _is_handed_back, ()),
    "handoff": Scene((), _asks_for_a_human, ("I am asking a person to join. You can go on writing here.",)),
    "timer": Scene(("remind me {uid}",), _waits, ("I will.", "It is time.")),
    "silence": Scene(
        ("order it for later {uid}",),
        _waits,
        (
            "Which order later?",
            "Still there?",
            "I have not heard from you, so I stop here for now. Write at any time to begin again.",
        ),
    ),
    "timer write": Scene(
        ("order it for later {uid}", "A-{uid}"), _waits, ("Which order later?", "In a while.", "Booked late.")
    ),
    "timer takeover": Scene(("remind me {uid}",), _is_taken_over_when_it_rings, ()),
    "write unchecked": Scene(("book it {uid}",), _orders, (), check=False),
}


def play(scene: Scene, crashes: Sequence[int] = (), *, seed: int = 0) -> Played:
    """The worker ends before the step of that number, its follower before that of the next number, ..."""
    with opened(seed, workers=1, check=scene.check) as house:
        (worker,) = house.workers
        crash = _Crashes(worker, list(crashes))
        try:
            quiet = house.loop.run(_play(house, scene, crash))
            broken = [*judged(house), *([] if quiet else ["I7: it never came to rest"]), *_unsaid(house, scene)]
        except Stuck as stuck:
            broken = [f"I7: {stuck}"]
        return Played(tuple(broken), tuple(crash.steps), house.history())


class _Crashes:
    """Ends one life after the other."""

    def __init__(self, worker: Worker, left: list[int]) -> None:
        self._worker, self._left = worker, left
        self.steps: list[int] = []
        self._began = 0
        worker.ready = self._arm

    def begin(self) -> None:
        self._armed = True
        self._arm()

    _armed = False

    def _arm(self) -> None:
        life = self._worker.life
        if not self._armed or life is None:
            return
        self._began = life.steps
        if self._left:
            life.ends_at = life.steps + self._left.pop(0)

    def end(self) -> None:
        life = self._worker.life
        assert life is not None
        self.steps.append(life.steps - self._began)
        life.ends_at = 0


async def _play(house: House, scene: Scene, crash: _Crashes) -> bool:
    await house.start()
    customer, person = Customer(house, 1), Person(house, "ann", 0)
    for words in scene.before:
        await customer.say(words)
        await house.until(house.is_quiet, 10)
    crash.begin()
    await scene.play(house, customer, person)
    await house.until(house.is_quiet, 100)
    crash.end()
    return await house.settle()


def _unsaid(house: House, scene: Scene) -> Iterable[str]:
    said = tuple(
        str(text)
        for (text,) in house.rows(
            "SELECT coalesce(json_extract(payload, '$.message.parts[0].spans[0].text'),"
            " json_extract(payload, '$.message.parts[0].text')) FROM event"
            " WHERE kind = 'said' AND author_kind IN ('bot', 'system') ORDER BY seq"
        )
    )
    if scene.said and said != scene.said:
        yield f"bot and system said {said}"
