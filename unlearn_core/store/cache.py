"""Measurements that are made once and stored with their run."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from numpy.typing import ArrayLike

from unlearn_core.common.files import make_once, write_compressed
from unlearn_core.common.surroundings import usual_surroundings


@usual_surroundings()
def cached(folder: Path, asked: object, make: Callable[[], Mapping[str, ArrayLike]]) -> Path:
    """Return the .npz in `folder` for the key `asked`; its arrays are made if it does not exist.

    Args:
        folder: of the run for one kind of measurement; created if it is missing.
        asked: all that the arrays depend on apart from the run, as plain values; determines the file name.
        make: returns the arrays by name.
    """
    key = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:24]
    return make_once(folder / f"{key}.npz", make, write_compressed)
