"""What flows show beside texts, as far as the channel can."""

from pathlib import Path

import pytest

from bot.model import (
    Card,
    Carousel,
    Choices,
    Field,
    Form,
    Location,
    Media,
    Message,
    Option,
    Rating,
    Said,
    Span,
    Table,
    Text,
    VCard,
)
from tests.bot.flow.script import Talk, talk

ADDRESS = "https://shop.example/a.png"
FLOWS = """
flow: look
about: Looks.
slots: {orders: {type: text}}
steps:
  - do: find
    with: {order: '"A-1"'}
    into: found
  - say: {image: {address: "https://shop.example/a.png", alt: Our shop}}
  - say:
      table: {title: "Orders of {{ found.who }}", columns: [Order, Price], rows: found.rows}
  - say:
      carousel:
        - title: Tent
          body: "For {{ found.who }}"
          image: "https://shop.example/a.png"
          options: [{label: More, start: look}]
      cards: found.cards
"""
FOUND = {
    "who": "Ann",
    "rows": [["A-1", 20.5], ["A-2", None], ["A-3"], "no row", {"order": "A-4"}],
    "cards": [{"title": "Boot", "meta": 30, "options": [{"label": "Buy", "command": "/human"}]}, {"body": "no title"}],
}
CARDS = (
    Card("Tent", "For Ann", options=(Option("More", "/start look"),), image=ADDRESS),
    Card("Boot", meta="30", options=(Option("Buy", "/human"),)),
)


def looking(tmp_path: Path, *shows: str) -> list[Message]:
    look = talk(tmp_path, FLOWS, {"find": FOUND})
    look.shows = shows
    look.do("/start look")
    assert look.last is not None
    return list(look.last.says)


def test_what_a_channel_can_show_is_given_as_it_is(tmp_path: Path) -> None:
    image, table, cards = looking(tmp_path, "media", "table", "carousel")
    assert image.parts == (Media("image", ADDRESS, alt="Our shop"),)
    rows = (("A-1", "20.5"), ("A-2", ""), ("A-3", ""))
    assert table.parts == (Table(("Order", "Price"), rows, "Orders of Ann"),)
    assert cards.parts == (Carousel(CARDS),)


def test_what_it_cannot_show_is_given_in_other_parts(tmp_path: Path) -> None:
    image, table, cards = looking(tmp_path)
    assert image.parts == (Text((Span("Our shop", link=ADDRESS),)),)
    assert isinstance(table.parts[0], Table)  # every channel writes it out
    assert cards.parts == CARDS


@pytest.mark.parametrize("found", [{"who": "", "rows": "x", "cards": []}, {"who": "", "rows": [], "cards": {}}])
def test_what_is_no_list_ends_the_flow_as_failed(tmp_path: Path, found: dict[str, object]) -> None:
    look = talk(tmp_path, FLOWS, {"find": found})
    assert look.do("/start look")[-1] == "Something went wrong on our side. I am sorry."


FORM = """
flow: sign_up
about: Signs up.
slots:
  name: {type: name}
  email: {type: email}
  colour: {type: choice, of: [{label: Red, value: r}, {label: Blue, value: b}]}
  photo: {type: image, optional: true}
  note: {type: text, optional: true}
steps:
  - say: {text: Tell us., form: [name, email, colour, note, photo]}
  - say: "{{ name }}, {{ email }}, {{ colour }}, {{ note | default('-') }}."
"""
ASKS = {
    "en": "not_an_order: No.\\nask_name: Your name?\\nask_email: Your e-mail?\\nask_colour: Which colour?\\n"
    "ask_note: Anything else?\\nask_photo: A picture?"
}


def signing_up(tmp_path: Path, *shows: str) -> Talk:
    sign = talk(tmp_path, FORM, texts={"en": ASKS["en"].replace("\\n", "\n")})
    sign.shows = shows
    return sign


