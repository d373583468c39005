"""Reads a project's folder into a book, or tells every mistake in it with file, line and column."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from bot.errors import FlowErrors
from bot.flow import actions, grammar, source
from bot.flow.actions import Action, BadAction
from bot.flow.book import Assistant, Book, Flow, Needs
from bot.flow.conditions import FACTS, BadExpression, Expression, compile_expression, constant, hint
from bot.flow.examples import prepare
from bot.flow.fields import Fields, Problems
from bot.flow.hours import WEEKDAYS, Hours, Interval, days, interval
from bot.flow.own_files import FlowFile, OwnFiles, in_folder
from bot.flow.patterns import PATTERNS
from bot.flow.read_content import ContentReader, Making, Project
from bot.flow.read_flow import SHARED, FlowReader
from bot.flow.rules import Rules, rules_from
from bot.flow.slots import TYPES, SlotType
from bot.flow.source import BadFile, Mark, Node
from bot.flow.steps import Content, Say, Variant
from bot.flow.texts import BadText, OneWay, Texts, Wording, Words, compile_text, several
from bot.flow.ways import always_fits
from bot.flow.wording import WordingReader

T = TypeVar("T")

MOST_FILES = 500
SHIPPED = ("en", "fr", "es", "de", "pt", "ar")
"""Languages that come with texts and rules."""

ARGS: Mapping[str, frozenset[str]] = {
    "resume": frozenset({"flow"}),
    "changed": frozenset(PATTERNS["correct"]),
    "too_late": frozenset(PATTERNS["too_late"]),
    "too_late_ask": frozenset(PATTERNS["too_late"]),
    "cancelled": frozenset(PATTERNS["cancel"]),
    "cancelled_after": frozenset(PATTERNS["cancel"]),
    "miss": frozenset(PATTERNS["stuck"]),
    "miss_again": frozenset(PATTERNS["stuck"]),
    "stuck": frozenset(PATTERNS["stuck"]),
    "handoff_joined": frozenset({"name"}),
    "correction": frozenset({"text"}),
    "link_code": frozenset({"code"}),
    "staff_hint": frozenset({"mark"}),
    "staff_unsent": frozenset({"mark"}),
    "staff_title": frozenset({"customer", "channel"}),
    "staff_stranger": frozenset({"id"}),
    "staff_newer": frozenset({"said"}),
    "staff_refused": frozenset({"why"}),
    "staff_corrected": frozenset({"text"}),
    "staff_struck": frozenset({"text"}),
    **dict.fromkeys(
        (
            *("staff_edited", "staff_gone", "staff_note", "staff_cut_off", "staff_instruction", "staff_with"),
            "staff_moved",
        ),
        frozenset({"who"}),
    ),
}
"""What the texts of the program itself are given; a project that writes its own may use the same names."""

_HERE = Path(__file__).parent


def read(folder: Path) -> Book:
    """Raises `FlowErrors` with all mistakes, in order of their place."""
    reading = _Reading(folder)
    with _no_garbage_sought():
        book = reading.book()
    if reading.problems.found:
        raise FlowErrors(sorted(reading.problems.found))
    assert book is not None, "a book that cannot be made is a problem"
    return book


@contextmanager
def _no_garbage_sought() -> Iterator[None]:
    """Almost all that reading makes stays: looking through it again and again is a quarter of the time it takes."""
    sought = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if sought:
            gc.enable()


@dataclass(slots=True)
class _Reading:
    folder: Path
    problems: Problems = field(default_factory=Problems)
    files: dict[str, str] = field(default_factory=dict)
    """Path to what stood in the file when it was read."""

    def book(self) -> Book | None:
        if not self.folder.is_dir():
            self.problems.add(Mark(str(self.folder), 1, 1), "is no folder")
            return None
        header = self._header()
        languages = self._languages(header)
        found_actions, types = self._python()
        texts = Texts(self._texts(languages), languages[0])
        self._complete(texts, languages)
        wording = WordingReader(texts, languages, self.problems)
        for kind in (kind for name, kind in types.items() if name not in TYPES):
            wording.keyed(kind.error, Node(Mark(str(self.folder / "actions.py"), 1, 1), "text"))
        documents = [node for path in self._flow_files() for node in self._documents(path)]
        names = self._flow_names(documents)
        project = Project(
            wording=wording,
            actions=found_actions,
            types=types,
            queues=tuple(node.texts("queues")) if (node := header) else (),
            flows=names,
            starters=frozenset(_started(header)),
            files=self.files,
            own=OwnFiles(in_folder(self.folder)),
            documents=self._document_names(),
        )
        patterns = self._patterns(project, [node for node in documents if _is_pattern(node)])
        documents = [node for node in documents if not _is_pattern(node)]
        flows = {flow.name: flow for node in documents if (flow := self._flow(node, project))}
        assistant = self._assistant(header, project, languages)
        if assistant is None:
            return None
        self._check_between(flows, names)
        patterns["start"] = patterns.get("start") or _greeting(_shipped_pattern("start", project), assistant)
        rules = {tag: rules_of(tag) for tag in _with_parents(languages)}
        lines = (
            (tag, flow.name, sentence)
            for flow in flows.values()
            for tag, sentences in flow.examples.items()
            for sentence in sentences
        )
        return Book(
            assistant=assistant,
            flows=flows,
            texts=texts,
            actions=found_actions,
            slot_types=types,
            rules=rules,
            examples=prepare(lines, rules),
            patterns={name: patterns.get(name) or _shipped_pattern(name, project) for name in PATTERNS},
            files=_named((*flows.values(), *patterns.values())),
        )

    # The header

    def _header(self) -> Fields | None:
        path = self.folder / "assistant.yaml"
        if not path.is_file():
            self.problems.add(Mark(str(path), 1, 1), "is missing: it names the assistant, its languages and its queues")
            return None
        nodes = self._documents(path)
        if not nodes or nodes[0].kind != "mapping":
            self.problems.add(Mark(str(path), 1, 1), "must be a mapping that begins with 'assistant: NAME'")
            return None
        header = Fields(nodes[0], "the assistant", self.problems)
        header.only(grammar.ASSISTANT.names)
        return header

    def _languages(self, header: Fields | None) -> tuple[str, ...]:
        tags = header.texts("languages") if header else []
        for at, tag in enumerate(tags):
            if not tag.replace("-", "").isalnum() or not 2 <= len(tag.partition("-")[0]) <= 3 or len(tag) > 20:
                assert header is not None
                self.problems.add(
                    header.items("languages")[at], f"{tag!r} is no language; it looks like 'en' or 'fr-CA'"
                )
        return tuple(dict.fromkeys(tags)) or ("en",)

    def _assistant(self, header: Fields | None, project: Project, languages: tuple[str, ...]) -> Assistant | None:
        if header is None:
            return None
        words = ContentReader(project, Making(), self.problems)
        greeting = header.node_of("greeting")
        return Assistant(
            name=header.text("assistant", "assistant", required=True),
            brand=header.text("brand"),
            languages=languages,
            instructions=header.text("instructions"),
            greeting=project.wording.read(greeting) if greeting else project.wording.texts.wording("greeting"),
            starters=tuple(words.option(node) for node in header.items("starters")),
            queues=project.queues,
            needs=self._needs(header, project.actions),
            hours=self._hours(header),
            broken=cast(Any, header.one_of("broken", ("error", "restart", "handoff"), "error")),
        )

    def _needs(self, header: Fields, found: Mapping[str, Action]) -> Needs:
        """All that its actions may do must stand there, for whoever grants it to read."""
        node = header.node_of("needs")
        fields = Fields(node or Node(header.node.mark, "mapping"), "'needs'", self.problems)
        if node is not None and node.kind != "mapping":
            self.problems.add(node, f"'needs' is a mapping like {{scopes: [payments]}}, not {node.named}")
        fields.only(grammar.NEEDS.names)
        scopes = tuple(fields.texts("scopes"))
        for action in found.values():
            for scope in (scope for scope in action.scopes if scope not in scopes):
                why = f"action {action.name!r} has scope {scope!r}, which 'needs' does not name under 'scopes'"
                self.problems.add(fields.node, why + hint(scope, scopes))
        return Needs(scopes=scopes, settings=tuple(fields.texts("settings")))

    def _hours(self, header: Fields) -> Hours:
        week: dict[int, tuple[Interval, ...]] = {}
        for name, at, node in header.pairs("hours"):
            for day in self._said(at, days, name) or ():
                if day in week:
                    self.problems.add(at, f"{WEEKDAYS[day]!r} stands in another line as well")
                week[day] = self._intervals(node)
        holidays: dict[date, tuple[Interval, ...]] = {}
        for name, at, node in header.pairs("holidays"):
            if holiday := self._said(at, date.fromisoformat, name, "is no date; it looks like 2026-12-25"):
                holidays[holiday] = self._intervals(node)
        if holidays and not week:
            self.problems.add(header.node.key("holidays"), "holidays go with 'hours': say when people are there")
        zone = self._said(header.node["timezone"], _zone, header.text("timezone")) if "timezone" in header.node else UTC
        return Hours(zone=zone or UTC, week=week, holidays=holidays)

    def _intervals(self, node: Node) -> tuple[Interval, ...]:
        """`closed`, one interval, or a list of them that do not overlap."""
        if node.kind == "text" and node.scalar == "closed":
            return ()
        found: list[Interval] = []
        for item in node.items if node.kind == "list" else [node]:
            each = self._said(item, interval, str(item.scalar))
            if each is not None and found and each[0] < found[-1][1]:
                self.problems.add(item, f"{item.scalar!r} begins before the hours before it end")
            elif each is not None:
                found.append(each)
        return tuple(found)

    def _said(self, at: Node, read: Callable[[str], T], text: str, otherwise: str = "") -> T | None:
        try:
            return read(text)
        except ValueError as error:
            self.problems.add(at, f"{text!r} {otherwise}" if otherwise else str(error))
            return None

    # Python

    def _python(self) -> tuple[dict[str, Action], dict[str, SlotType]]:
        path = self.folder / "actions.py"
        if not path.is_file():
            return {}, dict(TYPES)
        try:
            module = actions.load(path)
            found, types = actions.actions_of(module), actions.slot_types_of(module)
        except BadAction as error:
            self.problems.add(Mark(str(path), error.line, 1), str(error))
            return {}, dict(TYPES)
        for name in types.keys() & TYPES.keys():
            self.problems.add(Mark(str(path), 1, 1), f"slot type {name!r} exists already; give yours another name")
        for action in found.values():
            if action.undo and action.undo not in found:
                why = f"action {action.name!r} is undone by {action.undo!r}, which is not declared"
                self.problems.add(Mark(str(path), 1, 1), why + hint(action.undo, found))
        return found, {**types, **TYPES}

    # Texts

    def _texts(self, languages: Sequence[str]) -> dict[str, Wording]:
        """The program's texts in the project's languages, under the project's own."""
        found = shipped_words(languages)
        for path in sorted((self.folder / "texts").glob("*.yaml")):
            if path.stem not in _with_parents(languages):
                why = f"language {path.stem!r} is not among the languages of assistant.yaml"
                self.problems.add(Mark(str(path), 1, 1), why + hint(path.stem, languages))
            for key, words in self._texts_of(path).items():
                found.setdefault(key, {})[path.stem] = words
        return {key: Wording(key, by_language, languages[0]) for key, by_language in found.items()}

    def _texts_of(self, path: Path) -> dict[str, Words]:
        found: dict[str, Words] = {}
        for node in self._documents(path):
            if node.kind != "mapping":
                self.problems.add(node, "texts are a mapping of key to text")
                continue
            for key, (at, value) in node.pairs.items():
                if not key.isascii() or not key.isidentifier():
                    self.problems.add(at, f"{key!r} is no key: a key is letters, digits and '_'")
                elif words := self._words(key, value, path.stem):
                    found[key] = words
        return found

    def _words(self, key: str, node: Node, tag: str) -> Words | None:
        """A text, or several ways of saying it."""
        if node.kind != "list":
            return self._one(key, node, tag)
        ways = [way for item in node.items if (way := self._way(key, item, tag))]
        if len(ways) < len(node.items):
            return None
        if not any(map(always_fits, ways)):
            self.problems.add(node, f"text {key!r} has no way that always fits: one without 'if' and 'channel'")
            return None
        return several(ways)

    def _way(self, key: str, node: Node, tag: str) -> OneWay | None:
        if node.kind != "mapping":
            words = self._one(key, node, tag)
            return OneWay(words=words) if words else None
        fields = Fields(node, "the variant", self.problems)
        fields.only(grammar.VARIANT.names)
        words = self._one(key, node["text"], tag) if "text" in node else None
        if "text" not in node:
            self.problems.add(node, "the variant lacks 'text'")
        condition = self._condition(key, node["if"]) if "if" in node else None
        weight = fields.count("weight", 1, least=1, most=100)
        return (
            OneWay(words=words, channel=fields.text("channel"), condition=condition, weight=weight) if words else None
        )

    def _condition(self, key: str, node: Node) -> Expression:
        """Over what the flows that say it know; what the program says itself knows the facts alone."""
        if node.kind != "text":
            return constant(node.plain)
        try:
            return compile_expression(str(node.scalar), FACTS if key in _shipped("en") else _Anything())
        except BadExpression as error:
            self.problems.add(node, str(error))
            return constant(False)

    def _one(self, key: str, node: Node, tag: str) -> Words | None:
        if node.kind != "text" or not str(node.scalar).strip():
            self.problems.add(node, f"text {key!r} must be a text, not {node.named}")
            return None
        try:
            words = compile_text(str(node.scalar), tag)
        except BadText as error:
            self.problems.add(node, f"text {key!r}: {error}")
            return None
        if key in ARGS or key in _shipped("en"):
            self._only_given(key, words, node)
        return words

    def _only_given(self, key: str, words: Words, at: Node) -> None:
        given = ARGS.get(key, frozenset())
        for name in words.reads:
            if name not in given:
                self.problems.add(at, f"text {key!r} names {name!r}; it is given {sorted(given) or 'no values'}")

    def _complete(self, texts: Texts, languages: Sequence[str]) -> None:
        for tag in languages:
            missing = [key for key in _shipped("en") if not _written_in(texts.wording(key), tag)]
            if missing:
                at = Mark(str(self.folder / "texts" / f"{tag}.yaml"), 1, 1)
                self.problems.add(at, f"language {tag!r} comes with no texts; write: {', '.join(sorted(missing))}")

    # Flows

    def _flow(self, node: Node, project: Project) -> Flow | None:
        """With the texts that it names noted as its own."""
        return FlowReader(_for_itself(project), self.problems).read(node)

    def _flow_files(self) -> list[Path]:
        files = sorted(path for path in self.folder.glob("*.yaml") if path.name != "assistant.yaml")
        if len(files) > MOST_FILES:
            self.problems.add(Mark(str(self.folder), 1, 1), f"holds more than {MOST_FILES} flow files")
        return files[:MOST_FILES]

    def _document_names(self) -> frozenset[str]:
        """As `knows` calls them: `refunds` is `refunds.md` and `refunds.fr.md`."""
        folder = self.folder / "knowledge"
        paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*.md"))
        return frozenset(path.partition(".")[0] for path in paths)

    def _flow_names(self, documents: Sequence[Node]) -> dict[str, Node]:
        names: dict[str, Node] = {}
        for node in documents:
            name = node.get("flow") if node.kind == "mapping" else None
            if name is None or name.kind != "text":
                continue
            if first := names.get(str(name.scalar)):
                where = f"{first.mark.path}:{first.mark.line}"
                self.problems.add(name, f"flow {name.scalar!r} is declared twice; first in {where}")
            names.setdefault(str(name.scalar), node)
        return names

    def _patterns(self, project: Project, documents: Sequence[Node]) -> dict[str, Flow]:
        """The project's own."""
        found: dict[str, Flow] = {}
        places: dict[str, Node] = {}
        for node in documents:
            flow = FlowReader(_for_itself(project), self.problems).read(node)
            if flow is None:
                continue
            if first := places.get(flow.name):
                where = f"{first.mark.path}:{first.mark.line}"
                self.problems.add(node["pattern"], f"pattern {flow.name!r} is declared twice; first in {where}")
            places.setdefault(flow.name, node)
            found.setdefault(flow.name, flow)
        return found

    def _check_between(self, flows: Mapping[str, Flow], documents: Mapping[str, Node]) -> None:
        """Slots of the conversation are one thing, whichever flow declares them."""
        shared: dict[str, tuple[str, str]] = {}
        for flow in flows.values():
            for slot in flow.slots.values():
                if slot.scope not in SHARED:
                    continue
                first, kind = shared.setdefault(slot.name, (flow.name, slot.type.name))
                if kind != slot.type.name:
                    at = documents[flow.name]["slots"].key(slot.name)
                    self.problems.add(at, f"slot {slot.name!r} of the conversation is {kind!r} in flow {first!r}")

    def _documents(self, path: Path) -> list[Node]:
        try:
            self.files[str(path)] = text = source.text_of(path, str(path))
            return [node for node in source.parse(text, str(path)) if node.kind != "nothing"]
        except BadFile as error:
            self.problems.add(error.mark, str(error))
            return []


