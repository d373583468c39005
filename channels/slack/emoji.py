"""Slack names the emoji it knows; of the common ones we know both. Pure."""

from __future__ import annotations

_NAMES = {
    "👍": "+1",
    "👎": "-1",
    "❤️": "heart",
    "🎉": "tada",
    "👀": "eyes",
    "✅": "white_check_mark",
    "❌": "x",
    "🙏": "pray",
    "👏": "clap",
    "🔥": "fire",
    "😀": "grinning",
    "😄": "smile",
    "😂": "joy",
    "🙂": "slightly_smiling_face",
    "😢": "cry",
    "😡": "rage",
    "🤔": "thinking_face",
    "💯": "100",
    "⭐": "star",
    "👋": "wave",
    "⏳": "hourglass_flowing_sand",
    "🚀": "rocket",
}
_SHOWN = {name: emoji for emoji, name in _NAMES.items()} | {"thumbsup": "👍", "thumbsdown": "👎"}


def name_of(emoji: str) -> str:
    """Empty: Slack has no name for it that we know."""
    bare = emoji.strip(":")
    return _NAMES.get(emoji) or _NAMES.get(emoji + "\ufe0f") or (bare if bare.isascii() else "")


def shown_as(name: str) -> str:
    """The emoji, or its name between colons."""
    return _SHOWN.get(name.partition("::")[0], f":{name}:")
