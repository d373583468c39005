"""A desk over a store in memory, with one customer: what the tests of the desk and of the console begin with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.bus.memory import MemoryBus
from bot.desk import Desk
from bot.model import (
    BOT,
    Address,
    AgentId,
    ContactId,
    Conversation,
    ConversationId,
    Event,
    Message,
    Notice,
    Said,
    State,
    text,
)
from bot.ports import Happened, Random, Store
from bot.testing.chance import SeededRandom
from bot.testing.clock import START, SettableClock
from bot.units import Accept, Agent, Claim, Claimed, Commit, Committed, Entry, Find, Lease, Log, Lost

LEASE = Lease("w1", timedelta(seconds=60))


def agent(name: str, role: str = "agent") -> Agent:
    return Agent(
        id=AgentId(name.lower()),
        email=f"{name.lower()}@shop.example",
        name=name,
        role="admin" if role == "admin" else "agent",
        password="",
        disabled=False,
        created_at=START,
    )


JO, KIM, ADA = agent("Jo"), agent("Kim"), agent("Ada", "admin")


def notices(key: str, language: str, args: Mapping[str, str], /) -> Message:
    return Message((Notice(key, f"{key}/{language}", dict(args)),), language)


@dataclass(kw_only=True)
class Room:
    store: Store
    clock: SettableClock = field(default_factory=SettableClock)
    random: Random = field(default_factory=SeededRandom)
    bus: MemoryBus = field(default_factory=MemoryBus)
    woken: list[ConversationId] = field(default_factory=list)

    def __post_init__(self) -> None:
        sent = frozenset({"telegram"})

        async def steps_of(address: Address, state: State) -> frozenset[str]:
            return frozenset(f"ask_{frame.asking}" for frame in state.stack)

        self.desk = Desk(
            self.store,
            self.bus,
            self.clock,
            lambda address: notices,
            delivers=sent,
            wake=self.woken.append,
            steps_of=steps_of,
        )

    async def says(self, words: str | Message, *, by: str = "ana", channel: str = "telegram") -> ConversationId:
        """A customer says something."""
        message = text(words) if isinstance(words, str) else words
        unit = Accept(
            channel=channel,
            account="shop",
            key=self.random.id(),
            twin=None,
            digest=str(words).encode(),
            to=Address(channel, "shop", by),
            by=by,
            name=by.title(),
            language="es",
            at=self.clock.now(),
            bodies=(Said(message),),
            conversation=ConversationId(self.random.id()),
            contact=ContactId(self.random.id()),
            initial=State(language="es"),
        )
        kept = await self.store.write(unit)
        self.bus.publish(Happened(kept.conversation, kept.events))
        return kept.conversation

    async def claim(self, conversation: ConversationId) -> Claimed:
        """The bot begins a turn."""
        (claimed,) = await self.store.write(Claim(lease=LEASE, most=1, conversation=conversation))
        return claimed

    async def commit(self, claimed: Claimed, *said: str) -> Committed | Lost:
        """The bot ends its turn by saying this."""
        now = claimed.conversation
        epoch = now.control.epoch
        words = tuple(Entry(BOT, Said(text(one)), epoch, public=True, deliver=self._sent(now)) for one in said)
        done = await self.store.write(
            Commit(
                conversation=now.id,
                fence=now.fence,
                epoch=epoch,
                turn=now.heard,
                heard=now.input_seq,
                entries=words,
                state=claimed.state,
                language="es",
                at=self.clock.now(),
            )
        )
        if isinstance(done, Committed):
            self.bus.publish(Happened(now.id, done.events))
        return done

    async def answers(self, conversation: ConversationId, *said: str) -> Committed | Lost:
        return await self.commit(await self.claim(conversation), *said)

    async def row(self, conversation: ConversationId) -> Conversation:
        found = await self.store.read(Find(conversation))
        assert found
        return found.conversation

    async def log(self, conversation: ConversationId, after: int = 0) -> tuple[Event, ...]:
        return await self.store.read(Log(conversation=conversation, after=after, most=1000))

    def _sent(self, conversation: Conversation) -> bool:
        return conversation.address.channel == "telegram"
