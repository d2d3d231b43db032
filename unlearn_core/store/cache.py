"""Measurements that are made once and then kept with their run."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def cached(folder: Path, asked: object, make: Callable[[], Mapping[str, ArrayLike]]) -> Path:
    """Return the .npz in `folder` that answers `asked`; the first time its arrays are made.

    Args:
        folder: of the run for one kind of measurement; made where it is missing.
        asked: all that the answer depends on apart from the run, as plain values; part of the file's name.
        make: returns the arrays by name.
    """
    key = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:24]
    path = folder / f"{key}.npz"
    if not path.exists():
        arrays: Any = make()
        folder.mkdir(exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}.npz")
        np.savez_compressed(half, **arrays)
        half.replace(path)
    return path
