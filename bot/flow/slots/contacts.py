"""Words as they are, and what people are reached by: names, addresses, phone numbers."""

from __future__ import annotations

import re

from bot.flow.locales import region_of
from bot.flow.rules import Phrases, after
from bot.flow.slots.kind import LONGEST_ANSWER, Hearing, asks, own_rules
from bot.flow.words import folded, tokens
from bot.model import Json, Part, VCard

LONGEST_TEXT = 4_000
LONGEST_NAME = 100

_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"']+", re.IGNORECASE)
_HOST = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,24}")
_ENDS = ".,;:!?)]}>\"'»”…"
_SURELY_PHONE = re.compile(r"[+()./ -]")


def parse_text(words: str, hearing: Hearing) -> Json:
    text = words.strip()
    return text if text and len(text) <= LONGEST_TEXT else None


def parse_email(words: str, hearing: Hearing) -> Json:
    found = [word.strip("<>()[],;:.!?\"'").removeprefix("mailto:") for word in words.split() if "@" in word]
    return found[0] if len(found) == 1 and _is_email(found[0]) else None


def parse_url(words: str, hearing: Hearing) -> Json:
    """A page of the web; without a scheme it is `https`. A bare `example.com` must be all that is said."""
    text = words.strip()
    if len(text) > LONGEST_TEXT:
        return None
    if (found := find_url(text, hearing)) is not None or " " in text:
        return found
    host = text.rstrip(_ENDS).partition("/")[0]
    return _page(f"https://{text.rstrip(_ENDS)}") if _HOST.fullmatch(host) else None


def find_url(words: str, hearing: Hearing) -> Json:
    found = {_page(each) for each in _URL.findall(words)} if len(words) <= LONGEST_TEXT else set()
    return found.pop() if len(found) == 1 else None


def parse_phone(words: str, hearing: Hearing) -> Json:
    """E.164; without its country it is one of the hearing's region."""
    return _phone(words, hearing)


def find_phone(words: str, hearing: Hearing) -> Json:
    """Only what is written as a phone number: digits alone could be an order's."""
    return _phone(words, hearing, is_sure=True)


def read_phone(part: Part) -> Json:
    """Of a contact that was shared: its number has its country, with or without the `+`."""
    if not isinstance(part, VCard) or not part.phone:
        return None
    return part.phone if part.phone.startswith("+") else f"+{part.phone}"


def parse_name(words: str, hearing: Hearing) -> Json:
    """A person's name, as it was written; what leads to it (`my name is`) is left out."""
    text = words.strip()
    if not text or len(text) > LONGEST_ANSWER or asks(text, hearing):
        return None
    rules = own_rules(hearing)
    name = _without_lead(text, rules.name_after if rules else frozenset()).strip(" .,!;:-'\"") or text
    said = tokens(name)
    is_name = (
        0 < len(said) <= 8
        and len(name) <= LONGEST_NAME
        and all(c.isalpha() or c in " .,'’-\u00b7" for c in name.replace("\u0301", ""))
    )
    if not is_name or sum(map(len, said)) < 2:
        return None
    if any(
        said in (known.yes | known.no) or said in known.unsure or not known.never_name.isdisjoint(said)
        for known in hearing.rules[:1]
    ):
        return None
    return name


def parse_address(words: str, hearing: Hearing) -> Json:
    """Where post is sent, on one line; there must be a number or a comma in it."""
    text = words.strip()
    if not text or len(text) > LONGEST_ANSWER or asks(text, hearing):
        return None
    rules = own_rules(hearing)
    lines = _without_lead(text, rules.address_after if rules else frozenset()).splitlines()
    address = ", ".join(filter(None, (" ".join(line.split()).strip(" ,;") for line in lines)))
    said = tokens(address)
    has_place = any(c.isdecimal() for c in address) or "," in address or "،" in address
    if not has_place or len(said) < 2 or not any(len(word) > 2 and word.isalpha() for word in said):
        return None
    is_else = any(not known.never_address.isdisjoint(said) for known in hearing.rules[:1])
    return None if is_else or "@" in address or _URL.search(address) else address


def _without_lead(text: str, leads: Phrases) -> str:
    """The text after the longest lead it begins with; folding words one by one keeps their places."""
    pieces = [(found.start(), found.end()) for found in re.finditer(r"\w+", text)]
    said = tuple([folded(text[start:end]) for start, end in pieces[:12]])
    end = after(said, 0, leads)
    return text[pieces[end - 1][1] :].lstrip(" :,.-'’") if 0 < end < len(pieces) else text


def _page(address: str) -> str | None:
    from urllib.parse import urlsplit

    address = address.rstrip(_ENDS)
    if address[:4].casefold() == "www.":
        address = f"https://{address}"
    scheme, colon, rest = address.partition("://")
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return None
    is_page = bool(colon) and len(address) <= 2_000 and "@" not in rest.partition("/")[0] and _HOST.fullmatch(host)
    return f"{scheme.lower()}://{rest}" if is_page else None


def _phone(words: str, hearing: Hearing, *, is_sure: bool = False) -> Json:
    text = words.strip()
    if len(text) > LONGEST_ANSWER or sum(c.isdecimal() for c in text) < 6 or "@" in text:
        return None
    from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number

    region = hearing.region or region_of(hearing.language)
    readings = [text, f"+{text[2:]}"] if text.startswith("00") else [text]
    for reading in readings:
        matches = [*PhoneNumberMatcher(reading, region or None, leniency=Leniency.VALID, max_tries=20)]
        found = {str(format_number(match.number, PhoneNumberFormat.E164)) for match in matches}
        if len(found) == 1 and (not is_sure or _SURELY_PHONE.search(matches[0].raw_string)):
            return found.pop()
    return None


def _is_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    labels = domain.split(".")
    return (
        0 < len(local) <= 64
        and len(text) <= 254
        and "@" not in local
        and not local.startswith(".")
        and not local.endswith(".")
        and ".." not in local
        and all(c.isalnum() or c in "!#$%&'*+-/=?^_`{|}~." for c in local)
        and len(labels) > 1
        and len(labels[-1]) > 1
        and not labels[-1].isdecimal()
        and all(
            label and all(c.isalnum() or c == "-" for c in label) and label[0] != "-" != label[-1] for label in labels
        )
    )
