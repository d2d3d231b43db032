"""Image tables for the pages: an image set as a classifier sees it, made by a worker, read once."""

from pathlib import Path

import streamlit as st

from pages.parts.app_state import engine, store
from unlearn_core.measuring.tables import ImageTable, read_image_table


def known_table(classifier: str, images: str) -> tuple[ImageTable, str] | None:
    """Return the table and the key of its content, or None where this tab has not loaded it yet."""
    path = st.session_state.get(_slot(classifier, images))
    return None if path is None else (_read(path), path)


def load_table(classifier: str, images: str) -> tuple[ImageTable, str]:
    """Return the table and the key of its content; the first time a worker has to look at every picture.

    Raises `UserError` where the classifier or the pictures cannot be loaded.
    """
    known = known_table(classifier, images)
    if known is not None:
        return known
    look = engine().look("image_table", root=str(store().root), classifier=classifier, images=images)
    st.session_state[_slot(classifier, images)] = str(look.result())
    return load_table(classifier, images)


def forget_table(classifier: str, images: str) -> None:
    """Load the table anew next time, because pictures were added."""
    st.session_state.pop(_slot(classifier, images), None)


def _slot(classifier: str, images: str) -> str:
    return f"table:{classifier}:{images}"


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(path: str) -> ImageTable:
    return read_image_table(Path(path))
