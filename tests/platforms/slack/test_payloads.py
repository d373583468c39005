"""Payloads as Slack sends them, tokens removed, through `parse`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.model import (
    Address,
    Deleted,
    Edited,
    Incoming,
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
    "block_actions.form": (CHANNEL, THREAD, (Pressed("0000000000000000000001", "Yes", "1762870008.000700"),)),
    "view_submission.form": (
        DM,
        "",
        (Submitted("0000000000000000000002", {"order": "A-17", "why": "small"}, "VNHU13V36"),),
    ),
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
