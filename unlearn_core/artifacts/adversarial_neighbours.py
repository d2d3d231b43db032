"""`neighbours/KEY.npz` of a run: adversarial neighbours of pictures."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.common.damaged import damaged_becomes


@dataclass(frozen=True)
class AdversarialNeighbours:
    """One adversarial neighbour of each of n pictures.

    Attributes:
        ids: of the pictures, int64 (n,).
        targets: the target class of each neighbour, int64 (n,).
        inputs: the neighbours, uint8 (n, h, w, c).
        distances: from the pictures, L2 in pixel values of [0, 1], float64 (n,).
        seen_before: the class predicted before the run, int64 (n,).
        before: attribution maps of the target before the run, float32 (n, h, w).
        seen_after: the class predicted after the run, int64 (n,).
        after: attribution maps after the run.
    """

    ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    inputs: NDArray[np.uint8]
    distances: NDArray[np.float64]
    seen_before: NDArray[np.int64]
    before: NDArray[np.float32]
    seen_after: NDArray[np.int64]
    after: NDArray[np.float32]

    def arrays(self) -> dict[str, ArrayLike]:
        """Return the arrays of the file by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def read_adversarial_neighbours(path: Path) -> AdversarialNeighbours:
    """Read the file; one that cannot be read raises `UserError`."""
    with (
        damaged_becomes(f"The measurements {path.name} cannot be read: run it again."),
        np.load(path, allow_pickle=False) as arrays,
    ):
        names = [field.name for field in fields(AdversarialNeighbours)]
        return AdversarialNeighbours(**{name: arrays[name] for name in names})
