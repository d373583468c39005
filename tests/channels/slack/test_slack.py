"""The rules of Slack (CHANNELS.md 6), through the real client against the sandbox."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from bot import markup
from bot.errors import Forbidden, SettingsError, TryLater, Unshowable
from bot.model import (
    Choices,
    Deleted,
    Edited,
    Field,
    Form,
    Media,
    Message,
    Opened,
    Option,
    Pressed,
    Rating,
    Reachable,
    Reacted,
    Said,
    Submitted,
    Table,
    Text,
    text,
)
from bot.ports import FormErrors, ShowForm, Toast
from bot.testing.chance import SeededRandom
from bot.testing.files import MemoryFiles
from bot.testing.vault import MemoryVault
from channels.sandbox.faults import Do, Rule
from channels.slack import Settings, build, check, setup
from channels.slack.building import manifest
from tests.channels.harness.slack import event
from tests.channels.sandbox.serve import until
from tests.channels.slack.desk import Desk, desk

TOKENS = [f"{n:022}" for n in range(200)]


@pytest.fixture
async def at() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made


def said(desk: Desk) -> list[str]:
    return desk.inbox.heard()


# SL1 to SL3: proof, sockets, acknowledgement


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-slack-request-timestamp": "soon", "x-slack-signature": "v0=1"},
        {"x-slack-request-timestamp": "1", "x-slack-signature": "v0=1"},
        {"x-slack-request-timestamp": "٣", "x-slack-signature": "v0=é"},
        {"x-slack-signature": "v0="},
    ],
)
async def test_sl1_whatever_is_wrong_with_a_signature_is_a_401(at: Desk, headers: dict[str, str]) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        answer = await http.post(at.harness.box.delivery.hook, content=event(), headers=sent)
    assert (answer.status_code, at.inbox.fresh, at.inbox.dead) == (401, [], [])


async def test_sl1_a_signature_is_good_for_five_minutes(at: Desk) -> None:
    body = event()
    signed = at.harness.box.delivery.signed(body) | {"content-type": "application/json"}
    async with httpx2.AsyncClient(trust_env=False) as http:
        await at.harness.clock.advance(301)
        assert (await http.post(at.harness.box.delivery.hook, content=body, headers=signed)).status_code == 401


async def test_sl1_the_address_is_verified_by_its_challenge(at: Desk) -> None:
    await at.act("hook", url=at.harness.box.delivery.hook)


async def test_sl1_the_token_in_the_body_proves_nothing(at: Desk) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.post(
            at.harness.box.delivery.hook, json={"token": "verification", "type": "url_verification"}
        )
    assert answer.status_code == 401


async def test_sl2_sockets_come_back_when_slack_asks_for_it() -> None:
    async with desk("socket") as at:
        await at.act("disconnect", reason="refresh_requested")
        await until(lambda: sum(e.name == "opened" for e in at.harness.box.journal.entries) == 2)
        await at.act("say", chat=at.direct, text="again")
        await at.heard()
        assert said(at) == ["again"]


async def test_sl2_a_wrong_app_token_is_a_matter_of_settings() -> None:
    async with desk("socket") as at:
        settings = at.harness.settings().model_copy(update={"app_token": at.harness.settings().token})
        wrong = build(
            "acme", settings, clock=at.harness.clock, random=SeededRandom(1), vault=MemoryVault(), files=MemoryFiles()
        )
        with pytest.raises(SettingsError, match="app_token"):
            await wrong.run(at.inbox)


async def test_sl3_it_is_acknowledged_although_slack_answers_no_call(at: Desk) -> None:
    at.harness.box.faults.script([Rule(on="*.*", do=Do(delay=3600))])
    await at.act("say", chat=at.direct, text="hi")
    await at.heard()
    assert [entry.data["attempt"] for entry in at.harness.box.journal.entries if entry.kind == "confirmed"] == [0]


# SL4 to SL6: where it was said


async def test_sl4_a_mention_is_one_event(at: Desk) -> None:
    made = await at.act("say", chat=at.general, text="@Frontdesk where is my order?")
    (arrival,) = await at.heard()
    assert said(at) == ["where is my order?"]
    assert arrival.to == at.address(at.general, made["message"])


async def test_sl5_direct_messages_are_one_conversation_and_their_threads_others(at: Desk) -> None:
    first = await at.act("say", chat=at.direct, text="one")
    await at.heard()
    await at.act("say", chat=at.direct, text="two", thread=first["message"])
    arrivals = await at.heard(2)
    assert [arrival.to for arrival in arrivals] == [at.address(), at.address(thread=first["message"])]
    assert {arrival.by for arrival in arrivals} == {f"{at.team}/{at.harness.person}"}


async def test_sl6_a_mention_opens_a_thread_whose_replies_need_none(at: Desk) -> None:
    root = await at.act("say", chat=at.general, text="@Frontdesk help")
    await at.heard()
    await at.act("say", chat=at.general, text="with my order", thread=root["message"])
    await at.heard(2)
    other = await at.act("say", chat=at.general, text="lunch?")
    await at.act("say", chat=at.general, text="yes", thread=other["message"])
    await at.settled()
    assert said(at) == ["help", "with my order"]


async def test_sl6_an_open_thread_stays_open_after_a_restart(at: Desk) -> None:
    root = await at.act("say", chat=at.general, text="@Frontdesk help")
    await at.heard()
    await at.harness.open(at.inbox)
    await at.act("say", chat=at.general, text="with my order", thread=root["message"])
    await at.heard(2)
    assert said(at) == ["help", "with my order"]


@pytest.mark.parametrize(("listen", "heard"), [("mention", ["a"]), ("thread", ["a", "b"]), ("all", ["a", "b", "c"])])
async def test_sl6_how_closely_it_listens_is_a_setting(listen: str, heard: list[str]) -> None:
    async with desk(listen=listen) as at:
        root = await at.act("say", chat=at.general, text="@Frontdesk a")
        await until(lambda: not at.harness.owed())
        await at.act("say", chat=at.general, text="b", thread=root["message"])
        await at.act("say", chat=at.general, text="c")
        await at.settled()
        assert sorted(said(at)) == heard


# SL8: the assistant's pane


async def test_sl8_the_pane_offers_prompts_takes_a_title_and_shows_that_we_write() -> None:
    prompts = ({"title": "Order", "message": "Where is my order?"},)
    async with desk(prompts=prompts) as at:
        pane = (await at.act("open", chat=at.direct))["chat"]
        await at.heard()
        assert isinstance(at.bodies()[0], Opened)

        def shown() -> Any:
            return next(one for one in at.harness.box.seen()["chats"] if one["id"] == pane)

        await until(lambda: shown()["keyboard"] == [[{"label": "Where is my order?", "ask": ""}]])
        await at.act("say", chat=pane, text="Where is my order?")
        await until(lambda: shown()["title"] == "Where is my order?")
        to = at.inbox.fresh[-1].to
        assert to.thread == pane.partition(":")[2]
        await at.channel.typing(to)
        assert shown()["typing"] == "Frontdesk is typing…"
        await at.channel.send(to, text("On its way."), key="k")
        assert shown()["typing"] == ""


# SL9 to SL11: what is pressed, chosen, filled in


async def test_sl9_thumbs_below_an_answer_are_a_rating(at: Desk) -> None:
    rating = Rating("Did that help?", 2, (Option("No", "1", TOKENS[1]), Option("Yes", "2", TOKENS[2])))
    await at.channel.send(at.address(), Message((rating,)), key="k")
    await at.harness.press("Yes")
    await at.heard()
    assert [body.token for body in at.bodies() if isinstance(body, Pressed)] == [TOKENS[2]]


async def test_sl10_many_options_are_a_list_to_choose_from(at: Desk) -> None:
    options = tuple(Option(f"Order {n}", f"/set order={n}", TOKENS[n]) for n in range(60))
    await at.channel.send(at.address(), Message((Choices(options, "Which?", "list"),)), key="k")
    await at.harness.press("Order 41")
    await at.heard()
    assert [(body.token, body.label) for body in at.bodies() if isinstance(body, Pressed)] == [(TOKENS[41], "Order 41")]
    assert "/set" not in str(at.calls("chat.postMessage"))


async def test_sl10_a_table_is_a_table(at: Desk) -> None:
    await at.channel.send(at.address(), Message((Table(("Item", "Price"), (("Shoe", "90 €"),)),)), key="k")
    assert at.messages()[0]["table"] == {"columns": ["Item", "Price"], "rows": [["Shoe", "90 €"]]}


async def test_sl10_a_press_in_a_thread_belongs_to_the_thread(at: Desk) -> None:
    root = await at.act("say", chat=at.general, text="@Frontdesk help")
    (arrival,) = await at.heard()
    ask = Message((Choices((Option("Yes", "/yes", TOKENS[1]),), "Sure?"),))
    await at.channel.send(arrival.to, ask, key="k")
    thread = f"{at.general}:{root['message']}"
    message = at.messages(thread)[-1]
    await at.act("press", chat=thread, message=message["id"], id=message["rows"][0][0]["id"])
    await at.heard(2)
    assert at.inbox.fresh[-1].to == arrival.to


FORM = Form(
    (
        Field("order", "Order"),
        Field("when", "When?", "date", required=False),
        Field("why", "Why?", "choice", options=(Option("Too small", "small"), Option("Broken", "broken"))),
    ),
    "Return an order",
    token=TOKENS[7],
)


async def test_sl11_a_form_opens_shows_its_mistakes_and_comes_back(at: Desk) -> None:
    await at.channel.send(at.address(), Message((FORM,)), key="k")
    at.inbox.now = ShowForm(FORM)
    await at.harness.press("Return an order")
    await until(lambda: at.harness.box.seen()["modal"])
    modal = at.harness.box.seen()["modal"]
    assert [field["name"] for field in modal["fields"]] == ["order", "when", "why"]
    opened = at.calls("views.open")[0]["view"]
    assert opened["private_metadata"] == TOKENS[7]
    at.inbox.now = FormErrors({"order": "There is no order A-1."})
    await at.act("submit", id=modal["id"], values={"order": "A-1", "why": "small"})
    await until(lambda: at.harness.box.seen()["modal"]["fields"][0]["error"] == "There is no order A-1.")
    at.inbox.now = None
    await at.act("submit", id=modal["id"], values={"order": "A-17"})
    await until(lambda: not at.harness.box.seen()["modal"])
    *_, last = [body for body in at.bodies() if isinstance(body, Submitted)]
    assert (last.token, last.values) == (TOKENS[7], {"order": "A-17", "why": "small"})
    assert at.inbox.fresh[-1].to == at.address()


async def test_sl11_a_form_that_is_closed_comes_back_empty(at: Desk) -> None:
    await at.channel.send(at.address(), Message((FORM,)), key="k")
    at.inbox.now = ShowForm(FORM)
    await at.harness.press("Return an order")
    await until(lambda: at.harness.box.seen()["modal"])
    at.inbox.now = None
    await at.act("close", id=at.harness.box.seen()["modal"]["id"])
    await until(lambda: any(isinstance(body, Submitted) for body in at.bodies()))
    assert [body.values for body in at.bodies() if isinstance(body, Submitted)] == [{}]


async def test_a_stale_press_is_told_to_whoever_pressed_and_to_nobody_else(at: Desk) -> None:
    ask = Message((Choices((Option("Yes", "/yes", TOKENS[1]),), "Sure?"),))
    await at.channel.send(at.address(), ask, key="k")
    at.inbox.now = Toast("That was <chosen> already.")
    await at.harness.press("Yes")
    await until(lambda: len(at.messages()) == 2)
    last = at.messages()[-1]
    assert (last["ephemeral"], at.words()[-1]) == (True, "That was <chosen> already.")


# SL12: commands and shortcuts


async def test_sl12_a_command_in_direct_messages_is_something_said() -> None:
    async with desk(commands={"/track": "Where is my order"}) as at:
        await at.act("command", chat=at.direct, name="track", text="A-17")
        (arrival,) = await at.heard()
        assert (said(at), arrival.to) == (["Where is my order A-17"], at.address())
        await at.act("command", chat=at.direct, name="help")
        await at.heard(2)
        assert at.bodies()[-1] == Opened("help")


async def test_sl12_a_command_in_a_channel_is_between_the_app_and_that_person(at: Desk) -> None:
    await at.act("command", chat=at.general, name="help", text="my order")
    (arrival,) = await at.heard()
    await at.channel.send(arrival.to, text("Which one?"), key="k")
    (message,) = at.messages(at.general)
    assert (message["ephemeral"], message["to"]) == (True, at.harness.person)
    assert at.channel.capabilities(arrival.to).stream == "whole"


async def test_sl12_a_shortcut_of_a_message_opens_its_thread(at: Desk) -> None:
    made = await at.act("say", chat=at.general, text="lunch?")
    await at.settled()
    await at.act("shortcut", chat=at.general, message=made["message"], callback_id="ask_us")
    (arrival,) = await at.heard()
    assert arrival.to == at.address(at.general, made["message"])
    assert at.bodies() == [Opened("ask_us", made["message"])]


# SL13: files


async def test_sl13_a_file_is_heard_with_its_size_and_fetched_with_the_token(at: Desk) -> None:
    await at.act("upload", chat=at.direct, file=("shoe.png", "image/png", b"\x89PNG" * 50_000), caption="broken")
    await at.heard()
    (body,) = at.bodies()
    assert isinstance(body, Said)
    media = next(part for part in body.message.parts if isinstance(part, Media))
    assert (media.kind, media.name, media.size) == ("image", "shoe.png", 200_000)
    assert b"".join([piece async for piece in at.channel.fetch(media)]) == b"\x89PNG" * 50_000


async def test_sl13_a_file_that_is_too_large_is_not_fetched() -> None:
    async with desk(largest_file=1000) as at:
        await at.act("upload", chat=at.direct, file=("a.bin", "application/zip", b"x" * 1001))
        await at.heard()
        body = at.bodies()[0]
        assert isinstance(body, Said)
        with pytest.raises(Unshowable, match="1001"):
            [piece async for piece in at.channel.fetch(body.message.parts[0])]  # type: ignore[arg-type]


async def test_sl13_the_token_goes_to_slacks_own_hosts_only(at: Desk) -> None:
    for address in ("https://slack.com.evil.example/x", "http://files.slack.com/x", "https://evil.example/"):
        with pytest.raises(Unshowable, match="not Slack's"):
            [piece async for piece in at.channel._workspaces.download("T1", address, most=1)]


# SL14: edits and deletes


async def test_sl14_edits_and_deletes_are_told_and_our_own_are_not(at: Desk) -> None:
    made = await at.act("say", chat=at.direct, text="one")
    await at.heard()
    await at.act("edit", chat=at.direct, message=made["message"], text="two")
    await at.heard(2)
    receipt = await at.channel.send(at.address(), text("ours"), key="k")
    await at.channel.edit(at.address(), receipt.refs[0], text("ours anew"), key="k")
    await at.act("delete", chat=at.direct, message=made["message"])
    await at.heard(3)
    assert at.bodies()[1:] == [Edited(text("two"), made["message"]), Deleted(made["message"])]
    await at.channel.delete(at.address(), receipt.refs[0])
    await at.settled()
    assert len(at.bodies()) == 3


async def test_sl14_a_deleted_parent_does_not_replay_its_replies(at: Desk) -> None:
    root = await at.act("say", chat=at.direct, text="root")
    await at.act("say", chat=at.direct, text="reply", thread=root["message"])
    await at.heard(2)
    await at.act("delete", chat=at.direct, message=root["message"])
    await at.heard(3)
    assert at.bodies()[-1] == Deleted(root["message"])
    assert sorted(said(at)) == ["reply", "root"]


async def test_reactions_come_with_the_thread_of_our_message(at: Desk) -> None:
    root = await at.act("say", chat=at.general, text="@Frontdesk help")
    (arrival,) = await at.heard()
    receipt = await at.channel.send(arrival.to, text("Yes?"), key="k")
    await at.act("react", chat=at.general, message=receipt.refs[0], emoji="+1")
    await at.heard(2)
    assert at.inbox.fresh[-1].to == at.address(at.general, root["message"])
    assert at.bodies()[-1] == Reacted("👍", True, receipt.refs[0])
    await at.channel.react(arrival.to, receipt.refs[0], "👀")
    await at.channel.react(arrival.to, receipt.refs[0], None)
    assert len(at.calls("reactions.add")) == len(at.calls("reactions.remove")) == 1


async def test_leaving_a_channel_is_told(at: Desk) -> None:
    await at.harness.box.act("member", {"chat": at.general, "what": "leave"})
    await at.heard()
    assert at.bodies() == [Reachable(False)]


# SL15: nobody is notified by accident


async def test_sl15_what_a_model_or_a_customer_wrote_notifies_nobody(at: Desk) -> None:
    words = f"<!channel> <!here> <@{at.harness.person}> @everyone <!subteam^S1>"
    await at.channel.send(at.address(), text(words), key="a")
    await at.channel.send(at.address(), Message((Text(markup.parse(f"**{words}**")),)), key="b")
    await at.channel.send(at.address(), Message((Choices((Option(words[:70], "x", TOKENS[1]),), words),)), key="c")
    assert [message["pings"] for message in at.messages()] == [[], [], []]
    assert at.words()[:2] == [words, words]


# SL17: several workspaces


def installing(at: Desk) -> dict[str, Any]:
    return {"token": "", "client_id": "10.20", "client_secret": "a-client-secret", "public": at.harness.address}


async def installed(at: Desk, query: str = "") -> int:
    """As a person does it in a browser; gives the status of the last page."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        begun = await http.get(f"{at.harness.address}/hooks/slack/acme/install{query}")
        allowed = await http.get(begun.headers["location"])
        back = await http.get(allowed.headers["location"])
    return back.status_code


