"""Measures a page as it is shown: is anything cut off, and can everybody read and reach it?"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PROJECTOR, PHONE = (1024, 768), (390, 844)
"""Width and height of the windows, in CSS pixels."""

_FAULTS = Path(__file__).with_name("layout_faults.js").read_text(encoding="utf-8")
_PATIENCE = 10
"""Looks, a third of a second apart, until charts have followed a change of size."""

_ALL_RULES: Mapping[str, Any] = {"resultTypes": ["violations"]}
_COLOURS: Mapping[str, Any] = {**_ALL_RULES, "runOnly": ["color-contrast"]}
_GRAVE = ("serious", "critical")

STREAMLIT_OWN: Mapping[str, str] = {}
"""Of what axe finds in Streamlit's own components: the rule, and a selector of the component it lies in."""


def look_everywhere(page: Page) -> list[str]:
    """Return what is wrong with a page in both sizes and both themes, as sentences.

    A page is resized and recoloured where it is: opening it anew would take several times as long.
    """
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width, height in (PROJECTOR, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            where = f"{scheme}, {width} px: "
            found += [where + fault for fault in cut_off(page)]
            # Colours alone differ between the themes, and they are the same at both sizes.
            if scheme == "light" or width == PROJECTOR[0]:
                found += [where + one for one in barriers(page, _ALL_RULES if scheme == "light" else _COLOURS)]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": PROJECTOR[0], "height": PROJECTOR[1]})
    return found


def cut_off(page: Page) -> list[str]:
    """Return what is cut off in the window as it is, once charts had time to follow its size."""
    faults: list[str] = []
    for _ in range(_PATIENCE):
        page.wait_for_timeout(300)
        faults = page.evaluate(_FAULTS)
        if not faults:
            break
    return faults


def barriers(page: Page, options: Mapping[str, Any] = _ALL_RULES) -> list[str]:
    """Return axe-core's serious and critical findings, but for those of `STREAMLIT_OWN`."""
    found = Axe().run(page, options=dict(options)).response["violations"]
    sentences = []
    for violation in found:
        for node in violation["nodes"] if violation["impact"] in _GRAVE else ():
            own = STREAMLIT_OWN.get(violation["id"])
            if own is None or not _lies_in(page, node["target"][-1], own):
                sentences.append(f"{violation['id']}: {node['html'][:160]}")
    return sentences


def _lies_in(page: Page, target: str, component: str) -> bool:
    inside = f"document.querySelector({json.dumps(target)})?.closest({json.dumps(component)})"
    return bool(page.evaluate(f"Boolean({inside})"))


def below_the_fold(page: Page, selectors: tuple[str, ...]) -> list[str]:
    """Return those selectors whose first element is not wholly in the window without scrolling."""
    _, height = PROJECTOR
    hidden = []
    for selector in selectors:
        box = page.locator(selector).first.bounding_box()
        seen = box is not None and box["y"] >= 0 and box["y"] + box["height"] <= height
        if not seen:
            hidden.append(f"{selector}: {box and round(box['y'] + box['height'])} of {height} px")
    return hidden