class _Anything(Collection[str]):
    """All names: those who use the text check what they have."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone; it looks like Europe/Paris") from error


def shipped_words(languages: Sequence[str]) -> dict[str, dict[str, Words]]:
    """The program's own texts by key, then language."""
    found: dict[str, dict[str, Words]] = {}
    for tag in _with_parents((*languages, "en")):
        for key, words in _shipped(tag).items():
            found.setdefault(key, {})[tag] = words
    return found


def shipped_texts(language: str) -> Texts:
    """The program's own texts, for whoever reads no language of the project."""
    words = shipped_words((language,) if language else ())
    return Texts({key: Wording(key, by_language, language) for key, by_language in words.items()}, language)


def _named(flows: Iterable[Flow]) -> tuple[FlowFile, ...]:
    """The files that flows name, each once."""
    return tuple({file.path: file for flow in flows for file in flow.source.files}.values())


def _for_itself(project: Project) -> Project:
    """What one flow names is noted by itself."""
    return replace(project, wording=replace(project.wording, used=set()), own=replace(project.own, used={}))


def _is_pattern(node: Node) -> bool:
    return node.kind == "mapping" and "pattern" in node


def _shipped_pattern(name: str, project: Project) -> Flow:
    """In the project's texts. Where it lacks some of them, that is noted elsewhere, once."""
    unheard, used = Problems(), set[str]()
    wording = replace(project.wording, problems=unheard, used=used)
    project = replace(project, wording=wording, files=dict([_pattern_file(name)]))
    flow = FlowReader(project, unheard).read(_pattern_node(name))
    assert flow is not None, "a shipped pattern can be read"
    return flow


