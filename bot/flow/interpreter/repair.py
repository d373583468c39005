"""What a conversation does that does not follow its script: changes of mind, misses, returns."""

from __future__ import annotations

from typing import Literal, assert_never, cast

from msgspec.structs import replace

from bot.commands import DEEPEST, LANGUAGE, MOST_QUEUED, check, guard_holds, picked
from bot.flow import frames, say
from bot.flow import steps as s
from bot.flow.book import Slot
from bot.flow.fold import fold
from bot.flow.interpreter import patterns, stack, verbs, waits
from bot.flow.interpreter.given import Act, ActionResult
from bot.flow.interpreter.run import Run, place_of
from bot.flow.patterns import PERSON, UNDO
from bot.flow.question import hearing_of
from bot.model import (
    Applied,
    Asked,
    Cancel,
    Clarify,
    Command,
    CommandSource,
    Dequeued,
    Did,
    Emptied,
    Filled,
    Frame,
    HandoffReason,
    How,
    Human,
    Json,
    Picked,
    Popped,
    Queued,
    Refused,
    Reopened,
    Resume,
    Rewound,
    Set,
    Skip,
    Spoke,
    Start,
    Unset,
    Verdict,
)

CUSTOMERS: tuple[CommandSource, ...] = ("button", "slash", "rule", "answer", "example", "model")
"""Sources that speak for the customer."""


def set_slot(run: Run, command: Set | None, source: CommandSource, name: str, value: Json) -> None:
    home = run.book.home(run.state, name)
    if home is None:
        if command is not None and name == LANGUAGE and not run.book.ended(run.state, name):
            speak(run, command, source, str(value))
        elif command is not None:
            take_up(run, command, source, value)
        return
    frame, slot = home
    is_pending = frame.asking == name
    if is_pending and command is not None and slot.type.name == "multi_choice" and isinstance(value, str):
        pick(run, command, source, frame, slot)  # its answers are lists
        return
    if not is_pending:
        frame, slot = origin(run, frame, slot)
        name = slot.name
    values = run.values(frame, slot)
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


def pick(run: Run, command: Set, source: CommandSource, frame: Frame, slot: Slot) -> None:
    """One more of several answers, or one less: the question stays until the customer is done, or has all of them."""
    hearing = hearing_of(run.book, run.state, slot, run.facts)
    adds, values = picked(slot, command.value, hearing) or (True, ())
    known = [option.value for option in hearing.options]
    chosen = [each for each in known if (each in frame.picked and each not in values) or (adds and each in values)]
    if adds and len(chosen) == len(known):
        set_slot(run, replace(command, value=[*chosen]), source, slot.name, [*chosen])
        return
    run.move(Applied(command, source))
    run.void_answers(slot.name)
    run.move(Picked(frame.id, tuple(chosen)))
    verbs.repeat_question(run)
    run.asked = True


def origin(run: Run, frame: Frame, slot: Slot) -> tuple[Frame, Slot]:
    """Where a value was said that a flow was called with, and which is still the same: there it is corrected."""
    caller = frames.of_id(run.state.stack, frame.caller) if frame.caller else None
    flow = run.book.flow_of(caller) if caller else None
    step = flow.steps.get(caller.step) if caller and flow else None
    given = step.args.get(slot.name) if isinstance(step, s.Call) else None
    above = flow.slots.get(given.source) if flow and given else None
    if caller is None or above is None or run.look(caller)(above.name) != run.look(frame)(slot.name):
        return frame, slot
    return origin(run, caller, above)


def speak(run: Run, command: Set, source: CommandSource, language: str) -> None:
    """On request: it stays so until the next request."""
    run.move(Applied(command, source))
    run.move(Spoke(language))
    run.say("language_now")
    run.in_full = True


def settle(run: Run, frame: Frame) -> None:
    """The frame's question is answered or needs no answer."""
    flow = run.book.flow_of(frame)
    ask = flow.steps.get(frame.step) if flow else None
    run.void_answers(frame.asking)
    run.move(Asked(frame.id, ""))
    if isinstance(ask, s.Ask):
        run.due[frame.id] = ask.next


