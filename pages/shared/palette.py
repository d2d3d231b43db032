"""Colours and layout of every chart."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

FORGET = "#CC2A87"
RETAIN = "#0E9384"
TEST = "#64809F"
BEFORE = "#868C95"
AFTER = "#E0780B"

# Half transparent, so that one colour is legible on white and on near-black.
GRID = "rgba(128, 136, 150, 0.25)"

CLASSES = (
    "#4C78A8",
    "#F58518",
    "#54A24B",
    "#B279A2",
    "#9D755D",
    "#72B7B2",
    "#EECA3B",
    "#8C8FD9",
    "#FF9DA6",
    "#9A9A9A",
)
"""Of classes; distinguishable on white and on near-black."""

CONFIG = {"displaylogo": False, "toImageButtonOptions": {"format": "svg"}}
"""For `st.plotly_chart`: the toolbar's camera saves an SVG file."""


def class_colours(labels: NDArray[np.integer]) -> list[str]:
    """Return a colour for each label; from the eleventh class on they repeat."""
    return [CLASSES[label % len(CLASSES)] for label in labels.tolist()]


def style(figure: go.Figure, height: int = 280) -> go.Figure:
    """Set the common layout, transparent with narrow margins and the legend above; return the figure.

    The text's colour is left to Streamlit's Plotly theme, which follows light and dark.
    """
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 32, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 13},
        hovermode="closest",
        modebar={"bgcolor": "rgba(0,0,0,0)"},
        legend={"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
    )
    figure.update_xaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True)
    return figure