@cache
def _pattern_node(name: str) -> Node:
    return source.load(_HERE / "patterns" / f"{name}.yaml", _pattern_file(name)[0])[0]


@cache
def _pattern_file(name: str) -> tuple[str, str]:
    """Its path as messages tell it, and what stands in it."""
    path = f"bot/flow/patterns/{name}.yaml"
    return path, (_HERE / "patterns" / f"{name}.yaml").read_text("utf-8")


def _greeting(start: Flow, assistant: Assistant) -> Flow:
    """The shipped start, with what the assistant says and offers."""
    said = Content(text=assistant.greeting, options=assistant.starters, look="quick")
    first = start.steps[start.first]
    return replace(
        start, steps={**start.steps, first.id: Say(id=first.id, next=first.next, variants=(Variant(content=said),))}
    )


def rules_of(tag: str) -> Rules:
    """The rules that come with the program: `fr-CA` has those of `fr`; those of an unknown language are empty."""
    return _rules(next((known for known in _with_parents((tag,)) if known in SHIPPED), ""))


@cache
def _rules(tag: str) -> Rules:
    plain = source.load(_HERE / "rules" / f"{tag}.yaml", tag)[0].plain if tag else {}
    return rules_from(plain)


@cache
def _shipped(tag: str) -> Mapping[str, Words]:
    if tag not in SHIPPED:
        return {}
    node = source.load(_HERE / "texts" / f"{tag}.yaml", tag)[0]
    return {key: compile_text(str(value.scalar), tag) for key, (_, value) in node.pairs.items()}


def _with_parents(languages: Sequence[str]) -> tuple[str, ...]:
    """`fr-CA` may take its words from `fr`."""
    tags = (tag.rsplit("-", cut)[0] for tag in languages for cut in range(tag.count("-") + 1))
    return tuple(dict.fromkeys(tags))


def _written_in(wording: Wording, language: str) -> bool:
    return any(tag in wording.by_language for tag in _with_parents((language,)))


def _started(header: Fields | None) -> list[str]:
    nodes = header.items("starters") if header else []
    starts = (node.get("start") for node in nodes if node.kind == "mapping")
    return [str(start.scalar) for start in starts if start is not None]
