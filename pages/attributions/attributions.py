"""Attributions: which pixels did a prediction depend on before, and which now?"""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import streamlit as st

from pages.attributions.attribution_grid import map_grid_html
from pages.attributions.attribution_settings import attribution_settings
from pages.attributions.neighbour_rows import neighbour_rows
from pages.shared.app_state import show_error, store
from pages.shared.attribution_pictures import MapRow, contact_sheet, maps_html
from pages.shared.measurements import measured_as
from pages.shared.picture_choice import choose_pictures, enter_ids
from pages.shared.run_picker import finished_run
from pages.shared.words import FORGET_SET, two_decimals
from unlearn_core.artifacts.attribution_maps import Attributions, read_attributions
from unlearn_core.artifacts.attribution_quality import AttributionQuality, read_attribution_quality
from unlearn_core.artifacts.predictions import EARLIER, FORGET, Comparison, read_comparison
from unlearn_core.engine.looks import AttributionMapsRequest, AttributionQualityRequest
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.registry import algorithm_entry, offered, switched_off
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.store.rows import Run

_TARGETS = {"label": "its old label", "new": "its new prediction"}
_MOST_ALGORITHMS = 4


def page() -> None:
    """Draw the controls, then a row for each picture and algorithm."""
    run = finished_run()
    if run is None:
        return
    try:
        comparison = read_comparison(store().folder(run.id))
        algorithms, target, opacity, wanted = _controls(run, comparison)
        ids = wanted or choose_pictures(comparison)
        with st.container(horizontal=True, vertical_alignment="center"):
            trust, near = _switches()
            settings = attribution_settings(algorithms)
        requests = [
            AttributionRequest.parse(run.id, ids, name, target, algorithm_entry(name).own(settings))
            for name in algorithms
        ]
        _draw(comparison, requests, opacity, trust=trust, near=near)
    except UserError as error:
        show_error(error)


def _switches() -> tuple[bool, bool]:
    """Let the person switch on two slower measurements: the maps' quality, and adversarial neighbours."""
    trust = st.toggle(
        "How far can these maps be trusted?",
        key="trust",
        bind="query-params",
        help="**Infidelity**: error in predicting from the map how small noise changes the score. "
        "**Sensitivity**: how much the map changes with tiny changes of the picture. "
        "**Convergence delta**: the share of the score that is missing from the sum of the map. "
        "0 is best for all three.",
    )
    near = st.toggle(
        "With adversarial neighbours",
        key="neighbours",
        bind="query-params",
        help="For each forgotten picture, one that looks the same to us but that the original classifier "
        "predicts as its second most likely class: how close it is, and what is predicted for it now.",
    )
    return trust, near


def _controls(run: Run, comparison: Comparison) -> tuple[list[str], str, float, list[int]]:
    first, second, third, fourth = st.columns([4, 3, 2, 3], vertical_alignment="bottom")
    classifier = run.parsed_request().classifier
    off = "\n".join(f"* {title}: {reason}" for title, reason in switched_off(classifier))
    on = [entry.name for entry in offered(classifier)]
    algorithms = first.multiselect(
        "Algorithms",
        on,
        default=on[:1],
        format_func=lambda name: algorithm_entry(name).title,
        max_selections=_MOST_ALGORITHMS,
        key="algorithms",
        bind="query-params",
        placeholder="choose one or more",
        help=f"Not available for this classifier:\n{off}",
    )
    classes = [str(number) for number in range(len(comparison.class_names))]
    target = second.selectbox(
        "Explained class",
        [*_TARGETS, *classes],
        format_func=lambda one: _TARGETS.get(one) or comparison.short_name(int(one)),
        key="target",
        bind="query-params",
        help="The class whose score the maps explain, the same before and after.",
    )
    opacity = third.slider("Opacity of the map", 0, 100, 70, format="%d %%", key="opacity")
    chosen = algorithms or on[:1]
    if len(chosen) == 1:
        st.caption(algorithm_entry(chosen[0]).reading)
    return chosen, target, opacity / 100, enter_ids(fourth)


