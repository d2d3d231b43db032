"""Sample sizes that depend on the size of the pictures."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.integer)

SMALL = 64
"""Pixels: up to this input side a picture counts as small."""


@dataclass(frozen=True)
class Budget:
    """A number for small pictures and one for large pictures, which take far longer."""

    small: int
    large: int

    def of(self, input_size: int) -> int:
        """Return the number for pictures with this side in pixels."""
        return self.small if input_size <= SMALL else self.large


def sample(positions: NDArray[Number], most: int, seed: int | np.random.Generator = 0) -> NDArray[Number]:
    """Return at most `most` of the positions in random order, the same ones for the same seed.

    A generator instead of a seed advances, so that a second sample differs from the first.
    """
    return np.random.default_rng(seed).permutation(positions)[:most]
