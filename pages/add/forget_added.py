"""From *Add* to *Forget*, with what was added."""

import streamlit as st

from pages.shared import selection
from pages.shared.app_state import leave_run
from pages.shared.continue_run import start_afresh
from pages.shared.links import FORGET, go_to_forget
from pages.shared.visitor import may_see
from unlearn_core.catalog.class_match import match_classes
from unlearn_core.catalog.entries import classifiers
from unlearn_core.catalog.records.image_set_record import AddedImageSet

_GO = "forget_what_was_added"
_BY_NAME = ("name", "WordNet id")


def go_on() -> None:
    """Open *Forget* where the button was just pressed."""
    if st.session_state.pop(_GO, False):
        go_to_forget()


def forget_button(label: str, classifier: str, images: str | None = None) -> None:
    """Offer to open *Forget* with a classifier, and with an image set unless it is None.

    In a callback, as what is said after adding is said once.
    """
    st.button(label, key="forget_added", icon=FORGET.icon, on_click=_choose, args=(classifier, images))


def classifier_for(record: AddedImageSet) -> str:
    """Return the classifier that shares most names of classes with a set, else the one with most classes."""
    known = [entry for entry in classifiers() if may_see(entry.visitor)]

    def shared(class_names: tuple[str, ...]) -> int:
        hows = match_classes(record.class_names, class_names, ()).how if class_names else ()
        return sum(how in _BY_NAME for how in hows)

    return max(known, key=lambda entry: (shared(entry.class_names), entry.classes)).name


def _choose(classifier: str, images: str | None) -> None:
    leave_run()
    start_afresh()
    selection.pick([])
    st.session_state["classifier"] = classifier
    if images is not None:
        st.session_state["images"] = images
    st.session_state[_GO] = True
