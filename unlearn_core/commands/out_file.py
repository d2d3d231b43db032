"""The option `--out` of commands that train for minutes before they write."""

import os
from pathlib import Path

from unlearn_core.errors import UserError


def writable(path: Path, ending: str) -> Path:
    """Return a path that can be written, and make its folder.

    Raises `UserError` for another ending, and if the file or its folder cannot be written.
    """
    if path.suffix != ending or path.is_dir():
        raise UserError(f"--out must name a file that ends in {ending}, not {path}.")
    folder = next(above for above in path.absolute().parents if above.exists())
    if not folder.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise UserError(f"{path} cannot be written.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
