"""The explorer as a person uses it: draw on the map, play the film, turn the dial, compare, follow a link."""

import json
import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, App, OpenPage
from tests.browser.steps import settle, shoot
from tests.quick import QUICK

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def runs(app: App) -> list[str]:
    """Two finished runs in the app's store, made by the command line."""
    found = []
    for method, options in (("anchor", QUICK), ("random-labels", {})):
        command = [sys.executable, "-m", "unlearn_core", "forget", "--pick", "random:6", "--json"]
        command += ["--method", method]
        command += [part for name, value in options.items() for part in ("--option", f"{name}={value}")]
        environment = {**os.environ, "UNLEARN_HOME": str(app.home)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout)["run"])
    return found


def drag_a_loop(page: Page) -> None:
    """Draw a loop round the upper left of the map."""
    box = page.locator(".st-key-image_map .nsewdrag").first.bounding_box()
    assert box is not None

    def to(across: float, down: float) -> None:
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=8)

    to(0.05, 0.05)
    page.mouse.down()
    for corner in ((0.3, 0.05), (0.3, 0.6), (0.05, 0.6), (0.05, 0.08)):
        to(*corner)
    page.mouse.up()


def hover_until_a_picture_shows(page: Page) -> None:
    """Move over the map until the picture of a dot stands beside the mouse."""
    box = page.locator(".st-key-image_map .nsewdrag").first.bounding_box()
    assert box is not None
    card = page.locator(".card:not([hidden])")
    for step in range(60):
        page.mouse.move(box["x"] + box["width"] * (0.2 + step / 100), box["y"] + box["height"] / 2)
        page.wait_for_timeout(150)
        if card.count():
            return
    expect(card).to_be_visible()


def test_a_loop_on_the_map_picks_and_the_gallery_shows_it(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.locator(".cell")).to_have_count(1000)
    settle(page)
    page.locator(".st-key-show_as button").nth(1).click()
    expect(page.locator(".st-key-image_map .nsewdrag").first).to_be_visible()
    settle(page)
    hover_until_a_picture_shows(page)
    drag_a_loop(page)
    button = page.locator(".st-key-forget button")
    expect(button).to_have_text(re.compile(r"Forget \d+ pictures"))
    shoot(page, "forget-map-light")
    count = re.findall(r"\d+", button.inner_text())[0]
    page.locator(".st-key-show_as button").nth(0).click()
    expect(page.locator(".count")).to_have_text(re.compile(f"^{count} selected"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_film_plays_and_a_link_opens_it_at_its_step(
    open_page: OpenPage, runs: list[str], scheme: str
) -> None:
    page = open_page(f"/replay?run={runs[0]}&step=0", scheme)
    cursor = ".st-key-replay_figure .js-plotly-plot"
    expect(page.locator(cursor)).to_be_visible()
    settle(page)
    where = f"document.querySelector('{cursor}').data[3].x[0]"
    assert page.evaluate(where) == 0
    shoot(page, f"replay-start-{scheme}")
    page.locator(".st-key-replay_figure .updatemenu-button").first.click()
    page.wait_for_function(f"{where} > 0")
    assert page.evaluate(where.replace("data[3].x[0]", "data[5].marker.symbol")) == "diamond"
    shoot(page, f"replay-on-the-way-{scheme}")


@pytest.mark.slow
def test_the_dial_keeps_a_point_as_a_run(open_page: OpenPage, runs: list[str]) -> None:
    page = open_page(f"/replay?run={runs[0]}&view=Dial&far=50")
    expect(page.get_by_text(re.compile("of 6 pictures recognised"))).to_be_visible()
    settle(page)
    shoot(page, "dial-light")
    page.get_by_role("button", name="Keep as a run").click()
    expect(page.get_by_text(re.compile("The weights went 50% of the way"))).to_be_visible()


def test_two_runs_side_by_side(open_page: OpenPage, runs: list[str]) -> None:
    page = open_page(f"/compare?run={runs[1]}")
    expect(page.locator(".st-key-compare_figure .js-plotly-plot")).to_be_visible()
    expect(page.locator(".runmaps img").first).to_be_visible()
    shoot(page, "compare-two-light")


def test_a_dot_of_the_transitions_shows_its_pictures(open_page: OpenPage, runs: list[str]) -> None:
    page = open_page(f"/before_after?run={runs[0]}&look=Transitions")
    dot = page.locator(".scatterlayer .point").first
    expect(dot).to_be_visible()
    settle(page)
    box = dot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] - 6, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.wait_for_timeout(500)
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_text("The pictures of the clicked dot")).to_be_visible()
    shoot(page, "transitions-light")


@pytest.mark.slow
def test_a_link_keeps_the_settings_of_the_algorithm(open_page: OpenPage, runs: list[str]) -> None:
    page = open_page(f"/attributions?run={runs[0]}")
    settle(page)
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("combobox", name=re.compile("Baseline")).click()
    page.get_by_role("option", name="white", exact=True).click()
    settle(page)
    shoot(page, "attribution-settings-light")
    expect(page).to_have_url(re.compile("baseline=white"))
    link = page.url.split("/")[-1]
    other = open_page(f"/{link}")
    settle(other)
    other.get_by_role("button", name="Settings").click()
    chosen = other.get_by_role("combobox", name=re.compile("Baseline"))
    expect(chosen).to_have_value("white")


def click_in(page: Page, selector: str, across: float, down: float) -> None:
    """Click a point of a figure, in shares of its width and height, once it knows the mouse is there."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    x, y = box["x"] + across * box["width"], box["y"] + down * box["height"]
    page.mouse.move(x - 4, y)
    page.mouse.move(x, y, steps=4)
    page.wait_for_timeout(500)
    page.mouse.click(x, y)


@pytest.mark.slow
def test_a_bar_opens_its_layer_a_row_its_filter_and_the_link_keeps_both(
    open_page: OpenPage, runs: list[str]
) -> None:
    page = open_page(f"/weights?run={runs[0]}")
    expect(page.locator(".st-key-layers_figure .point path").first).to_be_visible()
    settle(page)
    click_in(page, ".st-key-layers_figure .point path", 0.5, 0.5)
    page.wait_for_url("**layer=conv1**")
    settle(page)
    click_in(page, ".st-key-maps_figure", 0.25, 0.5)
    page.wait_for_url("**filter=filter**")
    expect(page.get_by_text("Most changed kernels")).to_be_visible()
    shoot(page, "filter-light")
    chosen = page.get_by_role("combobox", name="Filter")
    other = open_page(f"/{page.url.split('/')[-1]}")
    expect(other.get_by_text("Most changed kernels")).to_be_visible()
    expect(other.get_by_role("combobox", name="Filter")).to_have_value(chosen.input_value())
