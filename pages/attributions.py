"""Attributions: what in the picture did the classifier look at before, and what does it look at now?"""

from io import BytesIO
from pathlib import Path

import numpy as np
import streamlit as st

from pages.parts.app_state import store
from pages.parts.attribution_grid import map_grid_html
from pages.parts.attribution_pictures import MapRow, contact_sheet, maps_html
from pages.parts.attribution_settings import attribution_settings
from pages.parts.door import show
from pages.parts.measured import Arrays, measured
from pages.parts.neighbour_rows import neighbour_rows
from pages.parts.run_picker import finished_run
from pages.parts.telling import chosen_ids, telling_pictures
from pages.parts.try_again import show_failure
from unlearn_core.errors import UserError
from unlearn_core.measuring.algorithms import Settings, algorithm_entry, offered, switched_off
from unlearn_core.measuring.attribution_maps import Attributions, read_attributions
from unlearn_core.measuring.comparison import EARLIER, FORGET, Comparison, read_comparison
from unlearn_core.runs.store import Run

_TARGETS = {"label": "its old label", "new": "its new prediction"}
_MOST_ALGORITHMS = 4


def page() -> None:
    """Draw the controls, then a row for each picture and algorithm."""
    run = finished_run()
    if run is None:
        return
    try:
        comparison = read_comparison(store().folder(run.id))
        algorithms, target, opacity, text = _controls(run, comparison)
        ids = chosen_ids(text) or telling_pictures(comparison)
        with st.container(horizontal=True, vertical_alignment="center"):
            trust, near = _switches()
            settings = attribution_settings(algorithms)
        _draw(run, comparison, ids, algorithms, target, settings, opacity, trust, near)
    except UserError as error:
        show_failure(error)


def _switches() -> tuple[bool, bool]:
    """Let the person ask for more than the maps; both cost some seconds."""
    trust = st.toggle(
        "How far can these maps be trusted?",
        key="trust",
        bind="query-params",
        help="**Infidelity**: how badly a map foretells what small noise does to the score. "
        "**Sensitivity**: how much the map changes with tiny changes of the picture. "
        "**Gap**: the share of the score that maps which should add up to it miss. All are 0 at best.",
    )
    near = st.toggle(
        "With adversarial neighbours",
        key="neighbours",
        bind="query-params",
        help="Of each forgotten picture, one that looks the same to us, but that the classifier before took "
        "for its second choice: how near that border was, and whether it still stands.",
    )
    return trust, near


def _controls(run: Run, comparison: Comparison) -> tuple[list[str], str, float, str]:
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
        help=f"Not offered on this classifier:\n{off}",
    )
    classes = [str(number) for number in range(len(comparison.class_names))]
    target = second.selectbox(
        "What speaks for …",
        [*_TARGETS, *classes],
        format_func=lambda one: _TARGETS.get(one) or comparison.short_name(int(one)),
        key="target",
        bind="query-params",
        help="The class whose score is explained: the same before and after.",
    )
    text = fourth.text_input(
        "Pictures",
        key="pictures",
        bind="query-params",
        placeholder="ids, such as 3, 14; empty: telling ones",
    )
    opacity = third.slider("Map over picture", 0, 100, 70, format="%d %%", key="opacity")
    chosen = algorithms or on[:1]
    if len(chosen) == 1:
        st.caption(algorithm_entry(chosen[0]).reading)
    return chosen, target, opacity / 100, text


def _draw(
    run: Run,
    comparison: Comparison,
    ids: list[int],
    algorithms: list[str],
    target: str,
    settings: Settings,
    opacity: float,
    trust: bool,
    near: bool,
) -> None:
    shown: dict[str, Attributions] = {}
    quality: dict[str, Arrays] = {}
    path = Path()
    for algorithm in algorithms:
        asked = {
            "run_id": run.id,
            "ids": tuple(ids),
            "algorithm": algorithm,
            "target": target,
            "settings": settings,
        }
        title = algorithm_entry(algorithm).title
        _, path = measured("attributions", f"{title}: asking both classifiers …", **asked)
        shown[algorithm] = read_attributions(path)
        if trust:
            quality[algorithm], _ = measured("attribution_quality", f"{title}: testing the maps …", **asked)
    forgotten = [one for one in ids if one in _forgotten(comparison)] if near else []
    neighbours = {
        name: neighbour_rows(run.id, comparison, forgotten, name, settings)
        for name in (shown if forgotten else ())
    }
    grid = []
    for number, one in enumerate(ids):
        grid.append([_row(comparison, maps, number, quality.get(name)) for name, maps in shown.items()])
        if one in forgotten:
            grid.append([neighbours[name][one] for name in shown])
    if len(shown) == 1:
        st.html(maps_html([row[0] for row in grid], opacity))
    else:
        st.html(map_grid_html(grid, [algorithm_entry(name).title for name in shown], opacity))
    st.caption(
        "Before and after share one symmetric scale in each row, and so does their difference "
        "(after − before): a paler map is a weaker one. Rank correlation and SSIM say how alike the two are: "
        "1 is the same."
    )
    picture = BytesIO()
    titles = [algorithm_entry(name).title for name in shown]
    contact_sheet(grid, titles, opacity).save(picture, "PNG")
    with st.container(horizontal=True):
        st.download_button(
            "Picture",
            picture.getvalue(),
            f"attributions-{run.id}.png",
            "image/png",
            icon=":material/download:",
        )
        if len(shown) == 1:
            st.download_button(
                "Maps (.npz)",
                path.read_bytes(),
                f"attributions-{run.id}.npz",
                icon=":material/download:",
            )


def _forgotten(comparison: Comparison) -> set[int]:
    own = (comparison.image_set == 0) & (comparison.group == FORGET)
    return set(comparison.ids[own].tolist())


def _row(comparison: Comparison, shown: Attributions, number: int, quality: Arrays | None) -> MapRow:
    """Return one picture's maps by one algorithm with what is known of them in words."""
    own = (comparison.image_set == 0) & (comparison.ids == shown.ids[number])
    position = int(np.flatnonzero(own)[0])
    old, new = comparison.before[position], comparison.after[position]
    named = {FORGET: "to forget", EARLIER: "forgotten earlier"}
    kind = named.get(int(comparison.group[position]), "kept" if old == new else "flipped")
    words = (
        comparison.short_name(old)
        if old == new
        else f"{comparison.short_name(old)} → {comparison.short_name(new)}"
    )
    small = f"id {shown.ids[number]}, {kind}; explained: {comparison.short_name(shown.targets[number])}"
    numbers = [
        ("rank correlation", _number(shown.rank_correlation[number])),
        ("SSIM", _number(shown.similarity[number])),
    ]
    if quality is not None:
        for name in ("infidelity", "sensitivity", "gap"):
            old_value, new_value = (quality[f"{when}_{name}"][number] for when in ("before", "after"))
            if not np.isnan(old_value):
                numbers.append((name, f"{_number(old_value)} → {_number(new_value)}"))
    return MapRow(
        shown.inputs[number], shown.before[number], shown.after[number], words, small, tuple(numbers)
    )


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}".replace("-", "−")


show(page)
