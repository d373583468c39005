"""Slot types where they are used: in requests, in questions, in what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.flow.read import read
from bot.flow.slots import TYPES
from bot.flow.understand import understand
from bot.model import Declined, Json, Said, Start, text
from tests.bot.flow.script import Talk, project, talk
from tests.bot.flow.slots.hearing import hearing, parse

BOOKING = """
flow: book
about: A table.
examples: [EXAMPLE]
slots:
  day: {type: date}
  at: {type: time}
  people: {type: integer}
  contact: {type: email}
  phone: {type: phone, region: GB}
  budget: {type: money, currency: GBP}
  site: {type: url}
  who: {type: name}
  note: {type: text}
  liked: {type: rating}
  sure: {type: yes_no}
steps: [{ask: day, say: When?}, {ask: people, say: How many?}, {say: "{{ day }}"}]
---
flow: trip
about: A trip.
examples: [I want to travel]
slots: {out: {type: date}, back: {type: date}}
steps: [{ask: out, say: From?}, {ask: back, say: Until?}]
"""


def named(talking: Talk, words: str) -> dict[str, Json]:
    found = understand(talking.book, talking.state, talking.turn(Said(text(words))), talking.facts)
    assert not isinstance(found, Declined), words
    ((command, _),) = found.commands
    assert isinstance(command, Start)
    return command.slots


@pytest.mark.parametrize(
    ("words", "slots"),
    [
        ("I want to book a table for tomorrow", {"day": "2026-03-03"}),
        (
            "I want to book a table on friday, 20 pounds each",
            {"day": "2026-03-06", "budget": {"amount": 20, "currency": "GBP"}},
        ),
        ("I want to book a table, mail ann@example.com", {"contact": "ann@example.com"}),
        ("I want to book a table, call 020 7946 0958", {"phone": "+442079460958"}),
        ("I want to book a table, order 02079460958", {}),
        ("I want to book a table, see https://example.com/me", {"site": "https://example.com/me"}),
        ("I want to book a table, yes, great, for 5", {}),
        ("I want to book a table on friday or on sunday", {}),
        ("I want to book a table but not tomorrow", {}),
        ("I want to book a table in the sun", {}),
    ],
)
def test_what_a_request_names_is_not_asked_again(tmp_path: Path, words: str, slots: dict[str, Json]) -> None:
    assert named(talk(tmp_path, BOOKING.replace("EXAMPLE", f"'{words}'")), words) == slots


def test_where_two_slots_could_have_a_value_both_are_asked_for(tmp_path: Path) -> None:
    assert named(talk(tmp_path, BOOKING), "I want to travel tomorrow") == {}


def test_types_that_any_words_could_be_are_never_found_in_a_request() -> None:
    assert {name for name, kind in TYPES.items() if kind.find} == {"money", "date", "email", "phone", "url"}


FORM = """
flow: form
about: A form.
slots:
  price: {type: money}
  day: {type: date}
  at: {type: time}
  moment: {type: datetime}
  long: {type: duration}
  sizes: {type: multi_choice, of: [{value: s, label: Small}, {value: m, label: Medium}, {value: l, label: Large}]}
  stars: {type: rating}
steps:
  - {ask: price, say: How much?}
  - {ask: day, say: Which day?}
  - {ask: at, say: What time?}
  - {ask: moment, say: When?}
  - {ask: long, say: How long?}
  - {ask: sizes, say: Which sizes?}
  - {ask: stars, say: How was it?}
  - when: price.amount > 20 && long >= 3600 && "m" in sizes && moment > now && stars == 4
    then: [{say: Yes.}]
    else: [{say: No.}]
  - say: "{{ price }}; {{ day }}; {{ at }}; {{ moment }}; {{ long }}; {{ sizes }}; {{ stars }}"
