"""Weights: which are important for the pictures to forget, and which changed?"""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pages.shared.app_state import my_runs, store
from pages.shared.errors import show_error
from pages.shared.glossary import explained
from pages.shared.measurements import measured
from pages.shared.palette import CONFIG
from pages.shared.run_picker import describe, finished_run
from pages.shared.visitor import may_see
from pages.shared.words import two_decimals
from pages.weights.conv_filter_view import FILTER, filter_name, filter_view
from pages.weights.weight_figures import layers_figure, maps_figure, network_figure
from unlearn_core.artifacts.predictions import read_comparison
from unlearn_core.artifacts.weight_maps import (
    WeightMaps,
    layer_means,
    read_weight_maps,
    share_in_most_important,
)
from unlearn_core.catalog.entries import same_architecture
from unlearn_core.common.rank_correlation import rank_correlation
from unlearn_core.engine.looks import RetainImportanceRequest, WeightDifferenceRequest
from unlearn_core.errors import UserError
from unlearn_core.store.rows import Run

_LAYER, _INSIDE = "layer", "filters"
_BEFORE, _AGAINST = "before", "against"
_CHANGE, _DIFFERENCE = "Change", "Difference"
_RELATED = 0.3
"""Rank correlation from which importance and change are said to be related."""
_DRAWN = {"bars": "Layers", "importance": "Importance", "change": "Change"}


def page() -> None:
    """Draw all layers on the left and one of them on the right."""
    run = finished_run()
    if run is None:
        return
    try:
        maps = _read(str(store().folder(run.id)), run.id)
    except UserError as error:
        show_error(error)
        return
    names = _short(maps.layers)
    maps, other = _against_another(run, maps)
    _conclusion(maps, names, other)
    left, right = st.columns([5, 6], gap="large")
    with right:
        chosen = _choose_layer(maps, names)
        # One filter is looked at before and after this run: another run has no part in that.
        if not other and _one_filter():
            try:
                comparison = read_comparison(store().folder(run.id))
                filter_view(run, comparison, maps.layers[chosen], maps.change[chosen])
            except UserError as error:
                show_error(error)
        else:
            _inside(maps, chosen, other)
    with left:
        _layers(run, maps, names, chosen, other)


def _layers(run: Run, maps: WeightMaps, names: list[str], chosen: int, other: bool) -> None:
    st.markdown("##### All layers")
    importance, change = layer_means(maps)
    drawn = st.segmented_control(
        "Drawn as",
        list(_DRAWN),
        format_func=_DRAWN.__getitem__,
        default="bars",
        required=True,
        key="drawn",
        bind="query-params",
        label_visibility="collapsed",
    )
    if drawn == "bars":
        contrast = _contrast(run, maps)
        figure = layers_figure(
            names, importance, change, chosen, 340, contrast, title=_DIFFERENCE if other else _CHANGE
        )
        st.plotly_chart(
            figure, config=CONFIG, key="layers_figure", on_select=_open_layer, selection_mode="points"
        )
        st.caption(
            "Layers from input to output: click one to open it. Magenta: importance of the weights for the "
            "output on the pictures to forget, from 0 to 1 in each layer; a high mean says that many of its "
            "weights matter, not that they matter more. Orange: root-mean-square difference of the weights.",
            help=f"{explained('importance')}  \n{explained('change')}",
        )
    else:
        values = importance if drawn == "importance" else change
        figure = network_figure(names, maps.sizes, values, drawn == "importance", 340)
        st.plotly_chart(figure, config=CONFIG, key="network_figure")
        st.caption(
            "The area is the number of weights, the colour their importance for the pictures to forget "
            "or their change. Click a stage to zoom in, the bar above to zoom out."
        )
    table = pd.DataFrame(
        {
            "layer": maps.layers,
            "weights": maps.sizes,
            "importance": importance,
            "rms_difference" if other else "rms_change": change,
        }
    )
    st.download_button(
        "Layers as CSV",
        table.to_csv(index=False),
        f"layers-{run.id}.csv",
        "text/csv",
        icon=":material/download:",
    )


def _against_another(run: Run, maps: WeightMaps) -> tuple[WeightMaps, bool]:
    """Let the person choose what the weights are compared with.

    Returns:
        The maps with the difference from that, and whether it is another one than the classifier before.
    """
    own = run.parsed_request().classifier
    runs = {
        one.id: describe(one)
        for one in my_runs()
        if one.id != run.id and one.parsed_result() is not None and one.parsed_request().classifier == own
    }
    others = {entry.name: entry.title for entry in same_architecture(own) if may_see(entry.visitor)}
    if not runs and not others:
        return maps, False
    titles = {_BEFORE: "the classifier before this run"}
    titles |= {f"run:{one}": f"after {words}" for one, words in runs.items()}
    titles |= {f"classifier:{name}": title for name, title in others.items()}
    if st.session_state.setdefault(_AGAINST, st.query_params.get(_AGAINST)) not in titles:
        st.session_state[_AGAINST] = _BEFORE
    # Not bound to the link: that would hold names and times, which change, and are local.
    chosen = st.selectbox(
        "Weights after this run, compared with", list(titles), format_func=titles.__getitem__, key=_AGAINST
    )
    if chosen == _BEFORE:
        st.query_params.pop(_AGAINST, None)
        return maps, False
    st.query_params[_AGAINST] = chosen
    kind, _, name = chosen.partition(":")
    other = {"other_run": name} if kind == "run" else {"classifier": name}
    request = WeightDifferenceRequest(run.id, **other)
    try:
        found, _ = measured(request, "Comparing the weights …")
    except UserError as error:
        show_error(error)
        return maps, False
    return replace(maps, change=tuple(found[f"change_{number}"] for number in range(len(maps.layers)))), True


