"""Measurements that the looking lane makes of a run, read once."""

import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.parts.app_state import engine, store
from unlearn_core.errors import LookFailed

Arrays = Mapping[str, NDArray[Any]]


def measured(task: str, waiting: str, **arguments: Any) -> tuple[Arrays, Path]:
    """Return the arrays that a function of `engine.tasks` writes, and their file.

    Args:
        task: the function's name.
        waiting: what to say while it works.
        arguments: besides the store's root.

    Raises:
        LookFailed: what the task could not do, or a file that cannot be read.
    """
    with st.spinner(waiting):
        path = str(engine().look(task, root=str(store().root), **arguments).result())
        return _read(path), Path(path)


@st.cache_resource(show_spinner=False, max_entries=16)
def _read(path: str) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        # A worker returns the file that is there: only without it does it measure anew.
        with suppress(OSError):
            Path(path).unlink()
        raise LookFailed(f"The measurements {Path(path).name} cannot be read: try again.") from error
