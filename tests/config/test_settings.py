"""What is wrong with a setting is told with its name, and what to do."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from bot.errors import SettingsError
from channels import BUILT_IN, channel_module
from config.doors import is_secret, settings_of
from config.settings import Settings, read_settings


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_PORT", "eighty")
    with pytest.raises(SettingsError, match="FRONTDESK_PORT"):
        read_settings()


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("flows: [1", "1:10: expected ',' or ']'"),
        ("quiet_ms: 5\nfloes: ../flows", "2:1: floes"),
        ("quiet_ms: soon", "1:1: quiet_ms"),
        ("web: {limits: {messages_per_minute: 0}}", "1:16: web.limits.messages_per_minute"),
        ("web: 5", "1:1: web"),
        ("- flows", "1:1: "),
        ("flows: x\nflows: y", "2:1: key 'flows' stands here twice"),
    ],
    ids=["syntax", "unknown key", "wrong type", "out of bounds", "no mapping", "a list", "duplicate key"],
)
def test_a_mistake_in_the_file_is_told_with_its_path_and_place(tmp_path: Path, yaml: str, told: str) -> None:
    path = tmp_path / "frontdesk.yaml"
    path.write_text(yaml)
    with pytest.raises(SettingsError) as error:
        Settings(config=path).desk_file()
    assert str(error.value).startswith(f"{path}:{told}")


def test_flows_are_found_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    path = tmp_path / "config" / "frontdesk.yaml"
    path.write_text("flows: ../talk\n")
    assert Settings(config=path).desk_file().flows == tmp_path / "talk"


def test_sqlite_makes_a_key_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    first = settings.secret()
    assert settings.secret() == first
    assert len(first) == 64
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_postgres_wants_a_key_and_a_short_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="FRONTDESK_SECRET_KEY is not set"):
        Settings(data=tmp_path, database_url="postgresql://nowhere/x").secret()
    with pytest.raises(SettingsError, match="32 characters"):
        Settings(data=tmp_path, secret_key="short").secret()  # type: ignore[arg-type]  # pydantic makes it a secret


def test_a_short_token_for_the_metrics_is_refused_and_none_is_none() -> None:
    with pytest.raises(SettingsError, match="FRONTDESK_METRICS_TOKEN is shorter than 16"):
        Settings(metrics_token="short").token_for_metrics()  # type: ignore[arg-type]  # pydantic makes it a secret
    assert Settings().token_for_metrics() == ""


def test_every_variable_is_in_the_readme_and_every_one_in_the_documents_exists() -> None:
    root = Path(__file__).parents[2]
    exist = {f"FRONTDESK_{name.upper()}" for name in Settings.model_fields if not name.startswith("openai")}
    documents = [root / "README.md", root / "CHANGELOG.md", *(root / "docs").rglob("*.md")]
    named = {
        str(path.relative_to(root)): set(re.findall(r"FRONTDESK_[A-Z_]+", path.read_text(encoding="utf-8")))
        for path in documents
    }
    kinds = [settings_of(channel_module(name)) for name in BUILT_IN]
    secrets = {field.upper() for kind in kinds for field in kind.model_fields if is_secret(kind, field)}
    of_accounts = re.compile(rf"FRONTDESK_[A-Z_]+_(?:{'|'.join(sorted(secrets))})(?:_FILE)?")
    ours = {
        name: {one for one in found if one in exist or not of_accounts.fullmatch(one)} for name, found in named.items()
    }
    assert ours["README.md"] == exist
    assert {name: found - exist for name, found in ours.items() if found - exist} == {}
