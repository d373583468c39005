"""The stand-in of Slack, through the unmodified slack-sdk and slack-bolt."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import httpx2
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.testing.clock import SettableClock
from channels.sandbox.faults import Do, Rule
from channels.sandbox.server import BadAct, serving
from channels.sandbox.slack.sandbox import APP_TOKEN, CLIENT_ID, CLIENT_SECRET, SlackSandbox
from config.machine import SystemClock
from tests.channels.sandbox.serve import served, until

logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)
logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)


class Heard:
    """An app that keeps what it is told and answers as it is bidden."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[Response] = []

    async def hear(self, request: Request) -> Response:
        self.requests.append((dict(request.headers), await request.body()))
        body = self.requests[-1][1]
        if b"url_verification" in body:
            return PlainTextResponse(json.loads(body)["challenge"])
        return self.answers.pop(0) if self.answers else PlainTextResponse("")

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for headers, body in self.requests if headers["content-type"] == "application/json"]


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def box(clock: SettableClock) -> AsyncIterator[SlackSandbox]:
    sandbox = SlackSandbox(clock)
    async with serving(sandbox):
        yield sandbox


@asynccontextmanager
async def app_at(box: SlackSandbox) -> AsyncIterator[Heard]:
    heard = Heard()
    async with served(Starlette(routes=[Route("/slack/events", heard.hear, methods=["POST"])])) as address:
        await box.act("hook", {"url": f"{address}/slack/events"})
        heard.requests.clear()
        yield heard


def client_of(box: SlackSandbox, token: str = "") -> AsyncWebClient:
    return AsyncWebClient(token=token or box.told()["token"], base_url=f"{box.address}/api/", retry_handlers=[])


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


def general(box: SlackSandbox) -> str:
    return next(chat.id for chat in box.chats.values() if chat.kind == "channel")


def direct(box: SlackSandbox) -> str:
    return next(chat.id for chat in box.chats.values() if chat.kind == "im")


def messages(box: SlackSandbox, chat: str) -> list[Mapping[str, Any]]:
    found = next(one for one in box.seen()["chats"] if one["id"] == chat)
    shown: list[Mapping[str, Any]] = found["messages"]
    return shown


def words(message: Mapping[str, Any]) -> str:
    return "".join(span["text"] for span in message["spans"])


BUTTONS: list[dict[str, Any]] = [
    {
        "type": "actions",
        "block_id": "b",
        "elements": [{"type": "button", "action_id": "go", "value": "1", "text": {"type": "plain_text", "text": "Go"}}],
    }
]


def connections(box: SlackSandbox) -> list[str]:
    return [entry.name for entry in box.journal.entries if entry.kind == "connection"]


def modal(**more: Any) -> dict[str, Any]:
    field = {"type": "plain_text_input", "action_id": "v"}
    order = {"type": "input", "block_id": "order", "label": {"type": "plain_text", "text": "Order"}, "element": field}
    title = {"type": "plain_text", "text": "Return"}
    view = {"type": "modal", "title": title, "submit": {"type": "plain_text", "text": "Send"}, "blocks": [order]}
    return view | more


# What an app may call


async def test_what_is_posted_is_seen_updated_and_found_by_its_metadata(box: SlackSandbox) -> None:
    client, chat = client_of(box), direct(box)
    metadata = {"event_type": "piece", "event_payload": {"key": "k1"}}
    posted = await client.chat_postMessage(channel=chat, text="*hi* <https://a.example|there>", metadata=metadata)
    await client.chat_update(channel=chat, ts=posted["ts"], text="_bye_")
    found = await client.conversations_history(channel=chat, include_all_metadata=True)
    assert [(m["text"], m["metadata"]["event_payload"]) for m in found["messages"]] == [("_bye_", {"key": "k1"})]
    (seen,) = messages(box, chat)
    assert seen["spans"] == [{"text": "bye", "marks": ["italic"], "link": ""}]
    await client.chat_delete(channel=chat, ts=posted["ts"])
    assert messages(box, chat) == []


async def test_replies_stand_in_their_thread(box: SlackSandbox) -> None:
    client, chat = client_of(box), general(box)
    root = await client.chat_postMessage(channel=chat, text="root")
    await client.chat_postMessage(channel=chat, text="reply", thread_ts=root["ts"])
    found = await client.conversations_replies(channel=chat, ts=root["ts"])
    assert [message["text"] for message in found["messages"]] == ["root", "reply"]
    assert [words(message) for message in messages(box, chat)] == ["root"]
    assert [words(message) for message in messages(box, f"{chat}:{root['ts']}")] == ["root", "reply"]