def test_a_form_is_shown_at_once_where_the_channel_has_forms(tmp_path: Path) -> None:
    sign = signing_up(tmp_path, "form")
    sign.do("/start sign_up")
    assert sign.last is not None
    (said,) = sign.last.says
    assert said.parts[1:] == (
        Form(
            (
                Field("name", "Your name?"),
                Field("email", "Your e-mail?", type="email"),
                Field("colour", "Which colour?", type="choice", options=(Option("Red", "r"), Option("Blue", "b"))),
                Field("note", "Anything else?", required=False),
            )
        ),
    )
    assert sign.at == [("sign_up", "name")]


def test_a_form_is_asked_one_by_one_where_it_has_none(tmp_path: Path) -> None:
    sign = signing_up(tmp_path)
    assert sign.do("/start sign_up") == ["Tell us.", "Your name?"]
    assert sign.hear("Ann Smith") == ["Your e-mail?"]


def test_what_is_known_already_stands_in_no_form(tmp_path: Path) -> None:
    sign = signing_up(tmp_path, "form")
    assert sign.do("/start sign_up name=Ann email=a@b.example colour=r") == ["Tell us.", "Anything else?", "[Skip]"]


def test_who_writes_instead_is_asked_the_rest(tmp_path: Path) -> None:
    sign = signing_up(tmp_path, "form")
    sign.do("/start sign_up")
    assert sign.hear("Ann Smith") == ["Your e-mail?"]


RATE = """
flow: rate_it
about: Rates.
slots: {stars: {type: rating}}
steps: [{ask: stars, say: How was it?}, {say: "{{ stars }}."}]
"""


def test_a_grade_is_asked_for_as_a_rating_where_the_channel_has_them(tmp_path: Path) -> None:
    rate = talk(tmp_path, RATE)
    rate.shows = ("rating",)
    rate.do("/start rate_it")
    assert rate.last is not None
    grades = tuple(Option(str(n), f"/set stars={n}") for n in range(1, 6))
    assert rate.last.says[0].parts == (Text((Span("How was it?"),)), Rating("", 5, grades))
    assert rate.press("4") == ["4."]


def test_a_grade_is_asked_for_with_buttons_where_it_has_none(tmp_path: Path) -> None:
    rate = talk(tmp_path, RATE)
    rate.do("/start rate_it")
    assert rate.last is not None
    assert isinstance(rate.last.says[0].parts[1], Choices)


DELIVER = """
flow: deliver
about: Delivers.
slots: {phone: {type: phone}, where: {type: location}}
steps:
  - {ask: phone, say: Your number?}
  - {ask: where, say: Where to?}
  - say: "Calling {{ phone }}, coming to {{ where.latitude }}."
"""


def sent(*parts: VCard | Location) -> Said:
    return Said(Message(parts))


def test_a_number_and_a_place_are_shared_by_a_button_where_the_channel_has_one(tmp_path: Path) -> None:
    deliver = talk(tmp_path, DELIVER)
    deliver.shows = ("share",)
    assert deliver.do("/start deliver") == ["Your number?", "[Share my number]"]
    assert deliver.last is not None
    options = deliver.last.says[0].parts[1]
    assert isinstance(options, Choices)
    assert [(option.label, option.shares) for option in options.options] == [("Share my number", "number")]
    assert deliver.press("Share my number") == ["Your number?", "[Share my number]"]  # written, not pressed
    assert deliver.take(sent(VCard("Ann", "4930901820"))) == ["Where to?", "[Share where I am]"]
    assert deliver.take(sent(Location(52.5, 13.4))) == ["Calling +4930901820, coming to 52.5."]


def test_a_number_is_asked_for_in_words_elsewhere_and_a_contact_is_heard_all_the_same(tmp_path: Path) -> None:
    deliver = talk(tmp_path, DELIVER)
    assert deliver.do("/start deliver") == ["Your number?"]
    assert (deliver.take(sent(VCard("Nobody", "12"))) or [])[-1:] == ["Your number?"]
    assert deliver.hear("+49 30 901820") == ["Where to?"]
