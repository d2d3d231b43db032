"""Deletion and insertion curves before and after, small enough to stand beside a picture's maps."""

import base64

import numpy as np
from numpy.typing import NDArray

from pages.shared.palette import AFTER, BEFORE
from unlearn_core.artifacts.attribution_quality import TENTHS

_WIDTH, _HEIGHT = 84, 40
_FIGURES = (
    (
        "emptied",
        "Probability while the pixels that the map ranks first are emptied, tenth by tenth",
    ),
    ("shown", "Probability while only the pixels that the map ranks first are shown"),
)
CURVES_STYLE = f"""
<style>
.curves {{ display: flex; gap: 10px; }}
.curves figure {{ margin: 0; font-size: 11.5px; line-height: 1.2; }}
.curves figure img {{ width: {_WIDTH}px; height: {_HEIGHT + 4}px; border-radius: 0; display: block; }}
</style>
"""


def curves_html(deletion: NDArray[np.float64], insertion: NDArray[np.float64]) -> str:
    """Return two small figures, (2, `TENTHS` + 1) each: before in grey, after in orange."""
    figures = "".join(
        f'<figure><img src="{_svg_uri(curves)}" alt="{said}: before grey, after orange" title="{said}">'
        f"<figcaption>{name}</figcaption></figure>"
        for (name, said), curves in zip(_FIGURES, (deletion, insertion), strict=True)
    )
    return f'<span class="curves">{figures}</span>'


def _svg_uri(curves: NDArray[np.float64]) -> str:
    """Return an SVG as a data URI: Streamlit removes it as an element."""
    lines = "".join(
        f'<polyline points="{_points(curve)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for curve, colour in zip(curves, (BEFORE, AFTER), strict=True)
    )
    half = _HEIGHT / 2
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -2 {_WIDTH} {_HEIGHT + 4}">'
        f'<path d="M0 {half} H{_WIDTH}" stroke="#888" stroke-width="0.7" stroke-dasharray="3 3"/>'
        f'<path d="M0 0 V{_HEIGHT} H{_WIDTH}" stroke="#888" fill="none"/>{lines}</svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _points(curve: NDArray[np.float64]) -> str:
    return " ".join(
        f"{_WIDTH * tenth / TENTHS:.1f},{_HEIGHT * (1 - value):.1f}" for tenth, value in enumerate(curve)
    )


def decisive_tenth(curve: NDArray[np.float64]) -> str:
    """Return the tenth of a deletion curve, (`TENTHS` + 1,), that takes most, such as "1st, 99 → 12%"."""
    tenth = int(np.diff(curve).argmin())
    ending = {0: "st", 1: "nd", 2: "rd"}.get(tenth, "th")
    return f"{tenth + 1}{ending}, {100 * curve[tenth]:.0f} → {100 * curve[tenth + 1]:.0f}%"
