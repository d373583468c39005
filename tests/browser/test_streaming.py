"""Answers that stream from a model: seen as they come, settled once, and silent after a takeover."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Demo, picture, running_demo
from tests.browser.test_the_newcomers_story import say, sign_in


@dataclass
class Model:
    """A server that speaks Chat Completions; it holds its breath in the middle of each answer until told to go on."""

    address: str = ""
    go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[dict[str, object]] = field(default_factory=list)


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_POST(self) -> None:
            made.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            try:
                self._say("A refund takes five working days")
                made.go_on.wait(30)
                self._say(" after we have your parcel.")
                self.wfile.write(b"data: [DONE]\n\n")
            except ConnectionError:
                pass  # the bot has stopped listening

        def _say(self, words: str) -> None:
            delta = {"choices": [{"index": 0, "delta": {"content": words}, "finish_reason": None}]}
            self.wfile.write(b"data: " + json.dumps(delta).encode() + b"\n\n")
            self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    made.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def desk(model: Model, tmp_path: Path) -> Iterator[Demo]:
    with running_demo(tmp_path, OPENAI_API_KEY="sk-test", OPENAI_BASE_URL=model.address) as found:
        yield found


def test_a_draft_is_seen_while_it_streams_and_becomes_one_answer(
    browser: Browser, desk: Demo, model: Model, watched: Callable[[Page], Page]
) -> None:
    customer = watched(browser.new_page())
    customer.goto(desk.shop)
    customer.get_by_role("button", name="Open chat").click()
    log = customer.get_by_role("log")
    say(customer, "how long does a refund take?")
    expect(log).to_contain_text("A refund takes five working days")
    assert "after we have your parcel" not in log.inner_text()
    picture(customer, "8-a-draft")
    model.go_on.set()
    expect(log).to_contain_text("A refund takes five working days after we have your parcel.")
    expect(log.get_by_text("A refund takes five working days")).to_have_count(1)
    customer.reload()
    customer.get_by_role("button", name="Open chat").click()
    expect(customer.get_by_role("log").get_by_text("A refund takes five working days")).to_have_count(1)


def test_a_takeover_in_the_middle_of_a_draft_silences_the_bot(
    browser: Browser, desk: Demo, model: Model, watched: Callable[[Page], Page]
) -> None:
    customer, agent = watched(browser.new_page()), watched(browser.new_context().new_page())
    customer.goto(desk.shop)
    customer.get_by_role("button", name="Open chat").click()
    log = customer.get_by_role("log")
    say(customer, "how long does a refund take?")
    expect(log).to_contain_text("A refund takes five working days")
    sign_in(agent, desk)
    agent.goto(f"{desk.console}/inbox/bot")
    agent.get_by_role("option").click()
    agent.get_by_role("button", name="Take over").first.click()
    expect(log).to_contain_text("You are now talking with Mara")
    model.go_on.set()
    expect(agent.get_by_role("log")).to_contain_text("was not sent")
    assert "after we have your parcel" not in log.inner_text()
    picture(customer, "9-silenced")
    picture(agent, "9-discarded-draft")
