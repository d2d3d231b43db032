"""Measurements that the looking lane makes of a run, read once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shared.app_state import FailedLookError, engine, store
from unlearn_core.artifacts.damaged import damaged_becomes
from unlearn_core.errors import UserError

Arrays = Mapping[str, NDArray[Any]]


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
    with st.spinner(waiting):
        try:
            path = str(engine().look(task, root=str(store().root), **arguments).result())
        except UserError as error:
            raise FailedLookError(str(error)) from error
        return _read(path), Path(path)


@st.cache_resource(show_spinner=False, max_entries=16)
def _read(path: str) -> Arrays:
    with (
        damaged_becomes(f"The measurements {Path(path).name} cannot be read: run it again."),
        np.load(path, allow_pickle=False) as arrays,
    ):
        return {name: arrays[name] for name in arrays.files}
