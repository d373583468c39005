"""Faults by script: which call or event goes wrong, when, and how. The same script and seed give the same run."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Sequence
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct


class Do(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What goes wrong. What a kind of call or event cannot do is ignored there."""

    status: int = 0
    """Refuse with this HTTP status, in the platform's own form; 429 with `after`."""
    error: str = ""
    """The platform's code or description; empty: the usual one for that status."""
    after: float = 0
    """Seconds to wait, told with a 429 or 503."""
    delay: float = 0
    """Seconds before it is done at all."""
    accept_then_cut: bool = False
    """It is done, and the connection ends without an answer: the outcome is unknown to the caller."""
    cut: bool = False
    """It is not done, and the connection ends without an answer."""
    duplicate: int = 0
    """So many times more than once."""
    reorder: bool = False
    """After the one that follows it."""
    drop: bool = False
    """Never delivered."""
    hold: bool = False
    """Delivered when the script is next replaced."""
    disconnect: int = 0
    """End the connection it came over, with this close code."""
    slow: float = 0
    """Bytes a second of the answer."""
    spoil: str = ""
    """Answer something broken in a way that the platform's page names."""


class Rule(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    on: str
    """The platform's name of the method or event; `*` and `?` stand for any characters."""
    do: Do
    nth: int = 0
    """Only the n-th such call from now, from 1; 0: each one."""
    times: int = 0
    """At most so many in all; 0: no end."""
    chance: float = 1.0


class Met(Struct, frozen=True):
    rule: Rule
    done: int


class Faults:
    """Which fault the next call or event meets: the first rule that says so."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._rules: list[_Counting] = []
        self._replaced = asyncio.Event()

    def script(self, rules: Sequence[Rule], *, seed: int | None = None) -> None:
        """Replace the script; counting begins anew."""
        if seed is not None:
            self._random.seed(seed)
        self._rules = [_Counting(rule) for rule in rules]
        replaced, self._replaced = self._replaced, asyncio.Event()
        replaced.set()

    def rules(self) -> Sequence[Met]:
        """The script, and how often each rule was met."""
        return [Met(counting.rule, counting.done) for counting in self._rules]

    def replaced(self) -> Coroutine[Any, Any, object]:
        """To be awaited: until the script is replaced next. What was held is then delivered."""
        return self._replaced.wait()

    def next(self, name: str) -> Do | None:
        """Every rule that knows the name counts; None: nothing goes wrong."""
        met = [rule for rule in self._rules if rule.meets(name, self._random)]
        if not met:
            return None
        met[0].done += 1
        return met[0].rule.do


class _Counting:
    def __init__(self, rule: Rule) -> None:
        self.rule, self.done, self._seen = rule, 0, 0

    def meets(self, name: str, random: random.Random) -> bool:
        rule = self.rule
        if not fnmatchcase(name, rule.on):
            return False
        self._seen += 1
        if rule.nth:
            return self._seen == rule.nth
        return (not rule.times or self.done < rule.times) and (rule.chance >= 1 or random.random() < rule.chance)
