"""What a turn hears of its inputs."""

from __future__ import annotations

from bot.heard import as_heard, edited
from bot.model import Author, Body, Deleted, Edited, Event, Media, Message, Pressed, Said, text, written
from bot.testing.clock import START

ANA = Author("customer", "ana")


def inputs(*bodies: Body, by: Author = ANA) -> tuple[Event, ...]:
    return tuple(Event(seq, START, by, body) for seq, body in enumerate(bodies, 1))


def words(events: tuple[Event, ...]) -> list[str]:
    return [written(event.body.message) for event in events if isinstance(event.body, Said)]


def photo(name: str, group: str = "g", caption: str = "") -> Said:
    return Said(Message((Media("image", name, caption=caption),)), name, group)


def test_an_edit_stands_in_for_the_words_before_it_and_the_last_one_counts() -> None:
    given = inputs(
        Said(text("A-17"), "1"), Said(text("please"), "2"), Edited(text("A-18"), "1"), Edited(text("A-19"), "1")
    )
    heard = as_heard(given)
    assert words(heard) == ["A-19", "please"]
    assert [event.seq for event in heard] == [1, 2, 3, 4]


def test_an_edit_changes_no_other_message_and_nothing_said_by_somebody_else() -> None:
    other, ours = (
        inputs(Said(text("one"), "1"), Edited(text("two"), "9")),
        inputs(Said(text("one"), "1"), by=Author("bot")),
    )
    assert words(as_heard(other)) == ["one"]
    assert words(as_heard((*ours, *inputs(Edited(text("two"), "1"))))) == ["one"]


def test_an_edit_without_an_id_changes_nothing() -> None:
    assert words(as_heard(inputs(Said(text("one")), Edited(text("two"), "")))) == ["one"]


def test_an_album_is_one_message_at_the_place_of_its_last_part() -> None:
    heard = as_heard(inputs(Said(text("see")), photo("a", caption="both"), photo("b"), Pressed("t")))
    assert [event.seq for event in heard] == [1, 3, 4]
    album = heard[1].body
    assert isinstance(album, Said)
    assert [part.ref for part in album.message.parts if isinstance(part, Media)] == ["a", "b"]
    assert (album.ref, written(album.message)) == ("a", "both")


def test_two_albums_and_single_files_stay_apart() -> None:
    heard = as_heard(inputs(photo("a"), photo("b", "h"), photo("c", "")))
    assert [event.seq for event in heard] == [1, 2, 3]


def test_an_edited_caption_of_an_album_counts() -> None:
    edit = Edited(Message((Media("image", "a", caption="new"),)), "a")
    assert words(as_heard(inputs(photo("a", caption="old"), photo("b"), edit))) == ["new"]


def test_what_is_alone_is_as_it_is() -> None:
    for body in (Said(text("one"), "1"), Edited(text("two"), "1"), Deleted("1")):
        assert as_heard(inputs(body)) == inputs(body)


def test_what_we_have_written_anew_or_taken_back_is_read_so() -> None:
    ours = Author("agent", "mara", "Mara")
    log = (
        Event(1, START, ours, Said(text("It cots 5."))),
        Event(2, START, ours, Said(text("Wrong customer!"))),
        Event(3, START, ours, Said(text("It costs 5."), revises=1)),
        Event(4, START, ours, Said(Message(()), revises=2)),
        Event(5, START, ours, Said(text("It costs 6."), revises=1)),
    )
    assert [(event.seq, event.body) for event in edited(log)] == [(1, Said(text("It costs 6.")))]
