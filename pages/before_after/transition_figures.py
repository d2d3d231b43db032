"""Figures of predictions, confidence and features before and after."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from pages.shared.class_captions import class_captions
from pages.shared.measurements import Arrays
from pages.shared.palette import AFTER, BEFORE, FORGET, GRID, RETAIN, TEST, style
from pages.shared.words import FORGET_SET, RETAIN_SET, TEST_SET
from unlearn_core.artifacts.predictions import FORGET as FORGET_GROUP
from unlearn_core.artifacts.predictions import RETAIN as RETAIN_GROUP
from unlearn_core.artifacts.predictions import TEST as TEST_GROUP
from unlearn_core.artifacts.predictions import Comparison, Transitions
from unlearn_core.common.counted import counted

GROUP_COLOURS = {FORGET_GROUP: FORGET, RETAIN_GROUP: RETAIN, TEST_GROUP: TEST}
_MOST_DOTS = 1500
_MOST_NAMES = 14
"""Of layers, one below another: more would overlap."""


def transition_figure(found: Transitions, names: Sequence[str], height: int = 340) -> go.Figure:
    """Draw predictions before (rows) × after (columns) as dots whose area is the number of pictures.

    A dot's `customdata` holds the class before and after.
    """
    kept, moved = found.before == found.after, found.before != found.after
    figure = go.Figure()
    for chosen, title, colour in ((kept, "as before", BEFORE), (moved, "changed", AFTER)):
        counts = found.counts[chosen]
        figure.add_scatter(
            x=[names[one] for one in found.after[chosen]],
            y=[names[one] for one in found.before[chosen]],
            customdata=np.stack([found.before[chosen], found.after[chosen]], 1).tolist(),
            text=[counted(count) for count in counts.tolist()],
            name=title,
            mode="markers",
            marker={"color": colour, "size": _dot_sizes(counts, found.counts), "line": {"width": 0}},
            hovertemplate="%{y} → %{x}: %{text}<extra></extra>",
        )
    order = [names[one] for one in found.classes]
    figure.update_xaxes(title="predicted after", type="category", categoryorder="array", categoryarray=order)
    figure.update_yaxes(
        title="predicted before",
        type="category",
        categoryorder="array",
        categoryarray=order,
        autorange="reversed",
    )
    figure.update_layout(clickmode="event+select")
    return style(figure, height)


def _dot_sizes(counts: NDArray[np.int64], every: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return diameters from 7 to 26 pixels that grow with the logarithm, so that one picture still shows."""
    top = np.log1p(every.max(initial=1))
    return 7 + 19 * np.log1p(counts) / top


def confidence_figure(comparison: Comparison, height: int = 340) -> go.Figure:
    """Draw each picture's confidence in its label before (across) and after (up)."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line={"color": GRID, "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )
    drawn = ((RETAIN_GROUP, RETAIN_SET, 6), (TEST_GROUP, TEST_SET, 6), (FORGET_GROUP, FORGET_SET, 10))
    for group, words, size in drawn:
        title = words.name
        inside = comparison.in_group(group)[:: max(1, len(comparison.in_group(group)) // _MOST_DOTS)]
        figure.add_scatter(
            x=100 * comparison.before_confidences[inside],
            y=100 * comparison.after_confidences[inside],
            customdata=comparison.ids[inside],
            name=title,
            mode="markers",
            marker={"color": GROUP_COLOURS[group], "size": size, "opacity": 0.6 if size < 10 else 1},
            hovertemplate="id %{customdata}: %{x:.0f}% → %{y:.0f}%<extra>" + title + "</extra>",
        )
    figure.update_xaxes(title="confidence before", range=[-4, 104], ticksuffix="%")
    figure.update_yaxes(title="after", range=[-4, 104], ticksuffix="%")
    return style(figure, height).update_layout(legend_itemsizing="constant")


def moves_figure(comparison: Comparison, drift: Arrays, height: int = 340) -> go.Figure:
    """Draw the pictures in the plane of features, with lines from before to after for those that changed.

    Args:
        comparison: of the run.
        drift: as `measuring.representation.drift` writes it.
        height: in pixels.
    """
    positions = drift["positions"]
    before, after = drift["before"], drift["after"]
    flipped = comparison.before[positions] != comparison.after[positions]
    forgotten = comparison.group[positions] == FORGET_GROUP
    figure = go.Figure()
    rest = ~flipped & ~forgotten
    figure.add_scatter(**_dots(comparison, positions, after, rest, title="unchanged", colour=BEFORE, size=4))
    for chosen, title, colour in (
        (flipped & ~forgotten, "changed", RETAIN),
        (forgotten, FORGET_SET.name, FORGET),
    ):
        figure.add_scatter(
            x=_segments(before[chosen, 0], after[chosen, 0]),
            y=_segments(before[chosen, 1], after[chosen, 1]),
            mode="lines",
            line={"color": colour, "width": 1},
            opacity=0.55,
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(**_dots(comparison, positions, after, chosen, title=title, colour=colour, size=8))
    names = [comparison.short_name(one) for one in range(len(comparison.class_names))]
    captions = class_captions(after[rest], comparison.after[positions][rest], names)
    figure.update_layout(annotations=captions)
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False)
    return style(figure, height)


def _dots(
    comparison: Comparison,
    positions: NDArray[np.int64],
    places: NDArray[np.float32],
    chosen: NDArray[np.bool_],
    *,
    title: str,
    colour: str,
    size: int,
) -> dict[str, Any]:
    inside = positions[chosen]
    words = [
        f"id {comparison.ids[one]}: {comparison.short_name(comparison.before[one])} → "
        f"{comparison.short_name(comparison.after[one])}"
        for one in inside
    ]
    return {
        "x": places[chosen, 0],
        "y": places[chosen, 1],
        "text": words,
        "name": title,
        "mode": "markers",
        "marker": {"color": colour, "size": size, "opacity": 0.5 if size < 8 else 0.95},
        "hovertemplate": "%{text}<extra></extra>",
    }


def _segments(start: NDArray[np.float32], end: NDArray[np.float32]) -> list[float | None]:
    """Return coordinates of separate lines from each start to its end."""
    return [value for pair in zip(start.tolist(), end.tolist(), strict=True) for value in (*pair, None)]


def layers_alike_figure(drift: Arrays, height: int = 340) -> go.Figure:
    """Draw the similarity (linear CKA) of each layer's representation before and after, from the top."""
    figure = go.Figure()
    names = [name.removeprefix("network.") for name in drift["layers"].tolist()]
    figure.add_scatter(
        x=drift["cka"],
        y=names,
        mode="lines+markers",
        line={"color": AFTER, "width": 2},
        marker={"size": 8},
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        showlegend=False,
    )
    # Dots, unlike bars, need no zero: most layers lie near 1.
    known = drift["cka"][~np.isnan(drift["cka"])]
    lowest = min([0.9, *(known - 0.05)])
    figure.update_xaxes(title="similarity of before and after (CKA)", range=[lowest, 1.01])
    figure.update_yaxes(type="category", autorange="reversed", dtick=max(1, -(-len(names) // _MOST_NAMES)))
    return style(figure, height)
