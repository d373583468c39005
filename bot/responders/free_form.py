"""Asks the model for words and commands, with what the documents say of the customer's question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal, assert_never, cast

import structlog
from msgspec.structs import replace

from bot import faithful, fit
from bot.clean import clean
from bot.commands import question_in
from bot.errors import ModelDown
from bot.flow.describe import Stretch
from bot.knowledge.terms import terms
from bot.markup import parse, plain
from bot.model import (
    Chat,
    Command,
    CommandSource,
    Declined,
    Event,
    Lookup,
    Message,
    Mode,
    Outcome,
    Part,
    Passage,
    Pressed,
    Returned,
    Said,
    Settled,
    Source,
    Sources,
    Text,
    Turn,
)
from bot.ports import (
    Answer,
    Ask,
    Called,
    Candidate,
    Cited,
    Draft,
    Knowledge,
    LanguageModel,
    Line,
    Powers,
    Told,
    Usage,
    Wanted,
    Words,
)
from bot.waiting import until

log = structlog.get_logger()

Described = tuple[str, str, Mapping[str, str]]
"""The flow in progress, its pending question as it was asked, and the slots the model may set: name to what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    passages: int = 4
    events: int = 40
    """Of the past, that the model may see."""
    quoted: int = 600
    """Characters of a passage that are shown with its source."""
    calls: int = 8
    """Of tools, in one turn."""
    ungrounded: bool = False
    """Say what the model says without any passage. Otherwise its words then count only as an answer to small talk."""


class FreeForm:
    name = "free_form"

    def __init__(
        self,
        model: LanguageModel,
        knowledge: Knowledge,
        *,
        candidates_of: Callable[[Turn], tuple[Candidate, ...]],
        describe: Callable[[Turn], Described],
        stretch_of: Callable[[Turn], Stretch | None] = lambda turn: None,
        call: Callable[[Called], Awaitable[Told]] | None = None,
        instructions: str = "",
        limits: Limits = Limits(),
    ) -> None:
        """`stretch_of`: where a flow lets the model lead; `call`: what a tool it may use there gives."""
        self._stretch_of, self._call = stretch_of, call
        self._model, self._knowledge = model, knowledge
        self._candidates_of, self._describe = candidates_of, describe
        self._instructions, self._limits = instructions, limits

    async def take(self, turn: Turn, powers: Powers, /) -> Outcome | Declined:
        if not turn.words.strip():
            return Declined("no words")
        await powers.quiet()
        return await self._speak(turn, powers, powers.draft())

    async def lead(self, turn: Turn, powers: Powers, /) -> Outcome | Declined:
        """Nobody sees it stream: it follows what the flow has to say."""
        if self._stretch_of(turn) is None:
            return Declined("no flow lets the model lead")
        return await self._speak(turn, powers, _Unseen())

    async def restyle(self, turn: Turn, powers: Powers, message: Message, mode: Mode, /) -> Message:
        text = next((part for part in message.parts if isinstance(part, Text)), None)
        if text is None or mode == "exact":
            return message
        past = await powers.history(self._limits.events)
        ask = Ask(
            instructions=self._instructions,
            words=turn.words,
            history=tuple(_lines(event for event in past if event.seq > _beginning(turn, past))),
            language=message.language,
            restyle=faithful.source(text.spans),
            freely=mode == "free",
        )
        heard = _Heard()
        try:
            await self._hear(ask, _Unseen(), heard)
        except ModelDown as down:
            log.warning("model.down", model=self._model.name, why=down)
            return message
        spans = parse(clean(heard.words))
        is_right = (
            faithful.is_guided(text.spans, spans, turn.words) if ask.freely else faithful.is_restyled(text.spans, spans)
        )
        if not is_right:
            log.info("model.unfaithful", mode=mode)
            return message
        return replace(message, parts=tuple([Text(spans) if part is text else part for part in message.parts]))

    async def _speak(self, turn: Turn, powers: Powers, draft: Draft) -> Outcome | Declined:
        stretch = self._stretch_of(turn)
        ask, heard = await self._ask(turn, powers, stretch), _Heard()
        try:
            await self._hear(ask, draft, heard)
            while heard.called and len(ask.told) < self._limits.calls and not draft.stopped:
                ask = replace(ask, told=(*ask.told, *(await self._told(heard, ask))))
                await self._hear(ask, draft, heard)
            if not heard.words and heard.questions and not draft.stopped:
                more = await self._search(heard.questions[-1], ask.language, stretch)
                if more and more != ask.passages:
                    ask = replace(ask, passages=more)
                    await self._hear(ask, draft, heard)
        except ModelDown as down:
            log.warning("model.down", model=self._model.name, why=down)
            return Declined(f"model down: {down}")
        return self._outcome(ask, heard, stopped=draft.stopped)

    async def _told(self, heard: _Heard, ask: Ask) -> list[Told]:
        """What the tools give that were called, as many as are still allowed."""
        called, heard.called = heard.called[: self._limits.calls - len(ask.told)], []
        granted = {tool.name for tool in ask.tools}
        return [
            await self._call(each) if self._call and each.tool in granted else Told(each, error="there is no such tool")
            for each in called
        ]

    async def _ask(self, turn: Turn, powers: Powers, stretch: Stretch | None) -> Ask:
        language = turn.state.language or turn.conversation.language
        words = question_in(turn.words)
        flow, question, slots = self._describe(turn)
        past = await powers.history(self._limits.events)
        back = _last_back(turn, past)
        return Ask(
            instructions=self._instructions,
            words=words,
            history=tuple(_lines(event for event in past if event.seq > _beginning(turn, past))),
            language=language,
            passages=await self._search(words or (stretch.task if stretch else ""), language, stretch),
            flows=self._candidates_of(turn),
            flow=flow,
            question=question,
            slots=stretch.slots if stretch else slots,
            task=stretch.task if stretch else "",
            tools=stretch.tools if stretch else (),
            instruction=back.body.instruction if back and isinstance(back.body, Returned) else "",
        )

    async def _search(self, words: str, language: str, stretch: Stretch | None) -> tuple[Passage, ...]:
        """Where the model leads only in the documents that are meant for it."""
        most = self._limits.passages
        if stretch is None or not stretch.knows:
            return await self._knowledge.search(words, language=language, most=most)
        found = await self._knowledge.search(words, language=language, most=most * 8)
        return tuple([each for each in found if each.document.partition(".")[0] in stretch.knows][:most])

    async def _hear(self, ask: Ask, draft: Draft, heard: _Heard) -> None:
        """Take the answer in until it ends or the draft is stopped, also where the model stalls. Raises `ModelDown`."""
        await until(draft.over(), self._take_in(ask, draft, heard))

    async def _take_in(self, ask: Ask, draft: Draft, heard: _Heard) -> None:
        speaks = (
            bool(ask.restyle or ask.task or ask.passages)
            or self._limits.ungrounded
            or not terms(ask.words, ask.language)
        )
        # The port promises an iterator that can be closed; `aclosing` wants it spelled so.
        async with aclosing(cast(AsyncGenerator[Answer, None], self._model.answer(ask))) as answers:
            async for item in answers:
                if draft.stopped:
                    return
                match item:
                    case Words(text=text):
                        if speaks:
                            heard.words += text
                            draft.add(text)
                    case Wanted(command=Lookup(question=question)):
                        heard.questions.append(question)
                    case Wanted(command=command):
                        heard.commands.append(command)
                    case Called():
                        heard.called.append(item)
                    case Cited(passage=passage):
                        heard.cited.append(passage)
                    case Usage():
                        pass
                    case _:
                        assert_never(item)

    def _outcome(self, ask: Ask, heard: _Heard, *, stopped: bool) -> Outcome | Declined:
        spans = parse(clean(heard.words))
        if not spans and not heard.commands:
            if stopped:
                return Outcome(responder=self.name, silent=True)
            return Declined("nothing to say" if ask.passages else "no evidence")
        parts: list[Part] = [Text(spans)] if spans else []
        if spans and heard.cited:
            parts.append(Sources(tuple(self._sources(heard.cited))))
        # What moves a flow asks by itself; what only answered ends in the pending question, if there is one.
        answered: Command = Lookup(ask.words) if heard.cited else Chat()
        commands: list[tuple[Command, CommandSource]] = [(each, "model") for each in heard.commands or [answered]]
        return Outcome(
            responder=self.name,
            messages=(Message(tuple(parts), ask.language),) if parts else (),
            commands=tuple(commands),
        )

    def _sources(self, cited: Iterable[Passage]) -> Iterable[Source]:
        for passage in dict.fromkeys(cited):
            text = plain(parse(passage.text))
            title = f"{passage.title} › {passage.heading}" if passage.heading else passage.title
            quoted = text if len(text) <= self._limits.quoted else f"{text[: self._limits.quoted].rstrip()}…"
            yield Source(title, quoted, passage.address)


