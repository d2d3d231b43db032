"""95% intervals of percentages, and the area under a curve; without torch."""

import math

import numpy as np
from numpy.typing import ArrayLike

Z = 1.959964
"""The 97.5% quantile of the normal distribution."""


def wilson_interval(hits: float, n: int) -> tuple[float, float]:
    """Return the 95% score interval of a share, both ends in percent (Wilson 1927).

    Args:
        hits: number of hits, 0 to n; a sum of shares gives a wider interval than their own spread.
        n: at least 1.
    """
    share, squared = hits / n, Z * Z
    centre = (share + squared / (2 * n)) / (1 + squared / n)
    half = Z * math.sqrt(share * (1 - share) / n + squared / (4 * n * n)) / (1 + squared / n)
    # Rounding errors may exceed the limits slightly.
    return 100 * max(0.0, centre - half), 100 * min(1.0, centre + half)


def paired_half_width(lost: int, gained: int, n: int) -> float:
    """Return half of the 95% interval of a change in accuracy on the same n pictures, in points.

    The Wald interval for paired proportions with half a picture added to each of the four cells
    (Agresti and Min 2005, doi:10.1002/sim.1781).

    Args:
        lost: right before and wrong after.
        gained: wrong before and right after.
        n: all pictures, at least 1.
    """
    down, up, total = lost + 0.5, gained + 0.5, n + 2
    difference = (up - down) / total
    return 100 * Z * math.sqrt(((down + up) / total - difference**2) / total)


def area_under_curve(ones: ArrayLike, others: ArrayLike) -> float:
    """Return the probability that a value of `ones` exceeds one of `others`, ties counting half.

    The area under the ROC curve (Mann and Whitney 1947).
    """
    first, second = np.asarray(ones)[:, None], np.asarray(others)[None, :]
    return float((first > second).mean() + (first == second).mean() / 2)
