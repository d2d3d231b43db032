"""Adding an image set to the catalog."""

import csv
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize

from unlearn_core.catalog.records.classifier_record import MOST_ADDED, check_name
from unlearn_core.catalog.records.image_set_record import (
    LEFT_OUT,
    RECORD,
    UPLOADED,
    AddedImageSet,
    added_folder,
    added_image_sets,
)
from unlearn_core.catalog.sources.look_through import look_through, path_of
from unlearn_core.catalog.sources.registry import FOLDER_PREFIX, check_image_set, image_sets
from unlearn_core.catalog.untrusted.guard import guarded, limits_of_pictures
from unlearn_core.catalog.untrusted.intensities import Window
from unlearn_core.catalog.untrusted.uploads import remove_upload
from unlearn_core.common.files import atomic_write
from unlearn_core.errors import UserError


def add_image_set(
    root: Path,
    name: str,
    source: str,
    uploaded: Path | None = None,
    visitor: str = "",
    window: Window | None = None,
) -> AddedImageSet:
    """Add an image set to the catalog of the store at `root`, after checking its pictures.

    Files that cannot be read are left out; the file `LEFT_OUT` of its folder lists them.

    Args:
        root: of the store.
        name: in the catalog; it must be unused. "" makes one of the name of the folder or file.
        source: `folder:PATH`, `csv:PATH`, `utkface:PATH` or `utkface:GROUPING:PATH`; ignored with `uploaded`.
        uploaded: a .zip of class folders; it is moved into the store, or removed after an error.
        visitor: its owner on a shared server.
        window: the intensities that become black and white, for pictures with more than eight bits per
            channel; None finds it in a sample of them.

    Raises:
        UserError: a name that is taken, an unreadable source, an empty class, two classes with the same
            name, no file that can be read, or a window that cannot be. Nothing is stored then.
    """
    try:
        if uploaded is None:
            check_image_set(source)
        place = source if uploaded is None else f"{FOLDER_PREFIX}{uploaded}"
        path = path_of(place)
        name = _free_name(root, name or _derived(path), visitor)
        found, left_out = guarded(path.name, limits_of_pictures(path), look_through, place, window)
        record = AddedImageSet(
            name=name,
            source=source if uploaded is None else UPLOADED,
            kind=source.partition(":")[0] if uploaded is None else "uploaded .zip",
            visitor=visitor,
            left_out=len(left_out),
            **found,
        )
        _keep(added_folder(root, name), record, uploaded, left_out)
    finally:
        if uploaded is not None:
            remove_upload(uploaded)
    return record


def _derived(path: Path) -> str:
    """Return a valid, unused name, made of that of a folder or file."""
    text = normalize("NFC", path.stem if path.is_file() else path.resolve().name)
    name = re.sub(r"[^\w.-]+", "-", text).strip("-._")[:90] or "pictures"
    taken = [entry.name for entry in image_sets()]
    return next(one for one in (name, *(f"{name} {n}" for n in range(2, 2 + len(taken)))) if one not in taken)


def _free_name(root: Path, name: str, visitor: str) -> str:
    """Return a valid, unused name; anything else, or too many image sets, raises `UserError`."""
    name = check_name(name)
    if visitor and sum(one.visitor == visitor for one in added_image_sets(root)) >= MOST_ADDED:
        raise UserError(f"You have added {MOST_ADDED} image sets already: remove one first.")
    if ":" in name:
        raise UserError(f"An image set cannot be called {name}: a name has no colon.")
    if name in [entry.name for entry in image_sets()]:
        raise UserError(f"There is an image set {name} already: choose another name.")
    return name


def _keep(
    folder: Path, record: AddedImageSet, uploaded: Path | None, left_out: Sequence[tuple[str, str]]
) -> None:
    try:
        # Of the store, where nothing was stored before.
        folder.parents[1].mkdir(mode=0o700, parents=True, exist_ok=True)
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
