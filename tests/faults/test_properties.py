"""Store, desk and engine against a plain dict: whatever is done in whatever order, the two agree."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.errors import StoreDown
from bot.fit import plain
from bot.model import Conversation, Event, Pressed, Said, text
from bot.ports import Store, Unit
from bot.units import Find, Log
from tests.faults import scale
from tests.faults.journal import uids
from tests.faults.simulation.house import opened
from tests.faults.simulation.outside import ACCOUNT, Chat
from tests.faults.simulation.people import Command, Customer, Person

R = TypeVar("R")

STEPS = 50
CHATS = ("1", "2")
NAMES = ("ann", "bob")
BOT = ""
MOST_TROUBLES = 3
"""Between two rests: a turn that fails more often is set aside, and a human is asked."""

chats, names = st.sampled_from(CHATS), st.sampled_from(NAMES)
commands: st.SearchStrategy[Command] = st.sampled_from(
    ("take_over", "take_over", "claim", "send", "send", "hand_back", "hand_back", "resolve", "note")
)


@dataclass
class Expected:
    """All that is known of a chat."""

    floors: list[str] = field(default_factory=lambda: [BOT])
    """Who has the floor under each epoch."""
    said: list[str] = field(default_factory=list)
    """The customer's uids, in the order in which they were accepted."""
    told: list[str] = field(default_factory=list)
    """The agents' uids, in the order in which they were said."""
    choices: int = 0
    """So often was a colour to be chosen."""
    resolved: bool = False
    # Since the last rest
    unheard: list[str] = field(default_factory=list)
    is_simple: bool = True
    """All of these want nothing but an answer, and the floor has not moved."""

    @property
    def holder(self) -> str:
        return self.floors[-1]

    def does(self, command: Command, who: str, uid: str, *, epoch: int, said: int) -> bool:
        """Whether the desk does it for somebody who saw that `epoch` and so much `said`."""
        others = self.holder not in (BOT, who)
        changes = {
            "take_over": self.holder != who,
            "hand_back": self.holder != BOT,
            "resolve": self.holder != BOT or not self.resolved,
        }.get(command, True)
        if command == "note":
            return True
        if others or (command == "send" and self.holder != who) or (changes and epoch != len(self.floors) - 1):
            return False
        if command in ("send", "claim"):
            if said != len(self.said):
                return False
            self.told.append(uid)
        if changes:
            self._moves(command, who)
        return True

    def _moves(self, command: Command, who: str) -> None:
        if command in ("hand_back", "resolve"):
            self._passes_to(BOT)
            self.resolved = self.resolved or command == "resolve"
        elif self.holder != who:
            self._passes_to(who)
            self.resolved = False

    def _passes_to(self, who: str) -> None:
        self.floors.append(who)
        self.is_simple = False


class Forgetful:
    """The store; the answers to the next `losing` writes are lost after the commit."""

    def __init__(self, store: Store) -> None:
        self._store, self.losing = store, 0
        self.read, self.close = store.read, store.close

    async def write(self, unit: Unit[R], /) -> R:
        result = await self._store.write(unit)
        if self.losing:
            self.losing -= 1
            raise StoreDown("the answer was lost", unknown=True)
        return result