async def test_pages_of_history_follow_their_cursor(box: SlackSandbox) -> None:
    client, chat = client_of(box), direct(box)
    for n in range(5):
        await client.chat_postMessage(channel=chat, text=str(n))
    read = []
    async for page in await client.conversations_history(channel=chat, limit=2):
        read += [message["text"] for message in page["messages"]]
    assert read == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C404", "text": "x"}, "channel_not_found"),
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "sandwich"}]}, "invalid_blocks"),
        (
            {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]},
            "invalid_blocks",
        ),
        ({"text": "x", "blocks": [{"type": "markdown", "text": "x" * 12_001}]}, "invalid_blocks"),
        (
            {"text": "x", "blocks": [{"type": "table", "rows": [[{"type": "raw_text", "text": "c"}]] * 101}]},
            "invalid_blocks",
        ),
        (
            {"text": "x", "blocks": [{"type": "table", "rows": [[{"type": "raw_text", "text": "c"}] * 21]}]},
            "invalid_blocks",
        ),
        (
            {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5},
            "msg_blocks_too_long",
        ),
        ({"text": "x", "blocks": [{**BUTTONS[0], "elements": BUTTONS[0]["elements"] * 2}]}, "invalid_blocks"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"text": "x", "metadata": {"event_type": "t"}}, "invalid_metadata_format"),
        ({"text": "x", "thread_ts": "1.1"}, "thread_not_found"),
        ({"text": "x", "colour": "red"}, "invalid_arguments"),
        ({"text": ["x"]}, "invalid_arguments"),
    ],
)
async def test_what_slack_refuses_is_refused_with_its_code(
    box: SlackSandbox, arguments: dict[str, Any], error: str
) -> None:
    call = client_of(box).api_call("chat.postMessage", json={"channel": direct(box)} | arguments)
    assert await refused(call) == error
    assert messages(box, direct(box)) == []


@pytest.mark.parametrize(
    ("element", "fine"),
    [
        ({"value": "x" * 2000}, True),
        ({"value": "x" * 2001}, False),
        ({"action_id": "x" * 255}, True),
        ({"action_id": "x" * 256}, False),
        ({"text": {"type": "plain_text", "text": "x" * 75}}, True),
        ({"text": {"type": "plain_text", "text": "x" * 76}}, False),
        ({"text": {"type": "mrkdwn", "text": "x"}}, False),
        ({"style": "loud"}, False),
    ],
)
async def test_the_limits_of_a_button_are_exact(box: SlackSandbox, element: dict[str, Any], fine: bool) -> None:
    blocks = [{**BUTTONS[0], "elements": [{**BUTTONS[0]["elements"][0], **element}]}]
    call = client_of(box).chat_postMessage(channel=direct(box), text="x", blocks=blocks)
    assert (await call)["ok"] if fine else await refused(call) == "invalid_blocks"


async def test_credentials_scopes_and_membership_are_asked_for(box: SlackSandbox) -> None:
    chat, team = general(box), next(iter(box.teams.values()))
    assert await refused(client_of(box, "xoxb-wrong").chat_postMessage(channel=chat, text="x")) == "invalid_auth"
    assert await refused(client_of(box).api_call("nope.x")) == "unknown_method"
    team.scopes.discard("users:read")
    assert await refused(client_of(box).users_info(user="U1")) == "missing_scope"
    await box.act("member", {"chat": chat, "what": "leave"})
    assert await refused(client_of(box).chat_postMessage(channel=chat, text="x")) == "not_in_channel"
    await box.act("uninstall", {})
    assert await refused(client_of(box).auth_test()) == "account_inactive"


async def test_nobody_edits_or_deletes_what_is_not_theirs(box: SlackSandbox) -> None:
    client, chat = client_of(box), direct(box)
    said = await box.act("say", {"chat": chat, "text": "mine"})
    assert await refused(client.chat_update(channel=chat, ts=said["message"], text="x")) == "cant_update_message"
    assert await refused(client.chat_delete(channel=chat, ts=said["message"])) == "cant_delete_message"


