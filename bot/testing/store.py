"""A customer, a bot and agents who write into a store: the parts of its contract suite, and a bench for other tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from bot.model import (
    BOT,
    SYSTEM,
    Address,
    AgentId,
    Author,
    Body,
    ContactId,
    Control,
    Controlled,
    ControlState,
    Conversation,
    ConversationId,
    Event,
    HandoffId,
    Incoming,
    Message,
    Said,
    State,
    Text,
    text,
)
from bot.ports import Store
from bot.testing.chance import SeededRandom
from bot.testing.clock import SettableClock
from bot.units import (
    Accept,
    Amend,
    Amended,
    Claim,
    Claimed,
    Commit,
    Committed,
    Delivery,
    Entry,
    Find,
    Found,
    Kept,
    Lease,
    Log,
    NewHandoff,
    SendClaim,
    Settle,
)

LEASE = Lease("worker-1", timedelta(seconds=15))
OVER = Lease("worker-0", timedelta(0))
"""A lease that has ended when it begins."""
ACCOUNTS = frozenset({("memory", "shop")})
ANN = Author("agent", AgentId("ann"), "Ann")


class Scene:
    """Makes units with sensible values and writes them."""

    def __init__(self, store: Store, clock: SettableClock, random: SeededRandom) -> None:
        self.store, self.clock, self.random = store, clock, random

    # The customer

    def accept(
        self,
        *words: str,
        chat: str = "1",
        key: str | None = None,
        twin: str | None = None,
        account: str = "shop",
        channel: str = "memory",
        thread: str = "",
        by: str = "",
        name: str = "",
        language: str = "",
        digest: bytes | None = None,
        bodies: tuple[Incoming, ...] | None = None,
        lease: Lease | None = None,
        initial: State | None = None,
    ) -> Accept:
        """By default: something new, said by the person whose chat it is, to a bot that has no time for it now."""
        return Accept(
            channel=channel,
            account=account,
            key=self.random.id() if key is None else key,
            twin=twin,
            digest="\n".join(words).encode() if digest is None else digest,
            to=Address(channel, account, chat, thread),
            by=by or f"person-{chat}",
            name=name,
            language=language,
            at=self.clock.now(),
            bodies=tuple(Said(text(line)) for line in words) if bodies is None else bodies,
            conversation=ConversationId(self.random.id()),
            contact=ContactId(self.random.id()),
            initial=initial or State(),
            lease=lease,
        )

    async def says(self, *words: str, chat: str = "1", lease: Lease | None = None) -> Kept:
        return await self.store.write(self.accept(*words, chat=chat, lease=lease))

    async def asks(self, *words: str, chat: str = "1") -> Claimed:
        """Says something, and the bot takes the turn at once."""
        kept = await self.says(*words, chat=chat, lease=LEASE)
        assert kept.claimed is not None
        return kept.claimed

    # The bot

    def commit(
        self,
        claimed: Claimed,
        *says: str,
        heard: int | None = None,
        deliver: bool = False,
        entries: Sequence[Entry] = (),
        state: State | None = None,
        control: Control | None = None,
        handoff: NewHandoff | None = None,
    ) -> Commit:
        conversation = claimed.conversation
        epoch = conversation.control.epoch
        return Commit(
            conversation=conversation.id,
            fence=conversation.fence,
            epoch=epoch,
            turn=conversation.heard,
            heard=conversation.input_seq if heard is None else heard,
            entries=(*entries, *(Entry(BOT, Said(text(line)), epoch, public=True, deliver=deliver) for line in says)),
            state=claimed.state if state is None else state,
            language=conversation.language,
            at=self.clock.now(),
            control=control,
            handoff=handoff,
        )

    async def answers(self, claimed: Claimed, *says: str, deliver: bool = False) -> Committed:
        done = await self.store.write(self.commit(claimed, *says, deliver=deliver))
        assert isinstance(done, Committed)
        return done

    async def exchange(self, *words: str, chat: str = "1", deliver: bool = False) -> Conversation:
        """The customer says something, and the bot answers each line with the same words."""
        return (await self.answers(await self.asks(*words, chat=chat), *words, deliver=deliver)).conversation

    async def asks_for_a_human(
        self, claimed: Claimed, *says: str, note: str = "", priority: int = 0, deliver: bool = False
    ) -> Committed:
        epoch = claimed.conversation.control.epoch + 1
        handoff = NewHandoff(id=HandoffId(self.random.id()), reason="asked", queue="", note=note, priority=priority)
        control = Control("queued", epoch, since=self.clock.now(), reason="asked", handoff=handoff.id)
        unit = self.commit(claimed, *says, control=control, handoff=handoff, deliver=deliver)
        notice = Entry(SYSTEM, Said(text("A colleague will be with you.")), epoch, public=True, deliver=deliver)
        done = await self.store.write(replace(unit, entries=(*unit.entries, notice)))
        assert isinstance(done, Committed)
        return done

    async def claims(
        self, *, most: int = 100, conversation: ConversationId | None = None, lease: Lease = LEASE
    ) -> tuple[Claimed, ...]:
        return await self.store.write(Claim(lease=lease, most=most, conversation=conversation))

    # Agents

    def amend(self, conversation: ConversationId, *entries: Entry) -> Amend:
        return Amend(conversation=conversation, entries=entries, at=self.clock.now())

    def replies(self, now: Conversation, words: str, *, agent: Author = ANN, deliver: bool = False) -> Amend:
        said = Entry(agent, Said(text(words)), now.control.epoch, public=True, deliver=deliver)
        return self.amend(now.id, said)

    def controls(self, now: Conversation, state: ControlState, *, agent: Author = ANN) -> Amend:
        """A change of control with its event, guarded by the epoch."""
        control = Control(state, now.control.epoch + 1, since=self.clock.now(), handoff=now.control.handoff)
        if state == "human":
            control = Control(state, control.epoch, agent.id, agent.name, control.since, handoff=control.handoff)
        elif state == "bot":
            control = Control(epoch=control.epoch, since=control.since)
        changed = Entry(agent, Controlled(control, now.control.state, agent), control.epoch, public=True)
        return replace(self.amend(now.id, changed), epoch=now.control.epoch, control=control)

    async def takes_over(self, now: Conversation, *, agent: Author = ANN) -> Amended:
        return await self.amends(self.controls(now, "human", agent=agent))

    async def amends(self, unit: Amend) -> Amended:
        done = await self.store.write(unit)
        assert isinstance(done, Amended)
        return done

    # Delivery

    async def sends(
        self,
        *,
        most: int = 100,
        lease: Lease = LEASE,
        channels: frozenset[tuple[str, str]] = ACCOUNTS,
    ) -> tuple[Delivery, ...]:
        return await self.store.write(SendClaim(lease=lease, most=most, channels=channels))

    def sent(self, delivery: Delivery, *, ref: str = "ref") -> Settle:
        return Settle(
            delivery=delivery.id,
            attempt=delivery.attempt,
            state="sent",
            done=delivery.done + 1,
            refs=(ref,),
            at=self.clock.now(),
        )

    def failed(self, delivery: Delivery, *, pause: timedelta = timedelta(0)) -> Settle:
        return replace(
            self.sent(delivery),
            state="waiting",
            done=delivery.done,
            refs=(),
            due_at=self.clock.now() + pause,
            error="Unreachable: no answer",
        )

    # What is there

    async def found(self, conversation: ConversationId) -> Found:
        found = await self.store.read(Find(conversation))
        assert found is not None
        return found

    async def log(self, conversation: ConversationId) -> tuple[Event, ...]:
        return await self.store.read(Log(conversation=conversation, most=10_000))


def spoken(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Who said what, of the events that say something."""
    return [(event.author.kind, plain(event.body.message)) for event in events if isinstance(event.body, Said)]


def plain(message: Message) -> str:
    return "".join(span.text for part in message.parts if isinstance(part, Text) for span in part.spans)


def seqs(events: Sequence[Event]) -> list[int]:
    return [event.seq for event in events]


def bodies(events: Sequence[Event]) -> list[Body]:
    return [event.body for event in events]
