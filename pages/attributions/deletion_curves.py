"""Deletion and insertion curves before and after, small enough to stand beside a picture's maps."""

import numpy as np
from numpy.typing import NDArray

from pages.shared.palette import AFTER, BEFORE
from unlearn_core.artifacts.attribution_quality import TENTHS

_WIDTH, _HEIGHT = 84, 40
_FIGURES = (
    (
        "emptied",
        "Deletion: probability while the pixels that the map ranks first are emptied, tenth by tenth",
    ),
    ("shown", "Insertion: probability while only the pixels that the map ranks first are shown"),
)


def curves_html(deletion: NDArray[np.float64], insertion: NDArray[np.float64]) -> str:
    """Return two small figures, (2, `TENTHS` + 1) each: before in grey, after in orange."""
    return (
        '<span class="curves">'
        + "".join(
            f"<figure>{_svg(curves, said)}<figcaption>{name}</figcaption></figure>"
            for (name, said), curves in zip(_FIGURES, (deletion, insertion), strict=True)
        )
        + "</span>"
    )


def _svg(curves: NDArray[np.float64], said: str) -> str:
    lines = "".join(
        f'<polyline points="{_points(curve)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for curve, colour in zip(curves, (BEFORE, AFTER), strict=True)
    )
    half = _HEIGHT / 2
    return (
        f'<svg viewBox="0 -2 {_WIDTH} {_HEIGHT + 4}" width="{_WIDTH}" height="{_HEIGHT + 4}" role="img">'
        f"<title>{said}; before grey, after orange; dashed: one half</title>"
        f'<path d="M0 {half} H{_WIDTH}" stroke="#888" stroke-width="0.7" stroke-dasharray="3 3"/>'
        f'<path d="M0 0 V{_HEIGHT} H{_WIDTH}" stroke="#888" fill="none"/>{lines}</svg>'
    )


def _points(curve: NDArray[np.float64]) -> str:
    return " ".join(
        f"{_WIDTH * tenth / TENTHS:.1f},{_HEIGHT * (1 - value):.1f}" for tenth, value in enumerate(curve)
    )


def decisive_tenth(curve: NDArray[np.float64]) -> str:
    """Return the tenth of a deletion curve, (`TENTHS` + 1,), that takes most, such as "1st, 99 → 12 %"."""
    tenth = int(np.diff(curve).argmin())
    ending = {0: "st", 1: "nd", 2: "rd"}.get(tenth, "th")
    return f"{tenth + 1}{ending}, {100 * curve[tenth]:.0f} → {100 * curve[tenth + 1]:.0f} %"
