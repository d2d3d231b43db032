"""Measurements of a run made by a worker, read once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shared.app_state import FailedLookError, engine
from unlearn_core.common.damaged import damaged_becomes
from unlearn_core.engine.looks import LookRequest
from unlearn_core.errors import UserError

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
    with st.spinner(waiting):
        try:
            path = engine().look(request).result()
        except UserError as error:
            raise FailedLookError(str(error)) from error
        return _read_once(str(path), read), path


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
