"""Measurements that the looking lane makes of a run, read once."""

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
        waiting: what to say while it works.
        arguments: besides the store's root.

    Raises:
        FailedLookError: what the task could not do.
        UserError: a file that cannot be read.
    """
    return measured_as(_arrays, task, waiting, **arguments)


def measured_as(read: Callable[[Path], Kind], task: str, waiting: str, **arguments: Any) -> tuple[Kind, Path]:
    """Return what `read` makes of the file that a function of `engine.tasks` writes, and the file.

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
    """Read a file, unless it was read before; what reads it follows from its folder."""
    return _read(Path(path))


def _arrays(path: Path) -> Arrays:
    with (
        damaged_becomes(f"The measurements {path.name} cannot be read: run it again."),
        np.load(path, allow_pickle=False) as arrays,
    ):
        return {name: arrays[name] for name in arrays.files}
