"""What a .zip file that nobody vouches for says that it holds, with limits."""

import re
import zipfile
from pathlib import Path

from unlearn_core.errors import UserError

MOST_LISTED = 64 * 2**20
"""Bytes of an archive's own list of its files: a hundred thousand of them with long names need half of it."""

_TAIL = 2**16 + 200


def members(path: Path) -> list[zipfile.ZipInfo]:
    """Return what an archive lists; a damaged one, or one with an endless list, raises `UserError`."""
    if _listed(path) > MOST_LISTED:
        raise UserError(f"{path.name} lists far more files than any set of pictures or tensors needs.")
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    # Its parser stumbles in many ways over what was made to make it stumble.
    except Exception as error:
        raise UserError(f"{path.name} is a damaged .zip file.") from error


def _listed(path: Path) -> int:
    """Return the bytes of the list by the largest of the places that may say so, old form and new (zip64)."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read()
    old = [tail[at.start() + 12 : at.start() + 16] for at in re.finditer(rb"PK\x05\x06", tail)]
    new = [tail[at.start() + 40 : at.start() + 48] for at in re.finditer(rb"PK\x06\x06", tail)]
    # In archives of the new form the old place holds nothing but ones.
    sizes = [int.from_bytes(size, "little") for size in (*old, *new) if size != b"\xff" * 4]
    return max(sizes, default=0)
