"""Payloads as Slack sends them, tokens removed, through `parse`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.model import (
    Address,
    Deleted,
    Edited,
    Incoming,
    Json,
    Media,
    Message,
    Opened,
    Pressed,
    Reachable,
    Reacted,
    Said,
    Span,
    Submitted,
    Text,
    text,
)
from channels.slack.parse import hear, parse

HERE = Path(__file__).parent
DM, CHANNEL, THREAD = "T061EG9R6/D024BE91L", "T061EG9R6/C0LAN2Q65", "1762870001.000200"
BOLD = Text((Span("Where is order "), Span("A-17", ("bold",)), Span(" & when?")))
SOLE = Media("image", "T061EG9R6/F0S43PZDF", "sole.jpg", "image/jpeg", 34211, alt="a broken sole")

YES = Pressed("0000000000000000000001", "Yes", "1762870008.000700")
EVERY: dict[str, Json] = {
    "many": ["a", "b"],
    "at": "16:30",
    "moment": "2025-11-11T14:06:40+00:00",
    "who": "U2147483697",
    "proof": [{"ref": "T061EG9R6/F0S43PZDF", "name": "sole.jpg", "type": "image/jpeg", "size": 34211}],
}

HEARD: dict[str, tuple[str, str, tuple[Incoming, ...]]] = {
    "message_im.json": (DM, "", (Said(Message((BOLD,)), "1762870000.000100"),)),
    "app_mention.json": (CHANNEL, THREAD, (Said(text("is the shop open?"), THREAD),)),
    "message_channel_thread.json": (CHANNEL, THREAD, (Said(text("and on Sunday?"), "1762870002.000300"),)),
    "message_file_share.json": (DM, "", (Said(Message((*text("it broke").parts, SOLE)), "1762870003.000400"),)),
    "message_changed.json": (DM, "", (Edited(text("order A-18"), "1762870000.000100"),)),
    "message_unfurled.json": (DM, "", ()),
    "message_deleted.json": (DM, "", (Deleted("1762870000.000100"),)),
    "message_of_ours.json": (DM, "", ()),
    "channel_join.json": (CHANNEL, "1762870009.000800", ()),
    "assistant_thread_started.json": (DM, "1762870010.000900", (Opened(),)),
    "reaction_added.json": (DM, "", (Reacted("👍", True, "1762870008.000700"),)),
    "member_left_channel.json": (CHANNEL, "", (Reachable(False),)),
    "app_uninstalled.json": ("T061EG9R6/", "", ()),
    "tokens_revoked_of_a_user.json": ("T061EG9R6/", "", ()),
    "app_rate_limited.json": ("", "", ()),
    "url_verification.json": ("", "", ()),
    "org_wide.json": ("E061EG9R6/D024BE91L", "", (Said(text("hello"), "1762870000.000100"),)),
    "block_actions.form": (CHANNEL, THREAD, (YES,)),
    "view_submission.form": (
        DM,
        "",
        (Submitted("0000000000000000000002", {"order": "A-17", "why": "small"}, "VNHU13V36"),),
    ),
    "block_actions_from_outside.form": (
        CHANNEL,
        THREAD,
        (Pressed("0000000000000000000001", "Yes", "1762870008.000700"),),
    ),
    "block_actions_picker.form": (CHANNEL, THREAD, (Said(text("2026-03-02")),)),
    "block_actions_home.form": ("T061EG9R6/U2147483697", "", (Said(text("Where is my order?")),)),
    "block_suggestion.form": ("T061EG9R6/", "", ()),
    "shortcut.form": ("T061EG9R6/U2147483697", "", (Opened("track"),)),
    "message_action.form": (CHANNEL, THREAD, (Opened("ask", THREAD),)),
    "view_closed.form": (DM, "", (Submitted("0000000000000000000002", {}, "VNHU13V36"),)),
    "view_submission_every_input.form": (DM, "", (Submitted("0000000000000000000002", EVERY, "VNHU13V36"),)),
    "message_from_outside.json": (CHANNEL, "1762870020.002000", (Said(text("hello"), "1762870020.002000"),)),
    "link_shared.json": (CHANNEL, "", ()),
    "slash_command.form": (CHANNEL, "@U2147483697", (Said(text("A-17")),)),
}


def test_every_payload_has_its_expectation() -> None:
    assert {path.name for path in HERE.iterdir() if path.suffix in (".json", ".form")} == set(HEARD)


@pytest.mark.parametrize("name", HEARD)
def test_it_is_heard_as_what_it_is(name: str) -> None:
    arrival = parse((HERE / name).read_bytes(), "acme")
    chat, thread, bodies = HEARD[name]
    assert arrival.unreadable == ""
    assert (arrival.to, arrival.bodies) == (Address("slack", "acme", chat, thread), bodies)
    assert arrival.key


@pytest.mark.parametrize(
    ("name", "kind", "what"),
    [
        ("app_uninstalled.json", "alarm", "app_uninstalled"),
        ("tokens_revoked_of_a_user.json", "alarm", ""),
        ("app_rate_limited.json", "alarm", "app_rate_limited"),
        ("url_verification.json", "challenge", ""),
    ],
)
def test_what_concerns_the_account_is_known(name: str, kind: str, what: str) -> None:
    heard = hear((HERE / name).read_bytes(), "acme")
    assert (heard.kind, heard.what) == (kind, what)


def test_what_the_answer_needs_is_known() -> None:
    outside = hear((HERE / "message_from_outside.json").read_bytes(), "acme")
    asked = hear((HERE / "block_suggestion.form").read_bytes(), "acme")
    links = hear((HERE / "link_shared.json").read_bytes(), "acme")
    assert outside.outside == "T0OTHER01"
    assert (asked.kind, asked.block, asked.typed) == ("options", f"{CHANNEL}|{THREAD}|k.1", "shi")
    assert (links.links, links.ts) == (("https://shop.example/returns?a=1",), "1762870021.002100")


def test_whoever_presses_from_outside_is_the_same_as_who_writes() -> None:
    pressed = hear((HERE / "block_actions_from_outside.form").read_bytes(), "acme")
    said = hear((HERE / "message_from_outside.json").read_bytes(), "acme")
    assert (pressed.arrival.by, pressed.team) == (said.arrival.by, said.team) == ("T061EG9R6/U9OUTSIDE", "T061EG9R6")
