"""Judges a history: what the outside world did and saw (`journal`), against what the store holds in the end (`dump`).

It imports nothing of the product and trusts nothing that the product says of itself: what happened stands in the
journals, what was kept in the rows. One function per promise; how each is seen:

* **I1 nothing lost.** What was answered 2xx stands in the log (by its uid, else by its key), or under its key in the
  dead letters where another body came under a known id. Each of the customer's words and presses that a turn has heard
  came to one of these ends. *Answered*: a later message of the bot repeats its uid, or, from a turn that began before
  it (`turn` < its seq) and wrote after it, repeats the uid of a later one of the same burst, repeats no uid at all,
  or took as many commands from the burst as it has inputs up to this one (one that leads nowhere is not repeated).
  *With a human*: between it and the first words of a turn that began after it, somebody other than the bot had the
  floor, or the conversation was closed. *Stopped*: its turn left a `partial`. *Silent by rule*: its turn left a
  `turned` and no words, and it was a press, or the turn was `at_desk`'s. What the desk answered 200 is in the log, too.
* **I2 one effect.** A uid stands in one event of the customer at most, and a key brought one event; it is repeated by
  the messages of one commit only; a turn was committed under one fence; an effect was carried out once, under a key
  that the log intended; it has one result at most, and one unless the conversation came to a human, who may
  have closed it; what an agent sent stands in the log once.
* **I3 order.** What was acknowledged before the next was first sent stands before it in the log. Customers read the
  pieces of a conversation for the first time in the order of log and pieces (outcome unknown and dead letters apart,
  which may still be on the wire). Turns and the uids they repeat never go back.
* **I4 one speaker.** After the desk has answered 200, a platform gets nothing of the bot from before that change of
  control, except the delivery named `in_flight`. In the log the bot speaks only when it has the floor and under the
  epoch that then holds, an agent only as the holder. One epoch has one winner. (Whether an agent had seen the newest
  words is in no journal.)
* **I5 honest delivery.** Everything received belongs to a delivery, in its chat, with its words. All of what is
  `sent` was received; what was `cancelled`, died or was never tried was not, unless an attempt is marked as possibly
  arrived. It was read at most once without the mark `again`. On a channel that is pushed to, every public message
  that is not the customer's has a delivery.
* **I6 bounded**: not seen here. No journal tells of memory.
* **I7 nothing stuck.** Where the test has `Finished`: nothing is unheard unless everybody is paused, no delivery is
  open, and no answer was received later than `patience` after its question was accepted and all faults had healed.
* **I8 timers.** What rings is a timer that runs, while the bot has the floor and nothing that rang before is unheard;
  a turn that heard it does something about what was due, unless a human came. What is `Due` is read once, not before it
  is due, and at most `LATE` after it and after all that went wrong.
* **I9 fence.** The fences of what turns wrote never fall as `seq` grows (results of actions apart: they are facts,
  whoever records them) and are not above the row's. Epochs rise by one, and events carry the one that holds.
* **I10 prompt acknowledgement.** Everything sent is answered, within `PROMPT`, unless a fault was going on. A model
  that fails is no excuse: such faults are named `model...`.
* **I11 the log is the truth.** `seq` is 1..n, `prev` chains what is public, the columns of the rows agree with the
  log, and a second fold of it gives the stored state, control and status.
* **I12 resume.** After each `Opened` a client is shown exactly what follows `after`, in order, up to `CaughtUp.seq`,
  as it stands in the log. Who held nothing may be shown the latest `PAGE` only. A draft is taken back or replaced by
  the words of its turn before it ends or another attempt is drawn; a new connection begins without one.
* **I13 private stays private.** Canaries and the uids of notes never reach a customer or a model; nothing private is
  shown to one or has a delivery.
* **I14 erased is gone.** What was erased stands in no byte of the store (`dump(..., whole=True)`) and no later record.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from tests.faults import journal as seen
from tests.faults.dump import Conversation, Delivery, Dump, Event
from tests.faults.journal import Record, uids
from tests.faults.second_fold import due_at, folded, keep_time, normal

SECOND = 1_000_000_000
PROMPT = 10 * SECOND
"""Longer than any acknowledgement takes that does not wait for something it must not wait for."""
RECOVERY = 15 * SECOND
"""For so long after a fault its traces are excused."""
LATE = 5 * SECOND
"""A timer rings so long after it was due at most, once everything works."""
PAGE = 100
"""So many events, at least, are shown to a client that holds nothing."""

R = TypeVar("R")

_decode = msgspec.json.decode
_VISIBLE = frozenset(("said", "pressed", "controlled", "partial"))
"""To customers, of what is public."""
_WORDS = frozenset(("said", "pressed", "partial", "noted"))
_PRIVATE = frozenset(("noted", "turned", "acting", "acted", "discarded", "settled", "returned", "rang", "signalled"))
_INPUTS = frozenset(("pressed", "opened", "returned", "rang", "signalled"))
_EFFECTS = frozenset(("acting", "acted"))
_UNDERSTOOD = frozenset(("button", "slash", "rule", "answer", "example"))
"""Where a command comes from that needs no model."""
_UNDER_THE_EPOCH = frozenset(("said", "pressed", "opened", "turned", "acting"))
"""Kinds that are guarded by the epoch, or written with it."""


@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What happened that is no violation, for the figures that a fault is allowed."""

    messages: int
    """Different updates that customers sent."""
    accepted: int
    """Of these, those answered 2xx at least once."""
    kills: int
    deliveries: int
    unknown: int
    """Deliveries whose outcome was unknown: they were sent again as a possible duplicate, or ended so."""
    doubled: int
    """Pieces that customers read more than once."""
    dead: int
    discarded: int
    """Answers that were superseded, and kept for the agent."""
    set_aside: int
    """Turns that failed too often."""


def check(records: Sequence[Record], dump: Dump) -> list[Violation]:
    """All that was broken. Raises `ValueError` when something was erased and the dump is not whole."""
    history = _History(records, dump)
    return [Violation(invariant, why) for invariant, promise in _PROMISES for why in promise(history)]


