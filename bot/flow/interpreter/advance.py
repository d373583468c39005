"""Moves a conversation along its flows: what was ordered goes in, messages, moves and at most one wish come out.

Pure: no clock, no chance, no I/O. The state changes by `fold` of the moves given out, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from bot.commands import check, slash
from bot.flow import say
from bot.flow.book import Book
from bot.flow.conditions import Unevaluated
from bot.flow.interpreter import repair, verbs
from bot.flow.interpreter.given import ActionResult, Advance, Back, Given, Missed, Ordered, Rang, Signal
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

REFUSALS = ("void", "too_long", "unreadable", "cannot", "no_evidence")
"""Reasons of `refuse` that have a text of their own."""


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
            verbs.finish_action(run, given)
        case Missed():
            repair.miss(run)
        case Back(how=how):
            repair.come_back(run, how)
        case Rang() | Signal():
            pass
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
    match command:
        case Start():
            repair.start(run, command)
        case Cancel(scope=scope):
            repair.cancel(run, scope)
        case Resume(flow=flow):
            repair.resume(run, flow)
        case Clarify(flows=flows):
            run.says.append(say.menu(run.book, run.state, run.facts, "clarify", flows))
        case Skip():
            repair.skip(run)
        case Repeat():
            if run.book.pending(run.state) is None:
                run.says.append(say.menu(run.book, run.state, run.facts, "what_i_can_do"))
        case Lookup() | Chat():
            pass
        case Human(reason=reason, note=note):
            run.hand_off(reason, note=note)
        case Restart():
            repair.restart(run)
        case Refuse(reason=reason):
            run.say(reason if reason in REFUSALS else "refused")
        case _:
            assert_never(command)


def go_on(run: Run) -> None:
    for _ in range(BUDGET):
        if run.ended:
            repair.follow_up(run)
        frame = run.top
        if run.act or run.handoff or frame is None or run.book.pending(run.state):
            break
        try:
            if frame.asking:
                raise Broken(f"the question for {frame.asking!r} is no longer there")
            verbs.execute(run, frame)
        except (Broken, Unevaluated, Unsayable) as error:
            verbs.give_up(run, frame, str(error))
    else:
        if run.top is not None and not run.top.asking:
            verbs.give_up(run, run.top, f"more than {BUDGET} steps in one turn")
    if not (run.act or run.handoff or run.asked):
        verbs.repeat_question(run)
