"""What each verb of the flow language does when its step is reached."""

from __future__ import annotations

import hashlib
from typing import assert_never

import msgspec
from msgspec.structs import replace

from bot.commands import DEEPEST, guard_holds
from bot.flow import frames, say, ways
from bot.flow import steps as s
from bot.flow.book import Flow
from bot.flow.conditions import Expression, Look, Unevaluated
from bot.flow.interpreter import stack, waits
from bot.flow.interpreter.given import Act, ActionResult
from bot.flow.interpreter.run import Broken, Run, place_of
from bot.flow.texts import Unsayable
from bot.model import Armed, Asked, Did, Emptied, Entered, Filled, Frame, Json, Popped, Pushed, Timer, Verdict

_WITHOUT_SUCCESS = ("failed", "stuck", "handed_off")
MOST_DONE = 20
"""Things done by flows that became others, remembered in words."""


def execute(run: Run, frame: Frame) -> None:
    flow = run.flow_of(frame)
    due = run.due.pop(frame.id, "")
    name = due or frame.step or flow.first
    step = flow.steps.get(name)
    if step is None:
        raise Broken(f"flow {flow.name!r} has no step {name!r} any more")
    is_over = bool(frame.step) and not due and not frame.before and frames.is_at(frame, name)
    if is_over and isinstance(step, s.Handoff | s.Call):
        run.due[frame.id] = step.next
        return
    if is_over and isinstance(step, s.Agent) and has_reached(run, frame, step):
        run.due[frame.id] = step.next
        return
    if isinstance(step, s.Handoff) and step.nobody and is_closed(run):
        run.due[frame.id] = step.nobody
        return
    answered = isinstance(step, s.Ask) and is_answered(run, frame, flow, step)
    run.move(Entered(frame.id, name, () if answered else step.reads))  # who is not asked has read nothing
    frame = run.state.stack[-1]
    match step:
        case s.Ask() if answered:
            run.due[frame.id] = step.next
        case s.Ask():
            ask(run, frame, flow, step)
        case s.Say():
            speak(run, frame, flow, step)
            run.due[frame.id] = step.next
        case s.End(outcome=outcome):
            stack.pop(run, frame, outcome, reopens=outcome not in _WITHOUT_SUCCESS)
        case s.When():
            run.due[frame.id] = branch(run, frame, step)
        case s.Do():
            do(run, frame, step)
        case s.Assign():
            assign(run, frame, flow, step)
        case s.Goto():
            run.due[frame.id] = step.next
        case s.Call():
            call(run, frame, step)
        case s.Become():
            become(run, frame, step)
        case s.Agent():
            agent(run, frame, step)
        case s.Wait():
            waits.pause(run, frame, step)
        case s.Handoff():
            language = run.book.assistant.language  # the staff's
            args = say.values(step.reads, flow, run.look(frame), language)
            note = step.note.plain(language, args) if step.note else ""
            run.hand_off(step.reason, step.queue, note, step.priority)
        case _:
            assert_never(step)


def is_answered(run: Run, frame: Frame, flow: Flow, step: s.Ask) -> bool:
    """Whether the question need not be asked. Says why when an answer given ahead is not taken."""
    values = run.values(frame, flow.slots[step.slot])
    if step.always or step.slot not in values:
        return False
    return not fails_check(run, frame, step.slot, values[step.slot])


def fails_check(run: Run, frame: Frame, name: str, value: Json) -> bool:
    """Says why an answer is not taken."""
    flow = run.flow_of(frame)
    here = run.look(frame)

    def look(other: str) -> Json:
        return value if other == name else here(other)

    for step in flow.asks.get(name, ()):
        for each in step.checks:
            try:
                if each.refused_if.evaluate(look):
                    run.says.append(say.content(each.say, flow, look, run.language))
                    return True
            except (Unevaluated, Unsayable):
                continue  # it needs what is not known yet
    return False


def evaluate(run: Run, expression: Expression, look: Look) -> Json:
    """None where it cannot be evaluated."""
    try:
        return expression.evaluate(look)
    except Unevaluated:
        return None


def speak(run: Run, frame: Frame, flow: Flow, step: s.Say) -> None:
    look = run.look(frame)
    said = ways.chosen(step.variants, look, place(frame)).content
    if step.mode != "exact":
        run.modes.append((len(run.says), step.mode))
    message = say.content(said, flow, look, run.language, seed=place(frame))
    asks = [ask for name in said.form if isinstance(ask := flow.steps.get(f"{step.id}.{name}"), s.Ask)]
    if form := say.form(flow, asks, look, run.language) if asks else None:
        message = replace(message, parts=(*message.parts, form))
        run.formed = frame.id, tuple(each.name for each in form.fields)
    if message.parts:
        run.says.append(message)


def place(frame: Frame) -> str:
    """In the conversation, the same for as long as the flow stands there."""
    return f"{frame.id}.{frame.step}.{frame.passes}"


