"""Measurements of a run made by a worker, read once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shared.app_state import FailedLookError, engine, store
from unlearn_core.artifacts.damaged import damaged_becomes
from unlearn_core.errors import UserError

Arrays = Mapping[str, NDArray[Any]]
Kind = TypeVar("Kind")


def measured(task: str, waiting: str, **arguments: Any) -> tuple[Arrays, Path]:
    """Return the arrays that a function of `engine.tasks` writes, and their file.

    Args:
        task: the function's name.
        waiting: shown while it works.
        arguments: besides the store's root.

    Raises:
        FailedLookError: the task failed.
        UserError: a file that cannot be read.
    """
    return measured_as(_arrays, task, waiting, **arguments)


def measured_as(read: Callable[[Path], Kind], task: str, waiting: str, **arguments: Any) -> tuple[Kind, Path]:
    """Like `measured`, with `read` to read the file; return its result and the file.

    The arguments and errors are those of `measured`.
    """
    with st.spinner(waiting):
        try:
            path = str(engine().look(task, root=str(store().root), **arguments).result())
        except UserError as error:
            raise FailedLookError(str(error)) from error
        return _read_once(path, read), Path(path)


@st.cache_resource(show_spinner=False, max_entries=16)
def _read_once(path: str, _read: Callable[[Path], Kind]) -> Kind:
    """Read a file once; its folder determines `_read`, which is therefore not part of the key."""
    return _read(Path(path))


def _arrays(path: Path) -> Arrays:
    with (
        damaged_becomes(f"The measurements {path.name} cannot be read: run it again."),
        np.load(path, allow_pickle=False) as arrays,
    ):
        return {name: arrays[name] for name in arrays.files}
