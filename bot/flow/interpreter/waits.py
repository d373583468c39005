"""What time does to the flows: pauses that end, questions that stay without an answer.

Timers lie in the state. There are those of the pending question, as far as they have not fired, and one for each flow
that pauses; `settle` holds that at the end of each advance.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.flow import frames, say
from bot.flow import steps as s
from bot.flow.book import Pending
from bot.flow.interpreter import stack
from bot.flow.interpreter.run import Broken, Run
from bot.model import Armed, Disarmed, Filled, Frame, Json, Recalled, Remembered, State, Timer, TimerName

LONGEST = timedelta(days=365)
"""A pause that waits for an event alone ends after this."""


def now_of(run: Run) -> datetime:
    return datetime.fromisoformat(str(run.facts["now"]))


def rests(state: State, frame: Frame) -> bool:
    """Whether a flow stands at a pause: it asks nothing, and others may run above it."""
    return any(timer.frame == frame.id and timer.name == "wait" for timer in state.timers)


def pause(run: Run, frame: Frame, step: s.Wait) -> None:
    """What lies below goes on meanwhile. What it waits for may have happened on the way here.

    Raises `Broken`, `Unevaluated`.
    """
    if step.event in run.state.signals:
        value = run.state.signals[step.event]
        run.move(Recalled(step.event))
        if step.into:
            run.move(Filled(step.into, value, frame.id, result=True))
        run.due[frame.id] = step.next
        return
    due = now_of(run) + min(LONGEST if step.span is None else step.span, LONGEST)
    if step.until is not None:
        moment = _moment(run, step.until.evaluate(run.look(frame)))
        due = moment if step.span is None else min(due, moment)
    run.move(Armed(Timer(frame.id, step.id, "wait", due)))
    run.ended = frame
    group = run.group(frame)
    others = [each for each in run.state.stack if each not in group and not rests(run.state, each)]
    if others:
        stack.bring_up(run, others[-1])


def _moment(run: Run, value: Json) -> datetime:
    """A day alone is its beginning, a time without a zone is in the customer's, else the assistant's."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise Broken(f"{value!r} is no time to wait until") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now_of(run).tzinfo or UTC)


def next_due(run: Run) -> Timer | None:
    """Approvals first: while one is awaited, nothing else is due."""
    due = [timer for timer in run.state.timers if timer.due_at <= now_of(run)]
    return next((timer for timer in due if timer.name == "approval"), next(iter(due), None))


def call_off(run: Run, frame: Frame, name: TimerName) -> None:
    if any(timer.frame == frame.id and timer.name == name for timer in run.state.timers):
        run.move(Disarmed(name, frame.id))


def end_pause(run: Run, frame: Frame, value: Json = None) -> None:
    """The flow goes on, above all others. `value` is what the event brought."""
    run.move(Disarmed("wait", frame.id))
    step = run.flow_of(frame).steps.get(frame.step)
    if not isinstance(step, s.Wait):
        raise Broken(f"step {frame.step!r} waits no longer")
    if step.into:
        run.move(Filled(step.into, value, frame.id, result=True))
    run.due[frame.id] = step.next
    run.nudged = False
    stack.bring_up(run, frame)


def waiting_for(run: Run, event: str) -> list[Frame]:
    """Topmost first."""
    return [frame for frame in reversed(run.state.stack) if rests(run.state, frame) and _event(run, frame) == event]


def remember(run: Run, event: str, value: Json) -> None:
    """For the flows in progress, where one may come to wait for it later."""
    known = [run.book.flow_of(frame) for frame in run.state.stack]
    known += [run.book.newest(start.flow) for start in run.state.queue]
    found = {flow.name: flow for flow in known if flow}
    todo = list(found.values())
    while todo:
        for step in todo.pop().steps.values():
            match step:
                case s.Wait(event=name) if name == event:
                    run.move(Remembered(event, value))
                    return
                case s.Call(flow=name) | s.Become(flow=name) if name not in found and (flow := run.book.newest(name)):
                    found[name] = flow
                    todo.append(flow)
                case _:
                    pass


def _event(run: Run, frame: Frame) -> str:
    flow = run.book.flow_of(frame)
    step = flow.steps.get(frame.step) if flow else None
    return step.event if isinstance(step, s.Wait) else ""


def silence(run: Run, timer: Timer) -> None:
    """Nothing was said to a question for so long. Each of its timers fires once."""
    later = [each for each in run.state.timers if each.name == "quiet" and each != timer]
    run.move(Disarmed("quiet"))
    for each in later:
        run.move(Armed(each))
    pending = run.book.pending(run.state)
    if pending is None or (pending.frame.id, pending.ask.id) != (timer.frame, timer.step):
        return
    entry = pending.ask.quiet[timer.n] if timer.n < len(pending.ask.quiet) else s.Quiet(after=timedelta())
    if entry.say is not None:
        run.says.append(say.content(entry.say, pending.flow, run.look(pending.frame), run.language))
    elif entry.handoff:
        run.hand_off("rule", entry.handoff)
    else:
        run.play("silent", times=timer.n + 1, cancels=entry.cancel)
    if entry.cancel:
        ended = run.group(pending.frame)
        stack.drop(run, ended, "cancelled")
        run.ended, run.outcome = ended[0], "cancelled"


def settle(run: Run, began: State) -> None:
    """Silence is counted anew from where the customer was heard, or a question came up that was not there before.

    What happened outside is forgotten with the last of the flows in progress.
    """
    if run.state.signals and not (frames.depth(run.state.stack) or run.state.queue):
        run.move(Recalled())
    pending = run.book.pending(run.state)
    wanted = pending.ask.quiet if pending else ()
    if not (wanted or run.state.timers):
        return
    if not (run.heard or run.asked or _place(pending) != _place(run.book.pending(began))):
        return
    if any(timer.name == "quiet" for timer in run.state.timers):
        run.move(Disarmed("quiet"))
    for n, entry in enumerate(wanted):
        assert pending is not None
        run.move(Armed(Timer(pending.frame.id, pending.ask.id, "quiet", now_of(run) + entry.after, n)))


def _place(pending: Pending | None) -> tuple[int, str]:
    return (pending.frame.id, pending.ask.id) if pending else (0, "")
