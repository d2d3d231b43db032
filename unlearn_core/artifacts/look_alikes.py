"""`look_alikes.npz` of a run: some of the pictures on which a method holds the predictions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearn_core.common.checksums import check
from unlearn_core.common.damaged import damaged_becomes
from unlearn_core.common.files import atomic_write, write_compressed

_FILE = "look_alikes.npz"


@dataclass(frozen=True)
class LookAlikes:
    """Look-alikes of a run that may follow: how many were made, and some of them, uint8 (n, s, s, c)."""

    total: int
    pictures: NDArray[np.uint8]


def write_look_alikes(folder: Path, pictures: NDArray[np.uint8]) -> None:
    """Write pictures, uint8 (n, s, s, c), to a run's folder."""
    with atomic_write(folder / _FILE) as half:
        write_compressed(half, {"pictures": pictures})


def read_look_alikes(folder: Path) -> NDArray[np.uint8] | None:
    """Return the pictures, uint8 (n, s, s, c); None if the method made none, or not yet.

    A damaged file raises `UserError`.
    """
    path = folder / _FILE
    check(path, f"The look-alikes of run {folder.name}")
    if not path.exists():
        return None
    with (
        damaged_becomes(f"The look-alikes of run {folder.name} are damaged and cannot be read."),
        np.load(path, allow_pickle=False) as arrays,
    ):
        pictures = arrays["pictures"]
        if pictures.ndim != 4 or pictures.dtype != np.uint8:
            raise ValueError("not pictures")
        return pictures
