"""What is sent rather than said: which part answers which question, and that words do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.flow.slots import TYPES
from bot.model import Json, Location, Media, Message, Part, Said, Set, Span, Text, Turn, written
from tests.bot.flow.script import Talk, book, talk
from tests.bot.flow.slots.hearing import hearing

PHOTO = Media("image", "f-1", "shoe.jpg", "image/jpeg", 2048, caption="the sole")
SCAN = Media("file", "f-2", "scan.png", "image/png")
PAPER = Media("file", "f-3", "bill.pdf", "application/pdf")
NOTE = Media("voice", "f-4", type="audio/ogg", transcript="It is broken.")
PLACE = Location(48.8566, 2.3522, "Paris")

PHOTO_VALUE = {"ref": "f-1", "name": "shoe.jpg", "type": "image/jpeg", "size": 2048, "caption": "the sole"}

FLOW = """
flow: report
about: Something is broken.
examples: [my shoe is broken]
slots:
  photo: {type: image, optional: true}
  note: {type: text}
steps:
  - ask: photo
    say: Can you send a picture?
    tries: 3
  - ask: note
    say: "What about {{ photo }}?"
"""


def said(*parts: Part) -> Said:
    return Said(Message(parts))


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("image", [PHOTO, SCAN]),
        ("file", [PHOTO, SCAN, PAPER, NOTE]),
        ("voice", [NOTE]),
        ("location", [PLACE]),
    ],
)
def test_a_type_takes_its_own_parts(kind: str, taken: list[Part]) -> None:
    take = TYPES[kind].take
    assert take is not None
    every: list[Part] = [Text((Span("a photo"),)), PHOTO, SCAN, PAPER, NOTE, PLACE]
    assert [part for part in every if take(part) is not None] == taken


@pytest.mark.parametrize("kind", ["image", "file", "voice"])
@pytest.mark.parametrize(
    "words", ["a picture of my cat", "shoe.jpg", '{"ref": "f-9", "name": "", "type": "", "size": 0, "caption": ""}']
)
def test_words_are_no_file(kind: str, words: str) -> None:
    assert TYPES[kind].parse(words, hearing("en")) is None


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("48.8566, 2.3522", {"latitude": 48.8566, "longitude": 2.3522, "label": ""}),
        ("geo:-4.25,120.5", {"latitude": -4.25, "longitude": 120.5, "label": ""}),
        ("91, 0", None),
        ("at the corner", None),
        ("10, 20 people", None),
    ],
)
def test_coordinates_are_a_place(words: str, value: Json) -> None:
    assert TYPES["location"].parse(words, hearing("en")) == value


def asked(folder: Path) -> Talk:
    started = talk(folder, FLOW)
    started.do("/start report")
    return started


def test_a_picture_answers_the_question_for_one(tmp_path: Path) -> None:
    spoken = asked(tmp_path)
    assert spoken.take(said(PAPER, PHOTO, SCAN)) == ["What about shoe.jpg?"]
    assert spoken.slots("report") == {"photo": PHOTO_VALUE}


def test_the_words_beside_a_picture_do_not_stand_in_its_way(tmp_path: Path) -> None:
    spoken = asked(tmp_path)
    assert spoken.take(said(Text((Span("here it is"),)), PHOTO)) == ["What about shoe.jpg?"]


@pytest.mark.parametrize("parts", [(Text((Span("I have none of those"),)),), (PAPER,), (PLACE,)])
def test_what_is_no_picture_misses_the_question(tmp_path: Path, parts: tuple[Part, ...]) -> None:
    assert asked(tmp_path).take(said(*parts)) is None


def test_who_has_no_picture_may_say_so(tmp_path: Path) -> None:
    spoken = asked(tmp_path)
    assert spoken.hear("skip") == ["What about ?"]


def test_a_model_makes_up_no_file(tmp_path: Path) -> None:
    spoken = asked(tmp_path)
    command = '/set photo={"ref": "x", "name": "", "type": "", "size": 0, "caption": ""}'
    spoken.do(command, source="model")
    assert spoken.at == [("report", "photo")]
    spoken.do(command)
    assert spoken.at == [("report", "note")]


def test_a_caption_is_heard_as_words(tmp_path: Path) -> None:
    spoken = talk(tmp_path, FLOW)
    caption = Media("image", "f-1", caption="my shoe is broken")
    assert spoken.take(said(caption)) == ["Can you send a picture?", "[Skip]"]


def test_what_goes_with_a_file_is_written_in_the_message() -> None:
    message = Message((Text((Span("Hello"),)), PHOTO, PLACE, NOTE))
    assert written(message) == "Hello\nthe sole\nIt is broken."


def test_the_words_of_a_turn_leave_out_what_has_none(tmp_path: Path) -> None:
    turn: Turn = Talk(book(tmp_path, FLOW)).turn(said(PAPER), said(NOTE), said(Text((Span("please"),))))
    assert turn.words == "It is broken.\nplease"


def test_a_file_alone_is_not_understood_where_nothing_asks_for_it(tmp_path: Path) -> None:
    assert talk(tmp_path, FLOW).take(said(PAPER)) is None


def test_a_value_in_a_command_stays_as_it_is(tmp_path: Path) -> None:
    spoken = asked(tmp_path)
    found = spoken.take(said(PHOTO))
    assert found is not None
    assert [move.by for move in spoken.moves if hasattr(move, "by") and isinstance(move.by, Set)] == [
        Set("photo", PHOTO_VALUE)
    ]
