"""Adding an image set to the catalog."""

import shutil
import zipfile
from pathlib import Path

import numpy as np

from unlearn_core.catalog.records.classifier_record import MOST_ADDED, check_name
from unlearn_core.catalog.records.image_set_record import (
    RECORD,
    UPLOADED,
    AddedImageSet,
    added_folder,
    added_image_sets,
)
from unlearn_core.catalog.sources.base import ImageSource
from unlearn_core.catalog.sources.folders import empty_classes
from unlearn_core.catalog.sources.registry import FOLDER_PREFIX, UTKFACE_PREFIX, check_image_set, image_sets
from unlearn_core.catalog.sources.resolve_source import read_source, split_utkface
from unlearn_core.catalog.untrusted.pictures import read_picture
from unlearn_core.catalog.untrusted.uploads import remove_upload
from unlearn_core.common.files import atomic_write
from unlearn_core.errors import UserError

_LOOKED_AT = 1000


def add_image_set(
    root: Path, name: str, source: str, uploaded: Path | None = None, visitor: str = ""
) -> AddedImageSet:
    """Add an image set to the catalog of the store at `root`, after checking its pictures.

    Args:
        root: of the store.
        name: in the catalog; it must be unused.
        source: `folder:PATH`, `csv:PATH`, `utkface:PATH` or `utkface:GROUPING:PATH`; ignored with `uploaded`.
        uploaded: a .zip of class folders; it is moved into the store, or removed after an error.
        visitor: its owner on a shared server.

    Raises:
        UserError: a name that is taken, an unreadable source, an empty class, two classes with the same
            name, or a file that is not a picture. Nothing is stored then.
    """
    try:
        name = _free_name(root, name, visitor)
        if uploaded is None:
            check_image_set(source)
        found = read_source(source if uploaded is None else f"{FOLDER_PREFIX}{uploaded}")
        _look_at(found)
        if source.startswith(FOLDER_PREFIX) or uploaded is not None:
            for empty in empty_classes(uploaded or _path(source))[:1]:
                raise UserError(f"The class folder {empty} has no pictures.")
        record = AddedImageSet(
            name=name,
            source=source if uploaded is None else UPLOADED,
            kind=source.partition(":")[0] if uploaded is None else "uploaded .zip",
            pictures=len(found.ids),
            class_names=found.class_names,
            visitor=visitor,
            megabytes=_megabytes(uploaded or _path(source), found),
        )
        _keep(added_folder(root, name), record, uploaded)
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
    folder = path if path.is_dir() else path.parent
    files = [path] if zipfile.is_zipfile(path) else [folder / name for name in found.names]
    # A name that is not UTF-8 has escapes, so no file is found by it; such files are left out.
    return round(sum(file.stat().st_size for file in files if file.exists()) / 1e6, 1)


def _free_name(root: Path, name: str, visitor: str) -> str:
    """Return a valid, unused name; anything else, or too many image sets, raises `UserError`."""
    name = check_name(name)
    if visitor and sum(one.visitor == visitor for one in added_image_sets(root)) >= MOST_ADDED:
        raise UserError(f"You have added {MOST_ADDED} image sets already: remove one first.")
    if ":" in name or name in [entry.name for entry in image_sets()]:
        raise UserError(f"An image set cannot be called {name}: choose another name.")
    return name


def _look_at(found: ImageSource) -> None:
    """Raise `UserError` for a file that is not a picture."""
    if isinstance(found.pictures, list):
        # Of very many pictures only a sample is checked; the others when they are loaded.
        places = np.linspace(0, len(found.pictures) - 1, min(len(found.pictures), _LOOKED_AT))
        for picture in (found.pictures[place] for place in places.astype(int)):
            read_picture(picture.read(), picture.name)


def _keep(folder: Path, record: AddedImageSet, uploaded: Path | None) -> None:
    try:
        with atomic_write(folder) as half:
            half.mkdir()
            (half / RECORD).write_text(record.model_dump_json(), encoding="utf-8")
            if uploaded is not None:
                shutil.move(uploaded, half / UPLOADED)
    except OSError as error:
        raise UserError(f"The image set cannot be saved: {error.strerror or error}.") from error
