"""Checksums of the finished files of a folder: a file that was changed, cut or removed later says so."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from unlearn_core.common.damaged import damaged_becomes
from unlearn_core.common.files import atomic_write
from unlearn_core.errors import UserError

_FILE = "checksums.json"
"""In the folder of the files: SHA-256 by name. Folders of earlier versions have none."""


def write_checksums(folder: Path, names: Iterable[str]) -> None:
    """Write the checksums of those of the named files that exist."""
    sums = {name: _sum(folder / name) for name in names if (folder / name).exists()}
    with atomic_write(folder / _FILE) as half:
        half.write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")


def delete_checksums(folder: Path) -> None:
    """Let the files of a folder change again."""
    (folder / _FILE).unlink(missing_ok=True)


def check(path: Path, words: str) -> None:
    """Raise `UserError` if a file is not as it was when its checksum was written.

    Args:
        path: of a file; without a checksum nothing is raised.
        words: what it is, as in "The steps of run 1234", for the sentence.
    """
    expected = _sums(path.parent, words).get(path.name)
    if expected is None:
        return
    with damaged_becomes(f"{words} cannot be read: run it again."), _forbidden_becomes(words):
        if not path.exists():
            raise UserError(f"{words} are missing: run it again.")
        facts = path.stat()
        if _sum_once(path, facts.st_mtime_ns, facts.st_size) != expected:
            raise UserError(f"{words} are damaged: run it again.")


def check_all(folder: Path, words: str) -> None:
    """Raise `UserError` as `check` does, for every file of a folder with checksums."""
    for name in _sums(folder, words):
        check(folder / name, f"{words} ({name})")


@contextmanager
def _forbidden_becomes(words: str) -> Iterator[None]:
    """Say that this user may not read a file: it is not damaged."""
    try:
        yield
    except PermissionError as error:
        raise UserError(f"{words} cannot be read: {error.strerror}.") from error


def _sums(folder: Path, words: str) -> dict[str, str]:
    with damaged_becomes(f"{words} cannot be checked, as {_FILE} is damaged: run it again."):
        try:
            with _forbidden_becomes(words):
                sums: dict[str, str] = json.loads((folder / _FILE).read_bytes())
        except FileNotFoundError:
            return {}
        if not isinstance(sums, dict):
            raise ValueError
        return sums


@lru_cache(maxsize=4096)
def _sum_once(path: Path, _changed: int, _size: int) -> str:
    """Return the checksum; calculated once per process and change, as weights may be large."""
    return _sum(path)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