def is_closed(run: Run) -> bool:
    """Outside of business hours; without any, somebody may always be there."""
    hours = run.facts.get("hours")
    return isinstance(hours, dict) and hours.get("open") is False


def ask(run: Run, frame: Frame, flow: Flow, step: s.Ask) -> None:
    slot = flow.slots[step.slot]
    if slot.name in run.values(frame, slot):
        run.move(Emptied(slot.name, place_of(frame, slot)))
    run.move(Asked(frame.id, slot.name))
    frame = run.state.stack[-1]
    run.asked = True
    if run.formed[0] == frame.id and slot.name in run.formed[1]:
        return
    run.says.append(say.question(run.book, step, flow, run.look(frame), run.language, seed=place(frame)))


def repeat_question(run: Run, *, short: bool = True) -> None:
    pending = run.book.pending(run.state)
    if pending is None:
        return
    frame = pending.frame
    try:
        look, seed = run.look(frame), place(frame)
        asked = say.question(
            run.book, pending.ask, pending.flow, look, run.language, short=short, seed=seed, picked=frame.picked
        )
        run.says.append(asked)
    except (Unevaluated, Unsayable) as error:
        give_up(run, pending.frame, str(error))


def branch(run: Run, frame: Frame, step: s.When) -> str:
    value = step.condition.evaluate(run.look(frame))
    if step.cases:
        spelled = str(value).lower() if isinstance(value, bool) else str(value)
        return step.cases.get(spelled, step.next)
    return step.then if value else step.next


def assign(run: Run, frame: Frame, flow: Flow, step: s.Assign) -> None:
    for name, expression in step.values.items():
        value = expression.evaluate(run.look(run.state.stack[-1]))
        place = place_of(frame, flow.slots[name])
        run.move(Emptied(name, place) if value is None else Filled(name, value, place))
    run.due[frame.id] = step.next


def call(run: Run, frame: Frame, step: s.Call) -> None:
    if frames.depth(run.state.stack) >= DEEPEST:
        raise Broken(f"more than {DEEPEST} flows on the stack")
    begin(run, frame, step, caller=frame.id, into=step.into)


def become(run: Run, frame: Frame, step: s.Become) -> None:
    """Whoever called the old flow waits for the new one."""
    look = run.look(frame)  # the slots of the old flow are gone afterwards
    begin(run, frame, step, caller=frame.caller, into=frame.into, look=look, replaces=True)


def begin(
    run: Run,
    frame: Frame,
    step: s.Call | s.Become,
    *,
    caller: int,
    into: str,
    look: Look | None = None,
    replaces: bool = False,
) -> None:
    """Another flow with the slots that this one gives it."""
    flow = run.book.newest(step.flow) or run.book.patterns.get(step.flow)
    if flow is None:
        raise Broken(f"flow {step.flow!r} is no longer there")
    if not guard_holds(flow, run.state, run.facts):
        raise Broken(f"flow {step.flow!r} is not for this customer now")
    look = look or run.look(frame)
    slots = {name: expression.evaluate(look) for name, expression in step.args.items()}
    done = say.done(run.book, [frame], run.look, run.language) if replaces and not caller else []
    if replaces:
        run.move(Popped(frame.id, "became"))
    begun = Frame(
        id=run.state.frames + 1,
        flow=flow.name,
        version=flow.version,
        caller=caller,
        into=into,
        pattern=flow.is_pattern,
        done=tuple(map(str, done[-MOST_DONE:])),
    )
    run.move(Pushed(begun))
    stack.fill_all(run, begun, flow, slots)


def agent(run: Run, frame: Frame, step: s.Agent) -> None:
    """The model leads from here, unless there is nothing left to reach."""
    if has_reached(run, frame, step):
        run.due[frame.id] = step.next


def has_reached(run: Run, frame: Frame, step: s.Agent) -> bool:
    flow = run.flow_of(frame)
    if step.until is not None and evaluate(run, step.until, run.look(frame)):
        return True
    return bool(step.fills) and all(name in run.values(frame, flow.slots[name]) for name in step.fills)


def leave_agent(run: Run, frame: Frame, to: str) -> None:
    """The model does not lead on."""
    if frame.tries:
        run.move(Asked(frame.id, ""))
    run.due[frame.id] = to
    if to == s.END_STUCK:
        run.say("stuck")
        stack.pop(run, frame, "stuck")
        run.hand_off("stuck")


def count_turn(run: Run, led: Frame) -> None:
    """The customer was heard where the model led, and it still leads there."""
    now = run.book.led(run.state)
    if now is None or now[0].id != led.id or now[0].passes != led.passes:
        return
    frame, step = now
    if led.tries + 1 < step.turns:
        run.move(Asked(frame.id, "", led.tries + 1))
    else:
        leave_agent(run, frame, step.stuck)


