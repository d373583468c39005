"""JSON Schema (2020-12) of a project's files, for editors: made of the grammar, so that both say the same.

A schema knows shapes, not meanings: what it refuses, the reader refuses as well, but names that nobody declared,
conditions that do not compile and steps that nobody reaches only the reader finds (`frontdesk check`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, assert_never, get_args

from bot.flow import grammar
from bot.flow.grammar import Key, Shape

Schema = dict[str, Any]
File = Literal["flow", "texts", "assistant", "test"]
FILES: tuple[File, ...] = get_args(File)

_NAME = "^[a-z][a-z0-9_]{0,59}$"
_LANGUAGE = "^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$"
_SPAN = "^[0-9]{1,6}(ms|s|m|h|d)$"
_TEXT: Schema = {"type": "string", "pattern": r"\S"}
_FILE: Schema = {"type": "string", "pattern": "^files/."}
_PLAIN: Schema = {"type": ["string", "number", "boolean"]}
_ABOUT: Mapping[File, str] = {
    "flow": "Flows of a Frontdesk project: flows/*.yaml",
    "texts": "Texts of a Frontdesk project in one language: flows/texts/LANGUAGE.yaml",
    "assistant": "The assistant of a Frontdesk project: flows/assistant.yaml",
    "test": "Conversation tests of a Frontdesk project: flows/tests/*.yaml",
}


@dataclass(frozen=True, slots=True)
class Names:
    """What a project declares, to be proposed; other names are not refused, as a file may be ahead of the schema."""

    by_kind: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Kind of the grammar (`flow`, `action`, `queue`, `type`, ...) to names."""


def schema(file: File, names: Names = Names()) -> Schema:
    """A schema of each document of such a file; it refers to nothing outside."""
    made = _Maker(names)
    match file:
        case "flow":
            pattern = {"if": {"required": ["pattern"]}, "then": made.ref(grammar.PATTERN)}  # and not anyOf, of
            root: Schema = {**pattern, "else": made.ref(grammar.FLOW)}  # which editors tell no more than "neither"
        case "texts":
            words = {"anyOf": [_TEXT, made.listed(made.way())]}
            root = {
                "type": "object",
                "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
                "additionalProperties": _told(words, "what is said, or several ways of saying it"),
            }
        case "assistant":
            root = made.ref(grammar.ASSISTANT)
        case "test":
            root = made.ref(grammar.TEST)
        case _:
            assert_never(file)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": _ABOUT[file],
        **root,
        "$defs": made.all_defined(),
    }


