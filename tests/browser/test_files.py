"""A photo from the customer to the agent, and a picture back: seen, in two browser windows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Demo, picture
from tests.browser.test_the_newcomers_story import conversation, say, sign_in


def test_pictures_travel_both_ways(
    browser: Browser, demo: Demo, watched: Callable[[Page], Page], tmp_path: Path
) -> None:
    customer = watched(browser.new_context(viewport={"width": 1280, "height": 860}).new_page())
    agent = watched(browser.new_context(viewport={"width": 1440, "height": 900}).new_page())
    customer.goto(demo.shop)
    customer.get_by_role("button", name="Open chat").click()
    log = customer.get_by_role("log")

    say(customer, "Where is your shop?")
    expect_drawn(log.get_by_role("img", name="A map of the way"), 480)

    attach(customer, "input[type=file]", photo(tmp_path / "worn sole.png", "#b4442c", 300))
    expect_drawn(log.get_by_role("img", name="worn sole.png"), 300)
    expect(customer.get_by_role("progressbar")).to_have_count(0)
    say(customer, "I want a human")
    expect(customer.get_by_role("dialog")).to_contain_text("Asking a person to join")

    sign_in(agent, demo)
    agent.get_by_role("listbox").get_by_role("option").first.click()
    expect_drawn(conversation(agent).get_by_role("img", name="worn sole.png"), 300)
    expect_drawn(conversation(agent).get_by_role("img", name="A map of the way"), 480)
    agent.get_by_role("button", name="Take over").first.click()
    attach(agent, "[data-attach]", photo(tmp_path / "new sole.png", "#1f6f54", 200))
    expect(agent.get_by_role("button", name="Remove new sole.png")).to_be_visible()
    agent.get_by_role("textbox", name="Reply").fill("Like this one?")
    picture(agent, "8-file-attached")
    agent.keyboard.press("Control+Enter")
    expect_drawn(log.get_by_role("img", name="new sole.png"), 200)
    expect(log).to_contain_text("Like this one?")
    expect_drawn(conversation(agent).get_by_role("img", name="new sole.png"), 200)
    picture(customer, "8-files-of-both")
    picture(agent, "8-files-of-both-console")

    customer.reload()
    customer.get_by_role("button", name="Open chat").click()
    for name, width in (("worn sole.png", 300), ("new sole.png", 200)):
        expect_drawn(customer.get_by_role("log").get_by_role("img", name=name), width)


def test_what_is_no_picture_is_refused_in_words(
    browser: Browser, demo: Demo, watched: Callable[[Page], Page], tmp_path: Path
) -> None:
    customer = browser.new_context().new_page()  # not watched: the browser logs the refused answer as an error
    customer.goto(demo.shop)
    customer.get_by_role("button", name="Open chat").click()
    page = tmp_path / "photo.png"
    page.write_text("<html><script>alert(1)</script>")
    attach(customer, "input[type=file]", page)
    expect(customer.get_by_role("log")).to_contain_text("This kind of file cannot be sent here")
    expect(customer.get_by_role("log").get_by_role("button", name="Delete")).to_be_visible()


def photo(path: Path, colour: str, width: int) -> Path:
    Image.new("RGB", (width, 200), colour).save(path)
    return path


def attach(page: Page, picker: str, path: Path) -> None:
    page.locator(picker).set_input_files(path)


def expect_drawn(image: Locator, width: int) -> None:
    """The browser has the picture itself, not only its frame."""
    expect(image).to_be_visible()
    image.scroll_into_view_if_needed()
    expect(image).to_have_js_property("naturalWidth", width)
