"""Image tables for the pages: a classifier's predictions on an image set, made by a worker, read once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.app_state import engine, store
from pages.shared.errors import FailedLookError
from unlearn_core.artifacts.image_table import ImageTable, read_image_table
from unlearn_core.catalog.entries import classifiers, fitting_image_sets
from unlearn_core.catalog.on_disk import download
from unlearn_core.engine.looks import ImageTableRequest
from unlearn_core.errors import UserError
from unlearn_core.measuring.known_image_table import write_known_image_table

if TYPE_CHECKING:
    from unlearn_core.engine.engine import Look

Arriving = Callable[[float, float], None]
"""Called with the downloaded and the total size in MB."""

_EVERY = 0.5


def known_table(classifier: str, images: str) -> tuple[ImageTable, str] | None:
    """Return the table and the key of its content, or None if a worker has to make it."""
    slot = _slot(classifier, images)
    if slot not in st.session_state:
        with suppress(UserError, OSError):  # What cannot be found is said where it is made.
            made = write_known_image_table(store().root, classifier, images)
            if made is not None:
                st.session_state[slot] = str(made)
    path = st.session_state.get(slot)
    return None if path is None else (_read(path), path)


def load_table(
    classifier: str, images: str, arriving: Arriving = lambda arrived, size: None
) -> tuple[ImageTable, str]:
    """Return the table and the key of its content; made the first time.

    `arriving` is called while pictures are being downloaded. Raises `FailedLookError` if the classifier or
    the pictures cannot be loaded.
    """
    known = known_table(classifier, images)
    if known is not None:
        return known
    try:
        path = write_known_image_table(store().root, classifier, images)
    except UserError as error:
        raise FailedLookError(str(error)) from error
    except OSError as error:
        raise FailedLookError(f"The pictures cannot be saved: {error.strerror or error}.") from error
    if path is None:
        path = wait_for(engine().look(ImageTableRequest(classifier, images)), images, arriving)
    st.session_state[_slot(classifier, images)] = str(path)
    return load_table(classifier, images)


def make_first_table() -> None:
    """Make the table that a new home shows first, before anybody asks; without room for it, it waits."""
    with suppress(UserError, OSError):
        first = classifiers()[0]
        write_known_image_table(store().root, first.name, fitting_image_sets(first)[0].name)


def wait_for(look: Look[Path], images: str, arriving: Arriving) -> Path:
    """Return the path that a look results in; call `arriving` during a download."""
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
    """Reload the table the next time, because pictures or the class match changed."""
    st.session_state.pop(_slot(classifier, images), None)


def _slot(classifier: str, images: str) -> str:
    return f"table:{classifier}:{images}"


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(path: str) -> ImageTable:
    return read_image_table(Path(path))
