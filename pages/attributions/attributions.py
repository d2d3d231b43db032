"""Attributions: which pixels did a prediction depend on before, and which now?"""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

import streamlit as st

from pages.attributions.attribution_controls import Chosen, controls
from pages.attributions.attribution_grid import map_grid_html
from pages.attributions.attribution_rows import (
    UNKNOWN,
    Measured,
    Yardstick,
    forgotten_ids,
    map_rows,
    measure_maps,
    measure_more,
    measure_yardstick,
)
from pages.attributions.conclusion import conclusion, trust_words
from pages.attributions.sanity_view import show_sanity
from pages.shared.app_state import store
from pages.shared.attribution_pictures import MapRow, contact_sheet, maps_html
from pages.shared.errors import show_error
from pages.shared.explained_words import NO_ALGORITHM, side_of, what_is_explained
from pages.shared.run_picker import finished_run
from unlearn_core.artifacts.predictions import Comparison, read_comparison
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.registry import algorithm_entry, offered
from unlearn_core.measuring.attribution.request import AttributionRequest


def page() -> None:
    """Draw the controls, then a row for each picture and algorithm."""
    run = finished_run()
    if run is None:
        return
    if not offered(run.parsed_request().classifier):
        st.info(NO_ALGORITHM)
        return
    try:
        comparison = read_comparison(store().folder(run.id))
        _draw(comparison, controls(run, comparison))
    except UserError as error:
        show_error(error)


def _draw(comparison: Comparison, chosen: Chosen) -> None:
    """Draw the same pictures' maps, first without what takes longer."""
    sentence, verdicts, maps = st.empty(), st.container(), st.empty()
    requests, measured = [], []
    for one in chosen.requests:
        try:
            measured.append(measure_maps(one))
            requests.append(one)
        except UserError as error:
            # The other algorithms may work on this classifier.
            show_error(error)
    if not measured:
        return
    chosen = replace(chosen, requests=requests)
    side, channels = measured[0].shown.inputs.shape[2:]
    # Of several algorithms the first one that explains contrasts says most.
    first = next((place for place, one in enumerate(requests) if one.target == chosen.target), 0)
    shown, forgotten = measured[first].shown, forgotten_ids(comparison)
    title = algorithm_entry(requests[first].algorithm).title if len(requests) > 1 else ""
    sentence.markdown(conclusion(comparison, shown, forgotten, UNKNOWN, title))
    unknown = [UNKNOWN for _ in requests]
    _draw_maps(comparison, chosen, measured, unknown, maps)
    if chosen.trust or chosen.near:
        measured = [_with_more(comparison, chosen, *pair) for pair in zip(requests, measured, strict=True)]
        for found, name in zip(measured, _titles(chosen), strict=True):
            if found.quality is not None:
                verdicts.markdown(trust_words(found.quality, name if title else ""))
        _draw_maps(comparison, chosen, measured, unknown, maps)
    sticks = [
        measure_yardstick(comparison, request, one.shown)
        for request, one in zip(requests, measured, strict=True)
    ]
    grid = _draw_maps(comparison, chosen, measured, sticks, maps)
    sentence.markdown(conclusion(comparison, shown, forgotten, sticks[first], title))
    st.caption(_caption(chosen, len(sticks[0].kept), channels))
    if chosen.sanity:
        show_sanity(comparison, requests, side)
    _downloads(chosen, measured, grid)


def _with_more(
    comparison: Comparison, chosen: Chosen, request: AttributionRequest, maps: Measured
) -> Measured:
    try:
        return measure_more(comparison, request, maps, trust=chosen.trust, near=chosen.near)
    except UserError as error:
        # The maps are right without it.
        show_error(error)
        return maps


def _draw_maps(
    comparison: Comparison,
    chosen: Chosen,
    measured: Sequence[Measured],
    sticks: Sequence[Yardstick],
    place: st.delta_generator.DeltaGenerator,
) -> list[tuple[MapRow, ...]]:
    """Draw all maps at a place, and return them: a row for each picture, with one element per algorithm."""
    columns = [map_rows(comparison, one, stick) for one, stick in zip(measured, sticks, strict=True)]
    sides = [
        side_of(comparison, request.algorithm, one.shown)
        for request, one in zip(chosen.requests, measured, strict=True)
    ]
    grid = list(zip(*columns, strict=True))
    if len(columns) == 1:
        place.html(maps_html(columns[0], chosen.opacity, sides[0]))
    else:
        place.html(map_grid_html(grid, _titles(chosen), chosen.opacity, sides))
    return grid


def _titles(chosen: Chosen) -> list[str]:
    return [algorithm_entry(one.algorithm).title for one in chosen.requests]


def _caption(chosen: Chosen, kept: int, channels: int) -> str:
    """Return how to read the maps: their algorithm, what is explained, scale and numbers."""
    requests = chosen.requests
    words = [algorithm_entry(requests[0].algorithm).reading] if len(requests) == 1 else []
    words.append(what_is_explained(requests, chosen.target, channels))
    words.append(
        "Before, after and their difference (after − before) share one symmetric scale in each row: a paler "
        "map is weaker. Rank correlation and SSIM measure how similar before and after are: 1 is identical."
    )
    if kept:
        words.append(f"Kept: the median of {kept} kept pictures of this run.")
    return " ".join(one for one in words if one)


def _downloads(chosen: Chosen, measured: Sequence[Measured], grid: list[tuple[MapRow, ...]]) -> None:
    run_id, picture = chosen.requests[0].run_id, BytesIO()
    contact_sheet(grid, _titles(chosen), chosen.opacity).save(picture, "PNG")
    with st.container(horizontal=True):
        st.download_button(
            "Picture",
            picture.getvalue(),
            f"attributions-{run_id}.png",
            "image/png",
            icon=":material/download:",
        )
        if len(measured) == 1:
            st.download_button(
                "Maps (.npz)",
                measured[0].path.read_bytes(),
                f"attributions-{run_id}.npz",
                icon=":material/download:",
            )


page()