async def test_a_stream_grows_stops_once_and_ends_after_five_minutes(box: SlackSandbox, clock: SettableClock) -> None:
    client, chat = client_of(box), direct(box)
    root = await box.act("say", {"chat": chat, "text": "?"})
    stream = await client.chat_stream(channel=chat, thread_ts=root["message"], buffer_size=1)
    await stream.append(markdown_text="**hel")
    ts = stream.ts
    assert messages(box, f"{chat}:{root['message']}")[-1]["draft"]
    await stream.append(markdown_text="lo**")
    await stream.stop(blocks=BUTTONS)
    seen = messages(box, f"{chat}:{root['message']}")[-1]
    assert (words(seen), seen["draft"], len(seen["rows"])) == ("hello", False, 1)
    again = client.chat_appendStream(channel=chat, ts=str(ts), markdown_text="x")
    assert await refused(again) == "message_not_in_streaming_state"
    late = await client.chat_startStream(channel=chat, thread_ts=root["message"], markdown_text="a")
    await clock.advance(300)
    append = client.chat_appendStream(channel=chat, ts=late["ts"], markdown_text="x")
    assert await refused(append) == "message_not_in_streaming_state"


async def test_a_stream_in_a_channel_names_whom_it_is_for(box: SlackSandbox) -> None:
    root = await client_of(box).chat_postMessage(channel=general(box), text="root")
    call = client_of(box).chat_startStream(channel=general(box), thread_ts=root["ts"], markdown_text="a")
    assert await refused(call) == "missing_recipient_team_id"


async def test_a_file_goes_up_in_three_steps_and_down_with_the_token_only(box: SlackSandbox) -> None:
    client, chat = client_of(box), direct(box)
    done = await client.files_upload_v2(channel=chat, content="abc", filename="a.txt", initial_comment="see")
    (seen,) = messages(box, chat)
    assert (words(seen), seen["files"][0]["name"], seen["files"][0]["size"]) == ("see", "a.txt", 3)
    about = await client.files_info(file=done["file"]["id"])
    where = about["file"]["url_private_download"]
    async with httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.get(where)).status_code == 302
        right = {"authorization": f"Bearer {box.told()['token']}"}
        assert (await http.get(where, headers=right)).content == b"abc"
    ticket = await client.files_getUploadURLExternal(filename="b", length=9)
    short = client.files_completeUploadExternal(files=[{"id": ticket["file_id"]}], channel_id=chat)
    assert await refused(short) == "file_update_failed"


async def test_rich_text_stands_beside_files_and_nothing_that_is_pressed(box: SlackSandbox) -> None:
    client, chat = client_of(box), direct(box)
    said = [{"type": "rich_text_section", "elements": [{"type": "text", "text": "both", "style": {"bold": True}}]}]
    uploads = [{"filename": f"{name}.png", "content": b"\x89PNG", "title": name} for name in ("one", "two")]
    rich: Any = [{"type": "rich_text", "elements": said}]
    await client.files_upload_v2(channel=chat, file_uploads=uploads, blocks=json.dumps(rich))
    (seen,) = messages(box, chat)
    assert (words(seen), [file["kind"] for file in seen["files"]]) == ("both", ["image", "image"])
    pressed = client.files_upload_v2(channel=chat, content="abc", filename="a.txt", blocks=json.dumps(BUTTONS))
    assert await refused(pressed) == "internal_error"
    ticket = await client.files_getUploadURLExternal(filename="b", length=9)
    assert await refused(client.files_info(file=ticket["file_id"])) == "file_not_found"


async def test_the_apps_own_conversations_are_listed_by_kind(box: SlackSandbox) -> None:
    client = client_of(box)
    await box.act("chat", {"kind": "channel", "title": "elsewhere"})  # the app is not in it
    listed = await client.users_conversations(types="im,public_channel", limit=1)
    following = await client.users_conversations(
        types="im,public_channel", limit=1, cursor=listed["response_metadata"]["next_cursor"]
    )
    found = [one["id"] for page in (listed, following) for one in page["channels"]]
    assert sorted(found) == sorted((general(box), direct(box)))
    assert await refused(client.users_conversations(types="dm")) == "invalid_types"
    box.teams[box.chats[direct(box)].team].scopes.discard("im:read")
    assert await refused(client.users_conversations(types="im")) == "missing_scope"


