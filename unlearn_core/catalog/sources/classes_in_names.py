"""Classes in the pictures' own names, as in the cats and dogs of Kaggle: `train/cat.0.jpg`."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

_NAME = re.compile(r"([^\W\d][\w -]*)\.\d+")
"""A class, a point and a number. Cameras put other signs before the number: `IMG_0001`."""

_FEWEST = 2
"""Classes, and pictures of each."""

_SHARE = 0.95
"""Of the pictures that must have a class in their names, so that few other files hide no classes."""


def classes_in_names(names: Sequence[str]) -> dict[str, str]:
    """Return the class that each picture's name begins with, by its path; nothing unless nearly all have one.

    Args:
        names: paths of the pictures to train on.
    """
    found = {name: one for name in names if (one := class_in_name(name))}
    counts = Counter(found.values())
    most = len(found) >= _SHARE * len(names)
    whole = most and len(counts) >= _FEWEST and min(counts.values()) >= _FEWEST
    return found if whole and len({name.casefold() for name in counts}) == len(counts) else {}


def class_in_name(name: str) -> str:
    """Return the class that the name of a picture begins with, "" if none."""
    match = _NAME.fullmatch(PurePosixPath(name).stem)
    return match[1] if match else ""
