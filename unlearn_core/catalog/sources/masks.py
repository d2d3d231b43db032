"""Files that look like pictures of a set and are masks of its pictures, as in data sets for segmentation."""

import re
from collections.abc import Collection, Sequence

from unlearn_core.catalog.sources.split_words import PLAIN

NO_PICTURES = frozenset({"mask", "masks", "label", "labels", "annotation", "annotations"})
"""Words for folders of masks."""

_FOLDERS = NO_PICTURES | {"segmentationclass", "segmentationobject", "segmentation", "segmentations"}
_FILE = re.compile(r"(.+)[ _-]mask([ _-]?\d+)?", re.IGNORECASE)


def masks(names: Sequence[str]) -> dict[str, str]:
    """Return a sentence about each file that is a mask, by its path.

    It is in a folder of masks beside one of pictures, or has the same place there as a picture in its own, or
    a name such as `1_mask.png` beside `1.png`.

    Args:
        names: paths with `/` in the set.
    """
    folders = {name.rpartition("/")[0] for name in names}
    beside = {place for folder in folders for place in _around(folder, PLAIN)}
    no_pictures = {folder for folder in folders if beside and _around(folder, _FOLDERS) & beside}
    stems = {name.rpartition(".")[0] for name in names}
    inside = {one for stem in stems for one in _within(stem, PLAIN)}
    found = (
        name
        for name in names
        if name.rpartition("/")[0] in no_pictures or _of(name) in stems or inside & _masked(name)
    )
    return {name: f"{name} is a mask of another picture." for name in found}


def _around(folder: str, words: Collection[str]) -> set[str]:
    """Return the folders around those of a path that have one of these names."""
    parts = folder.split("/")
    return {"/".join(parts[:depth]) for depth, part in enumerate(parts) if part.lower() in words}


def _within(path: str, words: Collection[str]) -> set[str]:
    """Return the rest of a path after each folder with one of these names, if there are folders in it."""
    parts = path.split("/")
    rests = ("/".join(parts[depth + 1 :]) for depth, part in enumerate(parts[:-2]) if part.lower() in words)
    return set(rests)


def _masked(name: str) -> set[str]:
    """Return where the picture whose mask a file is would be in its own folder."""
    return _within(name.rpartition(".")[0], _FOLDERS)


def _of(name: str) -> str | None:
    """Return the path, without its ending, of the picture whose mask a file of this name is."""
    folder, slash, last = name.rpartition("/")
    found = _FILE.fullmatch(last.rpartition(".")[0])
    return f"{folder}{slash}{found[1]}" if found else None