async def test_a_link_is_unfurled_where_somebody_wrote_it(box: SlackSandbox) -> None:
    client, chat = client_of(box), general(box)
    async with app_at(box) as heard:
        await box.act("domains", {"domains": ["shop.example"]})
        made = await box.act("say", {"chat": chat, "text": "https://shop.example/a and https://other.example/b"})
        await until(lambda: any(one["event"]["type"] == "link_shared" for one in heard.told))
    shared = next(one["event"] for one in heard.told if one["event"]["type"] == "link_shared")
    assert (shared["message_ts"], [one["url"] for one in shared["links"]]) == (
        made["message"],
        ["https://shop.example/a"],
    )
    shown = {"blocks": [{"type": "section", "text": {"type": "plain_text", "text": "A lamp"}}]}
    await client.chat_unfurl(channel=chat, ts=made["message"], unfurls={"https://shop.example/a": shown})
    assert words({"spans": messages(box, chat)[-1]["cards"][0]["body"]}) == "A lamp"
    other = client.chat_unfurl(channel=chat, ts=made["message"], unfurls={"https://shop.example/c": shown})
    assert await refused(other) == "cannot_unfurl_url"


async def test_who_comes_from_another_workspace_is_marked_as_slack_marks_them(box: SlackSandbox) -> None:
    client, chat = client_of(box), general(box)
    async with app_at(box) as heard:
        other = await box.act("outside", {"chat": chat, "name": "Ben", "team": "Other Ltd"})
        await box.act("say", {"chat": chat, "by": "Ben", "text": "hello"})
        await until(lambda: heard.told)
    (told,) = heard.told
    assert (told["is_ext_shared_channel"], told["event"]["user_team"]) == (True, other["team"])
    assert (await client.team_info(team=other["team"]))["team"]["name"] == "Other Ltd"
    assert await refused(client.team_info(team="T404")) == "team_not_found"


async def test_ephemeral_messages_and_reactions(box: SlackSandbox) -> None:
    client, chat, ana = client_of(box), general(box), box.seen()["people"][0]["id"]
    await client.chat_postEphemeral(channel=chat, user=ana, text="only you")
    posted = await client.chat_postMessage(channel=chat, text="all")
    await client.reactions_add(channel=chat, timestamp=posted["ts"], name="eyes")
    again = client.reactions_add(channel=chat, timestamp=posted["ts"], name="eyes")
    assert await refused(again) == "already_reacted"
    first, second = messages(box, chat)
    assert (first["ephemeral"], first["to"], second["reactions"]) == (True, ana, [{"emoji": ":eyes:", "count": 1}])
    assert len((await client.conversations_history(channel=chat))["messages"]) == 1


async def test_the_assistant_pane_has_status_title_and_prompts(box: SlackSandbox) -> None:
    client = client_of(box)
    opened = await box.act("open", {"chat": direct(box)})
    chat, _, thread = opened["chat"].partition(":")
    await client.assistant_threads_setStatus(channel_id=chat, thread_ts=thread, status="is typing…")
    await client.assistant_threads_setTitle(channel_id=chat, thread_ts=thread, title="Order A-17")
    prompts = [{"title": "Order", "message": "Where is my order?"}]
    await client.assistant_threads_setSuggestedPrompts(channel_id=chat, thread_ts=thread, prompts=prompts)
    seen = next(one for one in box.seen()["chats"] if one["id"] == opened["chat"])
    assert (seen["typing"], seen["title"]) == ("Frontdesk is typing…", "Order A-17")
    assert seen["keyboard"] == [[{"label": "Where is my order?", "ask": ""}]]
    await client.chat_postMessage(channel=chat, thread_ts=thread, text="hello")
    assert next(one for one in box.seen()["chats"] if one["id"] == opened["chat"])["typing"] == ""


async def test_scheduled_messages_come_when_they_are_due(box: SlackSandbox, clock: SettableClock) -> None:
    client, chat = client_of(box), direct(box)
    due = int(clock.now().timestamp()) + 60
    await client.chat_scheduleMessage(channel=chat, post_at=due, text="later")
    dropped = await client.chat_scheduleMessage(channel=chat, post_at=due, text="never")
    await client.chat_deleteScheduledMessage(channel=chat, scheduled_message_id=dropped["scheduled_message_id"])
    assert messages(box, chat) == []
    await clock.advance(61)
    assert [words(message) for message in messages(box, chat)] == ["later"]


