"""Moves a conversation along its flows: what was ordered goes in, messages, moves and at most one wish come out.

Pure: no clock, no chance, no I/O. The state changes by `fold` of the moves given out, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import assert_never

from bot.commands import check, slash
from bot.flow import frames
from bot.flow.book import Book
from bot.flow.conditions import Unevaluated
from bot.flow.interpreter import moving, patterns, repair, verbs, waits
from bot.flow.interpreter.given import ActionResult, Advance, Back, Began, Given, Missed, Ordered, Rang, Signal
from bot.flow.interpreter.run import Broken, Run
from bot.flow.texts import Unsayable
from bot.model import (
    Applied,
    Cancel,
    Chat,
    Clarify,
    Command,
    CommandSource,
    Disarmed,
    Emptied,
    Facts,
    Frame,
    Human,
    Lookup,
    Refuse,
    Repeat,
    Restart,
    Resume,
    Set,
    Skip,
    Spoke,
    Start,
    State,
    Timer,
    Unset,
)

BUDGET = 200
"""Steps of one turn: a circle of `goto`s ends there."""


def begin(book: Book) -> State:
    """The state of a new conversation.

    The greeting's options need no offers: their tokens, `greeting.0` and on, mean the same in every conversation, and
    are open whenever no flow is in progress.
    """
    return State()


def advance(
    book: Book,
    state: State,
    given: Sequence[Given],
    facts: Facts,
    epoch: int,
    *,
    begins: bool = True,
    budget: int = BUDGET,
) -> Advance:
    """Apply what is given, in order, then go on until a question, an action, a handoff, a pause or the end.

    With nothing given it repeats the pending question: that is how a digression ends. `begins`: a turn begins with it;
    else it goes on, with the budget that the advance before left. Never raises for what a customer, a model or a flow
    did; a flow that cannot go on ends as `failed` and asks for a human.
    """
    run = Run(book, facts, state, budget=budget)
    if begins:  # what an action was begun in goes on with its result
        moving.bring_up_to_date(run)
    led = book.led(run.state)
    open_turn(run, epoch, begins=begins)
    for each in given:
        take(run, each)
    go_on(run)
    if led and begins and run.heard and not (run.act or run.handoff):
        verbs.count_turn(run, led[0])
        go_on(run)
    if run.handoff is None and run.act is None and not (run.asked or run.nudged or run.choosing):
        verbs.repeat_question(run, short=not run.in_full)
        patterns.play_wanted(run)
    waits.settle(run, state)
    return Advance(
        state=run.state,
        moves=tuple(run.moves),
        says=tuple(run.says),
        act=run.act,
        handoff=run.handoff,
        gives_up_waiting=run.gives_up_waiting,
        expired=run.expired,
        budget=run.budget,
        modes=tuple(run.modes),
    )


def open_turn(run: Run, epoch: int, *, begins: bool) -> None:
    known = run.facts.get("language")
    if not run.state.language and isinstance(known, str) and known:
        run.move(Spoke(known))
    run.void([offer for offer in run.state.offers if offer.epoch < epoch])
    for frame in run.state.stack if begins else ():
        flow = run.book.flow_of(frame)
        for name in frame.slots:
            if flow and name in flow.slots and flow.slots[name].scope == "turn":
                run.move(Emptied(name, frame.id))


def take(run: Run, given: Given) -> None:
    match given:
        case Ordered(command=command, source=source):
            run.heard |= source in repair.CUSTOMERS
            run.nudged = False
            order(run, command, source)
        case ActionResult():
            if run.top and repair.takes_back(run, run.top):
                repair.taken_back(run, run.top, given)
            else:
                verbs.finish_action(run, given)
        case Missed():
            run.heard, run.nudged = True, False
            repair.miss(run)
        case Back(how=how, verdict=verdict, step=step, withdrawn=withdrawn):
            run.heard, run.nudged = True, False
            repair.come_back(run, how, verdict, step, withdrawn=withdrawn)
        case Began():
            patterns.welcome(run)
        case Rang():
            run.nudged = not run.heard
            ring(run)
        case Signal(name=name, value=value):
            run.nudged = not run.heard
            waiting = waits.waiting_for(run, name)
            if not waiting:
                waits.remember(run, name, value)
            for frame in waiting:
                if waits.rests(run.state, frame):
                    with guarded(run, frame):
                        waits.end_pause(run, frame, value)
                    go_on(run)
        case _:
            assert_never(given)


def ring(run: Run) -> None:
    """What is due, in order. What an action or a handoff leaves over is still due afterwards, and rings again."""
    while not (run.act or run.handoff) and (timer := waits.next_due(run)):
        frame = frames.of_id(run.state.stack, timer.frame)
        if frame is None:
            run.move(Disarmed(timer.name, timer.frame))
        else:
            with guarded(run, frame):
                fire(run, timer, frame)
        go_on(run)


def fire(run: Run, timer: Timer, frame: Frame) -> None:
    match timer.name:
        case "quiet":
            waits.silence(run, timer)
        case "wait":
            waits.end_pause(run, frame)
        case "approval":
            verbs.expire(run, frame)
        case _:
            assert_never(timer.name)


@contextmanager
def guarded(run: Run, frame: Frame) -> Iterator[None]:
    """Whatever goes wrong in here ends this flow, and nothing else."""
    try:
        yield
    except (Broken, Unevaluated, Unsayable) as error:
        verbs.give_up(run, frame, str(error))


def order(run: Run, command: Command, source: CommandSource) -> None:
    if source == "button":
        run.use_offer(slash(command))
    checked = check(command, source, run.book, run.state, run.facts)
    if isinstance(checked, str):
        repair.refuse(run, command, source, checked)
    else:
        apply(run, checked, source)


def apply(run: Run, command: Command, source: CommandSource) -> None:
    match command:
        case Set(slot=name, value=value):
            repair.set_slot(run, command, source, name, value)
            return
        case Unset(slot=name):
            repair.unset_slot(run, command, source, name)
            return
    run.move(Applied(command, source))
    is_pending, answered = run.book.pending(run.state) is not None, source == "model"
    match command:
        case Start():
            repair.start(run, command, source)
        case Cancel(scope=scope):
            repair.cancel(run, scope)
        case Resume(flow=flow):
            repair.resume(run, flow)
        case Clarify(flows=flows):
            repair.clarify(run, flows)
        case Skip():
            repair.skip(run)
        case Repeat():
            run.in_full = True
            patterns.play(run, "repeat", pending=is_pending, options=repair.menu(run))
        case Lookup(question=question):
            patterns.play(run, "lookup", question=question, answered=answered, pending=is_pending)
        case Chat():
            patterns.play(run, "chat", answered=answered, pending=is_pending, options=repair.menu(run))
        case Human(reason=reason, note=note):
            repair.human(run, reason, note)
        case Restart():
            repair.restart(run)
        case Refuse(reason=reason):
            patterns.play(run, "error", reason=reason)
        case _:
            assert_never(command)


def go_on(run: Run) -> None:
    """Step by step, until there is something to wait for."""
    while True:
        patterns.play_wanted(run)
        if run.ended:
            repair.follow_up(run)
        frame = run.top
        if run.act or run.handoff or run.choosing or frame is None:
            return
        if run.book.pending(run.state) or is_at_rest(run, frame):
            return
        if run.budget <= 0:
            verbs.give_up(run, frame, f"more than {BUDGET} steps in one turn")
            patterns.play_wanted(run)
            return
        run.budget -= 1
        try:
            if frame.asking:
                raise Broken(f"the question for {frame.asking!r} is no longer there")
            if repair.takes_back(run, frame):
                repair.take_back(run, frame)
            else:
                verbs.execute(run, frame)
        except (Broken, Unevaluated, Unsayable) as error:
            verbs.give_up(run, frame, str(error))


def is_at_rest(run: Run, frame: Frame) -> bool:
    """It pauses, or the model leads."""
    if waits.rests(run.state, frame):
        return True
    led = None if frame.id in run.due else run.book.led(run.state)
    return led is not None and not verbs.has_reached(run, *led)
