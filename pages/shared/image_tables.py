"""Image tables for the pages: a classifier's predictions on an image set, made by a worker, read once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.shared.app_state import engine, store
from pages.shared.errors import FailedLookError
from unlearn_core.artifacts.image_table import ImageTable, read_image_table
from unlearn_core.artifacts.picture_files import check_picture_files
from unlearn_core.catalog.entries import classifiers, fitting_image_sets
from unlearn_core.catalog.on_disk import download
from unlearn_core.engine.looks import ImageTableRequest
from unlearn_core.errors import UserError
from unlearn_core.measuring.known_image_table import table_path, write_known_image_table
from unlearn_core.store.rows import Run

if TYPE_CHECKING:
    from unlearn_core.engine.pending import Look

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


def check_still_shown(classifier: str, images: str) -> None:
    """Raise `UserError` if pictures or labels have changed since this tab loaded their table.

    They are loaded anew the next time.
    """
    shown = st.session_state.get(_slot(classifier, images))
    if shown is not None and Path(shown) != table_path(store().root, classifier, images):
        forget_table(classifier, images)
        raise UserError(
            "The pictures have changed on the disk since they were shown here: look at what is picked, then "
            "press Forget again."
        )


def table_of_run(run: Run, images: str | None = None) -> ImageTable:
    """Return the table of a run's image set, or of `images`, which it was only measured on.

    Raises `UserError` like `load_table`, and if pictures are other files now than those of the run.
    """
    request = run.parsed_request()
    table, key = load_table(request.classifier, images or request.images)
    if images in (None, request.images):
        _expect_files_of(store().folder(run.id), request.images, key)
    return table


def place_of(table: ImageTable, picture: int, images: str) -> int:
    """Return the position of a picture in the table; one that is gone raises `UserError`."""
    place = int(np.searchsorted(table.ids, picture))
    if place >= len(table.ids) or table.ids[place] != picture:
        raise UserError(f"Picture {picture} is no longer in {images}.")
    return place


@st.cache_resource(show_spinner=False, max_entries=64)
def _expect_files_of(folder: Path, images: str, key: str) -> None:
    """Check once that a table has the files of a run."""
    table = _read(key)
    check_picture_files(folder, images, table.ids, table.files)


def _slot(classifier: str, images: str) -> str:
    return f"table:{classifier}:{images}"


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(path: str) -> ImageTable:
    return read_image_table(Path(path))
