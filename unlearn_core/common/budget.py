"""How much is looked at: budgets that depend on the size of the pictures."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.integer)

SMALL = 64
"""Pixels: classifiers with inputs up to this side see whole pictures, and many pictures cost them little."""


@dataclass(frozen=True)
class Budget:
    """A number for small pictures, and one for large ones, each of which takes a classifier far longer."""

    small: int
    large: int

    def of(self, input_size: int) -> int:
        """Return the number for pictures of this side in pixels."""
        return self.small if input_size <= SMALL else self.large


def sample(positions: NDArray[Number], most: int, seed: int | np.random.Generator = 0) -> NDArray[Number]:
    """Return at most `most` of the positions in random order: the same ones for the same seed.

    A generator in the place of the seed is drawn from, so that a second sample goes on where the first ended.
    """
    return np.random.default_rng(seed).permutation(positions)[:most]
