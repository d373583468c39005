"""What the model answers by itself: the first line of a script that fits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from bot.errors import SettingsError
from bot.flow import source
from channels.sandbox.openai.requests import Chat

_WORD = re.compile(r"\S*\s+|\S+")
_GROUP = re.compile(r"\{(\w+)\}")


class Call(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    arguments: dict[str, Any] | str = {}
    """A text is sent as it stands, so that it may be no JSON."""

    @property
    def text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else msgspec.json.encode(self.arguments).decode()


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    when: str = ""
    """A regular expression, searched in the newest words of the user, whatever their case. For a transcription it is
    searched in the file's name, for a moderation in the text."""
    after: str = ""
    """Only when the newest message is the result of this tool (`*`: any). A line without it is none for results."""
    times: int = 0
    """At most so many times; 0: no end."""
    say: str | list[str] = ""
    """`{1}`, `{name}` stand for groups of `when`. A list: the pieces in which it streams; else word by word."""
    call: list[Call] = []
    finish: Literal["", "length", "content_filter"] = ""
    flag: list[str] = []
    """Categories of a moderation."""


class End(Struct, frozen=True):
    finish: str


Part = str | Call | End
"""Of an answer: a piece of its words, a tool call, and how it ends."""


def lines(plain: Any) -> tuple[Line, ...]:
    """Raises `ValueError` saying which line is wrong."""
    found = msgspec.convert(plain, list[Line])
    for at, line in enumerate(found):
        try:
            re.compile(line.when)
        except re.error as error:
            raise ValueError(f"{line.when!r} is no regular expression ({error}) - at `$[{at}].when`") from error
    return tuple(found)


def read(path: Path) -> tuple[Line, ...]:
    """A YAML or JSON file. Raises `SettingsError`."""
    try:
        (document,) = source.load(path, str(path)) or (None,)
        return lines(document.plain if document else [])
    except source.BadFile as error:
        raise SettingsError(f"{path}:{error.mark.line}:{error.mark.column}: {error}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: {error}; a script is a list of `when: WORDS` with `say:` or `call:`") from error


@dataclass(slots=True)
class Script:
    lines: Sequence[Line] = ()
    _used: dict[int, int] = field(default_factory=dict)

    def answer(self, chat: Chat) -> tuple[Part, ...] | None:
        """None: no line fits."""
        tool = chat.answered_tool
        found = self._first(chat.asked, tool)
        if found is None:
            return None
        line, groups = found
        said = [line.say] if isinstance(line.say, str) else line.say
        filled = [_filled(text, groups) for text in said]
        pieces = _WORD.findall(filled[0]) if isinstance(line.say, str) else filled
        calls = [_filled_call(call, groups) for call in line.call]
        return (*pieces, *calls, End(line.finish or ("tool_calls" if calls else "stop")))

    def words(self, text: str) -> str | None:
        """What is said to a text that is no chat."""
        found = self._first(text, "")
        if found is None:
            return None
        line, groups = found
        return _filled(line.say if isinstance(line.say, str) else "".join(line.say), groups)

    def flags(self, text: str) -> Sequence[str]:
        return next((line.flag for line in self.lines if line.flag and _matches(line, text)), ())

    def _first(self, text: str, tool: str) -> tuple[Line, Mapping[str, str]] | None:
        for at, line in enumerate(self.lines):
            known = bool(line.after) == bool(tool) and fnmatchcase(tool, line.after)
            spent = bool(line.times) and self._used.get(at, 0) >= line.times
            match = _matches(line, text) if known and not spent and not line.flag else None
            if match is not None:
                self._used[at] = self._used.get(at, 0) + 1
                numbered = {str(n): group for n, group in enumerate((match[0], *match.groups()))}
                return line, {name: value or "" for name, value in {**numbered, **match.groupdict()}.items()}
        return None


def _matches(line: Line, text: str) -> re.Match[str] | None:
    return re.search(line.when, text, re.IGNORECASE)


def _filled(text: str, groups: Mapping[str, str]) -> str:
    return _GROUP.sub(lambda found: groups.get(found[1], found[0]), text)


def _filled_call(call: Call, groups: Mapping[str, str]) -> Call:
    if isinstance(call.arguments, str):
        return Call(name=call.name, arguments=_filled(call.arguments, groups))
    return Call(name=call.name, arguments=dict(_filled_values(call.arguments, groups)))


def _filled_values(values: Mapping[str, Any], groups: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        yield name, _filled(value, groups) if isinstance(value, str) else value
