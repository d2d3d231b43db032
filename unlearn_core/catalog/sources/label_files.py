"""Classes of pictures whose folders do not say them, from files beside the pictures."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress

from unlearn_core.catalog.class_names import class_numbers
from unlearn_core.catalog.sources.base import PictureFile
from unlearn_core.catalog.sources.tables import LABELS, PATHS, column, rows_of
from unlearn_core.errors import UserError

_ANNOTATIONS, _TABLE = "_annotations.txt", ".csv"
"""Tiny ImageNet has the former for `val/`: a picture's name and its class in each line, and more."""

_NO_LABELS = "submission"
"""In the name of a table: Kaggle's example of an answer has one class for all pictures."""


def says_classes(name: str) -> bool:
    """Return whether a file of this name may say the classes of pictures."""
    return name.endswith(_ANNOTATIONS) or (name.lower().endswith(_TABLE) and _NO_LABELS not in name.lower())


def annotated(files: Sequence[PictureFile]) -> dict[str, str]:
    """Return the class of each picture that a file of annotations names, by the picture's path."""
    found: dict[str, str] = {}
    for file in files:
        if file.name.endswith(_ANNOTATIONS):
            for line in _read(file).decode(errors="replace").splitlines():
                name, _, rest = line.partition("\t")
                for folder in (_folder(file.name), f"{_folder(file.name)}images/"):
                    found[folder + name] = rest.partition("\t")[0].strip()
    return found


def in_tables(
    files: Sequence[PictureFile], unlabelled: Collection[str], classes: Collection[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield for each table of pictures without a class its name and their classes by the pictures' paths.

    A table is in their folder or, as `Test.csv` of GTSRB is beside `Test`, has the folder's name.

    Args:
        files: that may be tables.
        unlabelled: paths of the pictures without a class.
        classes: of the others; in a table the class 00007 may be 7.
    """
    folders = {_folder(name) for name in unlabelled}
    numbers = {number[0]: name for name in classes if (number := class_numbers([name]))}
    for file in files:
        own, beside = _folder(file.name), f"{file.name[: -len(_TABLE)]}/"
        if not file.name.lower().endswith(_TABLE) or not {own, beside} & folders:
            continue
        said: dict[str, str] = {}
        for path, label in _labels(file):
            number = class_numbers([label])
            name = label if label in classes or not number else numbers.get(number[0], label)
            said |= {one: name for one in (own + path, beside + path) if one in unlabelled and name}
        if said:
            yield file.name, said


def _labels(file: PictureFile) -> Iterator[tuple[str, str]]:
    """Yield path and class of each row; nothing of what is no table of pictures."""
    with suppress(UserError):
        rows, _ = rows_of(_read(file), file.name)
        where, label = (column(rows[0] if rows else [], names) for names in (PATHS, LABELS))
        if where is not None and label is not None:
            for row in rows[1:]:
                if len(row) == len(rows[0]):
                    yield row[where].strip().replace("\\", "/").removeprefix("./"), row[label].strip()


def _read(file: PictureFile) -> bytes:
    with suppress(UserError, OSError):
        return file.read()
    return b""


def _folder(name: str) -> str:
    """Return the path of a file's folder with a slash at its end, "" for the outermost."""
    return name[: name.rfind("/") + 1]