def _draw(
    comparison: Comparison,
    requests: list[AttributionRequest],
    opacity: float,
    *,
    trust: bool,
    near: bool,
) -> None:
    """Draw the same pictures' maps, one request per algorithm."""
    titles = [algorithm_entry(one.algorithm).title for one in requests]
    columns = []
    for request in requests:
        rows, path = _rows(comparison, request, trust, near)
        columns.append(rows)
    grid = list(zip(*columns, strict=True))
    if len(requests) == 1:
        st.html(maps_html(columns[0], opacity))
    else:
        st.html(map_grid_html(grid, titles, opacity))
    st.caption(
        "Before, after and their difference (after − before) share one symmetric scale in each row: a paler "
        "map is weaker. Rank correlation and SSIM measure how similar before and after are: 1 is identical."
    )
    picture = BytesIO()
    contact_sheet(grid, titles, opacity).save(picture, "PNG")
    with st.container(horizontal=True):
        st.download_button(
            "Picture",
            picture.getvalue(),
            f"attributions-{request.run_id}.png",
            "image/png",
            icon=":material/download:",
        )
        if len(requests) == 1:
            st.download_button(
                "Maps (.npz)",
                path.read_bytes(),
                f"attributions-{request.run_id}.npz",
                icon=":material/download:",
            )


def _rows(
    comparison: Comparison, request: AttributionRequest, trust: bool, near: bool
) -> tuple[list[MapRow], Path]:
    """Return a row for each picture, with `near` its neighbour's below it, and the maps' file."""
    title = algorithm_entry(request.algorithm).title
    asked = AttributionMapsRequest(request)
    shown, path = measured_as(read_attributions, asked, f"{title}: computing maps before and after …")
    quality = None
    if trust:
        quality, _ = measured_as(
            read_attribution_quality,
            AttributionQualityRequest(request),
            f"{title}: measuring quality …",
        )
    forgotten = tuple(one for one in request.ids if one in _forgotten(comparison)) if near else ()
    neighbours = neighbour_rows(comparison, replace(request, ids=forgotten)) if forgotten else {}
    rows = []
    for number, one in enumerate(request.ids):
        rows.append(_row(comparison, shown, number, quality))
        if one in neighbours:
            rows.append(neighbours[one])
    return rows, path


def _forgotten(comparison: Comparison) -> set[int]:
    own = (comparison.image_set == 0) & (comparison.group == FORGET)
    return set(comparison.ids[own].tolist())


def _row(
    comparison: Comparison, shown: Attributions, number: int, quality: AttributionQuality | None
) -> MapRow:
    """Return one picture's maps by one algorithm, with prediction and measurements in words."""
    own = (comparison.image_set == 0) & (comparison.ids == shown.ids[number])
    position = int(np.flatnonzero(own)[0])
    old, new = comparison.before[position], comparison.after[position]
    named = {FORGET: FORGET_SET.title, EARLIER: "forgotten earlier"}
    kind = named.get(int(comparison.group[position]), "unchanged" if old == new else "flipped")
    words = (
        comparison.short_name(old)
        if old == new
        else f"{comparison.short_name(old)} → {comparison.short_name(new)}"
    )
    small = f"id {shown.ids[number]}, {kind}; explained: {comparison.short_name(shown.targets[number])}"
    numbers = [
        ("rank correlation", two_decimals(shown.rank_correlation[number])),
        ("SSIM", two_decimals(shown.similarity[number])),
    ]
    if quality is not None:
        before, after = quality.before, quality.after
        for name, old_values, new_values in (
            ("infidelity", before.infidelity, after.infidelity),
            ("sensitivity", before.sensitivity, after.sensitivity),
            ("convergence delta", before.convergence_delta, after.convergence_delta),
        ):
            if not np.isnan(old_values[number]):
                numbers.append(
                    (name, f"{two_decimals(old_values[number])} → {two_decimals(new_values[number])}")
                )
    return MapRow(
        shown.inputs[number], shown.before[number], shown.after[number], words, small, tuple(numbers)
    )


page()