class ADesk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.expected = {chat: Expected() for chat in CHATS}
        self.looks: dict[str, tuple[Conversation, int]] = {}
        """What somebody saw some time ago: the row, and how much was said."""
        self.troubles = 0
        self._open = ExitStack()

    @initialize(seed=st.integers(0, 1000))
    def opens(self, seed: int) -> None:
        self.house = self._open.enter_context(opened(seed, workers=1))
        self.store = Forgetful(self.house.store)
        self.house.outside.store = self.store
        self._run(self.house.start())
        self.customers = {chat: Customer(self.house, int(chat)) for chat in CHATS}
        self.people = {name: Person(self.house, name, number) for number, name in enumerate(NAMES)}

    def teardown(self) -> None:
        try:
            self.rests()
            self.agrees()
        finally:
            self._open.close()

    # The customer

    @rule(chat=chats, wish=st.sampled_from(("tell me of tents {uid}",) * 3 + ("choose a colour {uid}",)))
    def says(self, chat: str, wish: str) -> None:
        expected, customer = self.expected[chat], self.customers[chat]
        update = customer.update(lambda uid: Said(text(wish.format(uid=uid))))
        self._accepted(expected, update.uid)
        if "choose" in wish:
            expected.choices += 1
            expected.is_simple = False
        self._run(customer.deliver(update))

    @precondition(lambda self: any(customer.updates for customer in self.customers.values()))
    @rule(data=st.data())
    def platform_repeats(self, data: st.DataObject) -> None:
        customer = data.draw(st.sampled_from([each for each in self.customers.values() if each.updates]))
        self._run(customer.deliver(data.draw(st.sampled_from(customer.updates))))

    @rule(chat=chats)
    def presses_twice(self, chat: str) -> None:
        expected, customer = self.expected[chat], self.customers[chat]
        if buttons := customer.buttons():
            token, label = buttons[-1].token, buttons[-1].label
            for _ in range(2):
                update = customer.update(lambda uid: Pressed(token, f"{label} {uid}"))
                self._accepted(expected, update.uid)
                expected.is_simple = False
                self._run(customer.deliver(update))

    def _accepted(self, expected: Expected, uid: str) -> None:
        expected.said.append(uid)
        expected.unheard.append(uid)
        expected.resolved = False

    # Agents

    @rule(chat=chats)
    def somebody_looks(self, chat: str) -> None:
        if found := self._found(chat):
            self.looks[chat] = found, len(self.expected[chat].said)

    @rule(chat=chats, name=names, command=commands)
    def agent_acts(self, chat: str, name: str, command: Command) -> None:
        if found := self._found(chat):
            self._act(chat, name, command, found, len(self.expected[chat].said))

    @precondition(lambda self: self.looks)
    @rule(data=st.data(), name=names, command=commands)
    def agent_acts_on_an_old_view(self, data: st.DataObject, name: str, command: Command) -> None:
        chat = data.draw(st.sampled_from(sorted(self.looks)))
        self._act(chat, name, command, *self.looks[chat])

    def _act(self, chat: str, name: str, command: Command, seen: Conversation, said: int) -> None:
        person = self.people[name]
        uid = f"u{90 + person.number}{chat}n{1001 + person.commands}"
        does = self.expected[chat].does(command, name, uid, epoch=seen.control.epoch, said=said)
        assert self._run(person.command(command, chat, seen)) == (200 if does else 409)

    # Time and trouble

    @rule(seconds=st.sampled_from((0.01, 0.3, 0.6, 3)))
    def time_passes(self, seconds: float) -> None:
        self._run(asyncio.sleep(seconds))

    @precondition(lambda self: self.troubles < MOST_TROUBLES)
    @rule(seconds=st.sampled_from((0.1, 1, 3)))
    def store_is_down(self, seconds: float) -> None:
        self.troubles += 1
        self.house.outside.down_until = self.house.loop.time() + seconds

    @precondition(lambda self: self.troubles < MOST_TROUBLES)
    @rule()
    def an_answer_is_lost(self) -> None:
        self.troubles += 1
        self.store.losing = 1

    @rule()
    def rests(self) -> None:
        """Nothing is unheard, nothing unsent; what wanted an answer, and nothing else, has one."""
        self.store.losing = self.troubles = 0
        assert self._run(self.house.settle())
        for chat, expected in self.expected.items():
            answers = _answers(self._log(chat))
            shown = [uid for message in self.house.outside.shown[chat] for uid in uids(_words(message))]
            shown = list(dict.fromkeys(shown))  # a receipt that the store did not take: sent again, and said to be so
            assert [uid for uid in shown if uid in expected.told] == expected.told
            read = [uid for uid in shown if uid not in expected.told]
            assert read == [uid for uid in answers if uid in read]  # what was overtaken was not sent
            if expected.is_simple:
                wanted = int(expected.holder == BOT)
                for uid in expected.unheard:
                    assert answers.count(uid) == read.count(uid) == wanted
            expected.unheard, expected.is_simple = [], True

    # What is always so

    @invariant()
    def agrees(self) -> None:
        for chat, expected in self.expected.items():
            found, log = self._found(chat), self._log(chat)
            assert [uid for event in log if event.author.kind == "customer" for uid in _uids(event)] == expected.said
            if found is None:
                continue
            assert found.control.epoch == len(expected.floors) - 1
            assert (found.control.holder or BOT) == expected.holder
            assert (found.status == "resolved") == expected.resolved
            heard = {uid for event in log if event.seq > found.heard for uid in _customers(event)}
            assert heard <= set(expected.unheard)
            spoken = [event for event in log if isinstance(event.body, Said) and event.author.kind in ("bot", "agent")]
            for event in spoken:
                assert expected.floors[event.epoch] == (event.author.id if event.author.kind == "agent" else BOT)
            epochs = [event.epoch for event in spoken]
            assert epochs == sorted(epochs)
            answers = _answers(log)
            assert answers == [uid for uid in expected.said if uid in answers]
            assert sum("So " in _said(event) for event in log) <= expected.choices
            assert [uid for event in log if event.author.kind == "agent" for uid in _uids(event)] == expected.told

    # Helpers

    def _run(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return self.house.loop.run(awaited())

    def _found(self, chat: str) -> Conversation | None:
        address = Chat(self.house.outside, ACCOUNT).address(chat)
        found = self._run(self.house.store.read(Find(address=address)))
        return found.conversation if found else None

    def _log(self, chat: str) -> Sequence[Event]:
        found = self._found(chat)
        if found is None:
            return ()
        log: Sequence[Event] = self._run(self.house.store.read(Log(conversation=found.id, most=10_000)))
        return log


def _words(message: Any) -> str:
    return "\n".join(filter(None, map(plain, message.parts)))


def _said(event: Event) -> str:
    match event.body:
        case Said(message):
            return _words(message)
        case Pressed(_, label):
            return label
        case _:
            return ""


def _uids(event: Event) -> tuple[str, ...]:
    return uids(_said(event))


def _customers(event: Event) -> tuple[str, ...]:
    return _uids(event) if event.author.kind == "customer" else ()


def _answers(log: Sequence[Event]) -> list[str]:
    return [uid for event in log if event.author.kind == "bot" for uid in _uids(event)]


@pytest.mark.timeout(60 + scale.PROPERTY_EXAMPLES)
def test_the_desk_does_what_a_plain_dict_says() -> None:
    run_state_machine_as_test(
        ADesk,
        settings=settings(
            max_examples=scale.PROPERTY_EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.reuse, Phase.generate],  # a shorter story would take minutes to find
            suppress_health_check=list(HealthCheck),
        ),
    )
