"""Reads a project's folder into a book, or tells every mistake in it with file, line and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bot.errors import FlowErrors
from bot.flow import actions, grammar, source
from bot.flow.actions import Action, BadAction
from bot.flow.book import Assistant, Book, Flow
from bot.flow.conditions import hint
from bot.flow.examples import prepare
from bot.flow.fields import Fields, Problems
from bot.flow.read_flow import SHARED, FlowReader, Project
from bot.flow.rules import Rules, by_first_word, by_phrase, phrases
from bot.flow.slots import TYPES, SlotType
from bot.flow.source import BadFile, Mark, Node
from bot.flow.texts import BadText, Texts, Wording, Words, compile_text
from bot.flow.wording import WordingReader

MOST_FILES = 500
SHIPPED = ("en", "fr", "es", "de", "pt", "ar")
"""Languages that come with texts and rules."""

ARGS: Mapping[str, frozenset[str]] = {
    "resume": frozenset({"flow"}),
    "handoff_joined": frozenset({"name"}),
}
"""What the texts of the program itself are given; a project that writes its own may use the same names."""

_HERE = Path(__file__).parent


def read(folder: Path) -> Book:
    """Raises `FlowErrors` with all mistakes, in order of their place."""
    reading = _Reading(folder)
    book = reading.book()
    if reading.problems.found:
        raise FlowErrors(sorted(reading.problems.found))
    assert book is not None, "a book that cannot be made is a problem"
    return book


@dataclass(slots=True)
class _Reading:
    folder: Path
    problems: Problems = field(default_factory=Problems)

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
            documents=self._document_names(),
        )
        flows = {flow.name: flow for node in documents if (flow := FlowReader(project, self.problems).read(node))}
        assistant = self._assistant(header, project, languages)
        if assistant is None:
            return None
        self._check_between(flows, names)
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
        reader = FlowReader(project, self.problems)
        greeting = header.node_of("greeting")
        return Assistant(
            name=header.text("assistant", "assistant", required=True),
            brand=header.text("brand"),
            languages=languages,
            instructions=header.text("instructions"),
            greeting=project.wording.read(greeting) if greeting else project.wording.texts.wording("greeting"),
            starters=tuple(reader.option(node) for node in header.items("starters")),
            queues=project.queues,
        )

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
        found: dict[str, dict[str, Words]] = {}
        for tag in _with_parents((*languages, "en")):
            for key, words in _shipped(tag).items():
                found.setdefault(key, {})[tag] = words
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
                elif value.kind != "text" or not str(value.scalar).strip():
                    self.problems.add(value, f"text {key!r} must be a text, not {value.named}")
                else:
                    try:
                        words = compile_text(str(value.scalar), path.stem)
                    except BadText as error:
                        self.problems.add(value, f"text {key!r}: {error}")
                        continue
                    if key in ARGS or key in _shipped("en"):
                        self._only_given(key, words, value)
                    found[key] = words
        return found

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
            return [node for node in source.load(path, str(path)) if node.kind != "nothing"]
        except BadFile as error:
            self.problems.add(error.mark, str(error))
            return []


def rules_of(tag: str) -> Rules:
    """The rules that come with the program: `fr-CA` has those of `fr`; those of an unknown language are empty."""
    return _rules(next((known for known in _with_parents((tag,)) if known in SHIPPED), ""))


@cache
def _rules(tag: str) -> Rules:
    plain = source.load(_HERE / "rules" / f"{tag}.yaml", tag)[0].plain if tag else {}
    return Rules(
        whole=by_phrase(plain.get("whole", {})),
        within=by_first_word(plain.get("within", {})),
        yes=phrases(plain.get("yes", ())),
        no=phrases(plain.get("no", ())),
        negations=_words(plain.get("negations", ())),
        filler=_words(plain.get("filler", ())),
        ordinals=tuple(phrases(names) for names in plain.get("ordinals", ())),
        last=phrases(plain.get("last", ())),
        numbers=tuple(" ".join(phrase) for line in plain.get("numbers", ()) for phrase in phrases([line])),
    )


def _words(lines: Sequence[str]) -> frozenset[str]:
    return frozenset(word for phrase in phrases(lines) for word in phrase)


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
