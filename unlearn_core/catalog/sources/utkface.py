"""UTKFace (Zhang, Song and Qi 2017, arXiv 1702.08423): faces whose file names begin with the age.

The age groups are the five of the paper's own code (arXiv 2301.11578, its UTKFace experiments).
"""

import re
import zlib
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np

from unlearn_core.catalog.sources.base import ImageSource
from unlearn_core.catalog.sources.folders import list_folder
from unlearn_core.errors import UserError

GROUPINGS = {
    "groups": (0, 4, 13, 20, 31, 46, 61),
    "tens": (0, 11, 21, 31, 41, 51, 61, 71, 81, 91, 101, 111),
    "balanced": (0, 20, 30, 45),
    "mfd": (0, 20, 41),
    "tnn": (0, 10, 15, 20, 25, 30, 40, 50, 60),
}
"""Minimum age of each group, in years."""

# Some names of the data set lack the other numbers.
_AGE = re.compile(r"(\d{1,3})_")
_TEST_SHARE = 5


def utkface_source(path: Path, grouping: str) -> ImageSource:
    """Return the faces of a folder or .zip, by age group.

    The data set has no split: about every fifth face, by a checksum of its name, is a test picture.

    Args:
        path: of pictures called `AGE_GENDER_RACE_DATE.jpg`; others are left out.
        grouping: a name of `GROUPINGS`.
    """
    if grouping not in GROUPINGS:
        raise UserError(f"There is no age grouping {grouping}; available: {', '.join(GROUPINGS)}.")
    listing = list_folder(path)
    youngest = GROUPINGS[grouping]
    ages = [_age(file.name) for file in listing.pictures]
    kept = [place for place, age in enumerate(ages) if age is not None]
    files = [listing.pictures[place] for place in kept]
    left_out = tuple(
        (file.name, f"{file.name} does not begin with an age, as in 25_0_1_20170116.jpg.")
        for file, age in zip(listing.pictures, ages, strict=True)
        if age is None
    )
    if not files:
        raise UserError(left_out[0][1])
    classes = np.searchsorted(youngest, [age for age in ages if age is not None], side="right") - 1
    is_test = [zlib.crc32(PurePosixPath(file.name).name.encode()) % _TEST_SHARE == 0 for file in files]
    return ImageSource(
        files,
        np.array(kept),
        np.array(is_test),
        classes.astype(np.int64),
        _names(youngest),
        left_out,
        listing.notes,
    )


def _age(name: str) -> int | None:
    found = _AGE.match(PurePosixPath(name).name)
    return int(found[1]) if found else None


def _names(youngest: tuple[int, ...]) -> tuple[str, ...]:
    closed = (f"{low} to {high - 1} years" for low, high in pairwise(youngest))
    return (*closed, f"{youngest[-1]} years and older")
