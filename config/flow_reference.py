"""`docs/reference/flows.md`: the flow language as its grammar tells it. `python -m config.flow_reference` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bot.flow import grammar
from bot.flow.grammar import Key, Shape

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "flows.md"

_KINDS = {
    "wording": "a text, `@key`, or one text per language",
    "file": "a path below `files/`, or one per language",
    "content": "a text, `@key`, one text per language, or [content](#content)",
    "expression": "a name, a value, or CEL",
    "expressions": "name to expression",
    "span": "a span: `10s`, `5m`, `2h`, `1d`",
    "instant": "a moment, or an expression that gives one",
    "truth": "true or false",
    "value": "any value",
    "texts": "a list of texts",
    "wordings": "a list of texts, `@key`s, or mappings of language to text",
    "sentences": "a list of texts, or one list per language",
    "steps": "a list of steps",
    "branch": "steps, one step, or the id of a step",
    "cases": "value to branch",
    "answers": "a list of values, or of [answers](#answer)",
    "choices": "answers, or an expression that gives a list of them",
    "slots": "name to [slot](#slot)",
    "variants": "a list of texts, or of [variants](#variant)",
    "slot": "a slot's name",
    "flow": "a flow's name",
    "action": "an action's name",
    "queue": "a queue's name",
    "type": "a slot type's name",
    "language": "a language tag",
    "step": "a step's id",
}


def page() -> str:
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# The flow language"
    yield ""
    yield "Made from `bot/flow/grammar.py` by `python -m config.flow_reference`; what editors complete"
    yield "(`frontdesk schema`) comes from the same place."
    yield ""
    yield "New to it? Begin with [your first flow](../tutorial/first_flow.md)."
    yield ""
    yield "**Steps:** " + " · ".join(f"[{name}](#{name})" for name in grammar.VERBS)
    yield ""
    shapes = " · ".join(f"[{name}](#{_anchor(name)})" for name in grammar.SHAPES)
    yield f"**Files and what they hold:** {shapes}"
    yield ""
    yield "## Steps"
    yield ""
    yield "One key names the verb; the others are its options."
    yield ""
    for shape in grammar.VERBS.values():
        yield from _section(shape)
    yield "## Files and what they hold"
    yield ""
    for shape in grammar.SHAPES.values():
        yield from _section(shape)


def _section(shape: Shape) -> Iterator[str]:
    is_verb = grammar.VERBS.get(shape.name) is shape
    yield f"### {shape.name if is_verb else _anchor(shape.name).replace('-', ' ')}"
    yield ""
    yield f"{shape.means[0].upper()}{shape.means[1:]}."
    yield ""
    if shape.example:
        yield "```yaml"
        yield from shape.example.strip().splitlines()
        yield "```"
        yield ""
    yield "| key | holds | meaning | left out |"
    yield "|---|---|---|---|"
    for key in shape.keys:
        missing = "**required**" if key.required else _cell(key.otherwise)
        yield f"| `{key.name}` | {_cell(_holds(key))} | {_cell(key.means)} | {missing} |"
    for group in shape.one_of:
        yield ""
        yield f"Exactly one of {', '.join(f'`{name}`' for name in group)}."
    yield ""


def _holds(key: Key) -> str:
    match key.kind:
        case "count":
            return f"a whole number, {key.least} to {key.most}"
        case "word":
            return ", ".join(f"`{word}`" for word in key.allowed)
        case "shape":
            return f"[{key.of}](#{_anchor(key.of)})"
        case "shapes":
            return f"a list of [{key.of}](#{_anchor(key.of)})"
        case "names":
            return f"a list of names: {key.of}"
        case "mapping":
            return f"name to {key.of}"
        case _:
            return _KINDS.get(key.kind, f"a {key.kind}")


def _anchor(shape: str) -> str:
    """A verb may have a mapping of the same name."""
    return f"mapping-{shape}" if shape in grammar.VERBS else shape


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
