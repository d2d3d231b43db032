"""Sources of image sets by name."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from unlearn_core.catalog.records.image_set_record import UPLOADED, added_folder, added_image_set
from unlearn_core.catalog.sources.base import CatalogImageSet, ImageSource
from unlearn_core.catalog.sources.check_source import checked
from unlearn_core.catalog.sources.csv_file import table_fingerprint, table_source
from unlearn_core.catalog.sources.folders import folder_fingerprint, folder_source
from unlearn_core.catalog.sources.photos import Photos
from unlearn_core.catalog.sources.registry import (
    CSV_PREFIX,
    FOLDER_PREFIX,
    PHOTOS_PREFIX,
    UTKFACE_PREFIX,
    check_image_set,
    named_image_set,
)
from unlearn_core.catalog.sources.utkface import GROUPINGS, utkface_source
from unlearn_core.common.brought import here
from unlearn_core.common.home import home


def image_source(name: str) -> ImageSource:
    """Return the source of an image set; an unknown or unreadable one raises `UserError`."""
    check_image_set(name)
    added = added_image_set(home(), name)
    if added is None:
        return read_source(name)
    return replace(read_source(_place(name, added.source)), window=added.window)


def source_fingerprint(name: str) -> str:
    """Return a text that changes whenever the set's pictures do; an unknown name raises `UserError`."""
    check_image_set(name)
    added = added_image_set(home(), name)
    if added is None:
        return _fingerprint(name)
    found = _fingerprint(_place(name, added.source))
    return found if added.window is None else f"{found} {added.window}"


def _place(name: str, source: str) -> str:
    return f"{FOLDER_PREFIX}{added_folder(home(), name) / UPLOADED}" if source == UPLOADED else source


def read_source(name: str) -> ImageSource:
    """Return the pictures of a name or a path, whoever asks: `image_source` checks that they may."""
    if name.startswith(UTKFACE_PREFIX):
        grouping, path = split_utkface(name)
        return utkface_source(path, grouping)
    if name.startswith(CSV_PREFIX):
        return table_source(_path(name, CSV_PREFIX))
    if name.startswith(FOLDER_PREFIX):
        return folder_source(_path(name, FOLDER_PREFIX))
    return checked(name, _named(name).read())


def _fingerprint(name: str) -> str:
    if name.startswith(UTKFACE_PREFIX):
        grouping, path = split_utkface(name)
        return sha256(f"{grouping} {folder_fingerprint(path)}".encode()).hexdigest()
    if name.startswith(CSV_PREFIX):
        return table_fingerprint(_path(name, CSV_PREFIX))
    if name.startswith(FOLDER_PREFIX):
        return folder_fingerprint(_path(name, FOLDER_PREFIX))
    return _named(name).fingerprint()


def _named(name: str) -> CatalogImageSet:
    return named_image_set(name) or Photos(name.removeprefix(PHOTOS_PREFIX))


def split_utkface(name: str) -> tuple[str, Path]:
    """Return grouping and path of `utkface:PATH` or `utkface:GROUPING:PATH`."""
    rest = name.removeprefix(UTKFACE_PREFIX)
    grouping, colon, path = rest.partition(":")
    if colon and grouping in GROUPINGS:
        return grouping, here(path)
    return "groups", here(rest)


def _path(name: str, prefix: str) -> Path:
    return here(name.removeprefix(prefix))