async def test_profiles_carry_an_address_only_with_its_scope(box: SlackSandbox) -> None:
    ana, team = box.seen()["people"][0]["id"], next(iter(box.teams.values()))
    full = await client_of(box).users_info(user=ana, include_locale=True)
    team.scopes.discard("users:read.email")
    less = await client_of(box).users_info(user=ana)
    assert (full["user"]["profile"]["email"], full["user"]["locale"]) == ("ana@customers.example", "en-US")
    assert "email" not in less["user"]["profile"]


# Faults


async def test_faults_are_those_of_the_script(box: SlackSandbox) -> None:
    client, chat = client_of(box), direct(box)
    box.faults.script(
        [
            Rule(on="chat.postMessage", nth=1, do=Do(status=429, after=7)),
            Rule(on="chat.postMessage", nth=2, do=Do(error="is_archived")),
            Rule(on="chat.postMessage", nth=3, do=Do(status=503)),
            Rule(on="chat.postMessage", nth=4, do=Do(cut=True)),
            Rule(on="chat.postMessage", nth=5, do=Do(accept_then_cut=True)),
        ]
    )
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=chat, text="1")
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "7")
    assert await refused(client.chat_postMessage(channel=chat, text="2")) == "is_archived"
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel=chat, text="3")
    for n in (4, 5):
        with pytest.raises((aiohttp.ClientError, SlackApiError)):
            await client.chat_postMessage(channel=chat, text=str(n))
    assert [words(message) for message in messages(box, chat)] == ["5"]


async def test_a_slow_workspace_paces_messages(clock: SettableClock) -> None:
    box = SlackSandbox(clock, slow=True)
    async with serving(box):
        client, chat = client_of(box), direct(box)
        for n in range(4):
            await client.chat_postMessage(channel=chat, text=str(n))
        assert await refused(client.chat_postMessage(channel=chat, text="x")) == "ratelimited"
        await clock.advance(1)
        await client.chat_postMessage(channel=chat, text="x")


# What an app is told, over HTTP


async def test_requests_are_signed_as_slack_signs(box: SlackSandbox, clock: SettableClock) -> None:
    class Now(SignatureClock):
        def now(self) -> float:
            return clock.now().timestamp()

    async with app_at(box) as heard:
        await box.act("say", {"chat": direct(box), "text": "<hi> & @Frontdesk https://a.example"})
        await until(lambda: heard.requests)
        headers, body = heard.requests[0]
        verifier = SignatureVerifier(box.delivery.secret, Now())
        assert verifier.is_valid_request(body, headers)
        assert not SignatureVerifier("other", Now()).is_valid_request(body, headers)
        event = heard.told[0]["event"]
        bot = box.seen()["bots"][0]["id"]
        assert event["text"] == f"&lt;hi&gt; &amp; <@{bot}> <https://a.example>"
        assert (event["channel_type"], heard.told[0]["authorizations"][0]["user_id"]) == ("im", bot)


async def test_an_event_is_told_three_times_more(box: SlackSandbox, clock: SettableClock) -> None:
    async with app_at(box) as heard:
        heard.answers = [PlainTextResponse("", 503)] * 4
        await box.act("say", {"chat": direct(box), "text": "hi"})
        for n, seconds in ((2, 0), (3, 60), (4, 300)):
            await clock.advance(seconds)
            await until(lambda n=n: box.delivery.missed == n)  # type: ignore[misc]
            assert len(heard.requests) == n
        retries = [(h.get("x-slack-retry-num"), h.get("x-slack-retry-reason")) for h, _ in heard.requests]
        assert retries == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
        assert len({told["event_id"] for told in heard.told}) == 1
        await until(lambda: not box.delivery.owed)
        assert not [entry for entry in box.journal.entries if entry.kind == "confirmed"]


async def test_silence_for_three_seconds_is_a_timeout(box: SlackSandbox, clock: SettableClock) -> None:
    answered = asyncio.Event()

    async def slow(request: Request) -> Response:
        reasons.append(request.headers.get("x-slack-retry-reason"))
        if len(reasons) == 1:
            await answered.wait()
        return PlainTextResponse("")

    reasons: list[str | None] = []
    async with served(Starlette(routes=[Route("/", slow, methods=["POST"])])) as address:
        box.delivery.hook = address
        await box.act("say", {"chat": direct(box), "text": "hi"})
        await until(lambda: reasons)
        await clock.advance(3)
        await until(lambda: len(reasons) == 2)
        answered.set()
    assert reasons == [None, "http_timeout"]


