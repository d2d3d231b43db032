"""The class match of an image set and a classifier, and its overrides."""

from collections import Counter

import streamlit as st

from pages.shared.app_state import store
from pages.shared.errors import show_error
from pages.shared.image_tables import forget_table
from pages.shared.visitor import visitor
from unlearn_core.artifacts.image_table import ImageTable
from unlearn_core.catalog.class_match import Reading, number_readings, read_overrides, write_overrides
from unlearn_core.catalog.class_names import class_choices
from unlearn_core.catalog.entries import classifier_entry
from unlearn_core.catalog.number_reading import choose_reading, read_counted
from unlearn_core.catalog.sources.registry import image_sets
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError

_NONE = "–"
_WORDS = {
    "name": "by name",
    "WordNet id": "by WordNet id",
    "number": "by number",
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
    _numbers(classifier, images, table)
    st.markdown("Choose the class of the classifier for each class of the image set.")
    choices = class_choices(table.class_names)
    names = [_NONE if index < 0 else choices[index] for index in table.own_classes]
    edited = st.data_editor(
        {
            "image set": list(table.own_names),
            "classifier": names,
            "matched": [_WORDS[how] for how in table.own_how],
        },
        hide_index=True,
        disabled=["image set", "matched"],
        column_config={
            "classifier": st.column_config.SelectboxColumn(options=[_NONE, *choices], required=True)
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


def _numbers(classifier: str, images: str, table: ImageTable) -> None:
    """Let the user choose how classes that are numbers are counted, where there are several ways."""
    ways = list(number_readings(table.own_names, len(table.class_names)))
    known = read_counted(store().root, classifier, images)
    if len(ways) < 2 or known.reading is None:
        return

    def words(reading: Reading) -> str:
        share = known.shares.get(reading)
        return reading if share is None else f"{reading}: {share:.1f}% right"

    key = f"numbers_{classifier}_{images}"
    st.selectbox(
        "The numbers are counted",
        ways,
        index=ways.index(known.reading) if known.reading in ways else 0,
        format_func=words,
        key=key,
        on_change=_count,
        args=(classifier, images, key),
        help="The share of a sample that the classifier gets right. `as text`: 10 comes before 2, as in "
        "torchvision's ImageFolder.",
    )


def _count(classifier: str, images: str, key: str) -> None:
    choose_reading(store().root, classifier, images, st.session_state[key])
    forget_table(classifier, images)


def _keep(classifier: str, images: str, said: dict[str, str]) -> None:
    try:
        write_overrides(store().root, classifier, images, said)
    except UserError as error:
        show_error(error)
        return
    forget_table(classifier, images)
    st.rerun()
