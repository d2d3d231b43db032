"""Classes of pictures whose folders do not say them, from files beside the pictures."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from unlearn_core.catalog.class_names import class_numbers
from unlearn_core.catalog.sources.base import PictureFile
from unlearn_core.catalog.sources.named_pictures import NamedPictures, split_of_table
from unlearn_core.catalog.sources.split_column import split_column
from unlearn_core.catalog.sources.split_words import Kind
from unlearn_core.catalog.sources.tables import is_id, label_of_row, path_column, rows_of
from unlearn_core.common.long_names import MOST_CHARACTERS
from unlearn_core.errors import UserError

_ANNOTATIONS, _TABLE = "_annotations.txt", ".csv"
"""Tiny ImageNet has the former for `val/`: a picture's name and its class in each line, and more."""

_NO_LABELS = "submission"
"""In the name of a table: Kaggle's example of an answer has one class for all pictures."""

_Said = tuple[str, str, Kind | None]
"""A picture or its path, its class, and whether it is for testing, None where that is not said."""

_MOST_TABLES = 100
_MOST_NAMED = 3


@dataclass(frozen=True)
class Tables:
    """What tables say of pictures without a class.

    Attributes:
        classes: by the pictures' paths.
        tests: likewise, whether the table says that they are for testing, where it or its name says anything.
        left_out: a sentence about each picture that a table gives several classes.
        notes: which tables were used, and which were not though they name pictures.
    """

    classes: dict[str, str]
    tests: dict[str, bool]
    left_out: dict[str, str]
    notes: tuple[str, ...]


def says_classes(name: str) -> bool:
    """Return whether a file of this name may say the classes of pictures."""
    return name.endswith(_ANNOTATIONS) or (name.lower().endswith(_TABLE) and _NO_LABELS not in name.lower())


def classes_are_those(pictures: int, where: str) -> str:
    """Return a sentence about where the classes of so many pictures are from."""
    if pictures == 1:
        return f"The class of 1 picture is that {where}."
    return f"The classes of {pictures:,} pictures are those {where}."


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
    files: Sequence[PictureFile],
    is_test: Mapping[str, bool],
    unlabelled: Collection[str],
    classes: Collection[str],
) -> Tables:
    """Return what the tables beside pictures say of those without a class.

    Args:
        files: that may be tables.
        is_test: of all pictures, by their paths.
        unlabelled: paths of the pictures without a class.
        classes: of the others; in a table the class 00007 may be 7.

    Raises:
        UserError: two tables give a picture different classes.
    """
    tables = [file for file in files if file.name.lower().endswith(_TABLE)]
    if not tables or not unlabelled:
        return Tables({}, {}, {}, ())
    read = tables if len(tables) <= _MOST_TABLES else _beside(tables, unlabelled)
    pictures = NamedPictures(is_test)
    numbers = {number[0]: name for name in classes if (number := class_numbers([name]))}
    said: dict[str, tuple[str, str]] = {}
    tests: dict[str, bool] = {}
    # Folders for testing say it better.
    has_tests = any(is_test.values())
    left_out: dict[str, str] = {}
    used, unused = [], []
    for file in read:
        found, why_not = _named(file, pictures)
        unused += [why_not] * bool(why_not)
        found = [row for row in found if row[0] in unlabelled]
        labels = [(one, _as_class(label, classes, numbers)) for one, label, _ in found]
        tests |= {one: kind != "train" for one, _, kind in found if kind and not has_tests}
        own, several = _once(labels)
        for one, (name, other) in several.items():
            words = f"{file.name[-80:]} gives {one[-80:]} different classes"
            left_out[one] = f"{words}, {name[:40]} and {other[:40]}."
        for one, name in own.items():
            before, table = said.setdefault(one, (name, file.name))
            if before != name:
                both = f"{table[-80:]} and {file.name[-80:]} give {one[-80:]} different classes"
                raise UserError(f"{both}, {before[:40]} and {name[:40]}: remove one of them.")
        if own:
            used.append(classes_are_those(len(own), f"in {file.name}"))
    notes = [*_few(used), *_few(unused)]
    if len(read) < len(tables):
        others = len(tables) - len(read)
        notes.append(f"{others:,} tables were not read: of so many only those beside the pictures are.")
    return Tables({one: name for one, (name, _) in said.items()}, tests, left_out, tuple(notes))


def _named(file: PictureFile, pictures: NamedPictures) -> tuple[list[_Said], str]:
    """Return what each row of a table says, or a sentence if it names pictures and is not used."""
    rows, fault = _labels(file)
    find = pictures.in_table(file.name)
    found = [(one, label, kind) for path, label, kind in rows if (one := find(path))]
    if found or not (rows or fault):
        return found, ""
    return [], f"{file.name} was not used: {fault or 'none of its rows names exactly one picture here'}."


def _few(notes: list[str]) -> list[str]:
    """Return sentences about tables, of many the first and how many there are."""
    more = len(notes) - _MOST_NAMED
    return notes if more < 2 else [*notes[:_MOST_NAMED], f"The same goes for {more} other tables."]


def _as_class(label: str, classes: Collection[str], numbers: Mapping[int, str]) -> str:
    """Return a label as the class of its number is spelled."""
    number = class_numbers([label])
    return label if label in classes or not number else numbers.get(number[0], label)


def _once(labels: Sequence[tuple[str, str]]) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Return the class of each picture that has one, and two of the classes of each that has several."""
    found: dict[str, str] = {}
    several: dict[str, tuple[str, str]] = {}
    for one, name in labels:
        if name and found.setdefault(one, name) != name:
            several[one] = found[one], name
    return {one: name for one, name in found.items() if one not in several}, several


def _beside(tables: Sequence[PictureFile], unlabelled: Collection[str]) -> list[PictureFile]:
    """Return the tables in a folder of pictures without a class, or with its name beside it."""
    folders = {_folder(name) for name in unlabelled}
    return [file for file in tables if {_folder(file.name), f"{file.name[: -len(_TABLE)]}/"} & folders]


def _labels(file: PictureFile) -> tuple[list[_Said], str]:
    """Return what each row says, or a reason why there is nothing though the table names pictures."""
    rows: list[list[str]] = []
    with suppress(UserError):
        rows, _ = rows_of(_read(file), file.name)
    if not rows:
        return [], ""
    where, label, split = path_column(rows), label_of_row(rows), split_column(rows)
    if where is None:
        return [], ""
    if isinstance(label, str):
        return [], "" if is_id(rows[0][where]) else label
    whole = (row for row in rows[1:] if len(row) == len(rows[0]))
    kind = split_of_table(file.name)
    said = ((row[where].strip(), label(row), split.kind(row) if split else kind) for row in whole)
    return [one for one in said if max(len(one[0]), len(one[1])) <= MOST_CHARACTERS], ""


def _read(file: PictureFile) -> bytes:
    with suppress(UserError, OSError):
        return file.read()
    return b""


def _folder(name: str) -> str:
    """Return the path of a file's folder with a slash at its end, "" for the outermost."""
    return name[: name.rfind("/") + 1]
