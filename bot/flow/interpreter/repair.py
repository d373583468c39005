"""What a conversation does that does not follow its script: changes of mind, misses, returns."""

from __future__ import annotations

from typing import Literal, assert_never

from msgspec.structs import replace

from bot.commands import DEEPEST, MOST_QUEUED, check, guard_holds
from bot.flow import frames, say
from bot.flow import steps as s
from bot.flow.book import Slot
from bot.flow.interpreter import stack, verbs
from bot.flow.interpreter.run import Run, place_of
from bot.model import (
    Applied,
    Asked,
    Choices,
    Command,
    CommandSource,
    Dequeued,
    Emptied,
    Filled,
    Frame,
    How,
    Json,
    Queued,
    Refused,
    Rewound,
    Set,
    Skip,
    Start,
    Unset,
    Verdict,
)

CUSTOMERS: tuple[CommandSource, ...] = ("button", "slash", "rule", "answer", "example", "model")
"""Sources that speak for the customer."""


def set_slot(run: Run, command: Set | None, source: CommandSource, name: str, value: Json) -> None:
    home = run.book.home(run.state, name)
    if home is None:
        return
    frame, slot = home
    values = run.values(frame, slot)
    is_pending = frame.asking == name
    if not is_pending and (name in values or readers(run, frame, slot)) and values.get(name) != value:
        correct(run, command or Set(name, value), source, frame, slot, value)
        return
    if command is not None:
        run.move(Applied(command, source))
    if is_pending and verbs.fails_check(run, frame, name, value):
        count_try(run, frame)
        return
    run.move(Filled(name, value, place_of(frame, slot)))
    if is_pending:
        settle(run, frame)


def settle(run: Run, frame: Frame) -> None:
    """The frame's question is answered or needs no answer."""
    flow = run.book.flow_of(frame)
    ask = flow.steps.get(frame.step) if flow else None
    run.void_answers(frame.asking)
    run.move(Asked(frame.id, ""))
    if isinstance(ask, s.Ask):
        run.due[frame.id] = ask.next


def correct(run: Run, command: Set, source: CommandSource, frame: Frame, slot: Slot, value: Json) -> None:
    """A slot that had a value gets another; what was decided by the old one is decided again."""
    affected = readers(run, frame, slot)
    had = run.look(frame)(slot.name)
    if any(frames.has_effects(each, frames.first_reader(each, slot.name) or 0) for each in affected):
        too_late(run, command, source)
        return
    run.move(Applied(command, source))
    if verbs.fails_check(run, frame, slot.name, value):
        return
    run.move(Filled(slot.name, value, place_of(frame, slot)))
    if had is not None:
        run.say("changed")
    for each in affected:
        rewind(run, each, frames.first_reader(each, slot.name) or 0, slot.name)


def readers(run: Run, frame: Frame, slot: Slot) -> list[Frame]:
    """Flows on the stack that passed a step which used the slot."""
    where = run.state.stack if slot.scope == "conversation" else (frame,)
    return [each for each in where if frames.first_reader(each, slot.name) is not None]


def too_late(run: Run, command: Command, source: CommandSource) -> None:
    run.move(Refused(command, source, "an action with an effect has used the old value"))
    said = say.pattern(run.book, "too_late", run.language)
    person = say.to_a_person(run.book, run.language)
    run.says.append(replace(said, parts=(*said.parts, Choices((person,), look="buttons"))))


def rewind(run: Run, frame: Frame, kept: int, changed: str) -> None:
    flow = run.flow_of(frame)
    stack.drop(run, frames.called_by(run.state.stack, frame), "corrected")
    touched = {changed}
    for name, reads in frame.read[kept:]:
        if touched.isdisjoint(reads):
            continue
        for written in s.writes(flow.steps.get(name)):
            if written != changed:
                touched.add(written)
                run.move(Emptied(written, frame.id))
    if frame.asking:
        run.void_answers(frame.asking)
        run.move(Asked(frame.id, ""))
    run.due.pop(frame.id, None)
    run.move(Rewound(frame.id, frame.read[kept][0], kept))
    run.asked = False


def unset_slot(run: Run, command: Unset, source: CommandSource, name: str) -> None:
    home = run.book.home(run.state, name)
    if home is None:
        return
    frame, slot = home
    flow = run.flow_of(frame)
    asks = [n for n, (step, _) in enumerate(frame.read) if _asks(flow.steps.get(step), name)]
    if frame.asking != name and asks and frames.has_effects(frame, asks[0]):
        too_late(run, command, source)
        return
    run.move(Applied(command, source))
    run.move(Emptied(name, place_of(frame, slot)))
    if frame.asking != name and asks:
        rewind(run, frame, asks[0], name)


def skip(run: Run) -> None:
    pending = run.book.pending(run.state)
    if pending is None:
        return
    value = verbs.evaluate(run, pending.ask.default, run.look(pending.frame)) if pending.ask.default else None
    run.move(Filled(pending.slot.name, value, place_of(pending.frame, pending.slot)))
    settle(run, pending.frame)


def miss(run: Run) -> None:
    pending = run.book.pending(run.state)
    if led := run.book.led(run.state):
        verbs.leave_agent(run, led[0], led[1].alone)  # there is no model that could lead
        return
    if pending is None:
        run.says.append(say.menu(run.book, run.state, run.facts, "what_i_can_do"))
        return
    error = pending.slot.type.error
    if pending.frame.tries + 1 < pending.ask.tries:
        run.say(error if error in run.book.texts else "not_understood")
    count_try(run, pending.frame)


