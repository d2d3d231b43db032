"""Pictures of a CSV file: one row per picture with path, label and optionally split."""

import csv
import hashlib
from pathlib import Path

from unlearn_core.catalog.sources.base import ImageSource, PictureFile, in_order
from unlearn_core.catalog.sources.folders import MOST_PICTURES, read_file, readable
from unlearn_core.catalog.untrusted.pictures import MOST_BYTES
from unlearn_core.errors import UserError

PATHS = ("path", "file", "filename", "image", "picture")
LABELS = ("label", "class", "target")
SPLITS = ("split", "part", "subset")
_TEST = ("test", "testing", "val", "valid", "validation")


def table_source(path: Path) -> ImageSource:
    """Return the pictures of a CSV file with a header, in the order of its rows.

    Paths are relative to the file's folder and stay in it. A split of `test` or `val` marks test pictures; an
    empty label marks an unlabelled picture.

    Raises:
        UserError: no such file, not a CSV file, a missing column, or a missing picture.
    """
    rows = _rows(path)
    header = [name.strip().lower() for name in rows[0]]
    where, label, split = (_column(header, names) for names in (PATHS, LABELS, SPLITS))
    if where is None or label is None:
        raise UserError(f"{path.name} needs a header with the columns path and label.")
    files, is_test, classes = [], [], []
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise UserError(f"Line {number} of {path.name} has {len(row)} columns, not {len(header)}.")
        files.append(_file(path, row[where].strip(), number))
        is_test.append(split is not None and row[split].strip().lower() in _TEST)
        classes.append(row[label].strip())
    return in_order(files, is_test, classes)


def table_fingerprint(path: Path) -> str:
    """Return a digest of the CSV file and of the sizes and times of the pictures that it names."""
    digest = hashlib.sha256(readable(path.resolve()).encode())
    digest.update("\n".join(map(",".join, _rows(path))).encode())
    for file in table_source(path).names:
        facts = (path.parent / file).stat()
        digest.update(f"{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _rows(path: Path) -> list[list[str]]:
    if not path.is_file():
        raise UserError(f"There is no file {path.name}.")
    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path.name} is larger than {MOST_BYTES // 2**20} MB.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file, strict=True) if row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} is not a CSV file.") from error
    if len(rows) < 2:
        raise UserError(f"{path.name} lists no pictures.")
    if len(rows) > MOST_PICTURES:
        raise UserError(f"{path.name} lists {len(rows):,} pictures; the maximum is {MOST_PICTURES:,}.")
    return rows


def _column(header: list[str], names: tuple[str, ...]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _file(table: Path, name: str, line: int) -> PictureFile:
    folder = table.parent.resolve()
    try:
        inside = (folder / name).resolve().is_relative_to(folder) and (folder / name).is_file()
    except (OSError, ValueError):
        inside = False
    if not name or not inside:
        raise UserError(f"Line {line} of {table.name}: no picture in or below its folder: {name[:80]!r}.")
    return PictureFile(name, lambda: read_file(folder / name))
