"""Pictures of a CSV file: one row per picture with path, label and optionally split."""

import hashlib
import os
import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from posixpath import normpath
from typing import Protocol
from unicodedata import normalize

from unlearn_core.catalog.sources.base import ImageSource, PictureFile, in_order
from unlearn_core.catalog.sources.folders import MOST_PICTURES, read_file, readable
from unlearn_core.catalog.sources.split_column import split_column
from unlearn_core.catalog.sources.tables import (
    NO_LABEL,
    columns_of,
    label_of_row,
    path_column,
    rows_of,
)
from unlearn_core.catalog.untrusted.pictures import MOST_BYTES, SUFFIXES
from unlearn_core.common.brought import there
from unlearn_core.common.long_names import MOST_CHARACTERS
from unlearn_core.errors import UserError, no_such_file

_FULL = re.compile(r"[/\\]|[a-zA-Z]:")
_TRIED = 20
_READING = 4
"""Increase it when the same file gives other classes or another split: what was made of them is then old."""


class _Exists(Protocol):
    """Whether a file of this name is below a folder: spelled so or, unless `only_listed`, in another way."""

    def __call__(self, name: str, /, *, only_listed: bool = False) -> bool: ...


@dataclass(frozen=True)
class _Row:
    """A row with a picture: the number of its line, the picture's path and what it says of it."""

    line: int
    name: str
    label: str
    is_test: bool


def table_source(path: Path) -> ImageSource:
    """Return the pictures of a CSV file with a header, in the order of its rows.

    Columns are separated by commas, semicolons, tabs or bars. Paths are relative to the file's folder and
    stay in it, with `/` or, as on Windows, `\\`; they may lack the ending. A split such as `test` or `val`
    marks test pictures, an empty one training pictures. The label is a cell, or the name of the one column of
    several that has 1; an empty one marks an unlabelled picture. Rows without a picture are left out, and
    those that repeat another or contradict it.

    Raises:
        UserError: no such file, not a CSV file, a missing column, an unknown split, or no picture at all.
    """
    rows, notes = _rows(path)
    header = rows[0]
    where, label = path_column(rows), label_of_row(rows)
    if where is None or label == NO_LABEL:
        has = f"it has {columns_of(header)}"
        raise UserError(f"{path.name} needs a header with the columns path and label; {has}.")
    if isinstance(label, str):
        raise UserError(f"{path.name} cannot be used: {label}.")
    folder = path.parent.resolve()
    exists = _files(folder)
    root = _root(exists, [row[where].strip() for row in rows[1:] if len(row) == len(header)])
    split = split_column(rows)
    found: list[_Row] = []
    left_out: dict[int, tuple[str, str]] = {}
    for line, row in enumerate(rows[1:], 2):
        whole = len(row) == len(header) and len(label(row)) <= MOST_CHARACTERS
        name = _inside(exists, root, row[where].strip()) if whole else None
        if name is None:
            text = row[where] if len(row) > where else ""
            left_out[line] = (text, _why(path, line, row, header, where))
            continue
        kind = "train" if split is None else split.kind(row)
        if split is not None and kind is None:
            cell = f"{row[split.place].strip()[:80]!r} in the column {header[split.place].strip()[:80]}"
            raise UserError(f"Line {line} of {path.name} has {cell}: write train or test.")
        text = "" if kind == "unlabelled" else normalize("NFC", label(row))
        found.append(_Row(line, name, text, kind != "train"))
    left_out |= _repeated(path, found)
    found = [row for row in found if row.line not in left_out]
    if not found:
        raise UserError(left_out[min(left_out)][1])
    files = [f"{folder}/{row.name}" for row in found]
    return in_order(
        [
            PictureFile(normalize("NFC", row.name), partial(read_file, file), file)
            for row, file in zip(found, files, strict=True)
        ],
        [row.is_test for row in found],
        [row.label for row in found],
        ids=[row.line - 2 for row in found],
        left_out=[left_out[line] for line in sorted(left_out)],
        notes=notes,
    )


def _repeated(path: Path, rows: list[_Row]) -> dict[int, tuple[str, str]]:
    """Return path and reason of the rows that are left out since others name the same picture, by line."""
    same: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        same[normpath(row.name)].append(row)
    left_out = {}
    for first, *others in same.values():
        said = (first.label, first.is_test)
        other = next((one for one in others if (one.label, one.is_test) != said), None)
        for one in others if other is None else (first, *others):
            why = f"Line {one.line} of {path.name} repeats line {first.line}."
            if other is not None:
                lines = f"Lines {first.line} and {other.line} of {path.name}"
                why = f"{lines} give {one.name[-80:]} different classes or splits."
            left_out[one.line] = (one.name, why)
    return left_out


def table_fingerprint(path: Path) -> str:
    """Return a digest of the CSV file and of the sizes and times of the pictures that it names."""
    digest = hashlib.sha256(f"{_READING} {readable(there(path.resolve()))}".encode())
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


def _root(exists: _Exists, names: list[str]) -> str:
    """Return what full paths begin with, in the folder's place: they may be of another machine."""
    short = (name for name in names if len(name) <= MOST_CHARACTERS)
    full = [name.replace("\\", "/") for name in short if _FULL.match(name)]
    for name in full[:_TRIED]:
        for place, letter in enumerate(name):
            if letter == "/" and exists(name[place + 1 :]):
                return name[: place + 1]
    return ""


def _inside(exists: _Exists, root: str, name: str) -> str | None:
    """Return the path of a picture that is below a folder, with `/` between its folders; None for others."""
    if len(name) > MOST_CHARACTERS:
        return None
    for one in (name, name.replace("\\", "/")) if "\\" in name else (name,):
        short = one.removeprefix(root)
        outside = _FULL.match(short) or (".." in short and normpath(short).startswith(".."))
        endings = ("",) if short.lower().endswith(SUFFIXES) else ("", *SUFFIXES, *map(str.upper, SUFFIXES))
        for ending in endings if short and not outside else ():
            if exists(short + ending, only_listed=bool(ending)):
                return short + ending
    return None


def _files(folder: Path) -> _Exists:
    """Return whether a file of this name is below a folder, as a function that lists each folder once."""

    @cache
    def listed(inside: str) -> frozenset[str]:
        with suppress(OSError, ValueError), os.scandir(folder / inside) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
        return frozenset()

    def exists(name: str, *, only_listed: bool = False) -> bool:
        inside, _, last = name.rpartition("/")
        # Some file systems know a file by other spellings of its name too. Asking takes long.
        with suppress(OSError):
            return last in listed(inside) or (not only_listed and (folder / name).is_file())
        return False

    return exists


def _why(path: Path, line: int, row: list[str], header: list[str], where: int) -> str:
    if len(row) != len(header):
        return f"Line {line} of {path.name} has {len(row)} columns, not {len(header)}."
    if max(map(len, row)) > MOST_CHARACTERS:
        return f"Line {line} of {path.name} has more than {MOST_CHARACTERS:,} characters in a column."
    return f"Line {line} of {path.name}: no picture in or below its folder: {row[where].strip()[:80]!r}."
