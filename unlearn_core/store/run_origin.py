"""What the folder of a run says beside its request: whose weights it keeps, and which files it reads.

Both outlive the server, so that a run that was interrupted or is carried out again is the same run.
"""

import shutil
from pathlib import Path

from unlearn_core.artifacts.picture_files import PICTURE_FILES

_FOUND_BY = "found_by.txt"


def write_found_by(folder: Path, run_id: str) -> None:
    """Note the run whose weights this one keeps instead of looking for them."""
    (folder / _FOUND_BY).write_text(run_id, encoding="utf-8")


def found_by(folder: Path) -> str | None:
    """Return the run whose weights this one keeps, None if it looks for its own."""
    path = folder / _FOUND_BY
    return path.read_text(encoding="utf-8").strip() if path.exists() else None


def copy_picture_files(source: Path, target: Path) -> None:
    """Let a run expect the files that another one read; earlier versions did not note them."""
    if (source / PICTURE_FILES).exists():
        shutil.copyfile(source / PICTURE_FILES, target / PICTURE_FILES)
