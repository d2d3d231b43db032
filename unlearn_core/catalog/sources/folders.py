"""Pictures in class folders, or in a .zip of them, with or without `train/` and `test/` above."""

import hashlib
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePath, PurePosixPath

from unlearn_core.catalog.sources.base import ImageSource, PictureFile, in_order
from unlearn_core.catalog.untrusted.archives import members
from unlearn_core.catalog.untrusted.pictures import MOST_BYTES, SUFFIXES
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError

MOST_PICTURES = 100_000
MOST_UNPACKED = 16 * 2**30
_TRAIN = ("train", "training")
_TEST = ("test", "testing", "val", "valid", "validation")


def folder_fingerprint(path: Path) -> str:
    """Return a digest of names, sizes and times of the folder's (or archive's) files."""
    _check(path)
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    digest = hashlib.sha256(readable(path.resolve()).encode())
    for file in files:
        facts = file.lstat()
        digest.update(f"{readable(file)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def folder_source(path: Path) -> ImageSource:
    """Return the pictures of a folder or .zip in the order of their names.

    The class is the name of a picture's folder; those under `test/` or `val/` are test pictures.

    Raises:
        UserError: an unknown path, no pictures, too many, or an archive with unsafe names.
    """
    files = folder_files(path)
    depth = _split_depth(files)
    classes, is_test = [], []
    for file in files:
        parts = PurePosixPath(file.name).parts
        is_test.append(depth is not None and parts[depth].lower() in _TEST)
        folders = parts[:-1] if depth is None else parts[depth + 1 : -1]
        classes.append(folders[-1] if folders else "")
    return in_order(files, is_test, classes)


def folder_files(path: Path) -> list[PictureFile]:
    """Return the picture files of a folder or .zip, sorted by name; raises like `folder_source`."""
    _check(path)
    files = _zip_files(path) if path.is_file() else _plain_files(path)
    if not files:
        raise UserError(f"There are no pictures in {path.name}.")
    if len(files) > MOST_PICTURES:
        raise UserError(f"{path.name} has {len(files):,} pictures; the maximum is {MOST_PICTURES:,}.")
    return files


def _check(path: Path) -> None:
    if not path.exists():
        raise UserError(f"There is no folder {path.name if is_shared() else path}.")
    if path.is_file() and not zipfile.is_zipfile(path):
        raise UserError(f"{path.name} is neither a folder nor a .zip file.")


def _plain_files(path: Path) -> list[PictureFile]:
    found = sorted((file.relative_to(path), file) for file in path.rglob("*"))
    return [
        PictureFile(readable(PurePosixPath(name.as_posix())), lambda file=file: read_file(file))  # type: ignore[misc]
        for name, file in found
        if _is_picture(name) and file.is_file()
    ]


def readable(name: PurePath) -> str:
    """Return a path as text; bytes that are not UTF-8 become escapes, since such text cannot be stored."""
    return str(name).encode(errors="backslashreplace").decode()


def _is_picture(name: PurePath) -> bool:
    """Return whether a path inside the set is a picture; hidden files and __MACOSX folders are not."""
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.parts)
    return name.suffix.lower() in SUFFIXES and not hidden


def empty_classes(path: Path) -> list[str]:
    """Return the folders of a folder or .zip without any picture in or below them."""
    if path.is_file():
        names = [PurePosixPath(member.filename) for member in members(path)]
        folders = {folder for name in names for folder in name.parents}
        folders |= {PurePosixPath(one.filename) for one in members(path) if one.is_dir()}
    else:
        names = [PurePosixPath(file.relative_to(path).as_posix()) for file in path.rglob("*")]
        folders = {name for name in names if (path / name).is_dir()}
    full = {folder for name in names if _is_picture(name) and name not in folders for folder in name.parents}
    shown = (one for one in folders - full if not any(part[0] in "._" for part in one.parts))
    return sorted(readable(folder) for folder in shown)


def read_file(file: Path) -> bytes:
    """Return the file's bytes, at most one more than a picture may have."""
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES + 1)


def _zip_files(path: Path) -> list[PictureFile]:
    files, unpacked = [], 0
    for member in sorted(members(path), key=lambda member: member.filename):
        name = PurePosixPath(member.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in member.filename:
            raise UserError(f"{path.name} contains a path outside of it: {member.filename}.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UserError(f"{path.name} contains a link: {member.filename}.")
        if _is_picture(name) and not member.is_dir():
            unpacked += member.file_size
            files.append(PictureFile(str(name), _zip_reader(path, member.filename)))
    if unpacked > MOST_UNPACKED:
        raise UserError(f"{path.name} unpacks to more than {MOST_UNPACKED // 2**30} GB.")
    return files


def _zip_reader(path: Path, member: str) -> Callable[[], bytes]:
    def read() -> bytes:
        # Opened for each file: threads cannot share an archive's position.
        try:
            with zipfile.ZipFile(path) as archive, archive.open(member) as opened:
                return opened.read(MOST_BYTES + 1)
        # zipfile and its compression libraries raise various errors.
        except Exception as error:
            raise UserError(f"{member} in {path.name} cannot be unpacked.") from error

    return read


def _split_depth(files: list[PictureFile]) -> int | None:
    """Return the number of folders above `train/` and `test/`, or None without such a split."""
    for depth in (0, 1):
        names = {
            parts[depth].lower() for file in files if len(parts := PurePosixPath(file.name).parts) > depth + 1
        }
        if names and names <= {*_TRAIN, *_TEST}:
            return depth
    return None
