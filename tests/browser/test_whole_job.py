"""The whole job as a person does it: click pictures, press Forget, watch, look at what changed."""

import re
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, OpenPage
from tests.browser.steps import open_tab, settle, shoot

pytestmark = pytest.mark.browser

PAGES = ("Before / after", "Weights", "Attributions", "Replay", "Compare", "Runs")


def forget_three_by_hand(page: Page) -> None:
    """Click one picture, shift-click to a second, take a third with the keyboard, give one back."""
    cells = page.locator(".cell")
    expect(cells).to_have_count(1000)
    cells.nth(0).click()
    cells.nth(2).click(modifiers=["Shift"])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    cells.nth(1).click()
    expect(page.locator(".count")).to_have_text("3 selected")
    button = page.locator(".st-key-forget button")
    expect(button).to_have_text(re.compile("Forget 3 pictures"))
    settle(page)
    button.click()


def choose_the_quickest_method(page: Page) -> None:
    page.get_by_text("Another method, seed, steps and device").click()
    page.get_by_text("NegGrad", exact=True).click()
    # Its settings in place of those of Anchor.
    expect(page.get_by_role("spinbutton", name="inversions")).to_have_count(0)
    settle(page)


def test_a_link_to_a_page_may_be_the_first_thing_a_server_sees(open_page: OpenPage) -> None:
    page = open_page("/weights")
    expect(page.get_by_text("Nothing has been forgotten yet")).to_be_visible()
    expect(page.get_by_test_id("stTopNavLink").filter(has_text="Attributions").first).to_be_visible()


def test_from_a_click_to_forgotten(app: App, open_page: OpenPage) -> None:
    page = open_page()
    settle(page)
    page.get_by_text("Just enough", exact=True).click()
    forget_three_by_hand(page)
    expect(page).to_have_url(re.compile(r"run=[0-9a-f]{8}"))
    address = page.url
    run_id = re.findall(r"run=([0-9a-f]{8})", address)[0]

    second_tab = open_page(f"/?run={run_id}")
    for tab in (page, second_tab):
        expect(tab.get_by_text(re.compile("no longer recognised"))).to_be_visible()
        expect(tab.get_by_test_id("stMetricValue").first).to_have_text("100 → 0")
    page.reload()
    expect(page.get_by_text(re.compile("no longer recognised"))).to_be_visible()
    expect(page.locator(".count")).to_have_text("3 selected")
    shoot(page, "forget-done-light")

    for title in PAGES:
        open_tab(page, title)
        expect(page).to_have_url(re.compile(run_id))
        shoot(page, f"{title.lower().replace(' / ', '-')}-light")
    if sys.platform != "win32":
        assert [path for path in app.home.glob("*/**/*") if path.stat().st_mode & 0o077] == []


def test_a_run_can_be_cancelled_on_the_way(open_page: OpenPage) -> None:
    page = open_page()
    settle(page)
    expect(page.locator(".cell")).to_have_count(1000)
    choose_the_quickest_method(page)
    rate = page.get_by_role("spinbutton", name="learning rate")
    rate.fill("0.000001")
    rate.press("Enter")
    settle(page)
    page.get_by_role("button", name="random").click()
    expect(page.locator(".st-key-forget button")).to_have_text(re.compile("Forget 16 pictures"))
    settle(page)
    page.locator(".st-key-forget button").click()
    expect(page.get_by_text(re.compile(r"step \d"))).to_be_visible()
    page.locator(".st-key-cancel button").click()
    expect(page.get_by_text(re.compile("Cancelled after"))).to_be_visible()


def test_photos_say_agreement_and_whose_labels_they_carry(open_page: OpenPage) -> None:
    page = open_page("/")
    settle(page)
    page.get_by_role("combobox", name="Classifier").click()
    page.get_by_role("option", name=re.compile("Photos")).click()
    settle(page)
    expect(page.locator(".cell")).to_have_count(56)
    expect(page.get_by_text("the classifier's prediction is taken as the label")).to_be_visible()
    shoot(page, "forget-photos-light")
    choose_the_quickest_method(page)
    page.locator(".cell").nth(0).click()
    expect(page.locator(".st-key-forget button")).to_have_text(re.compile("Forget 1 picture"))
    settle(page)
    page.locator(".st-key-forget button").click()
    expect(page.get_by_text(re.compile("no longer recognised"))).to_be_visible()
    expect(page.get_by_text("agreement").first).to_be_visible()
    shoot(page, "forget-photos-done-light")
    open_tab(page, "Before / after")
    shoot(page, "before-after-photos-light")
    open_tab(page, "Forget")
    expect(page.locator(".cell")).to_have_count(56)
    expect(page.locator(".count")).to_have_text("1 selected")
    # The link names the classifier, which is not the default.
    page.get_by_role("button", name="New run").click()
    expect(page.locator(".st-key-forget button")).to_be_visible()
    settle(page)


def test_a_photo_from_the_camera_is_added_and_picked(open_page: OpenPage) -> None:
    page = open_page("/?classifier=Photos+%C2%B7+EfficientNet-Lite0")
    expect(page.locator(".cell")).to_have_count(56)
    settle(page)
    page.get_by_role("button", name="Add your own photos").click()
    page.get_by_text("camera", exact=True).click()
    settle(page)
    page.wait_for_function("document.querySelector('video')?.readyState === 4")
    add = page.get_by_role("button", name="Add this photo")
    for _ in range(10):
        # A press before the camera's first picture takes none.
        if page.get_by_role("button", name="Take Photo").is_visible():
            page.get_by_role("button", name="Take Photo").click()
        page.wait_for_timeout(3000)
        if add.is_visible():
            break
    add.click()
    expect(page.get_by_role("button", name="Forget 1 picture")).to_be_enabled()
    expect(page.get_by_role("button", name="Take Photo")).not_to_be_visible()
    expect(page.get_by_text("57 shown")).to_be_visible()


@pytest.mark.parametrize("path", ["/?run=00000000", "/?images=A+folder+of+mine+…&path=/nowhere"])
def test_a_bad_link_is_one_sentence(open_page: OpenPage, path: str) -> None:
    page = open_page(path)
    settle(page)
    expect(page.get_by_text(re.compile(r"There is no (run 00000000|folder /nowhere)\."))).to_be_visible()