@pytest.fixture
async def shared(at: Desk) -> Desk:
    """An account that workspaces install by themselves."""
    at.harness._settings = installing(at)
    at.channel = await at.harness.open(at.inbox)
    return at


async def test_sl17_a_workspace_is_installed_and_answered_with_its_own_token(shared: Desk) -> None:
    other = await shared.act("team", name="Other")
    assert await installed(shared, f"?team={other['team']}") == 200
    await shared.act("say", chat=other["chat"], text="hello")
    (arrival,) = await shared.heard()
    assert arrival.to.chat == f"{other['team']}/{other['chat']}"
    await shared.channel.send(arrival.to, text("hi"), key="k")
    assert shared.words(other["chat"]) == ["hi"]
    with pytest.raises(Forbidden) as refused:
        await shared.channel.send(shared.address(), text("hi"), key="l")
    assert refused.value.scope == "address"


async def test_sl17_a_state_that_is_not_ours_installs_nothing(shared: Desk) -> None:
    async with httpx2.AsyncClient(trust_env=False) as http, httpx2.AsyncClient(trust_env=False) as stranger:
        begun = await http.get(f"{shared.harness.address}/hooks/slack/acme/install")
        allowed = await http.get(begun.headers["location"])
        assert (await stranger.get(allowed.headers["location"])).status_code == 400
        forged = allowed.headers["location"].replace("state=", "state=9")
        assert (await http.get(forged)).status_code == 400
        await shared.harness.clock.advance(601)
        assert (await http.get(allowed.headers["location"])).status_code == 400
    assert await shared.harness.vault.names("install/") == ()


