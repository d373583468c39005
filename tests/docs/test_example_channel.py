"""The example of a channel is what an outside package is: it passes the suite, and an entry point is all it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.errors import SettingsError
from channels import GROUP, channel_module
from config.doors import settings_of
from tests.docs.test_pages import ROOT, blocks

EXAMPLE = ROOT / "docs/examples/frontdesk_webhook"
PAGE = ROOT / "docs/how-to/write_a_channel.md"


def test_it_keeps_what_every_channel_promises() -> None:
    """In a pytest of its own, with its own settings, as its author would run it."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=EXAMPLE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def installed(site: Path, *entries: str) -> None:
    """What an installer leaves beside the module."""
    info = site / "frontdesk_webhook-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: frontdesk-webhook\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("\n".join((f"[{GROUP}]", *entries, "")))


def test_its_entry_point_is_enough_to_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    installed(tmp_path, *(f"{name} = {value}" for name, value in named.items()))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(EXAMPLE)
    module = channel_module("webhook")
    try:
        assert Path(str(module.__file__)) == EXAMPLE / "frontdesk_webhook.py"
        assert set(settings_of(module).model_fields) == {"url", "secret"}
        assert callable(module.build)
        with pytest.raises(SettingsError, match="webhook"):
            channel_module("carrier_pigeon")
    finally:
        del sys.modules["frontdesk_webhook"]


def test_a_package_cannot_take_the_name_of_a_channel_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "telegram = frontdesk_webhook")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsError, match="'telegram' is built in"):
        channel_module("telegram")


def test_what_the_page_shows_stands_in_the_example() -> None:
    files = "\n".join(path.read_text(encoding="utf-8") for path in sorted(EXAMPLE.glob("*.*")) if path.is_file())
    shown = ["\n".join(block.lines) for block in blocks(PAGE) if block.kind in ("python", "toml")]
    assert shown
    assert [lines for lines in shown if lines not in files] == []
