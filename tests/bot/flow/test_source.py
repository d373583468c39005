"""YAML with positions, bounded while it is read."""

from __future__ import annotations

import pytest

from bot.flow.source import BadFile, parse


def test_values_keep_their_kinds_and_places() -> None:
    (node,) = parse("a: yes\nb: [1, 0x1F, 1.5, true, null, ~, '2']\nc: &x {d: 2026-01-01}\ne: *x\n", "f.yaml")
    assert node.plain == {
        "a": "yes",
        "b": [1, 31, 1.5, True, None, None, "2"],
        "c": {"d": "2026-01-01"},
        "e": {"d": "2026-01-01"},
    }
    assert (node["b"].items[1].mark.line, node["b"].items[1].mark.column) == (2, 8)


def test_documents_are_read_apart() -> None:
    assert [node.plain for node in parse("a: 1\n---\nb: 2\n", "f.yaml")] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("source", "line", "column", "why"),
    [
        ("a: 1\na: 2", 2, 1, "key 'a' stands here twice; first in line 1"),
        ("a: {b: 1, b: 2}", 1, 11, "key 'b' stands here twice; first in line 1"),
        ("[" * 5000, 1, 33, "is nested deeper than 32"),
        ("a: " + "{a: " * 5000, 1, 128, "is nested deeper than 32"),
        ("- " * 5000, 1, 65, "is nested deeper than 32"),
        ("a: !!python/name:os.system x", 1, 4, "tags like tag:yaml.org,2002:python/name:os.system are not allowed"),
        ("a: !x {}", 1, 4, "tags like !x are not allowed"),
        ("a: *b", 1, 4, "there is no anchor 'b' before this"),
        ("a: &a [*a]", 1, 8, "there is no anchor 'a' before this"),
        ("? [a]\n: b", 1, 3, "a key must be a text, not a list"),
        ("a: b: c", 1, 5, "mapping values are not allowed here"),
        ("%YAML 1.1\n---\na: yes", 2, 1, "only YAML 1.2 is read: leave the %YAML line out"),
        ("a: [1", 1, 6, "expected ',' or ']', but got '<stream end>'"),
        ("- x\n" * 20_001, 20_001, 3, "holds more than 20000 values, repeated ones counted each time"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(source: str, line: int, column: int, why: str) -> None:
    with pytest.raises(BadFile) as refused:
        list(parse(source, "f.yaml"))
    assert (refused.value.mark.line, refused.value.mark.column, str(refused.value)) == (line, column, why)


@pytest.mark.parametrize("number", ["1e400", ".inf", ".nan", "9" * 30])
def test_numbers_that_json_has_not_stay_texts(number: str) -> None:
    (node,) = parse(f"a: {number}", "f.yaml")
    assert node.plain == {"a": number}
