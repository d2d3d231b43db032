"""`attributions/KEY.npz` of a run: attribution maps, their common scale, and overlays on pictures."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.common.damaged import damaged_becomes

NO_CLASS = -1
"""In place of an opponent's class index: the maps explain the score of one class."""

FOR, AGAINST = (224, 120, 11), (33, 96, 190)
"""Orange and blue: distinguishable with colour blindness too."""


@dataclass(frozen=True)
class Attributions:
    """The maps of n pictures before and after a run.

    Attributes:
        inputs: the pictures, uint8 (n, h, w, c).
        before: float32 (n, h, w), positive where a pixel increases the target's score, or, with an
            opponent, the score of the target less that of the opponent.
        after: the same after the run.
        ids: of the pictures, int64 (n,).
        targets: the explained class, int64 (n,).
        against: its opponent, int64 (n,), or `NO_CLASS`.
        scores_before: logits of target and opponent, float32 (n, 2); nan without an opponent.
        scores_after: the same after the run.
        rank_correlation: Spearman's, of the maps before and after, float64 (n,); nan if one is constant.
        similarity: SSIM of the maps before and after, float64 (n,).
    """

    inputs: NDArray[np.uint8]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    against: NDArray[np.int64]
    scores_before: NDArray[np.float32]
    scores_after: NDArray[np.float32]
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
        n = len(arrays["targets"])
        # Files of version 0.1.0 have neither opponents nor scores.
        kept = {
            "against": np.full(n, NO_CLASS),
            "scores_before": np.full((n, 2), np.nan, np.float32),
            "scores_after": np.full((n, 2), np.nan, np.float32),
            **arrays,
        }
        return Attributions(**{field.name: kept[field.name] for field in fields(Attributions)})


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
