"""Uploads that a worker has not read yet."""

import contextlib
import re
import shutil
import time
import uuid
from pathlib import Path

from unlearn_core.catalog.records.classifier_record import FILE_ENDINGS
from unlearn_core.common.quotas import UPLOAD_MB
from unlearn_core.common.sharing import is_shared
from unlearn_core.errors import UserError

_FOLDER = "incoming"
_MOST_MB = 2000
_LEFT_FREE = 2 * 2**30
KEPT_SECONDS = 24 * 3600
_SUFFIXES = (*FILE_ENDINGS, ".zip")


def most_bytes() -> int:
    """Return the maximum size of an upload; it is lower on a shared server."""
    return (UPLOAD_MB.value if is_shared() else _MOST_MB) * 2**20


def store_upload(root: Path, name: str, data: bytes | memoryview, visitor: str = "") -> Path:
    """Write a visitor's file to a new folder without reading it, and return its path; remove old uploads.

    Raises `UserError` for an unsupported kind of file, or a full disk.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in _SUFFIXES:
        raise UserError(f"{name} has an unsupported type; supported: {', '.join(_SUFFIXES)}.")
    if len(data) > most_bytes():
        raise UserError(f"{name} is larger than {most_bytes() // 2**20} MB.")
    folder = root / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    if shutil.disk_usage(folder).free < len(data) + _LEFT_FREE:
        raise UserError(f"{name} cannot be saved: the disk of this server is nearly full.")
    stem = re.sub(r"[^\w-]+", "-", Path(name).stem).strip("-")[:60] or "file"
    path = folder / f"{visitor}-{uuid.uuid4().hex}" / f"{stem}{suffix}"
    try:
        path.parent.mkdir()
        path.write_bytes(data)
    except OSError as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise UserError(f"{name} cannot be saved: {error.strerror or error}.") from error
    return path


def uploads_of(root: Path, visitor: str) -> list[Path]:
    """Return the folders of a visitor's files that no worker has read yet."""
    return list((root / _FOLDER).glob(f"{visitor}-*"))


def remove_upload(path: Path) -> None:
    """Remove an upload."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def check_readable(root: Path, path: Path) -> None:
    """Raise `UserError` for a file that was not uploaded, on a shared server."""
    if is_shared() and path.resolve().parent.parent != (root / _FOLDER).resolve():
        raise UserError("This server is shared and does not accept paths: upload a file instead.")
