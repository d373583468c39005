"""SL10, SL12: what is chosen, picked and searched, shortcuts, links, and the app's home."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.fit import fit
from bot.model import Card, Choices, Form, Message, Migrated, Opened, Option, Pressed, Raw, Submitted
from bot.ports import ShowForm
from channels.sandbox.server import BadAct
from channels.slack.building import manifest
from tests.channels.sandbox.serve import until
from tests.channels.slack.desk import Desk, desk

SHIRTS = tuple(Option(f"Shirt {n:03}", f"/set shirt={n}", f"{n:022}") for n in range(400))


@pytest.fixture
async def at() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made


def said(at: Desk) -> list[str]:
    return at.inbox.heard()


async def shown(at: Desk, message: Message) -> dict[str, Any]:
    """The one piece it becomes, as the page shows it."""
    (piece,) = fit(message, at.channel.capabilities(at.address())).pieces
    await at.channel.send(at.address(), piece, key="k")
    return dict(at.messages()[-1])


# SL10


async def test_sl10_a_long_list_is_searched_within_the_acknowledgement(at: Desk) -> None:
    message = await shown(at, Message((Choices(SHIRTS, "Which?", "list"),)))
    search = message["rows"][0][0]
    named = {"chat": at.direct, "message": message["id"], "id": search["id"]}
    first = (await at.act("suggest", **named, text=""))["options"]
    assert [one["label"] for one in first] == [option.label for option in SHIRTS[:100]]
    found = (await at.act("suggest", **named, text="rt 39"))["options"]
    assert [one["label"] for one in found] == [f"Shirt {n}" for n in range(390, 400)]
    await at.act("choose", **named, values=[found[1]["id"]])
    await at.heard()
    assert [(body.token, body.label) for body in at.bodies() if isinstance(body, Pressed)] == [
        (SHIRTS[391].token, "Shirt 391")
    ]


async def test_sl10_a_long_list_is_searched_after_a_restart_and_forgotten_in_the_end(at: Desk) -> None:
    message = await shown(at, Message((Choices(SHIRTS, "Which?", "list"),)))
    named = {"chat": at.direct, "message": message["id"], "id": message["rows"][0][0]["id"]}
    at.channel = await at.harness.open(at.inbox)
    assert len((await at.act("suggest", **named, text="shirt 00"))["options"]) == 10
    await at.harness.clock.advance(31 * 86_400)
    await at.channel._lists.forget_old()
    assert (await at.act("suggest", **named, text="shirt 00"))["options"] == []


async def test_sl10_more_than_fifty_blocks_are_several_messages(at: Desk) -> None:
    chairs = tuple(Card(f"Chair {n}", image="https://shop.example/c.png") for n in range(30))
    lamp = Card("Lamp", image="https://shop.example/l.png", options=(Option("Buy", "/buy", "0" * 22),))
    (piece,) = fit(Message((*chairs, lamp)), at.channel.capabilities(at.address())).pieces
    receipt = await at.channel.send(at.address(), piece, key="k")
    assert [len(call["blocks"]) for call in at.calls("chat.postMessage")] == [50, 13]
    assert receipt.refs == tuple(message["id"] for message in at.messages())
    again = await at.channel.send(at.address(), piece, key="k", again=True)
    assert again.refs == receipt.refs


PICKERS: dict[str, tuple[dict[str, Any], str, str]] = {
    "date": ({"type": "datepicker", "action_id": "when"}, "2026-03-02", "2026-03-02"),
    "time": ({"type": "timepicker", "action_id": "at"}, "16:30", "16:30"),
    "moment": ({"type": "datetimepicker", "action_id": "moment"}, "2026-03-02T16:30", "2026-03-02T16:30:00+00:00"),
    "radio": (
        {
            "type": "radio_buttons",
            "action_id": "size",
            "options": [{"text": {"type": "plain_text", "text": "Small"}, "value": "s"}],
        },
        "s",
        "Small",
    ),
    "overflow": (
        {
            "type": "overflow",
            "action_id": "more",
            "options": [{"text": {"type": "plain_text", "text": "Show more"}, "value": "m"}],
        },
        "m",
        "Show more",
    ),
}


@pytest.mark.parametrize("name", PICKERS)
async def test_sl10_what_is_picked_in_blocks_of_the_businesss_own_is_said(at: Desk, name: str) -> None:
    element, value, heard = PICKERS[name]
    message = await shown(at, Message((Raw("slack", {"blocks": [{"type": "actions", "elements": [element]}]}, "?"),)))
    control = message["rows"][0][0]
    await at.act("choose", chat=at.direct, message=message["id"], id=control["id"], values=[value])
    await at.heard()
    assert said(at) == [heard]


async def test_sl10_several_options_and_buttons_of_the_businesss_own_are_said(at: Desk) -> None:
    options = [{"text": {"type": "plain_text", "text": label}, "value": label[0]} for label in ("Red", "Blue")]
    boxes = {"type": "checkboxes", "action_id": "colours", "options": options}
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go on"}, "value": "1"}
    blocks = [{"type": "actions", "elements": [boxes, button]}]
    message = await shown(at, Message((Raw("slack", {"blocks": blocks}, "?"),)))
    first, second = message["rows"][0]
    await at.act("choose", chat=at.direct, message=message["id"], id=first["id"], values=["R", "B"])
    await at.heard()
    await at.act("press", chat=at.direct, message=message["id"], id=second["id"])
    await at.heard(2)
    assert said(at) == ["Red, Blue", "Go on"]


async def test_sl10_every_kind_of_input_comes_back_from_a_modal(at: Desk) -> None:
    """As a view that the business opens: its own forms have no files and no several choices."""
    form = Form((), "Return", token="7" * 22)
    await at.channel.send(at.address(), Message((form,)), key="k")
    at.inbox.now = ShowForm(form)
    await at.harness.press("Return")
    await until(lambda: at.harness.box.seen()["modal"])
    (view,) = at.harness.box.modals[at.harness.person]
    options = [{"text": {"type": "plain_text", "text": label}, "value": label} for label in ("a", "b")]
    elements: dict[str, dict[str, Any]] = {
        "many": {"type": "multi_static_select", "options": options},
        "boxes": {"type": "checkboxes", "options": options},
        "moment": {"type": "datetimepicker"},
        "proof": {"type": "file_input"},
        "count": {"type": "number_input", "is_decimal_allowed": True},
    }
    label = {"type": "plain_text", "text": "?"}
    view.view["blocks"] = [
        {"type": "input", "block_id": name, "label": label, "element": element | {"action_id": "value"}}
        for name, element in elements.items()
    ]
    at.inbox.now = None
    uploaded = await at.act("upload", chat=at.general, file=("shoe.png", "image/png", b"\x89PNG"))
    values = {"many": ["a", "b"], "boxes": ["b"], "moment": "2026-03-02T16:30", "proof": [uploaded["file"]]}
    await at.act("submit", id=view.id, values=values | {"count": "2"})
    await until(lambda: any(isinstance(body, Submitted) for body in at.bodies()))
    (body,) = [body for body in at.bodies() if isinstance(body, Submitted)]
    proof = {"ref": f"{at.team}/{uploaded['file']}", "name": "shoe.png", "type": "image/png", "size": 4}
    assert body.values == values | {"moment": "2026-03-02T16:30:00+00:00", "proof": [proof], "count": "2"}


# SL12


async def test_sl12_a_shortcut_with_words_of_its_own_says_them() -> None:
    shortcuts = {
        "track": {"name": "Track my order", "says": "Where is my order?"},
        "ask": {"name": "Ask about this", "on": "message", "says": "What is this?"},
    }
    async with desk(shortcuts=shortcuts) as at:
        await at.act("say", chat=at.direct, text="hello")
        await at.heard()
        await at.settled()
        await at.act("shortcut", chat=at.general, callback_id="track")
        await at.heard(2)
        assert at.inbox.fresh[-1].to == at.address()
        made = await at.act("say", chat=at.general, text="Offer: *2 for 1*")
        await at.settled()
        await at.act("shortcut", chat=at.general, message=made["message"], callback_id="ask")
        await until(lambda: said(at)[1:] == ["Where is my order?", "What is this?\nOffer: 2 for 1"])
        assert manifest("acme", at.harness.settings())["features"]["shortcuts"] == [
            {"name": "Track my order", "type": "global", "callback_id": "track", "description": "Track my order"},
            {"name": "Ask about this", "type": "message", "callback_id": "ask", "description": "Ask about this"},
        ]


async def test_sl12_what_a_stranger_begins_by_a_shortcut_goes_on_in_direct_messages(at: Desk) -> None:
    await at.act("shortcut", chat=at.general, callback_id="track")
    await at.heard(2)
    first, second = at.inbox.fresh
    assert (first.to.chat, first.bodies) == (f"{at.team}/{at.harness.person}", (Opened("track"),))
    assert (second.to, second.bodies) == (first.to, (Migrated(at.address()),))
    message = await shown(at, Message((Choices((Option("Yes", "/yes", "0" * 22),), "Sure?"),)))
    await at.act("press", chat=at.direct, message=message["id"], id=message["rows"][0][0]["id"])
    await at.heard(3)
    assert at.inbox.fresh[-1].to == at.address()


async def test_sl12_a_press_on_what_went_to_a_persons_own_id_belongs_to_direct_messages(at: Desk) -> None:
    alone = at.address(at.harness.person)
    await at.channel.send(alone, Message((Choices((Option("Yes", "/yes", "0" * 22),), "Sure?"),)), key="k")
    await at.harness.press("Yes")
    await at.heard()
    assert at.inbox.fresh[-1].to == at.address()


async def test_sl12_links_to_us_show_what_they_lead_to() -> None:
    previews = {"shop.example": {"title": "Our shop"}, "shop.example/returns": {"title": "Returns", "text": "30 days."}}
    async with desk(previews=previews) as at:
        await at.act("domains", domains=["shop.example"])
        for text in ("see https://shop.example/returns?a=1 & https://other.example/", "https://shop.example/x"):
            await at.act("say", chat=at.general, text=text)
        await until(lambda: len(at.calls("chat.unfurl")) == 2)
        general = next(one for one in at.harness.box.seen()["chats"] if one["id"] == at.general)
        cards = ["".join(span["text"] for span in card["body"]) for one in general["messages"] for card in one["cards"]]
        assert cards == ["Returns\n30 days.", "Our shop"]
        made = manifest("acme", at.harness.settings())
        assert made["features"]["unfurl_domains"] == ["shop.example"]
        assert "link_shared" in made["settings"]["event_subscriptions"]["bot_events"]
        assert "links:write" in made["oauth_config"]["scopes"]["bot"]


async def test_sl12_the_home_tab_greets_and_its_buttons_say_what_they_stand_for() -> None:
    prompts = ({"title": "My order", "message": "Where is my order?"},)
    async with desk(home="Welcome <!here> & hello", prompts=prompts) as at:
        await at.act("open", chat=at.direct, payload="home")
        await until(lambda: any(one["title"] == "Home" for one in at.harness.box.seen()["chats"]))
        home = at.harness.box.seen()["chats"][-1]
        (message,) = home["messages"]
        assert ("".join(span["text"] for span in message["spans"]), message["pings"]) == ("Welcome <!here> & hello", [])
        await at.act("press", chat=home["id"], id=message["rows"][0][0]["id"])
        await at.heard()
        assert (said(at), at.inbox.fresh[-1].to) == (["Where is my order?"], at.address())


async def test_what_the_sandbox_shows_of_a_list_without_an_app_is_trouble(at: Desk) -> None:
    message = await shown(at, Message((Choices(SHIRTS, "Which?", "list"),)))
    at.harness.box.delivery.hook += "/gone"
    with pytest.raises(BadAct, match="trouble connecting"):
        await at.act("suggest", chat=at.direct, message=message["id"], id=message["rows"][0][0]["id"], text="")