async def test_an_app_that_asks_for_no_repeats_gets_none(box: SlackSandbox, clock: SettableClock) -> None:
    async with app_at(box) as heard:
        heard.answers = [PlainTextResponse("", 500, headers={"x-slack-no-retry": "1"})]
        await box.act("say", {"chat": direct(box), "text": "hi"})
        await until(lambda: heard.requests and not box.delivery.owed)
        assert len(heard.requests) == 1


async def test_a_request_address_is_taken_only_when_it_answers(box: SlackSandbox) -> None:
    async with served(Starlette(routes=[Route("/", lambda _: PlainTextResponse("no"), methods=["POST"])])) as address:
        with pytest.raises(BadAct):
            await box.act("hook", {"url": address})


async def test_a_mention_in_a_channel_is_two_events_of_one_ts(box: SlackSandbox) -> None:
    async with app_at(box) as heard:
        await box.act("say", {"chat": general(box), "text": "@Frontdesk help"})
        await until(lambda: len(heard.told) == 2)
        assert {told["event"]["type"] for told in heard.told} == {"message", "app_mention"}
        assert len({told["event"]["ts"] for told in heard.told}) == 1


async def test_edits_deletes_and_a_deleted_parent(box: SlackSandbox) -> None:
    chat = direct(box)
    root = (await box.act("say", {"chat": chat, "text": "root"}))["message"]
    await box.act("say", {"chat": chat, "text": "reply", "thread": root})
    async with app_at(box) as heard:
        await box.act("edit", {"chat": chat, "message": root, "text": "stem"})
        await box.act("delete", {"chat": chat, "message": root})
        await until(lambda: len(heard.told) == 2)
        first, second = sorted((told["event"] for told in heard.told), key=lambda event: event["ts"])
        assert (first["subtype"], first["message"]["text"], first["previous_message"]["text"]) == (
            "message_changed",
            "stem",
            "root",
        )
        assert (second["subtype"], second["message"]["subtype"]) == ("message_changed", "tombstone")


async def test_incoming_faults_duplicate_drop_hold_and_reorder(box: SlackSandbox, clock: SettableClock) -> None:
    async with app_at(box) as heard:
        box.faults.script(
            [
                Rule(on="message", nth=1, do=Do(duplicate=1)),
                Rule(on="message", nth=2, do=Do(drop=True)),
                Rule(on="message", nth=3, do=Do(hold=True)),
                Rule(on="message", nth=4, do=Do(reorder=True)),
            ]
        )
        for text in "abcde":
            await box.act("say", {"chat": direct(box), "text": text})
        await until(lambda: len(heard.told) == 4)
        assert sorted(told["event"]["text"] for told in heard.told) == ["a", "a", "d", "e"]
        await box.act("release", {})
        await until(lambda: len(heard.told) == 5)


def bolt(box: SlackSandbox, **more: Any) -> AsyncApp:
    return AsyncApp(client=client_of(box), signing_secret=box.delivery.secret, **more)


@asynccontextmanager
async def bolt_over_http(box: SlackSandbox, app: AsyncApp) -> AsyncIterator[None]:
    handler = AsyncSlackRequestHandler(app)
    async with served(Starlette(routes=[Route("/", handler.handle, methods=["POST"])])) as address:
        await box.act("hook", {"url": f"{address}/"})
        yield


@asynccontextmanager
async def bolt_over_a_socket(box: SlackSandbox, app: AsyncApp) -> AsyncIterator[None]:
    handler = AsyncSocketModeHandler(app, APP_TOKEN, ping_interval=0.2)
    await handler.connect_async()
    try:
        yield
    finally:
        await handler.close_async()


