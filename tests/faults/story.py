"""Histories made by hand: what honest processes would write down and keep, one step at a time, to be bent afterwards.

Each step is whole (records and rows), so that a test only names what is wrong. Time passes a second with each record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from tests.faults import journal
from tests.faults.checker import SECOND
from tests.faults.dump import Action, Conversation, DeadLetter, Delivery, Dump, Event, Handoff, Seen
from tests.faults.journal import Record
from tests.faults.second_fold import folded

_INPUTS = ("pressed", "opened", "returned", "rang", "signalled")


class Story:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.chats: list[Chat] = []
        self.dead_letters: list[DeadLetter] = []
        self.whole: dict[str, bytes] | None = None
        self.seconds = 0

    def chat(self, name: str = "ana") -> Chat:
        self.chats.append(Chat(self, name))
        return self.chats[-1]

    def tick(self, seconds: int = 1) -> int:
        self.seconds += seconds
        return self.seconds * SECOND

    def fault(self, name: str, *, target: str = "") -> None:
        self.records.append(journal.Fault(at=self.tick(), name=name, phase="start", target=target))
        self.records.append(journal.Fault(at=self.tick(), name=name, phase="end", target=target))

    def finish(self, *, patience: int = 25) -> None:
        at = self.tick()
        self.records.append(journal.Finished(at=at, healed=at, patience=patience * SECOND))

    def dump(self) -> Dump:
        return Dump(
            conversations=[chat.row() for chat in self.chats],
            events=[event for chat in self.chats for event in chat.events],
            seen=[key for chat in self.chats for key in chat.keys],
            dead_letters=self.dead_letters,
            deliveries=[delivery for chat in self.chats for delivery in chat.deliveries.values()],
            handoffs=[handoff for chat in self.chats for handoff in chat.handoffs],
            actions=[action for chat in self.chats for action in chat.actions],
            whole=self.whole,
        )


@dataclass
class Chat:
    story: Story
    name: str
    channel: str = "memory"
    events: list[Event] = field(default_factory=list)
    bodies: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By seq."""
    keys: list[Seen] = field(default_factory=list)
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    handoffs: list[Handoff] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    control: dict[str, Any] = field(default_factory=lambda: {"state": "bot"})
    status: str = "open"
    heard: int = 0
    fence: int = 0
    bent: dict[str, Any] = field(default_factory=dict)
    """Columns of the row that say something else."""

    @property
    def id(self) -> str:
        return f"conversation{self.name}"

    @property
    def seq(self) -> int:
        return len(self.events)

    @property
    def epoch(self) -> int:
        return int(self.control.get("epoch", 0))

    # What customers do

    def says(self, uid: str, *, key: str = "") -> int:
        """Send it, have it kept, and be told so. Gives its seq."""
        self.sends(uid, key=key)
        seq = self.keeps(uid, key=key)
        self.is_answered(uid, key=key)
        return seq

    def sends(self, uid: str, *, key: str = "", attempt: int = 1, same: bool = True) -> None:
        at = self.story.tick()
        self.story.records.append(
            journal.Sent(at=at, chat=self.name, key=key or uid, uid=uid, attempt=attempt, same=same)
        )

    def is_answered(self, uid: str, status: int = 200, *, key: str = "") -> None:
        at = self.story.tick()
        self.story.records.append(journal.Answered(at=at, chat=self.name, key=key or uid, status=status))

    def keeps(self, uid: str, *, key: str = "") -> int:
        seq = self.append("said", "customer", message=words(f"my words {uid}"))
        self.keys.append(Seen(key=key or uid, conversation=self.id, seq=seq))
        self.status = "open"
        return seq

    # What the bot does

    def answers(self, *texts: str, heard: int | None = None, **given: Any) -> int:
        """Hear everything, or what is up to `heard`, and have the platform get the words. Gives their last seq."""
        turn, fence = self.begins(**given)
        self.append("turned", "bot", turn=turn, fence=fence, responder="free_form", declined=[["at_desk", "no"]])
        for text in texts:
            self.receives(self.pushes("bot", text, turn=turn, fence=fence))
        self.ends(heard)
        return self.seq

    def arms(self, due_at: str = "2026-03-02T10:10:00Z", *, text: str = "I will.") -> int:
        """A turn that sets a timer."""
        turn, fence = self.begins()
        timer = {"frame": 1, "step": "wait", "name": "wait", "due_at": due_at}
        moves = [{"move": "armed", "timer": timer}]
        self.append("turned", "bot", turn=turn, fence=fence, responder="in_flow", moves=moves)
        self.receives(self.pushes("bot", text, turn=turn, fence=fence))
        self.ends()
        return self.seq

    def rings(self, due_at: str = "2026-03-02T10:10:00Z") -> int:
        return self.append("rang", "system", due_at=due_at)

    def fires(self, text: str = "It is time.", *, does: bool = True) -> int:
        """The turn on what rang; gives the seq of its words."""
        turn, fence = self.begins()
        moves = [{"move": "disarmed", "name": "wait", "frame": 1}] if does else []
        self.append("turned", "bot", turn=turn, fence=fence, responder="in_flow", moves=moves)
        self.receives(self.pushes("bot", text, turn=turn, fence=fence))
        self.ends()
        return self.seq

    def is_due(self, text: str, *, seconds: int = 10) -> None:
        """At the latest so many seconds from now."""
        at = self.story.tick()
        latest = at + seconds * SECOND
        self.story.records.append(journal.Due(at=at, chat=self.name, text=text, earliest=at, latest=latest))

    def begins(self, *, turn: int | None = None, fence: int | None = None) -> tuple[int, int]:
        fence = self.fence + 1 if fence is None else fence
        self.fence = max(self.fence, fence)
        return self.heard if turn is None else turn, fence

    def ends(self, heard: int | None = None) -> None:
        inputs = [event.seq for event in self.events if event.input]
        self.heard = max([self.heard, *inputs]) if heard is None else heard

    def acts(self, key: str, uid: str, *, ends: bool = True) -> None:
        """Begin an effect as part of the turn that comes next, and have it carried out."""
        turn, fence = self.begins()
        self.append("acting", "bot", turn=turn, fence=fence, key=key, action="book_it", args={})
        self.story.records.append(journal.Done(at=self.story.tick(), key=key, uid=uid))
        if ends:
            self.results(key, turn=turn, fence=fence)

    def results(self, key: str, **given: Any) -> None:
        seq = self.append("acted", "bot", key=key, result="B-1", **given)
        self.actions.append(Action(conversation=self.id, key=key, result_seq=seq))

    def asks_for_a_human(self, reason: str = "asked", **given: Any) -> None:
        """The turn that comes to a handoff, with the bot's last words."""
        turn, fence = self.begins(**given)
        self.append("turned", "bot", turn=turn, fence=fence, responder="free_form")
        handoff = Handoff(id=f"h{len(self.handoffs)}", conversation=self.id, reason=reason)
        self.handoffs.append(handoff)
        self.moves({"state": "queued", "reason": reason, "handoff": handoff.id}, "bot", turn=turn, fence=fence)
        self.ends()

    # What agents do

    def takes_over(
        self, agent: str = "mara", *, id: str = "c1", command: str = "take_over", in_flight: str = ""
    ) -> None:
        self.commands(command, agent=agent, id=id)
        self.moves({"state": "human", "holder": agent}, "agent", author_id=agent)
        self.decides(id, in_flight=in_flight)

    def commands(self, command: Any, *, agent: str = "mara", id: str = "c1", uid: str = "") -> None:
        at = self.story.tick()
        self.story.records.append(
            journal.Commanded(at=at, agent=agent, id=id, chat=self.name, command=command, uid=uid)
        )

    def decides(self, id: str = "c1", status: int = 200, *, epoch: int | None = None, in_flight: str = "") -> None:
        epoch = self.epoch if epoch is None else epoch
        at = self.story.tick()
        self.story.records.append(journal.Decided(at=at, id=id, status=status, epoch=epoch, in_flight=in_flight))

    def hands_back(self, agent: str = "mara") -> None:
        self.moves({"state": "bot"}, "agent", author_id=agent)
        self.append("returned", "agent", author_id=agent, how="resume", by="Mara")

    def writes(self, uid: str, *, agent: str = "mara", id: str = "s1") -> int:
        """An agent's words."""
        self.commands("send", agent=agent, id=id, uid=uid)
        seq = self.pushes("agent", f"I say {uid}", author_id=agent)
        self.receives(seq)
        self.decides(id)
        return seq

    def moves(self, to: Mapping[str, Any], by: str, **given: Any) -> None:
        """Control, with the notice that comes with it; what the bot has not sent is cancelled."""
        self.control = {**to, "epoch": self.epoch + 1}
        if "handoff" not in to:
            self.handoffs = [msgspec.structs.replace(each, ended_at=1) for each in self.handoffs]
        self.append("controlled", by, control=self.control, was="bot", by={"kind": by}, public=True, **given)
        author = {name: given[name] for name in ("turn", "fence") if name in given}
        self.receives(self.pushes("system", "Who has the floor has changed.", **author))

    # Rows

    def append(self, kind: str, author: str, /, *, public: bool | None = None, **given: Any) -> int:
        columns = {name: given.pop(name) for name in ("author_id", "epoch", "turn", "fence") if name in given}
        public = kind in ("said", "pressed", "partial") if public is None else public
        last = max((event.seq for event in self.events if event.public), default=0)
        body = self.bodies[self.seq + 1] = {"kind": kind, **given}
        event = Event(
            conversation=self.id,
            seq=self.seq + 1,
            kind=kind,
            author_kind=author,
            public=public,
            prev=last if public else 0,
            input=kind in _INPUTS or (kind == "said" and author == "customer"),
            payload=msgspec.json.encode(body),
            **{"epoch": self.epoch, **columns},
        )
        self.events.append(event)
        return event.seq

    def pushes(self, by: str, text: str, **given: Any) -> int:
        """Say it, and have it sent."""
        seq = self.append("said", by, message=words(text), **given)
        if self.channel != "web":
            self.deliveries[seq] = Delivery(conversation=self.id, seq=seq, by_bot=by == "bot", epoch=self.epoch)
        return seq

    def receives(
        self,
        seq: int,
        *,
        piece: int = 0,
        again: bool = False,
        answer: Literal["ok", "lost", "refused"] = "ok",
        text: str | None = None,
        key: str = "",
    ) -> None:
        if self.channel == "web":
            return
        if text is None:
            text = self.text(seq)
        key = key or f"{self.id}-{seq}.{piece}"
        at = self.story.tick()
        self.story.records.append(
            journal.Received(at=at, chat=self.name, key=key, text=text, again=again, answer=answer)
        )

    def text(self, seq: int) -> str:
        message = self.bodies[seq].get("message", words(""))
        return "".join(span["text"] for part in message["parts"] for span in part["spans"])

    def sent(self, seq: int, **columns: Any) -> None:
        """Bend a delivery."""
        self.deliveries[seq] = msgspec.structs.replace(self.deliveries[seq], **columns)

    def bend(self, seq: int, **columns: Any) -> None:
        """Bend an event."""
        self.events[seq - 1] = msgspec.structs.replace(self.events[seq - 1], **columns)

    def row(self) -> Conversation:
        seqs = [event.seq for event in self.events]
        columns: dict[str, Any] = {
            "control": self.control["state"],
            "epoch": self.epoch,
            "holder": self.control.get("holder", ""),
            "reason": self.control.get("reason", ""),
            "handoff": self.control.get("handoff", ""),
            "status": self.status,
            "last_seq": max(seqs, default=0),
            "public_seq": max((event.seq for event in self.events if event.public), default=0),
            "input_seq": max((event.seq for event in self.events if event.input), default=0),
            "heard": self.heard,
            "fence": self.fence,
            "committed": self.fence,
            "state": msgspec.json.encode(folded(self.bodies.items(), self.heard)),
        }
        return Conversation(id=self.id, chat=self.name, channel=self.channel, **{**columns, **self.bent})

    # Clients that tail the log

    def opens(self, client: str = "tab", *, after: int = 0) -> None:
        self.story.records.append(journal.Opened(at=self.story.tick(), client=client, chat=self.name, after=after))

    def shows(self, *seqs: int, client: str = "tab", public_only: bool = True) -> None:
        for seq in seqs:
            event = self.events[seq - 1]
            self.story.records.append(
                journal.Shown(
                    at=self.story.tick(),
                    client=client,
                    chat=self.name,
                    seq=seq,
                    kind=event.kind,
                    text=self.text(seq),
                    by=event.author_kind,
                    public_only=public_only,
                )
            )

    def draws(self, turn: int, text: str = "", *, reset: str = "", attempt: int = 1, client: str = "tab") -> None:
        at = self.story.tick()
        self.story.records.append(
            journal.Draft(at=at, client=client, chat=self.name, turn=turn, text=text, reset=reset, attempt=attempt)
        )

    def catches_up(self, client: str = "tab", *, seq: int | None = None) -> None:
        last = max((event.seq for event in self.events if event.public), default=0)
        at = self.story.tick()
        self.story.records.append(
            journal.CaughtUp(at=at, client=client, chat=self.name, seq=last if seq is None else seq)
        )


def words(text: str) -> dict[str, Sequence[Any]]:
    return {"parts": [{"part": "text", "spans": [{"text": text}]}]}
