"""Signs of life: when the process of a run was last at work."""

from contextlib import suppress
from pathlib import Path

_FILE = "at_work"
"""An empty file in the folder of a run, whose time counts."""


def sign(folder: Path) -> None:
    """Note that the process of the run with this folder is at work."""
    # What else cannot be written ends the run with a sentence.
    with suppress(OSError):
        (folder / _FILE).touch()


def last_sign(folder: Path) -> float:
    """Return when `sign` was called last, by the clock of then; the time of the folder if never, else 0."""
    path = folder / _FILE
    with suppress(OSError):
        return (path if path.exists() else folder).stat().st_mtime
    return 0.0