def do(run: Run, frame: Frame, step: s.Do, *, approved: bool = False) -> None:
    look = run.look(frame)
    args = {name: expression.evaluate(look) for name, expression in step.args.items()}
    if step.approve and not approved and step.approve.needed_if.evaluate(look):
        ask_approval(run, frame, step, args)
        return
    run.act = Act(
        key=key_of(frame, step.id, args),
        frame=frame.id,
        step=step.id,
        action=step.action,
        args=args,
        effect=step.effect,
        timeout=step.timeout,
    )


def finish_action(run: Run, given: ActionResult) -> None:
    frame = run.top
    flow = run.book.flow_of(frame) if frame else None
    step = flow.steps.get(frame.step) if frame and flow else None
    if frame is None or not isinstance(step, s.Do) or not given.key.startswith(_pass(frame, step.id)):
        return  # of a turn that has moved on
    failed = bool(given.error) or given.unknown
    run.move(Did(frame.id, step.id, step.action, step.effect, ok=not failed))
    if not failed:
        if step.into:
            run.move(Filled(step.into, given.result, frame.id, result=True))
        run.due[frame.id] = step.next
    elif not given.unknown and frames.times_entered(frame, step.id) <= step.retry:
        run.due[frame.id] = step.id
    elif not given.unknown and step.fails != s.END_FAILED:
        run.due[frame.id] = step.fails
    else:
        run.play("error", reason="failed")
        stack.drop(run, run.group(frame), "failed")
        run.hand_off("action_failed", note=f"{step.action}: {given.error}")


def ask_approval(run: Run, frame: Frame, step: s.Do, args: dict[str, Json]) -> None:
    if step.approve is None:
        return
    run.hand_off("approval", step.approve.by, note=f"{step.action}: {_shown(args)}")
    if step.approve.within:
        run.move(Armed(Timer(frame.id, step.id, "approval", waits.now_of(run) + step.approve.within)))


def judged(run: Run, frame: Frame, step: s.Do, verdict: Verdict) -> None:
    """What a person said of an action; who says nothing has not decided, and somebody is asked again."""
    waits.call_off(run, frame, "approval")
    match verdict:
        case "approve":
            do(run, frame, step, approved=True)
        case "refuse":
            not_approved(run, frame, step, "not_approved")
        case "":
            look = run.look(frame)
            args = {name: expression.evaluate(look) for name, expression in step.args.items()}
            ask_approval(run, frame, step, args)
        case _:
            assert_never(verdict)


def expire(run: Run, frame: Frame) -> None:
    """Nobody has judged an action within its time."""
    waits.call_off(run, frame, "approval")
    step = run.flow_of(frame).steps.get(frame.step)
    if isinstance(step, s.Do) and frame.id not in run.due:
        run.expired, run.nudged = True, False
        not_approved(run, frame, step, "approval_late")


def not_approved(run: Run, frame: Frame, step: s.Do, words: str) -> None:
    if step.fails != s.END_FAILED:
        run.due[frame.id] = step.fails
    else:
        run.say(words)
        stack.pop(run, frame, "refused")


def _shown(args: dict[str, Json]) -> str:
    """For the person who reads what an action is to be run with."""
    return ", ".join(f"{name} = {msgspec.json.encode(value).decode()}" for name, value in args.items())


def give_up(run: Run, frame: Frame, why: str) -> None:
    stack.drop(run, run.group(frame), "failed")
    run.play("error", reason="failed")
    run.hand_off("error", note=f"flow {frame.flow!r}: {why}")


def undo(run: Run, frame: Frame, name: str) -> Act | None:
    """What undoes a step that has acted, still without its key: the inputs are those of the action by their names, what
    it gave, and what the flow knows. None: nothing does."""
    step = run.flow_of(frame).steps.get(name)
    action = run.book.actions.get(step.action) if isinstance(step, s.Do) else None
    undone_by = run.book.actions.get(action.undo) if action else None
    if not isinstance(step, s.Do) or undone_by is None:
        return None
    look = run.look(frame)
    given = frame.results.get(step.into) if step.into else None
    known = {name: evaluate(run, expression, look) for name, expression in step.args.items()}
    known |= given if isinstance(given, dict) else {}
    args: dict[str, Json] = {
        name: value for name in undone_by.inputs if (value := known.get(name, look(name))) is not None
    }
    if not undone_by.required <= args.keys():
        return None
    return Act(
        key="",
        frame=frame.id,
        step=step.id,
        action=undone_by.name,
        args=args,
        effect=undone_by.effect,
        timeout=undone_by.timeout,
    )


def key_of(frame: Frame, step: str, args: dict[str, Json]) -> str:
    inputs = hashlib.blake2b(msgspec.json.encode(args, order="sorted"), digest_size=8).hexdigest()
    return f"{_pass(frame, step)}{inputs}"


def _pass(frame: Frame, step: str) -> str:
    return f"{frame.id}.{step}.{frame.passes}."
