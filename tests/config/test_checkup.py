"""`frontdesk channel check` and `setup`: what is right, what to change, and whether that is all."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

import channels
from config.main import app


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(channels.BUILT_IN, "pigeon", "tests.pigeon")
    path = tmp_path / "frontdesk.yaml"
    path.write_text(textwrap.dedent("accounts:\n  loft: {channel: pigeon}\n"))
    monkeypatch.setenv("FRONTDESK_CONFIG", str(path))
    monkeypatch.setenv("FRONTDESK_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FRONTDESK_LOFT_TOKEN", "coo")


def asked(*command: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["channel", *command])
    return result.exit_code, result.output


def test_check_says_what_to_change_until_setup_has_changed_it() -> None:
    code, told = asked("check", "loft")
    assert code == 1
    assert told.splitlines() == [
        "ok  the loft answers",
        "--  the birds are fed",
        "     feed them",
        "loft: 1 to change",
    ]
    assert asked("setup", "loft")[0] == 0
    code, told = asked("check", "loft")
    assert (code, told.splitlines()[-1]) == (0, "loft: nothing to change")


def test_an_unknown_account_is_named_beside_those_there_are() -> None:
    code, told = asked("check", "nest")
    assert code == 1
    assert "has no account 'nest'; there are loft" in told


def test_a_missing_secret_is_told_before_the_platform_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRONTDESK_LOFT_TOKEN")
    code, told = asked("check", "loft")
    assert code == 1
    assert "FRONTDESK_LOFT_TOKEN is not set" in told
