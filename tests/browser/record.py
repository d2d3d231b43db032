"""Makes docs/demo.webp: `python -m tests.browser.record`; no part of `make test`.

Ten seconds of the real app: sixteen digits are picked and forgotten, then the maps of old label against new
prediction are shown. A run takes longer than that, so of its pictures only some are kept.
"""

import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ROOT, launch, start_server, stop_server
from tests.browser.steps import open_tab, settle

DEMO = ROOT / "docs" / "demo.webp"
SIZE = {"width": 1200, "height": 740}
WIDTH = 880
FORGETTING = 26
"""Frames kept of the run."""

Frame = tuple[Image.Image, int]
"""A picture and for how many milliseconds it stands."""


def picture(page: Page) -> Image.Image:
    """Return the window as it is now, smaller."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return shot.resize((WIDTH, round(WIDTH * shot.height / shot.width)), Image.Resampling.LANCZOS)


def film(page: Page) -> list[Frame]:
    """Go through the demo and return its frames."""
    page.locator(".cell").first.wait_for()
    page.locator(".st-key-yourself button").click()
    settle(page)
    frames = [(picture(page), 900)]
    page.get_by_role("button", name="random").click()
    page.locator(".st-key-forget button", has_text="Forget 16 pictures").wait_for()
    settle(page)
    frames.append((picture(page), 1200))
    page.locator(".st-key-forget button").click()
    run = []
    while not page.get_by_text(re.compile("no longer recognised")).count():
        run.append(picture(page))
        page.wait_for_timeout(100)
    places = {round(number * (len(run) - 1) / (FORGETTING - 1)) for number in range(FORGETTING)}
    frames += [(run[place], 150) for place in sorted(places)]
    settle(page)
    frames.append((picture(page), 1600))
    open_tab(page, "Attributions")
    page.wait_for_timeout(1500)
    settle(page)
    frames.append((picture(page), 3000))
    return frames


def main() -> None:
    """Record the demo and write it."""
    with TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        app, process = start_server(Path(home) / "home")
        try:
            page = browser.new_context(viewport=SIZE, color_scheme="light").new_page()  # type: ignore[arg-type]
            page.set_default_timeout(300_000)
            page.goto(app.url)
            pictures, durations = zip(*film(page), strict=True)
        finally:
            stop_server(process)
            browser.close()
    pictures[0].save(
        DEMO,
        save_all=True,
        append_images=pictures[1:],
        duration=list(durations),
        loop=0,
        quality=70,
        method=6,
    )
    print(f"{DEMO.relative_to(ROOT)}: {DEMO.stat().st_size / 1e6:.1f} MB, {sum(durations) / 1000:.1f} s")


if __name__ == "__main__":
    main()
