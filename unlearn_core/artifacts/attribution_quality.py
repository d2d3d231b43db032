"""`attribution_quality/KEY.npz` of a run: quality of its attribution maps."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.common.damaged import damaged_becomes

TENTHS = 10
"""Of a picture's pixels: the points of deletion and insertion curves, after the first."""


@dataclass(frozen=True)
class MapQuality:
    """Quality of one classifier's maps of n pictures, float64 (n,) each; 0 is best.

    Attributes:
        infidelity: error in predicting from a map how small noise changes the score (Yeh et al.,
            arXiv 1901.09392).
        sensitivity: how much a map changes with tiny changes of the picture (same paper).
        convergence_delta: difference of the map's sum and the score's change from the baseline, as a share
            of the change; nan for algorithms without this property.
    """

    infidelity: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    convergence_delta: NDArray[np.float64]


@dataclass(frozen=True)
class AttributionQuality:
    """The same before and after a run.

    Attributes:
        ids: of the pictures, int64 (n,).
        before: quality of the maps before.
        after: quality of the maps after.
        deletion: probability of the target, 0 to 1, with 0 to `TENTHS` tenths of the pixels emptied, those
            first that the map ranks first; float64 (n, 2, `TENTHS` + 1), before and after.
        insertion: the same with only these pixels shown.
    """

    ids: NDArray[np.int64]
    before: MapQuality
    after: MapQuality
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]

    def arrays(self) -> dict[str, ArrayLike]:
        """Return the arrays of the file by name, such as `before_infidelity`."""
        named = {
            f"{when}_{field.name}": getattr(one, field.name)
            for when, one in (("before", self.before), ("after", self.after))
            for field in fields(one)
        }
        return {"ids": self.ids, "deletion": self.deletion, "insertion": self.insertion, **named}


def read_attribution_quality(path: Path) -> AttributionQuality:
    """Read the file; one that cannot be read raises `UserError`."""
    with (
        damaged_becomes(f"The measurements {path.name} cannot be read: run it again."),
        np.load(path, allow_pickle=False) as arrays,
    ):
        before, after = (
            MapQuality(*(arrays[f"{when}_{field.name}"] for field in fields(MapQuality)))
            for when in ("before", "after")
        )
        # Files of version 0.1.0 have no curves.
        unknown = np.full((len(arrays["ids"]), 2, TENTHS + 1), np.nan)
        curves = (arrays.get(name, unknown) for name in ("deletion", "insertion"))
        return AttributionQuality(arrays["ids"], before, after, *curves)