async def test_sl17_only_workspaces_on_the_list_may_install(shared: Desk) -> None:
    shared.harness._settings = installing(shared) | {"workspaces": ["T404"]}
    await shared.harness.open(shared.inbox)
    assert await installed(shared) == 403


async def test_sl17_a_token_is_renewed_before_it_ends(shared: Desk) -> None:
    shared.harness.box._rotating = True
    assert await installed(shared) == 200
    first = shared.harness.vault.kept[f"install/{shared.team}"]
    await shared.harness.clock.advance(12 * 3600 - 60)
    await asyncio.gather(*(shared.channel.send(shared.address(), text(str(n)), key=str(n)) for n in range(3)))
    assert shared.harness.vault.kept[f"install/{shared.team}"] != first
    assert sorted(shared.words()) == ["0", "1", "2"]
    refreshed = [call for call in shared.calls("oauth.v2.access") if call.get("grant_type")]
    assert len(refreshed) == 1


async def test_sl17_a_workspace_that_sends_the_app_away_is_forgotten(shared: Desk) -> None:
    assert await installed(shared) == 200
    await shared.act("uninstall")
    await until(lambda: not shared.harness.owed())
    assert await shared.harness.vault.names("install/") == ()


# SL18, SL19


async def test_sl18_dropped_events_are_acknowledged_and_told(at: Desk) -> None:
    await at.act("limited")
    await until(lambda: not at.harness.owed())
    assert at.harness.statuses == [200]