@dataclass(slots=True)
class _Heard:
    """What the model said so far."""

    words: str = ""
    commands: list[Command] = field(default_factory=list)
    cited: list[Passage] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    """To search the documents for."""
    called: list[Called] = field(default_factory=list)
    """Tools whose answer the model waits for."""


class _Unseen:
    """A draft that nobody sees."""

    stopped = False

    def add(self, text: str) -> None:
        pass

    async def over(self) -> None:
        await asyncio.Event().wait()  # nobody can stop what nobody sees


def _last_back(turn: Turn, past: Iterable[Event]) -> Event | None:
    """The last hand back: what the model sees begins there."""
    backs = [event for event in (*past, *turn.inputs) if isinstance(event.body, Returned)]
    return backs[-1] if backs else None


def _beginning(turn: Turn, past: Iterable[Event]) -> int:
    """What came before a human handed back, or before the conversation was closed, is over."""
    ends = (event.seq for event in (*past, *turn.inputs) if isinstance(event.body, Returned | Settled))
    return max((turn.state.marker, *ends))


def _lines(events: Iterable[Event]) -> Iterable[Line]:
    """What customer, bot and people said in public, and what was pressed."""
    for event in events:
        match event.body:
            case Said(message=message) if event.public and event.author.kind != "system":
                text = fit.words(message)
            case Pressed(label=label):
                text = label
            case _:
                continue
        if text.strip():
            by: Literal["customer", "bot", "agent"] = "bot" if event.author.kind == "system" else event.author.kind
            yield Line(by=by, text=text)
