"""The window of an image set: one for all its pictures, found in a sample of them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from unlearn_core.catalog.sources.base import PictureFile
from unlearn_core.catalog.untrusted.intensities import Window, window_of
from unlearn_core.catalog.untrusted.pictures import intensities
from unlearn_core.errors import UserError

_SAMPLE = 64


def find_window(pictures: list[PictureFile] | NDArray[np.uint8]) -> Window | None:
    """Return the window of pictures with more than eight bits per channel; None if a sample has none."""
    if isinstance(pictures, np.ndarray):
        return None
    places = np.linspace(0, len(pictures) - 1, min(len(pictures), _SAMPLE)).astype(int)
    return window_of(_deep(pictures[place] for place in places))


def _deep(sample: Iterable[PictureFile]) -> Iterator[NDArray[np.float32]]:
    for picture in sample:
        # A file that is no picture, or cannot be read, is reported where all of them are read.
        with suppress(UserError, OSError):
            values = intensities(picture.read(), picture.name)
            if values is not None:
                yield values
