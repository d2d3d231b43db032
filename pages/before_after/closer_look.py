"""Detailed charts of what a run changed: by class, by confidence, inside the classifier."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.before_after.change_figures import MOST_CLASSES, class_figure, most_changed, unseen_figure
from pages.before_after.transition_figures import (
    confidence_figure,
    layers_alike_figure,
    moves_figure,
    transition_figure,
)
from pages.shared.measurements import Arrays, measured
from pages.shared.palette import CONFIG
from pages.shared.words import FORGET_SET, RETAIN_SET, TEST_SET
from unlearn_core.artifacts.never_seen import NeverSeen
from unlearn_core.artifacts.predictions import FORGET, RETAIN, TEST, Comparison, class_changes, transitions
from unlearn_core.engine.looks import DriftRequest
from unlearn_core.store.rows import Run

_LOOKS = {
    "classes": "Classes",
    "transitions": "Transitions",
    "confidence": "Confidence",
    "unseen": "If never trained on",
    "map": "Map",
    "layers": "Layers",
}
_GROUPS = {FORGET_SET.name: FORGET, RETAIN_SET.name: RETAIN, TEST_SET.name: TEST}
_HEIGHT = 270


def closer_look(run: Run, comparison: Comparison, unseen: NeverSeen | None) -> tuple[int, int, int] | None:
    """Let the person choose a chart and draw it; `unseen` is of D_f.

    Returns:
        Group, class before and class after of the dot clicked in the transitions, None if there is none.
    """
    # Pills stand well in two lines too.
    look = st.pills(
        "Chart",
        [name for name in _LOOKS if name != "unseen" or unseen is not None],
        format_func=_LOOKS.__getitem__,
        default="classes",
        required=True,
        key="look",
        bind="query-params",
        label_visibility="collapsed",
    )
    if look == "transitions":
        return _transitions(comparison)
    if look == "classes":
        _classes(comparison)
    elif look == "confidence":
        st.plotly_chart(confidence_figure(comparison, _HEIGHT), config=CONFIG, key="confidence_figure")
        st.caption(
            "Each dot is a picture: confidence in its label before and after. Below the line the confidence "
            "decreased."
        )
    elif look == "unseen" and unseen is not None:
        _unseen(comparison, unseen)
    elif look == "map":
        figure = moves_figure(comparison, drift_of(run), _HEIGHT)
        st.plotly_chart(figure, config=CONFIG, key="moves_figure")
        st.caption(
            "Features before the last layer, on the two principal components of those before forgetting. A "
            "line starts where a picture was and ends at its dot, where it is now."
        )
    else:
        figure = layers_alike_figure(drift_of(run), _HEIGHT)
        st.plotly_chart(figure, config=CONFIG, key="alike_figure")
        st.caption("1: the layer's representation is unchanged. The further left, the more it changed.")
    return None


def drift_of(run: Run) -> Arrays:
    """Return how the representations changed; a worker measures it the first time."""
    return measured(DriftRequest(run.id), "Comparing the representations before and after …")[0]


def nearest_first(positions: NDArray[np.intp], drift: Arrays) -> NDArray[np.intp]:
    """Return positions sorted by distance to the nearest forgotten picture; unmeasured ones come last."""
    distance = dict(zip(drift["positions"].tolist(), drift["distance"].tolist(), strict=True))
    order = np.argsort([distance.get(one, np.inf) for one in positions.tolist()], kind="stable")
    return positions[order]


def _present(comparison: Comparison, names: list[str]) -> list[str]:
    return [name for name in names if len(comparison.in_group(_GROUPS[name]))]


def _transitions(comparison: Comparison) -> tuple[int, int, int] | None:
    present = _present(comparison, list(_GROUPS))
    name = st.segmented_control(
        "Pictures of the",
        present,
        default=present[0],
        required=True,
        key="moved_group",
        bind="query-params",
        label_visibility="collapsed",
    )
    found = transitions(comparison, _GROUPS[name])
    names = [comparison.short_name(one) for one in range(len(comparison.class_names))]
    event = st.plotly_chart(
        transition_figure(found, names, _HEIGHT),
        config=CONFIG,
        key=f"transition_figure_{name}",
        on_select="rerun",
        selection_mode="points",
    )
    st.caption(
        "Orange: the prediction changed. A larger dot stands for more pictures. Click a dot to see them."
    )
    points = event.selection.points
    if not points:
        return None
    old, new = points[0]["customdata"][:2]
    return _GROUPS[name], int(old), int(new)


def _unseen(comparison: Comparison, unseen: NeverSeen) -> None:
    """Draw the forgotten pictures that are furthest from what classifiers without them say."""
    inside = comparison.in_group(FORGET)
    apart = np.abs(comparison.after_confidences[inside] - unseen.confidences().mean(0))
    drawn = inside[np.argsort(-apart, kind="stable")[:MOST_CLASSES]]
    part = unseen.of(comparison.ids[drawn])
    assert part is not None
    names = [f"{comparison.short_name(comparison.labels[one])} · id {comparison.ids[one]}" for one in drawn]
    before, after = comparison.before_confidences[drawn], comparison.after_confidences[drawn]
    figure = unseen_figure(names, 100 * before, 100 * after, part, _HEIGHT)
    st.plotly_chart(figure, config=CONFIG, key="unseen_figure")
    st.caption(
        "Confidence in the label of each forgotten picture. The ring is the mean of classifiers that were "
        "trained without the picture. Near 100% the picture is typical: a classifier recognises it even if "
        "it never saw it. Near 0% it is a hard one, which classifiers recognise only if they saw it."
    )
    if len(drawn) < len(inside):
        st.caption(f"The {len(drawn)} of {len(inside)} whose orange mark is furthest from the ring.")


def _classes(comparison: Comparison) -> None:
    present = _present(comparison, [TEST_SET.name, RETAIN_SET.name])
    if not present:
        st.caption("There are no other pictures to compare classes on.")
        return
    name = st.segmented_control(
        "Pictures of the",
        present,
        default=present[0],
        required=True,
        key="class_group",
        bind="query-params",
        label_visibility="collapsed",
    )
    classes, before, after = class_changes(comparison, _GROUPS[name])
    drawn = most_changed(classes, before, after)
    if not len(drawn):
        st.caption(f"No class changed among the pictures {name}.")
        return
    names = [comparison.short_name(int(one)) for one in classes[drawn]]
    figure = class_figure(names, before[drawn], after[drawn], _HEIGHT)
    st.plotly_chart(figure, config=CONFIG, key="classes_figure")
    st.caption("Each line is a class: grey before, orange after. A longer line is a larger change.")
