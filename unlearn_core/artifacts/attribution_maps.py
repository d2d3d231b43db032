"""`attributions/KEY.npz` of a run: attribution maps, their common scale, and overlays on pictures."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.common.damaged import damaged_becomes

FOR, AGAINST = (224, 120, 11), (33, 96, 190)
"""Orange and blue: distinguishable with colour blindness too."""


@dataclass(frozen=True)
class Attributions:
    """The maps of n pictures before and after a run.

    Attributes:
        inputs: the pictures, uint8 (n, h, w, c).
        before: float32 (n, h, w), positive where a pixel increases the target's score.
        after: the same after the run.
        ids: of the pictures, int64 (n,).
        targets: the explained class, int64 (n,).
        rank_correlation: Spearman's, of the maps before and after, float64 (n,); nan if one is constant.
        similarity: SSIM of the maps before and after, float64 (n,).
    """

    inputs: NDArray[np.uint8]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    rank_correlation: NDArray[np.float64]
    similarity: NDArray[np.float64]

    def arrays(self) -> dict[str, ArrayLike]:
        """Return the arrays of the file by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def read_attributions(path: Path) -> Attributions:
    """Read the file; one that cannot be read raises `UserError`."""
    with (
        damaged_becomes(f"The maps {path.name} cannot be read: run it again."),
        np.load(path, allow_pickle=False) as arrays,
    ):
        return Attributions(**{field.name: arrays[field.name] for field in fields(Attributions)})


def common_scale(*maps: NDArray[np.float32]) -> float:
    """Return the value of the full colour: the 99.5th percentile of all absolute values, above 0."""
    top = float(np.percentile(np.abs(np.stack(maps)), 99.5))
    return top or float(np.abs(np.stack(maps)).max()) or 1.0


def overlay(
    picture: NDArray[np.uint8], values: NDArray[np.float32], scale: float, opacity: float
) -> NDArray[np.uint8]:
    """Draw a map over a picture: orange for, blue against the target, paler near 0.

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
