"""The doors. Each is imported when an account uses it."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType

from bot.errors import SettingsError

BUILT_IN = {
    "telegram": "channels.telegram",
    "slack": "channels.slack",
    "discord": "channels.discord",
}
GROUP = "frontdesk.channels"
"""Entry points of other packages: `name = "package.module"`. They cannot take the name of one that is built in."""


def channel_module(name: str) -> ModuleType:
    """The module of a channel: it has `Settings`, a pydantic model, and `build` (`bot.ports.BuildChannel`).

    Raises `SettingsError` when there is none, when two packages offer one of that name, or when its library is missing.
    """
    offered = {entry.value for entry in entry_points(group=GROUP, name=name)}
    if name in BUILT_IN:
        if offered:
            raise SettingsError(f"channel {name!r} is built in, and {', '.join(offered)} offers another of that name")
        return _imported(name, BUILT_IN[name])
    if not offered:
        known = sorted({*BUILT_IN, *entry_points(group=GROUP).names})
        raise SettingsError(f"there is no channel {name!r}; there are {', '.join(known)}")
    if len(offered) > 1:
        raise SettingsError(f"several packages offer a channel {name!r}: {', '.join(sorted(offered))}")
    return _imported(name, offered.pop())


def _imported(name: str, path: str) -> ModuleType:
    try:
        return import_module(path)
    except ImportError as error:
        raise SettingsError(
            f"channel {name!r} cannot be loaded ({error}); `pip install 'frontdesk[{name}]'` may help"
        ) from error
