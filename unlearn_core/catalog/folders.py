"""Pictures in class folders, or in a .zip of them, with or without `train/` and `test/` above."""

import hashlib
import re
import stat
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from unlearn_core.catalog.pictures import MOST_BYTES, SUFFIXES, fit, read_picture
from unlearn_core.errors import UserError

MOST_PICTURES = 100_000
MOST_MEMORY = 4 * 2**30
_TRAIN = ("train", "training")
_TEST = ("test", "testing", "val", "valid", "validation")


@dataclass(frozen=True)
class PictureFile:
    """One picture file: its path inside the set, and how to get its bytes."""

    name: str
    read: Callable[[], bytes]


def folder_fingerprint(path: Path) -> str:
    """Return a digest of names, sizes and times of the folder's (or archive's) files."""
    _check(path)
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    digest = hashlib.sha256(str(path.resolve()).encode())
    for file in files:
        facts = file.lstat()
        digest.update(f"{file}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def folder_files(
    path: Path, class_names: tuple[str, ...], wordnet_ids: tuple[str, ...]
) -> tuple[list[PictureFile], NDArray[np.int64], NDArray[np.bool_]]:
    """Find the pictures of a folder or .zip and what their folders say of them.

    Args:
        path: the folder or the archive.
        class_names: of the classifier; several names of one class stand between commas.
        wordnet_ids: of the same classes, or empty.

    Returns:
        The n files in the order of their names; labels int64 (n,), −1 where the classifier has no class of
        the folder's name or WordNet id; whether each stands under `test/` or `val/`, bool (n,).

    Raises:
        UserError: nothing there, no pictures, or an archive with unsafe names.
    """
    _check(path)
    files = _zip_files(path) if path.is_file() else _plain_files(path)
    if not files:
        raise UserError(f"There are no pictures in {path}.")
    if len(files) > MOST_PICTURES:
        raise UserError(f"{path} holds {len(files):,} pictures; the most is {MOST_PICTURES:,}.")
    depth = _split_depth(files)
    known = _class_index(class_names)
    labels, is_test = [], []
    for file in files:
        parts = PurePosixPath(file.name).parts
        is_test.append(depth is not None and parts[depth].lower() in _TEST)
        folders = parts[:-1] if depth is None else parts[depth + 1 : -1]
        labels.append(_label(folders[-1] if folders else "", known, wordnet_ids))
    return files, np.array(labels, np.int64), np.array(is_test)


def read_all(files: Sequence[PictureFile], size: int, channels: int) -> NDArray[np.uint8]:
    """Decode files to uint8 (n, size, size, channels); the first that is no picture raises `UserError`."""
    if len(files) * size * size * channels > MOST_MEMORY:
        raise UserError(f"{len(files):,} pictures of this size do not fit into {MOST_MEMORY // 2**30} GB.")
    with ThreadPoolExecutor(4) as pool:
        return np.stack(
            list(pool.map(lambda file: fit(read_picture(file.read(), file.name), size, channels), files))
        )


def _check(path: Path) -> None:
    if not path.exists():
        raise UserError(f"There is no folder {path}.")
    if path.is_file() and not zipfile.is_zipfile(path):
        raise UserError(f"{path} is neither a folder nor a .zip file.")


def _plain_files(path: Path) -> list[PictureFile]:
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    return [
        PictureFile(file.relative_to(path).as_posix(), lambda file=file: _read(file))  # type: ignore[misc]
        for file in found
    ]


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES + 1)


def _zip_files(path: Path) -> list[PictureFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise UserError(f"{path.name} is a damaged .zip file.") from error
    files = []
    for member in sorted(members, key=lambda member: member.filename):
        name = PurePosixPath(member.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in member.filename:
            raise UserError(f"{path.name} holds a file that points out of it: {member.filename}.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UserError(f"{path.name} holds a link: {member.filename}.")
        if name.suffix.lower() in SUFFIXES and not member.is_dir():
            files.append(PictureFile(str(name), _zip_reader(path, member.filename)))
    return files


def _zip_reader(path: Path, member: str) -> Callable[[], bytes]:
    def read() -> bytes:
        # Opened anew for each file: threads cannot share one archive's position.
        try:
            with zipfile.ZipFile(path) as archive, archive.open(member) as opened:
                return opened.read(MOST_BYTES + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
            raise UserError(f"{member} in {path.name} cannot be unpacked.") from error

    return read


def _split_depth(files: list[PictureFile]) -> int | None:
    """Return how many folders stand above `train/` and `test/`, or None where there is no such split."""
    for depth in (0, 1):
        names = {
            parts[depth].lower() for file in files if len(parts := PurePosixPath(file.name).parts) > depth + 1
        }
        if names and names <= {*_TRAIN, *_TEST}:
            return depth
    return None


def _class_index(class_names: tuple[str, ...]) -> dict[str, int]:
    """Return every name that means one class alone, in plain words, with the class."""
    found: dict[str, set[int]] = {}
    for index, names in enumerate(class_names):
        for name in {names, *names.split(",")}:
            found.setdefault(_plain(name), set()).add(index)
    return {name: classes.pop() for name, classes in found.items() if len(classes) == 1}


def _label(folder: str, known: dict[str, int], wordnet_ids: tuple[str, ...]) -> int:
    wordnet_id = re.search(r"n\d{8}", folder)
    if wordnet_id and wordnet_id[0] in wordnet_ids:
        return wordnet_ids.index(wordnet_id[0])
    return known.get(_plain(folder), -1)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.lower()).strip()
