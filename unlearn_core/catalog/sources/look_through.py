"""Looking through the files of a new image set, in the guarded process."""

import math
import os
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from unlearn_core.catalog.sources.base import ImageSource, PictureFile
from unlearn_core.catalog.sources.find_window import find_window
from unlearn_core.catalog.sources.folders import empty_classes
from unlearn_core.catalog.sources.registry import FOLDER_PREFIX, UTKFACE_PREFIX
from unlearn_core.catalog.sources.resolve_source import read_source, split_utkface
from unlearn_core.catalog.untrusted.intensities import Window, in_words
from unlearn_core.catalog.untrusted.pictures import TIFF, read_header, read_picture
from unlearn_core.common.brought import here
from unlearn_core.errors import UserError

_LOOKED_AT = 1000
_READ_WHOLE = 100 * 10**6
"""Bytes: of a set with more, only `_LOOKED_AT` pictures are read when it is added."""


def look_through(source: str, wanted: Window | None) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Read the files of an image set once.

    Args:
        source: with the path.
        wanted: the window that a person chose.

    Returns:
        What its record says of them, and name and reason of each that is left out.

    Raises:
        UserError: an unreadable source, an empty class, no file that can be read, or a window that cannot be.
    """
    found, path = read_source(source), path_of(source)
    bad, stacks = _looked_at(found)
    left_out = [*found.left_out, *bad]
    if source.startswith(FOLDER_PREFIX):
        for empty in empty_classes(path)[:1]:
            raise UserError(f"The class folder {empty} has no pictures.")
    window = _window(found, wanted)
    facts = {
        "pictures": len(found.ids) + len(found.left_out) - len(left_out),
        "class_names": found.class_names,
        "megabytes": _megabytes(path, found),
        "window": window,
        "notes": [
            *found.notes,
            *_of_stacks(stacks),
            *_of_lost(found, bad),
            *([] if window is None else [in_words(window)]),
        ],
    }
    return facts, left_out


def _window(found: ImageSource, wanted: Window | None) -> Window | None:
    """Return the window wanted, or that of a sample of the pictures."""
    usual = find_window(found.pictures)
    if wanted is None:
        return usual
    if usual is None:
        raise UserError("These pictures have eight bits per channel: there is no window to choose.")
    if not wanted[0] < wanted[1] or not all(map(math.isfinite, wanted)):
        raise UserError("Give both Black and White, the lower one first.")
    return wanted


def path_of(source: str) -> Path:
    """Return the path of a source."""
    if source.startswith(UTKFACE_PREFIX):
        return split_utkface(source)[1]
    return here(source.partition(":")[2])


def _megabytes(path: Path, found: ImageSource) -> float:
    """Return the size of an archive, or of all picture files of a folder or table."""
    files = [path]
    if isinstance(found.pictures, list) and not zipfile.is_zipfile(path):
        files = [Path(one.path) for one in found.pictures if one.path]
    return round(sum(file.stat().st_size for file in files if file.exists()) / 1e6, 1)


def _of_lost(found: ImageSource, bad: Sequence[tuple[str, str]]) -> list[str]:
    """Return a sentence about the classes none of whose pictures can be read, if any."""
    names = {name for name, _ in bad}
    kept = {int(one) for name, one in zip(found.names, found.classes, strict=True) if name not in names}
    lost = [name for one, name in enumerate(found.class_names) if one not in kept] if names else []
    if not lost:
        return []
    more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
    return [f"No picture can be read of the class {lost[0]}{more}."]


def _of_stacks(stacks: int) -> list[str]:
    if not stacks:
        return []
    words = "1 file has" if stacks == 1 else f"{stacks:,} files have"
    return [f"{words} several pages: of such files only the first page is read."]


def _looked_at(found: ImageSource) -> tuple[list[tuple[str, str]], int]:
    """Return name and reason of each file that is not a picture, and the number of those with several pages.

    If no file is a picture, raises `UserError`.

    Of very many large pictures only a sample is read; the others when they are loaded.
    """
    if not isinstance(found.pictures, list):
        return [], 0
    n = len(found.pictures)
    sample = {int(place) for place in np.linspace(0, n - 1, min(n, _LOOKED_AT))}
    bad, size, stacks = _faults([found.pictures[place] for place in sorted(sample)])
    if len(bad) == len(sample):
        raise UserError(bad[0][1])
    if size / len(sample) * n <= _READ_WHOLE:
        others, _, more = _faults([found.pictures[place] for place in range(n) if place not in sample])
        return bad + others, stacks + more
    return bad, stacks


def _faults(pictures: Sequence[PictureFile]) -> tuple[list[tuple[str, str]], int, int]:
    """Read pictures in parallel; return name and reason of those that are none, the bytes of all, and the
    number of those with several pages."""

    def fault(picture: PictureFile) -> tuple[str, int, bool]:
        try:
            data = picture.read()
            read_picture(data, picture.name)
        except UserError as error:
            return str(error), 0, False
        except OSError as error:
            return f"{picture.name} cannot be read: {error.strerror or error}.", 0, False
        return "", len(data), data[:2] in TIFF and read_header(data, picture.name).pages > 1

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(fault, pictures))
    bad = [(one.name, why) for one, (why, _, _) in zip(pictures, found, strict=True) if why]
    return bad, sum(size for _, size, _ in found), sum(is_stack for _, _, is_stack in found)
