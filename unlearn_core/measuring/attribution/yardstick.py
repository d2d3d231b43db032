"""How much of a map's change is forgetting: the same numbers for kept pictures of the run."""

from collections.abc import Iterable

import numpy as np

from unlearn_core.artifacts.predictions import RETAIN, TEST, Comparison
from unlearn_core.common.budget import Budget, sample

KEPT = Budget(16, 2)
"""Pictures; maps of photos take seconds each."""


def kept_pictures(comparison: Comparison, most: int) -> list[int]:
    """Return the ids of at most `most` pictures of the run's image set that were to be kept, at random.

    They were recognised before. Where the image set has no such training pictures, they are test pictures.
    """
    own = (comparison.image_set == 0) & (comparison.before == comparison.labels)
    for group in (RETAIN, TEST):
        found = np.flatnonzero(own & (comparison.group == group))
        if len(found):
            return sorted(comparison.ids[sample(found, most)].tolist())
    return []


def median(values: Iterable[float]) -> float:
    """Return the median of the known values; nan if there are none."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.median(known)) if known else float("nan")
