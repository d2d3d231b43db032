"""Do two maps put their cells in the same order?"""

import numpy as np
from numpy.typing import NDArray


def rank_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Return Spearman's rank correlation of two maps of one shape, −1 to 1; nan where one is constant."""
    # Loaded here: it takes most of a second, and most who import this file never call it.
    from scipy.stats import spearmanr

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first.ravel(), second.ravel()).statistic)
