"""The image sets that can be picked, without loading pictures or torch.

An image set of this project has a line in `_SHIPPED`; one of another package has an entry point in the group
`unlearn_lens.image_sets` that names the class; one of a notebook goes to `register`. People add theirs by
name (`records/image_set_record.py`), or name a place: `folder:PATH` and the like.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from unlearn_core.catalog.records.image_set_record import AddedImageSet, added_image_sets
from unlearn_core.catalog.sources.base import CatalogImageSet, ImageSetEntry
from unlearn_core.common.home import home
from unlearn_core.common.plug_ins import shipped_and_installed
from unlearn_core.common.sharing import refuse_when_shared
from unlearn_core.errors import UserError

GROUP = "unlearn_lens.image_sets"
_SHIPPED = (
    "mnist:Mnist",
    "torchvision_sets:CIFAR10",
    "photos:Photos",
    "torchvision_sets:CIFAR100",
    "torchvision_sets:SVHN",
    "torchvision_sets:STL10",
    "torchvision_sets:FLOWERS102",
    "torchvision_sets:OXFORD_PETS",
    "torchvision_sets:IMAGENETTE",
    "torchvision_sets:IMAGENET",
)
ADDED = "added by you"
FOLDER_PREFIX, CSV_PREFIX, UTKFACE_PREFIX, PHOTOS_PREFIX = "folder:", "csv:", "utkface:", "photos:"
PATTERNS = f"{FOLDER_PREFIX}PATH, {CSV_PREFIX}PATH and {UTKFACE_PREFIX}PATH"
_NO_PATH = re.compile(r"(folder|csv|utkface(:\w+)?):")
_VISITOR = re.compile(r"[0-9a-f]{16}")
_NAME = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
_registered: dict[str, CatalogImageSet] = {}


def register(kind: type[CatalogImageSet]) -> type[CatalogImageSet]:
    """Add an image set to this process's list and return it, so that this can be a decorator.

    One that was registered under the same name is replaced, as when a notebook's cell runs again.

    Raises:
        UserError: a name that another image set has, or what is missing or wrong.
    """
    replaced = _registered.get(getattr(getattr(kind, "entry", None), "name", ""))
    image_set = _checked(kind, [one for one in _known() if one is not replaced])
    _registered[image_set.entry.name] = image_set
    return kind


def named_image_set(name: str) -> CatalogImageSet | None:
    """Return the image set of that name, shipped, installed or registered, or None."""
    return next((one for one in _known() if one.entry.name == name), None)


def image_sets() -> tuple[ImageSetEntry, ...]:
    """Return the image sets of the catalog, then those that users added."""
    return (*(one.entry for one in _known()), *(_as_entry(record) for record in added_image_sets(home())))


def check_image_set(name: str) -> None:
    """Raise `UserError` for an unknown name, a source without a path, and a path on a shared server."""
    if _NO_PATH.fullmatch(name):
        raise UserError(f"{name} needs a path, as in {name}PATH.")
    if name.startswith((FOLDER_PREFIX, CSV_PREFIX, UTKFACE_PREFIX)):
        refuse_when_shared("paths")
        return
    own = name.startswith(PHOTOS_PREFIX) and _VISITOR.fullmatch(name.removeprefix(PHOTOS_PREFIX))
    if not own and name not in [entry.name for entry in image_sets()]:
        known = [entry.name for entry in image_sets() if not entry.visitor]
        raise UserError(f"There is no image set {name}; available: {', '.join(known)}, {PATTERNS}.")


def _known() -> tuple[CatalogImageSet, ...]:
    return (*_installed(), *_registered.values())


@cache
def _installed() -> tuple[CatalogImageSet, ...]:
    return shipped_and_installed("unlearn_core.catalog.sources", _SHIPPED, GROUP, _checked)


def _checked(kind: Any, others: Iterable[CatalogImageSet]) -> CatalogImageSet:
    """Return an image set of a class that may be a stranger's; `UserError` says what is wrong with it."""
    if isinstance(kind, type) and issubclass(kind, CatalogImageSet):
        kind = kind()
    if not isinstance(kind, CatalogImageSet):
        raise UserError(f"{kind!r} is not a class derived from CatalogImageSet.")
    entry = getattr(kind, "entry", None)
    if not isinstance(entry, ImageSetEntry):
        raise UserError(f"The image set {type(kind).__name__} has no entry.")
    if not _NAME.fullmatch(entry.name):
        raise UserError(f"{entry.name!r} is not a name of an image set: lower case, digits and hyphens.")
    if entry.name in [one.entry.name for one in others]:
        raise UserError(f"There is an image set {entry.name} already.")
    return kind


def _as_entry(record: AddedImageSet) -> ImageSetEntry:
    return ImageSetEntry(
        name=record.name,
        title=record.name,
        summary=f"{record.pictures:,} pictures of {len(record.class_names)} classes ({record.kind}).",
        fits=(),
        licence="yours",
        source=ADDED,
        megabytes=record.megabytes,
        classes=len(record.class_names),
        visitor=record.visitor,
    )
