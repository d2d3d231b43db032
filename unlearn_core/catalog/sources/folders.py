"""Pictures in class folders, or in a .zip of them, with or without folders for training and testing above."""

import hashlib
import os
import re
import stat
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from unicodedata import normalize

from unlearn_core.catalog.sources.base import ImageSource, PictureFile, in_order
from unlearn_core.catalog.sources.classes_in_names import class_in_name, classes_in_names
from unlearn_core.catalog.sources.label_files import annotated, in_tables, says_classes
from unlearn_core.catalog.sources.layouts import Place, places
from unlearn_core.catalog.sources.walk import is_hidden, walk
from unlearn_core.catalog.untrusted.archive_names import member_names
from unlearn_core.catalog.untrusted.archives import Archive, members
from unlearn_core.catalog.untrusted.pictures import MOST_BYTES, SUFFIXES
from unlearn_core.common.brought import there
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError

MOST_PICTURES = 100_000
MOST_UNPACKED = 16 * 2**30
_READING = 4
"""Increase it when the same files give other classes or another split: what was made of them is then old."""

_DRIVE = re.compile("[a-zA-Z]:")


@dataclass(frozen=True)
class Listing:
    """What is in a folder or .zip.

    Attributes:
        pictures: in the order of their names there.
        annotations: files that may say the classes of pictures.
        folders: with pictures or not.
        notes: sentences about guesses.
    """

    pictures: list[PictureFile]
    annotations: list[PictureFile]
    folders: set[str]
    notes: tuple[str, ...] = ()