@pytest.mark.parametrize("over", [bolt_over_http, bolt_over_a_socket], ids=["http", "socket"])
async def test_bolt_hears_events_presses_modals_and_commands(over: Callable[..., Any]) -> None:
    box = SlackSandbox(SystemClock())  # Bolt judges signatures by the machine's clock
    heard: list[str] = []
    async with serving(box):
        app = bolt(box)

        @app.event("message")
        async def on_message(event: dict[str, Any], say: Any) -> None:
            heard.append(event["text"])
            await say(text="press", blocks=BUTTONS)

        @app.action("go")
        async def on_press(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
            await ack()
            heard.append("pressed")
            await client.views_open(trigger_id=body["trigger_id"], view=modal(callback_id="form"))

        @app.view("form")
        async def on_form(ack: Any, view: dict[str, Any]) -> None:
            if (order := view["state"]["values"]["order"]["v"]["value"]) == "A-1":
                await ack(response_action="errors", errors={"order": "There is no A-1"})
            else:
                await ack()
                heard.append(order)

        @app.command("/help")
        async def on_command(ack: Any, command: dict[str, Any]) -> None:
            await ack(f"hello {command['text']}")

        async with over(box, app):
            chat = direct(box)
            await box.act("say", {"chat": chat, "text": "hi"})
            await until(lambda: len(messages(box, chat)) == 2)
            button = messages(box, chat)[-1]["rows"][0][0]
            await box.act("press", {"chat": chat, "message": messages(box, chat)[-1]["id"], "id": button["id"]})
            await until(lambda: box.seen()["modal"])
            with pytest.raises(BadAct, match="required"):
                await box.act("submit", {"id": box.seen()["modal"]["id"], "values": {}})
            await box.act("submit", {"id": box.seen()["modal"]["id"], "values": {"order": "A-1"}})
            await until(lambda: box.seen()["modal"]["fields"][0]["error"])
            await box.act("submit", {"id": box.seen()["modal"]["id"], "values": {"order": "A-17"}})
            await until(lambda: not box.seen()["modal"])
            await box.act("command", {"chat": chat, "name": "help", "text": "me"})
            await until(lambda: words(messages(box, chat)[-1]) == "hello me")
    assert heard == ["hi", "pressed", "A-17"]


@pytest.mark.parametrize("over", [bolt_over_http, bolt_over_a_socket], ids=["http", "socket"])
async def test_bolt_gives_the_options_of_a_list_that_is_searched(over: Callable[..., Any]) -> None:
    box = SlackSandbox(SystemClock())
    async with serving(box):
        app, chosen = bolt(box), list[str]()

        @app.options("who")
        async def on_options(ack: Any, payload: dict[str, Any]) -> None:
            options = [
                {"text": {"type": "plain_text", "text": f"{payload['value']}{n}"}, "value": str(n)} for n in "12"
            ]
            await ack(options=options)

        @app.action("who")
        async def on_choice(ack: Any, action: dict[str, Any]) -> None:
            await ack()
            chosen.append(action["selected_option"]["value"])

        async with over(box, app):
            chat = direct(box)
            search = {"type": "external_select", "action_id": "who", "min_query_length": 2}
            blocks: Any = [{"type": "actions", "elements": [search]}]
            posted = await client_of(box).chat_postMessage(channel=chat, text="?", blocks=blocks)
            control = messages(box, chat)[-1]["rows"][0][0]
            named = {"chat": chat, "message": posted["ts"], "id": control["id"]}
            assert await box.act("suggest", named | {"text": "A"}) == {"options": []}
            found = await box.act("suggest", named | {"text": "An"})
            assert found == {"options": [{"id": "1", "label": "An1"}, {"id": "2", "label": "An2"}]}
            with pytest.raises(BadAct, match="cannot be chosen"):
                await box.act("choose", named | {"values": ["3"]})
            await box.act("choose", named | {"values": ["2"]})
            await until(lambda: chosen == ["2"])


# Triggers and response addresses


async def test_a_trigger_lives_three_seconds_and_opens_once(box: SlackSandbox, clock: SettableClock) -> None:
    client, chat = client_of(box), direct(box)
    posted = await client.chat_postMessage(channel=chat, text="x", blocks=BUTTONS)
    async with app_at(box) as heard:
        for _ in range(2):
            await box.act("press", {"chat": chat, "message": posted["ts"], "id": "b/go"})
        await until(lambda: len(heard.requests) == 2)
        first, late = (_payload(body)["trigger_id"] for _, body in heard.requests)
        await client.views_open(trigger_id=first, view=modal())
        assert await refused(client.views_open(trigger_id=first, view=modal())) == "exchanged_trigger_id"
        await clock.advance(3.1)
        assert await refused(client.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"
        assert await refused(client.views_open(trigger_id="1.2", view=modal())) == "invalid_trigger_id"


@pytest.mark.parametrize(
    "view",
    [
        modal(title={"type": "plain_text", "text": "x" * 25}),
        modal(submit=None),
        modal(private_metadata="x" * 3001),
        modal(blocks=[{"type": "divider"}] * 101),
        modal(colour="red"),
    ],
    ids=["title", "submit", "metadata", "blocks", "unknown"],
)
async def test_a_view_that_slack_refuses_is_refused(box: SlackSandbox, view: dict[str, Any]) -> None:
    trigger = box.new_trigger(next(person for person in box.people.values() if not person.is_bot))
    call = client_of(box).views_open(trigger_id=trigger, view=view)
    assert await refused(call) in ("invalid_arguments", "invalid_blocks")
    assert box.seen()["modal"] is None


async def test_a_response_address_answers_in_private_and_runs_out(box: SlackSandbox, clock: SettableClock) -> None:
    chat = general(box)
    async with app_at(box) as heard, httpx2.AsyncClient(trust_env=False) as http:
        await box.act("command", {"chat": chat, "name": "help"})
        await until(lambda: heard.requests)
        where = parse_qs(heard.requests[0][1].decode())["response_url"][0]
        for n in range(5):
            assert (await http.post(where, json={"text": str(n)})).text == "ok"
        assert (await http.post(where, json={"text": "6"})).text == "used_url"
        assert [message["ephemeral"] for message in messages(box, chat)] == [True] * 5


def _payload(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(parse_qs(body.decode())["payload"][0])
    return found


# Socket Mode


async def test_an_envelope_without_an_acknowledgement_comes_again() -> None:
    clock = SettableClock()
    box = SlackSandbox(clock)
    down, stored = [True], []

    async def accept(req: Any, resp: Any, next_: Any) -> BoltResponse:
        if down and down.pop():
            return BoltResponse(status=503)
        stored.append((req.body["event_id"], req.headers.get("x-slack-retry-num")))
        return BoltResponse(status=200)

    async with serving(box), bolt_over_a_socket(box, bolt(box, before_authorize=accept)):
        await until(lambda: box.delivery.connections)
        await box.act("say", {"chat": direct(box), "text": "hi"})
        await until(lambda: not down)
        await clock.advance(3)
        await until(lambda: stored)
        assert [attempt for _, attempt in stored] == [["1"]]
        confirmed = [entry for entry in box.journal.entries if entry.kind == "confirmed"]
        assert len(confirmed) == 1


async def test_the_client_comes_back_when_it_is_asked_to_reconnect() -> None:
    box = SlackSandbox(SystemClock())
    heard: list[str] = []
    async with serving(box):
        app = bolt(box)

        @app.event("message")
        async def on_message(event: dict[str, Any]) -> None:
            heard.append(event["text"])

        async with bolt_over_a_socket(box, app):
            await until(lambda: box.delivery.connections)
            await box.act("disconnect", {"reason": "refresh_requested"})
            await until(lambda: connections(box).count("opened") == 2)
            await box.act("say", {"chat": direct(box), "text": "again"})
            await until(lambda: heard == ["again"])


async def test_a_bot_token_opens_no_socket(box: SlackSandbox) -> None:
    call = client_of(box).apps_connections_open(app_token=box.told()["token"])
    assert await refused(call) == "not_allowed_token_type"


# Installing


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")  # slack-sdk's own
async def test_another_workspace_is_installed_by_a_code_that_works_once(clock: SettableClock) -> None:
    box = SlackSandbox(clock, rotating=True)
    async with serving(box), httpx2.AsyncClient(trust_env=False) as http:
        other = await box.act("team", {"name": "Other"})
        query = f"client_id={CLIENT_ID}&scope=chat:write&team={other['team']}&redirect_uri=http://x/back&state=s"
        answer = await http.get(f"{box.address}/oauth/v2/authorize?{query}")
        back = httpx2.URL(answer.headers["location"])
        client = AsyncWebClient(base_url=f"{box.address}/api/", retry_handlers=[])
        secrets = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        given = await client.oauth_v2_access(code=back.params["code"], **secrets)
        assert (given["team"]["id"], back.params["state"]) == (other["team"], "s")
        assert await refused(client.oauth_v2_access(code=back.params["code"], **secrets)) == "invalid_code"
        assert (await client_of(box, given["access_token"]).auth_test())["team_id"] == other["team"]
        await clock.advance(12 * 3600)
        assert await refused(client_of(box, given["access_token"]).auth_test()) == "token_expired"
        fresh = await client.oauth_v2_access(
            grant_type="refresh_token", refresh_token=given["refresh_token"], **secrets
        )
        assert (await client_of(box, fresh["access_token"]).auth_test())["ok"]
        wrong = client.oauth_v2_access(client_id=CLIENT_ID, client_secret="no", code="x")
        assert await refused(wrong) == "bad_client_secret"
