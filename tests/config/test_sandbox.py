"""`frontdesk sandbox`: what it prints is enough to point a client at it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from bot.errors import SettingsError
from bot.testing.clock import SettableClock
from channels.sandbox.server import app
from config.sandbox import NAMES, made

ROOT = Path(__file__).parents[2]


@contextmanager
def told(*arguments: str) -> Iterator[str]:
    """What the command prints until it has said everything; it ends well when it is asked to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "config.main", "sandbox", *arguments],
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONUNBUFFERED": "1"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line)
            if line.isspace() and "environment" in "".join(lines):
                break
        yield "".join(lines)
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        process.stdout.close()
        assert (process.wait(30), "Traceback" in rest) == (0, False), "".join(lines) + rest


def test_it_says_where_it_is_and_what_to_set() -> None:
    with told("openai", "--port", "0") as text:
        address = re.search(r"Chat page\s+(http://127\.0\.0\.1:\d+)/", text)
        assert address, text
        assert f"OPENAI_BASE_URL={address[1]}/v1" in text
        assert f'AsyncOpenAI(api_key="sk-sandbox", base_url="{address[1]}/v1")' in text
        assert httpx2.get(f"{address[1]}/_/about").json()["name"] == "openai"
        assert "For developers" in httpx2.get(f"{address[1]}/_/page/drawer.js").text


@pytest.mark.parametrize("name", NAMES)
async def test_every_sandbox_tells_how_to_point_a_client_at_it(name: str) -> None:
    sandbox = made(name, SettableClock())
    transport = httpx2.ASGITransport(app=app(sandbox))
    async with httpx2.AsyncClient(transport=transport, base_url="http://here:1") as client:
        about = (await client.get("/_/about")).json()
        seen = (await client.get("/_/seen")).json()
    await sandbox.close()
    assert (about["name"], seen["platform"]) == (name, name)
    assert about["how"]
    for text in (*about["told"].values(), *about["how"].values()):
        assert not re.search(r"\{[a-z_A-Z]+\}", text), text
    assert "http://here:1" in about["how"]["environment" if name == "openai" else "frontdesk.yaml"]


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        ("teams", {}, "there is no sandbox 'teams'; there are telegram, slack, discord, openai"),
        ("slack", {"script": Path("answers.yaml")}, "--script is for the OpenAI sandbox"),
        ("telegram", {"hook": "http://127.0.0.1/"}, "--hook is for the Slack sandbox"),
    ],
)
def test_what_it_cannot_do_is_told(name: str, more: dict[str, str], why: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(why)):
        made(name, SettableClock(), **more)  # type: ignore[arg-type]
