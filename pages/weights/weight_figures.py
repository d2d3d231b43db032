"""Figures of importance and change in the weights."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from pages.shared.palette import AFTER, FORGET, RETAIN, style
from unlearn_core.artifacts.weight_maps import pooled

_IMPORTANCE = [[0, "rgba(204, 42, 135, 0.06)"], [1, FORGET]]
_CHANGE = [[0, "rgba(224, 120, 11, 0.06)"], [1, AFTER]]
_WHOLE = "whole network"
# A name is legible only on an opaque colour.
_BOXES = {True: [[0, "#F6DDEA"], [1, FORGET]], False: [[0, "#FBE6CF"], [1, AFTER]]}


def layers_figure(
    layers: list[str],
    importance: NDArray[np.float64],
    change: NDArray[np.float64],
    chosen: int,
    height: int = 300,
    contrast: NDArray[np.float64] | None = None,
    *,
    title: str = "Change",
) -> go.Figure:
    """Draw mean importance and change of each layer, one above the other, in the order of the forward pass.

    Args:
        layers: names of n layers.
        importance: mean importance (n,), 0 to 1.
        change: root-mean-square change (n,).
        chosen: position of the selected layer; the others are drawn paler.
        height: in pixels.
        contrast: mean importance for kept pictures (n,), drawn between the two unless None.
        title: of `change`.
    """
    drawn = [("Importance for the pictures to forget", importance, FORGET, ".3f")]
    if contrast is not None:
        drawn.append(("Importance for kept pictures", contrast, RETAIN, ".3f"))
    drawn.append((title, change, AFTER, ".2e"))
    figure = make_subplots(
        rows=len(drawn),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.12,
        subplot_titles=[title for title, *_ in drawn],
    )
    opacity = [1.0 if number == chosen else 0.45 for number in range(len(layers))]
    for row, (_, values, colour, digits) in enumerate(drawn, start=1):
        figure.add_bar(
            x=layers,
            y=values,
            row=row,
            col=1,
            showlegend=False,
            marker={"color": colour, "opacity": opacity, "line_width": 0},
            hovertemplate="%{x}: %{y:" + digits + "}<extra></extra>",
        )
    figure.update_yaxes(rangemode="tozero", nticks=4, exponentformat="power")
    figure.update_xaxes(showticklabels=False)
    figure.update_xaxes(type="category", showticklabels=len(layers) <= 14, row=len(drawn), col=1)
    return _small_titles(style(figure, height))


def network_figure(
    layers: list[str],
    sizes: NDArray[np.int64],
    values: NDArray[np.float64],
    important: bool,
    height: int = 340,
) -> go.Figure:
    """Draw the whole network as nested boxes: stages hold layers, the area is the number of weights.

    Args:
        layers: dotted names of n layers.
        sizes: weights in each, (n,).
        values: for the colour, (n,), 0 or more; a stage gets the mean over its weights.
        important: whether `values` are importance (magenta) or change (orange).
        height: in pixels.
    """
    boxes: dict[str, list[int]] = {_WHOLE: list(range(len(layers)))}
    for number, name in enumerate(layers):
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            boxes.setdefault(".".join(parts[:depth]), []).append(number)
    weights = {box: int(sizes[inside].sum()) for box, inside in boxes.items()}
    shades = {}
    for box, inside in boxes.items():
        shades[box] = float((values[inside] * sizes[inside]).sum() / max(1, weights[box]))
    digits = ".3f" if important else ".2e"
    figure = go.Figure(
        go.Treemap(
            ids=list(boxes),
            labels=[box.rpartition(".")[2] for box in boxes],
            parents=["" if box == _WHOLE else box.rpartition(".")[0] or _WHOLE for box in boxes],
            values=list(weights.values()),
            branchvalues="total",
            marker={
                "colors": list(shades.values()),
                "colorscale": _BOXES[important],
                "cmin": float(values.min()) / 2,
                "cmax": float(values.max()) or 1.0,
                "line": {"width": 1, "color": "rgba(128, 136, 150, 0.6)"},
            },
            customdata=list(shades.values()),
            hovertemplate="%{id}: %{customdata:" + digits + "}, %{value:,} weights<extra></extra>",
        )
    )
    return style(figure, height).update_layout(margin={"t": 8})


def maps_figure(importance: NDArray[np.float32], change: NDArray[np.float32], height: int = 330) -> go.Figure:
    """Draw one layer's two maps side by side, filters downwards, channels across.

    An invisible bar over each row, with the filter's number as `customdata`, makes the row clickable.

    Args:
        importance: (filters, channels), 0 to 1; large layers are drawn as means over blocks.
        change: root-mean-square change (filters, channels).
        height: in pixels.
    """
    figure = make_subplots(
        rows=1,
        cols=2,
        shared_yaxes=True,
        horizontal_spacing=0.22,
        subplot_titles=["Importance", "Change"],
    )
    drawn = ((1, importance, _IMPORTANCE, 0.41, ".3f"), (2, change, _CHANGE, 1.0, ".2e"))
    filters, channels = change.shape
    for column, cells, colours, place, digits in drawn:
        shown = pooled(cells)
        down, across = filters / len(shown), channels / shown.shape[1]
        figure.add_heatmap(
            z=shown,
            y0=(down - 1) / 2,
            dy=down,
            x0=(across - 1) / 2,
            dx=across,
            colorscale=colours,
            zmin=0,
            zmax=float(shown.max()) or 1.0,
            row=1,
            col=column,
            colorbar={"x": place, "thickness": 10, "exponentformat": "power", "nticks": 5},
            hoverinfo="skip",
        )
        words = [f"{value:{digits}}" for value in cells.mean(1)]
        figure.add_bar(**_invisible_bars(channels, words), row=1, col=column)
    figure.update_layout(bargap=0)
    figure.update_yaxes(range=[filters - 0.5, -0.5], showgrid=False, zeroline=False)
    figure.update_xaxes(range=[-0.5, channels - 0.5], showgrid=False, zeroline=False, title="channel")
    figure.update_yaxes(title="filter", row=1, col=1)
    return _small_titles(style(figure, height))


def _invisible_bars(channels: int, words: list[str]) -> dict[str, Any]:
    """Return bars that make the rows of a map clickable: Plotly's heatmaps are not."""
    invisible = {"marker": {"opacity": 0}}
    filters = np.arange(len(words))
    return {
        "orientation": "h",
        "y": filters,
        "x": np.full(len(words), channels),
        "base": -0.5,
        "width": 1,
        "showlegend": False,
        **invisible,
        "selected": invisible,
        "unselected": invisible,
        "customdata": filters,
        "text": words,
        "textposition": "none",
        "hovertemplate": "filter %{customdata}: %{text} on average; click to open<extra></extra>",
    }


def _small_titles(figure: go.Figure) -> go.Figure:
    figure.update_annotations(font_size=13)
    return figure
