"""Every page in every state: nothing cut off, the answer without scrolling, and no barrier for anybody."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import PATIENCE, App, OpenPage, start_server, stop_server
from tests.browser.layout import PHONE, PROJECTOR, barriers, below_the_fold, cut_off, look_everywhere
from tests.browser.steps import settle
from tests.made import step
from tests.old_home import CLASSIFIER, FAILED, FIRST, IMAGES, INTERRUPTED, OTHER, SECOND, unpack
from tests.waiting import wait_until
from unlearn_core.artifacts.steps import append_step
from unlearn_core.store.example import EXAMPLE, install_example
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

pytestmark = pytest.mark.browser

_CARD, _CHART, _LINK = (
    "[data-testid=stMetric]",
    "[data-testid=stPlotlyChart]",
    "[data-testid=stPageLink-NavLink]",
)
_LOOK = (_CARD, _CHART)
_DATA = {"classifier": CLASSIFIER, "images": IMAGES}
STATES = {
    "forget": ("/", _DATA, (".grid", ".count", ".st-key-forget")),
    "forget-example": ("/", {"run": EXAMPLE}, (_CARD, ".st-key-yourself", ".grid", ".count")),
    "forget-done": ("/", {"run": FIRST}, (_CARD, _LINK, ".grid", ".count")),
    "forget-failed": ("/", {"run": FAILED}, ("[data-testid=stAlert]", ".st-key-again")),
    "forget-interrupted": ("/", {"run": INTERRUPTED}, ("[data-testid=stAlert]", ".st-key-again")),
    "classes": ("/before_after", {"run": EXAMPLE}, (*_LOOK, ".clickable")),
    "transitions": ("/before_after", {"run": SECOND, "look": "Transitions"}, _LOOK),
    "confidence": ("/before_after", {"run": SECOND, "look": "Confidence"}, _LOOK),
    "if-never-trained-on": ("/before_after", {"run": EXAMPLE, "look": "If never trained on"}, _LOOK),
    "map": ("/before_after", {"run": SECOND, "look": "Map"}, _LOOK),
    "layers": ("/before_after", {"run": SECOND, "look": "Layers"}, _LOOK),
    "weights": ("/weights", {"run": EXAMPLE}, (_CARD, _CHART)),
    "attributions": ("/attributions", {"run": FIRST}, (".maps",)),
    "attributions-checked": (
        "/attributions",
        {"run": FIRST, "algorithms": "Input × gradient", "trust": "true", "sanity": "true"},
        (),
    ),
    "replay": ("/replay", {"run": FIRST}, (_CHART,)),
    "add": ("/add", {}, (".st-key-try",)),
    "runs": ("/runs", {"run": FIRST}, ("[data-testid=stDataFrame]", _LINK)),
}
"""Path, link and what has to be seen without scrolling on a projector."""

MOST_TABS = 60
WITHOUT_A_RUN = ("before_after", "weights", "attributions", "replay", "compare", "runs")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app on a home with finished, failed and interrupted runs."""
    home = unpack(tmp_path_factory.mktemp("layout"))
    install_example(Store(home))
    app, process = start_server(home)
    yield app
    stop_server(process)


@pytest.fixture(scope="module")
def empty_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("empty")
    # A new home gets the example.
    Store(home)
    app, process = start_server(home)
    yield app
    stop_server(process)


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """One window for all tests of this file."""
    width, height = PROJECTOR
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def visit(window: Page, app: App, path: str, **link: str) -> None:
    window.set_viewport_size({"width": PROJECTOR[0], "height": PROJECTOR[1]})
    window.goto(f"{app.url}{path}?{urlencode(link)}")
    settle(window)


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_a_page_is_whole(app: App, window: Page, state: str) -> None:
    path, link, answer = STATES[state]
    visit(window, app, path, **link)
    assert below_the_fold(window, answer) == []
    assert look_everywhere(window) == []


def test_a_pick_and_a_run_under_way_are_whole(app: App, window: Page) -> None:
    visit(window, app, "/", **_DATA)
    window.locator(".cell").first.click()
    for folded in window.locator("summary").all():
        folded.click()
    settle(window)
    assert look_everywhere(window) == []
    visit(window, app, "/", run=a_run_under_way(app.home))
    assert below_the_fold(window, (".st-key-cancel", "[data-testid=stProgress]", _CHART)) == []
    assert window.evaluate(PALEST) == 1, "it flickers at every look at the run"
    assert look_everywhere(window) == []


def test_two_runs_side_by_side_are_whole(app: App, window: Page) -> None:
    visit(window, app, "/compare", run=FIRST)
    window.get_by_role("combobox", name="Runs").click()
    window.get_by_role("option", name=re.compile(OTHER)).click()
    window.keyboard.press("Escape")
    settle(window)
    assert below_the_fold(window, ("[data-testid=stDataFrame]", _CHART)) == []
    assert look_everywhere(window) == []


