"""Taking an image set into the catalog under a name of its own."""

import shutil
from pathlib import Path

import numpy as np

from unlearn_core.catalog.brought.records import MOST_BROUGHT, check_name
from unlearn_core.catalog.entries import FOLDER_PREFIX, check_image_set, image_sets
from unlearn_core.catalog.pictures import read_picture
from unlearn_core.catalog.sources.added import (
    AddedImageSet,
    added_folder,
    added_image_sets,
    delete_added,
    keep_image_set,
)
from unlearn_core.catalog.sources.base import ImageSource
from unlearn_core.catalog.sources.named import UPLOADED, image_source
from unlearn_core.errors import UserError

_LOOKED_AT = 1000


def add_image_set(
    root: Path, name: str, source: str, uploaded: Path | None = None, visitor: str = ""
) -> AddedImageSet:
    """Take an image set into the catalog of the store at `root`, after a look at its pictures.

    Args:
        root: of the store.
        name: in the catalog, one that is not taken.
        source: `folder:PATH`, `csv:PATH`, `utkface:PATH` or `utkface:GROUPING:PATH`; ignored with `uploaded`.
        uploaded: a .zip of class folders; it is moved into the store.
        visitor: whose it is on a shared server.

    Raises:
        UserError: a name that is taken, a source that cannot be read, an empty class, two classes of one
            name, or a file that is no picture. Nothing is kept then.
    """
    name = check_name(name)
    if visitor and sum(one.visitor == visitor for one in added_image_sets(root)) >= MOST_BROUGHT:
        raise UserError(f"You brought {MOST_BROUGHT} image sets already: take one out first.")
    if ":" in name or name in [entry.name for entry in image_sets()]:
        raise UserError(f"An image set cannot be called {name}: choose another name.")
    if uploaded is None:
        check_image_set(source)
    folder = added_folder(root, name)
    record = AddedImageSet(name=name, source=source, kind="", pictures=0, class_names=(), visitor=visitor)
    try:
        if uploaded is not None:
            folder.mkdir(parents=True)
            shutil.move(uploaded, folder / UPLOADED)
            record = record.model_copy(update={"source": UPLOADED})
        keep_image_set(root, record)
        found = image_source(name)
        _check(found, source)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UserError(f"The image set cannot be kept: {error.strerror or error}.") from error
    except UserError:
        delete_added(root, name)
        raise
    kind = "uploaded .zip" if uploaded is not None else source.partition(":")[0]
    record = record.model_copy(
        update={"kind": kind, "pictures": len(found.ids), "class_names": found.class_names}
    )
    keep_image_set(root, record)
    return record


def _check(found: ImageSource, source: str) -> None:
    """Raise `UserError` for a class that is empty or there twice, or a file that is no picture."""
    names: dict[str, str] = {}
    for one in found.class_names:
        other = names.setdefault(one.strip().lower(), one)
        if other != one:
            raise UserError(f"Two classes have the same name: {other} and {one}.")
    for empty in empty_classes(source):
        raise UserError(f"The class folder {empty} holds no pictures.")
    if isinstance(found.pictures, list):
        # Of very many pictures some stand for all: the rest is looked at when they are loaded.
        for place in np.linspace(0, len(found.pictures) - 1, min(len(found.pictures), _LOOKED_AT)).astype(
            int
        ):
            picture = found.pictures[place]
            read_picture(picture.read(), picture.name)


def empty_classes(source: str) -> list[str]:
    """Return the names of empty folders of a folder source."""
    path = Path(source.removeprefix(FOLDER_PREFIX)).expanduser()
    if not source.startswith(FOLDER_PREFIX) or not path.is_dir():
        return []
    return sorted(one.name for one in path.rglob("*") if one.is_dir() and not any(one.iterdir()))
