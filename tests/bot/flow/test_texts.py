"""Texts: what their authors may write, and that nothing a customer wrote is ever more than characters."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.flow.texts import LONGEST, BadText, Chosen, Unsayable, Wording, compile_text
from bot.markup import plain
from bot.model import Span


def said(source: str, language: str = "en", **args: object) -> str:
    return plain(compile_text(source, language).spans(args))


def test_a_text_without_values_is_made_once() -> None:
    words = compile_text("Hello **you**", "en")
    assert (words.spans({}), words.spans({}) is words.spans({})) == (
        (Span("Hello "), Span("you", ("bold",))),
        True,
    )


@pytest.mark.parametrize(
    ("source", "language", "args", "expected"),
    [
        ("{{ a }} and {{ b.c }}", "en", {"a": 1, "b": {"c": "x"}}, "1 and x"),
        ("{{ a | upper }}", "en", {"a": "x"}, "X"),
        ("{{ a | join }}", "en", {"a": ["x", "y"]}, "x, y"),
        ("{{ a | first }}", "en", {"a": ["x", "y"]}, "x"),
        ("{{ a | round }} {{ a | round(1) }}", "en", {"a": 1.26}, "1 1.3"),
        ("{{ a | number }}", "fr", {"a": 1234.5}, "1\u202f234,5"),
        ("{{ a | money('EUR') }}", "en", {"a": 12.5}, "€12.50"),
        ("{{ a | money('EUR') }}", "fr", {"a": 12.5}, "12,50\xa0€"),
        ("{{ a | date }}", "fr", {"a": "2026-03-02"}, "2 mars 2026"),
        ("{{ a | date('short') }}", "en", {"a": "2026-03-02T10:00:00+00:00"}, "3/2/26"),
        ("{{ a | plural(one='day', other='days') }}", "en", {"a": 1}, "day"),
        ("{{ a | plural(one='jour', other='jours') }}", "fr", {"a": 0}, "jour"),
        ("{% if a > 1 %}many{% else %}one{% endif %}", "en", {"a": 2}, "many"),
        ("{% for x in a %}{{ loop.index }}{{ x }} {% endfor %}", "en", {"a": ["x", "y"]}, "1x 2y"),
        ("{{ a | default('none') }}", "en", {"a": None}, "none"),
        ("{{ 'x' if a is defined else 'y' }}", "en", {}, "y"),
        ("{{ a }}", "en", {"a": Chosen("damaged", "It is damaged")}, "It is damaged"),
        ("{% if a == 'damaged' %}{{ a }}{% endif %}", "en", {"a": Chosen("damaged", "Broken")}, "Broken"),
        ("{{ a }}!", "en", {"a": None}, "!"),
        ("{{ a }}", "en", {"a": {"amount": 1234.5, "currency": "EUR"}}, "€1,234.50"),
        ("{{ a }}", "de", {"a": {"amount": 1234.5, "currency": "EUR"}}, "1.234,50\xa0€"),
        ("{{ a.amount }} {{ a | money }}", "fr", {"a": {"amount": 5, "currency": "USD"}}, "5 5,00\xa0$US"),
        ("{{ a }}", "en", {"a": datetime(2026, 3, 3, 15, 30, tzinfo=UTC)}, "March 3, 2026, 3:30\u202fPM"),
        ("{{ a }}", "de", {"a": datetime.fromisoformat("2026-03-03T15:30+02:00")}, "3. März 2026, 15:30"),
        ("{{ a }}, {{ a | time('medium') }}", "fr", {"a": time(15, 30)}, "15:30, 15:30:00"),
        ("{{ a }}", "en", {"a": timedelta(seconds=5_400)}, "1 hour 30 minutes"),
        ("{{ a }}", "es", {"a": timedelta(days=14)}, "2 semanas"),
        ("{{ a }}", "pt", {"a": timedelta(days=1, seconds=3_601)}, "1 dia 1 hora"),
        ("{{ a }}", "de", {"a": timedelta(0)}, "0 Sekunden"),
        ("{{ a }}", "fr", {"a": ["x", "y", "z"]}, "x, y et z"),
        ("{{ a }}", "en", {"a": ["x"]}, "x"),
        ("{{ a }}", "en", {"a": {"latitude": 48.8566, "longitude": 2.35, "label": ""}}, "48.85660, 2.35000"),
        ("{{ a }}", "en", {"a": {"ref": "r", "name": "", "type": "image/png", "size": 1, "caption": ""}}, "image/png"),
    ],
)
def test_values_look_as_the_language_writes_them(
    source: str, language: str, args: dict[str, object], expected: str
) -> None:
    assert said(source, language, **args) == expected


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 100000000 }}",
        "{{ 2 ** 99999 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ a.format(b) }}",
        "{{ a.center(100000000) }}",
        "{{ range(1000000000) }}",
        "{{ a.__class__ }}",
        "{{ a['__class__'] ~ b[c] }}",
        "{{ _values }}",
        "{{ a | replace('a', 'b') }}",
        "{{ a | attr('x') }}",
        "{{ a | _address }}",
        "{% for x in a %}{% for y in b %}{% endfor %}{% endfor %}",
        "{% set a = 1 %}",
        "{% include 'x' %}",
        "{% macro m() %}{% endmacro %}",
        "{% import 'os' as os %}",
        "{{ [1, 2, 3] }}",
        "{{ " + "(" * 300 + "a" + ")" * 300 + " }}",
        "{{ " + "not " * 900 + "a }}",
        "{{ a",
        "{% if a %}",
        "x" * 5000,
    ],
)
def test_what_could_cost_or_reach_too_much_is_refused_when_it_is_read(source: str) -> None:
    with pytest.raises(BadText):
        compile_text(source, "en")


@pytest.mark.parametrize(
    "template",
    ["I heard: {{ words }}", "{% if words %}I heard: {{ words }}{% endif %}"],
    ids=["gaps", "branches"],
)
@pytest.mark.parametrize(
    "words",
    [
        "{{ 7 * 7 }}",
        "{% for x in y %}",
        "**bold** _it_ `code`",
        "[x](https://evil.example)",
        "<!channel> @everyone",
        "https://evil.example",
        "# Head\n\n- item\n1. one\n> quote",
        "\\",
        "\ue0000\ue001",
    ],
)
def test_a_value_stays_what_it_is(template: str, words: str) -> None:
    expected = "I heard: " + words.replace("\ue000", "").replace("\ue001", "")
    assert compile_text(template, "en").spans({"words": words}) == (Span(expected),)


@given(st.text())
def test_no_value_becomes_markup(words: str) -> None:
    spans = compile_text("**{{ words }}** heard", "en").spans({"words": words})
    assert {span.marks for span in spans} <= {("bold",), ()}
    assert "".join(span.text for span in spans) == words.replace("\ue000", "").replace("\ue001", "") + " heard"


def test_a_value_in_the_address_of_a_link_cannot_leave_it() -> None:
    words = compile_text("[Track it](https://shop.example/{{ order }}) now", "en")
    assert words.spans({"order": "A) [x](https://evil.example"}) == (
        Span("Track it", (), "https://shop.example/A%29%20%5Bx%5D%28https://evil.example"),
        Span(" now"),
    )


def test_a_value_alone_is_no_address_of_another_kind() -> None:
    spans = compile_text("[Track it]({{ link }})", "en").spans({"link": "javascript:alert(1)"})
    assert [span.link for span in spans] == [""]


@pytest.mark.parametrize(
    ("source", "args"),
    [
        ("{{ a }}", {}),
        ("{{ a.b }}", {"a": {}}),
        ("{{ a.b }}", {"a": None}),
        ("{% if a.b %}x{% endif %}", {"a": {}}),
        ("{{ a }}", {"a": {"b": 1}}),
        ("{{ a | money('EUR') }}", {"a": "much"}),
        ("{{ a | date }}", {"a": "soon"}),
        ("{{ a + b }}", {"a": 1, "b": "x"}),
        ("{{ a }}", {"a": "x" * (LONGEST + 1)}),
        ("{% for x in a %}" + "y" * 100 + "{% endfor %}", {"a": [1] * 1000}),
    ],
)
def test_values_that_do_not_fit_are_refused_and_never_shown_half(source: str, args: dict[str, object]) -> None:
    with pytest.raises(Unsayable):
        compile_text(source, "en").spans(args)


@pytest.mark.parametrize(
    ("language", "expected"), [("fr-CA", "ca"), ("fr-BE", "fr"), ("fr", "fr"), ("nl", "en"), ("", "en")]
)
def test_a_text_is_looked_for_from_region_to_language_to_the_project_s_own(language: str, expected: str) -> None:
    by_language = {tag: compile_text(tag.removeprefix("fr-").lower(), tag) for tag in ("en", "fr", "fr-CA")}
    assert Wording("x", by_language, "en").plain(language, {}) == expected


PIECES = (
    "Order ",
    "**",
    "*",
    "`",
    "\n\n",
    "- ",
    "[it](",
    ")",
    "{{ a }}",
    "{{b.c}}",
    "{{ a.b }}",
    "{{ not }}",
    "}}",
    "{ ",
    "é",
)


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_what_only_names_values_is_read_as_the_template_language_reads_it(source: str) -> None:
    """A comment is nothing but needs the template language."""
    args: dict[str, object] = {"a": {"b": "*x*"}, "b": {"c": 7}, "it": "y"}
    assert outcome(source.strip(), args) == outcome("{# #}" + source.strip(), args)


def outcome(source: str, args: dict[str, object]) -> object:
    try:
        words = compile_text(source, "en")
        return words.reads, words.spans(args)
    except (BadText, Unsayable) as error:
        return str(error)
