"""Image tables for the pages: an image set as a classifier sees it, made by a worker, read once."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import streamlit as st

from pages.parts.app_state import engine, store
from unlearn_core.catalog.on_disk import download
from unlearn_core.errors import LookFailed, UserError
from unlearn_core.measuring.tables import ImageTable, read_image_table

Arriving = Callable[[float, float], None]
"""Is told how many MB of a download have arrived, and of how many."""

_EVERY = 0.5


class Waiting(Protocol):
    """What can be waited for: a look of the engine."""

    def result(self, timeout: float | None = None) -> Any: ...  # noqa: D102


def known_table(classifier: str, images: str) -> tuple[ImageTable, str] | None:
    """Return the table and the key of its content, or None where this tab has yet to load it."""
    path = st.session_state.get(_slot(classifier, images))
    if path is None:
        return None
    try:
        return _read(path), path
    except LookFailed:
        forget_table(classifier, images)
        return None


def load_table(
    classifier: str, images: str, arriving: Arriving = lambda arrived, size: None
) -> tuple[ImageTable, str]:
    """Return the table and the key of its content; the first time a worker has to look at every picture.

    Raises `LookFailed` where the classifier or the pictures cannot be loaded. `arriving` is told while
    pictures are being downloaded.
    """
    known = known_table(classifier, images)
    if known is not None:
        return known
    look = engine().look("image_table", root=str(store().root), classifier=classifier, images=images)
    path = str(wait_for(look, images, arriving))
    table = _read(path)
    st.session_state[_slot(classifier, images)] = path
    return table, path


def wait_for(look: Waiting, images: str, arriving: Arriving) -> Path:
    """Return the path that a look results in; tell `arriving` of a download on the way."""
    at_first, size = download(images)
    while True:
        try:
            return Path(look.result(_EVERY))
        except TimeoutError:
            arrived, _ = download(images)
            if arrived > at_first:
                arriving(arrived, size)


def forget_table(classifier: str, images: str) -> None:
    """Load the table anew next time, because pictures were added."""
    st.session_state.pop(_slot(classifier, images), None)


def _slot(classifier: str, images: str) -> str:
    return f"table:{classifier}:{images}"


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(path: str) -> ImageTable:
    try:
        return read_image_table(Path(path))
    except UserError as error:
        # A worker returns the file that is there: only without it does it look at the pictures anew.
        with suppress(OSError):
            Path(path).unlink()
        raise LookFailed(str(error)) from error
