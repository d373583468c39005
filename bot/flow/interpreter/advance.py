"""Moves a conversation along its flows: what was ordered goes in, messages, moves and at most one wish come out.

Pure: no clock, no chance, no I/O. The state changes by `fold` of the moves given out, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from bot.commands import check, slash
from bot.flow.book import Book
from bot.flow.conditions import Unevaluated
from bot.flow.interpreter import patterns, repair, verbs
from bot.flow.interpreter.given import ActionResult, Advance, Back, Given, Missed, Ordered
from bot.flow.interpreter.run import Broken, Run
from bot.flow.texts import Unsayable
from bot.model import (
    Applied,
    Cancel,
    Chat,
    Clarify,
    Command,
    CommandSource,
    Facts,
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
    Unset,
)

BUDGET = 200
"""Steps of one advance: a circle of `goto`s ends there."""


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
    run = Run(book, facts, state)
    open_turn(run, epoch)
    for each in given:
        take(run, each)
    go_on(run)
    return Advance(
        state=run.state,
        moves=tuple(run.moves),
        says=tuple(run.says),
        act=run.act,
        handoff=run.handoff,
        gives_up_waiting=run.gives_up_waiting,
    )


def open_turn(run: Run, epoch: int) -> None:
    known = run.facts.get("language")
    if not run.state.language and isinstance(known, str) and known:
        run.move(Spoke(known))
    run.void([offer for offer in run.state.offers if offer.epoch < epoch])


def take(run: Run, given: Given) -> None:
    match given:
        case Ordered(command=command, source=source):
            order(run, command, source)
        case ActionResult():
            if run.top and repair.takes_back(run, run.top):
                repair.taken_back(run, run.top, given)
            else:
                verbs.finish_action(run, given)
        case Missed():
            repair.miss(run)
        case Back(how=how, step=step):
            repair.come_back(run, how, step)
        case _:
            assert_never(given)


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
            repair.start(run, command)
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
    for _ in range(BUDGET):
        patterns.play_wanted(run)
        if run.ended:
            repair.follow_up(run)
        frame = run.top
        if run.act or run.handoff or run.waits or frame is None or run.book.pending(run.state):
            break
        if repair.takes_back(run, frame):
            repair.take_back(run, frame)
            continue
        try:
            if frame.asking:
                raise Broken(f"the question for {frame.asking!r} is no longer there")
            verbs.execute(run, frame)
        except (Broken, Unevaluated, Unsayable) as error:
            verbs.give_up(run, frame, str(error))
    else:
        if run.top is not None and not run.top.asking:
            verbs.give_up(run, run.top, f"more than {BUDGET} steps in one turn")
    if not (run.act or run.handoff or run.asked or run.waits):
        verbs.repeat_question(run, short=not run.in_full)
    patterns.play_wanted(run)
