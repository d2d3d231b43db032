"""Forget, on the left: the pictures to pick from."""

from collections.abc import Collection

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from pages.forget.edit_class_match import class_match
from pages.forget.gallery import gallery
from pages.forget.gallery_filters import filter_bar, quick_picks
from pages.forget.image_map import image_map
from pages.forget.upload_photos import add_your_own
from pages.shared import selection
from pages.shared.errors import show_error
from pages.shared.image_tables import load_table
from pages.shared.visitor import photos_of_visitor
from pages.shared.words import plain
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.artifacts.never_seen import NeverSeen
from unlearn_core.common.counted import counted
from unlearn_core.errors import UserError

# Their classes are those of the classifiers shipped for them: nothing to match.
_PACKAGED = ("mnist", "cifar10")

_WITHOUT_LABELS = "These pictures have no labels: the classifier's prediction is taken as the label."
_WITHOUT_MATCH = (
    "No class of these pictures is one of the classifier's: its prediction is taken as the label. "
    "*Class match* below says which is which."
)
_VIEWS = {"gallery": ":material/grid_view: Grid", "map": ":material/scatter_plot: Map"}


def offer_pictures(
    classifier: str,
    images: str,
    known: tuple[ImageTable, str],
    never_seen: NeverSeen | None,
    forgotten: Collection[int],
) -> None:
    """Show the pictures to pick from, with filters and quick picks, and what is to be known of the set.

    Args:
        classifier: that is to forget.
        images: name of the image set.
        known: its table and the key of that.
        never_seen: what classifiers say that were never trained on the pictures.
        forgotten: ids of those that runs before have forgotten, which are not offered.
    """
    table, key = known
    try:
        positions, shown = filter_bar(classifier, images, table, never_seen, forgotten)
    except UserError as error:
        show_error(error)
        return
    with quick_picks(table, positions, never_seen):
        view = st.segmented_control(
            "Show as",
            list(_VIEWS),
            format_func=_VIEWS.__getitem__,
            default="gallery",
            required=True,
            key="show_as",
            persist_state="session",
            label_visibility="collapsed",
        )
    if view == "map":
        _map(classifier, images, table, key, positions)
    else:
        gallery(table, shown, key)
    if forgotten:
        are = "is" if len(forgotten) == 1 else "are"
        st.caption(f"{counted(len(forgotten))} that the runs before have forgotten {are} not shown.")
    _about_the_pictures(table)
    if images not in _PACKAGED:
        class_match(classifier, images, table)
    if images == photos_of_visitor():
        add_your_own(classifier, images)


def _about_the_pictures(table: ImageTable) -> None:
    for note in table.notes:
        st.caption(plain(note))
    if not table.labelled.any():
        st.caption(_WITHOUT_MATCH if table.own_names else _WITHOUT_LABELS)
        return
    labelled = table.labelled & ~table.is_test
    right = int((table.predictions == table.labels)[labelled].sum())
    st.caption(f"Recognised before anything is forgotten: {right:,} of {int(labelled.sum()):,}.")
    if not table.labelled.all():
        unlabelled = int((~table.labelled).sum())
        have = "has" if unlabelled == 1 else "have"
        st.caption(
            f"{counted(unlabelled)} {have} no label that fits the classifier: its prediction is taken."
        )


def _map(
    classifier: str, images: str, table: ImageTable, table_key: str, positions: NDArray[np.intp]
) -> None:
    try:
        image_map(classifier, images, table, table_key, positions)
    except UserError as error:
        show_error(error)
    count = len(selection.picked())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{count} selected**")
        st.button("clear", key="clear_map", type="tertiary", on_click=selection.pick, args=([],))


def load_pictures(classifier: str, images: str) -> None:
    """Make the table of the pictures, with the progress of a download, and draw the page anew."""
    bar = st.empty()
    try:
        with st.spinner("Classifying every picture once; this takes a few seconds …"):
            load_table(classifier, images, lambda arrived, size: _show_download(bar, arrived, size))
    except UserError as error:
        bar.empty()
        show_error(error)
    else:
        st.rerun()


def _show_download(place: DeltaGenerator, arrived: float, size: float) -> None:
    words = f"Downloading the pictures: {arrived:,.0f} of {size:,.0f} MB"
    place.progress(min(1.0, arrived / size), words if arrived < size else "Unpacking the pictures")