# Corrections


def correct(run: Run, command: Set, source: CommandSource, frame: Frame, slot: Slot, value: Json) -> None:
    """A slot that had a value gets another; what was decided by the old one is decided again."""
    affected = readers(run, frame, slot)
    if any(has_effects(run, each, frames.first_reader(each, slot.name) or 0) for each in affected):
        too_late(run, command, source, frame, slot, value)
        return
    run.move(Applied(command, source))
    change(run, frame, slot, value)


def change(run: Run, frame: Frame, slot: Slot, value: Json) -> None:
    if verbs.fails_check(run, frame, slot.name, value):
        return
    affected, had = readers(run, frame, slot), run.look(frame)(slot.name)
    run.move(Filled(slot.name, value, place_of(frame, slot)))
    for each in affected:
        rewind(run, each, frames.first_reader(each, slot.name) or 0, slot.name)
    if had is not None:
        patterns.play(run, "correct", slot=slot.name, old=had, value=value)


def readers(run: Run, frame: Frame, slot: Slot) -> list[Frame]:
    """Flows on the stack that passed a step which used the slot."""
    where = (frame,) if place_of(frame, slot) == frame.id else run.state.stack
    return [each for each in where if frames.first_reader(each, slot.name) is not None]


def has_effects(run: Run, frame: Frame, since: int) -> bool:
    """Whether an action with an effect has run since that step, in the flow or in those it has called since."""
    return bool(
        frames.effects_since(frame, since) or any(each.effects for each in frames.called_by(run.state.stack, frame))
    )


def rewind(run: Run, frame: Frame, kept: int, changed: str) -> None:
    stack.drop(run, frames.called_by(run.state.stack, frame), "corrected")
    for name in depending(run, frame, kept, changed):
        run.move(Emptied(name, frame.id))
    if frame.asking:
        run.void_answers(frame.asking)
        run.move(Asked(frame.id, ""))
    run.due.pop(frame.id, None)
    run.move(Rewound(frame.id, frame.read[kept][0], kept))
    run.asked = False


def depending(run: Run, frame: Frame, since: int, changed: str) -> list[str]:
    """What was decided by a slot's value since one of the steps it passed, in order."""
    flow, touched = run.flow_of(frame), {changed: None}
    for name, reads in frame.read[since:]:
        if not touched.keys().isdisjoint(reads):
            touched |= dict.fromkeys(s.writes(flow.steps.get(name)))
    return [name for name in touched if name != changed]


def unset_slot(run: Run, command: Unset, source: CommandSource, name: str) -> None:
    home = run.book.home(run.state, name)
    if home is None:
        take_up(run, command, source, None)
        return
    frame, slot = home
    since = asked_since(run, frame, name)
    if frame.asking != name and since is not None and has_effects(run, frame, since):
        too_late(run, command, source, frame, slot, None)
        return
    run.move(Applied(command, source))
    empty(run, frame, slot)


def empty(run: Run, frame: Frame, slot: Slot) -> None:
    """A value that was wrong is asked for again, where it was asked for before."""
    had, since = run.look(frame)(slot.name), asked_since(run, frame, slot.name)
    run.move(Emptied(slot.name, place_of(frame, slot)))
    if frame.asking == slot.name:
        return
    if since is not None:
        rewind(run, frame, since, slot.name)
    elif had is not None:
        patterns.play(run, "correct", slot=slot.name, old=had, value=None)


def asked_since(run: Run, frame: Frame, name: str) -> int | None:
    """From which of the steps it passed the flow is to go again when a slot is emptied. None: it was not asked yet."""
    flow = run.flow_of(frame)
    asked = [at for at, (step, _) in enumerate(frame.read) if _asks(flow.steps.get(step), name)]
    used = frames.first_reader(frame, name)
    return min(asked[0], asked[0] if used is None else used) if asked else None


# What has ended already