def summary(records: Sequence[Record], dump: Dump) -> Summary:
    history = _History(records, dump)
    again = {parts for got in history.of(seen.Received) if got.again and (parts := _delivery_of(got.key))}
    unknown = {(each.conversation, each.seq) for each in dump.deliveries if each.state == "unknown" or each.again}
    return Summary(
        messages=len({sent.uid for sent in history.of(seen.Sent)}),
        accepted=len({sent.uid for sent, answer in history.updates if answer and _is_ours(answer)}),
        kills=sum(fault.phase == "start" and fault.name.startswith("kill") for fault in history.of(seen.Fault)),
        deliveries=len(dump.deliveries),
        unknown=len(unknown | {(conversation, seq) for conversation, seq, _ in again}),
        doubled=sum(len(reads) > 1 for log in history.logs.values() for reads in log.reads.values()),
        dead=sum(each.state == "dead" for each in dump.deliveries),
        discarded=sum(event.kind == "discarded" for event in dump.events),
        set_aside=sum(each.reason == "error" for each in dump.handoffs),
    )


# The history, put in order


@dataclass(slots=True)
class _Entry:
    """An event with what its payload says, and with whom the floor was when it was appended."""

    event: Event
    body: Mapping[str, Any]
    text: str
    uids: tuple[str, ...]
    floor: str
    holder: str
    epoch: int
    """Of the log before it."""

    @property
    def seq(self) -> int:
        return self.event.seq

    @property
    def is_bots(self) -> bool:
        return self.event.kind == "said" and self.event.author_kind == "bot"


@dataclass(slots=True)
class _Turn:
    """What one turn left in the log."""

    id: int
    first: int
    last: int = 0
    """Seqs of its words."""
    fences: set[int] = field(default_factory=set)
    responders: set[str] = field(default_factory=set)
    speaks: bool = False
    stopped: bool = False
    understood: int = 0
    """Commands that it took from what the customer said, one or more from each."""
    echoed: set[int] = field(default_factory=set)
    """Seqs of what it repeats."""


@dataclass(slots=True)
class _Log:
    row: Conversation
    entries: list[_Entry] = field(default_factory=list)
    at: dict[int, _Entry] = field(default_factory=dict)
    by_uid: dict[str, list[_Entry]] = field(default_factory=lambda: defaultdict(list))
    """The customer's."""
    turns: list[_Turn] = field(default_factory=list)
    """By id, rising."""
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    received: list[tuple[seen.Received, int, int]] = field(default_factory=list)
    """With seq and piece, in time."""
    reads: dict[tuple[int, int], list[seen.Received]] = field(default_factory=lambda: defaultdict(list))
    """What the customer came to read, by seq and piece."""
    pieces: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """The same: which pieces, by seq."""

    @property
    def name(self) -> str:
        return f"chat {self.row.chat!r} (conversation {self.row.id})"


class _History:
    def __init__(self, records: Sequence[Record], dump: Dump) -> None:
        self.dump = dump
        self.records = sorted(records, key=lambda record: record.at)
        self.unreadable: list[str] = []
        self._of: dict[type, list[Any]] = defaultdict(list)
        for record in self.records:
            self._of[type(record)].append(record)
        self.logs = {row.id: _Log(row) for row in dump.conversations}
        self.orphans: list[str] = []
        self._read_events()
        self._read_deliveries()
        self._names: dict[str, list[_Log]] = defaultdict(list)
        for log in self.logs.values():
            for name in {log.row.chat, log.row.thread, log.row.id} - {""}:
                self._names[name].append(log)
        self._by_uid: dict[str, list[tuple[_Log, _Entry]]] = defaultdict(list)
        self._by_ref: dict[str, tuple[_Log, _Entry]] = {}
        self._find_inputs()
        self._name_chats()
        self._read_calls()
        self._contested = {(sent.chat, sent.key) for sent in self.of(seen.Sent) if not sent.same}
        self._dead: set[str] = set()
        for letter in dump.dead_letters:  # a door may put its visitor before the key
            self._dead |= {letter.key, letter.key.partition(".")[2], *uids(letter.raw.decode(errors="replace"))}
        self.updates = list(self._paired())
        self.faults = _Spans(self.of(seen.Fault))

    def of(self, kind: type[R]) -> list[R]:
        return self._of[kind]

    @property
    def finished(self) -> seen.Finished | None:
        return next(iter(self.of(seen.Finished)), None)

    def called(self, chat: str) -> Sequence[_Log]:
        """The conversations of a chat, by whichever name the journal has for it."""
        return self._names.get(chat, ())

    def knows(self, chat: str) -> bool:
        return chat in self._names

    def kept(self, sent: seen.Sent) -> tuple[_Log, _Entry] | None:
        """What became of an update in the log, found by its words, else by its key."""
        for log, entry in self._by_uid.get(sent.uid, ()):
            if not self.knows(sent.chat) or log in self.called(sent.chat):
                return log, entry
        found = self._by_ref.get(sent.key)
        return found if found and sent.same and not found[1].uids else None

    def is_dead_letter(self, sent: seen.Sent) -> bool:
        """Whether this update, or the other body that came under its id, is kept as one."""
        return (sent.chat, sent.key) in self._contested and not self._dead.isdisjoint((sent.key, sent.uid))

    def _read_events(self) -> None:
        for event in sorted(self.dump.events, key=lambda event: (event.conversation, event.seq)):
            log = self.logs.get(event.conversation)
            if log is None:
                self.orphans.append(f"event {event.seq} belongs to conversation {event.conversation}, which is not")
                continue
            try:
                body = _decode(event.payload)
            except msgspec.DecodeError as error:
                body = {}
                self.unreadable.append(f"{log.name}: event {event.seq} cannot be read: {error}")
            _append(log, event, body)
        for log in self.logs.values():
            _find_turns(log)

    def _read_deliveries(self) -> None:
        for delivery in self.dump.deliveries:
            log = self.logs.get(delivery.conversation)
            if log is None:
                self.orphans.append(f"delivery {delivery.conversation}-{delivery.seq} belongs to no conversation")
            else:
                log.deliveries[delivery.seq] = delivery

    def _find_inputs(self) -> None:
        for log in self.logs.values():
            for uid, entries in log.by_uid.items():
                self._by_uid[uid] += ((log, entry) for entry in entries)
            for entry in log.entries:
                if ref := entry.body.get("ref"):
                    self._by_ref[ref] = log, entry
        for key in self.dump.seen:
            found = self.logs.get(key.conversation)
            if found and key.seq in found.at:
                self._by_ref.setdefault(key.key, (found, found.at[key.seq]))

    def _name_chats(self) -> None:
        """A journal may know a chat by a name that is in no row: then by what was said in it."""
        for sent in self.of(seen.Sent):
            if sent.chat not in self._names:
                self._names[sent.chat] += (log for log, _ in self._by_uid.get(sent.uid, ()))
                if not self._names[sent.chat]:
                    del self._names[sent.chat]

    def _read_calls(self) -> None:
        for got in self.of(seen.Received):
            parts = _delivery_of(got.key)
            log = self.logs.get(parts[0]) if parts else None
            if parts is None or log is None:
                continue
            _, seq, piece = parts
            log.received.append((got, seq, piece))
            if got.answer != "refused":
                log.reads[seq, piece].append(got)
                log.pieces[seq].add(piece)

    def _paired(self) -> Iterator[tuple[seen.Sent, seen.Answered | None]]:
        """Each attempt with its answer. An attempt whose sender died has none, so the latest is answered first."""
        waiting: dict[tuple[str, str], list[seen.Sent]] = defaultdict(list)
        for record in self.records:
            if isinstance(record, seen.Sent):
                waiting[record.chat, record.key].append(record)
            elif isinstance(record, seen.Answered) and (open_ := waiting.get((record.chat, record.key))):
                sent = next((sent for sent in reversed(open_) if sent.same), open_[-1])
                open_.remove(sent)
                yield sent, record
        for left in waiting.values():
            yield from ((sent, None) for sent in left)