def _conclusion(maps: WeightMaps, names: list[str], other: bool) -> None:
    """Say what the figures show."""
    _, change = layer_means(maps)
    if not change.any():
        st.markdown("No weight differs.")
        return
    # Within the layers, as importance goes from 0 to 1 in each.
    pairs = zip(maps.importance, maps.change, strict=True)
    agree = float(np.nanmedian([rank_correlation(one, moved) for one, moved in pairs]))
    how = "more than" if agree > _RELATED else "less than" if agree < -_RELATED else "about as much as"
    moved, word = ("differs", "differ") if other else ("changed", "changed")
    st.markdown(
        f"**{names[int(change.argmax())]}** {moved} most. Within a layer, weights that matter much to the "
        f"pictures to forget {word} {how} others (rank correlation, median of the layers: "
        f"{two_decimals(agree)}).",
        help=explained("rank correlation"),
    )


def _contrast(run: Run, maps: WeightMaps) -> NDArray[np.float64] | None:
    """Return the mean importance of each layer for kept pictures if the person wants it, else None."""
    wanted = st.toggle(
        "Compare with the importance for kept pictures",
        key="contrast",
        bind="query-params",
        help="Where both depend on the same weights, forgetting costs accuracy on the kept pictures.",
    )
    if not wanted:
        return None
    try:
        found, _ = measured(RetainImportanceRequest(run.id), "Measuring the importance for kept pictures …")
    except UserError as error:
        show_error(error)
        return None
    layers = range(len(maps.layers))
    agree = [rank_correlation(maps.importance[one], found[f"importance_{one}"]) for one in layers]
    st.caption(f"Rank correlation of the two, mean over the layers: {two_decimals(float(np.nanmean(agree)))}")
    return np.array([found[f"importance_{one}"].mean(dtype=np.float64) for one in layers])


def _choose_layer(maps: WeightMaps, names: list[str]) -> int:
    """Let the person choose a layer, by default the most changed one."""
    _, change = layer_means(maps)
    st.markdown("##### One layer")
    name = st.selectbox(
        "Layer",
        [names[number] for number in np.argsort(-change, kind="stable")],
        key=_LAYER,
        bind="query-params",
        on_change=_forget_filter,
        label_visibility="collapsed",
    )
    return names.index(name)


def _open_layer() -> None:
    """Select the layer whose bar was clicked."""
    points = st.session_state["layers_figure"].selection.points
    if points:
        st.session_state[_LAYER] = points[0]["x"]
        _forget_filter()


def _forget_filter() -> None:
    """Deselect the filter: it belongs to another layer."""
    st.session_state.pop(FILTER, None)
    st.query_params.pop(FILTER, None)


def _open_filter() -> None:
    """Show the filter whose row was clicked.

    The URL is set as well: Streamlit does not do it for a widget that is not on the page yet.
    """
    points = st.session_state["maps_figure"].selection.points
    if points:
        st.session_state[FILTER] = points[0]["customdata"]
        st.query_params[FILTER] = filter_name(points[0]["customdata"])
        st.session_state[_INSIDE] = "one filter"


def _one_filter() -> bool:
    return (
        st.segmented_control(
            "Show",
            ["all filters", "one filter"],
            default=None if _INSIDE in st.session_state else "all filters",
            required=True,
            key=_INSIDE,
            bind="query-params",
            label_visibility="collapsed",
        )
        == "one filter"
    )


def _inside(maps: WeightMaps, chosen: int, other: bool) -> None:
    importance, change = maps.importance[chosen], maps.change[chosen]
    share = share_in_most_important(importance, change)
    first, second = st.columns(2)
    first.metric(
        "Rank correlation",
        two_decimals(rank_correlation(importance, change)),
        help=explained("rank correlation"),
    )
    second.metric(
        f"{_DIFFERENCE if other else _CHANGE} in the top 5%",
        "–" if math.isnan(share) else f"{share:.0f}%",
        help=explained("change in the top 5%"),
    )
    st.plotly_chart(
        maps_figure(importance, change, 300),
        config=CONFIG,
        key="maps_figure",
        on_select="ignore" if other else _open_filter,
        selection_mode="points",
    )
    filters, channels = importance.shape
    st.caption(
        f"{filters} filters (rows) × {channels} channels (columns): a stronger colour is a larger value. "
        + ("" if other else "Click a row to open that filter.")
    )


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(folder: str, run_id: str) -> WeightMaps:
    return read_weight_maps(store().folder(run_id))


def _short(layers: tuple[str, ...]) -> list[str]:
    """Return the names without the first part if all layers share it."""
    heads = {name.partition(".")[0] for name in layers}
    return [name.partition(".")[2] if len(heads) == 1 and "." in name else name for name in layers]


page()
