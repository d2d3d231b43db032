"""What every test with a browser does: wait for the page, picture it, change to another."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import OUTPUT, PATIENCE


def settle(page: Page) -> None:
    """Wait until the page has drawn everything and shows no exception."""
    # Twice: between two scripts, where a page starts itself again, it counts as "notRunning" for a moment.
    for _ in range(2):
        page.wait_for_timeout(200)
        # Before the first run has begun it does, too.
        expect(page.get_by_test_id("stTopNavLink").first).to_be_attached()
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    # What a page did not expect is a box with a sentence.
    expect(page.get_by_text("The program failed")).to_have_count(0)


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the page, once it has settled, in `output/`."""
    settle(page)
    page.wait_for_timeout(700)
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / f"{name}.png")


def open_tab(page: Page, title: str) -> None:
    """Click a title in the navigation and wait for its page.

    Streamlit draws its navigation anew while a page opens; a click at that moment meets no link or the one
    beside it: like a person, click again where the page does not come.
    """
    link = page.get_by_test_id("stTopNavLink").filter(has_text=re.compile(f"{title}$")).first
    for patience in (30_000, 60_000, 120_000, PATIENCE):
        link.click()
        try:
            expect(link).to_have_attribute("aria-current", "page", timeout=patience)
            break
        except AssertionError:
            if patience == PATIENCE:
                raise
    settle(page)
