"""The class match of an image set and a classifier, and its overrides."""

from collections import Counter

import pandas as pd
import streamlit as st

from pages.shared.app_state import show_error, store
from pages.shared.image_tables import forget_table
from pages.shared.visitor import visitor
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.catalog.class_match import read_overrides, write_overrides
from unlearn_core.catalog.entries import classifier_entry, image_sets
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError

_NONE = "–"
_WORDS = {
    "name": "by name",
    "WordNet id": "by WordNet id",
    "order": "by order",
    "you": "by you",
    "none": "without a match",
}


def class_match(classifier: str, images: str, table: ImageTable) -> None:
    """Show how the classes were matched, with a table to override it; nothing for a set without classes."""
    if not table.own_names:
        return
    counts = Counter(table.own_how)
    said = ", ".join(f"{counts[how]} {words}" for how, words in _WORDS.items() if counts[how])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Class match: {said}.")
        if _may_override(classifier, images):
            with st.popover("Edit", icon=":material/rule:", type="tertiary"):
                _editor(classifier, images, table)


def _may_override(classifier: str, images: str) -> bool:
    """Tell whether this visitor may override the match: only for what the visitor added."""
    owners = [classifier_entry(classifier).visitor]
    owners += [entry.visitor for entry in image_sets() if entry.name == images]
    return visitor() in owners if is_shared() else True


def _editor(classifier: str, images: str, table: ImageTable) -> None:
    st.markdown("Choose the class of the classifier for each class of the image set.")
    names = [_NONE if index < 0 else table.class_names[index] for index in table.own_classes]
    edited = st.data_editor(
        pd.DataFrame(
            {
                "image set": table.own_names,
                "classifier": names,
                "matched": [_WORDS[how] for how in table.own_how],
            }
        ),
        hide_index=True,
        disabled=["image set", "matched"],
        column_config={
            "classifier": st.column_config.SelectboxColumn(options=[_NONE, *table.class_names], required=True)
        },
        key=f"match_{classifier}_{images}",
    )
    said = {
        own: "" if new == _NONE else str(new)
        for own, old, new in zip(table.own_names, names, edited["classifier"], strict=True)
        if new != old
    }
    with st.container(horizontal=True):
        if st.button("Use this match", key="match_save", type="primary", disabled=not said):
            _keep(classifier, images, {**read_overrides(store().root, classifier, images), **said})
        if "you" in table.own_how and st.button("Remove my overrides", key="match_reset"):
            _keep(classifier, images, {})


def _keep(classifier: str, images: str, said: dict[str, str]) -> None:
    try:
        write_overrides(store().root, classifier, images, said)
    except UserError as error:
        show_error(error)
        return
    forget_table(classifier, images)
    st.rerun()
