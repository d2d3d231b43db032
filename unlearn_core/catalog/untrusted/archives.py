"""The file list of an untrusted .zip file, with limits, and its members."""

import re
import threading
import zipfile
from pathlib import Path

from unlearn_core.errors import UserError

MOST_LISTED = 64 * 2**20
"""Bytes of an archive's file list: a hundred thousand long names need half of it."""

_ENCRYPTED = 1
_TAIL = 2**16 + 200


def members(path: Path) -> list[zipfile.ZipInfo]:
    """Return the members of an archive; a damaged one, or one with a huge list, raises `UserError`."""
    if _listed(path) > MOST_LISTED:
        raise UserError(f"{path.name} lists too many files.")
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    # The parser raises various errors for malicious files.
    except Exception as error:
        raise UserError(f"{path.name} is a damaged .zip file.") from error


class Archive:
    """An archive that is opened once for all its members: its list of files is long. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._file: zipfile.ZipFile | None = None

    def read(self, member: zipfile.ZipInfo, most_bytes: int) -> bytes:
        """Return the first bytes of a member; one that is damaged or encrypted raises `UserError`."""
        if member.flag_bits & _ENCRYPTED:
            raise UserError(
                f"{member.filename} in {self._path.name} needs a password: make a .zip without one."
            )
        try:
            with self._lock:
                if self._file is None:
                    self._file = zipfile.ZipFile(self._path)
                with self._file.open(member) as opened:
                    return opened.read(most_bytes)
        # zipfile and its compression libraries raise various errors.
        except Exception as error:
            raise UserError(f"{member.filename} in {self._path.name} cannot be unpacked.") from error


def _listed(path: Path) -> int:
    """Return the size of the file list: the largest value of all end records, zip and zip64."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read()
    old = [tail[at.start() + 12 : at.start() + 16] for at in re.finditer(rb"PK\x05\x06", tail)]
    new = [tail[at.start() + 40 : at.start() + 48] for at in re.finditer(rb"PK\x06\x06", tail)]
    # In zip64 archives the old field has only ones.
    sizes = [int.from_bytes(size, "little") for size in (*old, *new) if size != b"\xff" * 4]
    return max(sizes, default=0)
