"""Rows of untrusted CSV files, whatever program wrote them."""

import codecs
import csv
import re
from io import StringIO

from unlearn_core.errors import UserError

FILES = ("path", "file", "filename", "filepath", "image", "imagepath", "imagename", "imageid", "picture")
PATHS = (*FILES, "idcode", "id")
LABELS = ("label", "class", "target", "classid", "dx", "breed", "diagnosis", "category")
"""Names of columns, without case, spaces, hyphens and underscores."""

_SEPARATORS = ",;\t|"


def rows_of(data: bytes, name: str) -> tuple[list[list[str]], tuple[str, ...]]:
    """Return the rows of a CSV file, without empty ones, and sentences about guesses.

    Columns are separated by commas, semicolons, tabs or bars, as most often in the first line. What is no
    such file raises `UserError`.
    """
    text, guessed = _text(data, name)
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [row for row in reader if row], guessed
    except csv.Error as error:
        raise UserError(f"{name} is not a CSV file.") from error


def column(header: list[str], names: tuple[str, ...]) -> int | None:
    """Return the column of a header with the first of these names that it has."""
    found = [re.sub(r"[\s_-]", "", name).lower() for name in header]
    return next((found.index(name) for name in names if name in found), None)


def _text(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """Return a text in UTF-8, UTF-16 or, with a sentence, what Windows writes in the west."""
    wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    try:
        return data.decode("utf-16" if wide else "utf-8-sig"), ()
    except UnicodeDecodeError as error:
        if wide or b"\0" in data:
            raise UserError(f"{name} is not a CSV file.") from error
    return data.decode("cp1252", "replace"), (f"{name} is not in UTF-8; it was read as Windows-1252.",)
