"""Figures of what forgetting changed in the predictions."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from pages.shared.palette import AFTER, BEFORE, GRID, TEST, style
from unlearn_core.artifacts.never_seen import NeverSeen

MOST_CLASSES = 20


def class_figure(
    names: list[str], before: NDArray[np.floating], after: NDArray[np.floating], height: int = 330
) -> go.Figure:
    """Draw each class's percentage before and after as two points on a line.

    Args:
        names: of n classes.
        before: percent (n,).
        after: percent (n,).
        height: in pixels.
    """
    figure = go.Figure()
    for name, old, new in zip(names, before, after, strict=True):
        figure.add_scatter(
            x=[old, new],
            y=[name, name],
            mode="lines",
            line={"color": GRID, "width": 4},
            hoverinfo="skip",
            showlegend=False,
        )
    for title, values, colour, symbol in (
        ("before", before, BEFORE, "circle"),
        ("after", after, AFTER, "diamond"),
    ):
        figure.add_scatter(
            x=values,
            y=names,
            mode="markers",
            name=title,
            marker={"color": colour, "size": 11, "symbol": symbol},
            hovertemplate="%{y}: %{x:.1f}% " + title + "<extra></extra>",
        )
    lowest = min(before.min(initial=100), after.min(initial=100))
    figure.update_xaxes(range=[max(-2, lowest - 3), 101.5], ticksuffix="%")
    figure.update_yaxes(type="category", autorange="reversed", dtick=1)
    return style(figure, height)


def unseen_figure(
    names: list[str],
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    unseen: NeverSeen,
    height: int = 330,
) -> go.Figure:
    """Draw each picture's confidence before and after, and the mean one of classifiers that never saw it.

    Args:
        names: of n pictures.
        before: percent (n,).
        after: percent (n,).
        unseen: what such classifiers say of these pictures.
        height: in pixels.
    """
    figure = class_figure(names, before, after, height)
    asked = len(unseen.logits)
    figure.add_scatter(
        x=100 * unseen.confidences().mean(0),
        y=names,
        mode="markers",
        name="if never trained on",
        # A ring: it often lies around the dot before.
        marker={"color": TEST, "size": 15, "symbol": "circle-open", "line": {"width": 2.5}},
        customdata=np.round(asked * unseen.recognised()).astype(int),
        hovertemplate="%{y}: %{x:.1f}% if never trained on; recognised by %{customdata} of "
        + f"{asked}<extra></extra>",
    )
    figure.update_xaxes(range=[-4, 105], tickvals=[0, 20, 40, 60, 80, 100])
    return figure


def most_changed(
    classes: NDArray[np.int64], before: NDArray[np.float64], after: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Return the positions of the classes to draw: the most changed ones, `MOST_CLASSES` at most."""
    if len(classes) <= MOST_CLASSES:
        return np.arange(len(classes))
    changed = np.flatnonzero(before != after)
    order = np.argsort(-np.abs(after - before)[changed], kind="stable")
    return np.sort(changed[order[:MOST_CLASSES]])