@pytest.mark.parametrize("page", WITHOUT_A_RUN)
def test_a_page_without_a_run_is_whole(empty_app: App, window: Page, page: str) -> None:
    visit(window, empty_app, f"/{page}")
    assert look_everywhere(window) == []


def test_on_a_phone_filters_are_folded_and_forget_is_in_reach(app: App, window: Page) -> None:
    visit(window, app, "/", **_DATA)
    filters, switch = window.locator(".st-key-filters"), window.locator(".st-key-show_filters")
    expect(filters).to_be_visible()
    expect(switch).not_to_be_visible()
    window.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    expect(filters).not_to_be_visible()
    window.locator(".count").scroll_into_view_if_needed()
    expect(window.locator(".st-key-forget button")).to_be_in_viewport(ratio=1)
    # Nothing lies behind the button for good.
    last = window.get_by_test_id("stExpander").last
    last.scroll_into_view_if_needed()
    window.mouse.wheel(0, 2000)
    wait_until(lambda: below(last) <= above(window.locator(".st-key-forget")))
    switch.locator("label").click()
    expect(filters).to_be_visible()


def above(place: Locator) -> float:
    box = place.bounding_box()
    assert box is not None
    return box["y"]


def below(place: Locator) -> float:
    box = place.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


PALEST = """
() => new Promise(resolve => {
  const start = performance.now()
  let palest = 1
  const look = () => {
    for (const one of document.querySelectorAll('.st-key-run_panel [data-stale]'))
      palest = Math.min(palest, getComputedStyle(one).opacity)
    if (performance.now() - start < 3000) requestAnimationFrame(look)
    else resolve(palest)
  }
  look()
})
"""
"""The least opacity of what stands in the panel of a run, in three seconds."""


def a_run_under_way(home: Path) -> str:
    """Leave a run in the store as a worker does that is at its third step."""
    store = Store(home)
    request = ForgetRequest(classifier=CLASSIFIER, images=IMAGES, pick="ids:16,29,56,57")
    run = store.create(request).id
    store.update(run, state=RunState.RUNNING, phase="optimise")
    for number in range(4):
        append_step(store.folder(run), step(number, number, retain_accuracy=100.0))
    return run


def test_what_is_cut_off_and_what_cannot_be_read_is_found(app: App, window: Page) -> None:
    visit(window, app, "/runs")
    assert cut_off(window) == barriers(window) == []
    window.evaluate(
        "html => document.querySelector('[data-testid=stMain]').insertAdjacentHTML('beforeend', html)", WRONG
    )
    cut = "\n".join(cut_off(window, seconds=0))
    for fault in ("the page: ", "Too wide", "Too long", "Too high", "Sideways", "Outside", "In the way"):
        assert fault in cut, cut
    met = "\n".join(barriers(window))
    for barrier in ("Too pale", "scrollable-region-focusable"):
        assert barrier in met, met


WRONG = """
<label style="display: block; width: 1500px">Too wide</label>
<button style="width: 60px; overflow: hidden; white-space: nowrap">Too long for it</button>
<h3 style="height: 8px; overflow: hidden">Too high</h3>
<div style="width: 90px; overflow-x: auto"><p style="width: 80px; margin-left: 70px">Sideways</p></div>
<div class="js-plotly-plot"><svg class="main-svg" width="50" height="20">
<text x="40" y="12">Outside</text></svg></div>
<div data-testid="stHorizontalBlock" style="height: 20px"><div data-testid="stElementContainer"
style="height: 60px">In the way</div></div>
<p style="color: #ccc; background: #fff">Too pale</p>
<div style="height: 40px; overflow-y: auto"><p style="height: 200px">Out of reach</p></div>
"""


def tab_to(page: Page, selector: str) -> None:
    """Press Tab, as often as a person might, until the focus lies in what the selector names."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus, {selector} :focus").count():
            return
    raise AssertionError(f"{MOST_TABS} times Tab did not reach {selector}.")


@pytest.mark.slow
def test_the_whole_job_with_the_keyboard(app: App, open_page: OpenPage) -> None:
    page = open_page(f"/?{urlencode(_DATA)}")
    settle(page)
    tab_to(page, ".cell")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".count")).to_have_text("2 selected")
    button = page.locator(".st-key-forget button")
    expect(button).to_have_text(re.compile("Forget 2 pictures"))
    settle(page)
    tab_to(page, ".st-key-forget")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"run=[0-9a-f]{8}"))
    expect(page.get_by_test_id("stMetric").first).to_be_visible()
    settle(page)
    tab_to(page, "[data-testid=stMain] [data-testid=stPageLink-NavLink][href*=before_after]")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("Forgotten · 2"))).to_be_visible()
    settle(page)
    tab_to(page, ".st-key-look")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_text("Click a dot to see them")).to_be_visible()
