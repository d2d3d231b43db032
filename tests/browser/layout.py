"""Measures a page as it is shown: is anything cut off, and can everybody read and reach it?"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PROJECTOR, PHONE = (1024, 768), (390, 844)
"""Width and height of the windows, in CSS pixels."""

_FAULTS = Path(__file__).with_name("layout_faults.js").read_text(encoding="utf-8")
_PATIENCE = 30.0
"""Seconds."""

_Options = Mapping[str, Any]
_ALL_RULES: _Options = {"resultTypes": ["violations"]}
_COLOURS: _Options = {**_ALL_RULES, "runOnly": ["color-contrast"]}
_NO_COLOURS: _Options = {**_ALL_RULES, "rules": {"color-contrast": {"enabled": False}}}
_LOOKS: tuple[tuple[str, tuple[int, int], _Options | None], ...] = (
    ("light", PROJECTOR, _ALL_RULES),
    ("light", PHONE, _NO_COLOURS),
    ("dark", PHONE, None),
    ("dark", PROJECTOR, _COLOURS),
)
"""Theme, size and what axe checks there: colours are the same at both sizes, all else in both themes."""
_GRAVE = ("serious", "critical")


def look_everywhere(page: Page) -> list[str]:
    """Return what is wrong with a page in both sizes and both themes, as sentences.

    A page is resized and recoloured where it is: opening it anew would take several times as long.
    """
    found = []
    for scheme, (width, height), options in _LOOKS:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": height})
        faults = cut_off(page) + ([] if options is None else barriers(page, options))
        found += [f"{scheme}, {width} px: {fault}" for fault in faults]
    page.emulate_media(color_scheme="light")
    return found


def cut_off(page: Page, seconds: float = _PATIENCE) -> list[str]:
    """Return what is cut off in the window as it is, once charts had time to follow its size."""
    page.wait_for_timeout(100)
    return _until_none(page, lambda: list(page.evaluate(_FAULTS)), seconds)


def barriers(page: Page, options: _Options = _ALL_RULES) -> list[str]:
    """Return axe-core's serious and critical findings; nothing of Streamlit's own is left out."""
    found = Axe().run(page, options=dict(options)).response["violations"]
    grave = [one for one in found if one["impact"] in _GRAVE]
    return [f"{one['id']}: {node['html'][:160]}" for one in grave for node in one["nodes"]]


def below_the_fold(page: Page, selectors: tuple[str, ...]) -> list[str]:
    """Return those selectors whose first element is not wholly in the window without scrolling."""
    return _until_none(page, lambda: _hidden(page, selectors), _PATIENCE)


def _until_none(page: Page, look: Callable[[], list[str]], seconds: float) -> list[str]:
    """Look again until nothing is found: what is drawn late, or follows a change of size, is no fault."""
    end = time.monotonic() + seconds
    while (faults := look()) and time.monotonic() < end:
        page.wait_for_timeout(300)
    return faults


def _hidden(page: Page, selectors: tuple[str, ...]) -> list[str]:
    _, height = PROJECTOR
    hidden = []
    for selector in selectors:
        found = page.locator(selector).filter(visible=True)
        box = found.first.bounding_box() if found.count() else None
        seen = box is not None and box["y"] >= 0 and box["y"] + box["height"] <= height
        if not seen:
            hidden.append(f"{selector}: {box and round(box['y'] + box['height'])} of {height} px")
    return hidden