async def test_sl19_a_person_is_known_by_name_from_the_second_message_on(at: Desk) -> None:
    await at.act("say", chat=at.direct, text="one")
    await at.heard()
    await at.settled()
    await at.act("say", chat=at.direct, text="two")
    await at.heard(2)
    told = [(arrival.name, arrival.language, arrival.zone) for arrival in at.inbox.fresh]
    assert told == [("", "", ""), ("Ana", "en-US", "Europe/Berlin")]


# What the outbox relies on


async def test_one_attempt_is_one_call_and_the_wait_is_the_servers(at: Desk) -> None:
    at.harness.box.faults.script([Rule(on="chat.postMessage", do=Do(status=429, after=30))])
    with pytest.raises(TryLater) as later:
        await at.channel.send(at.address(), text("x"), key="k")
    assert later.value.after == timedelta(seconds=30)
    assert sum(entry.kind == "refused" for entry in at.harness.box.journal.entries) == 1


async def test_a_message_whose_outcome_is_unknown_is_found_by_its_key_in_a_thread(at: Desk) -> None:
    root = await at.act("say", chat=at.direct, text="root")
    to = at.address(thread=root["message"])
    first = await at.channel.send(to, text("words"), key="k.0")
    again = await at.channel.send(to, text("words"), key="k.0", again=True)
    assert first.refs == again.refs
    other = await at.channel.send(to, text("words"), key="k.1", again=True)
    assert other.refs != first.refs


