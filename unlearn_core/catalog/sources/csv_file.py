"""Pictures of a CSV file: one row per picture with path, label and optionally split."""

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from posixpath import normpath
from unicodedata import normalize

from unlearn_core.catalog.sources.base import ImageSource, PictureFile, in_order
from unlearn_core.catalog.sources.folders import MOST_PICTURES, read_file, readable
from unlearn_core.catalog.sources.tables import LABELS, PATHS, column, rows_of
from unlearn_core.catalog.untrusted.pictures import MOST_BYTES
from unlearn_core.common.brought import there
from unlearn_core.errors import UserError, no_such_file

SPLITS = ("split", "part", "subset")
_FULL = re.compile(r"[/\\]|[a-zA-Z]:")
_TRIED = 20
_TEST = ("test", "testing", "val", "valid", "validation")


def table_source(path: Path) -> ImageSource:
    """Return the pictures of a CSV file with a header, in the order of its rows.

    Columns are separated by commas, semicolons, tabs or bars. Paths are relative to the file's folder and
    stay in it, with `/` or, as on Windows, `\\`. A split of `test` or `val` marks test pictures; an empty
    label marks an unlabelled picture. Rows without a picture are left out.

    Raises:
        UserError: no such file, not a CSV file, a missing column, or no picture at all.
    """
    rows, notes = _rows(path)
    header = rows[0]
    where, label, split = (column(header, names) for names in (PATHS, LABELS, SPLITS))
    if where is None or label is None:
        raise UserError(f"{path.name} needs a header with the columns path and label.")
    folder = path.parent.resolve()
    exists = _files(folder)
    root = _root(exists, [row[where].strip() for row in rows[1:] if len(row) == len(header)])
    files, is_test, classes, ids, left_out = [], [], [], [], []
    for number, row in enumerate(rows[1:]):
        name = _inside(exists, root, row[where].strip()) if len(row) == len(header) else None
        if name is None:
            left_out.append(
                (row[where] if len(row) > where else "", _why(path, number + 2, row, header, where))
            )
            continue
        file = f"{folder}/{name}"
        files.append(PictureFile(normalize("NFC", name), partial(read_file, file), file))
        is_test.append(split is not None and row[split].strip().lower() in _TEST)
        classes.append(normalize("NFC", row[label].strip()))
        ids.append(number)
    if not files:
        raise UserError(left_out[0][1])
    return in_order(files, is_test, classes, ids=ids, left_out=left_out, notes=notes)


def table_fingerprint(path: Path) -> str:
    """Return a digest of the CSV file and of the sizes and times of the pictures that it names."""
    digest = hashlib.sha256(readable(there(path.resolve())).encode())
    digest.update("\n".join(map(",".join, _rows(path)[0])).encode(errors="backslashreplace"))
    for file in table_source(path).pictures:
        assert file.path is not None
        facts = Path(file.path).stat()
        digest.update(f"{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _rows(path: Path) -> tuple[list[list[str]], tuple[str, ...]]:
    """Return the rows of a CSV file, the header first, and sentences about guesses."""
    if not path.is_file():
        raise no_such_file(path)
    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path.name} is larger than {MOST_BYTES // 2**20} MB.")
    rows, guessed = rows_of(path.read_bytes(), path.name)
    if len(rows) < 2:
        raise UserError(f"{path.name} lists no pictures.")
    if len(rows) > MOST_PICTURES:
        raise UserError(f"{path.name} lists {len(rows):,} pictures; the maximum is {MOST_PICTURES:,}.")
    return rows, guessed


def _root(exists: Callable[[str], bool], names: list[str]) -> str:
    """Return what full paths begin with, in the folder's place: they may be of another machine."""
    full = [name.replace("\\", "/") for name in names if _FULL.match(name)]
    for name in full[:_TRIED]:
        for place, letter in enumerate(name):
            if letter == "/" and exists(name[place + 1 :]):
                return name[: place + 1]
    return ""


def _inside(exists: Callable[[str], bool], root: str, name: str) -> str | None:
    """Return the path of a picture that is below a folder, with `/` between its folders; None for others."""
    for one in (name, name.replace("\\", "/")) if "\\" in name else (name,):
        short = one.removeprefix(root)
        outside = _FULL.match(short) or (".." in short and normpath(short).startswith(".."))
        if short and not outside and exists(short):
            return short
    return None


def _files(folder: Path) -> Callable[[str], bool]:
    """Return whether a file of this name is below a folder, as a function that lists each folder once."""

    @cache
    def listed(inside: str) -> frozenset[str]:
        with suppress(OSError, ValueError), os.scandir(folder / inside) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
        return frozenset()

    def exists(name: str) -> bool:
        inside, _, last = name.rpartition("/")
        # Some file systems know a file by other spellings of its name too.
        with suppress(OSError):
            return last in listed(inside) or (folder / name).is_file()
        return False

    return exists


def _why(path: Path, line: int, row: list[str], header: list[str], where: int) -> str:
    if len(row) != len(header):
        return f"Line {line} of {path.name} has {len(row)} columns, not {len(header)}."
    return f"Line {line} of {path.name}: no picture in or below its folder: {row[where].strip()[:80]!r}."
