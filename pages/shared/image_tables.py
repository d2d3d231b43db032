"""Image tables for the pages: an image set as a classifier sees it, made by a worker, read once."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.shared.app_state import FailedLookError, engine
from unlearn_core.artifacts.image_table import ImageTable, read_image_table
from unlearn_core.catalog.on_disk import download
from unlearn_core.engine.cluster import Look
from unlearn_core.engine.looks import ImageTableRequest
from unlearn_core.errors import UserError

Arriving = Callable[[float, float], None]
"""Is told how many MB of a download have arrived, and of how many."""

_EVERY = 0.5


def known_table(classifier: str, images: str) -> tuple[ImageTable, str] | None:
    """Return the table and the key of its content, or None where this tab has not loaded it yet."""
    path = st.session_state.get(_slot(classifier, images))
    return None if path is None else (_read(path), path)


def load_table(
    classifier: str, images: str, arriving: Arriving = lambda arrived, size: None
) -> tuple[ImageTable, str]:
    """Return the table and the key of its content; the first time a worker has to look at every picture.

    Raises `FailedLookError` where the classifier or the pictures cannot be loaded. `arriving` is told while
    pictures are being downloaded.
    """
    known = known_table(classifier, images)
    if known is not None:
        return known
    look = engine().look(ImageTableRequest(classifier, images))
    st.session_state[_slot(classifier, images)] = str(wait_for(look, images, arriving))
    return load_table(classifier, images)


def wait_for(look: Look[Path], images: str, arriving: Arriving) -> Path:
    """Return the path that a look results in; tell `arriving` of a download on the way."""
    at_first, size = download(images)
    while not look.wait(_EVERY):
        arrived, _ = download(images)
        if arrived > at_first:
            arriving(arrived, size)
    try:
        return look.result()
    except UserError as error:
        raise FailedLookError(str(error)) from error


def forget_table(classifier: str, images: str) -> None:
    """Load the table anew next time, because pictures were added."""
    st.session_state.pop(_slot(classifier, images), None)


def _slot(classifier: str, images: str) -> str:
    return f"table:{classifier}:{images}"


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(path: str) -> ImageTable:
    return read_image_table(Path(path))
