"""Every recorded update, and what is heard in it; a bug report becomes one more file."""

from pathlib import Path
from typing import Any

import pytest

from bot.model import (
    Address,
    Closed,
    Deleted,
    Echoed,
    Edited,
    Incoming,
    Location,
    Media,
    Message,
    Migrated,
    Opened,
    Part,
    Pressed,
    Raw,
    Reachable,
    Reacted,
    Said,
    Span,
    Text,
    VCard,
)
from channels.telegram.parse import Me, parse

HERE = Path(__file__).parent
ME = Me(42, "sandbox_bot")
ADA, GROUP = "7001", "-1002000000001"
TOKEN = "t" * 22


def said(*parts: Part, group: str = "") -> tuple[Incoming, ...]:
    return (Said(Message(parts), "51", group),)


def words(text: str) -> Text:
    return Text((Span(text),))


def media(kind: Any, **more: Any) -> Media:
    return Media(kind, **{"ref": "BQACAgIAAxkBAAI", "size": 51234, **more})


HEARD: dict[str, tuple[Incoming, ...]] = {
    "text": said(words("Where is my order?")),
    "text_with_entities": said(
        Text(
            (
                Span("😀 "),
                Span("bold", ("bold",)),
                Span(" and a "),
                Span("link", (), "https://b.example/"),
                Span(", "),
                Span("https://a.example", (), "https://a.example"),
            )
        )
    ),
    "quote_and_spoiler": said(Text((Span("quoted", ("quote",)), Span(" secret")))),
    "start_with_payload": (Opened("spring_24", "51"),),
    "command_for_another_bot": (),
    "photo": said(Media("image", "large", type="image/jpeg", size=51234, caption="The sole is torn")),
    "album_item": said(Media("image", "large", type="image/jpeg", size=51234), group="13000000000000001"),
    "document": said(media("file", name="bill.pdf", type="application/pdf")),
    "voice": said(media("voice", type="audio/ogg")),
    "audio": said(media("audio", name="song.mp3", type="audio/mpeg")),
    "video": said(media("video", type="video/mp4", caption="see")),
    "video_note": said(media("video")),
    "animation": said(media("video", name="a.mp4", type="video/mp4")),
    "sticker": said(media("sticker", alt="👍")),
    "location": said(Location(48.8566, 2.3522)),
    "live_location_moves": (Edited(Message((Location(48.86, 2.36),)), "51"),),
    "venue": said(Location(48.8566, 2.3522, "Shop, 1 Road")),
    "contact": said(VCard("Ada", "+491701234567")),
    "poll": said(
        Raw("telegram", {"poll": {"question": "Which?", "options": ["Red", "Blue"]}}, "[poll] Which?\n1. Red\n2. Blue")
    ),
    "dice": said(Raw("telegram", {"dice": {"emoji": "🎲", "value": 4}}, "🎲 4")),
    "reply_with_quote": said(words("this one"), Raw("telegram", {"reply_to": "40", "quote": "blue"}, "↩ blue")),
    "forwarded": said(words("See below"), Raw("telegram", {"forwarded_from": "Ben"}, "⤳ Ben")),
    "edited": (Edited(Message((words("Where is order 7?"),)), "51"),),
    "press": (Pressed(TOKEN, "Yes", "60"),),
    "press_on_an_old_message": (Pressed(TOKEN, "", "3"),),
    "press_on_an_inline_message": (Pressed(TOKEN),),
    "reaction": (Reacted("👍", True, "60"),),
    "blocked": (Reachable(False),),
    "mention_in_a_group": said(words("where is it?")),
    "talk_in_a_group": (),
    "topic": said(words("here")),
    "topic_closed": (),
    "anonymous_administrator": said(words("/help")),
    "another_bot": (),
    "group_became_a_supergroup": (Migrated(Address("telegram", "shop", "-1002000000009")),),
    "somebody_joined": (),
    "business_customer": said(words("open?")),
    "business_owner": (Echoed(Message((words("Until eight."),)), "51", "8001", "Owner"),),
    "business_own_answer": (),
    "business_deleted": (Deleted("4"), Deleted("5")),
    "business_connection": (),
    "guest": said(words("open?")),
    "channel_post": (),
    "nobody_asked": (),
}
PLACES = {
    "mention_in_a_group": Address("telegram", "shop", GROUP, "member 7001"),
    "topic": Address("telegram", "shop", GROUP, "5"),
    "business_customer": Address("telegram", "shop", ADA, "business biz1"),
    "business_owner": Address("telegram", "shop", ADA, "business biz1"),
    "business_deleted": Address("telegram", "shop", ADA, "business biz1"),
    "guest": Address("telegram", "shop", GROUP, "guest 77"),
    "text": Address("telegram", "shop", ADA),
    "press": Address("telegram", "shop", ADA),
}


@pytest.mark.parametrize("name", sorted(path.stem for path in HERE.glob("*.json")))
def test_each_recorded_update_is_heard_as_it_was_meant(name: str) -> None:
    arrival = parse((HERE / f"{name}.json").read_bytes(), "shop", ME)
    assert arrival.unreadable == ""
    assert arrival.bodies == HEARD[name]
    assert arrival.to == PLACES.get(name, arrival.to)


def test_who_says_it_is_known_by_id_name_and_language() -> None:
    arrival = parse((HERE / "text.json").read_bytes(), "shop", ME)
    assert (arrival.by, arrival.name, arrival.language) == (ADA, "Ada L", "de")
    assert parse((HERE / "business_owner.json").read_bytes(), "shop", ME).by == ADA


def test_where_everything_is_heard_a_closed_topic_is_too() -> None:
    arrival = parse((HERE / "topic_closed.json").read_bytes(), "shop", Me(42, "sandbox_bot", hears="all"))
    assert (arrival.bodies, arrival.to, arrival.by) == ((Closed(),), PLACES["topic"], ADA)
