"""Files of a set that may hold pictures and are not read."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from unlearn_core.catalog.untrusted.pictures import SUFFIXES

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_KINDS = (
    *_ARCHIVES,
    *(".dcm", ".dicom", ".nii", ".npz", ".h5", ".hdf5", ".tfrecord", ".tfrecords", ".parquet"),
    *(".jp2", ".j2k", ".jxl", ".tga", ".svg", ".psd", ".exr", ".ico"),
    *(".raw", ".dng", ".nef", ".cr2", ".cr3", ".arw", ".raf", ".orf", ".rw2"),
)
_MOST_NAMED = 5
_NO_ENDING = "no ending"
_TEXTS = ("readme", "license", "licence", "copying", "authors", "changelog", "version", "makefile", "notice")
"""Files without an ending, in lower case, that hold no pictures."""


def of_other_kinds(names: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence about files that may hold pictures but are none of those that are read, if any.

    Args:
        names: paths of all files of a set that are no pictures.
    """
    endings = [ending for name in names if _may_hold_pictures(ending := _ending(name))]
    if not endings:
        return ()
    words = "file of another kind" if len(endings) == 1 else "files of other kinds"
    verb = "was" if len(endings) == 1 else "were"
    kinds = sorted(set(endings))
    some = ", ".join([*kinds[:_MOST_NAMED], *["…"] * (len(kinds) > _MOST_NAMED)])
    return (f"{len(endings):,} {words} ({some}) {verb} not read.",)


def no_pictures(place: str, names: Sequence[str]) -> str:
    """Return a sentence about a folder or archive of this name without pictures, and what it has instead."""
    archive = next((name for name in names if _ending(name) in _ARCHIVES), None)
    if archive is not None:
        return f"There are no pictures in {place}, but archives such as {archive[-80:]}: unpack them first."
    others = "".join(of_other_kinds(names)).rstrip(".")
    return f"There are no pictures in {place}{': ' * bool(others)}{others}."


def _may_hold_pictures(ending: str) -> bool:
    """Return whether files with this ending may; browsers add to endings: `.jpg_large`, `.jpg?w=100`."""
    return ending in (*_KINDS, _NO_ENDING) or ending.startswith(SUFFIXES)


def _ending(name: str) -> str:
    last = name.rpartition("/")[2].lower()
    return PurePosixPath(last).suffix or (_NO_ENDING if last not in _TEXTS else "")
