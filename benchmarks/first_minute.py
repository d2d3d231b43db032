"""How long a person waits: for the first picture, after a click, for another page.

    OMP_NUM_THREADS=1 python -m benchmarks.first_minute [--repeats 10] [--json]

A real browser (Playwright's Chromium) on the app, on a home of its own, which is new in every repeat:

* cold: from the start of the server's process to the first picture of the gallery in a window, and beside it
  the same for a Streamlit app of one line, the least that any can need (Python's bytecode is there, as
  `make app` leaves it);
* click: workers warm, from pressing Forget with sixteen random digits picked to the first number on the page
  that was computed for this run, with the cold click right after the first picture beside it;
* forgotten: from pressing Forget, once the page shows look-alikes of the pick, until it says that all is
  forgotten, just enough; sixteen random digits, one, and one photo;
* page: from a click in the navigation until the page stands, pages opened before.

It needs the test requirements.
"""

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.running import Case, Result, arguments, carry_out, markdown
from tests.browser.conftest import launch, start_command, start_server, stop_server
from tests.browser.steps import open_tab, settle

EMPTY = "Streamlit app of one line, cold"
GOALS = {
    "first picture, cold": 3.0,
    EMPTY: None,
    "click to movement, cold": 3.0,
    "click to movement": 1.0,
    "16 digits forgotten": 5.0,
    "1 digit forgotten": 2.0,
    "1 photo forgotten": 5.0,
    "page": 0.5,
}
PAGES = ("Before / after", "Weights", "Runs", "Attributions", "Forget")
MOVED = r"\([\d,]+ of [\d,]+\)|may change … \d|of 16 forgotten · step [1-9]"
"""What only this run can have computed: look-alikes made so far, or weights measured, or a step."""
PICTURE = """
[document, ...[...document.querySelectorAll('*')].map(one => one.shadowRoot)].some(
  one => one?.querySelector('.cell')?.checkVisibility())
"""
"""Asked at every frame of the browser: Playwright's locators may look only twice a second."""

SETTLED = (
    "document.querySelector('[data-testid=stApp]').getAttribute('data-test-script-state') == 'notRunning'"
)


def measure(case: Case) -> Result:
    """Return the seconds of one repeat, by what a person waits for; of pages one for each."""
    with TemporaryDirectory(prefix="unlearn-first-") as home, sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        empty = _empty(browser, Path(home))
        start = time.perf_counter()
        app, process = start_server(Path(home) / "home")
        try:
            page = _open(browser, app.url)
            page.wait_for_function(PICTURE)
            cold = time.perf_counter() - start
            cold_click = _click(page)
            _finished(page)
            warm_click = _click(page)
            _finished(page)
            pages = list(_switches(page))
            forgotten = {
                "16 digits forgotten": [_forgotten(page, 16)],
                "1 digit forgotten": [_forgotten(page, 1)],
                "1 photo forgotten": [_forgotten(page, 1, "Photos · EfficientNet-Lite0")],
            }
            seconds = {
                "first picture, cold": [cold],
                EMPTY: [empty],
                "click to movement, cold": [cold_click],
                "click to movement": [warm_click],
                **forgotten,
                "page": pages,
            }
        finally:
            stop_server(process)
            browser.close()
    return {"seconds": seconds, "repeat": case["repeat"]}


def _empty(browser: Browser, folder: Path) -> float:
    """Return the seconds until an app that shows one element stands in a window."""
    (folder / "empty.py").write_text(
        "import streamlit as st; st.html('<p class=cell>Here</p>')", encoding="utf-8"
    )
    command = [sys.executable, "-m", "streamlit", "run", "empty.py", "--server.address", "127.0.0.1"]
    start = time.perf_counter()
    app, process = start_command(command, folder, folder, os.environ)
    try:
        page = _open(browser, app.url)
        page.wait_for_function(PICTURE)
        seconds = time.perf_counter() - start
        # It would go on asking for its server.
        page.context.close()
        return seconds
    finally:
        stop_server(process)


def _open(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    page.set_default_timeout(300_000)
    page.goto(url)
    return page


def _click(page: Page) -> float:
    """Pick sixteen digits, press Forget, and return the seconds until something moved."""
    _pick(page, 16)
    start = time.perf_counter()
    page.locator(".st-key-forget button").click()
    page.wait_for_function("moved => document.body.innerText.match(moved)", arg=MOVED)
    return time.perf_counter() - start


def _pick(page: Page, number: int, classifier: str | None = None) -> None:
    """Pick random pictures, to be forgotten just enough."""
    page.locator(".st-key-yourself button, .st-key-new button").first.click()
    settle(page)
    if classifier is not None:
        page.get_by_role("combobox", name="Classifier").click()
        page.get_by_role("option", name=classifier).click()
        settle(page)
    page.get_by_text("Just enough", exact=True).click()
    settle(page)
    how_many = page.get_by_role("spinbutton", name="How many")
    how_many.fill(str(number))
    how_many.press("Enter")
    settle(page)
    page.get_by_role("button", name="random").click()
    page.locator(".st-key-forget button", has_text=re.compile(rf"Forget {number} pictures?$")).wait_for()
    settle(page)


def _forgotten(page: Page, number: int, classifier: str | None = None) -> float:
    """Pick, wait for the look-alikes, press Forget, and return the seconds until all is forgotten."""
    _pick(page, number, classifier)
    page.get_by_text("Some of the").first.wait_for()
    settle(page)
    start = time.perf_counter()
    page.locator(".st-key-forget button").click()
    said = rf"{number} of {number} forgotten|no longer recognised"
    page.wait_for_function("said => document.body.innerText.match(said)", arg=said)
    seconds = time.perf_counter() - start
    _finished(page)
    return seconds


def _finished(page: Page) -> None:
    page.locator(".st-key-new button").first.wait_for()
    settle(page)


def _switches(page: Page) -> Iterator[float]:
    """Yield the seconds of a switch to each page, opened once before."""
    for title in PAGES:
        open_tab(page, title)
    for title in PAGES:
        link = page.get_by_test_id("stTopNavLink").filter(has_text=re.compile(f"{title}$")).first
        start = time.perf_counter()
        link.click()
        page.wait_for_function(
            f"title => document.querySelector('[data-testid=stTopNavLink][aria-current=page]')"
            f"?.innerText.endsWith(title) && {SETTLED}",
            arg=title,
        )
        yield time.perf_counter() - start
        settle(page)


def table(results: list[Result]) -> str:
    """Return the results as Markdown."""
    rows = []
    for what, goal in GOALS.items():
        values = [one for result in results for one in result["seconds"][what]]
        last = quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
        rows.append([what, f"{median(values):.2f}", f"{last:.2f}", str(len(values)), f"{goal or '–'}"])
    return markdown(["what", "p50, s", "p95, s", "n", "goal, s"], rows)


def main() -> None:
    """Run what is missing and print the table, or the results with `--json`."""
    parser = arguments(__doc__, "first_minute")
    parser.add_argument("--repeats", type=int, default=10)
    asked = parser.parse_args()
    carry_out(asked, [{"repeat": number} for number in range(asked.repeats)], measure, table)


if __name__ == "__main__":
    main()
