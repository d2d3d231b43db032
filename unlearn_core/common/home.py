"""The folders of stored data."""

import contextlib
import os
from pathlib import Path

from unlearn_core.errors import UserError


def home() -> Path:
    """Return the folder of the store: `UNLEARN_HOME`, else `~/.unlearn-lens`.

    A user without a home, as in some containers, who has not set `UNLEARN_HOME` either raises `UserError`.
    """
    try:
        return Path(os.environ.get("UNLEARN_HOME") or Path.home() / ".unlearn-lens").expanduser()
    except RuntimeError as error:
        raise UserError(
            "This user has no home folder: set UNLEARN_HOME to a folder for runs and uploads."
        ) from error


def make_private(folder: Path) -> None:
    """Make a folder accessible to its owner only, if the file system supports it."""
    with contextlib.suppress(PermissionError):
        folder.chmod(0o700)


def keep_new_files_private() -> None:
    """Let only the owner read what this process and those it starts write from now on."""
    os.umask(0o077)


def data_dir() -> Path:
    """Return the folder of torchvision's data sets: `UNLEARN_DATA_DIR`, else `data` in the home."""
    return Path(os.environ.get("UNLEARN_DATA_DIR") or home() / "data").expanduser()
