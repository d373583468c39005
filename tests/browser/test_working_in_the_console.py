"""What an agent does beside answering: changes what was sent, and joins two visitors who are one person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Demo, picture, running_demo
from tests.browser.test_the_newcomers_story import conversation, say, sign_in, write

Watch = Callable[[Page], Page]


def test_an_agent_changes_and_takes_back_what_was_sent(browser: Browser, tmp_path: Path, watched: Watch) -> None:
    with running_demo(tmp_path) as demo:
        customer, agent = a_visitor(browser, demo, watched, "I want a human"), an_agent(browser, demo, watched)
        agent.get_by_role("listbox").get_by_role("option").click()
        agent.get_by_role("button", name="Take over").first.click()
        log = customer.get_by_role("log")
        expect(log).to_contain_text("You are now talking with Mara")
        write(agent, "It cots 5 euros.")
        expect(log).to_contain_text("It cots 5 euros.")

        ours = conversation(agent).get_by_role("article").filter(has_text="It cots 5 euros.")
        ours.hover()
        ours.get_by_role("button", name="Edit").click()
        dialog = agent.get_by_role("dialog")
        dialog.get_by_label("Message").fill("It costs 5 euros.")
        picture(agent, "changing-a-message")
        dialog.get_by_role("button", name="Save").click()
        expect(log).to_contain_text("It costs 5 euros.")
        expect(log).not_to_contain_text("It cots")
        expect(log).to_contain_text("Edited")
        expect(conversation(agent)).not_to_contain_text("It cots")

        ours = conversation(agent).get_by_role("article").filter(has_text="It costs 5 euros.")
        ours.hover()
        ours.get_by_role("button", name="Delete").click()
        agent.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(log).to_contain_text("Message removed")
        expect(log).not_to_contain_text("It costs")
        expect(conversation(agent)).to_contain_text("Taken back")
        customer.reload()
        customer.get_by_role("button", name="Open chat").click()
        expect(customer.get_by_role("log")).to_contain_text("Message removed")
        expect(customer.get_by_role("log")).not_to_contain_text("It costs")


def test_two_visitors_who_are_one_person_are_joined_and_parted(
    browser: Browser, tmp_path: Path, watched: Watch
) -> None:
    with running_demo(tmp_path) as demo:
        a_visitor(browser, demo, watched, "first visit: I want a human")
        a_visitor(browser, demo, watched, "second visit: I want a human")
        agent = an_agent(browser, demo, watched)
        queue = agent.get_by_role("listbox")
        expect(queue.get_by_role("option")).to_have_count(2)

        queue.get_by_role("option").filter(has_text="second visit").click()
        expect(conversation(agent)).to_contain_text("second visit")
        second = known_as(agent).inner_text().removesuffix("…")
        name = agent.get_by_role("complementary").get_by_role("heading", name="Visitor").inner_text()
        queue.get_by_role("option").filter(has_text="first visit").click()
        expect(conversation(agent)).to_contain_text("first visit")
        expect(known_as(agent)).not_to_have_text(f"{second}…")

        agent.get_by_role("button", name="Same person as").click()
        dialog = agent.get_by_role("dialog")
        dialog.get_by_label("Customer").fill(name)
        dialog.get_by_role("listitem").get_by_role("button").click()
        expect(dialog.locator("bdi")).to_have_count(2)
        picture(agent, "two-who-are-one")
        dialog.get_by_role("button", name="Join the two").click()
        expect(dialog).to_have_count(0)
        expect(agent.get_by_role("complementary").locator("bdi")).to_have_count(2)
        picture(agent, "one-customer")

        agent.get_by_role("button", name=f"Separate {second}").click()
        expect(agent.get_by_role("complementary").locator("bdi")).to_have_count(1)


def a_visitor(browser: Browser, demo: Demo, watched: Watch, words: str) -> Page:
    page = watched(browser.new_context(viewport={"width": 1280, "height": 860}).new_page())
    page.goto(demo.shop)
    page.get_by_role("button", name="Open chat").click()
    say(page, words)
    expect(page.get_by_role("log")).to_contain_text(words)
    expect(page.get_by_role("dialog")).to_contain_text("Asking a person to join")
    return page


def an_agent(browser: Browser, demo: Demo, watched: Watch) -> Page:
    page = watched(browser.new_context(viewport={"width": 1440, "height": 900}).new_page())
    sign_in(page, demo)
    return page


def known_as(page: Page) -> Locator:
    return page.get_by_role("complementary").locator("bdi").first
