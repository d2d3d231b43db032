"""The map of an image set in the classifier's feature space; draw a loop to pick."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from pages.forget.hover_pictures import hover_pictures
from pages.shared import selection
from pages.shared.class_captions import class_captions
from pages.shared.measurements import Arrays, measured
from pages.shared.palette import CONFIG, FORGET, class_colours, style
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.catalog.class_names import short_class_names
from unlearn_core.engine.looks import ImageMapRequest, NeighbourMapRequest

_COLOURS = {"class": "class", "confidence": "confidence", "loss": "loss", "prediction": "prediction"}
_LAYOUTS: dict[str, tuple[type[ImageMapRequest] | type[NeighbourMapRequest], str]] = {
    "spread": (ImageMapRequest, "Computing the features of every picture …"),
    "groups": (NeighbourMapRequest, "Grouping similar pictures; this takes some seconds once …"),
}
_TAKEN = "map_taken"
MOST_DOTS = 6000
_HEIGHT = 400


def image_map(
    classifier: str, images: str, table: ImageTable, table_key: str, positions: NDArray[np.intp]
) -> None:
    """Show the pictures at `positions` as dots; a loop or box around some adds them to the selection.

    `table_key` names the table's content.
    """
    with st.container(horizontal=True):
        colour = st.segmented_control(
            "Coloured by",
            list(_COLOURS),
            default="class",
            required=True,
            key="map_colour",
            label_visibility="collapsed",
        )
        layout = st.segmented_control(
            "Layout",
            list(_LAYOUTS),
            default="spread",
            required=True,
            key="map_layout",
            label_visibility="collapsed",
            help="**Spread**: the first two principal components of the features (PCA), at once. **Groups**: "
            "similar pictures together (t-SNE), after some seconds; distances between groups mean little.",
        )
    request, waiting = _LAYOUTS[str(layout)]
    places, _ = measured(request(classifier, images), waiting)
    drawn = positions[:MOST_DOTS]
    event = st.plotly_chart(
        map_figure(table, places, drawn, colour, selection.picked()),
        config=CONFIG,
        key="image_map",
        on_select="rerun",
        selection_mode=("lasso", "box"),
    )
    hover_pictures("image_map", table, drawn, table_key)
    st.caption(
        "Each dot is a picture, close to those with similar features. Draw a loop or a box to pick; magenta "
        "rings are picked."
    )
    looped = [int(point["customdata"]) for point in event.selection.points if "customdata" in point]
    # The event stays the same until the next loop: only a new one is used.
    if not looped:
        st.session_state.pop(_TAKEN, None)
    elif st.session_state.get(_TAKEN) != looped:
        st.session_state[_TAKEN] = looped
        selection.pick(dict.fromkeys([*selection.picked(), *looped]))
        st.rerun()


def features_of(classifier: str, images: str) -> Arrays:
    """Return the features of every picture; a worker computes them the first time."""
    return measured(ImageMapRequest(classifier, images), "Computing the features of every picture …")[0]


def map_figure(
    table: ImageTable, places: Arrays, positions: NDArray[np.intp], colour: str, picked: Sequence[int]
) -> go.Figure:
    """Draw one dot per picture.

    Args:
        table: of the image set.
        places: `ids` (n,) and `places` (n, 2), of the same pictures in the same order.
        positions: in the table, of the pictures to draw.
        colour: "class", "prediction", "confidence" or "loss".
        picked: ids of the pictures to ring.
    """
    at = places["places"][np.searchsorted(places["ids"], table.ids[positions])]
    names = short_class_names(table.class_names)
    words = [
        f"{names[table.labels[one]]}, id {table.ids[one]}, confidence {100 * table.confidences[one]:.0f}%"
        for one in positions
    ]
    figure = go.Figure()
    figure.add_scattergl(
        x=at[:, 0],
        y=at[:, 1],
        customdata=table.ids[positions].tolist(),
        text=words,
        mode="markers",
        marker={"size": 6, "opacity": 0.8, **_marker(table, positions, colour)},
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    ringed = np.isin(table.ids[positions], list(picked))
    figure.add_scattergl(
        x=at[ringed, 0],
        y=at[ringed, 1],
        mode="markers",
        marker={"size": 9, "color": "rgba(0,0,0,0)", "line": {"color": FORGET, "width": 1.5}},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.update_layout(dragmode="lasso")
    if colour in ("class", "prediction"):
        figure.update_layout(annotations=class_captions(at, _classes(table, colour)[positions], names))
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False)
    return style(figure, _HEIGHT)


def _classes(table: ImageTable, colour: str) -> NDArray[np.int64]:
    return table.labels if colour == "class" else table.predictions


def _marker(table: ImageTable, positions: NDArray[np.intp], colour: str) -> dict[str, object]:
    if colour in ("class", "prediction"):
        return {"color": class_colours(_classes(table, colour)[positions])}
    values = 100 * table.confidences if colour == "confidence" else np.log10(table.losses + 1e-6)
    title = "%" if colour == "confidence" else "log₁₀ loss"
    return {
        "color": values[positions],
        "colorscale": "Viridis",
        "showscale": True,
        "colorbar": {"title": title, "thickness": 10},
    }
