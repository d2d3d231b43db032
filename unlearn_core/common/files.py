"""Files and folders that are either complete or missing, whenever the program ends."""

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from unlearn_core.common.damaged import DAMAGED

HALF = ".half-"
"""Begins the names of folders with what `atomic_write` has not finished."""

Made = TypeVar("Made")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path for a file or folder, which replaces `path` when the block ends.

    It has the same name, in a temporary folder beside `path`. The parent of `path` is created if it is
    missing, but not the folder above: what was deleted meanwhile stays deleted. After an exception `path` is
    unchanged.
    """
    path.parent.mkdir(exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=HALF, dir=path.parent))
    try:
        yield beside / path.name
        (beside / path.name).replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def make_once(path: Path, make: Callable[[], Made], write: Callable[[Path, Made], object]) -> Path:
    """Return `path`; if missing or damaged, first write the value of `make` there atomically by `write`."""
    if not is_whole(path):
        made = make()
        try:
            with atomic_write(path) as half:
                write(half, made)
        except PermissionError:
            # Another process was faster, and Windows does not replace a file that is open.
            if not is_whole(path):
                raise
    return path


def is_whole(path: Path) -> bool:
    """Return whether a file exists and, if it is an .npz or .npy, can be read."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return False
    return _can_be_read(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=1024)
def _can_be_read(path: Path, _changed: int, _size: int) -> bool:
    """Check a file once per process and change: a large one takes up to a second."""
    try:
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        if path.suffix == ".npy":
            np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGED:
        return False
    return True


def write_arrays(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write an uncompressed .npz of arrays by name: larger, but faster to read."""
    np.savez(path, **arrays)  # type: ignore[arg-type]


def write_compressed(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write a compressed .npz of arrays by name.

    At the lowest level: for floats about as small as numpy's, which takes five times as long.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(values), allow_pickle=False)
