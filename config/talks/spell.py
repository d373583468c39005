"""Values as they stand in a test file: YAML on one line. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_/][\w /.'()?!+=-]*")
_NOT_TEXT = re.compile(r"(?i:true|false|null|yes|no|on|off|y|n|~)")


def spell(value: Any, *, alone: bool = False) -> str:
    """`alone`: it stands behind a key on a line of its own, not inside brackets."""
    match value:
        case dict() if alone and len(value) == 1:
            ((key, each),) = value.items()
            return f"{spell(key)}: {spell(each, alone=True)}"
        case dict():
            return "{" + ", ".join(f"{spell(key)}: {spell(each)}" for key, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(spell, value)) + "]"
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            text = str(value)
            is_plain = _PLAIN.fullmatch(text) and not _NOT_TEXT.fullmatch(text) and text == text.strip()
            return text if is_plain else json.dumps(text, ensure_ascii=False)