def take_up(run: Run, command: Set | Unset, source: CommandSource, value: Json) -> None:
    """The flow that ended last goes on from where the slot was first used, or tells what it has done for good."""
    found = run.book.ended(run.state, command.slot)
    if found is None:
        return
    frame, slot = found
    if value is not None and verbs.fails_check(run, frame, slot.name, value):
        run.move(Applied(command, source))
        return
    then = Run(run.book, run.facts, fold(run.state, Reopened(frame.id)))
    since = used_since(run, frame, slot.name)
    users = [each for each in readers(then, frame, slot) if each.id != frame.id]
    late = bool(frames.effects_since(frame, since or 0)) or any(has_effects(then, each, 0) for each in users)
    if not late:
        run.move(Applied(command, source))
        run.move(Reopened(frame.id))
        empty(run, frame, slot) if value is None else change(run, frame, slot, value)
    elif undoing(then, frame, slot) is not None:
        run.move(Reopened(frame.id))
        if too_late(run, command, source, frame, slot, value, ended=True):
            leave(run)
    else:
        too_late(run, command, source, frame, slot, value, ended=True, options=anew(run, frame, slot, value))


def anew(run: Run, frame: Frame, slot: Slot, value: Json) -> list[Json]:
    """To do all of it once more, with the other answers as they were, or to ask a person."""
    flow, since = run.flow_of(frame), used_since(run, frame, slot.name) or 0
    dropped = {slot.name, *depending(run, frame, since, slot.name)}
    kept = {name: had for name, had in frame.slots.items() if name in flow.asks and name not in dropped}
    own: dict[str, Json] = {} if value is None else {slot.name: value}
    again = Start(frame.flow, {**kept, **own})
    if isinstance(check(again, "button", run.book, run.state, run.facts), str):
        again = Start(frame.flow, own)
    words = run.book.texts.plain("do_again", run.language), run.book.texts.plain("talk_to_human", run.language)
    return [say.listed(words[0], again), say.listed(words[1], Human())]


def leave(run: Run) -> None:
    """What was opened again for a correction that is not made has ended as before."""
    frame = run.top
    flow = run.book.flow_of(frame) if frame and not frame.pattern else None
    if frame and flow and isinstance(flow.steps.get(frame.step), s.End) and frames.is_at(frame, frame.step):
        run.move(Popped(frame.id, "kept", reopens=True))


def used_since(run: Run, frame: Frame, name: str) -> int | None:
    """From which of the steps it passed a flow has gone by a slot's value. None: from nowhere."""
    places = (frames.first_reader(frame, name), asked_since(run, frame, name))
    return min((at for at in places if at is not None), default=None)


# What can no longer be changed


def too_late(
    run: Run,
    command: Set | Unset,
    source: CommandSource,
    frame: Frame,
    slot: Slot,
    value: Json,
    *,
    ended: bool = False,
    options: list[Json] | None = None,
) -> bool:
    """What was done with the old value is undone first, if the customer wants that; or a human looks into it.

    Whether nothing of it is left to be asked. `options`: what can be done instead, where the flow has ended.
    """
    run.move(Refused(command, source, "an action with an effect has used the old value"))
    users = readers(run, frame, slot)
    called = frames.called_by(run.state.stack, frame)
    done = [each for each in run.state.stack if each in users or each in called]
    return patterns.play(
        run,
        "too_late",
        slot=slot.name,
        old=run.look(frame)(slot.name),
        value=value,
        done=say.done(run.book, [frame, *(each for each in done if each != frame)], run.look, run.language),
        can_undo=options is None and undoing(run, frame, slot) is not None,
        ended=ended,
        options=options or [],
    )


def undoing(run: Run, frame: Frame, slot: Slot) -> list[Act] | None:
    """What undoes all that was done with a slot's value, last one first, without keys. None: some of it stays."""
    users = readers(run, frame, slot)
    affected = [each for each in run.state.stack if each.effects and (each == frame or each in users)]
    since = used_since(run, frame, slot.name)
    called = frames.called_by(run.state.stack, frame)
    if affected != [frame] or since is None or any(each.effects for each in called):
        return None
    steps = frames.effects_since(frame, since)
    acts = [verbs.undo(run, frame, step) for step in reversed(steps)]
    return None if None in acts or len(set(steps)) < len(steps) else [act for act in acts if act]


