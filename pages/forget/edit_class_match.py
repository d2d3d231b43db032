"""How an image set's classes were matched with the classifier's, and mending it."""

from collections import Counter

import pandas as pd
import streamlit as st

from pages.shared.app_state import show_error, store
from pages.shared.image_tables import forget_table
from pages.shared.visitor import visitor
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.catalog.class_match import read_overrides, write_overrides
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.sources.registry import image_sets
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError

_NONE = "–"
_WORDS = {
    "name": "by name",
    "WordNet id": "by WordNet id",
    "order": "by order",
    "you": "by you",
    "none": "without a class here",
}


def class_match(classifier: str, images: str, table: ImageTable) -> None:
    """Say how the classes were matched, with a table to mend it; nothing where the set has no classes."""
    if not table.own_names:
        return
    counts = Counter(table.own_how)
    said = ", ".join(f"{counts[how]} {words}" for how, words in _WORDS.items() if counts[how])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Classes of these pictures: {said}.")
        if _may_override(classifier, images):
            with st.popover("Mend", icon=":material/rule:", type="tertiary"):
                _editor(classifier, images, table)


def _may_override(classifier: str, images: str) -> bool:
    """Tell whether a mended match is this visitor's affair: what everybody sees stays as it is."""
    owners = [classifier_entry(classifier).visitor]
    owners += [entry.visitor for entry in image_sets() if entry.name == images]
    return visitor() in owners if is_shared() else True


def _editor(classifier: str, images: str, table: ImageTable) -> None:
    st.markdown("Which of the classifier's classes is each class of these pictures?")
    names = [_NONE if index < 0 else table.class_names[index] for index in table.own_classes]
    edited = st.data_editor(
        pd.DataFrame(
            {
                "these pictures": table.own_names,
                "the classifier": names,
                "matched": [_WORDS[how] for how in table.own_how],
            }
        ),
        hide_index=True,
        disabled=["these pictures", "matched"],
        column_config={
            "the classifier": st.column_config.SelectboxColumn(
                options=[_NONE, *table.class_names], required=True
            )
        },
        key=f"match_{classifier}_{images}",
    )
    said = {
        own: "" if new == _NONE else str(new)
        for own, old, new in zip(table.own_names, names, edited["the classifier"], strict=True)
        if new != old
    }
    with st.container(horizontal=True):
        if st.button("Use this match", key="match_save", type="primary", disabled=not said):
            _keep(classifier, images, {**read_overrides(store().root, classifier, images), **said})
        if "you" in table.own_how and st.button("Take back what I mended", key="match_reset"):
            _keep(classifier, images, {})


def _keep(classifier: str, images: str, said: dict[str, str]) -> None:
    try:
        write_overrides(store().root, classifier, images, said)
    except UserError as error:
        show_error(error)
        return
    forget_table(classifier, images)
    st.rerun()
