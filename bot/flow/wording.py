"""Reads texts where they stand in flow files: `@key`, words in the project's language, or one per language."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from bot.flow.conditions import hint
from bot.flow.fields import Problems
from bot.flow.source import Node
from bot.flow.texts import BadText, Texts, Wording, Words, compile_text


@dataclass(frozen=True, slots=True)
class WordingReader:
    texts: Texts
    languages: tuple[str, ...]
    problems: Problems
    used: set[str] = field(default_factory=set)
    """Keys that were asked for."""

    def read(self, node: Node, given: Collection[str] = (), *, to_customers: bool = True) -> Wording:
        """`given` are the names that have values where the text is said; the staff needs one language only."""
        if node.kind == "mapping" and node.pairs:
            by_language = self._per_language(node)
        elif node.kind != "text" or not str(node.scalar).strip():
            self.problems.add(node, f"here stands a text or a '@key', not {node.named}")
            by_language = {}
        elif str(node.scalar).startswith("@"):
            return self.keyed(str(node.scalar)[1:], node, given)
        else:
            by_language = {tag: words for tag in self.languages[:1] if (words := self._compiled(node, tag))}
        if by_language and to_customers:
            self._complete(by_language, node, "write it in texts/ and name its '@key' here")
        wording = Wording("", by_language or {self.languages[0]: _nothing(self.languages[0])}, self.languages[0])
        self._only_given(wording, node, given)
        return wording

    def keyed(self, key: str, at: Node, given: Collection[str] = ()) -> Wording:
        if key not in self.texts:
            where = " and ".join(f"texts/{tag}.yaml" for tag in self.languages)
            self.problems.add(at, f"text {key!r} stands nowhere{hint(key, self.texts.by_key)}; write it in {where}")
            return Wording(key, {self.languages[0]: _nothing(self.languages[0])}, self.languages[0])
        self.used.add(key)
        wording = self.texts.wording(key)
        self._complete(wording.by_language, at, f"write {key!r} in its file in texts/")
        self._only_given(wording, at, given)
        return wording

    def label(self, key: str, otherwise: str, at: Node) -> Wording:
        """The text of that key if there is one, else these words, which are then in every language the same."""
        if key in self.texts:
            return self.keyed(key, at)
        if len(self.languages) > 1:
            self.problems.add(at, f"{otherwise!r} has no name that customers can read: write text {key!r}")
        words = compile_text(otherwise.replace("_", " ").capitalize(), self.languages[0])
        return Wording("", {self.languages[0]: words}, self.languages[0])

    def figure(self, digits: str) -> Wording:
        """Digits, which are in every language the same."""
        return Wording("", {self.languages[0]: compile_text(digits, self.languages[0])}, self.languages[0])

    def _per_language(self, node: Node) -> dict[str, Words]:
        found: dict[str, Words] = {}
        for tag, (at, value) in node.pairs.items():
            if tag not in self.languages:
                self.problems.add(at, f"{tag!r} is no language of this project{hint(tag, self.languages)}")
            elif words := self._compiled(value, tag):
                found[tag] = words
        return found

    def _compiled(self, node: Node, tag: str) -> Words | None:
        if node.kind != "text":
            self.problems.add(node, f"here stands a text, not {node.named}")
            return None
        try:
            return compile_text(str(node.scalar), tag)
        except BadText as error:
            self.problems.add(node, str(error))
            return None

    def _complete(self, by_language: Collection[str], at: Node, remedy: str) -> None:
        missing = [tag for tag in self.languages if not any(_covers(written, tag) for written in by_language)]
        if missing:
            self.problems.add(at, f"this text is missing in {', '.join(map(repr, missing))}: {remedy}")

    def _only_given(self, wording: Wording, at: Node, given: Collection[str]) -> None:
        for name in sorted(wording.reads):
            if name not in given:
                which = f"text {wording.key!r}" if wording.key else "this text"
                self.problems.add(at, f"{which} names {name!r}, which is not declared{hint(name, given)}")


def _covers(written: str, tag: str) -> bool:
    return tag == written or tag.startswith(f"{written}-")


def _nothing(language: str) -> Words:
    return Words("", language, (), lambda args: ())
