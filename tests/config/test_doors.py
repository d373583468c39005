"""Accounts of channels: what is wrong is told with its place and what to do, and secrets stay out of the file."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import channels
from bot.errors import SettingsError
from config.doors import Account
from config.settings import Settings
from tests import pigeon


@pytest.fixture(autouse=True)
def loft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(channels.BUILT_IN, "pigeon", "tests.pigeon")


def desk(folder: Path, yaml: str) -> Settings:
    path = folder / "frontdesk.yaml"
    path.write_text(textwrap.dedent(yaml))
    return Settings(config=path, data=folder / "data")


def told(settings: Settings) -> list[str]:
    with pytest.raises(SettingsError) as error:
        settings.accounts()
    return [line.removeprefix(f"{settings.config}:") for line in str(error.value).splitlines()]


def secret(account: Account) -> str:
    assert isinstance(account.settings, pigeon.Settings)
    return account.settings.token.get_secret_value()


def test_accounts_are_read_with_their_secrets_flows_and_team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("from a file\n")
    monkeypatch.setenv("FRONTDESK_NORTH_LOFT_TOKEN", "from the environment")
    monkeypatch.setenv("FRONTDESK_SOUTH_TOKEN_FILE", str(tmp_path / "token"))
    settings = desk(
        tmp_path,
        """
        accounts:
          north-loft: {channel: pigeon, birds: 3, team: sales}
          south: {channel: pigeon, flows: other}
        """,
    )
    north, south = settings.accounts()
    assert (north.name, north.channel, north.team, secret(north)) == (
        *("north-loft", "pigeon", "sales", "from the environment"),
    )
    assert north.settings == pigeon.Settings(token="from the environment", birds=3)  # type: ignore[arg-type]
    assert (secret(south), south.flows) == ("from a file", tmp_path / "other")
    assert north.flows == settings.desk_file().flows
    assert "environment" not in repr(north)


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("accounts: {north: {channel: raven}}", "1:20: accounts.north: there is no channel 'raven'; there are discord"),
        ("accounts:\n  North: {channel: pigeon}", "2:3: accounts.North: an account is named by small letters"),
        ("accounts: {north: {channel: pigeon, brids: 3}}", "1:37: accounts.north: pigeon has no setting 'brids'; did"),
        ("accounts: {north: {channel: pigeon, birds: 0}}", "1:37: accounts.north: birds: Input should be greater"),
        ("accounts: {north: {birds: 1}}", "1:12: accounts.north.channel: Field required"),
        ("accounts: {north: 5}", "1:12: accounts.north: Input should be"),
        ("accounts: {metrics: {channel: pigeon}}", "1:12: accounts.metrics: FRONTDESK_METRICS_TOKEN belongs to"),
        (
            "accounts:\n  a-b: {channel: pigeon}\n  a_b: {channel: pigeon}",
            "3:3: accounts.a_b: FRONTDESK_A_B_TOKEN belongs to account 'a-b'",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, yaml: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NORTH", "A_B", "METRICS"):
        monkeypatch.setenv(f"FRONTDESK_{name}_TOKEN", "secret-token-of-some-length")
    assert told(desk(tmp_path, yaml))[0].startswith(expected)


@pytest.mark.parametrize("value", ["123:abc", "''", "[1, 2]"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, value: str) -> None:
    (line,) = told(desk(tmp_path, f"accounts:\n  north:\n    channel: pigeon\n    token: {value}\n"))
    assert line.startswith("4:5: accounts.north: token is a secret and must not stand in this file: take it out, and")
    assert "FRONTDESK_NORTH_TOKEN" in line
    assert "123" not in line


def test_a_missing_secret_stops_the_program_but_not_the_check_of_the_file(tmp_path: Path) -> None:
    settings = desk(tmp_path, "accounts:\n  north: {channel: pigeon, birds: 2}\n")
    (line,) = told(settings)
    assert line.startswith("2:3: accounts.north: FRONTDESK_NORTH_TOKEN is not set: put the secret there, or")
    assert settings.desk_file().accounts["north"].channel == "pigeon"


def test_a_file_of_a_secret_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_NORTH_TOKEN_FILE", "/nowhere/token")
    (line,) = told(desk(tmp_path, "accounts: {north: {channel: pigeon}}"))
    assert "FRONTDESK_NORTH_TOKEN_FILE names /nowhere/token, which cannot be read" in line


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    yaml = "accounts:\n  a: {channel: pigeon, birds: 0, token: x}\n  b: {channel: raven}\n  c: {channel: pigeon}\n"
    assert [line.partition(" ")[0] for line in told(desk(tmp_path, yaml))] == ["2:34:", "2:24:", "3:7:", "4:3:"]


def test_without_an_account_no_library_of_a_platform_is_loaded(tmp_path: Path) -> None:
    """Neither by the settings, nor by what runs on them."""
    (tmp_path / "frontdesk.yaml").write_text("accounts: {north: {channel: pigeon}}\n")
    program = f"""
        import sys, channels, config.main, config.server
        from config.settings import Settings
        channels.BUILT_IN["pigeon"] = "tests.pigeon"
        Settings(config={str(tmp_path / "frontdesk.yaml")!r}).accounts()
        unwanted = ("aiogram", "slack_bolt", "slack_sdk", "discord", "channels.telegram", "channels.slack")
        print(sorted(name for name in sys.modules if name.startswith(unwanted)))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    environ = {"PYTHONPATH": str(Path(__file__).parents[2]), "FRONTDESK_NORTH_TOKEN": "x"}
    found = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
    assert found.stdout.strip() == "[]"