def folder_fingerprint(path: Path) -> str:
    """Return a digest of names, sizes and times of the folder's (or archive's) files."""
    _check(path)
    known_as = there(path.resolve())
    digest = hashlib.sha256(f"{_READING} {readable(known_as)}".encode())
    if path.is_file():
        files = [(path.name, path.stat())]
    else:
        top = path if known_as == path.resolve() else known_as
        files = [
            (os.path.join(top, *inside), Path(file).stat())  # noqa: PTH118 (of each of 100,000 files)
            for inside, file, is_folder in walk(path)
            if not is_folder
        ]
    for name, facts in sorted(files):
        digest.update(f"{readable(name)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def folder_source(path: Path) -> ImageSource:
    """Return the pictures of a folder or .zip in the order of their names; `layouts` says where they belong.

    Raises:
        UserError: an unknown path, no pictures, too many, or an archive with unsafe names.
    """
    listing = list_folder(path)
    found, notes = _places(listing)
    kept = [number for number, place in enumerate(found) if place is not None]
    return in_order(
        [listing.pictures[number] for number in kept],
        [place.is_test for place in found if place is not None],
        [place.class_name for place in found if place is not None],
        ids=kept,
        left_out=[
            (file.name, f"{file.name} is beside the folders for training and testing.")
            for file, place in zip(listing.pictures, found, strict=True)
            if place is None
        ],
        notes=(*listing.notes, *notes),
    )


def list_folder(path: Path) -> Listing:
    """Return what is in a folder or .zip; raises like `folder_source`."""
    _check(path)
    listing = _in_archive(path) if path.is_file() else _in_folder(path)
    if not listing.pictures:
        raise UserError(f"There are no pictures in {path.name}.")
    if len(listing.pictures) > MOST_PICTURES:
        raise UserError(
            f"{path.name} has {len(listing.pictures):,} pictures; the maximum is {MOST_PICTURES:,}."
        )
    return listing


def empty_classes(path: Path) -> list[str]:
    """Return the folders without any picture in or below them that stand beside class folders."""
    listing = list_folder(path)
    full = {folder for file in listing.pictures for folder in _around(file.name)}
    classes = {place.folder for place in _places(listing)[0] if place is not None and place.folder}
    beside = {"/".join(folder[:-1]) for folder in classes}
    return sorted(one for one in listing.folders - full if one.rpartition("/")[0] in beside and one[0] != "_")


def _around(name: str) -> Iterable[str]:
    """Yield the folders around a file or folder, the nearest first."""
    while name := name.rpartition("/")[0]:
        yield name


def _check(path: Path) -> None:
    if not path.exists():
        raise UserError(f"There is no folder {path.name if is_shared() else path}.")
    if path.is_file() and not zipfile.is_zipfile(path):
        raise UserError(f"{path.name} is neither a folder nor a .zip file.")


def _places(listing: Listing) -> tuple[list[Place | None], tuple[str, ...]]:
    """Return the place of each picture, and sentences about where classes are from."""
    names = [file.name for file in listing.pictures]
    found = places(names, annotated(listing.annotations))
    unlabelled = {
        name: number
        for number, (name, place) in enumerate(zip(names, found, strict=True))
        if place is not None and not place.class_name
    }
    notes = []
    classes = {place.class_name for place in found if place is not None and place.class_name}
    for table, labels in in_tables(listing.annotations, unlabelled, classes):
        for name, label in labels.items():
            place = found[unlabelled[name]]
            assert place is not None
            found[unlabelled[name]] = replace(place, class_name=normalize("NFC", label))
        notes.append(f"The classes of {len(labels):,} pictures are those in {table}.")
    # One folder around all is none: an archive often has one.
    if not notes and len(classes) < 2:
        notes += _from_names(names, found)
    return found, tuple(notes)


def _from_names(names: Sequence[str], found: list[Place | None]) -> list[str]:
    """Set the classes of the pictures whose names have them; return a sentence if there are any."""
    places_of = dict(zip(names, found, strict=True))
    train, test = (
        [n for n, place in places_of.items() if place and place.is_test == of] for of in (False, True)
    )
    labels = classes_in_names(train)
    classes = set(labels.values())
    labels |= {name: one for name in test if (one := class_in_name(name)) in classes}
    for number, (name, place) in enumerate(zip(names, found, strict=True)):
        if place is not None and name in labels:
            found[number] = replace(place, class_name=labels[name])
    one = next(iter(labels), "").rpartition("/")[2]
    return [f"The classes of {len(labels):,} pictures are those in their names, such as {one}."] * bool(
        labels
    )


def _in_folder(path: Path) -> Listing:
    files, folders = [], set()
    for parts, file, is_folder in sorted(walk(path)):
        name = readable("/".join(parts))
        if is_folder:
            folders.add(name)
        else:
            files.append(PictureFile(name, partial(read_file, file), file))
    return _listing(files, folders)


def _listing(files: list[PictureFile], folders: set[str], notes: tuple[str, ...] = ()) -> Listing:
    pictures = [file for file in files if file.name.lower().endswith(SUFFIXES)]
    annotations = [file for file in files if says_classes(file.name)]
    return Listing(pictures, annotations, folders, notes)


def readable(name: PurePath | str) -> str:
    """Return a path as composed text (NFC); bytes that are not UTF-8 become escapes, to be stored."""
    return normalize("NFC", str(name).encode(errors="backslashreplace").decode())


def read_file(path: str) -> bytes:
    """Return a file's bytes, at most one more than a picture may have."""
    with Path(path).open("rb") as opened:
        return opened.read(MOST_BYTES + 1)


def _in_archive(path: Path) -> Listing:
    found = sorted(members(path), key=lambda member: member.filename)
    names, guessed = member_names(found)
    archive = Archive(path)
    files, unpacked = [], 0
    folders: set[str] = set()
    for member, name in zip(found, names, strict=True):
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or _DRIVE.match(name):
            raise UserError(f"{path.name} contains a path outside of it: {name}.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UserError(f"{path.name} contains a link: {name}.")
        if any(map(is_hidden, parts)):
            continue
        folders.update(_around("/".join(parts) + "/" * name.endswith("/")))
        if not name.endswith("/"):
            unpacked += member.file_size if name.lower().endswith(SUFFIXES) else 0
            files.append(PictureFile("/".join(parts), partial(archive.read, member, MOST_BYTES + 1)))
    if unpacked > MOST_UNPACKED:
        raise UserError(f"{path.name} unpacks to more than {MOST_UNPACKED // 2**30} GB.")
    words = f"The names in {path.name} do not say their encoding; they were read as {guessed}."
    return _listing(files, folders, (words,) if guessed else ())
