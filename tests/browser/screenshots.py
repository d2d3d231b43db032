"""Makes docs/screens: `python -m pytest tests/browser/screenshots.py`; no part of `make test`.

Every page with finished runs on the digits, in both themes, as a laptop and as a projector show it.
"""

import json
import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, App, OpenPage
from tests.browser.steps import settle

SCREENS = ROOT / "docs" / "screens"
SIZES = {"laptop": {"width": 1366, "height": 768}, "projector": {"width": 1920, "height": 1080}}
PAGES = (
    *("", "before_after?look=Map", "weights", "attributions", "replay", "replay?view=Dial"),
    *("compare", "add", "runs"),
)


@pytest.fixture(scope="module")
def run(app: App) -> str:
    """The link's run: anchor on sixteen digits; random labels on the same stand beside it on Compare."""
    found = []
    for method in ("random-labels", "anchor"):
        command = [sys.executable, "-m", "unlearn_core", "forget", "--pick", "random:16", "--json"]
        environment = {**os.environ, "UNLEARN_HOME": str(app.home)}
        command += ["--method", method]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout)["run"])
    return found[1]


@pytest.mark.parametrize("path", PAGES)
def test_take_a_picture(open_page: OpenPage, run: str, path: str) -> None:
    SCREENS.mkdir(exist_ok=True)
    link = f"/{path}{'&' if '?' in path else '?'}run={run}"
    name = "dial" if "Dial" in path else path.partition("?")[0].replace("_", "-") or "forget"
    for scheme in ("light", "dark"):
        page = open_page(link, scheme)
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            settle(page)
            page.wait_for_timeout(1500)
            settle(page)
            expect(page.locator('[data-testid="stException"]')).to_have_count(0)
            page.screenshot(path=SCREENS / f"{name}-{scheme}-{size}.png")
        page.context.close()
