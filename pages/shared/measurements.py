"""Measurements of a run made by a worker, read once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shared.app_state import engine, store
from pages.shared.errors import FailedLookError
from unlearn_core.common.damaged import damaged_becomes
from unlearn_core.engine.looks import LookRequest
from unlearn_core.errors import UserError

_FILES: dict[tuple[Path, LookRequest[Path]], Path] = {}
"""Files that answer requests about runs: a visitor who asks again does not wait for what others measure."""
_MOST_FILES = 10_000

Arrays = Mapping[str, NDArray[Any]]
Kind = TypeVar("Kind")


def measured(request: LookRequest[Path], waiting: str) -> tuple[Arrays, Path]:
    """Return the arrays of the file that answers a request, and the file.

    Args:
        request: what a worker has to measure, unless it was measured before.
        waiting: shown while it works.

    Raises:
        FailedLookError: what could not be measured.
        UserError: a file that cannot be read.
    """
    return measured_as(read_arrays, request, waiting)


def measured_as(read: Callable[[Path], Kind], request: LookRequest[Path], waiting: str) -> tuple[Kind, Path]:
    """Return what `read` makes of the file that answers a request, and the file; raises as `measured`."""
    known = _known_file(request)
    if known is not None:
        return _read_once(str(known), read), known
    with st.spinner(waiting):
        path = measured_file(request)
        return _read_once(str(path), read), path


def measured_file(request: LookRequest[Path]) -> Path:
    """Return the file that answers a request, measured unless it is known; raises `FailedLookError`."""
    known = _known_file(request)
    if known is not None:
        return known
    try:
        path = engine().look(request).result()
    except UserError as error:
        raise FailedLookError(str(error)) from error
    # A classifier or an image set may be replaced by another one of the same name; a run is never changed.
    if getattr(request, "classifier", None) is None:
        if len(_FILES) >= _MOST_FILES:
            _FILES.clear()
        _FILES[store().root, request] = path
    return path


def _known_file(request: LookRequest[Path]) -> Path | None:
    path = _FILES.get((store().root, request))
    return path if path is not None and path.exists() else None


@st.cache_resource(show_spinner=False, max_entries=16)
def _read_once(path: str, _read: Callable[[Path], Kind]) -> Kind:
    """Read a file once; its folder determines `_read`, which is therefore not part of the key."""
    return _read(Path(path))


def read_arrays(path: Path) -> Arrays:
    """Return the arrays of a file by name; a damaged one raises `UserError`."""
    with (
        damaged_becomes(f"The measurements {path.name} cannot be read: run it again."),
        np.load(path, allow_pickle=False) as arrays,
    ):
        return {name: arrays[name] for name in arrays.files}
