"""The accounts of channels: what `frontdesk.yaml` and the environment say of them, and the channels built of that.

What is secret (every field of type `SecretStr`) comes from the environment alone, `FRONTDESK_<ACCOUNT>_<FIELD>`, or
from a file that a variable of this name and `_FILE` names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from bot.errors import SettingsError
from bot.flow.conditions import hint
from bot.flow.source import Mark, Node
from channels import channel_module

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")
_OURS = ("channel", "flows", "team")


class AccountSection(BaseModel):
    """One account as the file has it; what else stands there belongs to its channel."""

    model_config = ConfigDict(extra="allow", frozen=True)

    channel: str
    flows: Path | None = None
    """Another folder of flows, so another assistant; relative to the file. Left out: the desk's own."""
    team: str = ""
    """Which team takes over here; empty: anyone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One door to one platform."""

    name: str
    channel: str
    flows: Path
    team: str
    settings: BaseModel
    """Of its channel's own kind."""


def read_accounts(
    sections: Mapping[str, AccountSection],
    at: Node,
    flows: Path,
    environ: Mapping[str, str],
    *,
    secrets: bool,
    taken: frozenset[str] = frozenset(),
) -> tuple[Account, ...]:
    """Every account, its channel's library not loaded. Raises `SettingsError` that tells all mistakes with their place.

    `at`: the node of `accounts`. Without `secrets` those that are missing are no mistake, and accounts that lack one
    are left out. `taken`: variables that mean something else.
    """
    problems: list[str] = []
    found: list[Account] = []
    variables = dict.fromkeys(taken, "the program itself")
    for name, section in sections.items():
        reading = _Reading(name, section, at.key(name), at[name], environ)
        account = reading.account(flows, variables, secrets=secrets)
        problems += reading.problems
        if account:
            found.append(account)
    if problems:
        raise SettingsError("\n".join(problems))
    return tuple(found)


class _Reading:
    """Of one account."""

    def __init__(self, name: str, section: AccountSection, key: Node, node: Node, environ: Mapping[str, str]) -> None:
        self.name, self.section, self.key, self.node, self.environ = name, section, key, node, environ
        self.problems: list[str] = []

    def account(self, flows: Path, variables: dict[str, str], *, secrets: bool) -> Account | None:
        if not _NAME.match(self.name):
            self._wrong(self.key, "an account is named by small letters, digits, - and _, a letter first")
            return None
        try:
            kind = settings_of(channel_module(self.section.channel))
        except SettingsError as error:
            self._wrong(self.node.key("channel"), str(error))
            return None
        given, missing = self._given(kind, variables)
        told = list(_mistakes(kind, given))
        for path, why in told:
            if len(path) != 1 or path[0] not in missing:
                self._wrong(_nearest(self.node, path) or self.key, f"{'.'.join(path)}: {why}")
            elif secrets and path[0] not in self.node:
                variable = variable_of(self.name, path[0])
                self._wrong(
                    self.key, f"{variable} is not set: put the secret there, or name its file in {variable}_FILE"
                )
        if self.problems or told:
            return None
        return Account(
            name=self.name,
            channel=self.section.channel,
            flows=self.section.flows or flows,
            team=self.section.team,
            settings=kind.model_validate(given),
        )

    def _given(self, kind: type[BaseModel], variables: dict[str, str]) -> tuple[dict[str, Any], set[str]]:
        """The channel's settings from both places, and the secrets that stand in neither."""
        given: dict[str, Any] = {}
        missing: set[str] = set()
        for field, value in (self.section.model_extra or {}).items():
            if field not in kind.model_fields:
                known = [*kind.model_fields, *_OURS]
                self._wrong(
                    self.node.key(field), f"{self.section.channel} has no setting {field!r}{hint(field, known)}"
                )
            elif is_secret(kind, field):
                variable = variable_of(self.name, field)
                self._wrong(
                    self.node.key(field),
                    f"{field} is a secret and must not stand in this file: take it out, and set {variable} in the"
                    f" environment or name a file in {variable}_FILE",
                )
            else:
                given[field] = value
        for field in kind.model_fields:
            if is_secret(kind, field):
                variable = variable_of(self.name, field)
                if other := variables.get(variable):
                    self._wrong(self.key, f"{variable} belongs to {other}: give this account another name")
                variables[variable] = f"account {self.name!r}"
                value = self._secret(variable)
                if value is None:
                    missing.add(field)
                else:
                    given[field] = SecretStr(value)
        return given, missing

    def _secret(self, variable: str) -> str | None:
        if value := self.environ.get(variable):
            return value
        if path := self.environ.get(f"{variable}_FILE"):
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                self._wrong(self.key, f"{variable}_FILE names {path}, which cannot be read: {error}")
                return ""
        return None

    def _wrong(self, at: Node, why: str) -> None:
        self.problems.append(f"{place(at.mark)}: accounts.{self.name}: {why}")


def settings_of(module: ModuleType) -> type[BaseModel]:
    """The kind of settings that a channel's accounts have."""
    kind = getattr(module, "Settings", None)
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)) or not hasattr(module, "build"):
        raise SettingsError(f"{module.__name__} is no channel: it has no `Settings` or no `build`")
    return kind


def is_secret(kind: type[BaseModel], field: str) -> bool:
    wanted = kind.model_fields[field].annotation
    return wanted is SecretStr or SecretStr in get_args(wanted)


def variable_of(account: str, field: str) -> str:
    return f"FRONTDESK_{account}_{field}".upper().replace("-", "_")


def _mistakes(kind: type[BaseModel], given: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    try:
        kind.model_validate(given)
    except ValidationError as error:
        for one in error.errors():
            yield tuple(map(str, one["loc"])), one["msg"]


def told(error: ValidationError, node: Node) -> Iterator[str]:
    """Each mistake at its key, or as near to it as the file goes."""
    for one in error.errors():
        path = tuple(map(str, one["loc"]))
        at = _nearest(node, path) or node
        yield ": ".join(filter(None, (place(at.mark), ".".join(path), one["msg"])))


def _nearest(node: Node, path: tuple[str, ...]) -> Node | None:
    """The key that a path leads to, or the last on its way; None: not even the first is there."""
    at, found = None, node
    for part in path:
        if part in found:
            at, found = found.key(part), found[part]
    return at


def place(mark: Mark) -> str:
    return f"{mark.path}:{mark.line}:{mark.column}"
