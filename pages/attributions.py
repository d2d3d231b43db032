"""Attributions: what in the picture did the classifier look at before, and what does it look at now?"""

from io import BytesIO
from pathlib import Path

import numpy as np
import streamlit as st

from pages.parts.app_state import engine, show_error, store
from pages.parts.attribution_pictures import contact_sheet, maps_html
from pages.parts.door import show
from pages.parts.run_picker import finished_run
from pages.parts.telling import chosen_ids, telling_pictures
from unlearn_core.errors import UserError
from unlearn_core.measuring.algorithms import ALGORITHMS, SWITCHED_OFF, algorithm_entry
from unlearn_core.measuring.attribution_maps import Attributions, read_attributions
from unlearn_core.measuring.comparison import EARLIER, FORGET, Comparison, read_comparison
from unlearn_core.runs.store import Run

_TARGETS = {"label": "its old label", "new": "its new prediction"}


def page() -> None:
    """Draw the controls, then a row for each picture."""
    run = finished_run()
    if run is None:
        return
    try:
        comparison = read_comparison(store().folder(run.id))
        algorithm, target, opacity, text = _controls(comparison)
        ids = chosen_ids(text) or telling_pictures(comparison)
        with st.spinner("Asking both classifiers; photos take a while …"):
            path = _find_out(run, ids, algorithm, target)
        _draw(run, comparison, read_attributions(path), path, opacity)
    except UserError as error:
        show_error(error)


def _controls(comparison: Comparison) -> tuple[str, str, float, str]:
    first, second, third, fourth = st.columns([3, 3, 2, 3], vertical_alignment="bottom")
    off = "\n".join(f"* {title}: {reason}" for title, reason in SWITCHED_OFF)
    algorithm = first.selectbox(
        "Algorithm",
        [entry.name for entry in ALGORITHMS],
        format_func=lambda name: algorithm_entry(name).title,
        key="algorithm",
        bind="query-params",
        help=f"Not offered on these classifiers:\n{off}",
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
    st.caption(algorithm_entry(algorithm).reading)
    return algorithm, target, opacity / 100, text


def _find_out(run: Run, ids: list[int], algorithm: str, target: str) -> Path:
    look = engine().look(
        "attributions",
        root=str(store().root),
        run_id=run.id,
        ids=tuple(ids),
        algorithm=algorithm,
        target=target,
    )
    return Path(look.result())


def _draw(run: Run, comparison: Comparison, shown: Attributions, path: Path, opacity: float) -> None:
    words = [_words(comparison, shown, row) for row in range(len(shown.ids))]
    st.html(maps_html(shown, words, opacity, 136 if len(words) < 4 else 112))
    st.caption(
        "Before and after share one symmetric scale in each row, and so does their difference "
        "(after − before): a paler map is a weaker one."
    )
    picture = BytesIO()
    contact_sheet(shown, words, opacity).save(picture, "PNG")
    with st.container(horizontal=True):
        st.download_button(
            "Picture", picture.getvalue(), f"{path.stem}.png", "image/png", icon=":material/download:"
        )
        st.download_button(
            "Maps (.npz)", path.read_bytes(), f"attributions-{run.id}.npz", icon=":material/download:"
        )


def _words(comparison: Comparison, shown: Attributions, row: int) -> tuple[str, str]:
    own = (comparison.image_set == 0) & (comparison.ids == shown.ids[row])
    position = int(np.flatnonzero(own)[0])
    old, new = comparison.before[position], comparison.after[position]
    named = {FORGET: "to forget", EARLIER: "forgotten earlier"}
    kind = named.get(int(comparison.group[position]), "kept" if old == new else "flipped")
    change = (
        comparison.short_name(old)
        if old == new
        else f"{comparison.short_name(old)} → {comparison.short_name(new)}"
    )
    numbers = (
        f"id {shown.ids[row]}, {kind}; explained: {comparison.short_name(shown.targets[row])}; "
        f"rank correlation {_number(shown.rank_correlation[row])}, SSIM {_number(shown.similarity[row])}"
    )
    return change, numbers


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}".replace("-", "−")


show(page)
