"""Expressions of flow files: what they may say, and what is refused before it can cost anything."""

from __future__ import annotations

import pytest

from bot.flow.conditions import LONGEST, BadExpression, Unevaluated, compile_expression
from bot.model import Json

VALUES: dict[str, Json] = {
    "order": "A-17",
    "count": 3,
    "price": 12.5,
    "agreed": True,
    "empty": None,
    "window": {"days_left": -1, "tags": ["a", "b"]},
    "due": "2026-03-05",
    "now": "2026-03-02T10:00:00+00:00",
    "customer": {"verified": False},
}


def value(source: str) -> Json:
    return compile_expression(source, VALUES, instants=("due",)).evaluate(VALUES.get)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("order", "A-17"),
        (" agreed ", True),
        ("empty", None),
        ("!agreed", False),
        ("order == 'A-17' && count > 2", True),
        ("window.days_left < 0", True),
        ("'b' in window.tags", True),
        ("window.tags.exists(t, t == order)", False),
        ("has(window.value)", False),
        ("empty == null ? 'none' : 'some'", "none"),
        ("order.matches('^(A+)+$')", False),
        ("due - now < duration('72h')", True),
        ("now.getFullYear()", 2026),
        ("order.startsWith('map(')", False),
        ("{'a': [count]}", {"a": [3]}),
        ("true", True),
    ],
)
def test_an_expression_over_known_names(source: str, expected: Json) -> None:
    assert value(source) == expected


def test_it_tells_the_names_it_reads_but_not_those_it_binds() -> None:
    assert compile_expression("window.tags.all(t, t != order)", VALUES).reads == ("order", "window")


@pytest.mark.parametrize(
    "source",
    [
        "ordr",
        "ordr == 'A'",
        "order ==",
        "",
        "order = 'A'",
        "[1, 2].map(x, x * 2) == [2, 4]",
        "[1].all(x, [2].all(y, y > x))",
        "[1].exists(x, [[2]].filter(y, true).size() > x)",
        "cel.bind(x, 1, x)",
        "unknown(order)",
        "order.unknown()",
        "'''order'''",
        "(" * 60 + "1" + ")" * 60,
        "1 + " * LONGEST + "1",
        "order." + "a." * 300 + "b",
    ],
)
def test_what_is_wrong_or_could_be_costly_is_refused_when_it_is_read(source: str) -> None:
    with pytest.raises(BadExpression):
        compile_expression(source, VALUES)


@pytest.mark.parametrize(
    "source", ["empty < 3", "window.value > 1", "count + price", "order[5]", "empty.size()", "1 / (count - 3)"]
)
def test_values_that_do_not_fit_are_an_error_of_its_own(source: str) -> None:
    with pytest.raises(Unevaluated):
        value(source)


def test_a_macro_hidden_in_a_string_is_none_and_one_behind_a_string_is_found() -> None:
    assert value('order == \'.map(\' || "\\".all(" == order') is False
    with pytest.raises(BadExpression):
        value("'it\\'s' == order && window.tags.map(t, t) == []")
