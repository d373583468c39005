"""Moves a conversation along its flows: what was ordered goes in, messages, moves and at most one wish come out.

Pure: no clock, no chance, no I/O. The state changes by `fold` of the moves given out, and by nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, assert_never

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bot.commands import DEEPEST, MOST_QUEUED, check, guard_holds, slash
from bot.flow import frames, say
from bot.flow import steps as s
from bot.flow.book import Book, Flow, Slot
from bot.flow.conditions import Expression, Look, Unevaluated
from bot.flow.fold import fold
from bot.flow.question import look_up
from bot.flow.texts import Unsayable
from bot.model import (
    Applied,
    Asked,
    Cancel,
    Chat,
    Choices,
    Clarify,
    Command,
    CommandSource,
    Dequeued,
    Did,
    Emptied,
    Entered,
    Facts,
    Filled,
    Frame,
    HandoffReason,
    HandoffRequest,
    How,
    Human,
    Json,
    Lookup,
    Message,
    Move,
    Offer,
    Popped,
    Pushed,
    Queued,
    Raised,
    Refuse,
    Refused,
    Repeat,
    Restart,
    Resume,
    Rewound,
    Set,
    Skip,
    Spoke,
    Start,
    State,
    Unset,
    Voided,
)

BUDGET = 200
"""Steps of one advance: a circle of `goto`s ends there."""

REFUSALS = ("void", "too_long", "unreadable", "cannot", "no_evidence")
"""Reasons of `refuse` that have a text of their own."""


class Ordered(Struct, frozen=True):
    command: Command
    source: CommandSource


class ActionResult(Struct, frozen=True):
    """What the action asked for gave."""

    key: str
    result: Json = None
    error: str = ""
    """Empty: it succeeded."""
    unknown: bool = False
    """Nobody can tell whether it happened: a human must look."""


class Missed(Struct, frozen=True):
    """The words were no answer to the pending question."""


class Back(Struct, frozen=True):
    """A human handed the conversation back."""

    how: How
    instruction: str = ""


Given = Ordered | ActionResult | Missed | Back


class Act(Struct, frozen=True, kw_only=True):
    """An action to run; its result is given to the next `advance`."""

    key: str
    """Of frame, step, pass and inputs; the same whenever the same turn is taken again. Unique in its conversation."""
    frame: int
    step: str
    action: str
    args: dict[str, Json]
    effect: Literal["read", "write", "money"]
    timeout: timedelta


class Advance(Struct, frozen=True, kw_only=True):
    state: State
    moves: tuple[Move, ...]
    says: tuple[Message, ...]
    act: Act | None = None
    handoff: HandoffRequest | None = None
    gives_up_waiting: bool = False
    """The customer no longer wants the human that was asked for."""


def begin(book: Book) -> State:
    """The state of a new conversation.

    The greeting's options need no offers: their tokens, `greeting.0` and on, mean the same in every conversation, and
    are open whenever no flow is in progress.
    """
    return State()


def advance(book: Book, state: State, given: Sequence[Given], facts: Facts, epoch: int) -> Advance:
    """Apply what is given, in order, then go on until a question, an action, a handoff or the end.

    With nothing given it repeats the pending question: that is how a digression ends. Never raises for what a customer,
    a model or a flow did; a flow that cannot go on ends as `failed` and asks for a human.
    """
    run = _Run(book, facts, state)
    run.begin(epoch)
    for each in given:
        run.take(each)
    run.go_on()
    return Advance(
        state=run.state,
        moves=tuple(run.moves),
        says=tuple(run.says),
        act=run.act,
        handoff=run.handoff,
        gives_up_waiting=run.gives_up_waiting,
    )


class _Broken(Exception):
    """The topmost flow cannot go on."""


@dataclass(slots=True)
class _Run:
    book: Book
    facts: Facts
    state: State
    moves: list[Move] = field(default_factory=list)
    says: list[Message] = field(default_factory=list)
    act: Act | None = None
    handoff: HandoffRequest | None = None
    gives_up_waiting: bool = False
    due: dict[int, str] = field(default_factory=dict)
    """Frame to the step it executes next, where that is not the step it stands at."""
    asked: bool = False
    """The pending question was said in full."""
    started: bool = False
    """A flow was begun by a command: the next one waits."""

    # Helpers

    def move(self, move: Move) -> None:
        self.moves.append(move)
        self.state = fold(self.state, move)

    @property
    def language(self) -> str:
        return self.book.language(self.state, self.facts)

    @property
    def top(self) -> Frame | None:
        return self.state.stack[-1] if self.state.stack else None

    def say(self, key: str, **args: object) -> None:
        self.says.append(say.pattern(self.book, key, self.language, args))

    def flow_of(self, frame: Frame) -> Flow:
        flow = self.book.flows.get(frame.flow)
        if flow is None:
            raise _Broken(f"flow {frame.flow!r} is no longer there")
        return flow

    def look(self, frame: Frame) -> Look:
        return look_up(self.state, frame, self.facts)

    def group(self, frame: Frame) -> tuple[Frame, ...]:
        return frames.group(self.state.stack, frame)

    # What is given

    def begin(self, epoch: int) -> None:
        known = self.facts.get("language")
        if not self.state.language and isinstance(known, str) and known:
            self.move(Spoke(known))
        self.void([offer for offer in self.state.offers if offer.epoch < epoch])

    def take(self, given: Given) -> None:
        match given:
            case Ordered(command=command, source=source):
                self.order(command, source)
            case ActionResult():
                self.finish_action(given)
            case Missed():
                self.miss()
            case Back(how=how):
                self.come_back(how)
            case _:
                assert_never(given)

    def order(self, command: Command, source: CommandSource) -> None:
        if source == "button":
            self.use_offer(slash(command))
        checked = check(command, source, self.book, self.state, self.facts)
        if isinstance(checked, str):
            self.refuse(command, source, checked)
        else:
            self.apply(checked, source)

    def refuse(self, command: Command, source: CommandSource, why: str) -> None:
        self.move(Refused(command, source, why))
        match command:
            case Start() if len(self.state.stack) >= DEEPEST:
                self.say("too_many")
            case Start():
                self.say("cannot")
            case Skip() if self.book.pending(self.state):
                self.say("cannot_skip")
            case _ if source == "button":
                self.say("void")
            case _ if source == "slash":
                self.say("cannot")

    def apply(self, command: Command, source: CommandSource) -> None:
        match command:
            case Set(slot=name, value=value):
                self.set_slot(command, source, name, value)
                return
            case Unset(slot=name):
                self.unset_slot(command, source, name)
                return
        self.move(Applied(command, source))
        match command:
            case Start():
                self.start(command)
            case Cancel(scope=scope):
                self.cancel(scope)
            case Resume(flow=flow):
                self.resume(flow)
            case Clarify(flows=flows):
                self.says.append(say.menu(self.book, self.state, self.facts, "clarify", flows))
            case Skip():
                self.skip()
            case Repeat():
                if self.book.pending(self.state) is None:
                    self.says.append(say.menu(self.book, self.state, self.facts, "what_i_can_do"))
            case Lookup() | Chat():
                pass
            case Human(reason=reason, note=note):
                self.hand_off(reason, note=note)
            case Restart():
                self.restart()
            case Refuse(reason=reason):
                self.say(reason if reason in REFUSALS else "refused")
            case _:
                assert_never(command)

    # Starting and ending flows

    def start(self, command: Start) -> None:
        running = next((frame for frame in self.state.stack if frame.flow == command.flow), None)
        if running is not None:
            self.bring_up(running)
            for name, value in command.slots.items():
                self.set_slot(None, "flow", name, value)
        elif self.started:
            if len(self.state.queue) < MOST_QUEUED:
                self.move(Queued(command))
        else:
            self.started = True
            self.push(command)

    def push(self, command: Start) -> None:
        flow = self.book.flows[command.flow]
        lacks = not guard_holds(flow, self.state, self.facts) and flow.needs in self.book.flows
        if lacks and all(frame.flow != flow.needs for frame in self.state.stack):
            self.move(Queued(command))
            flow, command = self.book.flows[flow.needs], Start(flow.needs)
        frame = Frame(id=self.state.frames + 1, flow=flow.name, version=flow.version)
        self.move(Pushed(frame))
        self.fill_all(frame, flow, command.slots)

    def fill_all(self, frame: Frame, flow: Flow, slots: dict[str, Json]) -> None:
        for name, value in slots.items():
            if name in flow.slots and value is not None:
                self.move(Filled(name, value, _home(frame, flow.slots[name])))

    def cancel(self, scope: Literal["flow", "all", "handoff"]) -> None:
        if scope == "handoff":
            self.gives_up_waiting = True
            return
        while self.state.queue and scope == "all":
            self.move(Dequeued())
        ended = self.state.stack if scope == "all" else self.group(self.top) if self.top else ()
        if not ended:
            self.say("never_mind")
            return
        self.drop(ended, "cancelled")
        self.say("cancelled_after" if any(frame.effects for frame in ended) else "cancelled")
        self.follow_up(ended[-1])

    def drop(self, frames: Iterable[Frame], outcome: str) -> None:
        for frame in reversed(tuple(frames)):
            if frame.asking:
                self.void_answers(frame.asking)
            self.move(Popped(frame.id, outcome))

    def follow_up(self, ended: Frame) -> None:
        """A flow has ended: what was asked for meanwhile begins, else the flow below goes on."""
        if self.state.queue:
            waiting = self.state.queue[0]
            self.move(Dequeued())
            checked = check(waiting, "flow", self.book, self.state, self.facts)
            flow = self.book.flows.get(waiting.flow)
            if isinstance(checked, str) or flow is None or not guard_holds(flow, self.state, self.facts):
                self.refuse(waiting, "flow", checked if isinstance(checked, str) else "its guard does not hold")
                self.follow_up(ended)
            elif isinstance(checked, Start):
                self.push(checked)
            return
        below = self.top
        flow = self.book.flows.get(below.flow) if below else None
        if below and flow and below.asking and ended.asked:
            self.say("resume", flow=flow.title.plain(self.language, {}))

    def resume(self, flow: str) -> None:
        waiting = next((frame for frame in reversed(self.state.stack) if frame.flow == flow), self.top)
        if waiting is not None:
            self.bring_up(waiting)
            self.step_past_handoff()

    def bring_up(self, frame: Frame) -> None:
        group = self.group(frame)
        if self.state.stack[-len(group) :] != group:
            for member in group:
                self.move(Raised(member.id))

    def restart(self) -> None:
        if self.top is None:
            self.says.append(say.greeting(self.book, self.language))
            return
        group = self.group(self.top)
        self.drop(group, "restarted")
        self.say("restarted")
        self.push(Start(group[0].flow))

    def come_back(self, how: How) -> None:
        match how:
            case "resume":
                self.step_past_handoff()
            case "restart":
                if self.top is not None:
                    group = self.group(self.top)
                    self.drop(group, "restarted")
                    self.push(Start(group[0].flow))
            case "free":
                while self.state.queue:
                    self.move(Dequeued())
                self.drop(self.state.stack, "handed_off")
            case _:
                assert_never(how)

    def step_past_handoff(self) -> None:
        frame = self.top
        flow = self.book.flows.get(frame.flow) if frame else None
        step = flow.steps.get(frame.step) if frame and flow else None
        if frame is None or flow is None or not isinstance(step, s.Handoff) or frame.asking:
            return
        asked = [name for name, _ in frame.read if isinstance(flow.steps.get(name), s.Ask)]
        match step.after:
            case "ask" if asked:
                self.due[frame.id] = asked[-1]
            case "end":
                self.pop(frame, "handed_off")
            case _:
                self.due[frame.id] = step.next

    # Slots

    def set_slot(self, command: Set | None, source: CommandSource, name: str, value: Json) -> None:
        home = self.book.home(self.state, name)
        if home is None:
            return
        frame, slot = home
        place = _home(frame, slot)
        values = frame.slots if place else self.state.slots
        is_pending = frame.asking == name
        if not is_pending and (name in values or self.readers(frame, slot)) and values.get(name) != value:
            self.correct(command or Set(name, value), source, frame, slot, value)
            return
        if command is not None:
            self.move(Applied(command, source))
        if is_pending and self.fails_check(frame, name, value):
            self.count_try(frame)
            return
        self.move(Filled(name, value, place))
        if is_pending:
            self.settle(frame)

    def settle(self, frame: Frame) -> None:
        """The frame's question is answered or needs no answer."""
        ask = self.flow_of(frame).steps.get(frame.step) if frame.flow in self.book.flows else None
        self.void_answers(frame.asking)
        self.move(Asked(frame.id, ""))
        if isinstance(ask, s.Ask):
            self.due[frame.id] = ask.next

    def fails_check(self, frame: Frame, name: str, value: Json) -> bool:
        """Says why an answer is not taken."""
        flow = self.book.flows[frame.flow]
        here = self.look(frame)

        def look(other: str) -> Json:
            return value if other == name else here(other)

        for step in flow.asks.get(name, ()):
            for each in step.checks:
                try:
                    if each.refused_if.evaluate(look):
                        self.says.append(say.content(each.say, flow, look, self.language))
                        return True
                except (Unevaluated, Unsayable):
                    continue  # it needs what is not known yet
        return False

    def correct(self, command: Set, source: CommandSource, frame: Frame, slot: Slot, value: Json) -> None:
        """A slot that had a value gets another; what was decided by the old one is decided again."""
        affected = self.readers(frame, slot)
        had = self.look(frame)(slot.name)
        if any(frames.has_effects(each, frames.first_reader(each, slot.name) or 0) for each in affected):
            self.too_late(command, source)
            return
        self.move(Applied(command, source))
        if self.fails_check(frame, slot.name, value):
            return
        self.move(Filled(slot.name, value, _home(frame, slot)))
        if had is not None:
            self.say("changed")
        for each in affected:
            self.rewind(each, frames.first_reader(each, slot.name) or 0, slot.name)

    def readers(self, frame: Frame, slot: Slot) -> list[Frame]:
        """Flows on the stack that passed a step which used the slot."""
        where = self.state.stack if slot.scope == "conversation" else (frame,)
        return [each for each in where if frames.first_reader(each, slot.name) is not None]

    def too_late(self, command: Command, source: CommandSource) -> None:
        self.move(Refused(command, source, "an action with an effect has used the old value"))
        said = say.pattern(self.book, "too_late", self.language)
        person = say.to_a_person(self.book, self.language)
        self.says.append(replace(said, parts=(*said.parts, Choices((person,), look="buttons"))))

    def rewind(self, frame: Frame, kept: int, changed: str) -> None:
        flow = self.flow_of(frame)
        self.drop(frames.called_by(self.state.stack, frame), "corrected")
        touched = {changed}
        for name, reads in frame.read[kept:]:
            if touched.isdisjoint(reads):
                continue
            for written in s.writes(flow.steps.get(name)):
                if written != changed:
                    touched.add(written)
                    self.move(Emptied(written, frame.id))
        if frame.asking:
            self.void_answers(frame.asking)
            self.move(Asked(frame.id, ""))
        self.due.pop(frame.id, None)
        self.move(Rewound(frame.id, frame.read[kept][0], kept))
        self.asked = False

    def unset_slot(self, command: Unset, source: CommandSource, name: str) -> None:
        home = self.book.home(self.state, name)
        if home is None:
            return
        frame, slot = home
        flow = self.book.flows[frame.flow]
        asks = [n for n, (step, _) in enumerate(frame.read) if _asks(flow.steps.get(step), name)]
        if frame.asking != name and asks and frames.has_effects(frame, asks[0]):
            self.too_late(command, source)
            return
        self.move(Applied(command, source))
        self.move(Emptied(name, _home(frame, slot)))
        if frame.asking != name and asks:
            self.rewind(frame, asks[0], name)

    def skip(self) -> None:
        pending = self.book.pending(self.state)
        if pending is None:
            return
        value = self.evaluate(pending.ask.default, self.look(pending.frame)) if pending.ask.default else None
        self.move(Filled(pending.slot.name, value, _home(pending.frame, pending.slot)))
        self.settle(pending.frame)

    def evaluate(self, expression: Expression, look: Look) -> Json:
        """None where it cannot be evaluated."""
        try:
            return expression.evaluate(look)
        except Unevaluated:
            return None

    # Questions

    def miss(self) -> None:
        pending = self.book.pending(self.state)
        if pending is None:
            self.says.append(say.menu(self.book, self.state, self.facts, "what_i_can_do"))
            return
        error = pending.slot.type.error
        if pending.frame.tries + 1 < pending.ask.tries:
            self.say(error if error in self.book.texts else "not_understood")
        self.count_try(pending.frame)

    def count_try(self, frame: Frame) -> None:
        pending = self.book.pending(self.state)
        if pending is None or pending.frame.id != frame.id:
            return
        if frame.tries + 1 < pending.ask.tries:
            self.move(Asked(frame.id, frame.asking, frame.tries + 1))
            return
        stuck = pending.ask.stuck
        self.void_answers(frame.asking)
        self.move(Asked(frame.id, ""))
        self.due[frame.id] = stuck
        if not isinstance(pending.flow.steps.get(stuck), s.Say):
            self.say("stuck")
        if stuck == s.END_STUCK:
            self.pop(frame, "stuck")
            self.hand_off("stuck")

    def use_offer(self, value: str) -> None:
        """A pressed option is used up, and its siblings with it."""
        used = [offer for offer in self.state.offers if offer.value == value]
        groups = {offer.once for offer in used if offer.once}
        self.void([offer for offer in self.state.offers if offer.value == value or offer.once in groups])

    def void_answers(self, slot: str) -> None:
        """The offers of a question that no longer waits, with those beside them."""
        answers = [offer for offer in self.state.offers if offer.value.startswith(f"/set {slot}=")]
        groups = {offer.once for offer in answers} - {""}
        self.void([offer for offer in self.state.offers if offer in answers or offer.once in groups])

    def void(self, offers: Sequence[Offer]) -> None:
        if offers:
            self.move(Voided(tuple([offer.token for offer in offers])))

    # Going on

    def go_on(self) -> None:
        for _ in range(BUDGET):
            frame = self.top
            if self.act or self.handoff or frame is None or self.book.pending(self.state):
                break
            try:
                if frame.asking:
                    raise _Broken(f"the question for {frame.asking!r} is no longer there")
                self.execute(frame)
            except (_Broken, Unevaluated, Unsayable) as error:
                self.give_up(frame, str(error))
        else:
            if self.top is not None and not self.top.asking:
                self.give_up(self.top, f"more than {BUDGET} steps in one turn")
        if not (self.act or self.handoff or self.asked):
            self.repeat_question()

    def execute(self, frame: Frame) -> None:
        flow = self.flow_of(frame)
        name = self.due.pop(frame.id, "") or frame.step or flow.first
        step = flow.steps.get(name)
        if step is None:
            raise _Broken(f"flow {flow.name!r} has no step {name!r} any more")
        if name == frame.step and isinstance(step, s.Handoff | s.Call):
            self.due[frame.id] = step.next
            return
        is_answered = isinstance(step, s.Ask) and self.is_answered(frame, flow, step)
        self.move(Entered(frame.id, name, () if is_answered else step.reads))  # who is not asked has read nothing
        frame = self.state.stack[-1]
        match step:
            case s.Ask() if is_answered:
                self.due[frame.id] = step.next
            case s.Ask():
                self.ask(frame, flow, step)
            case s.Say(content=said):
                self.says.append(say.content(said, flow, self.look(frame), self.language))
                self.due[frame.id] = step.next
            case s.End(outcome=outcome):
                self.pop(frame, outcome)
            case s.When():
                self.due[frame.id] = self.branch(frame, step)
            case s.Do():
                self.do(frame, step)
            case s.Assign():
                self.assign(frame, flow, step)
            case s.Goto():
                self.due[frame.id] = step.next
            case s.Call():
                self.call(frame, step)
            case s.Handoff():
                language = self.book.assistant.language  # the staff's
                args = say.values(step.reads, flow, self.look(frame), language)
                note = step.note.plain(language, args) if step.note else ""
                self.hand_off(step.reason, step.queue, note)
            case _:
                assert_never(step)

    def is_answered(self, frame: Frame, flow: Flow, step: s.Ask) -> bool:
        """Whether the question need not be asked. Says why when an answer given ahead is not taken."""
        values = frame.slots if _home(frame, flow.slots[step.slot]) else self.state.slots
        if step.always or step.slot not in values:
            return False
        return not self.fails_check(frame, step.slot, values[step.slot])

    def ask(self, frame: Frame, flow: Flow, step: s.Ask) -> None:
        slot = flow.slots[step.slot]
        place = _home(frame, slot)
        values = frame.slots if place else self.state.slots
        if slot.name in values:
            self.move(Emptied(slot.name, place))
        self.move(Asked(frame.id, slot.name))
        frame = self.state.stack[-1]
        self.says.append(say.question(self.book, step, flow, self.look(frame), self.language))
        self.asked = True

    def repeat_question(self) -> None:
        pending = self.book.pending(self.state)
        if pending is None:
            return
        try:
            self.says.append(
                say.question(self.book, pending.ask, pending.flow, self.look(pending.frame), self.language, short=True)
            )
        except (Unevaluated, Unsayable) as error:
            self.give_up(pending.frame, str(error))

    def branch(self, frame: Frame, step: s.When) -> str:
        value = step.condition.evaluate(self.look(frame))
        if step.cases:
            spelled = str(value).lower() if isinstance(value, bool) else str(value)
            return step.cases.get(spelled, step.next)
        return step.then if value else step.next

    def assign(self, frame: Frame, flow: Flow, step: s.Assign) -> None:
        for name, expression in step.values.items():
            value = expression.evaluate(self.look(self.state.stack[-1]))
            place = _home(frame, flow.slots[name])
            self.move(Emptied(name, place) if value is None else Filled(name, value, place))
        self.due[frame.id] = step.next

    def call(self, frame: Frame, step: s.Call) -> None:
        flow = self.book.flows.get(step.flow)
        if flow is None:
            raise _Broken(f"flow {step.flow!r} is no longer there")
        if len(self.state.stack) >= DEEPEST:
            raise _Broken(f"more than {DEEPEST} flows on the stack")
        look = self.look(frame)
        slots = {name: expression.evaluate(look) for name, expression in step.args.items()}
        called = Frame(id=self.state.frames + 1, flow=flow.name, version=flow.version, caller=frame.id, into=step.into)
        self.move(Pushed(called))
        self.fill_all(called, flow, slots)

    def pop(self, frame: Frame, outcome: str) -> None:
        self.move(Popped(frame.id, outcome))
        caller = frames.of_id(self.state.stack, frame.caller) if frame.caller else None
        if caller is None:
            self.follow_up(frame)
            return
        if frame.into:
            self.move(Filled(frame.into, {**frame.slots, "outcome": outcome}, caller.id, result=True))
        step = self.flow_of(caller).steps.get(caller.step)
        if isinstance(step, s.Call):
            self.due[caller.id] = step.next

    # Actions and people

    def do(self, frame: Frame, step: s.Do) -> None:
        look = self.look(frame)
        args = {name: expression.evaluate(look) for name, expression in step.args.items()}
        self.act = Act(
            key=_key(frame, step, args),
            frame=frame.id,
            step=step.id,
            action=step.action,
            args=args,
            effect=step.effect,
            timeout=step.timeout,
        )

    def finish_action(self, given: ActionResult) -> None:
        frame = self.top
        flow = self.book.flows.get(frame.flow) if frame else None
        step = flow.steps.get(frame.step) if frame and flow else None
        if frame is None or not isinstance(step, s.Do) or not given.key.startswith(_pass(frame, step)):
            return  # of a turn that has moved on
        failed = bool(given.error) or given.unknown
        self.move(Did(frame.id, step.id, step.action, step.effect, ok=not failed))
        if not failed:
            if step.into:
                self.move(Filled(step.into, given.result, frame.id, result=True))
            self.due[frame.id] = step.next
        elif not given.unknown and frames.times_entered(frame, step.id) <= step.retry:
            self.due[frame.id] = step.id
        elif not given.unknown and step.fails != s.END_FAILED:
            self.due[frame.id] = step.fails
        else:
            self.say("failed")
            self.drop(self.group(frame), "failed")
            self.hand_off("action_failed", note=f"{step.action}: {given.error}")

    def hand_off(self, reason: HandoffReason, queue: str = "", note: str = "") -> None:
        self.handoff = HandoffRequest(reason=reason, queue=queue or self.book.assistant.queue, note=note)

    def give_up(self, frame: Frame, why: str) -> None:
        self.drop(self.group(frame), "failed")
        self.say("failed")
        self.hand_off("error", note=f"flow {frame.flow!r}: {why}")


def _home(frame: Frame, slot: Slot) -> int:
    """Where a slot's value lies: in its frame, or 0 in the conversation."""
    return 0 if slot.scope == "conversation" else frame.id


def _asks(step: s.Step | None, slot: str) -> bool:
    return isinstance(step, s.Ask) and step.slot == slot


def _key(frame: Frame, step: s.Do, args: dict[str, Json]) -> str:
    inputs = hashlib.blake2b(msgspec.json.encode(args, order="sorted"), digest_size=8).hexdigest()
    return f"{_pass(frame, step)}{inputs}"


def _pass(frame: Frame, step: s.Do) -> str:
    return f"{frame.id}.{step.id}.{frame.passes}."