def takes_back(run: Run, frame: Frame) -> bool:
    """Whether it is a `too_late` that has decided to undo what was done."""
    flow = run.book.flow_of(frame)
    step = flow.steps.get(frame.step) if flow else None
    return frame.pattern and frame.flow == "too_late" and isinstance(step, s.End) and step.outcome == UNDO


def take_back(run: Run, pattern: Frame) -> None:
    """Undo the next thing; when all of it is undone, the change goes through."""
    name, value = str(pattern.results["slot"]), pattern.results["value"]
    below = replace(run.state, stack=run.state.stack[: run.state.stack.index(pattern)])
    home = run.book.home(below, name)
    acts = undoing(run, *home) if home else None
    if home is None or acts is None:
        stack.drop(run, [pattern], "kept")
        leave(run)
        return
    todo = [act for act in acts if act.step not in pattern.effects]
    if todo:
        run.act = replace(todo[0], frame=pattern.id, key=verbs.key_of(pattern, todo[0].step, todo[0].args))
        return
    stack.drop(run, [pattern], UNDO)
    if value is None:
        empty(run, *home)
    else:
        change(run, *home, value)


def taken_back(run: Run, pattern: Frame, given: ActionResult) -> None:
    frame, step, *_ = given.key.split(".")
    if frame != str(pattern.id):
        return  # of a turn that has moved on
    home = run.book.home(run.state, str(pattern.results["slot"]))
    flow = run.book.flow_of(home[0]) if home else None
    done = flow.steps.get(step) if flow else None
    if not isinstance(done, s.Do):
        return
    action = run.book.actions[run.book.actions[done.action].undo]
    failed = bool(given.error) or given.unknown
    run.move(Did(pattern.id, step, action.name, action.effect, ok=not failed))
    if failed:
        stack.drop(run, [pattern], "failed")
        leave(run)
        patterns.play(run, "error", reason="failed")
        run.hand_off("action_failed", note=f"{action.name}: {given.error}")


# Questions


def skip(run: Run) -> None:
    pending = run.book.pending(run.state)
    if pending is None:
        return
    value = verbs.evaluate(run, pending.ask.default, run.look(pending.frame)) if pending.ask.default else None
    run.move(Filled(pending.slot.name, value, place_of(pending.frame, pending.slot)))
    settle(run, pending.frame)
    patterns.play(run, "skip", slot=pending.slot.name, refused=False)


def clarify(run: Run, flows: tuple[str, ...]) -> None:
    patterns.play(run, "clarify", options=menu(run, flows), close=bool(flows), times=run.state.clarified)


def menu(run: Run, flows: tuple[str, ...] = ()) -> list[Json]:
    return say.menu(run.book, run.state, run.facts, flows)


def miss(run: Run) -> None:
    pending = run.book.pending(run.state)
    if led := run.book.led(run.state):
        verbs.leave_agent(run, led[0], led[1].alone)  # there is no model that could lead
        return
    if pending is None:
        run.move(Applied(Clarify(), "rule"))
        clarify(run, ())
    else:
        count_try(run, pending.frame, says=True)


def count_try(run: Run, frame: Frame, *, says: bool = False) -> None:
    """`says`: what an answer must look like, where nobody has told yet."""
    pending = run.book.pending(run.state)
    if pending is None or pending.frame.id != frame.id:
        return
    tries, left = frame.tries + 1, max(0, pending.ask.tries - frame.tries - 1)
    told = pending.slot.type.error
    error = run.book.texts.plain(told if told in run.book.texts else "not_understood", run.language)
    about: dict[str, Json] = {"slot": pending.slot.name, "tries": tries, "left": left, "error": error}
    if left:
        run.move(Asked(frame.id, frame.asking, tries))
        if says:
            patterns.play(run, "stuck", **about)
        return
    stuck = pending.ask.stuck
    run.void_answers(frame.asking)
    run.move(Asked(frame.id, ""))
    run.due[frame.id] = stuck
    if not isinstance(pending.flow.steps.get(stuck), s.Say) and not frame.pattern:
        patterns.play(run, "stuck", **about)
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
    flows = [frame for frame in ended if not frame.pattern]
    title = run.book.title(flows[0], run.language) if flows else ""
    done = say.done(run.book, flows, run.look, run.language)
    stack.drop(run, ended, "cancelled")
    patterns.play(run, "cancel", flow=title, done=done)
    if ended:
        run.ended, run.outcome = ended[0], "cancelled"