def _append(log: _Log, event: Event, body: Mapping[str, Any]) -> None:
    floor, holder, epoch = "bot", "", 0
    if log.entries:
        last = log.entries[-1]
        floor, holder, epoch = last.floor, last.holder, last.epoch
        if last.event.kind == "controlled":
            control = last.body.get("control", {})
            floor, holder = control.get("state", "bot"), control.get("holder", "")
            epoch = control.get("epoch", 0)
    text = _text_of(body)
    entry = _Entry(event, body, text, uids(text) if "u" in text else (), floor, holder, epoch)
    log.entries.append(entry)
    log.at[event.seq] = entry
    if event.author_kind == "customer":
        for uid in entry.uids:
            log.by_uid[uid].append(entry)


def _find_turns(log: _Log) -> None:
    turns: dict[int, _Turn] = {}
    for entry in log.entries:
        event = entry.event
        if event.turn is None or event.kind in _EFFECTS:
            continue
        turn = turns.setdefault(event.turn, _Turn(event.turn, event.seq))
        turn.last = event.seq
        turn.fences.add(event.fence)
        turn.stopped |= event.kind == "partial"
        if event.kind == "turned":
            turn.responders.add(entry.body.get("responder", ""))
            turn.understood += sum(move.get("source") in _UNDERSTOOD for move in entry.body.get("moves", ()))
        if entry.is_bots:
            turn.speaks = True
            turn.echoed.update(said.seq for uid in entry.uids for said in log.by_uid.get(uid, ()))
    log.turns = sorted(turns.values(), key=lambda turn: turn.id)


def _text_of(body: Mapping[str, Any]) -> str:
    """All words of an event that a person could read, in order."""
    lines: list[str] = []
    for message in (body.get("message"), *body.get("messages", ())):
        for part in (message or {}).get("parts", ()):
            lines.append("".join(span["text"] for span in part.get("spans", ())))
            lines += (part[name] for name in ("prompt", "title", "body", "meta", "text") if part.get(name))
    lines += (body[name] for name in ("text", "label") if body.get(name))
    return "\n".join(lines)


def _delivery_of(key: str) -> tuple[str, int, int] | None:
    """Conversation, seq and piece of the key that a call came with."""
    delivery, _, piece = key.rpartition(".")
    conversation, _, seq = delivery.rpartition("-")
    return (conversation, int(seq), int(piece)) if conversation and seq.isdigit() and piece.isdigit() else None


def _is_ours(answer: seen.Answered) -> bool:
    return 200 <= answer.status < 300


class _Spans:
    """When faults were going on, and for how long their traces last."""

    def __init__(self, faults: Sequence[seen.Fault]) -> None:
        began: dict[tuple[str, str], int] = {}
        spans: list[tuple[int, float]] = []
        for fault in faults:
            if fault.name.startswith("model"):
                continue
            if fault.phase == "start":
                began.setdefault((fault.name, fault.target), fault.at)
            elif (since := began.pop((fault.name, fault.target), None)) is not None:
                spans.append((since, fault.at + RECOVERY))
        spans += ((since, float("inf")) for since in began.values())
        self._starts: list[int] = []
        self._ends: list[float] = []
        for since, until in sorted(spans):
            if self._ends and since <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], until)
            else:
                self._starts.append(since)
                self._ends.append(until)

    def touch(self, since: int, until: int) -> bool:
        at = bisect.bisect_right(self._starts, until) - 1
        return at >= 0 and self._ends[at] >= since


# I1


def _accepted_is_kept(history: _History) -> Iterator[str]:
    told: set[tuple[str, str]] = set()
    for sent, answer in history.updates:
        if answer is None or not _is_ours(answer) or history.kept(sent) or (sent.key, sent.uid) in told:
            continue
        if history.is_dead_letter(sent):
            continue
        told.add((sent.key, sent.uid))
        yield (
            f"{sent.uid} of chat {sent.chat!r}, key {sent.key!r}, was answered {answer.status} and is neither in its "
            "log nor a dead letter"
        )


