"""Records of image sets that users added; this module imports nothing heavy."""

import csv
import shutil
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from unlearn_core.errors import UserError

RECORD, UPLOADED, LEFT_OUT = "image_set.json", "uploaded.zip", "left_out.csv"


class AddedImageSet(BaseModel):
    """One added image set.

    `visitor` is its owner on a shared server, "" is everybody. `left_out` files, listed in `LEFT_OUT`, could
    not be read; `notes` are sentences about how the set was read. `window`: the intensities that are black
    and white in pictures with more than eight bits per channel.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    source: str
    kind: str
    pictures: int
    class_names: tuple[str, ...]
    visitor: str = ""
    megabytes: float | None = None
    left_out: int = 0
    notes: tuple[str, ...] = ()
    window: tuple[float, float] | None = None

    def left_out_in_words(self) -> str:
        """Return how many files were left out, without a full stop."""
        of = self.pictures + self.left_out
        return f"{self.left_out:,} of {of:,} {'was' if self.left_out == 1 else 'were'} left out"


def added_folder(root: Path, name: str) -> Path:
    """Return the folder of an added image set."""
    return root / "image_sets" / quote(name, safe="")


def added_image_sets(root: Path) -> list[AddedImageSet]:
    """Return all added image sets, sorted by name, without damaged ones."""
    found = [_read(path) for path in sorted((root / "image_sets").glob(f"*/{RECORD}"))]
    return [record for record in found if record is not None]


def added_image_set(root: Path, name: str) -> AddedImageSet | None:
    """Return the added image set of this name, or None."""
    return _read(added_folder(root, name) / RECORD)


def read_left_out(root: Path, name: str) -> list[tuple[str, str]]:
    """Return name and reason of each file that was left out of an added image set; none of a damaged list."""
    try:
        with (added_folder(root, name) / LEFT_OUT).open(newline="", encoding="utf-8") as file:
            return [(row[0], row[1]) for row in csv.reader(file) if len(row) == 2][1:]
    except (OSError, ValueError, csv.Error):
        return []


def delete_added(root: Path, name: str) -> None:
    """Remove an added image set, including uploaded pictures.

    An unknown name raises `UserError`.
    """
    if added_image_set(root, name) is None:
        raise UserError(f"There is no added image set {name}.")
    shutil.rmtree(added_folder(root, name), ignore_errors=True)


def _read(path: Path) -> AddedImageSet | None:
    try:
        return AddedImageSet.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
