"""What is sent rather than said: pictures, files, voices, places."""

from __future__ import annotations

import re

from bot.flow.slots.kind import Hearing, ascii_digits, decoded
from bot.model import Json, Location, Media, Part

_TEXTS = ("ref", "name", "type", "caption")
_PLACE = re.compile(r"(?:geo:)?\s*([+-]?\d{1,2}(?:\.\d{1,12})?)\s*[,;]\s*([+-]?\d{1,3}(?:\.\d{1,12})?)\s*")


def parse_media(words: str, hearing: Hearing) -> Json:
    """The value itself: words are no picture, whatever they say."""
    value = decoded(words) if hearing.strict else None
    if not isinstance(value, dict) or value.keys() != {*_TEXTS, "size"} or not value["ref"]:
        return None
    is_media = all(isinstance(value[key], str) for key in _TEXTS) and type(value["size"]) is int
    return value if is_media else None


def parse_location(words: str, hearing: Hearing) -> Json:
    """The value itself, or latitude and longitude: `48.8566, 2.3522`."""
    if found := _PLACE.fullmatch(ascii_digits(words.strip())):
        return _place(float(found[1]), float(found[2]), "")
    value = decoded(words) if hearing.strict else None
    match value:
        case {
            "latitude": int() | float() as latitude,
            "longitude": int() | float() as longitude,
            "label": str(label),
            **rest,
        } if not rest:
            return _place(latitude, longitude, label)
        case _:
            return None


def take_image(part: Part) -> Json:
    """A picture that was sent as a file is one as well."""
    if isinstance(part, Media) and (part.kind == "image" or (part.kind == "file" and part.type.startswith("image/"))):
        return _media(part)
    return None


def take_file(part: Part) -> Json:
    return _media(part) if isinstance(part, Media) else None


def take_voice(part: Part) -> Json:
    return _media(part) if isinstance(part, Media) and part.kind in ("voice", "audio") else None


def take_location(part: Part) -> Json:
    return _place(part.latitude, part.longitude, part.label) if isinstance(part, Location) else None


def _media(part: Media) -> Json:
    return (
        {"ref": part.ref, "name": part.name, "type": part.type, "size": part.size, "caption": part.caption}
        if part.ref
        else None
    )


def _place(latitude: float, longitude: float, label: str) -> Json:
    if not -90 <= latitude <= 90 or not -180 <= longitude <= 180:
        return None
    return {"latitude": latitude, "longitude": longitude, "label": label}
