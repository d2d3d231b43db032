"""Rows of untrusted CSV files, whatever program wrote them."""

import codecs
import csv
import re
from collections.abc import Callable, Sequence
from io import StringIO

from unlearn_core.catalog.untrusted.pictures import SUFFIXES
from unlearn_core.errors import UserError

FILES = ("path", "file", "filename", "filepath", "image", "imagepath", "imagename", "imageid", "picture")
_IDS = ("idcode", "id")
LABELS = (
    *("label", "class", "target", "classid", "dx", "breed", "diagnosis", "category"),
    *("labels", "classname", "species", "emotion", "findinglabels", "y"),
)
"""Names of columns, without case, spaces, hyphens and underscores."""

IS_TEST = ("istest", "isvalid", "isval", "isvalidation")
IS_TRAIN = ("istrain", "istraining")
"""Names of columns that tell test pictures, or training pictures."""
NO_LABEL = "it has no column label"

_SEPARATORS = ",;\t|"
_ZEROS, _ONES = ("0", "0.0"), ("1", "1.0")
_NOTHING = ("nan", "n/a", "#n/a", "<na>")
"""What programs write into cells without a value."""
_SEVERAL = re.compile("[|;,]")
_OTHER = re.compile("mask|seg|url", re.IGNORECASE)
"""In the names of columns with files that are not the pictures."""
_MOST_NAMED = 8


def rows_of(data: bytes, name: str) -> tuple[list[list[str]], tuple[str, ...]]:
    """Return the rows of a CSV file, without empty ones, and sentences about guesses.

    Columns are separated by commas, semicolons, tabs or bars, as most often in the first line. What is no
    such file raises `UserError`.
    """
    text, guessed = _text(data, name)
    first, _, rest = text.lstrip("\r\n").partition("\n")
    separator = max(_SEPARATORS, key=first.count)
    if said := re.fullmatch("sep=(.)\r?", first):
        # Excel's own way to say it.
        text, separator = rest, said[1]
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [row for row in reader if row], guessed
    except csv.Error as error:
        raise UserError(f"{name} is not a CSV file.") from error


def column(header: list[str], names: tuple[str, ...]) -> int | None:
    """Return the column of a header with the first of these names that it has."""
    found = [re.sub(r"[\s_-]", "", name).lower() for name in header]
    return next((found.index(name) for name in names if name in found), None)


def path_column(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the column with the pictures' names, None if there is none.

    Most of its cells end as pictures do, or else it has a usual name; an `id` counts only without these.

    Args:
        rows: of cells, the header first.
    """
    header = list(rows[0])
    whole = [row for row in rows[1:] if len(row) == len(header)]
    ends = [sum(row[one].strip().lower().endswith(SUFFIXES) for row in whole) for one in range(len(header))]
    some = [one for one, n in enumerate(ends) if 2 * n > len(whole) and not _OTHER.search(header[one])]
    named = column([header[one] for one in some], FILES)
    if some:
        return some[named or 0]
    return column(header, (*FILES, *_IDS))


def is_id(name: str) -> bool:
    """Return whether a column of this name has the number of each row, which may be a picture's name."""
    return column([name], _IDS) is not None


def columns_of(header: Sequence[str]) -> str:
    """Return the names of the columns of a table, of many the first."""
    some = [name.strip()[:40] for name in header[:_MOST_NAMED]]
    return ", ".join([*some, *["…"] * (len(header) > _MOST_NAMED)])


def label_of_row(rows: Sequence[Sequence[str]]) -> Callable[[Sequence[str]], str] | str:
    """Return what says the label of a row, or why there is none.

    It is the cell of a column such as label. Without one it is the name of the column with 1, where two or
    more columns have nothing but 0 and 1 and most rows have 1 in one of them; it is empty for the others.

    Args:
        rows: of cells, the header first; those of another length are not looked at.
    """
    header = [name.strip() for name in rows[0]]
    place = column(header, LABELS)
    if place is not None:
        return _label_in(place, [row for row in rows[1:] if len(row) == len(header)])
    whole = [row for row in rows[1:] if len(row) == len(header)]
    flags = [one for one in range(len(header)) if _is_flag(header[one], one, whole)]

    def set_in(row: Sequence[str]) -> list[str]:
        return [header[one] for one in flags if row[one].strip() in _ONES]

    found = [set_in(row) for row in whole]
    if not whole or len(flags) < 2 or 2 * sum(map(bool, found)) < len(whole):
        return NO_LABEL
    most = max(found, key=len)
    if len(most) > 1:
        return f"it gives a picture several classes at once: {' and '.join(most[:2])[:80]}"
    return lambda row: "".join(set_in(row))


def _label_in(place: int, rows: Sequence[Sequence[str]]) -> Callable[[Sequence[str]], str] | str:
    """Return what says the label of a row from a cell, or why there is none."""
    cells = {row[place].strip() for row in rows}
    for cell in cells:
        several = [part.strip() for part in _SEVERAL.split(cell)]
        if len(several) > 1 and len(set(several)) > 1 and cells.issuperset(several):
            return f"it gives a picture several classes at once: {' and '.join(several[:2])[:80]}"
    no_label = {cell for cell in cells if cell.lower() in _NOTHING}
    if all(cell.isdecimal() for cell in cells - no_label - {"", "-1"}):
        no_label.add("-1")

    def label(row: Sequence[str]) -> str:
        cell = row[place].strip()
        return "" if cell in no_label else cell

    return label


def _is_flag(name: str, place: int, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a column has nothing but 0 and 1, and does not tell test pictures."""
    tells_test = column([name], (*IS_TEST, *IS_TRAIN)) is not None
    return not tells_test and all(row[place].strip() in (*_ZEROS, *_ONES) for row in rows)


def _text(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """Return a text in UTF-8, UTF-16 or, with a sentence, what Windows writes in the west."""
    wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    try:
        return data.decode("utf-16" if wide else "utf-8-sig"), ()
    except UnicodeDecodeError as error:
        if wide or b"\0" in data:
            raise UserError(f"{name} is not a CSV file.") from error
    return data.decode("cp1252", "replace"), (f"{name} is not in UTF-8; it was read as Windows-1252.",)
