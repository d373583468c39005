"""The chat page of the sandboxes, in every theme: a person sees all of it, and does all that a person can do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import picture
from tests.channels.sandbox.showcase import Showcase, served

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
THEMES = ("telegram", "slack", "discord", "openai")
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
Watch = Callable[[Page], Page]


@pytest.fixture
def shown(request: pytest.FixtureRequest) -> Iterator[tuple[Showcase, str]]:
    sandbox = Showcase(getattr(request, "param", "telegram"))
    with served(sandbox) as address:
        yield sandbox, address


@pytest.fixture
def sandbox(shown: tuple[Showcase, str]) -> Showcase:
    return shown[0]


@pytest.fixture
def page(shown: tuple[Showcase, str], browser: Browser, watched: Watch) -> Page:
    page = watched(browser.new_context(viewport=WIDE).new_page())  # type: ignore[arg-type]
    page.goto(shown[1])
    expect(page.get_by_role("log").get_by_text("Good morning Ada")).to_be_attached()
    return page


def acted(sandbox: Showcase, what: str) -> list[dict[str, Any]]:
    return [body for name, body in sandbox.acts if name == what]


def menu(page: Page, message: str, item: str) -> None:
    """What stands in the menu of the message that holds these words."""
    row = page.get_by_role("log").get_by_role("listitem").filter(has_text=message).last
    row.hover()
    row.get_by_role("button", name="What to do with").click()
    page.get_by_role("menuitem", name=item, exact=True).click()


@pytest.mark.parametrize("shown", THEMES, indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_is_readable_by_everybody(
    shown: tuple[Showcase, str], browser: Browser, watched: Watch, scheme: Any, size: Any
) -> None:
    sandbox, address = shown
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run `make web`")
    page = watched(browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page())
    page.goto(address)
    if size is PHONE:
        problems(page)
        page.get_by_role("button", name=re.compile("support", re.I)).first.click()
    expect(page.get_by_text("Which of these would you like to send back?")).to_be_visible()
    problems(page)
    picture(page, f"sandbox-{sandbox.name}-{scheme}-{'phone' if size is PHONE else 'wide'}")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.get_by_role("button", name="For developers").click()
    expect(page.get_by_text("42:TEST")).to_be_visible()
    problems(page)
    page.get_by_role("tab", name="Log").click()
    page.get_by_role("tab", name="Faults").click()
    expect(page.get_by_text("Nothing goes wrong now.")).to_be_visible()
    problems(page)
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("button", name="Return an item").click()
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    expect(page.get_by_role("dialog")).to_contain_text("An order number begins with A-")
    problems(page)
    picture(page, f"sandbox-{sandbox.name}-{scheme}-{'phone' if size is PHONE else 'wide'}-modal")


def problems(page: Page) -> None:
    """Judged by axe: names, roles and contrasts."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = page.evaluate("rules => axe.run(document, rules)", rules)
    told = [
        f"{each['id']}: {node['target']} {node.get('failureSummary', '')}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
    assert told == []


def test_a_person_writes_and_the_bot_is_read(page: Page, sandbox: Showcase) -> None:
    box = page.get_by_role("textbox", name="Message")
    box.fill("two lines\nof it")
    box.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("two lines\nof it")
    assert acted(sandbox, "say") == [{"by": "ada", "chat": "shop", "text": "two lines\nof it"}]
    expect(box).to_have_value("")
    sandbox.says("shop", "It is on its way.")
    expect(page.get_by_text("It is on its way.")).to_be_in_viewport()


def test_what_cannot_be_said_is_told_and_not_lost(shown: tuple[Showcase, str], browser: Browser) -> None:
    page = browser.new_page()
    page.goto(shown[1])
    box = page.get_by_role("textbox", name="Message")
    box.fill("boom")
    box.press("Enter")
    expect(page.get_by_role("status").filter(has_text="this chat is read-only; join it first")).to_be_visible()
    expect(box).to_have_value("boom")


def test_words_that_look_like_markup_stay_words(page: Page, sandbox: Showcase) -> None:
    sandbox.says("shop", "<img src=x onerror=alert(1)><b>bold</b>")
    sandbox.says("shop", "evil", spans=[{"text": "a link", "marks": [], "link": "javascript:alert(1)"}])
    expect(page.get_by_role("log")).to_contain_text("<img src=x onerror=alert(1)><b>bold</b>")
    expect(page.get_by_text("a link")).to_be_visible()
    expect(page.get_by_role("link", name="a link")).to_have_count(0)


def test_buttons_and_selects_are_pressed(page: Page, sandbox: Showcase) -> None:
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status").filter(has_text="no longer valid")).to_be_visible()
    assert acted(sandbox, "press") == [{"by": "ada", "chat": "shop", "message": "3", "id": "stale"}]
    expect(page.get_by_role("button", name="Used")).to_be_disabled()
    page.get_by_role("combobox", name="Choose an item").select_option("Scarf")
    page.get_by_text("Choose several").click()
    page.get_by_role("checkbox", name="Boots").check()
    with page.expect_response("**/_/choose"):
        page.get_by_role("button", name="Done").click()
    assert [(body["id"], body["values"]) for body in acted(sandbox, "choose")] == [
        ("item", ["scarf"]),
        ("items", ["boots"]),
    ]


def test_a_modal_is_filled_in_and_mended(page: Page, sandbox: Showcase) -> None:
    page.get_by_role("button", name="Return an item").click()
    dialog = page.get_by_role("dialog", name="Return an item")
    dialog.get_by_label("Order number").fill("1043")
    dialog.get_by_label("Reason").select_option("Wrong size")
    dialog.get_by_label("The shoes").check()
    dialog.get_by_label("Anything else").fill("Thank you")
    dialog.get_by_role("button", name="Send").click()
    wrong = dialog.get_by_label("Order number")
    expect(wrong).to_have_accessible_description(re.compile("An order number begins with A-"))
    expect(wrong).to_be_focused()
    expect(dialog.get_by_label("Anything else")).to_have_value("Thank you")
    wrong.fill("A-1043")
    wrong.press("Enter")
    expect(dialog).to_have_count(0)
    assert acted(sandbox, "submit")[-1]["values"] == {
        "order": "A-1043",
        "why": "size",
        "parts": ["shoes"],
        "day": "",
        "note": "Thank you",
    }


def test_a_modal_is_closed_by_escape(page: Page, sandbox: Showcase) -> None:
    page.get_by_role("button", name="Return an item").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert acted(sandbox, "close") == [{"by": "ada", "id": "m1"}]


def test_a_message_is_answered_edited_reacted_to_and_deleted(page: Page, sandbox: Showcase) -> None:
    box = page.get_by_role("textbox", name="Message")
    menu(page, "Good morning Ada", "Reply")
    box.fill("thanks")
    box.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("thanks")
    menu(page, "Good morning Ada", "Reply in thread")
    box.fill("in a thread")
    box.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("in a thread")
    page.get_by_role("button", name="Leave it").wait_for(state="hidden")
    menu(page, "pay for shipping", "Edit")
    expect(box).to_have_value("And what did we pay for shipping?")
    box.fill("And the shipping?")
    box.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("And the shipping?")
    menu(page, "And the shipping?", "React")
    page.get_by_role("menuitem", name="🎉").click()
    expect(page.get_by_role("button", name="🎉 1")).to_be_visible()
    menu(page, "And the shipping?", "Delete")
    expect(page.get_by_text("And the shipping?")).to_have_count(0)
    assert [(body.get("reply_to"), body.get("thread")) for body in acted(sandbox, "say")] == [("2", None), (None, "2")]
    assert acted(sandbox, "edit")[0]["text"] == "And the shipping?"
    assert acted(sandbox, "react")[0] == {"by": "ada", "chat": "shop", "message": "4", "emoji": "🎉", "add": True}


def test_commands_are_completed(page: Page, sandbox: Showcase) -> None:
    box = page.get_by_role("textbox", name="Message")
    box.press_sequentially("/")
    commands = page.get_by_role("listbox", name="Commands").get_by_role("option")
    expect(commands).to_have_count(3)
    box.press("ArrowDown")
    expect(commands.and_(page.get_by_role("option", selected=True))).to_contain_text("/order")
    box.press("Tab")
    box.press_sequentially("A-17")
    box.press("Enter")
    expect(box).to_have_value("")
    assert acted(sandbox, "command") == [{"by": "ada", "chat": "shop", "name": "order", "text": "A-17"}]


def test_quick_replies_contact_and_location_are_given(page: Page, sandbox: Showcase) -> None:
    page.get_by_role("button", name="Where is it?").click()
    expect(page.get_by_role("log")).to_contain_text("Where is it?")
    page.get_by_role("button", name="Share my number").click()
    page.get_by_role("button", name="Attach").click()
    page.get_by_role("menuitem", name="Location").click()
    page.get_by_role("dialog").get_by_label("Latitude").fill("43.3")
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert acted(sandbox, "contact") == [{"by": "ada", "chat": "shop"}]
    assert acted(sandbox, "location") == [{"by": "ada", "chat": "shop", "latitude": 43.3, "longitude": 2.3522}]


def test_files_go_with_their_caption(page: Page, sandbox: Showcase) -> None:
    files: Any = [
        {"name": "a.png", "mimeType": "image/png", "buffer": b"PNG"},
        {"name": "b.txt", "mimeType": "text/plain", "buffer": b"words"},
    ]
    page.get_by_label("Files", exact=True).set_input_files(files)
    page.get_by_role("textbox", name="Message").fill("both")
    with page.expect_response("**/_/upload"):
        page.get_by_role("button", name="Send", exact=True).click()
    assert acted(sandbox, "upload") == [
        {
            "by": "ada",
            "chat": "shop",
            "caption": "both",
            "file": ("a.png", "image/png"),
            "file2": ("b.txt", "text/plain"),
        }
    ]


def test_a_voice_message_is_recorded(page: Page, sandbox: Showcase) -> None:
    page.get_by_role("button", name="Record a voice message").click()
    stop = page.get_by_role("button", name="Stop and send the voice message")
    expect(stop).to_be_visible()
    page.wait_for_timeout(300)  # of sound
    with page.expect_response("**/_/upload"):
        stop.click()
    (sent,) = acted(sandbox, "upload")
    assert (sent["kind"], sent["file"]) == ("voice", ("voice.webm", "audio/webm"))
    expect(page.get_by_role("button", name="Record a voice message")).to_be_visible()


def test_a_bot_is_blocked_and_unblocked(page: Page, sandbox: Showcase) -> None:
    page.get_by_role("button", name="This chat").click()
    page.get_by_role("menuitem", name="Block the bot").click()
    expect(page.get_by_text("You have blocked this bot.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Message")).to_have_count(0)
    page.get_by_role("button", name="Unblock").click()
    expect(page.get_by_role("textbox", name="Message")).to_be_visible()


def test_somebody_else_sees_what_is_for_them(page: Page, sandbox: Showcase) -> None:
    expect(page.get_by_text("your balance is 12.00")).to_be_visible()
    expect(page.get_by_text("This is for Ben.")).to_have_count(0)
    page.get_by_role("combobox", name="You are").select_option("Ben Okafor")
    expect(page.get_by_text("This is for Ben.")).to_be_visible()
    expect(page.get_by_role("button", name="Lunch")).to_contain_text("Ada Moreau: Yes!")
    expect(page.get_by_text("your balance is 12.00")).to_have_count(0)
    page.get_by_role("combobox", name="You are").select_option("Somebody else…")
    page.get_by_role("dialog").get_by_label("Name").fill("Cleo")
    page.get_by_role("dialog").get_by_role("button", name="Be them").click()
    expect(page.get_by_role("combobox", name="You are").get_by_role("option")).to_have_count(4)


def test_other_chats_say_how_much_was_not_read(page: Page, sandbox: Showcase) -> None:
    sandbox.says("group", "Soup at noon", by="person", name="Ben Okafor")
    expect(page.get_by_label("1 unread")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    page.get_by_role("button", name="Lunch").click()
    expect(page.get_by_role("log")).to_contain_text("Soup at noon")
    expect(page.get_by_label("1 unread")).to_have_count(0)


def test_a_chat_is_made(page: Page, sandbox: Showcase) -> None:
    page.get_by_role("button", name="New chat").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Parcels")
    page.get_by_role("dialog").get_by_label("Kind").select_option("group")
    page.get_by_role("dialog").get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", name="Parcels")).to_be_visible()
    assert acted(sandbox, "chat") == [{"by": "ada", "title": "Parcels", "kind": "group"}]


def test_who_reads_above_is_not_moved(page: Page, sandbox: Showcase) -> None:
    log = page.get_by_role("log")
    log.hover()
    page.mouse.wheel(0, -3_000)
    expect(page.get_by_text("Monday, March 2")).to_be_in_viewport()
    sandbox.says("shop", "Something new")
    page.get_by_role("button", name="New messages").click()
    expect(page.get_by_text("Something new")).to_be_in_viewport()


def test_a_spoiler_is_shown_when_asked_for(page: Page) -> None:
    hidden = page.get_by_role("button", name="Hidden text, show it")
    hidden.focus()
    hidden.press("Enter")
    expect(hidden).to_have_count(0)


@pytest.mark.parametrize("shown", ["slack"], indirect=True)
def test_the_drawer_shows_calls_and_scripts_faults(page: Page, sandbox: Showcase, shown: tuple[Showcase, str]) -> None:
    page.get_by_role("button", name="For developers").click()
    expect(page.get_by_text(f"{shown[1]}/api/", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Faults").click()
    page.get_by_role("button", name="Limit the second message").click()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("chat.postMessage met 0 times")).to_be_visible()
    assert [page.request.post(f"{shown[1]}/api/chat.postMessage").status for _ in range(3)] == [200, 429, 200]
    expect(page.get_by_text("chat.postMessage met 1 time")).to_be_visible()
    page.get_by_role("tab", name="Faults").press("ArrowLeft")
    log = page.get_by_role("list", name="Log")
    expect(log.get_by_text("chat.postMessage")).to_have_count(3)
    page.get_by_role("searchbox").fill("refused")
    expect(log.get_by_text("chat.postMessage")).to_have_count(1)
    log.get_by_text("chat.postMessage").click()
    expect(log).to_contain_text('"status": 429')
    page.get_by_role("tab", name="Faults").click()
    page.get_by_role("textbox", name="Script of faults").fill("[{")
    with page.expect_response("**/_/faults"):
        page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Nothing goes wrong now.")).to_be_visible()


def test_the_page_says_when_the_sandbox_is_gone(browser: Browser) -> None:
    page = browser.new_page()
    with served(Showcase("discord")) as address:
        page.goto(address)
        expect(page.get_by_text("Good morning Ada")).to_be_attached()
    expect(page.get_by_text("The sandbox does not answer. This page goes on when it is back.")).to_be_visible()
    with served(Showcase("discord"), port=int(address.rpartition(":")[2])):
        expect(page.get_by_text("The sandbox does not answer. This page goes on when it is back.")).to_be_hidden(
            timeout=30_000
        )
