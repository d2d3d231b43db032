"""`picture_files.npz` of a run: from which file each picture was read.

The ids of a folder's pictures are their positions, which move when files are added or removed.
"""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearn_core.common.checksums import check
from unlearn_core.common.damaged import damaged_becomes
from unlearn_core.common.files import atomic_write, write_compressed
from unlearn_core.errors import UserError

PICTURE_FILES = "picture_files.npz"


def file_digests(files: Sequence[str]) -> NDArray[np.uint64]:
    """Return a digest of each name, uint64 (n,)."""
    digests = [blake2b(name.encode(errors="replace"), digest_size=8).digest() for name in files]
    return np.frombuffer(b"".join(digests), np.uint64)


def write_picture_files(folder: Path, ids: NDArray[np.int64], files: Sequence[str]) -> None:
    """Write into a run's folder from which files pictures are; nothing for a set without files."""
    if files:
        with atomic_write(folder / PICTURE_FILES) as half:
            write_compressed(half, {"ids": ids, "files": file_digests(files)})


def check_picture_files(folder: Path, images: str, ids: NDArray[np.int64], files: Sequence[str]) -> None:
    """Raise `UserError` if a picture of the image set is read from another file than the run had it from.

    Runs of earlier versions do not say it; pictures that are gone are left to those who ask for them.

    Args:
        folder: of the run.
        images: name of the image set.
        ids: int64 (n,), of its pictures now, ascending.
        files: their names; empty for a set without files.
    """
    path = folder / PICTURE_FILES
    if not path.exists() or not files:
        return
    check(path, f"The list of files of run {folder.name}")
    with (
        damaged_becomes(f"The list of files of run {folder.name} is damaged and cannot be read."),
        np.load(path, allow_pickle=False) as arrays,
    ):
        known, digests = arrays["ids"], arrays["files"]
        if known.shape != digests.shape or known.ndim != 1 or digests.dtype != np.uint64:
            raise ValueError("not a list of files")
    both, here, there = np.intersect1d(ids, known, assume_unique=True, return_indices=True)
    moved = both[file_digests(files)[here] != digests[there]]
    if len(moved):
        raise UserError(
            f"The files of {images} have changed since run {folder.name} began: picture {moved[0]} is "
            "another file now."
        )
