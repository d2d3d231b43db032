"""Every page in every state: nothing cut off, the answer without scrolling, and no barrier for anybody."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import PATIENCE, App, start_server, stop_server
from tests.browser.layout import PROJECTOR, barriers, below_the_fold, cut_off, look_everywhere
from tests.browser.steps import settle
from tests.made import step
from tests.old_home import CLASSIFIER, FAILED, FIRST, IMAGES, INTERRUPTED, OTHER, SECOND, unpack
from unlearn_core.artifacts.steps import append_step
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

pytestmark = pytest.mark.browser

_CARD, _CHART = "[data-testid=stMetric]", "[data-testid=stPlotlyChart]"
_DATA = {"classifier": CLASSIFIER, "images": IMAGES}
STATES = {
    "forget": ("/", _DATA, ()),
    "forget-done": ("/", {"run": FIRST}, (_CARD,)),
    "forget-failed": ("/", {"run": FAILED}, ("[data-testid=stAlert]",)),
    "forget-interrupted": ("/", {"run": INTERRUPTED}, ("[data-testid=stAlert]",)),
    "classes": ("/before_after", {"run": SECOND}, (_CARD, _CHART)),
    "transitions": ("/before_after", {"run": SECOND, "look": "Transitions"}, (_CARD, _CHART)),
    "confidence": ("/before_after", {"run": SECOND, "look": "Confidence"}, (_CARD, _CHART)),
    "map": ("/before_after", {"run": SECOND, "look": "Map"}, (_CARD, _CHART)),
    "layers": ("/before_after", {"run": SECOND, "look": "Layers"}, (_CARD, _CHART)),
    "weights": ("/weights", {"run": FIRST}, (_CHART,)),
    "attributions": ("/attributions", {"run": FIRST}, ()),
    "replay": ("/replay", {"run": FIRST}, (_CHART,)),
    "compare": ("/compare", {"run": FIRST, "runs": f"{FIRST},{OTHER}"}, (_CHART,)),
    "add": ("/add", {}, ()),
    "runs": ("/runs", {}, ("[data-testid=stDataFrame]",)),
}
"""Path, link and what has to be seen without scrolling on a projector."""

WITHOUT_A_RUN = ("before_after", "weights", "attributions", "replay", "compare", "runs")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app on a home with finished, failed and interrupted runs."""
    app, process = start_server(unpack(tmp_path_factory.mktemp("layout")))
    yield app
    stop_server(process)


@pytest.fixture(scope="module")
def empty_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app, process = start_server(tmp_path_factory.mktemp("empty"))
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
    window.goto(f"{app.url}{path}?{urlencode(link)}")
    settle(window)


@pytest.mark.parametrize("state", STATES)
def test_a_page_is_whole(app: App, window: Page, state: str) -> None:
    path, link, answer = STATES[state]
    visit(window, app, path, **link)
    assert below_the_fold(window, answer) == []
    assert look_everywhere(window) == []


def test_a_pick_and_a_run_under_way_are_whole(app: App, window: Page) -> None:
    visit(window, app, "/", **_DATA)
    window.locator(".cell").first.click()
    settle(window)
    assert look_everywhere(window) == []
    visit(window, app, "/", run=a_run_under_way(app.home))
    assert look_everywhere(window) == []


@pytest.mark.parametrize("page", WITHOUT_A_RUN)
def test_a_page_without_a_run_is_whole(empty_app: App, window: Page, page: str) -> None:
    visit(window, empty_app, f"/{page}")
    assert look_everywhere(window) == []


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
    cut = "\n".join(cut_off(window))
    for fault in ("the page: 1500 px", "Too wide", "Too long", "Too high", "Sideways", "Outside"):
        assert fault in cut, cut
    assert [one for one in barriers(window) if "Too pale" in one]


WRONG = """
<label style="display: block; width: 1500px">Too wide</label>
<button style="width: 60px; overflow: hidden; white-space: nowrap">Too long for it</button>
<h3 style="height: 8px; overflow: hidden">Too high</h3>
<div style="width: 90px; overflow-x: auto"><p style="width: 80px; margin-left: 70px">Sideways</p></div>
<div class="js-plotly-plot"><svg class="main-svg" width="50" height="20"><text x="40" y="12">Outside</text></svg></div>
<p style="color: #ccc; background: #fff">Too pale</p>
"""
