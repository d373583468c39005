"""Plays conversation tests, and tells what each came to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from bot.errors import FrontdeskError
from bot.flow.book import Book
from bot.flow.conditions import hint
from bot.flow.source import Mark
from bot.model import Event, Opened, Pressed, Said, State, Verdict, text
from bot.units import Amended
from config.talks.expect import judge, options
from config.talks.room import Ground, Room, Stretch, ground, sealed, someone
from config.talks.talk import (
    AgentDoes,
    Doing,
    Expects,
    Opens,
    Passes,
    Presses,
    Restarts,
    Says,
    Signals,
    Talk,
    Wanted,
)


@dataclass(frozen=True, slots=True)
class Failure:
    mark: Mark
    expected: Wanted | str
    happened: str
    hint: str
    stretch: Stretch
    """In which it happened, for the reader."""


@dataclass(frozen=True, slots=True)
class Result:
    talk: Talk
    failures: tuple[Failure, ...]
    """Of the first entry that is not as expected; what comes after it is not played."""
    begun: State = field(repr=False)
    """What was given."""
    events: tuple[Event, ...] = field(repr=False)


async def play_all(talks: Sequence[Talk], book: Book, flows: Path) -> AsyncIterator[Result]:
    on = await ground(book, flows)
    for talk in talks:
        yield await play(talk, on)


async def play(talk: Talk, on: Ground) -> Result:
    with sealed():
        room = Room(on, talk.given)
        await room.begin()
        stretch: Stretch | None = None
        failures: list[Failure] = []
        for entry in talk.entries:
            match entry:
                case Expects():
                    stretch = stretch or await room.stretch()
                    failures = _trouble(stretch, entry.mark) or _judged(entry, stretch, room)
                case _:
                    stretch = None
                    failures = await do(entry, room)
            if failures:
                break
        else:
            failures = await _at_end(room, talk)
        return Result(talk, tuple(failures), room.initial, tuple(await room.log()))


def _judged(entry: Expects, stretch: Stretch, room: Room) -> list[Failure]:
    found = ((wanted, judge(wanted.key, wanted.value, stretch, room.book)) for wanted in entry.wanted)
    return [Failure(wanted.mark, wanted, miss.happened, miss.hint, stretch) for wanted, miss in found if miss]


def _trouble(stretch: Stretch, mark: Mark) -> list[Failure]:
    """What no test expects."""
    return [Failure(mark, "the turn is taken", trouble, "", stretch) for trouble in stretch.trouble]


async def _at_end(room: Room, talk: Talk) -> list[Failure]:
    stretch = await room.stretch()
    unasked = [
        Failure(answer.mark, "the model is asked, and gives this answer", "it was not asked", "", stretch)
        for answer in room.model.answers
    ]
    return _trouble(stretch, talk.entries[-1].mark) or unasked


async def do(entry: Doing, room: Room) -> list[Failure]:
    """Whatever cannot be done is a failure of the test."""
    try:
        match entry:
            case Says(lines, language, model):
                room.model.answers.extend(model)
                await room.hear(*(Said(text(line)) for line in lines), language=language)
            case Presses(label, mark):
                return await _press(label, mark, room)
            case Opens(payload):
                await room.hear(Opened(payload))
            case Passes(span):
                await room.advance(span)
            case AgentDoes():
                await _agent(entry, room)
            case Restarts():
                room.start()
            case Signals(name, value):
                await room.signal(name, value)
            case _:
                assert_never(entry)
    except FrontdeskError as error:
        return [Failure(entry.mark, "it can be done", f"{type(error).__name__}: {error}", "", await room.stretch())]
    return []


async def _press(label: str, mark: Mark, room: Room) -> list[Failure]:
    shown = {each.label: each.token for event in await room.log() for each in options(event)}
    if token := shown.get(label):
        await room.hear(Pressed(token, label))
        return []
    happened = f"shown were {', '.join(map(repr, shown))}" if shown else "none was shown"
    return [Failure(mark, f"a button {label!r}", happened, hint(label, shown).removeprefix("; "), await room.stretch())]


async def _agent(entry: AgentDoes, room: Room) -> Amended:
    """Raises `Refusal` when the desk would refuse it."""
    now, agent, desk = await room.now(), someone(entry.name, room.clock.now()), room.desk
    epoch = now.control.epoch
    match entry.act:
        case "takes_over":
            done = await desk.take_over(now.id, agent, epoch)
        case "says":
            done = await desk.reply(now.id, agent, entry.words, seen=now.last_seq, epoch=epoch)
        case "notes":
            done = await desk.note(now.id, agent, entry.words)
        case "hands_back":
            done = await desk.hand_back(now.id, agent, epoch, how=entry.how, instruction=entry.words, step=entry.step)
        case "approves" | "refuses":
            verdict: Verdict = "approve" if entry.act == "approves" else "refuse"
            done = await desk.hand_back(now.id, agent, epoch, verdict=verdict)
        case "resolves":
            done = await desk.resolve(now.id, agent, epoch, reason=entry.words)
        case _:
            assert_never(entry.act)
    await room.settle()
    return done
