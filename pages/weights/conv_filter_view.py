"""One filter: its kernels, the pictures it responds to, and the effect of undoing its change."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shared.image_tables import place_of, table_of_run
from pages.shared.measurements import Arrays, measured
from pages.shared.thumbnails import Captioned, show_pictures
from unlearn_core.artifacts.attribution_maps import common_scale, overlay
from unlearn_core.artifacts.predictions import Comparison
from unlearn_core.engine.looks import FilterRequest
from unlearn_core.store.rows import Run

FILTER = "filter"
"""Key of the chosen filter's number."""

_IN_A_ROW = 3


def filter_name(number: int) -> str:
    """Return the name of a filter on the page and in the URL."""
    return f"filter {number}"


def filter_view(run: Run, comparison: Comparison, layer: str, change: NDArray[np.float32]) -> None:
    """Let the person choose a filter of the layer, by default the most changed one, and draw it.

    `change` is the layer's root-mean-square change, (filters, channels).
    """
    moved = np.sqrt(np.square(change, dtype=np.float64).mean(1))
    number = st.selectbox(
        "Filter",
        np.argsort(-moved, kind="stable").tolist(),
        format_func=filter_name,
        key=FILTER,
        bind="query-params",
        help="Sorted by change, largest first.",
    )
    found, _ = measured(FilterRequest(run.id, layer, int(number)), "Measuring this filter …")
    rank = int((moved > moved[number]).sum()) + 1
    st.caption(f"Mean change {moved[number]:.1e} per weight: rank {rank} of {len(moved)} in this layer.")
    _undone(comparison, run, found)
    first, second = st.columns(2)
    with first:
        st.caption("Most changed kernels: before above after; orange positive, blue negative.")
        _kernels(found)
    with second:
        st.caption("Pictures with the strongest response: before, then after.")
        for when in ("before", "after"):
            show_pictures([_picture(run, int(one)) for one in found[f"strongest_{when}"][:_IN_A_ROW]])


def _undone(comparison: Comparison, run: Run, found: Arrays) -> None:
    labels = found["labels"]
    known, back = (int((found[f"{prefix}classes"] == labels).sum()) for prefix in ("", "undone_"))
    kept = ""
    if not np.isnan(found["retain"]):
        kept = (
            f"; accuracy on a sample of kept pictures: {found['retain']:.1f}% → {found['undone_retain']:.1f}%"
        )
    are = "is" if back == 1 else "are"
    st.markdown(
        f"If only this filter's change is undone, **{back}** of {len(labels)} forgotten pictures {are} "
        f"recognised (now {known}){kept}."
    )
    changed = np.flatnonzero(found["classes"] != found["undone_classes"])[:6]
    if len(changed):
        show_pictures(
            [
                Captioned(
                    _thumbnail(run, int(found["ids"][one])),
                    f"{comparison.short_name(found['classes'][one])} → "
                    f"{comparison.short_name(found['undone_classes'][one])}",
                    f"{100 * found['undone_tops'][one]:.0f}%",
                )
                for one in changed
            ]
        )


def _kernels(found: Arrays) -> None:
    before, after = found["kernels_before"][:_IN_A_ROW], found["kernels_after"][:_IN_A_ROW]
    scale = common_scale(before, after)
    paper = np.full((*before.shape[1:], 1), 255, np.uint8)
    for when, kernels in (("before", before), ("after", after)):
        show_pictures(
            [
                Captioned(overlay(paper, kernel, scale, 1.0), f"channel {channel}", when)
                for channel, kernel in zip(found["channels"].tolist(), kernels, strict=False)
            ]
        )


def _picture(run: Run, picture: int) -> Captioned:
    return Captioned(_thumbnail(run, picture), f"id {picture}", "")


def _thumbnail(run: Run, picture: int) -> NDArray[np.uint8]:
    table = table_of_run(run)
    return table.thumbnails[place_of(table, picture, run.parsed_request().images)]