def _heard_has_an_end(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        repeated: dict[str, int] = {}
        for entry in log.entries:
            if entry.is_bots:
                repeated.update(dict.fromkeys(entry.uids, entry.seq))
        ends = _Ends(log)
        for entry in log.entries:
            event = entry.event
            if event.author_kind != "customer" or event.kind not in ("said", "pressed") or event.seq > log.row.heard:
                continue
            if any(repeated.get(uid, 0) > event.seq for uid in entry.uids) or ends.found(entry):
                continue
            yield (
                f"{' '.join(entry.uids) or event.kind} at seq {event.seq} of {log.name} was heard, and neither "
                "answered nor silent by rule nor with a human"
            )


class _Ends:
    """How what a customer said came to its end, when no message repeats it."""

    def __init__(self, log: _Log) -> None:
        self._log = log
        self._ids = [turn.id for turn in log.turns]
        self._inputs = [entry.seq for entry in log.entries if entry.event.input]
        self._elsewhere = [
            entry.seq
            for entry in log.entries
            if (entry.event.kind == "controlled" and entry.body.get("control", {}).get("state", "bot") != "bot")
            or (entry.event.kind == "settled" and entry.body.get("status") == "resolved")
        ]

    def found(self, entry: _Entry) -> bool:
        seq, log = entry.seq, self._log
        at = bisect.bisect_left(self._ids, seq)
        after = log.turns[at].first if at < len(log.turns) else log.row.last_seq + 1
        moved = bisect.bisect_right(self._elsewhere, seq)
        if entry.floor != "bot" or (moved < len(self._elsewhere) and self._elsewhere[moved] < after):
            return True
        if at == 0 or log.turns[at - 1].first < seq:
            return False
        turn = log.turns[at - 1]
        if turn.stopped:
            return True
        if turn.speaks:
            inputs = bisect.bisect_right(self._inputs, seq) - bisect.bisect_right(self._inputs, turn.id)
            return not turn.echoed or max(turn.echoed) >= seq or inputs <= turn.understood
        return entry.event.kind != "said" or "at_desk" in turn.responders


def _desk_keeps_its_word(history: _History) -> Iterator[str]:
    said = {
        uid
        for log in history.logs.values()
        for entry in log.entries
        if entry.event.author_kind == "agent"
        for uid in entry.uids
    }
    done = {answer.id for answer in history.of(seen.Decided) if 200 <= answer.status < 300}
    for command in history.of(seen.Commanded):
        if command.id in done and command.uid and command.uid not in said:
            yield (
                f"{command.command} {command.id!r} of agent {command.agent!r} in chat {command.chat!r} was answered "
                f"200, and its {command.uid} is in no log"
            )


# I2


def _accepted_once(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        for uid, entries in log.by_uid.items():
            if len(entries) > 1:
                yield f"{uid} stands in the log of {log.name} at seqs {_seqs(entries)}"
    bodies: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for sent in history.of(seen.Sent):
        if sent.uid not in bodies[sent.chat, sent.key] and (kept := history.kept(sent)):
            bodies[sent.chat, sent.key][sent.uid] = kept[1].seq
    for (chat, key), seqs in bodies.items():
        if len(set(seqs.values())) > 1:
            yield f"key {key!r} of chat {chat!r} brought several events: {seqs}"


def _answered_once(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        answers: dict[str, dict[tuple[int | None, int], int]] = defaultdict(dict)
        for entry in log.entries:
            if entry.is_bots:
                for uid in entry.uids:
                    answers[uid].setdefault((entry.event.turn, entry.event.fence), entry.seq)
        for uid, commits in answers.items():
            if len(commits) > 1 and len({turn for turn, _ in commits}) > 1:
                yield f"{uid} of {log.name} is answered by several turns, at seqs {sorted(commits.values())}"
        for turn in log.turns:
            if len(turn.fences) > 1:
                yield f"turn {turn.id} of {log.name} was committed under the fences {sorted(turn.fences)}"


def _done_once(history: _History) -> Iterator[str]:
    intended = {
        entry.body.get("key", "")
        for log in history.logs.values()
        for entry in log.entries
        if entry.event.kind == "acting"
    }
    by_uid: dict[str, set[str]] = defaultdict(set)
    times: Counter[str] = Counter()
    for done in history.of(seen.Done):
        if done.key not in intended:
            yield f"{done.uid}: the effect {done.key!r} was carried out, and no log intended it"
        if not done.repeat:
            by_uid[done.uid].add(done.key)
            times[done.key] += 1
    for uid, keys in by_uid.items():
        if uid and len(keys) > 1:
            yield f"{uid}: its effect was carried out under the keys {sorted(keys)}"
    for key, count in times.items():
        if count > 1:
            yield f"the effect {key!r} was carried out {count} times"


def _one_result(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        acting: dict[str, _Entry] = {}
        acted: Counter[str] = Counter()
        for entry in log.entries:
            key = entry.body.get("key", "")
            if entry.event.kind == "acting":
                acting[key] = entry
            elif entry.event.kind == "acted":
                acted[key] += 1
                if key not in acting:
                    yield f"{log.name}: seq {entry.seq} is the result of {key!r}, which nobody intended before"
        for key, count in acted.items():
            if count > 1:
                yield f"{log.name}: the action {key!r} has {count} results"
        for key, entry in acting.items():
            if key not in acted and log.row.heard > (entry.event.turn or 0) and not _goes_to_a_human(log, entry):
                yield f"{log.name}: the action {key!r} of seq {entry.seq} has no result, and no human was asked"


def _goes_to_a_human(log: _Log, acting: _Entry) -> bool:
    """With the commit of the turn that began it; where there is none, before the next turn's: an agent may close it."""
    of = acting.event.turn or 0
    at = bisect.bisect_left(log.turns, of, key=lambda turn: turn.id)
    until = log.row.last_seq
    if at < len(log.turns):
        turn = log.turns[at]
        until = turn.last if turn.id == of else turn.first
    return any(
        acting.seq < entry.seq <= until
        and entry.event.kind == "controlled"
        and (entry.event.author_kind == "agent" or entry.body.get("control", {}).get("state", "bot") != "bot")
        for entry in log.entries
    )


def _agents_once(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        said: dict[str, list[_Entry]] = defaultdict(list)
        for entry in log.entries:
            if entry.event.author_kind == "agent":
                for uid in entry.uids:
                    said[uid].append(entry)
        for uid, entries in said.items():
            if len(entries) > 1:
                yield f"{uid} of an agent stands in the log of {log.name} at seqs {_seqs(entries)}"


# I3


def _log_keeps_order(history: _History) -> Iterator[str]:
    sent_at: dict[str, int] = {}
    acked_at: dict[str, int] = {}
    for sent, answer in history.updates:
        sent_at[sent.uid] = min(sent.at, sent_at.get(sent.uid, sent.at))
        if answer and _is_ours(answer):
            acked_at[sent.uid] = min(answer.at, acked_at.get(sent.uid, answer.at))
    for log in history.logs.values():
        latest, ahead = -1, ""
        for entry in log.entries:
            if entry.event.author_kind != "customer":
                continue
            for uid in entry.uids:
                if uid in acked_at and acked_at[uid] < latest:
                    yield f"{uid} of {log.name} was accepted before {ahead} was sent, and stands after it"
                if sent_at.get(uid, -1) > latest:
                    latest, ahead = sent_at[uid], uid


def _read_in_order(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        furthest = (0, -1)
        known: set[tuple[int, int]] = set()
        for got, seq, piece in log.received:
            delivery = log.deliveries.get(seq)
            if got.answer == "refused" or (seq, piece) in known or delivery is None:
                continue
            known.add((seq, piece))
            if delivery.state in ("unknown", "dead"):
                continue
            if (seq, piece) < furthest:
                yield f"{log.name}: {got.key!r} was received after seq {furthest[0]}, piece {furthest[1]}"
            furthest = max(furthest, (seq, piece))


def _turns_in_order(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        turn = echoed = 0
        for entry in log.entries:
            event = entry.event
            if event.turn is None or event.kind in _EFFECTS:
                continue
            if event.turn < turn:
                yield f"{log.name}: seq {event.seq} is of turn {event.turn}, after words of turn {turn}"
            turn = max(turn, event.turn)
            heard = [said.seq for uid in entry.uids if entry.is_bots for said in log.by_uid.get(uid, ())]
            if heard and max(heard) < echoed:
                yield f"{log.name}: seq {event.seq} answers {' '.join(entry.uids)} after what came later was answered"
            echoed = max([echoed, *heard])


# I4


def _silent_after_a_takeover(history: _History) -> Iterator[str]:
    commands = {command.id: command for command in history.of(seen.Commanded)}
    taken: dict[str, list[tuple[int, int, str, str]]] = defaultdict(list)
    for answer in history.of(seen.Decided):
        command = commands.get(answer.id)
        if command is None or answer.status != 200 or command.command not in ("take_over", "claim"):
            continue
        for log in history.called(command.chat):
            epoch = answer.epoch or _first_human(log)
            taken[log.row.id].append((answer.at, epoch, answer.in_flight, answer.id))
    for conversation, moments in taken.items():
        log = history.logs[conversation]
        for at, epoch, in_flight, id in moments:
            late = bisect.bisect_right(log.received, at, key=lambda each: each[0].at)
            for got, seq, _ in log.received[late:]:
                delivery = log.deliveries.get(seq)
                if delivery is None or not delivery.by_bot or delivery.epoch >= epoch:
                    continue
                if got.key.rpartition(".")[0] != in_flight and got.answer != "refused":
                    yield (
                        f"{log.name}: {got.key!r} of the bot was received after {id!r} had been answered (epoch "
                        f"{epoch}, in flight {in_flight!r})"
                    )


def _first_human(log: _Log) -> int:
    epochs = (
        entry.body["control"].get("epoch", 0)
        for entry in log.entries
        if entry.event.kind == "controlled" and entry.body.get("control", {}).get("state") == "human"
    )
    return next(iter(epochs), 0)


def _one_speaks(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        for entry in log.entries:
            event = entry.event
            if event.kind != "said" or not event.public:
                continue
            if event.author_kind == "bot" and (entry.floor != "bot" or event.epoch != entry.epoch):
                yield (
                    f"{log.name}: the bot says seq {event.seq} under epoch {event.epoch}, while epoch {entry.epoch} "
                    f"holds and the floor is {entry.floor}'s"
                )
            if event.author_kind == "agent" and (entry.floor, entry.holder) != ("human", event.author_id):
                yield (
                    f"{log.name}: agent {event.author_id!r} says seq {event.seq}, while the floor is {entry.floor}'s "
                    f"(holder {entry.holder!r})"
                )


def _one_wins(history: _History) -> Iterator[str]:
    commands = {command.id: command for command in history.of(seen.Commanded)}
    # What a repeat is told is the epoch that holds by then, whoever has it.
    repeated = {id for id, times in Counter(command.id for command in history.of(seen.Commanded)).items() if times > 1}
    winners: dict[tuple[str, int], set[str]] = defaultdict(set)
    for answer in history.of(seen.Decided):
        command = commands.get(answer.id)
        if command is None or answer.status != 200 or command.command not in ("take_over", "claim"):
            continue
        if answer.id not in repeated:
            winners[command.chat, answer.epoch].add(command.agent)
        logs = history.called(command.chat)
        if answer.epoch and not any(_has_epoch(log, answer.epoch) for log in logs):
            yield f"{answer.id!r} in chat {command.chat!r} was answered 200, and no log has epoch {answer.epoch}"
    for (chat, epoch), agents in winners.items():
        if epoch and len(agents) > 1:
            yield f"chat {chat!r}: the agents {sorted(agents)} all hold epoch {epoch}"


def _has_epoch(log: _Log, epoch: int) -> bool:
    return any(
        entry.event.kind == "controlled" and entry.body.get("control", {}).get("epoch") == epoch
        for entry in log.entries
    )


# I5


def _received_is_ours(history: _History) -> Iterator[str]:
    for got in history.of(seen.Received):
        parts = _delivery_of(got.key)
        log = history.logs.get(parts[0]) if parts else None
        if parts is None or log is None or parts[1] not in log.deliveries or parts[1] not in log.at:
            yield f"chat {got.chat!r} received {got.key!r} ({got.text[:60]!r}), and no delivery has that name"
            continue
        if history.knows(got.chat) and log not in history.called(got.chat):
            yield f"chat {got.chat!r} received {got.key!r}, which is of {log.name}"
        entry = log.at[parts[1]]
        strange = set(uids(got.text)) - set(entry.uids)
        if strange - set(uids(entry.event.payload.decode(errors="replace"))):  # labels of buttons, quoted sources
            yield f"{log.name}: {got.key!r} was received with {sorted(strange)}, which seq {parts[1]} does not say"


def _repeats_are_marked(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        for (seq, piece), reads in log.reads.items():
            unmarked = [got.at for got in reads if not got.again]
            if len(unmarked) > 1:
                yield f"{log.name}: piece {piece} of seq {seq} was received unmarked at {unmarked}"


def _states_are_true(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        for seq, delivery in log.deliveries.items():
            read = log.pieces[seq]
            missing = set(range(delivery.done)) - read
            if missing and delivery.state in ("sent", "cancelled", "dead", "unknown"):
                yield f"{log.name}: seq {seq} is {delivery.state}, and its pieces {sorted(missing)} were never received"
            beyond = {piece for piece in read if piece >= delivery.done}
            if beyond and delivery.state in ("cancelled", "dead") and not delivery.again:
                yield f"{log.name}: seq {seq} is {delivery.state}, and its pieces {sorted(beyond)} were received"
            if beyond and delivery.attempt == 0:
                yield f"{log.name}: seq {seq} was received, and nobody ever tried to send it"
            if beyond and delivery.state == "sent":
                yield f"{log.name}: seq {seq} is sent in {delivery.done} pieces, and {sorted(beyond)} were received"
            if delivery.state == "cancelled" and (not delivery.by_bot or delivery.epoch >= log.row.epoch):
                yield f"{log.name}: seq {seq} is cancelled, and no control moved after it"


def _pushed_has_a_delivery(history: _History) -> Iterator[str]:
    pushed = {log.row.channel for log in history.logs.values() if log.deliveries}
    for log in history.logs.values():
        if log.row.channel not in pushed:
            continue
        for entry in log.entries:
            event = entry.event
            is_ours = event.kind == "said" and event.public and event.author_kind != "customer"
            if is_ours and event.seq not in log.deliveries:
                yield f"{log.name}: seq {event.seq} was said to the customer, and has no delivery"


# I7


def _nothing_waits(history: _History) -> Iterator[str]:
    if history.finished is None:
        return
    for log in history.logs.values():
        row = log.row
        if row.input_seq > row.heard and row.control != "paused":
            waits = next((entry for entry in log.entries if entry.event.input and entry.seq > row.heard), None)
            what = " ".join(waits.uids) if waits else ""
            yield f"{log.name}: seq {row.heard + 1} to {row.input_seq} are unheard ({what}, attempts {row.attempts})"
        for seq, delivery in log.deliveries.items():
            if delivery.state in ("waiting", "sending"):
                yield f"{log.name}: seq {seq} is still {delivery.state} after {delivery.attempt} attempts"


def _nothing_was_late(history: _History) -> Iterator[str]:
    finished = history.finished
    if finished is None:
        return
    acked_at: dict[str, int] = {}
    for sent, answer in history.updates:
        if answer and _is_ours(answer):
            acked_at[sent.uid] = min(answer.at, acked_at.get(sent.uid, answer.at))
    for log in history.logs.values():
        for (seq, piece), reads in log.reads.items():
            entry = log.at.get(seq)
            if piece or entry is None or not entry.is_bots:
                continue
            for uid in entry.uids:
                if uid in acked_at:
                    late = reads[0].at - max(acked_at[uid], finished.healed) - finished.patience
                    if late > 0:
                        yield f"{uid} of {log.name}: its answer at seq {seq} came {late / SECOND:.1f} s too late"


# I8


def _timers_ring_once(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        timers: list[dict[str, Any]] = []
        unheard: list[_Entry] = []
        for entry in log.entries:
            match entry.event.kind:
                case "rang":
                    if unheard:
                        yield f"{log.name}: seq {entry.seq} rang, and seq {unheard[0].seq} was not heard yet"
                    if entry.floor != "bot":
                        yield f"{log.name}: seq {entry.seq} rang while the floor was {entry.floor}'s"
                    if not any(due_at(timer) == due_at(dict(entry.body)) for timer in timers):
                        yield f"{log.name}: seq {entry.seq} rang for {entry.body['due_at']}, when nothing was due"
                    unheard.append(entry)
                case "controlled" | "settled":
                    unheard.clear()  # heard in silence: what was due is due when the bot has the floor again
                    if entry.body.get("status") == "resolved":
                        timers = []
                case "turned":
                    before = timers
                    for move in entry.body.get("moves", ()):
                        timers = keep_time(timers, move)
                    heard = [rang for rang in unheard if (entry.event.turn or 0) < rang.seq]
                    due = [timer for timer in before if heard and due_at(timer) <= due_at(dict(heard[0].body))]
                    if due and all(timer in timers for timer in due):
                        yield f"{log.name}: seq {heard[0].seq} rang, and turn {entry.event.turn} did nothing about it"
                    unheard.clear()


def _due_is_read_in_time(history: _History) -> Iterator[str]:
    for due in history.of(seen.Due):
        logs = history.called(due.chat)
        reads = [got for log in logs for reads in log.reads.values() for got in reads if due.text in got.text]
        if not reads:
            if history.finished:
                yield f"{due.text!r} was due in chat {due.chat!r}, and was never read"
            continue
        keys = {got.key for got in reads}
        if len(keys) > 1:
            yield f"{due.text!r} was said {len(keys)} times in chat {due.chat!r}"
        first = min(got.at for got in reads)
        if first < due.earliest:
            early = (due.earliest - first) / SECOND
            yield f"{due.text!r} was read in chat {due.chat!r} {early:.1f} s before it was due"
        late = first - due.latest
        if late > LATE and not history.faults.touch(due.earliest, first):
            yield f"{due.text!r} was read in chat {due.chat!r} {late / SECOND:.1f} s after it was due"


# I9


def _fences_never_fall(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        fence = 0
        for entry in log.entries:
            event = entry.event
            if event.turn is None or event.kind == "acted":
                continue
            if event.fence < fence:
                yield f"{log.name}: seq {event.seq} was written under fence {event.fence}, after fence {fence}"
            fence = max(fence, event.fence)
        if fence > log.row.fence:
            yield f"{log.name}: fence {fence} stands in the log, the row is at {log.row.fence}"
        committed = max((each for turn in log.turns for each in turn.fences), default=0)
        if not committed <= log.row.committed <= log.row.fence:
            yield (
                f"{log.name}: the row says that fence {log.row.committed} was committed last, of {log.row.fence}; the "
                f"log has {committed}"
            )


def _epochs_rise(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        for entry in log.entries:
            event = entry.event
            if event.kind == "controlled":
                epoch = entry.body.get("control", {}).get("epoch", 0)
                if epoch != entry.epoch + 1 or event.epoch != epoch:
                    yield f"{log.name}: seq {event.seq} raises epoch {entry.epoch} to {epoch} (as {event.epoch})"
            elif event.kind in _UNDER_THE_EPOCH and not entry.is_bots:  # the bot's words: one speaker
                if event.epoch != entry.epoch:
                    yield f"{log.name}: seq {event.seq} ({event.kind}) has epoch {event.epoch} under {entry.epoch}"
            elif event.epoch > entry.epoch:
                yield f"{log.name}: seq {event.seq} ({event.kind}) has epoch {event.epoch}, which was not yet"
        for seq, delivery in log.deliveries.items():
            if seq in log.at and not 0 <= delivery.epoch - log.at[seq].event.epoch <= 1:
                yield f"{log.name}: the delivery of seq {seq} has epoch {delivery.epoch}"


# I10


def _acknowledged_at_once(history: _History) -> Iterator[str]:
    end = history.records[-1].at if history.records else 0
    for sent, answer in history.updates:
        until = answer.at if answer else end
        if until - sent.at <= PROMPT or history.faults.touch(sent.at, min(until, sent.at + PROMPT)):
            continue
        took = f"took {(until - sent.at) / SECOND:.1f} s" if answer else "never came"
        yield f"{sent.uid} of chat {sent.chat!r}, key {sent.key!r}, attempt {sent.attempt}: its answer {took}"


# I11


def _rows_agree(history: _History) -> Iterator[str]:
    yield from history.unreadable
    yield from history.orphans
    for log in history.logs.values():
        yield from (f"{log.name}: {why}" for why in (*_chain(log), *_columns(log), *_state(log)))
    yield from _references(history)


def _chain(log: _Log) -> Iterator[str]:
    public = 0
    for place, entry in enumerate(log.entries, 1):
        event = entry.event
        if event.seq != place:
            yield f"the log has seq {event.seq} at place {place}"
            return
        if event.prev != (public if event.public else 0):
            yield f"the public event before seq {event.seq} is {public}, and it names {event.prev}"
        if event.public:
            public = event.seq
        if entry.body and event.kind != entry.body.get("kind"):
            yield f"seq {event.seq} is a {event.kind} with the payload of a {entry.body.get('kind')}"
        if event.input != _is_input(event):
            yield f"seq {event.seq} ({event.kind}) is {'' if event.input else 'not '}marked as an input"


def _is_input(event: Event) -> bool:
    return event.kind in _INPUTS or (event.kind == "said" and event.author_kind == "customer")


def _columns(log: _Log) -> Iterator[str]:
    row, events = log.row, [entry.event for entry in log.entries]
    ends = {
        "last_seq": max((event.seq for event in events), default=0),
        "public_seq": max((event.seq for event in events if event.public), default=0),
        "input_seq": max((event.seq for event in events if _is_input(event)), default=0),
    }
    for name, found in ends.items():
        if getattr(row, name) != found:
            yield f"{name} is {getattr(row, name)}, and the log says {found}"
    if row.heard and (row.heard not in log.at or not _is_input(log.at[row.heard].event)):
        yield f"heard is {row.heard}, which is no input"
    if log.turns and row.heard <= log.turns[-1].id:
        yield f"heard is {row.heard}, and turn {log.turns[-1].id} was committed"


def _state(log: _Log) -> Iterator[str]:
    row = log.row
    control: Mapping[str, Any] = {}
    status = "open"
    for entry in log.entries:
        kind = entry.event.kind
        if kind == "controlled":
            control = entry.body.get("control", {})
        elif kind == "settled":
            status = entry.body.get("status", "")
        elif entry.event.author_kind == "customer" and status in ("resolved", "snoozed"):
            status = "open"
    held = (
        *(control.get("state", "bot"), control.get("epoch", 0), control.get("holder", "")),
        *(control.get("reason", ""), control.get("handoff", ""), status),
    )
    if held != (row.control, row.epoch, row.holder, row.reason, row.handoff, row.status):
        yield (
            f"control and status are {(row.control, row.epoch, row.holder, row.reason, row.handoff, row.status)}, "
            f"and the log says {held}"
        )
    if any(not entry.body for entry in log.entries):
        return
    stored = normal(_decode(row.state), row.epoch)
    again = normal(folded(((entry.seq, dict(entry.body)) for entry in log.entries), row.heard), row.epoch)
    if stored != again:
        names = sorted(name for name in stored.keys() | again.keys() if stored.get(name) != again.get(name))
        yield "; ".join(f"{name} is {stored.get(name)}, and the log gives {again.get(name)}" for name in names)


def _references(history: _History) -> Iterator[str]:
    """Tables that point into a log."""
    for key in history.dump.seen:
        log = history.logs.get(key.conversation)
        if log is None or key.seq not in log.at or log.at[key.seq].event.author_kind != "customer":
            yield f"key {key.key!r} stands for {key.conversation}, seq {key.seq}, which no customer wrote"
    for action in history.dump.actions:
        log = history.logs.get(action.conversation)
        entry = log.at.get(action.result_seq) if log else None
        if entry is None or entry.event.kind != "acted" or entry.body.get("key") != action.key:
            yield f"action {action.key!r} has its result at seq {action.result_seq}, where there is none"
    for amendment in history.dump.amendments:
        log = history.logs.get(amendment.conversation)
        if log is None or not 1 <= amendment.first_seq <= amendment.last_seq <= len(log.entries):
            yield f"amendment {amendment.key!r} names seqs {amendment.first_seq} to {amendment.last_seq}"
    for handoff in history.dump.handoffs:
        log = history.logs.get(handoff.conversation)
        if handoff.ended_at is None and (log is None or log.row.handoff != handoff.id):
            yield f"handoff {handoff.id!r} of conversation {handoff.conversation} is open, and no conversation is in it"


# I12


def _clients_are_shown_all(history: _History) -> Iterator[str]:
    by_client: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for record in history.records:
        if isinstance(record, seen.Opened | seen.Shown | seen.Draft | seen.CaughtUp):
            by_client[record.client, record.chat].append(record)
    for (client, chat), told in by_client.items():
        logs = history.called(chat)
        if not logs:
            if any(isinstance(record, seen.Shown) for record in told):
                yield f"client {client!r} was shown events of chat {chat!r}, which has no log"
            continue
        log = max(logs, key=lambda log: sum(_says(log, record) for record in told))
        who = f"client {client!r} of {log.name}"
        yield from (f"{who} {why}" for why in _shown(log, told, ended=history.finished is not None))
        yield from (f"{who} {why}" for why in _drawn(log, told))


def _says(log: _Log, told: Any) -> bool:
    """Whether this is the log that an event which was shown comes from."""
    return isinstance(told, seen.Shown) and told.seq in log.at and set(uids(told.text)) <= set(log.at[told.seq].uids)


def _shown(log: _Log, told: Sequence[Any], *, ended: bool) -> Iterator[str]:
    public_only = not any(isinstance(record, seen.Shown) and not record.public_only for record in told)
    visible = [
        entry.seq for entry in log.entries if not public_only or (entry.event.public and entry.event.kind in _VISIBLE)
    ]
    held, begun, fresh = 0, False, False
    for record in told:
        match record:
            case seen.Opened(after=after):
                if begun and (missed := _between(visible, held, after)):
                    yield f"asks for what follows {after} at {record.at}, and was never shown {missed}"
                held, begun, fresh = after, True, after == 0
            case seen.Shown(seq=seq):
                entry = log.at.get(seq)
                if entry is None or entry.event.kind != record.kind:
                    yield f"was shown seq {seq} as {record.kind}, and the log has {entry and entry.event.kind}"
                elif record.kind in _WORDS and not set(uids(record.text)) <= set(entry.uids):
                    yield f"was shown seq {seq} with {uids(record.text)}, and the log says {entry.uids}"
                if seq <= held:
                    yield f"was shown seq {seq} at {record.at}, and held {held}"
                latest = fresh and len(visible) - bisect.bisect_left(visible, seq) >= PAGE
                if not latest and (missed := _between(visible, held, seq - 1)):
                    yield f"was shown seq {seq} at {record.at}, and not {missed} before it"
                held, fresh = max(held, seq), False
            case seen.CaughtUp(seq=seq):
                if missed := _between(visible, held, seq):
                    yield f"has caught up to {seq}, and was never shown {missed}"
                if ended and visible and visible[-1] > seq:
                    yield f"has caught up to {seq}, and the log goes on to {visible[-1]}"


def _between(visible: Sequence[int], low: int, high: int) -> Sequence[int]:
    """The first few of them above `low` and up to `high`."""
    return visible[bisect.bisect_right(visible, low) : bisect.bisect_right(visible, high)][:5]


def _drawn(log: _Log, told: Iterable[Any]) -> Iterator[str]:
    drawn: dict[int, str] = {}
    attempts: dict[int, int] = {}
    for record in told:
        match record:
            case seen.Opened():
                drawn.clear()
            case seen.Draft(turn=turn, reset=reset):
                if reset:
                    drawn.pop(turn, None)
                elif record.text:
                    if turn in drawn and attempts[turn] < record.attempt:
                        yield f"sees attempts {attempts[turn]} and {record.attempt} at turn {turn} at once"
                    drawn[turn], attempts[turn] = record.text, record.attempt
            case seen.Shown(seq=seq):
                entry = log.at.get(seq)
                if entry and entry.event.turn is not None and entry.event.kind not in _EFFECTS:
                    drawn.pop(entry.event.turn, None)
            case seen.CaughtUp():
                for turn, text in drawn.items():
                    yield f"still sees the draft {text[:60]!r} of turn {turn}"


# I13


def _private_is_private(history: _History) -> Iterator[str]:
    secrets = [canary.text for canary in history.of(seen.Canary)]
    notes = {each.uid for each in history.of(seen.Commanded) if each.command == "note"}
    told: list[tuple[str, str]] = []
    for record in history.records:
        match record:
            case seen.Received():
                told.append((record.text, f"received by chat {record.chat!r} as {record.key!r}"))
            case seen.Shown(public_only=True):
                told.append((record.text, f"shown to {record.client!r} as seq {record.seq} of chat {record.chat!r}"))
                if record.kind not in _VISIBLE:
                    yield f"client {record.client!r} was shown seq {record.seq} of chat {record.chat!r}: {record.kind}"
            case seen.Draft():
                told.append((record.text, f"drawn to {record.client!r} in chat {record.chat!r}"))
            case seen.Asked():
                told.append((record.text, f"asked of the model at {record.at}"))
    for secret, where in _found(secrets, told):
        yield f"{secret!r} was {where}"
    if notes:
        yield from (f"{uid} of a note was {where}" for text, where in told for uid in notes.intersection(uids(text)))


def _private_has_no_route(history: _History) -> Iterator[str]:
    for log in history.logs.values():
        for entry in log.entries:
            if entry.event.public and entry.event.kind in _PRIVATE:
                yield f"{log.name}: seq {entry.seq} ({entry.event.kind}) is public"
        for seq in log.deliveries:
            entry_at = log.at.get(seq)
            if entry_at is None or not entry_at.event.public or entry_at.event.kind != "said":
                yield f"{log.name}: the delivery of seq {seq} is of no public message"


def _found(secrets: Iterable[str], told: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Where each of the secrets stands. Most stand nowhere, which one search over all texts tells."""
    everything = "\0".join(text for text, _ in told)
    for secret in dict.fromkeys(secrets):
        if secret and secret in everything:
            yield from ((secret, where) for text, where in told if secret in text)


# I14


def _erased_is_gone(history: _History) -> Iterator[str]:
    erased = history.of(seen.Erased)
    if not erased:
        return
    if history.dump.whole is None:
        raise ValueError("something was erased: dump the store with `whole=True`")
    for order in erased:
        for canary in order.canaries:
            for name, content in history.dump.whole.items():
                if canary.encode() in content:
                    yield f"{canary!r} was erased, and stands in {name!r}"
        later = [
            (record.text, f"in a {type(record).__name__.lower()} record at {record.at}")
            for record in history.records
            if record.at >= order.at and isinstance(record, seen.Log | seen.Asked | seen.Received | seen.Shown)
        ]
        for canary, where in _found(order.canaries, later):
            yield f"{canary!r} was erased, and stands {where}"


def _seqs(entries: Sequence[_Entry]) -> list[int]:
    return [entry.seq for entry in entries]


_PROMISES: Sequence[tuple[str, Callable[[_History], Iterator[str]]]] = (
    ("I1", _accepted_is_kept),
    ("I1", _heard_has_an_end),
    ("I1", _desk_keeps_its_word),
    ("I2", _accepted_once),
    ("I2", _answered_once),
    ("I2", _done_once),
    ("I2", _one_result),
    ("I2", _agents_once),
    ("I3", _log_keeps_order),
    ("I3", _read_in_order),
    ("I3", _turns_in_order),
    ("I4", _silent_after_a_takeover),
    ("I4", _one_speaks),
    ("I4", _one_wins),
    ("I5", _received_is_ours),
    ("I5", _repeats_are_marked),
    ("I5", _states_are_true),
    ("I5", _pushed_has_a_delivery),
    ("I7", _nothing_waits),
    ("I7", _nothing_was_late),
    ("I8", _timers_ring_once),
    ("I8", _due_is_read_in_time),
    ("I9", _fences_never_fall),
    ("I9", _epochs_rise),
    ("I10", _acknowledged_at_once),
    ("I11", _rows_agree),
    ("I12", _clients_are_shown_all),
    ("I13", _private_is_private),
    ("I13", _private_has_no_route),
    ("I14", _erased_is_gone),
)
