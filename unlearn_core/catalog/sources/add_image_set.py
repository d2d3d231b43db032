"""Adding an image set to the catalog."""

import csv
import os
import shutil
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from unlearn_core.catalog.records.classifier_record import MOST_ADDED, check_name
from unlearn_core.catalog.records.image_set_record import (
    LEFT_OUT,
    RECORD,
    UPLOADED,
    AddedImageSet,
    added_folder,
    added_image_sets,
)
from unlearn_core.catalog.sources.base import ImageSource, PictureFile
from unlearn_core.catalog.sources.folders import empty_classes
from unlearn_core.catalog.sources.registry import FOLDER_PREFIX, UTKFACE_PREFIX, check_image_set, image_sets
from unlearn_core.catalog.sources.resolve_source import read_source, split_utkface
from unlearn_core.catalog.untrusted.pictures import read_picture
from unlearn_core.catalog.untrusted.uploads import remove_upload
from unlearn_core.common.files import atomic_write
from unlearn_core.errors import UserError

_LOOKED_AT = 1000
_READ_WHOLE = 100 * 10**6
"""Bytes: of a set with more, only `_LOOKED_AT` pictures are read when it is added."""


def add_image_set(
    root: Path, name: str, source: str, uploaded: Path | None = None, visitor: str = ""
) -> AddedImageSet:
    """Add an image set to the catalog of the store at `root`, after checking its pictures.

    Files that cannot be read are left out; the file `LEFT_OUT` of its folder lists them.

    Args:
        root: of the store.
        name: in the catalog; it must be unused.
        source: `folder:PATH`, `csv:PATH`, `utkface:PATH` or `utkface:GROUPING:PATH`; ignored with `uploaded`.
        uploaded: a .zip of class folders; it is moved into the store, or removed after an error.
        visitor: its owner on a shared server.

    Raises:
        UserError: a name that is taken, an unreadable source, an empty class, two classes with the same
            name, or no file that can be read. Nothing is stored then.
    """
    try:
        name = _free_name(root, name, visitor)
        if uploaded is None:
            check_image_set(source)
        found = read_source(source if uploaded is None else f"{FOLDER_PREFIX}{uploaded}")
        left_out = [*found.left_out, *_unreadable(found)]
        if source.startswith(FOLDER_PREFIX) or uploaded is not None:
            for empty in empty_classes(uploaded or _path(source))[:1]:
                raise UserError(f"The class folder {empty} has no pictures.")
        record = AddedImageSet(
            name=name,
            source=source if uploaded is None else UPLOADED,
            kind=source.partition(":")[0] if uploaded is None else "uploaded .zip",
            pictures=len(found.ids) + len(found.left_out) - len(left_out),
            class_names=found.class_names,
            visitor=visitor,
            megabytes=_megabytes(uploaded or _path(source), found),
            left_out=len(left_out),
            notes=found.notes,
        )
        _keep(added_folder(root, name), record, uploaded, left_out)
    finally:
        if uploaded is not None:
            remove_upload(uploaded)
    return record


def _path(source: str) -> Path:
    if source.startswith(UTKFACE_PREFIX):
        return split_utkface(source)[1]
    return Path(source.partition(":")[2]).expanduser()


def _megabytes(path: Path, found: ImageSource) -> float:
    """Return the size of an archive, or of all picture files of a folder or table."""
    files = [path]
    if isinstance(found.pictures, list) and not zipfile.is_zipfile(path):
        files = [one.path for one in found.pictures if one.path and one.path.exists()]
    return round(sum(file.stat().st_size for file in files) / 1e6, 1)


def _free_name(root: Path, name: str, visitor: str) -> str:
    """Return a valid, unused name; anything else, or too many image sets, raises `UserError`."""
    name = check_name(name)
    if visitor and sum(one.visitor == visitor for one in added_image_sets(root)) >= MOST_ADDED:
        raise UserError(f"You have added {MOST_ADDED} image sets already: remove one first.")
    if ":" in name or name in [entry.name for entry in image_sets()]:
        raise UserError(f"An image set cannot be called {name}: choose another name.")
    return name


def _unreadable(found: ImageSource) -> list[tuple[str, str]]:
    """Return name and reason of each file that is not a picture; if it is all, raise `UserError`.

    Of very many large pictures only a sample is read; the others when they are loaded.
    """
    if not isinstance(found.pictures, list):
        return []
    n = len(found.pictures)
    sample = {int(place) for place in np.linspace(0, n - 1, min(n, _LOOKED_AT))}
    bad, size = _faults([found.pictures[place] for place in sorted(sample)])
    if len(bad) == len(sample):
        raise UserError(bad[0][1])
    if size / len(sample) * n <= _READ_WHOLE:
        bad += _faults([found.pictures[place] for place in range(n) if place not in sample])[0]
    return bad


def _faults(pictures: Sequence[PictureFile]) -> tuple[list[tuple[str, str]], int]:
    """Read pictures in parallel; return name and reason of those that are none, and the bytes of all."""

    def fault(picture: PictureFile) -> tuple[str, int]:
        try:
            data = picture.read()
            read_picture(data, picture.name)
        except UserError as error:
            return str(error), 0
        except OSError as error:
            return f"{picture.name} cannot be read: {error.strerror or error}.", 0
        return "", len(data)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(fault, pictures))
    bad = [(one.name, why) for one, (why, _) in zip(pictures, found, strict=True) if why]
    return bad, sum(size for _, size in found)


def _keep(
    folder: Path, record: AddedImageSet, uploaded: Path | None, left_out: Sequence[tuple[str, str]]
) -> None:
    try:
        with atomic_write(folder) as half:
            half.mkdir()
            if left_out:
                with (half / LEFT_OUT).open("w", newline="", encoding="utf-8") as file:
                    csv.writer(file).writerows([("file", "reason"), *left_out])
            (half / RECORD).write_text(record.model_dump_json(), encoding="utf-8")
            if uploaded is not None:
                shutil.move(uploaded, half / UPLOADED)
    except OSError as error:
        raise UserError(f"The image set cannot be saved: {error.strerror or error}.") from error
