"""What a newcomer does after `make run`, in two browser windows, from the first click to the bot that is back."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Demo, picture


def test_the_main_job(browser: Browser, demo: Demo, watched: Callable[[Page], Page]) -> None:
    customer = watched(browser.new_context(viewport={"width": 1280, "height": 860}).new_page())
    agent = watched(browser.new_context(viewport={"width": 1440, "height": 900}).new_page())

    customer.goto(demo.shop)
    customer.get_by_role("button", name="Open chat").click()
    log = customer.get_by_role("log")
    customer.get_by_role("button", name="Track my order").click()
    expect(log).to_contain_text("Which order is it?")
    say(customer, "how long does a refund take?")
    expect(log).to_contain_text("working days")
    expect(log).to_contain_text("Sources")
    expect(log.get_by_text("Which order is it?")).to_have_count(2)
    picture(customer, "1-answer-with-source")
    say(customer, "I want a human")
    expect(customer.get_by_role("dialog")).to_contain_text("Asking a person to join")
    picture(customer, "2-asking-a-person")

    sign_in(agent, demo)
    queue = agent.get_by_role("listbox")
    expect(queue.get_by_role("option")).to_have_count(1)
    expect(queue).to_contain_text("I want a human")
    picture(agent, "3-request-waiting")
    queue.get_by_role("option").click()
    agent.get_by_role("button", name="Take over").first.click()
    expect(log).to_contain_text("You are now talking with Mara")
    write(agent, "Hello, this is Mara. How can I help?")
    expect(log).to_contain_text("Hello, this is Mara. How can I help?")
    say(customer, "Is my parcel lost?")
    expect(conversation(agent)).to_contain_text("Is my parcel lost?")
    agent.get_by_role("button", name="Resolve").first.focus()
    agent.keyboard.press("n")
    agent.keyboard.type("canary-note: be patient with her")
    agent.keyboard.press("Control+Enter")
    expect(conversation(agent)).to_contain_text("canary-note")
    picture(agent, "4-human-and-note")
    picture(customer, "5-talking-with-mara")

    agent.get_by_role("button", name="Hand back").first.click()
    agent.get_by_role("dialog").get_by_role("button", name="Hand back").click()
    expect(log).to_contain_text("The assistant is back")
    expect(log.get_by_text("Which order is it?")).to_have_count(3)
    say(customer, "A-17")
    expect(log).to_contain_text("Order A-17 is on its way")
    picture(customer, "6-the-flow-goes-on")
    assert "canary-note" not in customer.content()
    assert "canary-note" not in log.inner_text()

    customer.reload()
    customer.get_by_role("button", name="Open chat").click()
    log = customer.get_by_role("log")
    expect(log).to_contain_text("Order A-17 is on its way")
    expect(log.get_by_text("Hello, this is Mara. How can I help?")).to_have_count(1)
    for scheme, width in (("dark", 1280), ("light", 390), ("dark", 390)):
        customer.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        customer.set_viewport_size({"width": width, "height": 780})
        picture(customer, f"7-widget-{scheme}-{width}")
        agent.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        agent.set_viewport_size({"width": max(width, 390) if width < 1000 else 1440, "height": 900})
        picture(agent, f"7-console-{scheme}-{width}")


def test_a_wrong_password_is_told_and_the_right_one_still_works(
    browser: Browser, demo: Demo, watched: Callable[[Page], Page]
) -> None:
    page = browser.new_context().new_page()  # not watched: the browser logs the refused answer as an error
    page.goto(demo.console)
    page.get_by_label("E-mail").fill(demo.email)
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(demo.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation").first).to_be_visible()


def say(page: Page, words: str) -> None:
    box = page.get_by_role("textbox", name="Message")
    box.fill(words)
    box.press("Enter")


def sign_in(page: Page, demo: Demo) -> None:
    page.goto(demo.console)
    page.get_by_label("E-mail").fill(demo.email)
    page.get_by_label("Password", exact=True).fill(demo.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation").first).to_be_visible()


def write(page: Page, words: str) -> None:
    """The agent's answer, by key as an agent would."""
    page.get_by_role("button", name="Resolve").first.focus()
    page.keyboard.press("r")
    page.keyboard.type(words)
    page.keyboard.press("Control+Enter")


def conversation(page: Page) -> Locator:
    return page.get_by_role("log")
