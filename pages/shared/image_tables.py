"""Image tables for the pages: a classifier's predictions on an image set, made by a worker, read once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import streamlit as st

from pages.shared.app_state import FailedLookError, engine, store
from unlearn_core.artifacts.image_table import ImageTable, read_image_table
from unlearn_core.catalog.on_disk import download
from unlearn_core.errors import UserError

Arriving = Callable[[float, float], None]
"""Called with the downloaded and the total size in MB."""

_EVERY = 0.5


class Waiting(Protocol):
    """A look of the engine."""

    def wait(self, seconds: float) -> bool: ...  # noqa: D102
    def result(self) -> Any: ...  # noqa: D102


def known_table(classifier: str, images: str) -> tuple[ImageTable, str] | None:
    """Return the table and the key of its content, or None if this tab has not loaded it yet."""
    path = st.session_state.get(_slot(classifier, images))
    return None if path is None else (_read(path), path)


def load_table(
    classifier: str, images: str, arriving: Arriving = lambda arrived, size: None
) -> tuple[ImageTable, str]:
    """Return the table and the key of its content; a worker makes it the first time.

    `arriving` is called while pictures are being downloaded. Raises `FailedLookError` if the classifier or
    the pictures cannot be loaded.
    """
    known = known_table(classifier, images)
    if known is not None:
        return known
    look = engine().look("image_table", root=str(store().root), classifier=classifier, images=images)
    st.session_state[_slot(classifier, images)] = str(wait_for(look, images, arriving))
    return load_table(classifier, images)


def wait_for(look: Waiting, images: str, arriving: Arriving) -> Path:
    """Return the path that a look results in; call `arriving` during a download."""
    at_first, size = download(images)
    while not look.wait(_EVERY):
        arrived, _ = download(images)
        if arrived > at_first:
            arriving(arrived, size)
    try:
        return Path(look.result())
    except UserError as error:
        raise FailedLookError(str(error)) from error


def forget_table(classifier: str, images: str) -> None:
    """Reload the table the next time, because pictures or the class match changed."""
    st.session_state.pop(_slot(classifier, images), None)


def _slot(classifier: str, images: str) -> str:
    return f"table:{classifier}:{images}"


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(path: str) -> ImageTable:
    return read_image_table(Path(path))