def follow_up(run: Run) -> None:
    """A flow has ended: what was asked for meanwhile begins, else the flow below goes on."""
    ended, outcome, run.ended = run.ended, run.outcome, None
    if ended and ended.pattern:
        follow_pattern(run, ended, outcome)
        if run.handoff or run.state.stack:
            return
    if begin_next(run):
        return
    if not run.state.stack:
        if ended and not ended.pattern and outcome not in ("failed", "stuck", "handed_off"):
            patterns.play(run, "end", flow=run.book.title(ended, run.language), outcome=outcome)
        return
    if ended and ended.asked:
        offer_to_resume(run)


def follow_pattern(run: Run, ended: Frame, outcome: str) -> None:
    if ended.flow == "too_late":
        leave(run)
    if outcome == PERSON:
        run.hand_off(patterns.reason_of(ended))
    elif ended.flow == "handoff" and outcome == "done":
        run.hand_off(cast(HandoffReason, ended.results["reason"]), note=str(ended.results["note"]))


def human(run: Run, reason: HandoffReason, note: str) -> None:
    """The pattern `handoff` comes first, and may end otherwise."""
    if patterns.play(run, "handoff", reason=reason, note=note) and run.outcome == "done":
        run.hand_off(reason, note=note)


def begin_next(run: Run) -> bool:
    """The first of the requests that wait and may begin now."""
    while run.state.queue:
        waiting = run.state.queue[0]
        run.move(Dequeued())
        checked = check(waiting, "flow", run.book, run.state, run.facts)
        flow = run.book.flows.get(waiting.flow)
        if isinstance(checked, str) or flow is None or not guard_holds(flow, run.state, run.facts):
            refuse(run, waiting, "flow", checked if isinstance(checked, str) else "its guard does not hold")
        elif isinstance(checked, Start):
            stack.push(run, checked)
            return True
    return False


def offer_to_resume(run: Run) -> None:
    """Where one flow waits it goes on; of several the customer chooses one."""
    top = run.top
    flow = run.book.flow_of(top) if top else None
    if top is None or flow is None or top.pattern or top.id in run.due:
        return
    if not isinstance(flow.steps.get(top.step), s.Ask):
        return
    waiting = list(dict.fromkeys(run.group(frame)[0].id for frame in reversed(run.state.stack) if not frame.pattern))
    roots = [frame for at in waiting if (frame := frames.of_id(run.state.stack, at))]
    title = run.book.title(roots[0], run.language)
    options = (
        []
        if len(roots) < 2
        else [
            *(say.listed(run.book.title(each, run.language), Resume(each.flow)) for each in roots),
            say.listed(run.book.texts.plain("leave_all", run.language), Cancel("all")),
        ]
    )
    if patterns.play(run, "resume", flow=title, options=options) and options:
        if top.asking:
            run.move(Asked(top.id, ""))  # its question is not what the customer is asked now
        run.choosing = True


def resume(run: Run, flow: str) -> None:
    waiting = frames.running(run.state.stack, flow) if flow else run.top
    if waiting is not None and not said_to_go_on(run, waiting):
        stack.bring_up(run, waiting)
        step_past_handoff(run)


def restart(run: Run) -> None:
    if begin_again(run, "restarted"):
        return
    run.says.append(say.greeting(run.book, run.language))


