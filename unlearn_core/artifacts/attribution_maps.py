"""Attribution maps without torch: reading them, their common scale, and painting them over a picture."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOR, AGAINST = (224, 120, 11), (33, 96, 190)
"""Orange and blue: told apart by the colour-blind too."""


@dataclass(frozen=True)
class Attributions:
    """What a worker wrote for n pictures; see `attributions/` in docs/architecture.md."""

    ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    inputs: NDArray[np.uint8]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    rank_correlation: NDArray[np.float64]
    similarity: NDArray[np.float64]


def read_attributions(path: Path) -> Attributions:
    """Read the file a worker wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return Attributions(**{name: arrays[name] for name in Attributions.__dataclass_fields__})


def common_scale(*maps: NDArray[np.float32]) -> float:
    """Return the value that gets the full colour: the 99.5th percentile of all absolute values, above 0."""
    top = float(np.percentile(np.abs(np.stack(maps)), 99.5))
    return top or float(np.abs(np.stack(maps)).max()) or 1.0


def overlay(
    picture: NDArray[np.uint8], values: NDArray[np.float32], scale: float, opacity: float
) -> NDArray[np.uint8]:
    """Paint a map over a picture: orange for, blue against, the paler the nearer to 0.

    Args:
        picture: uint8 (h, w, c).
        values: (h, w).
        scale: the value of the full colour.
        opacity: 0 shows the picture through, 1 shows the map on white.

    Returns:
        uint8 (h, w, 3).
    """
    grey = picture.astype(np.float64).mean(2, keepdims=True)
    paper = 255 * opacity + grey * (1 - opacity)
    strength = np.clip(np.abs(values) / scale, 0, 1)[:, :, None]
    colour = np.where(values[:, :, None] >= 0, np.array(FOR), np.array(AGAINST))
    return (paper * (1 - strength) + colour * strength).round().astype(np.uint8)
