"""Spearman's rank correlation."""

import numpy as np
from numpy.typing import NDArray


def rank_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Return the rank correlation of two arrays of the same shape, −1 to 1; nan if one is constant."""
    # Imported here: it takes most of a second.
    from scipy.stats import spearmanr

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first.ravel(), second.ravel()).statistic)
