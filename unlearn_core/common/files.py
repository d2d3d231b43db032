"""Files and folders that are either whole or not there, whenever the program ends."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

Made = TypeVar("Made")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield where to write a file, or make a folder, that takes the place of `path` once all is written.

    What is yielded has the name of `path`, in a folder of its own beside it. The folder of `path` is made
    where it is missing, but not the one above: what was deleted meanwhile stays deleted. An exception leaves
    `path` as it was.
    """
    path.parent.mkdir(exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".half-", dir=path.parent))
    try:
        yield beside / path.name
        (beside / path.name).replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def make_once(path: Path, make: Callable[[], Made], write: Callable[[Path, Made], object]) -> Path:
    """Return `path`; unless it is there, `write` first writes there, as a whole, what `make` returns."""
    if not path.exists():
        made = make()
        try:
            with atomic_write(path) as half:
                write(half, made)
        except PermissionError:
            # Another process was quicker, and on Windows a file that somebody reads cannot be replaced.
            if not path.exists():
                raise
    return path


def write_arrays(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write an .npz of arrays by name, without compression: large, and quick to read."""
    np.savez(path, **arrays)  # type: ignore[arg-type]


def write_compressed(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write an .npz of arrays by name, compressed."""
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