"""


def test_answers_of_every_kind_are_kept_compared_and_shown(tmp_path: Path) -> None:
    talking = talk(tmp_path, FORM)
    assert talking.do("/start form") == ["How much?"]
    answers = ["twenty-five dollars", "tomorrow", "half past three", "friday at noon", "an hour and a half"]
    for answer in answers:
        assert talking.hear(answer) is not None, answer
    assert talking.slots("form") == {
        "price": {"amount": 25, "currency": "USD"},
        "day": "2026-03-03",
        "at": "15:30",
        "moment": "2026-03-06T12:00:00+00:00",
        "long": 5400,
    }
    assert talking.hear("small and medium") == ["How was it?", "[1|2|3|4|5]"]
    assert talking.press("4") == [
        "Yes.",
        "$25.00; March 3, 2026; 3:30\u202fPM; March 6, 2026, 12:00\u202fPM; 1 hour 30 minutes; Small and Medium; 4",
    ]


def sizing(tmp_path: Path) -> Talk:
    talking = talk(tmp_path, FORM)
    lines = talking.do("/start form price=5USD day=2026-03-03 at=10:00 moment=2026-03-03T10:00 long=60")
    assert lines == ["Which sizes?", "[Small|Medium|Large]"]
    return talking


def test_several_answers_are_chosen_button_by_button(tmp_path: Path) -> None:
    talking = sizing(tmp_path)
    assert talking.press("Large") == ["Chosen: Large. Anything else?", "[Small|Medium|✓ Large|Done]"]
    assert talking.press("Small") == ["Chosen: Small and Large. Anything else?", "[✓ Small|Medium|✓ Large|Done]"]
    assert talking.press("Done") == ["How was it?", "[1|2|3|4|5]"]
    assert talking.slots("form")["sizes"] == ["s", "l"]


def test_what_was_chosen_may_be_dropped_again(tmp_path: Path) -> None:
    talking = sizing(tmp_path)
    talking.press("Large")
    assert talking.press("✓ Large") == ["Which sizes?", "[Small|Medium|Large]"]
    talking.press("Small")
    talking.press("Done")
    assert talking.slots("form")["sizes"] == ["s"]


def test_who_has_chosen_everything_is_done(tmp_path: Path) -> None:
    talking = sizing(tmp_path)
    for label in ("Large", "Small"):
        talking.press(label)
    assert talking.press("Medium") == ["How was it?", "[1|2|3|4|5]"]
    assert talking.slots("form")["sizes"] == ["s", "m", "l"]


@pytest.mark.parametrize("words", ["Done", "done", "that's all", "no", "nothing else", "no more"])
def test_who_says_so_is_done(tmp_path: Path, words: str) -> None:
    talking = sizing(tmp_path)
    talking.press("Large")
    assert talking.hear(words) == ["How was it?", "[1|2|3|4|5]"]
    assert talking.slots("form")["sizes"] == ["l"]


def test_words_choose_beside_buttons(tmp_path: Path) -> None:
    talking = sizing(tmp_path)
    talking.press("Large")
    assert talking.hear("small") == ["Chosen: Small and Large. Anything else?", "[✓ Small|Medium|✓ Large|Done]"]
    assert talking.hear("small") == ["Chosen: Small and Large. Anything else?", "[✓ Small|Medium|✓ Large|Done]"]
    talking.hear("that is all")
    assert talking.slots("form")["sizes"] == ["s", "l"]


def test_several_answers_in_words_are_the_whole_answer(tmp_path: Path) -> None:
    talking = sizing(tmp_path)
    talking.hear("small and large")
    assert talking.slots("form")["sizes"] == ["s", "l"]


def test_a_digression_forgets_no_choice(tmp_path: Path) -> None:
    talking = sizing(tmp_path)
    talking.do("/set sizes=+l")
    assert talking.do("/chat")[-2:] == ["Chosen: Large. Anything else?", "[Small|Medium|✓ Large|Done]"]
    assert talking.do("/set sizes=-s")[0] == "Chosen: Large. Anything else?"
    talking.do("/set sizes=m")  # the whole answer, by a command
    assert talking.slots("form")["sizes"] == ["m"]


def test_choices_are_only_made_while_they_are_asked_for(tmp_path: Path) -> None:
    talking = sizing(tmp_path)
    assert talking.do("/set sizes=+x")[0] == "I cannot do that here."
    talking.do("/set sizes=m")
    assert talking.do("/set sizes=+l")[0] == "I cannot do that here."
    assert talking.slots("form")["sizes"] == ["m"]


@pytest.mark.parametrize(
    ("language", "said", "enough"),
    [
        ("en", "Chosen: ", "that's all"),
        ("fr", "Choisi : ", "c'est tout"),
        ("es", "Elegido: ", "nada más"),
        ("de", "Gewählt: ", "das war's"),
        ("pt", "Escolhido: ", "mais nada"),
        ("ar", "تم اختيار: ", "هذا كل شيء"),
    ],
)
def test_choosing_is_understood_in_every_language(tmp_path: Path, language: str, said: str, enough: str) -> None:
    header = f"assistant: Ada\nlanguages: [{language}]\nqueues: [service, returns]"
    flows = """
