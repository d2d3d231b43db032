"""Pictures in class folders, or in a .zip of them, with or without folders for training and testing above."""

import hashlib
import os
import re
import stat
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from unicodedata import normalize

from unlearn_core.catalog.sources.base import ImageSource, PictureFile, in_order
from unlearn_core.catalog.sources.label_files import says_classes
from unlearn_core.catalog.sources.other_files import no_pictures, of_other_kinds
from unlearn_core.catalog.sources.placing import Placed, placed
from unlearn_core.catalog.sources.walk import folders_around, is_hidden, walk
from unlearn_core.catalog.untrusted.archive_names import member_names
from unlearn_core.catalog.untrusted.archives import Archive, members
from unlearn_core.catalog.untrusted.pictures import MOST_BYTES, SUFFIXES
from unlearn_core.common.brought import there
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError

MOST_PICTURES = 100_000
MOST_UNPACKED = 16 * 2**30
_READING = 6
"""Increase it when the same files give other classes or another split: what was made of them is then old."""

_DRIVE = re.compile("[a-zA-Z]:")


@dataclass(frozen=True)
class Listing:
    """What is in a folder or .zip.

    Attributes:
        pictures: in the order of their names there.
        annotations: files that may say the classes of pictures.
        others: paths of the files that are no pictures.
        folders: with pictures or not.
        notes: sentences about guesses.
    """

    pictures: list[PictureFile]
    annotations: list[PictureFile]
    others: list[str]
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
            (os.path.join(top, *inside), _facts(file))  # noqa: PTH118 (of each of 100,000 files)
            for inside, file, is_folder in walk(path)
            if not is_folder
        ]
    for name, facts in sorted(files):
        digest.update(f"{readable(name)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _facts(file: str) -> os.stat_result:
    """Return size and time of a file, of a link to what is not there those of the link."""
    try:
        return Path(file).stat()
    except OSError:
        return Path(file).lstat()


def folder_source(path: Path) -> ImageSource:
    """Return the pictures of a folder or .zip in the order of their names; `layouts` says where they belong.

    Raises:
        UserError: an unknown path, no pictures, too many, or an archive with unsafe names.
    """
    listing = list_folder(path)
    found = _placed(listing)
    kept = [number for number, file in enumerate(listing.pictures) if file.name in found.places]
    if not kept:
        raise UserError(next(iter(found.left_out.values())))
    pictures = [listing.pictures[number] for number in kept]
    return in_order(
        pictures,
        [found.places[file.name].is_test for file in pictures],
        [found.places[file.name].class_name for file in pictures],
        ids=kept,
        left_out=[
            (file.name, found.left_out[file.name]) for file in listing.pictures if file.name in found.left_out
        ],
        notes=(*listing.notes, *found.notes, *_of_other_folders(listing, found)),
    )


def list_folder(path: Path) -> Listing:
    """Return what is in a folder or .zip; raises like `folder_source`."""
    _check(path)
    listing = _in_archive(path) if path.is_file() else _in_folder(path)
    if not listing.pictures:
        raise UserError(no_pictures(path.name, listing.others))
    if len(listing.pictures) > MOST_PICTURES:
        raise UserError(
            f"{path.name} has {len(listing.pictures):,} pictures; the maximum is {MOST_PICTURES:,}."
        )
    return listing


def empty_classes(path: Path) -> list[str]:
    """Return the folders without any file in or below them that stand beside class folders."""
    listing = list_folder(path)
    return _beside_classes(listing, _placed(listing))[0]


def _of_other_folders(listing: Listing, found: Placed) -> Iterable[str]:
    """Yield a sentence about the folders beside class folders that hold other files alone, if any."""
    _, others = _beside_classes(listing, found)
    if len(others) == 1:
        yield f"The folder {others[0]} beside the class folders has no pictures."
    elif others:
        yield f"{len(others):,} folders beside the class folders have no pictures, the first is {others[0]}."


def _beside_classes(listing: Listing, found: Placed) -> tuple[list[str], list[str]]:
    """Return the folders beside class folders that hold nothing, and those that hold other files alone."""
    full = {folder for file in listing.pictures for folder in folders_around(file.name)}
    beside = {"/".join(place.folder[:-1]) for place in found.places.values() if place.folder}
    some = sorted(one for one in listing.folders - full if one.rpartition("/")[0] in beside and one[0] != "_")
    filled = {folder for name in listing.others for folder in folders_around(name)} if some else set()
    return [one for one in some if one not in filled], [one for one in some if one in filled]


def _check(path: Path) -> None:
    if not path.exists():
        raise UserError(f"There is no folder {path.name if is_shared() else path}.")
    if path.is_file() and not zipfile.is_zipfile(path):
        raise UserError(f"{path.name} is neither a folder nor a .zip file.")


def _placed(listing: Listing) -> Placed:
    return placed([file.name for file in listing.pictures], listing.annotations)


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
    others = [file.name for file in files if not file.name.lower().endswith(SUFFIXES)]
    return Listing(pictures, annotations, others, folders, (*notes, *of_other_kinds(others)))


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
            raise UserError(f"{path.name} contains a path outside of it: {name[:80]}.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UserError(f"{path.name} contains a link: {name[:80]}.")
        if any(map(is_hidden, parts)):
            continue
        folders.update(folders_around("/".join(parts) + "/" * name.endswith("/")))
        if not name.endswith("/"):
            unpacked += member.file_size if name.lower().endswith(SUFFIXES) else 0
            files.append(PictureFile("/".join(parts), partial(archive.read, member, MOST_BYTES + 1)))
    if unpacked > MOST_UNPACKED:
        raise UserError(f"{path.name} unpacks to more than {MOST_UNPACKED // 2**30} GB.")
    words = f"The names in {path.name} do not say their encoding; they were read as {guessed}."
    return _listing(files, folders, (words,) if guessed else ())
