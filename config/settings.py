"""What can be set, where each value comes from, and what is wrong with it.

`FRONTDESK_…` environment variables say where things are and hold the secrets; `frontdesk.yaml` says what the desk is.
Secrets never stand in YAML.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError
from bot.flow import source
from channels.web.settings import WebLimits
from config.doors import Account, AccountSection, place, read_accounts, told

OWN_CONFIG = Path(__file__).parent / "frontdesk.yaml"
PROJECT_CONFIG = Path("config/frontdesk.yaml")
"""Of the project in the folder a command is called in, where there is one."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WebAccount(_Section):
    """The website widget of one account."""

    account: str = "shop"
    origins: tuple[str, ...] = ()
    """Pages that may embed it, exactly as the browser names them: `https://shop.example`. Our own address is one."""
    limits: WebLimits = WebLimits()


class ModelSection(_Section):
    name: str = "gpt-4o-mini"
    """Used when OPENAI_API_KEY is set."""
    instructions: str = ""
    """Added to the assistant's own, from the flow folder."""
    tokens: int = Field(default=800, ge=50, le=8000)
    """Longest answer."""


class StaffSection(_Section):
    """A chat of the team that serves as console."""

    account: str
    """One of `accounts`."""
    chat: str
    """The platform's id of the chat: a Slack channel, a Telegram group with topics, a Discord channel."""
    people: dict[str, str] = {}
    """By the platform's id of a person: the e-mail address of their console account."""
    alerts_only: bool = False
    """Tell that a human is wanted, and nothing of what is said."""
    language: str = ""
    """In which the room is spoken to; empty: the assistant's own."""


class DeskFile(_Section):
    """`frontdesk.yaml`."""

    flows: Path = Path("../flows")
    """Folder of flows, texts, actions and knowledge; relative to the file."""
    web: WebAccount = WebAccount()
    console_origins: tuple[str, ...] = ()
    """Where browsers reach the console when something in front of this server ends TLS: `https://desk.example`."""
    accounts: dict[str, AccountSection] = {}
    """Doors to other platforms, by name."""
    staff: tuple[StaffSection, ...] = ()
    """Where the team may work beside the console."""
    model: ModelSection = ModelSection()
    quiet_ms: int = Field(default=400, ge=0, le=10_000)
    """How long a customer may pause within one request before the model is asked."""
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    """Names by which this server may be called."""
    slash: bool = False
    """Whether customers may type slash commands."""
    grants: tuple[str, ...] = ()
    """Scopes of actions that the flows may use; `needs` in assistant.yaml says which they ask for."""


class Settings(BaseSettings):
    """The environment."""

    model_config = SettingsConfigDict(env_prefix="FRONTDESK_", extra="ignore", frozen=True)

    config: Path = Field(default_factory=lambda: PROJECT_CONFIG if PROJECT_CONFIG.is_file() else OWN_CONFIG)
    data: Path = Path("data")
    """Folder of the SQLite file, the generated key and the files that are kept."""
    database_url: str = ""
    """`sqlite:///path`, `sqlite://` (in memory) or `postgresql://…`; empty: `frontdesk.db` in the data folder."""
    host: str = "127.0.0.1"
    port: int = 8080
    secret_key: SecretStr = SecretStr("")
    """Signs tokens and cookies, 32 characters at least. On SQLite one is made in the data folder when it is missing."""
    metrics_token: SecretStr = SecretStr("")
    """Whoever bears it may read `/metrics`, 16 characters at least; without it only this machine may."""
    openai_api_key: SecretStr = Field(default=SecretStr(""), validation_alias="OPENAI_API_KEY")
    openai_base_url: str = Field(default="", validation_alias="OPENAI_BASE_URL")

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data / 'frontdesk.db'}"

    @property
    def files(self) -> Path:
        """Folder of the files that are kept; processes of one deployment share it."""
        return self.data / "files"

    @property
    def on_sqlite(self) -> bool:
        return self.database.startswith("sqlite")

    def sqlite_path(self) -> Path:
        """Raises `SettingsError` when the database is another."""
        path = self.database.removeprefix("sqlite:///")
        if not self.on_sqlite or not path:
            raise SettingsError("FRONTDESK_DATABASE_URL names no SQLite file; for PostgreSQL use pg_dump")
        return Path(path)

    def make_data(self) -> None:
        """The data folder: what customers wrote is nobody else's on this machine."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)

    def desk_file(self) -> DeskFile:
        """Read `frontdesk.yaml`. Raises `SettingsError` naming file, place and what to do."""
        desk, node = self._read_desk_file()
        self._accounts(desk, node, secrets=False)
        return desk

    def accounts(self) -> tuple[Account, ...]:
        """Of `frontdesk.yaml`, with their secrets. Raises `SettingsError` as `desk_file` does, and for missing ones."""
        return self._accounts(*self._read_desk_file(), secrets=True)

    def _accounts(self, desk: DeskFile, node: source.Node, *, secrets: bool) -> tuple[Account, ...]:
        if not desk.accounts:
            return ()
        taken = frozenset(f"FRONTDESK_{name.upper()}" for name in type(self).model_fields)
        return read_accounts(desk.accounts, node["accounts"], desk.flows, os.environ, secrets=secrets, taken=taken)

    def _read_desk_file(self) -> tuple[DeskFile, source.Node]:
        if not self.config.is_file():
            raise SettingsError(f"{self.config}: cannot be read (there is no such file); FRONTDESK_CONFIG names it")
        try:
            documents = source.load(self.config, str(self.config))
            node = documents[0] if documents else source.Node(source.Mark(str(self.config), 1, 1), "mapping")
            desk = DeskFile.model_validate(node.plain or {})
        except source.BadFile as error:
            raise SettingsError(f"{place(error.mark)}: {error}") from error
        except ValidationError as error:
            raise SettingsError("\n".join(told(error, node))) from error
        found = {
            name: each.model_copy(update={"flows": each.flows and self._beside(each.flows)})
            for name, each in desk.accounts.items()
        }
        return desk.model_copy(update={"flows": self._beside(desk.flows), "accounts": found}), node

    def _beside(self, folder: Path) -> Path:
        return (self.config.parent / folder).resolve()

    def token_for_metrics(self) -> str:
        """Empty: none."""
        given = self.metrics_token.get_secret_value()
        if given and len(given) < 16:
            raise SettingsError(
                "FRONTDESK_METRICS_TOKEN is shorter than 16 characters; `openssl rand -hex 16` makes one"
            )
        return given

    def secret(self) -> bytes:
        """The signing key; made once, readable by its owner alone, where SQLite keeps the data."""
        given = self.secret_key.get_secret_value()
        if given:
            if len(given) < 32:
                raise SettingsError(
                    "FRONTDESK_SECRET_KEY is shorter than 32 characters; `openssl rand -hex 32` makes one"
                )
            return given.encode()
        if not self.on_sqlite:
            raise SettingsError(
                "FRONTDESK_SECRET_KEY is not set: several processes must sign alike; `openssl rand -hex 32` makes one"
            )
        path = self.data / "secret.key"
        self.make_data()
        try:
            return path.read_bytes()
        except FileNotFoundError:
            made = secrets.token_hex(32).encode()
            path.touch(mode=0o600)
            path.write_bytes(made)
            return made


def read_settings() -> Settings:
    """Raises `SettingsError` naming the variable."""
    try:
        return Settings()
    except ValidationError as error:
        told = (f"FRONTDESK_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors())
        raise SettingsError("; ".join(told)) from error
