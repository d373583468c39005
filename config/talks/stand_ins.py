"""Puts stand-ins in the place of what belongs to a person: the same for the same value, of the same shape. Pure.

What is found: values of `pii` slots and of types that are personal by themselves, values of the project's own types
(numbers of orders, of customers), names of those who wrote, mail addresses, telephone numbers, long runs of digits,
and fields of actions' results that are named like one of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import count

from bot.flow.book import Book, Slot
from bot.flow.slots import TYPES, Hearing
from bot.model import Event, Filled, Json, Pushed, Turned

PERSONAL = ("email", "phone", "name", "address", "location")
"""Slot types."""
_FIELDS = ("name", "mail", "phone", "address", "street", "birth")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w-])\+?\d(?:[ ()./-]?\d){6,}(?![\w-])")
_MOST_WORDS = 12
"""Of one line, in which a typed value is looked for."""


@dataclass(slots=True)
class StandIns:
    book: Book
    texts: dict[str, str] = field(default_factory=dict)
    """What was really written to its stand-in."""
    own: dict[str, Slot] = field(default_factory=dict)
    """Those that are values of a type of the project's own."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def learn(self, events: Iterable[Event]) -> None:
        """Who wrote, and what was told in slots that hold personal values."""
        flows: dict[int, str] = {}
        for event in events:
            if event.author.kind == "customer" and event.author.name:
                self._give(event.author.name, "Sam Doe")
            for move in event.body.moves if isinstance(event.body, Turned) else ():
                if isinstance(move, Pushed):
                    flows[move.frame.id] = move.frame.flow
                    for name, value in move.frame.slots.items():
                        self._slot(move.frame.flow, name, value)
                elif isinstance(move, Filled) and not move.result:
                    self._slot(flows.get(move.frame, ""), move.slot, move.value)

    def text(self, words: str) -> str:
        """With everything personal replaced."""
        for real in sorted(self.texts, key=len, reverse=True):
            words = _whole_word(real).sub(self.texts[real].replace("\\", "\\\\"), words)
        for real, slot in self.own.items():
            words = self._spoken(words, real, slot)
        for pattern, stand_in in ((_MAIL, self._mail), (_PHONE, _of_same_shape)):
            words = pattern.sub(partial(self._once, make=stand_in), words)
        return words

    def answer(self, words: str, slot: Slot | None, value: Json) -> str:
        """A customer's line that gave a slot its value: nothing of the real one may be left in it."""
        replaced = self.text(words)
        is_told = slot is not None and isinstance(value, str) and value in self.texts
        if is_told and self.texts[str(value)].casefold() not in replaced.casefold():
            return self.texts[str(value)]
        return replaced

    def value(self, value: Json, name: str = "") -> Json:
        """Of a slot or a result, however deep."""
        match value:
            case str() if value in self.texts:
                return self.texts[value]
            case str() if _is_personal(value, name):
                return self._give(value, f"{name.replace('_', ' ')} {next(self._numbers)}")
            case str():
                return self.text(value)
            case list():
                return [self.value(each, name) for each in value]
            case dict():
                return {key: self.value(each, key) for key, each in value.items()}
            case _:
                return value

    def _slot(self, flow: str, name: str, value: Json) -> None:
        found = self.book.flows.get(flow)
        flows = [found] if found else list(self.book.flows.values())
        slot = next((each.slots[name] for each in flows if name in each.slots), None)
        if slot is None or not isinstance(value, str) or not value or value in self.texts:
            return
        if slot.type.name not in TYPES:
            if stand_in := self._of_type(value, slot):
                self._give(value, stand_in)
                self.own[value] = slot
        elif slot.pii or slot.type.name in PERSONAL:
            self._give(value, self._personal(slot, value))

    def _personal(self, slot: Slot, value: str) -> str:
        if slot.type.name == "email":
            return self._mail(value)
        number = next(self._numbers)
        match slot.type.name:
            case "phone":
                return f"+4420794600{number:02}"
            case "name":
                return "Sam Doe" if number == 1 else f"Sam Doe {number}"
            case "date":
                return f"1990-01-{number:02}"
            case _ if "address" in (slot.type.name, slot.name):
                return f"{number} Example Street, 12345 Sampletown"
            case _:
                return f"something private {number}"

    def _of_type(self, value: str, slot: Slot) -> str:
        """Another value of the type; empty when none of the same shape is one."""
        for turn in range(50):
            other = _of_same_shape(value, turn)
            if other != value and other not in self.texts.values() and slot.type.parse(other, Hearing()) == other:
                return other
        return ""

    def _spoken(self, words: str, real: str, slot: Slot) -> str:
        """`a 17` is A-17 as well."""
        pieces = words.split(" ")
        for size in (1, 2, 3):
            for at in range(max(0, min(len(pieces), _MOST_WORDS) - size + 1)):
                if slot.type.parse(" ".join(pieces[at : at + size]), Hearing()) == real:
                    return " ".join((*pieces[:at], self.texts[real], *pieces[at + size :]))
        return words

    def _once(self, found: re.Match[str], make: Callable[[str], str]) -> str:
        """What is a stand-in already stays."""
        return found[0] if found[0] in self.texts.values() else self._give(found[0], make(found[0]))

    def _mail(self, real: str) -> str:
        return f"customer{next(self._numbers)}@example.com"

    def _give(self, real: str, stand_in: str) -> str:
        return self.texts.setdefault(real, stand_in)


def _is_personal(value: str, name: str) -> bool:
    """By the name of its field; addresses of mail and numbers are known by themselves."""
    named = any(part in name.casefold() for part in _FIELDS)
    return bool(value) and named and not (_MAIL.fullmatch(value) or _PHONE.fullmatch(value))


def _whole_word(real: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(real)}(?!\w)", re.IGNORECASE)


def _of_same_shape(value: str, turn: int = 0) -> str:
    """Digits become other digits, capital letters other capital letters; the same value always becomes the same."""
    chance = iter(blake2b(f"{turn}:{value}".encode(), digest_size=64).digest())
    return "".join(_like(c, chance.__next__) for c in value[:60])


def _like(c: str, draw: Callable[[], int]) -> str:
    if c.isdecimal():
        return str(draw() % 9 + 1)
    if c.isascii() and c.isalpha():
        letter = chr(ord("a") + draw() % 26)
        return letter.upper() if c.isupper() else letter
    return c
