"""What a person chooses on the page Attributions."""

from dataclasses import dataclass

import streamlit as st

from pages.attributions.attribution_settings import attribution_settings
from pages.shared.explained_words import target_of
from pages.shared.followed_pictures import choose_followed
from pages.shared.picture_choice import choose_pictures
from unlearn_core.artifacts.predictions import Comparison
from unlearn_core.measuring.attribution.registry import algorithm_entry, offered, switched_off
from unlearn_core.measuring.attribution.request import CONTRAST, AttributionRequest
from unlearn_core.store.rows import Run

_TARGETS = {
    CONTRAST: "old rather than new",
    "label": "its old label",
    "new": "its new prediction",
}
_NOTHING = ""
_FLIPPED = "flipped_to_pictures"
_MOST_ALGORITHMS = 4
_MOST_PICTURES = 12


@dataclass(frozen=True)
class Chosen:
    """The choices of a person.

    Attributes:
        requests: one per algorithm, all for the same pictures.
        target: chosen for all algorithms; those without a sign may explain another one.
        opacity: of the maps, 0 to 1; None: the pictures instead of their maps.
        trust: whether to measure the quality of the maps.
        near: whether to search for adversarial neighbours.
        sanity: whether to show maps of shuffled weights.
    """

    requests: list[AttributionRequest]
    target: str
    opacity: float | None
    trust: bool
    near: bool
    sanity: bool


def controls(run: Run, comparison: Comparison) -> Chosen:
    """Draw all controls and return what is chosen; ids that are none raise `UserError`."""
    first, second, third, fourth = st.columns([4, 3, 2, 3], vertical_alignment="bottom")
    with first:
        algorithms = _algorithms(run)
    classes = [str(number) for number in range(len(comparison.class_names))]
    target = second.selectbox(
        "Explained",
        [*_TARGETS, *classes],
        format_func=lambda one: _TARGETS.get(one) or comparison.short_name(int(one)),
        key="target",
        bind="query-params",
        help="The score that the maps explain, the same before and after. The first choice is the difference "
        "of two scores: that of the old label, less that of what is predicted now.",
    )
    opacity = third.slider("Opacity of the map", 0, 100, 70, format="%d%%", key="opacity")
    ids = choose_followed(fourth, run, comparison, _MOST_PICTURES) or choose_pictures(comparison)
    with st.container(horizontal=True, vertical_alignment="center"):
        if target in classes:
            target = _against(comparison, target, classes)
        trust, sanity, near = _switches()
        settings = attribution_settings(algorithms)
        st.button(
            "Picture or map",
            key="flip",
            icon=":material/flip:",
            shortcut="p",
            on_click=_flip,
            type="tertiary",
        )
    requests = [
        AttributionRequest.parse(
            run.id, ids, name, target_of(name, target), algorithm_entry(name).own(settings)
        )
        for name in algorithms
    ]
    shown = None if st.session_state.get(_FLIPPED) else opacity / 100
    return Chosen(requests, target, shown, trust=trust, near=near, sanity=sanity)


def _flip() -> None:
    """Show the pictures in place of their maps, or the maps again."""
    st.session_state[_FLIPPED] = not st.session_state.get(_FLIPPED)


def _algorithms(run: Run) -> list[str]:
    classifier = run.parsed_request().classifier
    off = "\n".join(f"* {title}: {reason}" for title, reason in switched_off(classifier))
    on = [entry.name for entry in offered(classifier)]
    chosen = st.multiselect(
        "Algorithms",
        on,
        default=on[:1],
        format_func=lambda name: algorithm_entry(name).title,
        max_selections=_MOST_ALGORITHMS,
        key="algorithms",
        bind="query-params",
        placeholder=f"{algorithm_entry(on[0]).title}; choose one or more",
        help=f"Not available for this classifier:\n{off}",
    )
    return chosen or on[:1]


def _against(comparison: Comparison, target: str, classes: list[str]) -> str:
    """Let the person choose a class that the target stands against; return the request's target."""
    against = st.selectbox(
        "rather than",
        [_NOTHING, *(one for one in classes if one != target)],
        format_func=lambda one: f"rather than {comparison.short_name(int(one))}" if one else "by itself",
        key="against",
        bind="query-params",
        label_visibility="collapsed",
        width=190,
    )
    return f"{target}-{against}" if against else target


def _switches() -> tuple[bool, bool, bool]:
    """Let the person switch on slower measurements: quality, shuffled weights, adversarial neighbours."""
    trust = st.toggle(
        "How far can these maps be trusted?",
        key="trust",
        bind="query-params",
        help="**Infidelity**: error in predicting from the map how small noise changes the score; where a "
        "map holds contributions, the noise is a share of each pixel's difference from the empty picture. "
        "**Sensitivity**: how much the map changes with tiny changes of the picture. "
        "**Convergence delta**: the share of the score that is missing from the sum of the map. "
        "0 is best for all three. **Emptied** and **shown** (deletion and insertion curves): how likely the "
        "explained class is while the pixels that the map ranks first are emptied, tenth by tenth, and while "
        "only these are shown. A good map makes the first curve fall early and the second rise early. "
        "**Decisive tenth**: the one that takes most of the likeliness when it is emptied.",
    )
    sanity = st.toggle(
        "Sanity check",
        key="sanity",
        bind="query-params",
        help="The same maps with shuffled weights: first of the last layer, then of all layers. A map that "
        "does not change shows the picture, not the classifier.",
    )
    near = st.toggle(
        "With adversarial neighbours",
        key="neighbours",
        bind="query-params",
        help="For each forgotten picture, one that looks the same to us but that the original classifier "
        "predicts as its second most likely class: how close it is, and what is predicted for it now.",
    )
    return trust, sanity, near
