"""`attribution_sanity/KEY.npz` of a run: its maps beside those of randomised classifiers."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.common.damaged import damaged_becomes


@dataclass(frozen=True)
class SanityCheck:
    """Maps of n pictures by the classifier before, and with shuffled weights.

    Attributes:
        ids: of the pictures, int64 (n,).
        inputs: the pictures, uint8 (n, h, w, c).
        trained: maps of the classifier before, float32 (n, h, w).
        last_layer: the same with its last layer shuffled.
        all_layers: the same with all layers shuffled.
        last_layer_correlation: Spearman's, of `last_layer` with `trained`, float64 (n,); nan if one is
            constant.
        all_layers_correlation: the same of `all_layers`.
    """

    ids: NDArray[np.int64]
    inputs: NDArray[np.uint8]
    trained: NDArray[np.float32]
    last_layer: NDArray[np.float32]
    all_layers: NDArray[np.float32]
    last_layer_correlation: NDArray[np.float64]
    all_layers_correlation: NDArray[np.float64]

    def arrays(self) -> dict[str, ArrayLike]:
        """Return the arrays of the file by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def read_sanity_check(path: Path) -> SanityCheck:
    """Read the file; one that cannot be read raises `UserError`."""
    with (
        damaged_becomes(f"The maps {path.name} cannot be read: run it again."),
        np.load(path, allow_pickle=False) as arrays,
    ):
        return SanityCheck(**{field.name: arrays[field.name] for field in fields(SanityCheck)})
