"""The option `--out` of commands that train for minutes before they write."""

import os
from pathlib import Path

from unlearn_core.errors import UserError


def writable(path: Path, ending: str) -> Path:
    """Return the path of a file with this ending and make its folder; `UserError` if it cannot be written."""
    if path.suffix != ending or path.is_dir():
        raise UserError(f"--out must name a file that ends in {ending}, not {path}.")
    folder = next(above for above in path.absolute().parents if above.exists())
    if not os.access(folder, os.W_OK) or not folder.is_dir():
        raise UserError(f"Files cannot be written to {folder}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