async def test_what_was_said_meanwhile_is_found_and_is_the_same_event(at: Desk) -> None:
    before = await at.act("say", chat=at.direct, text="before")
    await at.heard()
    at.harness.box.faults.script([Rule(on="message", do=Do(drop=True))])
    await at.act("say", chat=at.direct, text="missed")
    at.harness.box.faults.script([])
    await at.act("say", chat=at.direct, text="after")
    await at.heard(2)
    await at.channel.send(at.address(), text("ours"), key="k")
    missed = [one async for one in at.channel.missed({at.address().chat: before["message"]}, most=100)]
    for arrival in missed:
        await at.inbox(arrival)
    assert [len(missed), *said(at)] == [2, "before", "after", "missed"]


# Settings, set-up


def test_importing_the_channel_imports_no_library_of_slack() -> None:
    code = "import sys, channels.slack; print([name for name in sys.modules if name.startswith('slack')])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"connection": "socket", "token": "xoxb"}, "app_token"),
        ({"connection": "http", "token": "xoxb"}, "signing_secret"),
        ({"connection": "http", "signing_secret": "s"}, "token"),
        ({"connection": "http", "signing_secret": "s", "client_id": "1"}, "client_secret"),
        ({"connection": "http", "signing_secret": "s", "client_id": "1", "token": "xoxb"}, "one of the two"),
    ],
)
async def test_settings_that_do_not_go_together_stop_the_start(at: Desk, given: dict[str, str], why: str) -> None:
    settings = Settings.model_validate(given)
    with pytest.raises(SettingsError, match=why):
        build(
            "acme", settings, clock=at.harness.clock, random=SeededRandom(1), vault=MemoryVault(), files=MemoryFiles()
        )


