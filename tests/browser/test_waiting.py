"""What a person does while the page still waits for a worker."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App, OpenPage
from tests.browser.steps import open_tab

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_a_click_while_the_pictures_load_is_not_lost(app: App, open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_role("combobox", name="Classifier").click()
    page.get_by_role("option", name=re.compile("Photos")).click()
    expect(page.get_by_text("Classifying every picture once")).to_be_visible()
    open_tab(page, "Runs")
    expect(page.get_by_text("Nothing has been forgotten yet")).to_be_visible()
    # The worker went on meanwhile: whoever comes back finds the pictures.
    open_tab(page, "Forget")
    expect(page.locator(".cell").first).to_be_visible()
