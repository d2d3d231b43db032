"""Whether the arrays of a file fit together: each of them may be readable by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray


def check_arrays(pictures: Mapping[str, NDArray[Any]], classes: Sequence[str], known: int) -> None:
    """Raise `ValueError` for arrays that are not of the same pictures, or name unknown classes.

    Args:
        pictures: by name, one value for each of n pictures, (n, ...).
        classes: the names of those that are indices of classes, (n,), -1 for none.
        known: the number of classes.
    """
    if len({len(values) for values in pictures.values()}) != 1:
        raise ValueError
    for values in (pictures[name] for name in classes):
        if values.ndim != 1 or (len(values) and not -1 <= values.min() <= values.max() < known):
            raise ValueError