async def test_check_says_what_is_missing_and_what_to_do(at: Desk) -> None:
    settings, team = at.harness.settings(), at.harness.box.teams[at.team]
    good = await check("acme", settings.model_copy(update={"connection": "socket"}), vault=MemoryVault())
    assert [one.ok for one in good] == [True, True, True]
    team.scopes.discard("files:read")
    (_, scopes, *_) = await check("acme", settings, vault=MemoryVault())
    assert (scopes.ok, scopes.what) == (False, "scopes are missing: files:read")
    team.token = "xoxb-new"
    (token, *_) = await check("acme", settings, vault=MemoryVault())
    assert not token.ok
    assert "install the app anew" in token.do


async def test_the_manifest_names_the_hook_or_switches_sockets_on(at: Desk) -> None:
    settings = at.harness.settings().model_copy(update={"public": "https://desk.example", "commands": {"/track": ""}})
    over_http = manifest("acme", settings)
    assert over_http["settings"]["event_subscriptions"]["request_url"] == "https://desk.example/hooks/slack/acme"
    assert over_http["features"]["slash_commands"][0]["url"] == "https://desk.example/hooks/slack/acme"
    sockets = manifest("acme", settings.model_copy(update={"connection": "socket"}))
    assert sockets["settings"]["socket_mode_enabled"]
    assert "request_url" not in str(sockets)
    (shown,) = await setup("acme", settings, vault=MemoryVault())
    assert '"message.im"' in shown.do