def count_try(run: Run, frame: Frame) -> None:
    pending = run.book.pending(run.state)
    if pending is None or pending.frame.id != frame.id:
        return
    if frame.tries + 1 < pending.ask.tries:
        run.move(Asked(frame.id, frame.asking, frame.tries + 1))
        return
    stuck = pending.ask.stuck
    run.void_answers(frame.asking)
    run.move(Asked(frame.id, ""))
    run.due[frame.id] = stuck
    if not isinstance(pending.flow.steps.get(stuck), s.Say):
        run.say("stuck")
    if stuck == s.END_STUCK:
        stack.pop(run, frame, "stuck")
        run.hand_off("stuck")


def cancel(run: Run, scope: Literal["flow", "all", "handoff"]) -> None:
    if scope == "handoff":
        run.gives_up_waiting = True
        return
    while run.state.queue and scope == "all":
        run.move(Dequeued())
    ended = run.state.stack if scope == "all" else run.group(run.top) if run.top else ()
    if not ended:
        run.say("never_mind")
        return
    stack.drop(run, ended, "cancelled")
    run.say("cancelled_after" if any(frame.effects for frame in ended) else "cancelled")
    run.ended = ended[-1]


def follow_up(run: Run) -> None:
    """A flow has ended: what was asked for meanwhile begins, else the flow below goes on."""
    ended, run.ended = run.ended, None
    while run.state.queue:
        waiting = run.state.queue[0]
        run.move(Dequeued())
        checked = check(waiting, "flow", run.book, run.state, run.facts)
        flow = run.book.flows.get(waiting.flow)
        if isinstance(checked, str) or flow is None or not guard_holds(flow, run.state, run.facts):
            refuse(run, waiting, "flow", checked if isinstance(checked, str) else "its guard does not hold")
        elif isinstance(checked, Start):
            stack.push(run, checked)
            return
    below = run.top
    flow = run.book.flow_of(below) if below else None
    if ended and below and flow and below.asking and ended.asked:
        run.say("resume", flow=flow.title.plain(run.language, {}))


def resume(run: Run, flow: str) -> None:
    waiting = next((frame for frame in reversed(run.state.stack) if frame.flow == flow), run.top)
    if waiting is not None:
        stack.bring_up(run, waiting)
        step_past_handoff(run)


def restart(run: Run) -> None:
    if run.top is None:
        run.says.append(say.greeting(run.book, run.language))
        return
    group = run.group(run.top)
    stack.drop(run, group, "restarted")
    run.say("restarted")
    stack.push(run, Start(group[0].flow))


def come_back(run: Run, how: How, verdict: Verdict = "") -> None:
    match how:
        case "resume":
            step_past_handoff(run, verdict)
        case "restart":
            if run.top is not None:
                group = run.group(run.top)
                stack.drop(run, group, "restarted")
                stack.push(run, Start(group[0].flow))
        case "free":
            while run.state.queue:
                run.move(Dequeued())
            stack.drop(run, run.state.stack, "handed_off")
        case _:
            assert_never(how)


def step_past_handoff(run: Run, verdict: Verdict = "") -> None:
    frame = run.top
    flow = run.book.flow_of(frame) if frame else None
    step = flow.steps.get(frame.step) if frame and flow else None
    if frame is not None and isinstance(step, s.Do) and step.approve and frame.id not in run.due:
        verbs.judged(run, frame, step, verdict)
        return
    if frame is None or flow is None or not isinstance(step, s.Handoff) or frame.asking:
        return
    asked = [name for name, _ in frame.read if isinstance(flow.steps.get(name), s.Ask)]
    match step.after:
        case "ask" if asked:
            run.due[frame.id] = asked[-1]
        case "end":
            stack.pop(run, frame, "handed_off")
        case _:
            run.due[frame.id] = step.next


def start(run: Run, command: Start, source: CommandSource) -> None:
    running = next((frame for frame in run.state.stack if frame.flow == command.flow), None)
    if running is not None:
        stack.bring_up(run, running)
        for name, value in command.slots.items():
            set_slot(run, None, "flow", name, value)
    elif run.started:
        queue(run, command)
    elif source in CUSTOMERS and (pending := run.book.pending(run.state)) and pending.ask.interrupt != "allow":
        run.say("later" if pending.ask.interrupt == "queue" else "too_many")
        if pending.ask.interrupt == "queue":
            queue(run, command)
    else:
        run.started = True
        stack.push(run, command)


def queue(run: Run, command: Start) -> None:
    if len(run.state.queue) < MOST_QUEUED:
        run.move(Queued(command))


def refuse(run: Run, command: Command, source: CommandSource, why: str) -> None:
    run.move(Refused(command, source, why))
    match command:
        case Start() if len(run.state.stack) >= DEEPEST:
            run.say("too_many")
        case Start():
            run.say("cannot")
        case Skip() if run.book.pending(run.state):
            run.say("cannot_skip")
        case _ if source == "button":
            run.say("void")
        case _ if source == "slash":
            run.say("cannot")


def _asks(step: s.Step | None, slot: str) -> bool:
    return isinstance(step, s.Ask) and step.slot == slot