flow: form
about: x
slots: {sizes: {type: multi_choice, of: [{value: s, label: S}, {value: m, label: M}, {value: l, label: L}]}}
steps: [{ask: sizes, say: "?"}, {ask: sizes, say: "?", always_ask: true}]
"""
    folder = project(tmp_path, flows, header=header, texts={language: "not_an_order: No."})
    for other in {*(folder / "texts").iterdir()} - {folder / "texts" / f"{language}.yaml"}:
        other.unlink()
    talking = Talk(read(folder))
    talking.do("/start form")
    lines = talking.press("L")
    assert lines is not None
    assert lines[0].startswith(said)
    talking.hear(enough)
    assert talking.state.stack[0].read[-1][0] == "ask_sizes_2"


def test_a_day_begins_where_the_customer_is() -> None:
    heard = hearing("en", zone="Pacific/Auckland")
    assert TYPES["date"].parse("today", heard) == "2026-03-02"
    assert TYPES["datetime"].parse("today at noon", heard) == "2026-03-02T12:00:00+13:00"
    assert TYPES["datetime"].parse("in two hours", heard) == "2026-03-03T01:00:00+13:00"


def test_a_zone_nobody_knows_is_that_of_the_turn() -> None:
    assert TYPES["datetime"].parse("tomorrow at noon", hearing("en", zone="No/Where")) == "2026-03-03T12:00:00+00:00"


@pytest.mark.parametrize(
    ("kind", "words", "region", "currency", "value"),
    [
        ("money", "20", "GB", "", {"amount": 20, "currency": "GBP"}),
        ("money", "20", "GB", "EUR", {"amount": 20, "currency": "EUR"}),
        ("money", "$20", "CA", "", {"amount": 20, "currency": "CAD"}),
        ("money", "20 euros", "GB", "USD", {"amount": 20, "currency": "EUR"}),
        ("phone", "020 7946 0958", "GB", "", "+442079460958"),
        ("phone", "020 7946 0958", "", "", None),
        ("date", "03/04/2026", "GB", "", "2026-04-03"),
        ("time", "3:30", "GB", "", "03:30"),
    ],
)
def test_the_author_says_where_the_customers_are(
    kind: str, words: str, region: str, currency: str, value: Json
) -> None:
    assert TYPES[kind].parse(words, hearing("en", region=region, currency=currency)) == value


@pytest.mark.parametrize(
    ("words", "scale", "value"),
    [
        ("8/10", 10, 8),
        ("10", 10, 10),
        ("great", 10, None),
        ("great", 2, 2),
        ("👎", 2, 1),
        ("ok", 2, None),
        ("👍", 10, 10),
    ],
)
def test_a_grade_is_one_of_its_scale(words: str, scale: int, value: int | None) -> None:
    assert TYPES["rating"].parse(words, hearing("en", scale=scale)) == value


@pytest.mark.parametrize(
    ("words", "day"),
    [("3 January", "2026-01-03"), ("5 September", "2026-09-05"), ("31 December", "2026-12-31"), ("29 February", None)],
)
def test_a_day_without_a_year_is_of_this_one(words: str, day: str | None) -> None:
    assert parse("date", "en", words) == day


@pytest.mark.parametrize(("language", "words"), [("it", "domani"), ("nl", "3 maart"), ("it-CH", "3 marzo")])
def test_other_languages_have_dates_as_well(language: str, words: str) -> None:
    assert parse("date", language, words) == "2026-03-03"
