"""A real `frontdesk demo` in its own process, and the system's Chromium in front of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",  # containers lack the privileges it needs
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",  # a container's shared memory is too small
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
    "--use-fake-ui-for-media-stream",
]
PICTURES = Path(os.environ.get("FRONTDESK_PICTURES", "artifacts/pictures"))
"""Screenshots of the run, kept as artefacts."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the installed browser; none is ever downloaded."""
    executable = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not executable:
        pytest.skip("no Chromium: install it or set CHROMIUM")
    return {**browser_type_launch_args, "executable_path": executable, "args": FLAGS}


@dataclass(frozen=True)
class Demo:
    shop: str
    console: str
    email: str
    password: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The newcomer's command, without any key."""
    with running_demo(tmp_path_factory.mktemp("data")) as found:
        yield found


@contextmanager
def running_demo(data: Path, **environment: str) -> Iterator[Demo]:
    """On a free port and in a data folder of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FRONTDESK_", "OPENAI_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "config.main", "demo", "--port", "0"],
        env={**kept, "FRONTDESK_DATA": str(data), "NO_COLOR": "1", "COLUMNS": "120", **environment},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield _told(process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        assert process.stdout is not None
        rest = process.stdout.read()
        process.stdout.close()
        assert "Traceback" not in rest, rest


def _told(process: subprocess.Popen[str]) -> Demo:
    """What the terminal prints: addresses and a sign-in."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "/openapi.json" in line:
            break
    text = "".join(lines)
    found = {
        name: re.search(pattern, text)
        for name, pattern in {
            "shop": r"(http://\S+:\d+/)\s",
            "console": r"(http://\S+/console)\s",
            "email": r"sign in as (\S+)",
            "password": r"password\s+(\S+)",
        }.items()
    }
    assert all(found.values()), f"the demo printed:\n{text}"
    return Demo(**{name: match.group(1) for name, match in found.items() if match})


def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    # Colours fade into one another: what is half on its way is no picture of anything.
    fades = "document.getAnimations().filter(each => each instanceof CSSTransition)"
    page.evaluate(f"() => Promise.allSettled({fades}.map(each => each.finished)).then(() => null)")
    page.screenshot(path=PICTURES / f"{name}.png")


@pytest.fixture
def watched() -> Iterator[Any]:
    """Fails the test when a page it watches raised an error, broke its policy, or asked another host for something."""
    problems: list[str] = []

    def watch(page: Page) -> Page:
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: problems.append(f"{message.type}: {message.text}") if message.type == "error" else None,
        )
        page.on(
            "request",
            lambda request: (
                None
                if re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", request.url)
                else problems.append(f"request to {request.url}")
            ),
        )
        return page

    yield watch
    assert problems == []
