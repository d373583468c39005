"""Events as Discord sends them, secrets removed, through `parse`; and whatever else might come instead of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot import markup
from bot.model import Address, Deleted, Edited, Incoming, Media, Message, Pressed, Reacted, Said, Submitted, Text
from bot.ports import Arrival
from channels.discord.parse import Known, parse, posted
from tests.channels.discord.mutations import mutated
from tests.faults import scale

PAYLOADS = Path(__file__).parents[2] / "platforms" / "discord"
RECORDED = {path.stem: path.read_bytes() for path in sorted(PAYLOADS.glob("*.json"))}
MUTATIONS = {"test": 600, "ci": 3_000, "nightly": 10_000}[scale.TIER]

DIRECT, SUPPORT, THREAD, ADA = "810000000000000001", "820000000000000002", "830000000000000003", "204000000000000001"
T = "abcdefghijklmnopqrstuv"


def known() -> Known:
    made = Known("shop", bot="900000000000000001")
    made.learn("GUILD_CREATE", bytes(msgspec.json.decode(RECORDED["guild_create"], type=dict[str, msgspec.Raw])["d"]))
    made.people[DIRECT] = ADA
    return made


def words(said: str) -> Message:
    return Message((Text(markup.parse(said)),))


def media(*args: Any, **named: Any) -> Message:
    return Message((Media(*args, **named),))


_PDF = "application/pdf"
_CDN = "https://cdn.discordapp.com/attachments"
HEARD: dict[str, tuple[str, Incoming]] = {
    "direct_message": ("", Said(words("Where is my **order** A-17?"), "1434830000000000101")),
    "direct_with_files": (
        "",
        Said(
            Message(
                (
                    *words("it is broken").parts,
                    Media(
                        "image",
                        f"{_CDN}/{DIRECT}/1434830000000000200/shoe.jpg?ex=690a&is=6908&hm=00ff&",
                        "shoe.jpg",
                        "image/jpeg",
                        482113,
                        alt="a shoe without a heel",
                    ),
                    Media(
                        "file",
                        f"{_CDN}/{DIRECT}/1434830000000000201/invoice.pdf",
                        "invoice.pdf",
                        "application/pdf",
                        1024,
                    ),
                )
            ),
            "1434830000000000102",
        ),
    ),
    "voice_message": (
        "",
        Said(
            media("voice", f"{_CDN}/8/2/voice-message.ogg", "voice-message.ogg", "audio/ogg", 6012),
            "1434830000000000103",
        ),
    ),
    "sticker": (
        "",
        Said(
            media(
                "sticker",
                "https://media.discordapp.net/stickers/749054660769218631.png",
                "Wave",
                "image/png",
                alt="Wave",
            ),
            "1434830000000000104",
        ),
    ),
    "forwarded": ("", Said(words("your parcel left today"), "1434830000000000105")),
    "forwarded_card": (
        "",
        Said(
            Message(
                (
                    *words("Order A-17\n\nIt left **today**.").parts,
                    Media(
                        "sticker",
                        "https://media.discordapp.net/stickers/749054660769218631.png",
                        "Wave",
                        "image/png",
                        alt="Wave",
                    ),
                )
            ),
            "1434830000000000115",
        ),
    ),
    "mention_in_a_server": (f"@{ADA}", Said(words("my :box: is late, @Bob knows"), "1434830000000000106")),
    "reply_to_the_bot": (f"@{ADA}", Said(words("yes, that one"), "1434830000000000108")),
    "in_a_thread": (THREAD, Said(words("still waiting"), "1434830000000000109")),
    "edited": ("", Edited(words("Where is my order A-18?"), "1434830000000000101")),
    "deleted": ("", Deleted("1434830000000000101")),
    "reaction": ("", Reacted("👍", True, "1434830000000000110")),
    "press": (f"@{ADA}", Pressed(T, "A-17", "1434830000000000110")),
    "chosen_in_a_thread": (THREAD, Pressed("abcdefghijklmnopqrstuw", "", "1434830000000000110")),
    "people_chosen": (THREAD, Said(words("@Bob (driver), @eve, @Warehouse"), "interaction.1434830000000000305")),
    "channel_chosen": (THREAD, Said(words("#support"), "interaction.1434830000000000306")),
    "command": ("", Said(words("order A-17"), "interaction.1434830000000000303")),
    "submitted": ("", Submitted(T, {"name": "Ada", "reason": "damaged", "more": ""}, "1434830000000000304")),
    "submitted_every_field": (
        "",
        Submitted(
            T,
            {
                "when": "morning",
                "broken": "lamp, chair",
                "news": False,
                "photos": "broken.jpg",
                "driver": "@Bob",
                "later": "",
            },
            "1434830000000000307",
        ),
    ),
}
IGNORED = sorted(set(RECORDED) - set(HEARD))


@pytest.mark.parametrize("name", HEARD)
def test_what_somebody_said_or_did_is_heard(name: str) -> None:
    arrival = parse(RECORDED[name], known())
    thread, body = HEARD[name]

    assert arrival.bodies == (body,)
    chat = DIRECT if thread == "" else SUPPORT
    assert arrival.to == Address("discord", "shop", chat, thread)
    assert (arrival.by, arrival.unreadable) == (ADA, "")


@pytest.mark.parametrize("name", IGNORED)
def test_the_rest_is_understood_and_of_no_interest(name: str) -> None:
    arrival = parse(RECORDED[name], known())

    assert (arrival.bodies, arrival.unreadable) == ((), "")


def test_who_says_it_is_named_as_the_server_does_and_speaks_what_the_app_speaks() -> None:
    said, pressed = parse(RECORDED["mention_in_a_server"], known()), parse(RECORDED["press"], known())

    assert (said.name, pressed.name, pressed.language) == ("Ada from sales", "Ada from sales", "fr")


def test_an_edit_is_another_event_than_what_it_changes() -> None:
    keys = [parse(RECORDED[name], known()).key for name in ("direct_message", "edited", "deleted")]

    assert len(set(keys)) == 3


def _every_mutation() -> Iterator[tuple[str, bytes]]:
    chance = random.Random(scale.SEED)
    names = sorted(RECORDED)
    for number in range(MUTATIONS):
        name = names[number % len(names)]
        yield name, mutated(RECORDED[name], chance)


def test_whatever_comes_is_an_arrival() -> None:
    """3,000 in CI, 10,000 in `make faults`; FAULTS_SEED repeats a run."""
    for name, raw in _every_mutation():
        try:
            for read in (parse, posted):
                arrival = read(raw, known())
                assert isinstance(arrival, Arrival)
                assert not (arrival.bodies and arrival.unreadable)
                msgspec.json.encode(arrival)
                assert len(arrival.key) < 200
        except Exception as error:
            raise AssertionError(f"{name}, FAULTS_SEED={scale.SEED}: {raw[:2000]!r}") from error
