"""The slot types that come with the program."""

from __future__ import annotations

from collections.abc import Mapping

from bot.flow.slots import choices, contacts, media, money, numbers, ratings, times
from bot.flow.slots.kind import SlotType

TYPES: Mapping[str, SlotType] = {
    kind.name: kind
    for kind in (
        SlotType(name="text", parse=contacts.parse_text, error="not_text"),
        SlotType(name="integer", parse=numbers.parse_integer, error="not_integer"),
        SlotType(name="number", parse=numbers.parse_number, error="not_number"),
        SlotType(name="money", parse=money.parse_money, error="not_money", find=money.find_money),
        SlotType(name="yes_no", parse=choices.parse_yes_no, error="not_yes_no"),
        SlotType(name="choice", parse=choices.parse_choice, error="not_choice"),
        SlotType(name="multi_choice", parse=choices.parse_multi_choice, error="not_multi_choice"),
        SlotType(name="date", parse=times.parse_date, error="not_date", is_instant=True, find=times.find_date),
        SlotType(name="time", parse=times.parse_time, error="not_time"),
        SlotType(name="datetime", parse=times.parse_datetime, error="not_datetime", is_instant=True),
        SlotType(name="duration", parse=times.parse_duration, error="not_duration"),
        SlotType(name="email", parse=contacts.parse_email, error="not_email", find=contacts.parse_email),
        SlotType(
            name="phone",
            parse=contacts.parse_phone,
            error="not_phone",
            find=contacts.find_phone,
            read=contacts.read_phone,
        ),
        SlotType(name="url", parse=contacts.parse_url, error="not_url", find=contacts.find_url),
        SlotType(name="name", parse=contacts.parse_name, error="not_name"),
        SlotType(name="address", parse=contacts.parse_address, error="not_address"),
        SlotType(name="image", parse=media.parse_media, error="not_image", take=media.take_image),
        SlotType(name="file", parse=media.parse_media, error="not_file", take=media.take_file),
        SlotType(name="voice", parse=media.parse_media, error="not_voice", take=media.take_voice),
        SlotType(name="location", parse=media.parse_location, error="not_location", take=media.take_location),
        SlotType(name="rating", parse=ratings.parse_rating, error="not_rating"),
    )
}