def begin_again(run: Run, said: str = "") -> bool:
    """Whether there was a flow to begin again; what the engine has started above it is over."""
    while run.top and run.group(run.top)[0].pattern:
        stack.drop(run, run.group(run.top), "restarted")
    if run.top is None:
        return False
    group = run.group(run.top)
    stack.drop(run, group, "restarted")
    again = Start(group[0].flow)
    if isinstance(why := check(again, "flow", run.book, run.state, run.facts), str):
        refuse(run, again, "flow", why)
        return True
    if said:
        run.say(said)
    stack.push(run, again)
    return True


def come_back(run: Run, how: How, verdict: Verdict = "", step: str = "", *, withdrawn: bool = False) -> None:
    """`withdrawn`: the customer waits for nobody any more, also not for a verdict."""
    if withdrawn and awaits_verdict(run):
        cancel(run, "flow")
        return
    match how:
        case "step":
            jump(run, step)
        case "resume":
            step_past_handoff(run, verdict)
        case "restart":
            begin_again(run)
        case "free":
            while run.state.queue:
                run.move(Dequeued())
            stack.drop(run, run.state.stack, "handed_off")
        case _:
            assert_never(how)
    if not run.state.stack:
        begin_next(run)


def awaits_verdict(run: Run) -> bool:
    """Whether the topmost flow stands at an action that waits for approval."""
    frame = run.top
    flow = run.book.flow_of(frame) if frame else None
    step = flow.steps.get(frame.step) if frame and flow else None
    return frame is not None and isinstance(step, s.Do) and step.approve is not None and frame.id not in run.due


def jump(run: Run, step: str) -> None:
    """To a step of the topmost flow that has it; what it has called ends, what the step asks for is asked."""
    found = ((each, run.book.flow_of(each)) for each in reversed(run.state.stack))
    frame = next((each for each, flow in found if flow and step in flow.steps), None)
    if frame is None:
        step_past_handoff(run)
        return
    stack.bring_up(run, frame)
    stack.drop(run, frames.called_by(run.state.stack, frame), "jumped")
    waits.call_off(run, frame, "wait")
    waits.call_off(run, frame, "approval")
    if frame.asking:
        run.void_answers(frame.asking)
        run.move(Asked(frame.id, ""))
    flow = run.flow_of(frame)
    ask = flow.steps[step]
    if isinstance(ask, s.Ask) and ask.slot in run.values(frame, flow.slots[ask.slot]):
        run.move(Emptied(ask.slot, place_of(frame, flow.slots[ask.slot])))
    run.due[frame.id] = step


def step_past_handoff(run: Run, verdict: Verdict = "") -> None:
    frame = run.top
    flow = run.book.flow_of(frame) if frame else None
    step = flow.steps.get(frame.step) if frame and flow else None
    if frame is not None and isinstance(step, s.Do) and awaits_verdict(run):
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
    running = frames.running(run.state.stack, command.flow)
    if running is not None:
        if not said_to_go_on(run, running):
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


def said_to_go_on(run: Run, frame: Frame) -> bool:
    """Whether it pauses, and the customer is told that it goes on by itself. Above the others it would hold them up."""
    pauses = any(waits.rests(run.state, each) for each in run.group(frame))
    if pauses:
        run.say("under_way")
    return pauses


def queue(run: Run, command: Start) -> None:
    named = [each.flow for each in run.state.queue]
    if command.flow not in named and len(named) < MOST_QUEUED:
        run.move(Queued(command))


def refuse(run: Run, command: Command, source: CommandSource, why: str) -> None:
    run.move(Refused(command, source, why))
    pending = run.book.pending(run.state)
    match command:
        case Start() if frames.depth(run.state.stack) >= DEEPEST:
            patterns.play(run, "error", reason="too_many")
        case Start():
            patterns.play(run, "error", reason="cannot")
        case Skip() if pending:
            patterns.play(run, "skip", slot=pending.slot.name, refused=True)
        case Set(slot=name) if source == "answer" and pending and pending.slot.name == name:
            count_try(run, pending.frame, says=True)
        case _ if source == "button":
            patterns.play(run, "error", reason="void")
        case _ if source == "slash":
            patterns.play(run, "error", reason="cannot")


def _asks(step: s.Step | None, slot: str) -> bool:
    return isinstance(step, s.Ask) and step.slot == slot
