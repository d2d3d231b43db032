"""Before / after: is it forgotten, what did it cost, and who paid?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pages.parts.app_state import show_error, store
from pages.parts.change_cards import change_cards
from pages.parts.change_figures import class_figure, most_changed
from pages.parts.door import show
from pages.parts.image_tables import load_table
from pages.parts.palette import CONFIG
from pages.parts.pictures import Captioned, show_pictures
from pages.parts.run_picker import finished_run
from unlearn_core.errors import UserError
from unlearn_core.measuring.comparison import (
    FORGET,
    GROUP_NAMES,
    RETAIN,
    TEST,
    Comparison,
    class_changes,
    read_comparison,
)
from unlearn_core.runs.store import Run

_MOST_PICTURES = 60
_HEIGHT = 380


def page() -> None:
    """Draw the answer in numbers, then who was forgotten and who flipped, beside the classes."""
    run = finished_run()
    if run is None:
        return
    try:
        comparison = read_comparison(store().folder(run.id))
        change_cards(comparison)
        left, right = st.columns(2, gap="large")
        with left:
            _pictures(run, comparison)
        with right:
            _classes(comparison)
        _download(run, comparison)
    except UserError as error:
        show_error(error)


def _pictures(run: Run, comparison: Comparison) -> None:
    groups = {
        "Forgotten": comparison.in_group(FORGET),
        "D_r flipped": comparison.flipped(RETAIN),
        "D_test flipped": comparison.flipped(TEST),
    }
    shown = [
        name for name, group in zip(groups, (FORGET, RETAIN, TEST), strict=True) if _has(comparison, group)
    ]
    for tab, name in zip(st.tabs([f"{name} · {len(groups[name]):,}" for name in shown]), shown, strict=True):
        with tab, st.container(height=_HEIGHT - 40, border=False):
            _gallery(run, comparison, groups[name], name)


def _has(comparison: Comparison, group: int) -> bool:
    return bool((comparison.group == group).any())


def _gallery(run: Run, comparison: Comparison, positions: NDArray[np.intp], name: str) -> None:
    if name == "Forgotten":
        st.caption("Each picture with what it was taken for before and after, and how sure of it.")
    elif len(positions):
        st.caption(
            "Pictures that were to stay as they are but are predicted differently; surest before first."
        )
    else:
        st.caption("Not one prediction changed here.")
    with st.spinner("Fetching the pictures …"):
        show_pictures(_captioned(run, comparison, positions[:_MOST_PICTURES]))
    if len(positions) > _MOST_PICTURES:
        st.caption(f"{len(positions) - _MOST_PICTURES:,} more stand in the CSV below.")


def _captioned(run: Run, comparison: Comparison, positions: NDArray[np.intp]) -> Sequence[Captioned]:
    request = run.parsed_request()
    names = [request.images, request.measure_on]
    found = []
    for position in positions:
        images = names[comparison.image_set[position]]
        assert images is not None
        table, _ = load_table(request.classifier, images)
        place = int(np.searchsorted(table.ids, comparison.ids[position]))
        if place >= len(table.ids) or table.ids[place] != comparison.ids[position]:
            raise UserError(f"Picture {comparison.ids[position]} is no longer in {images}.")
        old, new = comparison.before[position], comparison.after[position]
        sure = f"{100 * comparison.before_top[position]:.0f} % → {100 * comparison.after_top[position]:.0f} %"
        words = f"{comparison.short_name(old)} → {comparison.short_name(new)}"
        label = comparison.labels[position]
        if label not in (old, new):
            words = f"{comparison.short_name(label)}, taken for {words}"
        found.append(Captioned(table.thumbnails[place], words, sure))
    return found


def _classes(comparison: Comparison) -> None:
    groups = {"test set": TEST, "retain set": RETAIN}
    present = [name for name, group in groups.items() if _has(comparison, group)]
    if not present:
        st.caption("There are no other pictures to compare classes on.")
        return
    name = st.segmented_control(
        "Classes of the", present, default=present[0], required=True, key="class_group"
    )
    classes, before, after = class_changes(comparison, groups[name])
    drawn = most_changed(classes, before, after)
    if not len(drawn):
        st.caption(f"No class of the {name} changed.")
        return
    names = [comparison.short_name(int(one)) for one in classes[drawn]]
    figure = class_figure(names, before[drawn], after[drawn], _HEIGHT - 60)
    st.plotly_chart(figure, config=CONFIG, key="classes_figure")
    st.caption(
        "Each line is a class: grey where it stood, orange where it stands now. "
        "The longer the line, the more that class paid."
    )


def _download(run: Run, comparison: Comparison) -> None:
    names = np.array(comparison.class_names)
    table = pd.DataFrame(
        {
            "id": comparison.ids,
            "group": np.array(GROUP_NAMES)[comparison.group],
            "label": names[comparison.labels],
            "own_label": comparison.labelled,
            "before": names[comparison.before],
            "after": names[comparison.after],
            "before_confidence": comparison.before_top,
            "after_confidence": comparison.after_top,
        }
    )
    st.download_button(
        "All predictions as CSV",
        table.to_csv(index=False),
        f"predictions-{run.id}.csv",
        "text/csv",
        icon=":material/download:",
    )


show(page)
