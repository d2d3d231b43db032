"""A new home opens on the example; from there to the first run of one's own."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App, OpenPage
from tests.browser.steps import open_tab, settle, shoot

WITH_EXAMPLE = True


NOTE_WHAT_IS_SAID = """() => {
  window.said = [];
  window.rings = [];
  new MutationObserver(() => {
    const words = document.querySelector('[data-testid=stProgress]')?.textContent;
    if (words && words !== said.at(-1)) {
      said.push(words);
      rings.push(document.querySelector('.live img')?.getAttribute('style'));
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
"""A film plays by the clock: what it shows only for a moment must not be waited for."""


def test_every_page_has_something_to_see_at_once(open_page: OpenPage) -> None:
    page = open_page()
    settle(page)
    expect(page.get_by_text("All 16 are no longer recognised.")).to_be_visible()
    expect(page.get_by_text("A classifier has learned")).to_be_visible()
    expect(page.locator(".live:not(.alike) figure")).to_have_count(16)
    expect(page.locator(".cell")).to_have_count(1000)
    shoot(page, "first-light")
    for title in ("Before / after", "Weights", "Attributions", "Replay"):
        open_tab(page, title)
        expect(page.get_by_text("Nothing has been forgotten yet")).to_have_count(0)
        expect(page.locator("[data-testid=stAlertContentError]")).to_have_count(0)


@pytest.mark.slow
def test_the_example_plays_and_makes_way(open_page: OpenPage) -> None:
    page = open_page()
    settle(page)
    page.evaluate(NOTE_WHAT_IS_SAID)
    page.locator(".st-key-watch button").click()
    page.wait_for_function("said.length && !document.querySelector('[data-testid=stProgress]')")
    forgotten = [int(re.findall(r"(\d+) of 16", one)[0]) for one in page.evaluate("said")]
    assert forgotten[0] == 0
    assert 16 in forgotten
    assert len(page.evaluate("[...new Set(rings)]")) > 1
    expect(page.get_by_text("All 16 are no longer recognised.")).to_be_visible()
    page.locator(".st-key-yourself button").click()
    settle(page)
    expect(page.locator(".st-key-forget button")).to_be_disabled()
    expect(page.locator(".count")).to_have_text("0 selected")
    page.reload()
    settle(page)
    # A reload is a new visit, and there is no other run yet.
    expect(page.get_by_text("A classifier has learned")).to_be_visible()


def test_a_run_of_ones_own_moves_and_ends_in_a_sentence(app: App, open_page: OpenPage) -> None:
    page = open_page()
    settle(page)
    page.locator(".st-key-yourself button").click()
    settle(page)
    page.get_by_role("spinbutton", name="How many").fill("2")
    page.get_by_role("spinbutton", name="How many").press("Enter")
    settle(page)
    # The pick *hardest* would leave out the one that is not recognised.
    page.get_by_role("combobox", name="Order").click()
    page.get_by_role("option", name="hardest first").click()
    settle(page)
    page.get_by_role("button", name="first", exact=True).click()
    page.get_by_text("Just enough", exact=True).click()
    expect(page.locator(".st-key-forget button")).to_have_text(re.compile("Forget 2 pictures"))
    expect(page.get_by_text("1 of these 2 is not recognised even now")).to_be_visible()
    settle(page)
    page.locator(".st-key-forget button").click()
    expect(page.locator(".live:not(.alike) figure")).to_have_count(2)
    expect(page.locator(".live.alike img").first).to_be_attached()
    expect(page.get_by_text(re.compile("Both are no longer recognised"))).to_be_visible()
    expect(page.get_by_text("1 of 2 was not recognised before either")).to_be_visible()
    shoot(page, "first-own-light")
    fresh = open_page()
    settle(fresh)
    # Now there is another run: a new visit starts with the pictures.
    expect(fresh.get_by_text("A classifier has learned")).to_have_count(0)


@pytest.mark.slow
def test_a_picture_clicked_is_followed_on_every_page(open_page: OpenPage) -> None:
    page = open_page("/before_after?run=example")
    settle(page)
    first = page.locator(".clickable button").first
    picture = first.get_attribute("data-id")
    first.click()
    expect(page.get_by_text("1 picture followed")).to_be_visible()
    expect(page.locator(".clickable button").first).to_have_attribute("aria-pressed", "true")
    shoot(page, "followed-light")
    for title in ("Attributions", "Replay", "Before / after"):
        open_tab(page, title)
        expect(page).to_have_url(re.compile(f"pictures={picture}"))
    open_tab(page, "Attributions")
    expect(page.get_by_text(re.compile(f"id {picture}"))).to_be_visible()
    page.get_by_role("button", name="Pictures").click()
    offered = page.locator(".clickable button")
    expect(offered.first).to_have_attribute("aria-pressed", "true")
    offered.nth(3).click()
    expect(page).to_have_url(re.compile(rf"pictures={picture}(,|%2C)\d+"))
    settle(page)
    shoot(page, "followed-two-light")