class _Maker:
    """Turns shapes into definitions as they are referred to."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._wanted: dict[str, Shape] = {}
        self._steps = False

    def ref(self, shape: Shape) -> Schema:
        self._wanted[shape.name] = shape
        return {"$ref": f"#/$defs/{shape.name}"}

    def step(self) -> Schema:
        self._steps = True
        return {"$ref": "#/$defs/step"}

    def listed(self, item: Schema) -> Schema:
        return {"type": "array", "items": item}

    def way(self) -> Schema:
        return {"anyOf": [_wording(), self.ref(grammar.VARIANT)]}

    def all_defined(self) -> Schema:
        made: Schema = {}
        while missing := [shape for name, shape in self._wanted.items() if name not in made]:
            for shape in missing:
                made[shape.name] = self._shape(shape)
            if self._steps and "step" not in made:
                verbs = [self._verb(shape) for shape in grammar.VERBS.values()]
                made["step"] = {"description": f"one of: {', '.join(grammar.VERBS)}", "anyOf": verbs}
        return dict(sorted(made.items()))

    def _verb(self, shape: Shape) -> Schema:
        """The verb's own key tells what the step does: an editor shows it where the step begins."""
        made = self._shape(shape)
        own = made["properties"][shape.name]
        own["description"] = f"{shape.means}: {own['description']}\n\n{_example(shape)}"
        return made | {"title": shape.name, "required": list(dict.fromkeys([shape.name, *made.get("required", ())]))}

    def _shape(self, shape: Shape) -> Schema:
        made: Schema = {
            "type": "object",
            "description": f"{shape.means}\n\n{_example(shape)}" if shape.example else shape.means,
            "properties": {key.name: self._key(key) for key in shape.keys},
            "additionalProperties": False,
        }
        if required := [key.name for key in shape.keys if key.required]:
            made["required"] = required
        if shape.one_of:
            made["allOf"] = [{"oneOf": [{"required": [name]} for name in group]} for group in shape.one_of]
        return made

    def _key(self, key: Key) -> Schema:
        means = key.means if not key.otherwise else f"{key.means}\n\nLeft out: {key.otherwise}"
        return _told(self._kind(key), means)

    def _kind(self, key: Key) -> Schema:
        match key.kind:
            case "text":
                return dict(_TEXT)
            case "name" | "step" | "slot" | "flow" | "action" | "queue" | "type" | "language":
                return self._named(key.kind)
            case "wording":
                return _wording()
            case "file":
                return {"anyOf": [_FILE, {"type": "object", "additionalProperties": _FILE}]}
            case "content":
                return {"anyOf": [_wording(), self.ref(grammar.CONTENT)]}
            case "expression" | "value":
                return {}
            case "expressions":
                return {"type": "object", "propertyNames": {"pattern": _NAME}}
            case "span":
                return {"type": "string", "pattern": _SPAN}
            case "instant":
                return dict(_TEXT)
            case "count":
                return {"type": "integer", "minimum": key.least, "maximum": key.most}
            case "number":
                return {"type": "number"}
            case "truth":
                return {"type": "boolean"}
            case "word":
                return {"enum": list(key.allowed)}
            case "texts":
                return self.listed(dict(_TEXT))
            case "wordings":
                return self.listed(_wording())
            case "names":
                return self.listed(self._named(key.of))
            case "sentences":
                many = self.listed(dict(_TEXT))
                return {"anyOf": [many, _by_language(many)]}
            case "steps":
                return self.listed(self.step()) | {"minItems": 1}
            case "branch":
                return self._branch()
            case "cases":
                return {"type": "object", "additionalProperties": self._branch()}
            case "answers":
                return self.listed({"anyOf": [_PLAIN, self.ref(grammar.ANSWER)]})
            case "choices":
                return {"anyOf": [self.listed({"anyOf": [_PLAIN, self.ref(grammar.ANSWER)]}), dict(_TEXT)]}
            case "slots":
                return {
                    "type": "object",
                    "propertyNames": {"pattern": _NAME},
                    "additionalProperties": self.ref(grammar.SLOT),
                }
            case "mapping":
                return {"type": "object"}
            case "shape":
                made = self.ref(grammar.SHAPES[key.of])
                return {"anyOf": [{"type": "string", "pattern": _SPAN}, made]} if key.of == "wait" else made
            case "shapes":
                return self.listed(self.ref(grammar.SHAPES[key.of]))
            case "variants":
                return self.listed(self.way())
            case _:
                assert_never(key.kind)

    def _branch(self) -> Schema:
        return {"anyOf": [self.listed(self.step()), self.step(), self._named("step")]}

    def _named(self, kind: str) -> Schema:
        plain: Schema = {"type": "string"}
        proposed = list(self._names.by_kind.get(kind, ()))
        return {"anyOf": [{"enum": proposed}, plain]} if proposed else plain


def _wording() -> Schema:
    return {"anyOf": [_TEXT, {**_by_language(_TEXT), "minProperties": 1}]}


def _by_language(each: Schema) -> Schema:
    return {
        "type": "object",
        "propertyNames": {"pattern": _LANGUAGE},
        "additionalProperties": each,
    }


def _told(made: Schema, means: str) -> Schema:
    return {**made, "description": means}


def _example(shape: Shape) -> str:
    return "Example:\n" + "\n".join(f"    {line}" for line in shape.example.strip().splitlines())


def proposed(kinds: Mapping[str, Iterable[str]]) -> Names:
    return Names({kind: sorted(names) for kind, names in kinds.items()})
