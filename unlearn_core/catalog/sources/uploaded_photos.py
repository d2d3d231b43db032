"""Uploaded pictures: decoded in a guarded process, resized and re-encoded, so that only pixels are stored."""

import re
from pathlib import Path

from PIL import Image

from unlearn_core.catalog.untrusted.guard import PICTURE, guarded
from unlearn_core.catalog.untrusted.intensities import in_words
from unlearn_core.catalog.untrusted.pictures import read_photo
from unlearn_core.common.files import atomic_write
from unlearn_core.errors import UserError

LONGEST_SIDE = 1024
MOST_UPLOADS = 500


def upload_folder(root: Path, visitor: str = "") -> Path:
    """Return the folder of uploads: everybody's, or those of a visitor of a shared server."""
    return root / "uploads" / visitor


def add_upload(folder: Path, name: str, data: bytes) -> tuple[int, str]:
    """Store a picture in a folder of uploads; return its number, and a sentence on how it was read or "".

    It is stored as a new PNG of its pixels, at most `LONGEST_SIDE` long: nothing else of the file (location,
    camera, hidden content) is stored.

    Raises:
        UserError: the file is not a picture, too large or damaged, or there are `MOST_UPLOADS` already.
    """
    number, said = guarded(name, PICTURE, store_picture, folder, name, data)
    return number, said


def store_picture(folder: Path, name: str, data: bytes) -> tuple[int, str]:
    """Do what `add_upload` does, in the guarded process."""
    picture, window = read_photo(data, name)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BICUBIC)
    folder.mkdir(parents=True, exist_ok=True)
    kept = uploads(folder)
    if len(kept) >= MOST_UPLOADS:
        raise UserError(f"At most {MOST_UPLOADS} uploaded photos are kept.")
    number = 1 + max((number for number, _ in kept), default=-1)
    stem = re.sub(r"[^a-z0-9]+", "-", Path(name).stem.lower()).strip("-")[:40] or "picture"
    with atomic_write(folder / f"{number:04d}-{stem}.png") as half:
        picture.save(half, "PNG")
    return number, "" if window is None else f"{name}: {in_words(window)}"


def uploads(folder: Path) -> list[tuple[int, Path]]:
    """Return number and file of each upload, in order."""
    return sorted((int(file.name[:4]), file) for file in folder.glob("[0-9][0-9][0-9][0-9]-*.png"))
