"""The stand-ins themselves behind their chat page: a program on one side, a person in a browser on the other."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from openai import OpenAI
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from websockets.sync.client import connect

from config.machine import SystemClock
from config.sandbox import made
from tests.browser.conftest import picture
from tests.channels.sandbox.showcase import served

TOOL: Any = {
    "type": "function",
    "function": {"name": "order", "parameters": {"type": "object", "properties": {"number": {"type": "integer"}}}},
}
Watch = Callable[[Page], Page]


@contextmanager
def opened(name: str, browser: Browser, watched: Watch, *, hook: str = "") -> Iterator[tuple[Page, str]]:
    with served(made(name, SystemClock(), hook=hook)) as address:
        page = watched(browser.new_context(viewport={"width": 1280, "height": 860}).new_page())
        page.goto(address)
        yield page, address
        page.goto("about:blank")


def write(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Message").fill(text)
    page.get_by_role("textbox", name="Message").press("Enter")


def test_a_person_plays_the_model(browser: Browser, watched: Watch) -> None:
    with (
        opened("openai", browser, watched) as (page, address),
        ThreadPoolExecutor(1) as elsewhere,
        OpenAI(api_key="sk-sandbox", base_url=f"{address}/v1", max_retries=0, timeout=30) as client,
    ):
        asked: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Where is my order?"}]

        def ask() -> Any:
            return client.chat.completions.create(model="gpt-4o-mini", messages=asked, tools=[TOOL], stream=True)

        expect(page.get_by_text("No request yet")).to_be_visible()
        answer = elsewhere.submit(lambda: "".join(chunk.choices[0].delta.content or "" for chunk in ask()))
        expect(page.get_by_role("log")).to_contain_text("Where is my order?")
        expect(page.get_by_role("log")).to_contain_text("Be kind.")
        page.get_by_role("textbox", name="Message").fill("Let me ")
        page.get_by_role("button", name="Send a piece and go on").click()
        expect(page.get_by_role("img", name="still writing")).to_be_visible()
        picture(page, "sandbox-openai-answering")
        write(page, "look.")
        assert answer.result(30) == "Let me look."

        called = elsewhere.submit(lambda: [call for chunk in ask() for call in chunk.choices[0].delta.tool_calls or []])
        page.get_by_role("button", name="Call a tool").click()
        page.get_by_role("menuitem", name="order").click()
        page.get_by_role("dialog").get_by_label("number").fill("17")
        page.get_by_role("dialog").get_by_role("button", name="Call it").click()
        assert "".join(call.function.arguments for call in called.result(30)) == '{"number":17}'


def test_a_person_talks_to_a_telegram_bot(browser: Browser, watched: Watch) -> None:
    with opened("telegram", browser, watched) as (page, address):

        def call(method: str, **arguments: Any) -> Any:
            answer = httpx2.post(f"{address}/bot42:TEST/{method}", json=arguments, timeout=30).json()
            assert answer["ok"], answer
            return answer["result"]

        page.get_by_role("button", name="Start").click()
        (update,) = call("getUpdates", timeout=20)
        assert update["message"]["text"] == "/start"
        keyboard = {"inline_keyboard": [[{"text": "Track it", "callback_data": "track"}]]}
        entity = {"type": "bold", "offset": 8, "length": 4}
        call(
            "sendMessage",
            chat_id=update["message"]["chat"]["id"],
            text="What can I do?",
            entities=[entity],
            reply_markup=keyboard,
        )
        page.get_by_role("button", name="Track it").click()
        (pressed,) = call("getUpdates", timeout=20, offset=update["update_id"] + 1)
        assert pressed["callback_query"]["data"] == "track"
        call("answerCallbackQuery", callback_query_id=pressed["callback_query"]["id"], text="On its way")
        expect(page.get_by_role("status").filter(has_text="On its way")).to_be_visible()
        picture(page, "sandbox-telegram-talk")


def test_telegrams_table_album_and_draft_are_drawn_as_its_app_draws_them(browser: Browser, watched: Watch) -> None:
    with opened("telegram", browser, watched) as (page, address):

        def call(method: str, **arguments: Any) -> None:
            files = arguments.pop("files", None)
            told = {name: value if isinstance(value, str) else json.dumps(value) for name, value in arguments.items()}
            answer = httpx2.post(f"{address}/bot42:TEST/{method}", data=told, files=files, timeout=30).json()
            assert answer["ok"], answer

        page.get_by_role("button", name="Start").click()
        cells = [
            [
                {"text": words, "align": at, "valign": "top", "is_header": row == 0}
                for words, at in zip(line, ALIGNED, strict=True)
            ]
            for row, line in enumerate((("Item", "Price"), ("Desk lamp", "19.90 €")))
        ]
        table = {"type": "table", "cells": cells, "caption": "Your orders"}
        blocks = [{"type": "paragraph", "text": "What you ordered:"}, table]
        call("sendRichMessage", chat_id=7001, rich_message={"blocks": blocks})
        drawn = page.get_by_role("region", name="Your orders")
        expect(drawn.get_by_role("columnheader")).to_have_text(["Item", "Price"])
        expect(drawn.get_by_role("cell").last).to_have_css("text-align", "end")

        files = {f"p{n}": (f"{n}.png", image(n), "image/png") for n in range(3)}
        media = [{"type": "photo", "media": f"attach://{name}"} for name in files]
        call("sendMediaGroup", chat_id=7001, media=[media[0] | {"caption": "Three of them"}, *media[1:]], files=files)
        album = page.get_by_role("listitem").filter(has_text="Three of them")
        expect(album.get_by_role("img", name=".png")).to_have_count(3)

        call("sendMessageDraft", chat_id=7001, draft_id=5, text="Let me look", can_stop=True)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("Let me look")).to_have_count(0)
        picture(page, "sandbox-telegram-table-album")


ALIGNED = ("left", "right")


def image(number: int) -> bytes:
    made = BytesIO()
    Image.new("RGB", (120 + 40 * number, 90), ("teal", "tomato", "gold")[number]).save(made, "PNG")
    return made.getvalue()


class Hook(BaseHTTPRequestHandler):
    """What Slack calls: keeps the payloads of interactions, and says nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.payloads.extend(map(json.loads, parse_qs(body).get("payload", ())))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing of it is printed."""


@contextmanager
def hooked() -> Iterator[tuple[str, list[Any]]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        server.payloads = []  # type: ignore[attr-defined]
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", server.payloads  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            serving.join()


def test_a_person_fills_in_a_slack_modal(browser: Browser, watched: Watch) -> None:
    with (
        hooked() as (hook, payloads),
        opened("slack", browser, watched, hook=hook) as (page, address),
        httpx2.Client(base_url=address, timeout=30) as site,
    ):
        token = site.get("/_/about").json()["told"]["token"]
        chat = next(one["id"] for one in site.get("/_/seen").json()["chats"] if one["kind"] == "private")

        def call(method: str, **arguments: Any) -> Any:
            answer = site.post(f"/api/{method}", json=arguments, headers={"authorization": f"Bearer {token}"}).json()
            assert answer["ok"], answer
            return answer

        label = {"type": "plain_text", "text": "Return an item"}
        button = {"type": "button", "action_id": "return", "text": label, "value": "1"}
        call("chat.postMessage", channel=chat, text="?", blocks=[{"type": "actions", "elements": [button]}])
        with page.expect_response("**/_/press"):
            page.get_by_role("button", name="Return an item").click()
        until(page, lambda: payloads)
        plain = {"type": "plain_text", "text": "Return"}
        element = {"type": "plain_text_input", "action_id": "value"}
        field = {
            "type": "input",
            "block_id": "order",
            "label": {"type": "plain_text", "text": "Order number"},
            "element": element,
        }
        view = {"type": "modal", "title": plain, "submit": plain, "blocks": [field]}
        call("views.open", trigger_id=payloads[0]["trigger_id"], view=view)
        dialog = page.get_by_role("dialog", name="Return")
        dialog.get_by_label("Order number").fill("A-17")
        picture(page, "sandbox-slack-modal")
        dialog.get_by_role("button", name="Return").click()
        expect(dialog).to_have_count(0)
        sent = payloads[-1]["view"]["state"]["values"]["order"]["value"]["value"]
        assert (payloads[-1]["type"], sent) == ("view_submission", "A-17")


def until(page: Page, holds: Callable[[], Any]) -> None:
    """Long: stuck."""
    for _ in range(300):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come to that")


@pytest.mark.parametrize("name", ["slack", "discord"])
def test_what_is_said_before_the_bot_has_come_waits_for_it(name: str, browser: Browser, watched: Watch) -> None:
    with opened(name, browser, watched) as (page, address), httpx2.Client(base_url=address, timeout=30) as site:
        told = site.get("/_/about").json()["told"]
        absent = page.get_by_role("status").filter(has_text="The bot has not connected yet")
        write(page, "is anybody there?")
        write(page, "where is my order?")
        expect(absent).to_contain_text("is anybody there?")
        picture(page, f"sandbox-{name}-absent")
        with connected(name, address, told):
            expect(absent).to_be_hidden()
            expect(page.get_by_role("log")).to_contain_text("where is my order?")
            write(page, "thank you")
            expect(page.get_by_role("log")).to_contain_text("thank you")
        said = [one["data"]["text"] for one in site.get("/_/log").json() if one["name"] == "say"]
        assert said == ["is anybody there?", "where is my order?", "thank you"]


@contextmanager
def connected(name: str, address: str, told: dict[str, str]) -> Iterator[None]:
    """A bot that only listens."""
    if name == "discord":
        identify = {"token": told["token"], "intents": 512, "properties": {}}
        with connect(f"{address.replace('http', 'ws')}/gateway?v=10&encoding=json") as socket:
            socket.send(json.dumps({"op": 2, "d": identify}))
            yield
        return
    bearer = {"authorization": f"Bearer {told['app_token']}"}
    opened = httpx2.post(f"{address}/api/apps.connections.open", headers=bearer).json()
    with connect(opened["url"]):
        yield
